//! The attention architectures and encoders that a config file can name.

use mtl_core::{
    Result,
    encode::{BuildEncoder, Encoder, EncoderPlan, Takes},
    input::InputSpec,
    params::Scope,
    registry,
    share::Sharing,
    task::TaskSet,
};

use crate::{
    encoder::{TransformerEncoder, TransformerEncoderConfig},
    task_query::{TaskQueryConfig, TaskQuerySharing},
};

registry! {
    /// The attention architectures that a config file can name.
    pub enum AttentionConfig, what = "attention architecture" {
        TaskQuery(TaskQueryConfig) = "task-query", "each task reads shared tokens with its own learned queries";
    }
}

impl AttentionConfig {
    /// Builds the architecture with encoders of `plan`, for those tasks. `scope` is where the model lives: encoders are made below
    /// `encoder`, the architecture's own parameters below `sharing`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for a setting out of range or an encoder whose features
    /// the architecture cannot use.
    pub fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(match self {
            Self::TaskQuery(c) => {
                let encoder = plan.whole(&mut scope.sub("encoder"))?;
                Box::new(TaskQuerySharing::new(&mut scope.sub("sharing"), encoder, tasks, c)?)
            }
        })
    }
}

registry! {
    /// The encoders made of attention that a config file can name.
    pub enum AttentionEncoderConfig, what = "encoder" {
        Transformer(TransformerEncoderConfig) = "transformer", "self-attention over table fields, patches of pictures, words, signals or sets";
    }
}

impl AttentionEncoderConfig {
    /// Which inputs it takes.
    #[must_use]
    pub fn takes(&self) -> Takes {
        match self {
            Self::Transformer(_) => TransformerEncoder::TAKES,
        }
    }

    /// Builds the encoder for inputs of that kind.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for settings out of range or inputs that the encoder
    /// cannot take.
    pub fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(match self {
            Self::Transformer(c) => Box::new(TransformerEncoder::new(scope, spec, c)?),
        })
    }
}

impl BuildEncoder for AttentionEncoderConfig {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Self::build(self, scope, spec)
    }
}
