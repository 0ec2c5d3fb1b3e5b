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
//! solved as well as equal ones and scaling a row scales the answer exactly. The complementarity problem
//! `z = v - u >= 0, y = C z + q >= 0` is solved by block principal pivoting: guess which `z` are free, solve, flip every
//! wrong guess; when three rounds bring no progress flip only the last wrong one (Murty's rule, which cannot cycle).
//! Linearly dependent gradients make `C` singular; a ridge of `1e-11` keeps the factorization alive and one proximal
//! step takes its effect out again: the result solves the problem without a ridge.
//!
//! **Shapes**: `G: [m, m]`, `u, v: [m]`. Typically 2-5 rounds of `O(n³ / 6)` for `n` free tasks.
//!
//! **Reference**: Portugal, Judice, Vicente, "A comparison of block pivoting and interior-point algorithms for linear
//! least squares problems with nonnegative variables", Mathematics of Computation 63, 1994.
//!
//! **Differs from** TorchJD, which adds `1e-4 I` to `G / trace(G)` and leaves it there: its directions conflict a
//! little, and below `‖J‖ = 0.01` it replaces `G` by zeros.

#![expect(clippy::needless_range_loop, reason = "matrix formulas read best with indices")]

use super::{cholesky, dot};
use crate::balance::{Gramian, Outcome};

const RIDGE: f64 = 1e-11;
const TOLERANCE: f64 = 1e-13;

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct DualCone {
    m: usize,
    lengths: Vec<f64>, // 1 for zero rows
    cosines: Vec<f64>, // [m, m]
    base: Vec<f64>,    // u in units of unit rows, largest 1
    q: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    free: Vec<bool>,
    index: Vec<usize>,
    factor: Vec<f64>, // [n, n] for n free
    rhs: Vec<f64>,
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
        self.m = m;
        self.lengths.clear();
        self.lengths.extend((0..m).map(|i| match gramian.norm(i) {
            length if length > 0.0 => length,
            _ => 1.0,
        }));
        self.cosines.resize(m * m, 0.0);
        for i in 0..m {
            for j in 0..m {
                self.cosines[i * m + j] = gramian.get(i, j) / self.lengths[i] / self.lengths[j];
            }
        }
        for buffer in [&mut self.base, &mut self.q, &mut self.z, &mut self.y, &mut self.rhs] {
            buffer.resize(m, 0.0);
        }
        self.free.resize(m, false);
        self.factor.resize(m * m, 0.0);
    }

    /// Writes the minimizer for the lower bounds `u >= 0` and the Gramian loaded last.
    pub fn project(&mut self, u: &[f64], v: &mut [f64]) -> Outcome {
        let m = self.m;
        let scale = (0..m).map(|i| u[i] * self.lengths[i]).fold(0.0, f64::max);
        if scale <= 0.0 {
            v[..m].fill(0.0);
            return Outcome::default();
        }
        for i in 0..m {
            self.base[i] = u[i] * self.lengths[i] / scale;
        }
        for i in 0..m {
            self.q[i] = dot(&self.cosines[i * m..(i + 1) * m], &self.base);
            self.free[i] = self.q[i] < 0.0;
        }
        let iterations = self.pivot();
        self.remove_ridge();
        let residual = self.residual();
        for i in 0..m {
            v[i] = u[i] + scale * self.z[i] / self.lengths[i];
        }
        Outcome { iterations, residual }
    }

    /// Pivots until no guess is wrong; returns the rounds.
    fn pivot(&mut self) -> usize {
        let (mut fewest, mut patience) = (self.m + 1, 3u32);
        let most = 100 + 50 * self.m;
        for round in 1..=most {
            self.solve_free();
            let slack = TOLERANCE * (1.0 + self.z.iter().map(|z| z.abs()).sum::<f64>());
            let wrong = |free: bool, z: f64, y: f64| if free { z < -slack } else { y < -slack };
            let (mut count, mut last) = (0, 0);
            for i in 0..self.m {
                if wrong(self.free[i], self.z[i], self.y[i]) {
                    count += 1;
                    last = i;
                }
            }
            if count == 0 {
                return round;
            }
            let flip_all = count < fewest || patience > 0;
            patience = if count < fewest { 3 } else { patience.saturating_sub(1) };
            fewest = fewest.min(count);
            if flip_all {
                for i in 0..self.m {
                    self.free[i] ^= wrong(self.free[i], self.z[i], self.y[i]);
                }
            } else {
                self.free[last] = !self.free[last];
            }
        }
        most
    }

    /// `z` from `(C + ridge I) z = -q` on the free tasks, 0 elsewhere, and `y = C z + q` on the others.
    fn solve_free(&mut self) {
        let m = self.m;
        self.index.clear();
        self.index.extend((0..m).filter(|&i| self.free[i]));
        let n = self.index.len();
        let mut ridge = RIDGE;
        loop {
            for (a, &i) in self.index.iter().enumerate() {
                for (b, &j) in self.index[..=a].iter().enumerate() {
                    self.factor[a * n + b] = self.cosines[i * m + j];
                }
                self.factor[a * n + a] += ridge;
            }
            // Cosines are in [-1, 1], so the ridge suffices unless the input was no Gramian; then it must grow.
            if cholesky::factor(&mut self.factor[..n * n], n) || ridge > 1.0 {
                break;
            }
            ridge *= 100.0;
        }
        for (a, &i) in self.index.iter().enumerate() {
            self.rhs[a] = -self.q[i];
        }
        cholesky::solve(&self.factor[..n * n], n, &mut self.rhs[..n]);
        self.z.fill(0.0);
        for (a, &i) in self.index.iter().enumerate() {
            self.z[i] = self.rhs[a];
        }
        self.bound_slopes();
    }

    fn bound_slopes(&mut self) {
        let m = self.m;
        for i in (0..m).filter(|&i| !self.free[i]) {
            let row = &self.cosines[i * m..(i + 1) * m];
            self.y[i] = self.q[i] + self.index.iter().map(|&j| row[j] * self.z[j]).sum::<f64>();
        }
    }

    /// One proximal step `(C + ridge I) z' = -q + ridge z` on the same free tasks.
    fn remove_ridge(&mut self) {
        let n = self.index.len();
        for (a, &i) in self.index.iter().enumerate() {
            self.rhs[a] = RIDGE * self.z[i] - self.q[i];
        }
        cholesky::solve(&self.factor[..n * n], n, &mut self.rhs[..n]);
        for (a, &i) in self.index.iter().enumerate() {
            self.z[i] = self.rhs[a];
        }
        self.z.iter_mut().for_each(|z| *z = z.max(0.0));
    }

    fn residual(&self) -> f64 {
        let m = self.m;
        let mut worst = 0.0f64;
        for i in 0..m {
            let y = self.q[i] + dot(&self.cosines[i * m..(i + 1) * m], &self.z);
            let violation = if self.z[i] > 0.0 { y.abs() } else { (-y).max(0.0) };
            worst = if violation.is_nan() { f64::NAN } else { worst.max(violation) };
        }
        worst / (1.0 + self.z.iter().sum::<f64>())
    }
}

#[cfg(test)]
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
        assert_eq!(project(&[], &[]).0, []);
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
