//! The weights at which every task gains its fair share.
//!
//! ```text
//! find w > 0 with  (G w)_i = w_i^(-1/alpha)  for every i
//! ```
//!
//! `(G w)_i` is the first-order gain of task `i` along the direction `sum_j w_j g_j`. With `alpha = 1` this is the Nash
//! bargaining solution. It is the stationary point of the strictly convex `½ w'Gw - sum_i phi(w_i)` with
//! `phi'(w) = w^(-1/alpha)`, so Newton's method finds it; no programming package is needed.
//!
//! **Method.** Lengths are divided out first: with `w_i = b_i / ‖g_i‖` the equations become
//! `(C b)_i = k_i b_i^(-1/alpha)`, `k_i = ‖g_i‖^(1/alpha - 1)`, which for `alpha = 1` do not depend on the lengths at all.
//! Newton steps are damped so that `b` stays positive and the function falls.
//!
//! There is no solution when some convex combination of the gradients vanishes (a Pareto stationary point): then `b` runs
//! off to infinity while `‖C b‖` vanishes. That is detected, and [`Fair::solve`] says `None`.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`. 3-10 steps of `O(m³ / 6)`; two tasks with `alpha = 1` have a closed form.
//!
//! **Differs from** LibMTL and TorchJD, which linearize the same equations and call a conic solver some 20 times per
//! step, with residuals from 1e-7 up to 1000 where no solution exists.

use super::{cholesky, dot};
use crate::balance::{Gramian, Outcome};

/// Above this the gains, `1 / b`, are a 10^10-th of the terms they are sums of: a cancellation, as squared lengths carry
/// only 8 digits of a length.
const RUNAWAY: f64 = 1e5;
const STEPS: usize = 200;

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct Fair {
    cosines: Vec<f64>, // [m, m]
    lengths: Vec<f64>,
    k: Vec<f64>,
    b: Vec<f64>,
    trial: Vec<f64>,
    products: Vec<f64>, // C b
    step: Vec<f64>,
    hessian: Vec<f64>,
    decrement: f64, // Newton's, of the last step
    start: f64,     // largest entry of b for orthogonal rows
}

impl Fair {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the weights; `None` (weights 0) at a Pareto stationary point. Zero rows get weight 0 and take no part.
    pub fn solve(&mut self, gramian: &Gramian, alpha: f64, w: &mut [f64]) -> Option<Outcome> {
        let m = gramian.m();
        w[..m].fill(0.0);
        self.load(gramian, alpha);
        let power = 1.0 / alpha;
        if m == 2 && (power - 1.0).abs() < 1e-12 && self.lengths.iter().all(|l| *l > 0.0) {
            return self.two(w);
        }
        let mut previous = f64::INFINITY;
        for iteration in 0..STEPS {
            self.multiply();
            let residual = self.residual(power);
            // Rounding ends the descent: accept once small steps bring no more.
            let stalled = residual <= 1e-9 && residual >= 0.5 * previous;
            if residual <= 1e-14 || stalled || iteration + 1 == STEPS {
                for i in (0..m).filter(|&i| self.lengths[i] > 0.0) {
                    w[i] = self.b[i] / self.lengths[i];
                }
                return Some(Outcome { iterations: iteration, residual });
            }
            previous = residual;
            let size = self.b.iter().fold(0.0, |a: f64, b| a.max(*b));
            if size > RUNAWAY * self.start || !self.newton_step(power) {
                return None;
            }
            self.move_along(power);
        }
        None
    }

    /// Two tasks with `alpha = 1` gain alike: `b_1 = b_2 = 1 / sqrt(1 + cosine)`. Beside being fast, the closed form treats
    /// both rows the same to the last bit, where an elimination would favor one.
    fn two(&self, w: &mut [f64]) -> Option<Outcome> {
        let agreement = 1.0 + self.cosines[1].max(-1.0);
        if agreement <= RUNAWAY.powi(-2) {
            return None;
        }
        let b = 1.0 / agreement.sqrt();
        w.iter_mut().zip(&self.lengths).for_each(|(w, length)| *w = b / length);
        Some(Outcome::default())
    }

    fn load(&mut self, gramian: &Gramian, alpha: f64) {
        let m = gramian.m();
        self.lengths.clear();
        self.lengths.extend((0..m).map(|i| gramian.norm(i)));
        self.cosines.resize(m * m, 0.0);
        for i in 0..m {
            for j in 0..m {
                let (a, b) = (self.lengths[i], self.lengths[j]);
                let cosine = if a > 0.0 && b > 0.0 { gramian.get(i, j) / a / b } else { 0.0 };
                self.cosines[i * m + j] = if i == j { 1.0 } else { cosine };
            }
        }
        self.k.clear();
        let exponent = 1.0 / alpha - 1.0;
        let nash = exponent.abs() < 1e-12; // powers are slow beside all the rest
        self.k.extend(self.lengths.iter().map(|l| if *l > 0.0 && !nash { l.powf(exponent) } else { 1.0 }));
        // Start: the solution for orthogonal rows, b^(1 + 1/alpha) = k, shrunk so that b'Cb fits its sum.
        let root = alpha / (alpha + 1.0);
        self.b.clear();
        self.b.extend(self.k.iter().map(|k| if nash { 1.0 } else { k.powf(root) }));
        self.start = self.b.iter().fold(0.0, |a: f64, b| a.max(*b));
        for buffer in [&mut self.trial, &mut self.products, &mut self.step] {
            buffer.resize(m, 0.0);
        }
        self.hessian.resize(m * m, 0.0);
        self.multiply();
        let (square, target) = (dot(&self.b, &self.products), dot(&self.b, &self.b));
        if square > 0.0 {
            let factor = (target / square).powf(root).clamp(1e-3, 1e3);
            self.b.iter_mut().for_each(|b| *b *= factor);
        }
    }

    fn objective(&self, b: &[f64], power: f64) -> f64 {
        let m = b.len();
        let square: f64 = (0..m).map(|i| b[i] * dot(&self.cosines[i * m..(i + 1) * m], b)).sum();
        let log_like = (power - 1.0).abs() < 1e-12;
        let gain: f64 =
            (0..m).map(|i| self.k[i] * if log_like { b[i].ln() } else { b[i].powf(1.0 - power) / (1.0 - power) }).sum();
        0.5 * square - gain
    }

    fn multiply(&mut self) {
        let m = self.b.len();
        for i in 0..m {
            self.products[i] = dot(&self.cosines[i * m..(i + 1) * m], &self.b);
        }
    }

    fn target(&self, i: usize, power: f64) -> f64 {
        if (power - 1.0).abs() < 1e-12 { self.k[i] / self.b[i] } else { self.k[i] * self.b[i].powf(-power) }
    }

    /// Relative violation; gains that are cancellations of terms 10^4 times larger are measured against those.
    fn residual(&self, power: f64) -> f64 {
        let floor = 1e-4 * self.b.iter().sum::<f64>();
        (0..self.b.len())
            .map(|i| (self.products[i], self.target(i, power)))
            .map(|(gain, target)| (gain - target).abs() / target.max(floor))
            .fold(0.0, |a: f64, r| if r.is_nan() { r } else { a.max(r) })
    }

    fn newton_step(&mut self, power: f64) -> bool {
        let m = self.b.len();
        // In relative steps s = step / b the matrix is B C B + diag(target b power): well scaled whatever b is.
        for i in 0..m {
            let target = self.target(i, power);
            for j in 0..=i {
                self.hessian[i * m + j] = self.b[i] * self.cosines[i * m + j] * self.b[j];
            }
            self.hessian[i * m + i] += target * self.b[i] * power;
            self.step[i] = self.b[i] * (target - self.products[i]);
        }
        self.trial.copy_from_slice(&self.step);
        if !cholesky::factor(&mut self.hessian[..m * m], m) {
            return false;
        }
        cholesky::solve(&self.hessian[..m * m], m, &mut self.step);
        self.decrement = dot(&self.step, &self.trial).max(0.0).sqrt();
        true
    }

    /// Takes the whole step when it changes no entry by more than a quarter: the matrix then hardly changes. Else takes
    /// the longest of 1, 1/2, 1/4, .. of it that lets the function fall.
    fn move_along(&mut self, power: f64) {
        let m = self.b.len();
        let largest = self.step.iter().fold(0.0, |a: f64, s| a.max(s.abs()));
        let deepest = self.step.iter().fold(0.0, |a: f64, s| a.min(*s));
        let mut length = if deepest < -0.9 { -0.9 / deepest } else { 1.0 };
        let mut limit = f64::INFINITY;
        if (power - 1.0).abs() < 1e-12 {
            // A logarithmic function is self-concordant: this length lets it fall without a look.
            length = if self.decrement > 0.25 { 1.0 / (1.0 + self.decrement) } else { 1.0 };
        } else if largest > 0.25 {
            // Compared only far from the solution, where the difference is not lost in rounding.
            limit = self.objective(&self.b, power);
        }
        let slack = 1e-14 * limit.abs();
        for _ in 0..40 {
            for i in 0..m {
                self.trial[i] = self.b[i] * (1.0 + length * self.step[i]);
            }
            if limit.is_infinite() || self.objective(&self.trial, power) <= limit + slack {
                break;
            }
            length *= 0.5;
        }
        std::mem::swap(&mut self.b, &mut self.trial);
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orthogonal_rows_by_hand() {
        let g = Gramian::of_rows(&[[2.0, 0.0], [0.0, 0.5]]);
        let mut w = [0.0; 2];
        // w_i^(1 + 1/alpha) ‖g_i‖² = 1.
        for alpha in [0.5, 1.0, 2.0, 8.0] {
            let outcome = Fair::new().solve(&g, alpha, &mut w).unwrap();
            let expected = |square: f64| (1.0 / square).powf(alpha / (alpha + 1.0));
            assert!(outcome.residual < 1e-13, "{outcome:?}");
            assert!((w[0] / expected(4.0) - 1.0).abs() < 1e-13 && (w[1] / expected(0.25) - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn stationary_points_have_no_solution() {
        let mut w = [1.0; 2];
        assert!(Fair::new().solve(&Gramian::of_rows(&[[1.0], [-1.0]]), 1.0, &mut w).is_none());
        assert_eq!(w, [0.0, 0.0]);
        let outcome = Fair::new().solve(&Gramian::of_rows(&[[1.0], [0.0]]), 1.0, &mut w).unwrap();
        assert!(outcome.residual < 1e-13 && (w[0] - 1.0).abs() < 1e-13 && w[1] == 0.0);
    }

    proptest! {
        #[test]
        fn solved_for_independent_rows_of_any_length(
            rows in (2usize..10).prop_flat_map(|m| prop::collection::vec(
                (prop::collection::vec(-1.0..1.0f64, 2 * m + 4), -2i32..2), m)),
            alpha in prop::sample::select(vec![0.5, 1.0, 2.0, 5.0]),
        ) {
            let rows: Vec<Vec<f64>> =
                rows.into_iter().map(|(r, e)| r.iter().map(|x| x * 10f64.powi(e)).collect()).collect();
            let g = Gramian::of_rows(&rows);
            let mut w = vec![0.0; g.m()];
            let outcome = Fair::new().solve(&g, alpha, &mut w);
            prop_assert!(outcome.is_some());
            let mut gains = vec![0.0; g.m()];
            g.times(&w, &mut gains);
            for i in (0..g.m()).filter(|&i| g.diag(i) > 0.0) {
                prop_assert!(w[i] > 0.0);
                prop_assert!((gains[i] * w[i].powf(1.0 / alpha) - 1.0).abs() < 1e-8, "{:?} {} {}", outcome, i, gains[i]);
            }
        }
    }
}
