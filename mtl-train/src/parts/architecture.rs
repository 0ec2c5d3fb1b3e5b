//! The sharing architectures of all crates under one name space: what `[sharing] kind = ".."` may say.

use mtl_attention::AttentionConfig;
use mtl_core::{
    Result,
    encode::EncoderPlan,
    params::Scope,
    share::{Sharing, SharingConfig, SharingPart},
    task::TaskSet,
};

use crate::parts::union::union;

union! {
    /// A sharing architecture, from whichever crate.
    pub enum Architecture, what = "sharing architecture", part = SharingPart {
        /// One that needs only encoders.
        Core(SharingConfig),
        /// One made of attention.
        Attention(AttentionConfig),
    }
}

impl Architecture {
    /// Builds it with encoders of `plan`, below `encoder` and `sharing` of `scope`, where the model lives.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) naming the setting out of range.
    pub fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        self.part().build(scope, plan, tasks)
    }
}

impl From<SharingConfig> for Architecture {
    fn from(config: SharingConfig) -> Self {
        Self::Core(config)
    }
}
