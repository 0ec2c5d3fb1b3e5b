//! The sharing architectures of all crates under one name space: what `[sharing] kind = ".."` may say.

use mtl_attention::AttentionConfig;
use mtl_core::{
    Result,
    encode::Encoder,
    params::Scope,
    share::{Sharing, SharingConfig},
    task::TaskSet,
};

use crate::union::union;

union! {
    /// A sharing architecture, from whichever crate.
    pub enum Architecture, what = "sharing architecture" {
        /// One that needs only encoders.
        Core(SharingConfig),
        /// One made of attention.
        Attention(AttentionConfig),
    }
}

impl Architecture {
    /// Builds it on an encoder; its own parameters go into `scope`.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) naming the setting out of range.
    pub fn build(&self, scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        match self {
            Self::Core(c) => c.build(scope, encoder, tasks),
            Self::Attention(c) => c.build(scope, encoder, tasks),
        }
    }
}

impl From<SharingConfig> for Architecture {
    fn from(config: SharingConfig) -> Self {
        Self::Core(config)
    }
}
