//! The Gramian of the task gradients: all that a weighting sees.
//!
//! ```text
//! G[i, j] = <g_i, g_j>,   g_i = gradient of task i with respect to the shared parameters
//! ```
//!
//! Every direction that weightings consider is a combination of the rows `g_i`, and lengths and angles of such
//! combinations need only `G`: `<g_i, sum_j w_j g_j> = (G w)_i`.
//!
//! **Shapes**: `[m, m]`, row-major, symmetric, positive semi-definite.

use crate::error::{Error, Result, WhichTasks};

/// A symmetric matrix of inner products, `[m, m]`.
///
/// # Examples
/// ```
/// use mtl_core::balance::Gramian;
/// let g = Gramian::new(2, vec![4.0, -3.0, -3.0, 9.0])?;
/// assert_eq!(g.cosine(0, 1), -0.5);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gramian {
    m: usize,
    values: Vec<f64>,
}

impl Gramian {
    /// Wraps `m * m` row-major values; each pair of mirrored entries is replaced by its mean.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of values; [`Error::NonFinite`] for NaN or infinity, naming the task by
    /// its row; [`Error::InvalidConfig`] for a negative diagonal entry or one that differs from its mirror image by more
    /// than `1e-6 ‖g_i‖‖g_j‖`.
    pub fn new(m: usize, values: Vec<f64>) -> Result<Self> {
        if values.len() != m * m {
            return Err(Error::Shape {
                op: "gramian".into(),
                tensor: "values",
                expected: format!("[{m}, {m}]"),
                found: vec![i64::try_from(values.len()).unwrap_or(i64::MAX)],
            });
        }
        let mut gramian = Self { m, values };
        gramian.check_finite()?;
        for i in 0..m {
            for j in 0..=i {
                let (a, b) = (gramian.get(i, j), gramian.get(j, i));
                let scale = gramian.get(i, i).max(0.0).sqrt() * gramian.get(j, j).max(0.0).sqrt();
                if (a - b).abs() > 1e-6 * scale || gramian.get(i, i) < 0.0 {
                    return Err(Error::InvalidConfig {
                        what: "gramian",
                        field: "values",
                        expected: "symmetric with non-negative diagonal".into(),
                        found: format!("{a} at [{i}, {j}] and {b} at [{j}, {i}]"),
                    });
                }
                let mean = 0.5 * a + 0.5 * b;
                gramian.values[i * m + j] = mean;
                gramian.values[j * m + i] = mean;
            }
        }
        Ok(gramian)
    }

    /// The Gramian of the rows of a matrix, each of the same length; for tests and small problems.
    #[must_use]
    pub fn of_rows<R: AsRef<[f64]>>(rows: &[R]) -> Self {
        let mut gramian = Self::default();
        let m = rows.len();
        let values = gramian.rebuild(m);
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                values[i * m + j] = a.as_ref().iter().zip(b.as_ref()).map(|(x, y)| x * y).sum();
            }
        }
        gramian
    }

    /// Number of tasks.
    #[must_use]
    pub fn m(&self) -> usize {
        self.m
    }

    /// The inner product of rows `i` and `j`.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.m + j]
    }

    /// All inner products with row `i`, `[m]`.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.m..(i + 1) * self.m]
    }

    /// The squared length of row `i`.
    #[must_use]
    pub fn diag(&self, i: usize) -> f64 {
        self.get(i, i)
    }

    /// The length of row `i`.
    #[must_use]
    pub fn norm(&self, i: usize) -> f64 {
        self.get(i, i).max(0.0).sqrt()
    }

    /// The sum of squared lengths: the squared Frobenius norm of the Jacobian.
    #[must_use]
    pub fn trace(&self) -> f64 {
        (0..self.m).map(|i| self.diag(i)).sum()
    }

    /// The row-major values, `[m, m]`.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The cosine of the angle between rows `i` and `j`, in `[-1, 1]`; 0 when one of them is zero.
    #[must_use]
    pub fn cosine(&self, i: usize, j: usize) -> f64 {
        let (a, b) = (self.norm(i), self.norm(j));
        if a > 0.0 && b > 0.0 { (self.get(i, j) / a / b).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// `2ab / (a² + b²)` of the lengths `a`, `b` of rows `i` and `j` (Yu et al. 2020): 1 when equal, towards 0 when one
    /// task drowns the other.
    #[must_use]
    pub fn magnitude_similarity(&self, i: usize, j: usize) -> f64 {
        let (a, b) = (self.norm(i), self.norm(j));
        let (small, large) = if a < b { (a, b) } else { (b, a) };
        if large <= 0.0 {
            return 0.0;
        }
        let ratio = small / large;
        2.0 * ratio / (1.0 + ratio * ratio)
    }

    /// `G v`, `[m]`: the inner product of every row with the direction `sum_j v_j g_j`.
    pub fn times(&self, v: &[f64], out: &mut [f64]) {
        for (i, o) in out.iter_mut().enumerate().take(self.m) {
            *o = self.row(i).iter().zip(v).map(|(g, x)| g * x).sum();
        }
    }

    /// `v' G v`: the squared length of the direction `sum_j v_j g_j`.
    #[must_use]
    pub fn squared_length(&self, v: &[f64]) -> f64 {
        (0..self.m).map(|i| v[i] * self.row(i).iter().zip(v).map(|(g, x)| g * x).sum::<f64>()).sum()
    }

    /// The Gramian of some of the rows, in the order given.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut out = Self::default();
        self.select_into(rows, &mut out);
        out
    }

    /// As [`Gramian::select`], into an existing one: allocates nothing once `out` has been as large.
    pub fn select_into(&self, rows: &[usize], out: &mut Self) {
        let k = rows.len();
        let values = out.rebuild(k);
        for (a, &i) in rows.iter().enumerate() {
            for (b, &j) in rows.iter().enumerate() {
                values[a * k + b] = self.get(i, j);
            }
        }
    }

    /// Makes it `[m, m]` zeros and hands out the row-major values to be written, symmetric; allocates nothing once it
    /// has been as large.
    pub fn rebuild(&mut self, m: usize) -> &mut [f64] {
        self.m = m;
        self.values.clear();
        self.values.resize(m * m, 0.0);
        &mut self.values
    }

    /// Adds a block's inner products, given for `i >= j`, to all entries.
    pub fn accumulate(&mut self, product: impl Fn(usize, usize) -> f64) {
        for i in 0..self.m {
            for j in 0..=i {
                let more = product(i, j);
                self.values[i * self.m + j] += more;
                if i != j {
                    self.values[j * self.m + i] += more;
                }
            }
        }
    }

    /// Refuses NaN and infinity.
    ///
    /// # Errors
    /// [`Error::NonFinite`], naming the row with most of them as the task.
    pub fn check_finite(&self) -> Result<()> {
        if self.values.iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        // A bad gradient spoils its whole row and one entry of every other row: the worst row is the culprit.
        let bad = |i: &usize| self.row(*i).iter().filter(|x| !x.is_finite()).count();
        let worst = (0..self.m).rev().max_by_key(bad).unwrap_or(0);
        let value = self.row(worst).iter().copied().find(|x| !x.is_finite()).unwrap_or(f64::NAN);
        Err(Error::NonFinite { what: "gradient", tasks: WhichTasks::at([worst]), value })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn angles_lengths_and_products_by_hand() {
        let g = Gramian::of_rows(&[[3.0, 4.0], [-4.0, 3.0], [6.0, 8.0]]);
        assert_eq!(g.values(), [25.0, 0.0, 50.0, 0.0, 25.0, 0.0, 50.0, 0.0, 100.0]);
        assert_eq!((g.trace(), g.norm(2), g.cosine(0, 2), g.cosine(0, 1)), (150.0, 10.0, 1.0, 0.0));
        assert_eq!(g.magnitude_similarity(0, 2), 2.0 * 5.0 * 10.0 / 125.0);
        assert_eq!(g.squared_length(&[1.0, 0.0, 0.5]), 100.0);
        let mut out = [0.0; 3];
        g.times(&[1.0, 1.0, 0.0], &mut out);
        assert_eq!(out, [25.0, 25.0, 50.0]);
        assert_eq!(g.select(&[2, 0]).values(), [100.0, 50.0, 50.0, 25.0]);
    }

    #[test]
    fn extreme_lengths_keep_their_angles() {
        let g = Gramian::new(2, vec![1e-300, -5e-301, -5e-301, 1e-300]).unwrap();
        assert!((g.cosine(0, 1) + 0.5).abs() < 1e-15);
        let g = Gramian::new(2, vec![1e300, 0.0, 0.0, 1e-300]).unwrap();
        assert_eq!((g.cosine(0, 1), g.magnitude_similarity(0, 1)), (0.0, 2e-300));
        assert_eq!(Gramian::new(1, vec![0.0]).unwrap().cosine(0, 0), 0.0);
    }

    #[test]
    fn what_is_no_gramian_is_refused() {
        assert!(Gramian::new(2, vec![1.0; 3]).unwrap_err().to_string().contains("[2, 2]"));
        assert!(Gramian::new(2, vec![1.0, 0.5, 0.4, 1.0]).unwrap_err().to_string().contains("symmetric"));
        assert!(Gramian::new(1, vec![-1.0]).is_err());
        let e = Gramian::new(3, vec![1.0, f64::NAN, 0.0, f64::NAN, f64::NAN, f64::NAN, 0.0, f64::NAN, 1.0]);
        assert_eq!(e.unwrap_err().to_string(), "gradient of task number 2 is not finite (NaN)");
    }
}
