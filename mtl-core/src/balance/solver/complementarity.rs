//! The linear complementarity problem of a small positive semi-definite matrix.
//!
//! ```text
//! find z >= 0 with  y = M z + q >= 0  and  y' z = 0
//! ```
//!
//! These are the optimality conditions of `minimize ½ z'Mz + q'z over z >= 0`, the form to which both the dual cone
//! projection and the min-norm problem come down.
//!
//! **Method.** Block principal pivoting: guess which `z` are free (the others are 0), solve, flip every wrong guess; when
//! three rounds bring no progress flip only the last wrong one (Murty's rule, which cannot cycle). A ridge of `1e-11` keeps
//! the factorization alive when `M` is singular, and one proximal step takes its effect out again: the result solves the
//! problem without a ridge. `M` must have a diagonal of about 1 and `q` entries of at most about 1.
//!
//! **Shapes**: `M: [m, m]`, `q, z, y: [m]`. Typically 2-5 rounds of `O(n³ / 6)` for `n` free entries.
//!
//! **Reference**: Portugal, Judice, Vicente, "A comparison of block pivoting and interior-point algorithms for linear
//! least squares problems with nonnegative variables", Mathematics of Computation 63, 1994.

use super::{cholesky, dot};

const RIDGE: f64 = 1e-11;
const TOLERANCE: f64 = 1e-13;

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub(super) struct Complementarity {
    m: usize,
    pub(super) matrix: Vec<f64>, // [m, m]
    pub(super) q: Vec<f64>,
    pub(super) z: Vec<f64>,
    y: Vec<f64>,
    free: Vec<bool>,
    index: Vec<usize>, // of the free entries
    factor: Vec<f64>,  // [n, n] for n free entries
    rhs: Vec<f64>,
}

impl Complementarity {
    /// Makes room for `m` entries; `matrix` and `q` are to be written next.
    pub(super) fn resize(&mut self, m: usize) {
        self.m = m;
        self.matrix.resize(m * m, 0.0);
        self.factor.resize(m * m, 0.0);
        for buffer in [&mut self.q, &mut self.z, &mut self.y, &mut self.rhs] {
            buffer.resize(m, 0.0);
        }
        self.free.resize(m, false);
    }

    /// Solves for `matrix` and `q`; returns the rounds. The first guess is that entries with `q < 0` are free.
    pub(super) fn solve(&mut self) -> usize {
        for (free, q) in self.free.iter_mut().zip(&self.q) {
            *free = *q < 0.0;
        }
        let rounds = self.pivot();
        self.remove_ridge();
        rounds
    }

    /// The largest violation of the conditions.
    pub(super) fn violation(&self) -> f64 {
        let m = self.m;
        let mut worst = 0.0f64;
        for i in 0..m {
            let y = self.q[i] + dot(&self.matrix[i * m..(i + 1) * m], &self.z);
            let violation = if self.z[i] > 0.0 { y.abs() } else { (-y).max(0.0) };
            worst = if violation.is_nan() { f64::NAN } else { worst.max(violation) };
        }
        worst
    }

    /// The free entries of the last solution.
    pub(super) fn index(&self) -> &[usize] {
        &self.index
    }

    /// Solves `M x = b` on the free entries, in place; `b` has one number per entry of [`Complementarity::index`].
    pub(super) fn solve_face(&self, b: &mut [f64]) {
        let n = self.index.len();
        cholesky::solve(&self.factor[..n * n], n, b);
    }

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

    /// `z` from `(M + ridge I) z = -q` on the free entries, 0 elsewhere, and `y = M z + q` on the others.
    fn solve_free(&mut self) {
        let m = self.m;
        self.index.clear();
        self.index.extend((0..m).filter(|&i| self.free[i]));
        let n = self.index.len();
        let mut ridge = RIDGE;
        loop {
            for (a, &i) in self.index.iter().enumerate() {
                let (from, to) = (&self.matrix[i * m..(i + 1) * m], &mut self.factor[a * n..(a + 1) * n]);
                for (value, &j) in to.iter_mut().zip(&self.index[..=a]) {
                    *value = from[j];
                }
                to[a] += ridge;
            }
            // The ridge suffices unless the input was no Gramian; then it must grow.
            if cholesky::factor(&mut self.factor[..n * n], n) || ridge > 1.0 {
                break;
            }
            ridge *= 100.0;
        }
        for (value, &i) in self.rhs.iter_mut().zip(&self.index) {
            *value = -self.q[i];
        }
        cholesky::solve(&self.factor[..n * n], n, &mut self.rhs[..n]);
        self.z.fill(0.0);
        for (value, &i) in self.rhs.iter().zip(&self.index) {
            self.z[i] = *value;
        }
        for i in (0..m).filter(|&i| !self.free[i]) {
            self.y[i] = self.q[i] + dot(&self.matrix[i * m..(i + 1) * m], &self.z);
        }
    }

    /// One proximal step `(M + ridge I) z' = -q + ridge z` on the same free entries; left out where it would leave the
    /// feasible side, as it may along directions in which `M` is singular.
    fn remove_ridge(&mut self) {
        let n = self.index.len();
        for (value, &i) in self.rhs.iter_mut().zip(&self.index) {
            *value = RIDGE * self.z[i] - self.q[i];
        }
        cholesky::solve(&self.factor[..n * n], n, &mut self.rhs[..n]);
        let slack = TOLERANCE * (1.0 + self.z.iter().map(|z| z.abs()).sum::<f64>());
        if self.rhs[..n].iter().all(|z| *z >= -slack) {
            for (value, &i) in self.rhs.iter().zip(&self.index) {
                self.z[i] = *value;
            }
        }
        self.z.iter_mut().for_each(|z| *z = z.max(0.0)); // free entries may be negative by rounding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_entries_by_hand() {
        let mut problem = Complementarity::default();
        problem.resize(2);
        problem.matrix.copy_from_slice(&[1.0, 0.5, 0.5, 1.0]);
        problem.q.copy_from_slice(&[-1.0, 0.25]);
        problem.solve();
        assert!((problem.z[0] - 1.0).abs() < 1e-15 && problem.z[1] == 0.0, "{:?}", problem.z);
        problem.q.copy_from_slice(&[-1.0, -1.0]);
        problem.solve();
        assert!(problem.z.iter().all(|z| (z - 2.0 / 3.0).abs() < 1e-15));
        assert!(problem.violation() < 1e-15 && problem.index() == [0, 1]);
    }
}
