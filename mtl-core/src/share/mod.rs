//! Sharing architectures: from inputs to features per task.
//!
//! A [`Sharing`] decides what the tasks have in common. It gives each task its features, and returns (never
//! back-propagates) whatever auxiliary losses it wants: load balance, orthogonality. Heads sit on top and know nothing of
//! it. Architectures of this crate need only encoders; those made of attention live in `mtl-attention`.
//!
//! | architecture | idea | file |
//! |---|---|---|
//! | [`HardSharing`] | one trunk, every head on its end | `hard.rs` |
//! | [`Mmoe`] | shared experts, one gate a task | `mmoe.rs` |

mod hard;
mod mmoe;

use std::fmt::Debug;

pub use hard::{HardSharing, HardSharingConfig};
pub use mmoe::{Mmoe, MmoeConfig};
use tch::Tensor;

use crate::{
    batch::Inputs,
    context::Cx,
    encode::Encoder,
    error::Result,
    features::{Features, View},
    params::Scope,
    registry,
    task::TaskSet,
};

/// What a sharing architecture gives for one batch.
#[derive(Debug)]
pub struct SharedFeatures {
    /// Features per task, in task order.
    pub per_task: Vec<Features>,
    /// Losses of the architecture itself.
    pub auxiliary: Vec<AuxiliaryLoss>,
    /// The tensors at which the graph can be cut between the shared trunk and what belongs to tasks.
    pub boundary: Vec<Tensor>,
}

/// A loss of the architecture: added to the objective as it is, seen by no balancer.
#[derive(Debug)]
pub struct AuxiliaryLoss {
    /// Its name in the log.
    pub name: &'static str,
    /// Differentiable scalar `[]`, weighted already.
    pub loss: Tensor,
}

/// From inputs to features per task.
pub trait Sharing: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// What each task gets, in task order: heads are built from this.
    fn views(&self) -> &[View];

    /// Runs the shared part. Deterministic in [`Mode::Eval`](crate::mode::Mode::Eval).
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName) when an input is missing, [`Error::Shape`](crate::Error::Shape)
    /// when one does not fit.
    fn forward(&self, inputs: &Inputs, cx: &Cx) -> Result<SharedFeatures>;
}

/// The settings of an architecture from outside: what [`SharingConfig::register`] takes.
pub trait SharingPart: Debug + Send + Sync {
    /// Builds the architecture on an encoder, its own parameters in `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) naming the setting out of range.
    fn build(&self, scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet) -> Result<Box<dyn Sharing>>;
}

registry! {
    /// The architectures of this crate that a config file can name.
    pub enum SharingConfig, what = "sharing architecture", outside = SharingPart {
        Hard(HardSharingConfig) = "hard", "one trunk, every head on its end";
        Mmoe(MmoeConfig) = "mmoe", "shared experts, mixed by one gate a task";
    }
}

impl SharingConfig {
    /// Builds the architecture on an encoder; its own parameters go into `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) naming the setting out of range.
    pub fn build(&self, scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(match self {
            Self::Hard(_) => Box::new(HardSharing::new(encoder, tasks.len())?),
            Self::Mmoe(config) => Box::new(Mmoe::new(scope, encoder, tasks, config)?),
            Self::Outside(part) => return part.build(scope, encoder, tasks),
        })
    }
}
