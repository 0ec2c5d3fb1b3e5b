//! Counts per class: the diagonal and the margins of the confusion matrix, without the matrix.
//!
//! ```text
//! hits_k = tp_k     said_k = tp_k + fp_k     true_k = tp_k + fn_k     known
//! ```
//!
//! Precision, recall, F-beta, balanced accuracy, MCC and kappa need no more. `32 c` bytes instead of `8 c^2`; yes/no labels,
//! which have no common matrix, fit as well: each label is a question whose "no" follows from the four numbers. A single
//! yes/no label counts as a task of two classes, "no" and "yes".

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use crate::{
    fold::{self, Width},
    input::MetricBatch,
    metric::MetricState,
    value::{MetricValue, NO_WEIGHT, OrReason},
    weight::Tally,
};

/// How the values of several classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    /// The plain mean over classes for which the value is defined.
    #[default]
    Macro,
    /// The value of all classes' counts added up.
    Micro,
    /// The mean over classes, each weighing as much as it occurs; the plain mean when no class with a value occurs.
    Weighted,
}

/// Counts per class or label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClassCounts {
    layout: Option<Layout>,
    /// Known labels: one cell for classes, one per yes/no label.
    known: Tally,
    hits: Tally,
    said: Tally,
    actual: Tally,
}

/// Which of the two readings the counts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Layout {
    Classes,
    YesNo,
}

/// The four numbers of one class against the rest, as weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quad {
    /// True positives.
    pub tp: f64,
    /// False positives.
    pub fp: f64,
    /// False negatives.
    pub fn_: f64,
    /// True negatives.
    pub tn: f64,
}

impl Quad {
    /// The same question asked the other way round.
    #[must_use]
    pub fn flipped(self) -> Self {
        Self { tp: self.tn, fp: self.fn_, fn_: self.fp, tn: self.tp }
    }
}

/// The reason when a class occurs nowhere.
pub(crate) const ABSENT: &str = "neither true nor predicted";

impl ClassCounts {
    fn zeros(width: Width) -> Self {
        let (layout, c, questions) = match width {
            Width::Classes(c) => (Layout::Classes, c, 1),
            Width::Labels(c) => (Layout::YesNo, c, c),
        };
        let cells = || Tally::new(c);
        Self { layout: Some(layout), known: Tally::new(questions), hits: cells(), said: cells(), actual: cells() }
    }

    /// Counts a batch.
    ///
    /// # Errors
    /// As [`crate::Metric::update`].
    pub fn update(&mut self, metric: &str, batch: &MetricBatch<'_>) -> Result<()> {
        fold::scores(
            metric,
            batch,
            self,
            Self::zeros,
            |counts, sample| {
                let said = batch.top_class(sample.scores, sample.kind, sample.row)?;
                counts.known.add(0, sample.weight);
                if said == sample.class {
                    counts.hits.add(said, sample.weight);
                }
                counts.said.add(said, sample.weight);
                counts.actual.add(sample.class, sample.weight);
                Ok(())
            },
            |counts, entry| {
                let said = batch.says_yes(entry.score, entry.kind, entry.row)?;
                counts.known.add(entry.column, entry.weight);
                for (tally, counts) in
                    [(&mut counts.hits, entry.yes && said), (&mut counts.said, said), (&mut counts.actual, entry.yes)]
                {
                    if counts {
                        tally.add(entry.column, entry.weight);
                    }
                }
                Ok(())
            },
        )
    }

    /// Known labels: samples, or entries for yes/no labels.
    #[must_use]
    pub fn support(&self) -> u64 {
        self.known.n_items()
    }

    /// Whether the counts are of several yes/no labels, which have no common matrix.
    #[must_use]
    pub fn are_labels(&self) -> bool {
        self.layout == Some(Layout::YesNo) && self.hits.len() > 1
    }

    /// Each class against the rest, or each label; "no" and "yes" for a single label.
    #[must_use]
    pub fn quads(&self) -> Vec<Quad> {
        let yes_no = self.layout == Some(Layout::YesNo);
        let quad = |k: usize| {
            let known = self.known.value(if yes_no { k } else { 0 });
            let (tp, said, actual) = (self.hits.value(k), self.said.value(k), self.actual.value(k));
            // Differences of rounded weights may fall below 0 by the rounding.
            let at_least_0 = |x: f64| x.max(0.0);
            let (fp, fn_) = (at_least_0(said - tp), at_least_0(actual - tp));
            Quad { tp, fp, fn_, tn: at_least_0(known - said - fn_) }
        };
        if yes_no && self.hits.len() == 1 {
            return vec![quad(0).flipped(), quad(0)];
        }
        (0..self.hits.len()).map(quad).collect()
    }

    /// The average of `value` over classes.
    ///
    /// `Micro` adds the numbers of all classes up first: of a single yes/no label those of "yes" alone.
    pub(crate) fn average(&self, average: Average, value: impl Fn(&Quad) -> OrReason<f64>) -> MetricValue {
        let quads = self.quads();
        if self.support() > 0 && quads.iter().all(|q| q.tp + q.fp + q.fn_ + q.tn <= 0.0) {
            return MetricValue::undefined(NO_WEIGHT, self.support());
        }
        match average {
            Average::Macro => {
                let parts: Vec<_> = quads.iter().map(value).collect();
                MetricValue::average(&parts, "class", self.support())
            }
            Average::Micro => {
                let add =
                    |a: Quad, b: &Quad| Quad { tp: a.tp + b.tp, fp: a.fp + b.fp, fn_: a.fn_ + b.fn_, tn: a.tn + b.tn };
                let single = self.layout == Some(Layout::YesNo) && self.hits.len() == 1;
                let sum =
                    quads.iter().skip(usize::from(single)).fold(Quad { tp: 0.0, fp: 0.0, fn_: 0.0, tn: 0.0 }, add);
                MetricValue::of(value(&sum), self.support())
            }
            Average::Weighted => {
                let weighted: Vec<_> = quads.iter().map(|quad| (value(quad), quad.tp + quad.fn_)).collect();
                let mean = fold::weighted_mean(&weighted);
                let values: Vec<_> = weighted.into_iter().map(|(value, _)| value).collect();
                // Where only classes that do not occur have a value, all weights are 0 and each counts the same.
                let plain = MetricValue::average(&values, "class", self.support());
                MetricValue { value: mean.or(plain.value), ..plain }
            }
        }
    }
}

impl MetricState for ClassCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.layout.is_none() {
            return Ok(());
        }
        if self.layout.is_none() {
            self.clone_from(other);
            return Ok(());
        }
        if self.layout != other.layout {
            return Err("class labels cannot be merged with yes/no labels".into());
        }
        if self.hits.len() != other.hits.len() {
            return Err(format!("{} classes cannot be merged with {}", self.hits.len(), other.hits.len()));
        }
        // Every other count is at most `known`, so once this one has room, none of them can fail after it.
        self.known.merge(&other.known)?;
        self.hits.merge(&other.hits)?;
        self.said.merge(&other.said)?;
        self.actual.merge(&other.actual)
    }

    fn check(&self) -> OrReason<()> {
        [&self.known, &self.hits, &self.said, &self.actual].into_iter().try_for_each(Tally::check)?;
        let c = self.hits.len();
        let questions = if self.layout == Some(Layout::YesNo) { c } else { usize::from(c > 0) };
        let same = self.said.len() == c && self.actual.len() == c && self.known.len() == questions;
        if !same || self.layout.is_some() != (c > 0) {
            return Err("its counts contradict each other".into());
        }
        let bounded = |k: usize| {
            let of = |tally: &Tally| tally.items().get(k).copied().unwrap_or(0);
            let (hits, said, truth) = (of(&self.hits), of(&self.said), of(&self.actual));
            let known = if questions == c { of(&self.known) } else { self.known.n_items() };
            hits <= said.min(truth) && said <= known && truth <= known && said - hits <= known - truth
        };
        if (0..c).all(bounded) { Ok(()) } else { Err("its counts contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_counts_are_refused() {
        let mut counts = ClassCounts::zeros(Width::Labels(1));
        (0..3).for_each(|_| counts.known.add(0, 1.0));
        (0..2).for_each(|_| counts.said.add(0, 1.0));
        assert!(counts.check().is_ok());
        counts.hits.add(0, 1.0);
        assert!(counts.check().is_err());
        counts.actual.add(0, 1.0);
        assert!(counts.check().is_ok());
        assert!(counts.merge(&ClassCounts::zeros(Width::Classes(1))).is_err());
        assert!(counts.merge(&ClassCounts::zeros(Width::Labels(2))).is_err());
    }

    #[test]
    fn a_single_label_is_no_and_yes() {
        let mut counts = ClassCounts::zeros(Width::Labels(1));
        (0..5).for_each(|_| counts.known.add(0, 1.0));
        (0..3).for_each(|_| counts.said.add(0, 1.0));
        (0..2).for_each(|_| counts.actual.add(0, 1.0));
        counts.hits.add(0, 1.0);
        let yes = Quad { tp: 1.0, fp: 2.0, fn_: 1.0, tn: 1.0 };
        assert_eq!(counts.quads(), [yes.flipped(), yes]);
    }
}
