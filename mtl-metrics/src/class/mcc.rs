//! Matthews correlation coefficient: the correlation of truth and answer, 0 for guessing, whatever the class sizes.
//!
//! ```text
//! MCC = ( s hits - sum_k said_k true_k ) / sqrt( (s^2 - sum_k said_k^2) (s^2 - sum_k true_k^2) )        s: samples
//! ```
//!
//! For two classes this is the usual four-cell form. Several yes/no labels: the mean over labels.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** J. Gorodkin, *Comparing two K-category assignments by a K-category correlation coefficient*, 2004;
//! scikit-learn `matthews_corrcoef`.
//! **Differs from** scikit-learn, which says 0 when all answers or all labels (of weight above 0) are of one class: that is
//! 0/0 and undefined here, as in its `cohen_kappa_score`.

use mtl_core::{Result, metric::Direction};

use crate::{
    class::counts::{ClassCounts, Quad},
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, OrReason},
};

/// Matthews correlation coefficient, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mcc;

impl Metric for Mcc {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &'static str {
        "mcc"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let quads = state.quads();
        if state.are_labels() {
            let parts: Vec<_> = quads.iter().map(|&quad| mcc(&[quad, quad.flipped()])).collect();
            return MetricValue::average(&parts, "label", state.support());
        }
        MetricValue::of(mcc(&quads), state.support())
    }
}

/// The coefficient of classes that share out the samples.
fn mcc(quads: &[Quad]) -> OrReason<f64> {
    let hits: f64 = quads.iter().map(|q| q.tp).sum();
    let n: f64 = quads.iter().map(|q| q.tp + q.fn_).sum();
    let spread = |margin: fn(&Quad) -> f64| n * n - quads.iter().map(|q| margin(q) * margin(q)).sum::<f64>();
    let (said, truth) = (spread(|q| q.tp + q.fp), spread(|q| q.tp + q.fn_));
    if truth <= 0.0 {
        return Err("only one class occurs".to_owned());
    }
    if said <= 0.0 {
        return Err("only one class is predicted".to_owned());
    }
    let agreement = n * hits - quads.iter().map(|q| (q.tp + q.fp) * (q.tp + q.fn_)).sum::<f64>();
    Ok((agreement / (said * truth).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AnyMetric, Streaming,
        class::testing::{found, near},
    };
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        // Said margins 2 3 0, true margins 1 3 1, 3 hits of 5.
        near(&found(Mcc), (15.0 - 11.0) / (12.0_f64.sqrt() * 14.0_f64.sqrt()));
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.8]], kind: Scores::Probs };
        let mut metric = Streaming::new(Mcc);
        metric.update(&prediction, &Reference::MultiLabel(array![[1.0], [0.0]])).unwrap();
        assert_eq!(metric.compute().get(), Err("only one class is predicted"));
    }
}
