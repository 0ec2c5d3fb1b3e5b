//! The encoders of all crates under one name space: what `[encoder] kind = ".."` may say.

use mtl_attention::AttentionEncoderConfig;
use mtl_core::{
    Result,
    encode::{Encoder, EncoderConfig, InputSpec},
    params::Scope,
};

use crate::union::union;

union! {
    /// An encoder, from whichever crate.
    pub enum AnyEncoder, what = "encoder" {
        /// One of layers alone.
        Core(EncoderConfig),
        /// One made of attention.
        Attention(AttentionEncoderConfig),
    }
}

impl AnyEncoder {
    /// Builds it for inputs of that kind.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for settings out of range or inputs that it cannot take.
    pub fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        match self {
            Self::Core(c) => c.build(scope, spec),
            Self::Attention(c) => c.build(scope, spec),
        }
    }
}

impl From<EncoderConfig> for AnyEncoder {
    fn from(config: EncoderConfig) -> Self {
        Self::Core(config)
    }
}
