//! CRPS of an ensemble: how far the members' distribution is from what came; of one member it is the absolute error.
//!
//! ```text
//! CRPS = mean_j |x_j - y| - 1/2 mean_jk |x_j - x_k|        members j, k of m; the second mean over all m^2 pairs
//! ```
//!
//! After sorting the second mean is `2/m^2 sum_j (2 j - m - 1) x_(j)`: `O(m log m)` a sample.
//!
//! **Shapes** members `[b, m]`, truth `[b]`, see [`Ensemble`]. **State** 560 bytes. **Weights** no.
//!
//! **Reference** T. Gneiting, A. E. Raftery, *Strictly proper scoring rules, prediction, and estimation*, 2007; properscoring
//! `crps_ensemble`.
//! **Differs from** the "fair" variant, whose second mean leaves out `j = k`.

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    regress::forecast::Ensemble,
    value::MetricValue,
};

/// Continuous ranked probability score of an ensemble, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrpsEnsemble;

impl Metric for CrpsEnsemble {
    type Batch<'a> = Ensemble<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "crps-ensemble"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Ensemble<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        let mut members = Vec::new();
        for (row, truth) in batch.known() {
            members.clear();
            members.extend(row.iter().map(|&member| f64::from(member)));
            part.add(crps(&mut members, f64::from(truth)));
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

/// The score of one sample; sorts its members.
fn crps(members: &mut [f64], truth: f64) -> f64 {
    members.sort_unstable_by(f64::total_cmp);
    let m = members.len() as f64;
    let far: f64 = members.iter().map(|x| (x - truth).abs()).sum();
    // Differences from the smallest member: the weights sum to 0, so that this changes nothing but the rounding.
    let low = members.first().copied().unwrap_or(0.0);
    let weight = |idx: usize| 2.0 * idx as f64 + 1.0 - m;
    let apart: f64 = members.iter().enumerate().map(|(idx, x)| weight(idx) * (x - low)).sum();
    (far / m - apart / (m * m)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(CrpsEnsemble);
        metric.update_batch(&Ensemble::new(&[0.0, 2.0, 5.0, 5.0], 2, &[1.0, 3.0]).unwrap()).unwrap();
        // First: 1 - 1/2 * 1; second: 2.
        assert_eq!(metric.compute().value, Some((0.5 + 2.0) / 2.0));
    }
}
