//! Sharing architectures: from inputs to features per task.
//!
//! A [`Sharing`] decides what the tasks have in common. It is given the [plan of an encoder](EncoderPlan) and builds as many as it
//! wants of it, whole or in stages; it gives each task that is wanted its features, and returns (never back-propagates) whatever
//! auxiliary losses it wants: load balance, orthogonality. Heads sit on top and know nothing of it. Architectures of this crate need
//! only encoders; those made of attention live in `mtl-attention`. All obey [`laws::sharing`](crate::laws::sharing).
//!
//! | architecture | idea | encoders | file |
//! |---|---|---|---|
//! | [`HardSharing`] | one trunk, every head on its end | one | `hard.rs` |
//! | [`Mmoe`] | shared experts, one gate a task | one | `mmoe.rs` |
//! | [`CrossStitch`] | a column a task, mixed after every stage | one a task | `cross_stitch.rs` |
//! | [`Mtan`] | shared trunk, each task attends to every stage of it | one, by stages | `mtan.rs` |
//! | [`Branch`] | first stages shared, the others once a task or group | one, in parts | `branch.rs` |
//! | [`Fusion`] | an encoder an input, put together at the end | one an input | `fusion.rs` |

mod branch;
mod cross_stitch;
mod fusion;
mod hard;
mod mmoe;
mod mtan;
mod task_mask;

use std::fmt::Debug;

pub use branch::{Branch, BranchAt, BranchConfig};
pub use cross_stitch::{CrossStitch, CrossStitchConfig, StitchUnit};
pub use fusion::{Combine, Fusion, FusionConfig, FusionPart};
pub use hard::{HardSharing, HardSharingConfig};
pub use mmoe::{Mmoe, MmoeConfig};
pub use mtan::{Mtan, MtanConfig};
pub use task_mask::TaskMask;
use tch::Tensor;

use crate::{
    batch::Inputs,
    context::Cx,
    encode::EncoderPlan,
    error::{Error, Result},
    features::{Features, View},
    params::Scope,
    registry,
    task::TaskSet,
};

/// What a sharing architecture gives for one batch.
#[derive(Debug)]
pub struct SharedFeatures {
    /// Features per task, in task order; `None` for a task that was not wanted.
    pub per_task: Vec<Option<Features>>,
    /// Losses of the architecture itself.
    pub auxiliary: Vec<AuxiliaryLoss>,
    /// The tensors at which the graph can be cut between the shared trunk and what belongs to tasks.
    pub boundary: Vec<Tensor>,
}

impl SharedFeatures {
    /// The features of a task that was wanted.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when there are none, naming the tasks that have some.
    pub fn of(&self, task_idx: usize) -> Result<&Features> {
        self.per_task.get(task_idx).and_then(Option::as_ref).ok_or_else(|| {
            let there = self.per_task.iter().enumerate().filter(|(_, features)| features.is_some());
            let known = there.map(|(idx, _)| idx.to_string()).collect();
            Error::UnknownName { what: "features of the task of index", name: task_idx.to_string(), known }
        })
    }
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

    /// As [`Encoder::members`](crate::encode::Encoder::members) of the encoders that it is built of; 1 unless overridden, which does for encoders of one member alone.
    /// What architectures do to rows they do to each member's, so nothing more is needed to pass members through. Where encoders of
    /// several numbers of members are put together, [`common_members`](crate::encode::common_members) says how many all have.
    fn members(&self) -> i64 {
        1
    }

    /// Gives the wanted tasks their features. What only other tasks need is not computed, so that it costs nothing and leaves
    /// running statistics alone; what the wanted ones get does not depend on it. Deterministic in
    /// [`Mode::Eval`](crate::mode::Mode::Eval).
    ///
    /// # Errors
    /// [`Error::UnknownName`] when an input is missing, [`Error::Shape`] when one does not fit.
    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures>;
}

/// The settings of an architecture, ours or from outside: what [`SharingConfig::register`] takes.
pub trait SharingPart: Debug + Send + Sync {
    /// Builds the architecture with encoders of `plan`, as [`SharingConfig::build`].
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>>;

    /// Whether tasks choose among a table's fields themselves, as tokens: a run that names no encoder then gets one that does
    /// not mix them. Not so, unless overridden.
    fn reads_fields(&self) -> bool {
        false
    }
}

registry! {
    /// The architectures of this crate that a config file can name.
    pub enum SharingConfig, what = "sharing architecture", outside = SharingPart {
        Hard(HardSharingConfig) = "hard", "one trunk, every head on its end";
        Mmoe(MmoeConfig) = "mmoe", "shared experts, mixed by one gate a task";
        CrossStitch(CrossStitchConfig) = "cross-stitch", "one encoder a task, mixed after every stage";
        Mtan(MtanConfig) = "mtan", "one trunk, every task attends to each stage of it";
        Branch(BranchConfig) = "branch", "first stages shared, the others once a task or group of tasks";
        Fusion(FusionConfig) = "fusion", "one encoder an input, concatenated or gated at the end";
    }
}

impl SharingConfig {
    /// Builds the architecture with encoders of `plan`. `scope` is where the model lives: encoders are made below `encoder`, the
    /// architecture's own parameters below `sharing`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range, of the architecture or of the encoder.
    pub fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        self.part().build(scope, plan, tasks)
    }
}
