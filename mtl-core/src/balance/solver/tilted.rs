//! The shortest convex combination with a price on every gradient, in Gramian coordinates.
//!
//! ```text
//! minimize  ½ w' G w + p' w   subject to  w >= 0, sum_i w_i = 1
//! ```
//!
//! Optimal exactly when `(G w + p)_i >= u` for every `i` with equality where `w_i > 0`, for one multiplier `u`.
//!
//! **Method.** For a given `u` the problem without the sum is a complementarity problem; with `1 1'` added to the matrix its
//! solution's sum rises with `u` at a slope between ½ and 1, piecewise linearly, so a secant finds the `u` whose sum is 1
//! in as many rounds as the set of positive weights changes.
//!
//! **Shapes**: `G: [m, m]`, `p, w: [m]`.
//!
//! **Reference**: Bertsekas, "Constrained optimization and Lagrange multiplier methods", 1982, chapter 2 (the method of
//! multipliers, of which this is the case with one constraint).

use super::complementarity::Complementarity;
use crate::balance::{Gramian, Outcome};

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct Tilted {
    problem: Complementarity,
    price: Vec<f64>,
}

impl Tilted {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the minimizer; `price` has one finite number per row.
    pub fn solve(&mut self, gramian: &Gramian, price: &[f64], w: &mut [f64]) -> Outcome {
        let m = gramian.m();
        w[..m].fill(0.0);
        let cheapest = price.iter().copied().fold(f64::INFINITY, f64::min);
        let spread = price.iter().fold(0.0, |s, p| f64::max(s, p - cheapest));
        let scale = (0..m).map(|i| gramian.diag(i)).fold(spread, f64::max);
        if m < 2 || scale <= 0.0 {
            // One row, or nothing to choose by.
            w[..m].fill(1.0 / m as f64);
            return Outcome::default();
        }
        self.price.clear();
        self.price.extend(price.iter().map(|p| (p - cheapest) / scale));
        self.problem.resize(m);
        for i in 0..m {
            for (j, product) in gramian.row(i).iter().enumerate() {
                self.problem.matrix[i * m + j] = product / scale + 1.0;
            }
        }
        let mut iterations = 0;
        let mut before: Option<(f64, f64)> = None; // (u, sum)
        let mut u = 1.0;
        let mut sum = f64::NAN;
        for _ in 0..ROUNDS {
            for (q, price) in self.problem.q.iter_mut().zip(&self.price) {
                *q = price - u;
            }
            iterations += self.problem.solve();
            sum = self.problem.z.iter().sum::<f64>();
            if (sum - 1.0).abs() <= 4.0 * f64::EPSILON {
                break;
            }
            let slope = before.map_or(1.0, |(u0, sum0)| (sum - sum0) / (u - u0));
            // Outside these bounds only by rounding, or across a change of face.
            let slope = if slope.is_finite() { slope.clamp(0.5, 1.0) } else { 1.0 };
            before = Some((u, sum));
            u += (1.0 - sum) / slope;
        }
        let residual = self.problem.violation().max((sum - 1.0).abs());
        for (w, z) in w.iter_mut().zip(&self.problem.z) {
            *w = z / sum;
        }
        Outcome { iterations, residual }
    }
}

/// Far more than faces change; at a slope of ½ or more the error halves in every round at least.
const ROUNDS: usize = 80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn solve(rows: &[Vec<f64>], price: &[f64]) -> (Vec<f64>, Gramian, Outcome) {
        let g = Gramian::of_rows(rows);
        let mut w = vec![f64::NAN; rows.len()];
        let outcome = Tilted::new().solve(&g, price, &mut w);
        (w, g, outcome)
    }

    #[test]
    fn two_rows_by_hand() {
        // ½ (w² + (1 - w)²) + p w: w = (1 - p) / 2.
        let rows = [vec![1.0, 0.0], vec![0.0, 1.0]];
        let (w, ..) = solve(&rows, &[0.5, 0.0]);
        assert!((w[0] - 0.25).abs() < 1e-14 && (w[1] - 0.75).abs() < 1e-14, "{w:?}");
        let (w, ..) = solve(&rows, &[3.0, 0.5]);
        assert_eq!(w, [0.0, 1.0]);
        // Only prices count for rows that are equal, or zero.
        assert_eq!(solve(&[vec![1.0], vec![1.0]], &[2.0, 1.0]).0, [0.0, 1.0]);
        assert_eq!(solve(&[vec![0.0], vec![0.0]], &[1.0, 2.0]).0, [1.0, 0.0]);
        assert_eq!(solve(&[vec![2.0]], &[5.0]).0, [1.0]);
    }

    fn problems() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<f64>)> {
        (1usize..12, 1usize..12, -9i32..9).prop_flat_map(|(m, n, e)| {
            let scale = 10f64.powi(e);
            let rows = prop::collection::vec(prop::collection::vec((-1.0..1.0f64).prop_map(move |x| x * scale), n), m);
            (rows, prop::collection::vec((-1.0..1.0f64).prop_map(move |x| x * scale * scale), m))
        })
    }

    proptest! {
        #[test]
        fn optimal_for_any_rank_and_scale((rows, price) in problems()) {
            let (w, g, outcome) = solve(&rows, &price);
            prop_assert!(outcome.residual < 1e-11, "{:?}", outcome);
            prop_assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12 && w.iter().all(|w| *w >= 0.0));
            let mut slope = vec![0.0; g.m()];
            g.times(&w, &mut slope);
            slope.iter_mut().zip(&price).for_each(|(s, p)| *s += p);
            let least = slope.iter().copied().fold(f64::INFINITY, f64::min);
            let scale = (0..g.m()).map(|i| g.diag(i)).fold(price.iter().fold(0.0, |s, p| f64::max(s, p.abs())), f64::max);
            for (w, s) in w.iter().zip(&slope) {
                prop_assert!(*w == 0.0 || s - least <= 1e-10 * scale, "{:?} {:?}", w, s - least);
            }
        }
    }
}
