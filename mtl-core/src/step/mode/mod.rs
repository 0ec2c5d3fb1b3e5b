//! How the task gradients on the shared parameters are computed.
//!
//! | mode | backward passes | holds | direction | for |
//! |---|---|---|---|---|
//! | [`exact`] | one per task | `K` rows of gradients | exact | the default |
//! | [`factored`] | one per task, without weight gradients, and one for them | `K` rows of layer outputs' gradients | exact for its weights; Gramian exact or sketched | wide models, many tasks |
//! | [`representation`] | one per head, one through the trunk | `K` rows of feature gradients | other weights: the Gramian is that of the features | the cheapest |
//! | [`batched`] | one per head, one batched | `K` rows of gradients | exact | models of many tiny operations |
//! | [`low_memory`] | one per head, one batched, one through the trunk | no rows | exact | models that barely fit |
//!
//! Every mode gives its gradients as `TaskGradients`: a Gramian for the balancer, then a combination with the weights
//! that it chose. Where a mode differs from the exact one, its file says in what; `tests/step_modes/` holds them to it.

pub mod batched;
pub mod exact;
pub mod factored;
mod heads;
pub mod low_memory;
pub mod representation;

use tch::Tensor;

use super::pass::Pass;
use crate::{
    error::{Error, Result},
    registry,
    shim::Rows,
};

registry! {
    /// The step modes that a config file can name.
    pub enum StepMode, what = "step mode" {
        Exact(exact::ExactConfig) = "exact", "one backward pass per task";
        Factored(factored::FactoredConfig) = "factored", "gradients of layer outputs per task, one pass for the weights";
        Representation(representation::RepresentationConfig) = "representation", "task gradients on the features only";
        Batched(batched::BatchedConfig) = "batched", "all tasks in one batched backward pass";
        LowMemory(low_memory::LowMemoryConfig) = "low-memory", "a Gramian without rows, then one weighted backward pass";
    }
}

impl Default for StepMode {
    fn default() -> Self {
        Self::Exact(exact::ExactConfig::default())
    }
}

/// The gradients of the active tasks on the shared parameters, in whatever form a mode holds them. Blocks are lists of
/// indices into the shared parameters.
pub(super) trait TaskGradients {
    /// The Gramian over all shared parameters, `[k, k]` row-major.
    fn gramian(&self) -> Result<Vec<f64>>;

    /// Whether there is a Gramian per block at all.
    fn has_blocks(&self) -> bool {
        true
    }

    /// The Gramian over one block.
    fn block_gramian(&self, block: &[usize]) -> Result<Vec<f64>>;

    /// Drops all tasks but those whose row indices are given, ascending.
    fn keep(&mut self, rows: &[usize]) -> Result<()>;

    /// `sum_k weights[k] * gradient_k` over one block: calls `out` with the index of a shared parameter and its gradient.
    fn combine(&mut self, block: &[usize], weights: &[f64], out: &mut Sink<'_>) -> Result<()>;

    /// The rows themselves, for methods that look at the Jacobian.
    fn rows(&mut self) -> Option<&mut Rows> {
        None
    }

    /// The relative error of the Gramian, where it is an estimate.
    fn error_estimate(&self) -> Option<f64> {
        None
    }
}

/// Takes the gradient of the shared parameter of that index.
pub(super) type Sink<'a> = dyn FnMut(usize, Tensor) -> Result<()> + 'a;

/// What a mode gives: the shared gradients, and those of each active task's own parameters.
pub(super) struct Collected<'a> {
    pub(super) shared: Box<dyn TaskGradients + 'a>,
    pub(super) heads: Vec<Vec<Option<Tensor>>>,
}

impl StepMode {
    /// Whether the forward pass must keep a tape for it.
    #[must_use]
    pub fn wants_tape(&self) -> bool {
        matches!(self, Self::Factored(_))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the first out of range.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Factored(config) => config.validate(),
            _ => Ok(()),
        }
    }

    pub(super) fn collect<'a>(&self, pass: Pass<'a>) -> Result<Collected<'a>> {
        match self {
            Self::Exact(_) => exact::collect(pass),
            Self::Factored(config) => factored::collect(pass, config),
            Self::Representation(_) => representation::collect(pass),
            Self::Batched(_) => batched::collect(pass),
            Self::LowMemory(_) => low_memory::collect(pass),
        }
    }
}

/// The error of a mode that has no Gramians per block.
fn no_blocks<T>(mode: &'static str) -> Result<T> {
    Err(Error::InvalidConfig {
        what: "step",
        field: "mode",
        expected: "exact, batched or factored for a method that weighs parameter blocks".into(),
        found: mode.into(),
    })
}
