//! Minimum detection cost: the expected cost of the best threshold, relative to the best answer without looking.
//!
//! ```text
//! C(t)   = c_miss FNR(t) p + c_alarm FPR(t) (1 - p)        p: how frequent targets are in use, not in the data
//! minDCF = min_t C(t) / min( c_miss p, c_alarm (1 - p) )   thresholds above and below all scores included
//! ```
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** NIST 2016 speaker recognition evaluation plan, section 3 (its normalized cost, minimized).
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Cost of the best threshold, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MinDcf {
    p_target: f64,
    cost_miss: f64,
    cost_alarm: f64,
    name: String,
}

impl MinDcf {
    /// The cost where a share `p_target` of trials are targets, in `(0, 1)`; costs of a miss and of a false alarm, both
    /// larger than 0.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] outside these ranges.
    pub fn new(p_target: f64, cost_miss: f64, cost_alarm: f64) -> Result<Self> {
        let refuse = |field, expected: &str, found: f64| {
            Err(Error::InvalidConfig {
                what: "min-dcf",
                field,
                expected: expected.to_owned(),
                found: found.to_string(),
            })
        };
        if !(p_target > 0.0 && p_target < 1.0) {
            return refuse("p_target", "in (0, 1)", p_target);
        }
        for (field, cost) in [("cost_miss", cost_miss), ("cost_alarm", cost_alarm)] {
            if !(cost > 0.0 && cost.is_finite()) {
                return refuse(field, "larger than 0 and finite", cost);
            }
        }
        let cost = |key, cost: f64| if (cost - 1.0).abs() > 0.0 { format!(",{key}={cost}") } else { String::new() };
        let name = format!("min-dcf@p={p_target}{}{}", cost("miss", cost_miss), cost("alarm", cost_alarm));
        Ok(Self { p_target, cost_miss, cost_alarm, name })
    }

    fn least(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.both()?;
        let (miss, alarm) = (self.cost_miss * self.p_target, self.cost_alarm * (1.0 - self.p_target));
        let cost = |Stop { tp, fp, .. }| miss * (1.0 - tp / sweep.positives()) + alarm * (fp / sweep.negatives());
        // Above all scores the cost is `miss`; below all of them, the last stop, `alarm`.
        Ok(sweep.stops().map(cost).fold(miss, f64::min) / miss.min(alarm))
    }
}

impl Default for MinDcf {
    /// One target in a hundred, both costs 1.
    fn default() -> Self {
        Self { p_target: 0.01, cost_miss: 1.0, cost_alarm: 1.0, name: "min-dcf@p=0.01".to_owned() }
    }
}

impl Metric for MinDcf {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(&self.name, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| self.least(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let dcf = MinDcf::new(0.5, 1.0, 1.0).unwrap();
        // Best: one of two found without alarm, cost 1/4 of 1/2.
        assert_eq!(dcf.least(&Column::of(&[0.9, 0.6], &[0.7, 0.1])), Ok(0.5));
        assert_eq!(dcf.least(&Column::of(&[0.1], &[0.9])), Ok(1.0));
        assert_eq!(MinDcf::new(0.5, 10.0, 1.0).unwrap().least(&Column::of(&[0.9, 0.6], &[0.7, 0.1])), Ok(0.5));
        assert_eq!(MinDcf::new(0.01, 1.0, 1.0).unwrap(), MinDcf::default());
        assert!(MinDcf::new(1.0, 1.0, 1.0).is_err() && MinDcf::new(0.1, 0.0, 1.0).is_err());
    }
}
