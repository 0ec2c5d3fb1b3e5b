//! The projection onto the dual cone of the gradients, in Gramian coordinates.
//!
//! ```text
//! minimize  v' G v   subject to  v >= u
//! ```
//!
//! `sum_j v_j g_j` is then the direction nearest to `sum_j u_j g_j` that conflicts with no task. Optimal exactly when
//! `v >= u`, `y = G v >= 0` and `y' (v - u) = 0`: `y_i` is the inner product of task `i` with the direction, and a task
//! gets more than `u_i` only if its inner product is 0.
//!
//! **Method.** Lengths are divided out first (`G = D C D` with the cosines `C`), so rows of very different length are
//! solved as well as equal ones and scaling a row scales the answer exactly. What remains is the complementarity problem
//! `z = v - u >= 0, y = C z + q >= 0`, solved by block principal pivoting (`complementarity.rs`).
//!
//! **Shapes**: `G: [m, m]`, `u, v: [m]`.
//!
//! **Differs from** TorchJD, which adds `1e-4 I` to `G / trace(G)` and leaves it there: its directions conflict a
//! little, and below `‖J‖ = 0.01` it replaces `G` by zeros.

use super::{complementarity::Complementarity, dot};
use crate::balance::{Gramian, Outcome};

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct DualCone {
    lengths: Vec<f64>, // 1 for zero rows
    base: Vec<f64>,    // u in units of unit rows, largest 1
    problem: Complementarity,
}

impl DualCone {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a Gramian in, for one or several projections.
    pub fn load(&mut self, gramian: &Gramian) {
        let m = gramian.m();
        self.lengths.clear();
        self.lengths.extend((0..m).map(|i| match gramian.norm(i) {
            length if length > 0.0 => length,
            _ => 1.0,
        }));
        self.base.resize(m, 0.0);
        self.problem.resize(m);
        for i in 0..m {
            for (j, product) in gramian.row(i).iter().enumerate() {
                self.problem.matrix[i * m + j] = product / self.lengths[i] / self.lengths[j];
            }
        }
    }

    /// Writes the minimizer for the lower bounds `u >= 0` and the Gramian loaded last.
    pub fn project(&mut self, u: &[f64], v: &mut [f64]) -> Outcome {
        let m = self.lengths.len();
        let scale = u.iter().zip(&self.lengths).map(|(u, l)| u * l).fold(0.0, f64::max);
        if scale <= 0.0 {
            v[..m].fill(0.0);
            return Outcome::default();
        }
        for (base, (u, length)) in self.base.iter_mut().zip(u.iter().zip(&self.lengths)) {
            *base = u * length / scale;
        }
        for i in 0..m {
            self.problem.q[i] = dot(&self.problem.matrix[i * m..(i + 1) * m], &self.base);
        }
        let iterations = self.problem.solve();
        for (i, v) in v.iter_mut().enumerate().take(m) {
            *v = u[i] + scale * self.problem.z[i] / self.lengths[i];
        }
        Outcome { iterations, residual: self.problem.violation() / (1.0 + self.problem.z.iter().sum::<f64>()) }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn project(rows: &[Vec<f64>], u: &[f64]) -> (Vec<f64>, Gramian, Outcome) {
        let g = Gramian::of_rows(rows);
        let (mut solver, mut v) = (DualCone::new(), vec![0.0; u.len()]);
        solver.load(&g);
        let outcome = solver.project(u, &mut v);
        (v, g, outcome)
    }

    #[test]
    fn two_conflicting_rows_by_hand() {
        // u = e_1, so v = (1, z) with z = 2 / 4.25 making the product with row 2 vanish.
        let (v, _, outcome) = project(&[vec![1.0, 0.0], vec![-2.0, 0.5]], &[1.0, 0.0]);
        assert!((v[1] - 2.0 / 4.25).abs() < 1e-15 && v[0] == 1.0, "{v:?}");
        assert!(outcome.residual < 1e-15);
        let (v, ..) = project(&[vec![1.0, 0.0], vec![0.0, 1.0]], &[0.5, 0.5]);
        assert_eq!(v, [0.5, 0.5]);
    }

    #[test]
    fn degenerate_input_is_solved() {
        let (v, ..) = project(&[vec![1.0], vec![-1.0]], &[0.5, 0.5]);
        assert!((v[0] - v[1]).abs() < 1e-9, "opposite rows cancel: {v:?}");
        let (v, _, outcome) = project(&[vec![0.0], vec![0.0]], &[0.5, 0.5]);
        assert_eq!((v, outcome.residual), (vec![0.5, 0.5], 0.0));
        assert!(project(&[], &[]).0.is_empty());
        assert_eq!(project(&[vec![2.0]], &[1.0]).0, [1.0]);
    }

    fn rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
        (2usize..12, 1usize..12)
            .prop_flat_map(|(m, n)| prop::collection::vec((prop::collection::vec(-1.0..1.0f64, n), -8i32..8), m))
            .prop_map(|rows| rows.into_iter().map(|(r, e)| r.iter().map(|x| x * 10f64.powi(e)).collect()).collect())
    }

    proptest! {
        #[test]
        fn optimal_for_any_rank_and_lengths(rows in rows()) {
            let m = rows.len();
            let (v, g, outcome) = project(&rows, &vec![1.0 / m as f64; m]);
            prop_assert!(outcome.residual < 1e-10, "{:?}", outcome);
            let scale: f64 = (0..m).map(|i| v[i] * g.norm(i)).sum();
            let mut y = vec![0.0; m];
            g.times(&v, &mut y);
            for i in 0..m {
                prop_assert!(v[i] >= 1.0 / m as f64);
                prop_assert!(y[i] >= -1e-10 * scale * g.norm(i));
                prop_assert!((v[i] - 1.0 / m as f64) * y[i] <= 1e-10 * scale * scale);
            }
        }
    }
}
