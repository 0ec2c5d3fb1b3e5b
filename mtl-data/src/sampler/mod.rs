//! Samplers: which rows an epoch has, and how often each. Without one every row comes once.
//!
//! ```text
//! labels of the training rows  --SamplerPart::plan-->  Deal  --rows(seed, epoch)-->  the positions of an epoch, in order
//! ```
//! Labels are looked at once, when a loader is made. What an epoch has follows from the seed and its number alone, so it can be repeated,
//! resumed in its middle and read by several ranks without saving a generator's state; an epoch is as long as any other. As far as a number
//! allows, a share is kept exactly and not on average: a row that is to come `e` times an epoch comes `floor(e)` or `ceil(e)` times, and on
//! average over epochs `e` times ([`Deal::expected`]).
//!
//! | file | what an epoch has | each row |
//! |---|---|---|
//! | `balanced.rs` | [`Balanced`]: as many rows as there are, of every class alike, or nearer to alike | `(n / k) / n_c` times |
//! | `effective_number.rs` | [`EffectiveNumber`]: as many rows as there are, classes by their effective numbers | `n w_c / sum_j n_j w_j` times |
//! | `over.rs` | [`Over`]: small classes as large as a share of the largest | at least once |
//! | `under.rs` | [`Under`]: large classes no larger than some times the smallest | at most once |
//! | `density.rs` | [`Density`]: rows by how many tasks they have labels of, or how rare these are | by its labels |
//! | `composed.rs` | [`Composed`]: of every task at least so many labeled rows in each batch | at least once |
//! | `smote/` | [`Smote`]: small classes made larger by rows between theirs | once |
//! | `classes.rs` | [`Rows`]: what samplers see; the classes of a task | |
//! | `quotas.rs`, `weighted.rs` | how rows are dealt by classes and by weights | |
//! | `drawn.rs` | [`Sampled`]: what epochs had, for reports | |
//!
//! Rows that have no label of a sampler's task are dealt once an epoch by samplers that go by classes: other tasks learn from them. Of
//! several sources ([`Source::parts`]) those are resampled that have labels of the task.
//!
//! What every sampler owes is [`laws::sampler`](crate::laws::sampler). Resampling changes what a network learns to say: `docs/imbalance.md`.
//!
//! **Reference** B. Kang et al., "Decoupling Representation and Classifier for Long-Tailed Recognition", ICLR 2020 (instance-balanced,
//! class-balanced, square-root sampling); H. He, E. Garcia, "Learning from Imbalanced Data", TKDE 21(9), 2009.

mod balanced;
mod classes;
mod composed;
mod density;
mod drawn;
mod effective_number;
mod over;
mod quotas;
mod smote;
mod under;
mod weighted;

use std::{fmt, sync::Arc};

pub use balanced::Balanced;
pub use classes::{ByClass, Rows, has_classes};
pub use composed::Composed;
pub use density::{Density, DensityBy};
pub(crate) use drawn::Counted;
pub use drawn::{Sampled, SampledEpoch, SampledTask};
pub use effective_number::EffectiveNumber;
pub use over::Over;
pub use smote::{CANDIDATES, Smote};
pub use under::Under;

use crate::{error::Result, rng::Rng, source::Source};

mtl_core::registry! {
    /// Which rows an epoch has, and how often each.
    pub enum Sampler, what = "sampler", part = SamplerPart {
        Balanced(Balanced) = "balanced", "as many rows of every class, or nearer to that than the data";
        EffectiveNumber(EffectiveNumber) = "effective-number", "classes by their effective numbers: less than balanced for classes of few rows";
        Over(Over) = "over", "rows of small classes several times, all others once";
        Under(Under) = "under", "of large classes a part, another one each epoch";
        Density(Density) = "density", "rows more often that have labels of more tasks, or of tasks that have few";
        Composed(Composed) = "composed", "every batch with so many labeled rows of each task";
        Smote(Smote) = "smote", "rows of small classes that are made between theirs (SMOTE-NC), for tables";
    }
}

/// Decides which rows an epoch has.
pub trait SamplerPart: Send + Sync {
    /// Checks the settings, which need no rows for that.
    ///
    /// # Errors
    /// `InvalidConfig` for one outside its range.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// By the classes of which task it goes, if it does.
    fn by(&self) -> By<'_> {
        By::NoTask
    }

    /// How epochs of these rows are dealt; `None` where it has nothing to say of them, and each comes once.
    ///
    /// # Errors
    /// `InvalidConfig` for settings that do not suit the rows; `UnknownTask`; those of reading labels.
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>>;

    /// The source with rows that are made of its own behind them; `None`, unless overridden: there are none.
    ///
    /// # Errors
    /// `InvalidConfig` for a source of whose samples no others can be made.
    fn grown(&self, source: &Arc<dyn Source>, seed: u64) -> Result<Option<Arc<dyn Source>>> {
        let _ = (source, seed);
        Ok(None)
    }
}

/// What a sampler goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// No single task.
    NoTask,
    /// The classes of the only task that has some.
    OnlyTask,
    /// The classes of a task of that name.
    Task(&'a str),
}

impl<'a> By<'a> {
    /// As a setting says it.
    fn classes_of(task: Option<&'a str>) -> Self {
        task.map_or(Self::OnlyTask, Self::Task)
    }
}

/// Deals the rows of epochs.
pub trait Deal: Send + Sync + fmt::Debug {
    /// How many times each row comes in an epoch, on average over epochs.
    fn expected(&self) -> Vec<f64>;

    /// How many rows an epoch has: the same number in every one.
    fn len(&self) -> u64;

    /// Whether an epoch has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of an epoch, in order; `rng` belongs to this epoch alone.
    fn rows(&self, rng: &mut Rng) -> Vec<u64>;

    /// By how much the times that a row comes in an epoch may differ from what is expected; below 1, unless overridden.
    fn slack(&self) -> f64 {
        1.0
    }
}
