//! The negative log-likelihood of the way taken under a mixture of Gaussian ways, nats.
//!
//! ```text
//! NLL = -ln sum_k p_k prod_t N(truth_t; mean_kt, S_kt)          S = [[sx^2, r sx sy], [r sx sy, sy^2]]
//! ```
//!
//! The mean over agents. Probabilities of an agent must sum to 1 (within 1e-6).
//!
//! **Shapes** ways `[n, k, t]`, spreads `[n, k, t]` as `[sx, sy, r]`, probabilities `[n, k]`, truth `[n, t]`.
//! **State** 552 bytes.
//!
//! **Reference** scipy `multivariate_normal.logpdf`; C. Bishop, *Mixture Density Networks*, 1994. **Differs from** the
//! per-point NLL that some papers give: divide by `t` for a single way.

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::{refuse, same_length},
    trajectory::forecasts::Forecasts,
    value::MetricValue,
};

/// Forecasts with a spread at every point.
#[derive(Debug, Clone, Copy)]
pub struct GaussianForecasts<'a> {
    forecasts: Forecasts<'a>,
    spreads: &'a [[f64; 3]],
}

impl<'a> GaussianForecasts<'a> {
    /// Spreads `[n, k, t]` as standard deviations along x and y and their correlation.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for another number of spreads, [`mtl_core::Error::InvalidConfig`] for deviations
    /// outside `[1e-100, 1e100]`, correlations outside `(-1, 1)` and probabilities that do not sum to 1.
    pub fn new(forecasts: Forecasts<'a>, spreads: &'a [[f64; 3]]) -> Result<Self> {
        let [n, k, t] = forecasts.shape();
        same_length("forecasts", "spreads", n * k * t, spreads.len())?;
        let wide = |s: f64| (1e-100..=1e100).contains(&s);
        if let Some([sx, sy, r]) = spreads.iter().find(|[sx, sy, r]| !(wide(*sx) && wide(*sy) && r.abs() < 1.0)) {
            let found = format!("[{sx}, {sy}, {r}]");
            return Err(refuse("forecasts", "spreads", "two positive deviations and a correlation in (-1, 1)", found));
        }
        for agent in forecasts.agents() {
            let sum: f64 = agent.probs.iter().sum();
            if (sum - 1.0).abs() > 1e-6 {
                return Err(refuse("forecasts", "probabilities", "of sum 1", sum.to_string()));
            }
        }
        Ok(Self { forecasts, spreads })
    }
}

/// Mean negative log-likelihood, nats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForecastNll;

impl Metric for ForecastNll {
    type Batch<'a> = GaussianForecasts<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "forecast-nll"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &GaussianForecasts<'_>) -> Result<()> {
        let [_, k, t] = batch.forecasts.shape();
        let mut part = ExactMean::default();
        for (idx, (agent, spreads)) in batch.forecasts.agents().zip(batch.spreads.chunks_exact(k * t)).enumerate() {
            let ways = agent.ways.chunks_exact(t).zip(spreads.chunks_exact(t)).zip(agent.probs);
            let logs: Vec<f64> = ways
                .map(|((way, spreads), p)| {
                    let points = way.iter().zip(spreads).zip(agent.truth);
                    p.ln() + points.map(|((mean, spread), truth)| log_density(mean, *spread, truth)).sum::<f64>()
                })
                .collect();
            let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let nll = -(top + logs.iter().map(|log| (log - top).exp()).sum::<f64>().ln());
            if !nll.is_finite() {
                return Err(refuse("forecasts", "likelihood", "above 0", format!("NLL {nll} (agent {idx})")));
            }
            part.add(nll);
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

fn log_density(mean: &[f64; 2], [sx, sy, r]: [f64; 3], truth: &[f64; 2]) -> f64 {
    let (x, y) = ((truth[0] - mean[0]) / sx, (truth[1] - mean[1]) / sy);
    let free = (1.0 - r) * (1.0 + r);
    -(x * x - 2.0 * r * x * y + y * y) / (2.0 * free) - sx.ln() - sy.ln() - 0.5 * free.ln() - std::f64::consts::TAU.ln()
}

crate::judged::answers_to_come! {
    GaussianForecasts<'a> => "distributions of ways";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let truth = [[1.0, 0.0]];
        let forecasts = Forecasts::new(&[[0.0, 0.0], [1.0, 0.0]], &[0.25, 0.75], &truth, [1, 2, 1]).unwrap();
        let mut metric = Streaming::new(ForecastNll);
        metric.update_batch(&GaussianForecasts::new(forecasts, &[[1.0, 1.0, 0.0]; 2]).unwrap()).unwrap();
        let want = -((0.25 * (-0.5_f64).exp() + 0.75) / std::f64::consts::TAU).ln();
        assert!((metric.compute().value.unwrap() - want).abs() < 1e-15);
        assert!(GaussianForecasts::new(forecasts, &[[1.0, 0.0, 0.0]; 2]).is_err());
        let sum = Forecasts::new(&[[0.0, 0.0]], &[0.5], &truth, [1, 1, 1]).unwrap();
        assert!(GaussianForecasts::new(sum, &[[1.0, 1.0, 0.0]]).is_err());
    }
}
