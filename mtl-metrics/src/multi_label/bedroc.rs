//! BEDROC: a ranking judged by its top, actives weighing exponentially less the further down they are.
//!
//! ```text
//! RIE    = ( 1/A sum_a exp(-alpha r_a / n) ) / ( 1/n (1 - e^-alpha) / (e^(alpha/n) - 1) )        r: rank from 1, A actives
//! BEDROC = (RIE - RIE_min) / (RIE_max - RIE_min)
//! RIE_max = (1 - e^(-alpha R)) / (R (1 - e^-alpha)),   RIE_min = (1 - e^(alpha R)) / (R (1 - e^alpha)),   R = A / n
//! ```
//!
//! With `alpha = 20` the first 8 % of the ranking make 80 % of the value. Among equal scores each active has the mean weight of
//! the places they share.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no: an assay each, mean over those with both answers).
//! **State** 4 bytes a score. **Weights** no.
//!
//! **Reference** J.-F. Truchon, C. I. Bayly, *Evaluating virtual screening methods: good and bad metrics for the "early
//! recognition" problem*, 2007, equation 36; rdkit `Scoring.CalcBEDROC` for scores without ties.
//! **Differs from** rdkit among equal scores, whose order in the list decides there.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Early recognition, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Bedroc {
    alpha: f64,
    name: String,
}

impl Bedroc {
    /// With this weight of the top, in `(0, 500]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another weight.
    pub fn new(alpha: f64) -> Result<Self> {
        if alpha > 0.0 && alpha <= 500.0 {
            return Ok(Self { alpha, name: format!("bedroc@alpha={alpha}") });
        }
        let expected = "in (0, 500]".to_owned();
        Err(Error::InvalidConfig { what: "bedroc", field: "alpha", expected, found: alpha.to_string() })
    }

    fn early(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.both()?;
        let (alpha, actives) = (self.alpha, sweep.positives());
        let n = actives + sweep.negatives();
        let ratio = actives / n;
        // Places r+1..=R together: a geometric sum.
        let decay = alpha / n;
        let places = |from: f64, to: f64| ((-decay * from).exp() - (-decay * to).exp()) / decay.exp_m1();
        let (mut sum, mut last) = (0.0, (0.0, 0.0));
        for Stop { tp, fp, .. } in sweep.stops() {
            if tp > last.0 {
                let (before, after) = (last.0 + last.1, tp + fp);
                sum += (tp - last.0) / (after - before) * places(before, after);
            }
            last = (tp, fp);
        }
        let rie = (sum / actives) / (places(0.0, n) / n);
        let highest = -(-alpha * ratio).exp_m1() / (ratio * -(-alpha).exp_m1());
        let lowest = (alpha * ratio).exp_m1() / (ratio * alpha.exp_m1());
        Ok(((rie - lowest) / (highest - lowest)).clamp(0.0, 1.0))
    }
}

impl Default for Bedroc {
    /// With `alpha = 20`.
    fn default() -> Self {
        Self { alpha: 20.0, name: "bedroc@alpha=20".to_owned() }
    }
}

impl Metric for Bedroc {
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
        batch.scores(&self.name)?;
        state.update(&self.name, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| self.early(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middle() {
        let bedroc = Bedroc::default();
        let (high, low): (Vec<f32>, Vec<f32>) =
            ((900..1000).map(|i| i as f32).collect(), (0..900).map(|i| i as f32).collect());
        assert!((bedroc.early(&Column::of(&high, &low)).unwrap() - 1.0).abs() < 1e-12);
        let (low, high): (Vec<f32>, Vec<f32>) =
            ((0..100).map(|i| i as f32).collect(), (100..1000).map(|i| i as f32).collect());
        assert!(bedroc.early(&Column::of(&low, &high)).unwrap().abs() < 1e-12);
        // One active of two, first: RIE = e^-10 / (1/2 (e^-10 + e^-20)).
        let rie = 2.0 / (1.0 + (-10f64).exp());
        let (highest, lowest) = (2.0 * (1.0 - (-10f64).exp()) / (1.0 - (-20f64).exp()), 2.0 / (1.0 + 10f64.exp()));
        let want = (rie - lowest) / (highest - lowest);
        assert!((bedroc.early(&Column::of(&[1.0], &[0.0])).unwrap() - want).abs() < 1e-12);
        assert!(Bedroc::new(0.0).is_err());
    }
}
