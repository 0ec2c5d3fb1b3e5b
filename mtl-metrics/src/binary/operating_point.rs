//! Operating points: the best that one rate can be while another keeps a limit.
//!
//! ```text
//! value = max over thresholds t of { rate(t) : other(t) keeps the limit }        0 when no threshold keeps it
//! ```
//!
//! What rate and which limit is a [`Point`], one file each: [`PrecisionAtRecall`](super::PrecisionAtRecall),
//! [`RecallAtPrecision`](super::RecallAtPrecision), [`RecallAtFpr`](super::RecallAtFpr) and
//! [`SpecificityAtSensitivity`](super::SpecificityAtSensitivity). A point of your own is a type with these constants
//! and one function.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of
//! [`Auroc`](super::Auroc), averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.

use std::{fmt::Debug, marker::PhantomData};

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// A rate and the limit that another one keeps.
pub trait Point: Debug + Clone + Send + Sync + 'static {
    /// The name without the limit: `precision@recall`.
    const NAME: &'static str;
    /// What the limit is called: `min_recall`.
    const LIMIT: &'static str;
    /// The usual limit, in `[0, 1]`.
    const USUAL: f64;
    /// Whether the value needs negatives; all need positives.
    const NEEDS_NEGATIVES: bool;

    /// The rate at a threshold, `[0, 1]`; `None` where the limit is not kept.
    fn rate(rates: &Rates, limit: f64) -> Option<f64>;
}

/// Rates of the answers "yes from this threshold on".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Share of positives found, also sensitivity.
    pub recall: f64,
    /// Share of positives among what is said to be one; NaN where nothing of weight is.
    pub precision: f64,
    /// Share of negatives said to be positive; NaN without negatives.
    pub false_positive_rate: f64,
}

/// The best rate of a threshold that keeps a limit, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatingPoint<P> {
    limit: f64,
    name: String,
    point: PhantomData<P>,
}

impl<P: Point> OperatingPoint<P> {
    /// The metric for a limit in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another limit.
    pub fn new(limit: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&limit) {
            let (expected, found) = ("in [0, 1]".to_owned(), limit.to_string());
            return Err(Error::InvalidConfig { what: P::NAME, field: P::LIMIT, expected, found });
        }
        Ok(Self::at(limit))
    }

    fn at(limit: f64) -> Self {
        Self { limit, name: format!("{}={limit}", P::NAME), point: PhantomData }
    }

    pub(super) fn best(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        if P::NEEDS_NEGATIVES { sweep.both() } else { sweep.some_positive() }?;
        let rate = |Stop { tp, fp, .. }| {
            let (recall, precision, false_positive_rate) =
                (tp / sweep.positives(), tp / (tp + fp), fp / sweep.negatives());
            P::rate(&Rates { recall, precision, false_positive_rate }, self.limit)
        };
        // The maximum of a NaN and a number is the number.
        Ok(sweep.stops().filter_map(rate).fold(0.0, f64::max))
    }
}

impl<P: Point> Default for OperatingPoint<P> {
    /// At the usual limit.
    fn default() -> Self {
        Self::at(P::USUAL)
    }
}

impl<P: Point> Metric for OperatingPoint<P> {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(&self.name, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| self.best(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary::{PrecisionAtRecall, RecallAtFpr, RecallAtPrecision, SpecificityAtSensitivity};

    fn refusal<P: Point>(limit: f64) -> String {
        OperatingPoint::<P>::new(limit).unwrap_err().to_string()
    }

    #[test]
    fn limits_are_shares() {
        assert!(PrecisionAtRecall::new(1.1).is_err() && RecallAtFpr::new(-0.1).is_err());
        assert!(RecallAtPrecision::new(f64::NAN).is_err());
        assert!(refusal::<crate::binary::specificity_at_sensitivity::Specificity>(2.0).contains("min_sensitivity"));
        assert_eq!(SpecificityAtSensitivity::default(), SpecificityAtSensitivity::new(0.9).unwrap());
        assert_eq!(RecallAtFpr::default().name(), "recall@fpr=0.01");
    }

    #[test]
    fn weightless_answers_have_no_precision() {
        let mut column = Column::of(&[0.5], &[0.1]);
        column.push(0.9, false, 0.0);
        assert_eq!(PrecisionAtRecall::new(0.0).unwrap().best(&column), Ok(1.0));
        assert_eq!(RecallAtPrecision::new(1.0).unwrap().best(&column), Ok(1.0));
    }
}
