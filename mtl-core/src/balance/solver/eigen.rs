//! Eigenvalues and eigenvectors of a small symmetric matrix.
//!
//! ```text
//! A = V diag(lambda) V'
//! ```
//!
//! **Method.** Cyclic Jacobi rotations until every off-diagonal entry is negligible beside the trace: slow for large matrices, but short, always convergent and accurate.
//!
//! **Shapes**: `A: [n, n]`, `lambda: [n]` descending, `V: [n, n]` row-major with eigenvectors as columns. Some 6 sweeps of
//! `3 n³` multiplications.
//!
//! **Reference**: Demmel, Veselic, "Jacobi's method is more accurate than QR", SIAM J. Matrix Analysis 13, 1992.

use crate::balance::Outcome;

/// The decomposition with its buffers.
#[derive(Debug, Clone, Default)]
pub struct SymmetricEigen {
    n: usize,
    a: Vec<f64>,
    vectors: Vec<f64>, // rows are eigenvectors, sorted by `order`
    values: Vec<f64>,
    order: Vec<usize>,
}

impl SymmetricEigen {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decomposes a symmetric row-major matrix.
    pub fn decompose(&mut self, n: usize, matrix: &[f64]) -> Outcome {
        self.n = n;
        self.a.clear();
        self.a.extend_from_slice(&matrix[..n * n]);
        self.vectors.clear();
        self.vectors.resize(n * n, 0.0);
        for i in 0..n {
            self.vectors[i * n + i] = 1.0;
        }
        let mut iterations = 0;
        while iterations < 60 && self.sweep() {
            iterations += 1;
        }
        self.values.clear();
        self.values.extend((0..n).map(|i| self.a[i * n + i]));
        self.order.clear();
        self.order.extend(0..n);
        let values = &self.values;
        self.order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
        Outcome { iterations, residual: 0.0 }
    }

    /// The `k`-th largest eigenvalue.
    #[must_use]
    pub fn value(&self, k: usize) -> f64 {
        self.values[self.order[k]]
    }

    /// The eigenvector of the `k`-th largest eigenvalue, of length 1.
    #[must_use]
    pub fn vector(&self, k: usize) -> &[f64] {
        let row = self.order[k];
        &self.vectors[row * self.n..(row + 1) * self.n]
    }

    /// How many eigenvalues exceed `cut` times the largest one (none when that is not positive).
    #[must_use]
    pub fn rank(&self, cut: f64) -> usize {
        if self.n == 0 {
            return 0;
        }
        let limit = (cut * self.value(0)).max(0.0);
        (0..self.n).take_while(|&k| self.value(k) > limit).count()
    }

    /// `V diag(f(lambda)) V' b`, over the `rank` largest eigenvalues: with `f = 1 / lambda` the pseudo-inverse.
    pub fn apply(&self, rank: usize, f: impl Fn(f64) -> f64, b: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for k in 0..rank {
            let vector = self.vector(k);
            let along: f64 = vector.iter().zip(b).map(|(v, b)| v * b).sum();
            let factor = f(self.value(k)) * along;
            for (o, v) in out.iter_mut().zip(vector) {
                *o += factor * v;
            }
        }
    }

    /// Rotates every pair once; false when no pair needed it.
    fn sweep(&mut self) -> bool {
        let n = self.n;
        let trace: f64 = (0..n).map(|i| self.a[i * n + i].abs()).sum();
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (app, aqq, apq) = (self.a[p * n + p], self.a[q * n + q], self.a[p * n + q]);
                if apq.abs() <= 1e-16 * trace {
                    continue;
                }
                rotated = true;
                let theta = (aqq - app) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                self.rotate(p, q, c, t * c);
            }
        }
        rotated
    }

    fn rotate(&mut self, p: usize, q: usize, c: f64, s: f64) {
        let n = self.n;
        for k in 0..n {
            let (x, y) = (self.a[p * n + k], self.a[q * n + k]);
            self.a[p * n + k] = c * x - s * y;
            self.a[q * n + k] = s * x + c * y;
            let (x, y) = (self.vectors[p * n + k], self.vectors[q * n + k]);
            self.vectors[p * n + k] = c * x - s * y;
            self.vectors[q * n + k] = s * x + c * y;
        }
        for k in 0..n {
            let (x, y) = (self.a[k * n + p], self.a[k * n + q]);
            self.a[k * n + p] = c * x - s * y;
            self.a[k * n + q] = s * x + c * y;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::balance::Gramian;

    #[test]
    fn two_by_two_by_hand() {
        let mut eigen = SymmetricEigen::new();
        eigen.decompose(2, &[2.0, 1.0, 1.0, 2.0]);
        assert!((eigen.value(0) - 3.0).abs() < 1e-15 && (eigen.value(1) - 1.0).abs() < 1e-15);
        assert!((eigen.vector(0)[0] - eigen.vector(0)[1]).abs() < 1e-15);
        let mut out = [0.0; 2];
        eigen.apply(2, |l| 1.0 / l, &[3.0, 3.0], &mut out);
        assert!(out.iter().all(|x| (x - 1.0).abs() < 1e-14));
    }

    #[test]
    fn rank_counts_what_is_not_negligible() {
        let mut eigen = SymmetricEigen::new();
        eigen.decompose(3, Gramian::of_rows(&[[1.0, 2.0], [2.0, 4.0], [0.0, 1.0]]).values());
        assert_eq!(eigen.rank(1e-12), 2);
        eigen.decompose(2, &[0.0; 4]);
        assert_eq!(eigen.rank(1e-12), 0);
        eigen.decompose(0, &[]);
        assert_eq!(eigen.rank(1e-12), 0);
    }

    proptest! {
        #[test]
        fn values_and_vectors_rebuild_the_matrix(
            rows in (1usize..9).prop_flat_map(|m| prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 5), m)),
        ) {
            let g = Gramian::of_rows(&rows);
            let m = g.m();
            let mut eigen = SymmetricEigen::new();
            let outcome = eigen.decompose(m, g.values());
            prop_assert!(outcome.iterations < 20);
            for i in 0..m {
                let (mut unit, mut column) = (vec![0.0; m], vec![0.0; m]);
                unit[i] = 1.0;
                eigen.apply(m, |l| l, &unit, &mut column);
                for (found, expected) in column.iter().zip(g.row(i)) {
                    prop_assert!((found - expected).abs() < 1e-13 * g.trace());
                }
            }
        }
    }
}
