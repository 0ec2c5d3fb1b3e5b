//! Cohen's kappa: agreement beyond chance, with disagreements weighted by how far apart the classes are.
//!
//! ```text
//! kappa = 1 - sum_tp w_tp n_tp / sum_tp w_tp e_tp        e_tp = true_t said_p / n
//! none  w_tp = [t != p]        linear  w_tp = |t - p|        quadratic  w_tp = (t - p)^2
//! ```
//!
//! With quadratic weights it is the usual measure of graded classes (QWK).
//!
//! **Shapes** scores `[b, c]`, labels `[b]`; or one yes/no label. **State** [`ConfusionMatrix`], `8 c^2` bytes. **Weights**
//! yes.
//!
//! **Reference** J. Cohen, *A coefficient of agreement for nominal scales*, 1960, and *Weighted kappa*, 1968; scikit-learn
//! `cohen_kappa_score(labels=range(c), weights=..)`.
//! **Differs from** nothing known: when truth and answer know one and the same class, it is undefined (scikit-learn: NaN).

use mtl_core::{Result, metric::Direction};
use ndarray::Axis;

use crate::{
    class::ConfusionMatrix,
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, NO_WEIGHT, OrReason},
};

/// How much a confusion counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// All the same.
    #[default]
    None,
    /// The distance of the classes.
    Linear,
    /// Its square.
    Quadratic,
}

/// Cohen's kappa, `(-inf, 1]`; without spacing, or with few classes, not below -1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CohenKappa {
    /// How much a confusion counts.
    pub spacing: Spacing,
}

impl Spacing {
    fn name(self) -> &'static str {
        match self {
            Self::None => "cohen-kappa",
            Self::Linear => "linear-kappa",
            Self::Quadratic => "quadratic-kappa",
        }
    }

    fn weight(self, t: usize, p: usize) -> f64 {
        let apart = t.abs_diff(p) as f64;
        match self {
            Self::None => f64::from(u8::from(t != p)),
            Self::Linear => apart,
            Self::Quadratic => apart * apart,
        }
    }

    fn kappa(self, confusion: &ConfusionMatrix) -> OrReason<f64> {
        let counts = confusion.weights();
        let (truth, said) = (counts.sum_axis(Axis(1)), counts.sum_axis(Axis(0)));
        let n = truth.sum();
        if n <= 0.0 {
            return Err(NO_WEIGHT.to_owned());
        }
        let (mut found, mut expected) = (0.0, 0.0);
        for ((t, p), count) in counts.indexed_iter() {
            let weight = self.weight(t, p);
            found += weight * count;
            expected += weight * truth[t] * said[p];
        }
        if expected <= 0.0 {
            Err("truth and prediction know one class only".to_owned())
        } else {
            Ok(1.0 - found * n / expected)
        }
    }
}

impl Metric for CohenKappa {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &str {
        self.spacing.name()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_for(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        MetricValue::of(self.spacing.kappa(state), state.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    /// The value for these answers and labels among `c` classes.
    fn found(metric: CohenKappa, c: usize, said: &[usize], truth: &[i64]) -> MetricValue {
        let scores = Array2::from_shape_fn((said.len(), c), |(row, k)| f32::from(u8::from(said[row] == k)));
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(truth.to_vec())).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let (said, truth) = ([0, 0, 1, 2, 2], [0, 1, 1, 2, 0]);
        let kappa = |spacing| found(CohenKappa { spacing }, 3, &said, &truth).value.unwrap();
        // Margins: true 2 2 1, said 2 1 2. Agreement 3/5, by chance (4 + 2 + 2) / 25.
        assert!((kappa(Spacing::None) - (0.6 - 0.32) / (1.0 - 0.32)).abs() < 1e-15);
        // Squared distances: found 1 + 4; expected (2*1 + 2*4*2 + 2*2 + 2*2 + 1*2*4 + 1*1) / 5.
        assert!((kappa(Spacing::Quadratic) - (1.0 - 5.0 * 5.0 / 35.0)).abs() < 1e-15);
        assert!((kappa(Spacing::Linear) - (1.0 - 3.0 * 5.0 / 23.0)).abs() < 1e-15);
        let single = found(CohenKappa::default(), 3, &[1, 1], &[1, 1]);
        assert_eq!(single.get(), Err("truth and prediction know one class only"));
    }
}
