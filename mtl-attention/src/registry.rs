//! The attention architectures that a config file can name.

use mtl_core::{Result, encode::Encoder, params::Scope, registry, share::Sharing, task::TaskSet};

use crate::task_query::{TaskQueryConfig, TaskQuerySharing};

registry! {
    /// The attention architectures that a config file can name.
    pub enum AttentionConfig, what = "attention architecture" {
        TaskQuery(TaskQueryConfig) = "task-query", "each task reads shared tokens with its own learned queries";
    }
}

impl AttentionConfig {
    /// Builds the architecture on an encoder, for those tasks. Parameters are made in `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for a setting out of range or an encoder whose features
    /// the architecture cannot use.
    pub fn build(&self, scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(match self {
            Self::TaskQuery(c) => Box::new(TaskQuerySharing::new(scope, encoder, tasks, c)?),
        })
    }
}
