//! The direction near a reference that is best for the worst-off task, in Gramian coordinates.
//!
//! ```text
//! d = argmax { min_i <g_i, d> : ‖d - g_0‖ <= c ‖g_0‖ },   g_0 = sum_i p_i g_i
//!   = g_0 + c ‖g_0‖ g_w / ‖g_w‖,   g_w = sum_i w_i g_i
//! w = argmin over the simplex of  <g_w, g_0> + c ‖g_0‖ ‖g_w‖
//! ```
//!
//! **Method.** For a given `s = ‖g_w‖ / (c ‖g_0‖)` the minimizer is the shortest vector in the hull of the shifted
//! gradients `g_i + s g_0`, which [`MinNorm`] finds exactly. While its vertices stay the same, `w` is affine in `s` and
//! the matching `s` the root of a quadratic: Newton's method on a piecewise smooth, monotone equation, kept in a bracket.
//!
//! When no direction of the ball helps the worst task (`‖g_w‖` vanishes: Pareto stationary) there is no answer.
//!
//! **Shapes**: `G: [m, m]`, `p, w: [m]`. 2-5 min-norm problems.
//!
//! **Differs from** LibMTL (SLSQP; its answers are no better and 300-700 times slower) and TorchJD (a cone program with
//! tolerance 1e-8, on `G / trace(G)` replaced by zeros below `‖J‖ = 0.01`).

use super::MinNorm;
use crate::balance::{Gramian, Outcome};

/// A sum of gradients this much shorter than its terms is rounding: squares carry half of the digits.
const STATIONARY: f64 = 1e-7;
const ROUNDS: usize = 100;

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct WorstCase {
    unit: Gramian,
    shifted: Gramian,
    min_norm: MinNorm,
    slope: Vec<f64>,
    drift: Vec<f64>,
    products: Vec<f64>,
}

impl WorstCase {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the weights `p + c ‖g_0‖ / ‖g_w‖ w` of the direction; `None` (weights 0) at a stationary point. `c > 0`,
    /// `p` sums to 1.
    pub fn solve(&mut self, gramian: &Gramian, p: &[f64], c: f64, weights: &mut [f64]) -> Option<Outcome> {
        let m = gramian.m();
        self.load(gramian, p);
        let reference: f64 = self.slope.iter().zip(p).map(|(a, p)| a * p).sum(); // ‖g_0‖²
        let radius2 = c * c * reference;
        let largest = (0..m).map(|i| self.unit.diag(i)).fold(0.0, f64::max);
        if reference <= STATIONARY * STATIONARY * largest {
            weights.fill(0.0);
            return None;
        }
        let (mut s, mut low, mut high) = (1.0 / c, 0.0, f64::INFINITY);
        let mut outcome = Outcome::default();
        for _ in 0..ROUNDS {
            self.shift(s, reference);
            let inner = self.min_norm.solve(&self.shifted, weights);
            self.unit.times(weights, &mut self.products);
            let length2: f64 = weights.iter().zip(&self.products).map(|(w, g)| w * g).sum::<f64>().max(0.0);
            let gap = length2 - radius2 * s * s;
            outcome = Outcome { iterations: outcome.iterations + 1 + inner.iterations, residual: inner.residual };
            let size: f64 = (0..m).map(|i| weights[i] * self.unit.norm(i)).sum();
            let cancelled = length2 <= (STATIONARY * size).powi(2);
            if cancelled && gap <= 1e-12 * length2 {
                break; // a smaller s only shortens g_w further, and this one is made of rounding
            }
            if gap.abs() <= 1e-12 * (length2 + radius2 * s * s) || high - low <= 1e-14 * s {
                let factor = 1.0 / s; // c ‖g_0‖ / ‖g_w‖
                for (w, p) in weights.iter_mut().zip(p) {
                    *w = p + factor * *w;
                }
                return Some(outcome);
            }
            if gap > 0.0 {
                low = s;
            } else {
                high = s;
            }
            s = self.next(s, gap, radius2).filter(|n| *n > low && *n < high).unwrap_or(if high.is_infinite() {
                2.0 * s
            } else if low > 0.0 {
                (low * high).sqrt()
            } else {
                0.01 * high
            });
        }
        weights.fill(0.0);
        None
    }

    /// Takes the Gramian in, divided by its largest entry, and `G p`.
    fn load(&mut self, gramian: &Gramian, p: &[f64]) {
        let m = gramian.m();
        let largest = (0..m).map(|i| gramian.diag(i)).fold(f64::MIN_POSITIVE, f64::max);
        for (unit, g) in self.unit.rebuild(m).iter_mut().zip(gramian.values()) {
            *unit = g / largest;
        }
        for buffer in [&mut self.slope, &mut self.drift, &mut self.products] {
            buffer.resize(m, 0.0);
        }
        self.unit.times(p, &mut self.slope);
    }

    /// The Gramian of `g_i + s g_0`.
    fn shift(&mut self, s: f64, reference: f64) {
        let m = self.unit.m();
        let values = self.shifted.rebuild(m);
        for i in 0..m {
            for j in 0..m {
                values[i * m + j] = self.unit.get(i, j) + s * (self.slope[i] + self.slope[j]) + s * s * reference;
            }
        }
    }

    /// The root in `s` while the vertices stay.
    fn next(&mut self, s: f64, gap: f64, radius2: f64) -> Option<f64> {
        self.min_norm.drift(&self.slope, &mut self.drift);
        let square = self.unit.squared_length(&self.drift) - radius2;
        let half = self.drift.iter().zip(&self.products).map(|(d, g)| d * g).sum::<f64>() - radius2 * s;
        let discriminant = half * half - square * gap;
        (discriminant >= 0.0 && half < 0.0).then(|| s + gap / (discriminant.sqrt() - half))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn objective(g: &Gramian, p: &[f64], c: f64, w: &[f64]) -> f64 {
        let mut gw = vec![0.0; g.m()];
        g.times(w, &mut gw);
        let along: f64 = gw.iter().zip(p).map(|(x, p)| x * p).sum();
        along + c * (g.squared_length(p) * g.squared_length(w)).max(0.0).sqrt()
    }

    #[test]
    fn agreeing_and_opposite_rows() {
        let mut weights = [0.0; 2];
        let g = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        WorstCase::new().solve(&g, &[0.5, 0.5], 0.5, &mut weights).unwrap();
        assert!(weights.iter().all(|w| (w - 0.75).abs() < 1e-14), "{weights:?}");
        let g = Gramian::of_rows(&[[1.0], [-1.0]]);
        assert!(WorstCase::new().solve(&g, &[0.5, 0.5], 0.5, &mut weights).is_none());
        assert_eq!(weights, [0.0, 0.0]);
        // A longer and a shorter opposite row: every direction of the ball hurts one of them.
        let g = Gramian::of_rows(&[[3.0], [-1.0]]);
        assert!(WorstCase::new().solve(&g, &[0.5, 0.5], 2.0, &mut weights).is_none());
    }

    proptest! {
        #[test]
        fn optimal_on_the_simplex(
            rows in (2usize..10).prop_flat_map(|m| prop::collection::vec(
                (prop::collection::vec(-1.0..1.0f64, m + 3), -2i32..2), m)),
            c in 0.1..1.5f64,
        ) {
            let rows: Vec<Vec<f64>> =
                rows.into_iter().map(|(r, e)| r.iter().map(|x| x * 10f64.powi(e)).collect()).collect();
            let g = Gramian::of_rows(&rows);
            let m = g.m();
            let p = vec![1.0 / m as f64; m];
            let mut weights = vec![0.0; m];
            let Some(outcome) = WorstCase::new().solve(&g, &p, c, &mut weights) else { return Ok(()) };
            prop_assert!(outcome.iterations < 200, "{:?}", outcome);
            let raw: Vec<f64> = weights.iter().zip(&p).map(|(w, p)| w - p).collect();
            let sum: f64 = raw.iter().sum();
            let w: Vec<f64> = raw.iter().map(|x| x / sum).collect();
            let found = objective(&g, &p, c, &w);
            let scale = g.trace();
            for i in 0..m {
                // No step towards a vertex lowers the objective.
                for t in [1e-3, 1e-1, 1.0] {
                    let moved: Vec<f64> = w.iter().enumerate()
                        .map(|(j, x)| (1.0 - t) * x + if i == j { t } else { 0.0 }).collect();
                    prop_assert!(objective(&g, &p, c, &moved) >= found - 1e-11 * scale);
                }
            }
        }
    }
}
