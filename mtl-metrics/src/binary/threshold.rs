//! The choice of a threshold: where to cut scores into yes and no.
//!
//! ```text
//! best F1   max 2 tp / (tp + fp + P)        Youden   max TPR - FPR        cheapest   min c_miss fn + c_alarm fp
//! ```
//!
//! over "say yes from score t on", for each score t that occurs; of equal ones the highest. Choose on validation data: the
//! training set is too easy, the test set is for judging.
//!
//! **Reference** W. J. Youden, *Index for rating diagnostic tests*, 1950; scikit-learn `precision_recall_curve` and
//! `roc_curve` have the same candidates.
//! **Differs from** nothing known.

use serde::Serialize;

use crate::{
    Auroc, Streaming,
    binary::sweep::{Stop, Sweep},
    samples::Column,
    value::OrReason,
};

/// A threshold and what it does to the data it was chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// Say yes from this score on.
    pub threshold: f32,
    /// What was optimized: F1, Youden's J, or cost.
    pub objective: f64,
    /// Share of right ones among those said.
    pub precision: f64,
    /// Share of positives found.
    pub recall: f64,
    /// Share of negatives called yes; `None` without negatives.
    pub false_positive_rate: Option<f64>,
}

impl Threshold {
    /// The threshold of the best F1.
    ///
    /// # Errors
    /// The reason when there is no positive.
    pub fn best_f1(column: &Column) -> OrReason<Self> {
        let sweep = Sweep::new(column);
        sweep.some_positive()?;
        Self::best(&sweep, |stop| 2.0 * stop.tp / (stop.tp + stop.fp + sweep.positives()))
    }

    /// The threshold of the largest distance above the diagonal of the ROC curve.
    ///
    /// # Errors
    /// The reason when there is no positive or no negative.
    pub fn youden(column: &Column) -> OrReason<Self> {
        let sweep = Sweep::new(column);
        sweep.both()?;
        Self::best(&sweep, |stop| stop.tp / sweep.positives() - stop.fp / sweep.negatives())
    }

    /// The threshold of the least cost, `objective` being the cost; both costs are finite and not negative.
    ///
    /// # Errors
    /// The reason when there is no positive, or a cost is no cost.
    pub fn cheapest(column: &Column, cost_miss: f64, cost_alarm: f64) -> OrReason<Self> {
        if ![cost_miss, cost_alarm].iter().all(|cost| cost.is_finite() && *cost >= 0.0) {
            return Err(format!("costs must be finite and not negative, found {cost_miss} and {cost_alarm}"));
        }
        let sweep = Sweep::new(column);
        sweep.some_positive()?;
        let cost = |stop: &Stop| cost_miss * (sweep.positives() - stop.tp) + cost_alarm * stop.fp;
        let best = Self::best(&sweep, |stop| -cost(stop))?;
        Ok(Self { objective: 0.0 - best.objective, ..best })
    }

    fn best(sweep: &Sweep, objective: impl Fn(&Stop) -> f64) -> OrReason<Self> {
        let better = |best: Option<(Stop, f64)>, stop: Stop| {
            let value = objective(&stop);
            if best.is_none_or(|(_, highest)| value > highest) { Some((stop, value)) } else { best }
        };
        let (stop, objective) = sweep.stops().fold(None, better).ok_or("no known label")?;
        let negatives = sweep.negatives();
        let said = stop.tp + stop.fp;
        Ok(Self {
            threshold: stop.threshold,
            objective,
            precision: if said > 0.0 { stop.tp / said } else { 0.0 },
            recall: stop.tp / sweep.positives(),
            false_positive_rate: (negatives > 0.0).then(|| stop.fp / negatives),
        })
    }
}

impl Streaming<Auroc> {
    /// A threshold for each class or label (one for two classes), such as `Threshold::best_f1`, or why it has none. It is
    /// on the scale of what is ranked, see [`crate::binary::auroc`].
    #[must_use]
    pub fn thresholds(&self, choose: impl Fn(&Column) -> OrReason<Threshold>) -> Vec<OrReason<Threshold>> {
        self.remembered().columns().iter().map(choose).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnyMetric;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let mut auroc = Streaming::new(Auroc);
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.7], [0.6], [0.1]], kind: Scores::Probs };
        auroc.update(&prediction, &Reference::MultiLabel(array![[1.0], [0.0], [1.0], [0.0]])).unwrap();
        let choice = auroc.thresholds(Threshold::best_f1).remove(0).unwrap();
        assert_eq!((choice.threshold, choice.objective, choice.recall), (0.6, 0.8, 1.0));
        assert_eq!((choice.precision, choice.false_positive_rate), (2.0 / 3.0, Some(0.5)));
        // 0.9 and 0.6 are equally far above the diagonal: the higher one.
        let choice = auroc.thresholds(Threshold::youden).remove(0).unwrap();
        assert_eq!((choice.threshold, choice.objective), (0.9, 0.5));
        let choice = auroc.thresholds(|column| Threshold::cheapest(column, 3.0, 1.0)).remove(0).unwrap();
        assert_eq!((choice.threshold, choice.objective), (0.6, 1.0));
        let refused = auroc.thresholds(|column| Threshold::cheapest(column, -1.0, 1.0)).remove(0);
        assert!(refused.unwrap_err().contains("not negative"));
        assert!(Threshold::best_f1(&Column::default()).is_err());
    }
}
