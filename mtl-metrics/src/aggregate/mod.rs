//! One number from the metrics of several tasks: for tables, for choosing a model, for stopping early.
//!
//! | aggregate | definition | for |
//! |---|---|---|
//! | [`TaskMean`] | mean of the primary metrics | tasks of one kind |
//! | [`TaskWeighted`] | the same, weighted by the tasks' weights | tasks that count differently |
//! | [`Composite`] | the user's expression, `0.6*image.accuracy + 0.4*text.accuracy` | anything else |
//! | [`DeltaM`] | mean relative gain over single-task models, percent | comparing methods |
//!
//! These four are an [`Aggregate`]: they know which way is better, and refuse to add things that do not add: metrics of
//! opposite direction, or of different range (accuracies with errors in years), unless a [`Normalizer`] maps them to one
//! scale. They are checked when they are made, before a training begins, and say `undefined`, with the task at fault, when
//! a metric is.
//!
//! | further view | question |
//! |---|---|
//! | [`Skill`] | how much better than a constant answer: any metric on one scale |
//! | [`Balance`], [`negative_transfer_rate`], [`loss_rate_spread`] | do all tasks gain, or some at the cost of others |
//! | [`Objectives`] | Pareto set, hypervolume, epsilon indicator: comparing methods without one number |
//! | [`Continual`] | tasks learned one after the other: transfer and forgetting |
//! | [`Windowed`], [`Fading`] | streams, where the past counts less |
//! | [`LookAhead`] | does a step for one task help another |

mod affinity;
mod balance;
mod composite;
mod continual;
mod delta_m;
mod mean;
mod pareto;
mod prequential;
mod primary;
mod skill;
mod weighted;

pub use affinity::LookAhead;
pub use balance::{Balance, loss_rate_spread, negative_transfer_rate};
pub use composite::{Composite, CompositeSpec};
pub use continual::Continual;
pub use delta_m::{DeltaM, MIN_BASELINE, TaskGain, relative_gain};
pub use mean::TaskMean;
pub use pareto::Objectives;
pub use prequential::{Fading, Windowed};
pub use primary::Normalizer;
pub use skill::Skill;
pub use weighted::TaskWeighted;

use mtl_core::{Result, metric::Direction};

use crate::{report::MetricReport, value::MetricValue};

/// One number from a report.
pub trait Aggregate: std::fmt::Debug + Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Which way is better.
    fn direction(&self) -> Direction;

    /// The number, or the task because of which there is none. Support is that of the least known metric in it.
    ///
    /// # Errors
    /// A report without the tasks or metrics that the aggregate was made for.
    fn compute(&self, report: &MetricReport) -> Result<MetricValue>;
}
