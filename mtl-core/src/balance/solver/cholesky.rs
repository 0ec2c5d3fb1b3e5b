//! Cholesky factorization in place: `A = L L'` for a small symmetric positive definite `A`.
//!
//! **Shapes**: `a: [n, n]` row-major, only its lower triangle is read and written; `b: [n]`. `O(n³ / 6)` multiplications.

use super::dot;

/// Replaces the lower triangle of `a` by `L`, with the diagonal entries of `L` inverted: divisions are slow. Returns whether `a` is numerically positive definite; if not, `a` is
/// spoilt.
#[must_use]
pub fn factor(a: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (done, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..n];
        for j in 0..i {
            let other = &done[j * n..j * n + n];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) * other[j];
        }
        let pivot = row[i] - dot(&row[..i], &row[..i]);
        if pivot.is_nan() || pivot <= 0.0 {
            return false;
        }
        row[i] = 1.0 / pivot.sqrt();
    }
    true
}

/// Solves `L L' x = b` in place, with `L` from [`factor`].
pub fn solve(l: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let row = &l[i * n..i * n + n];
        b[i] = (b[i] - dot(&row[..i], &b[..i])) * row[i];
    }
    for i in (0..n).rev() {
        let row = &l[i * n..i * n + n];
        b[i] *= row[i];
        let x = b[i];
        for (b, l) in b[..i].iter_mut().zip(&row[..i]) {
            *b -= l * x;
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn solves_by_hand_and_refuses_what_is_not_positive() {
        let mut a = [4.0, f64::NAN, 2.0, 5.0]; // the upper triangle is never read
        assert!(factor(&mut a, 2));
        assert_eq!([a[0], a[2], a[3]], [0.5, 1.0, 0.5]);
        let mut b = [8.0, 9.0];
        solve(&a, 2, &mut b);
        assert_eq!(b, [1.375, 1.25]);
        assert!(!factor(&mut [1.0, 0.0, 2.0, 1.0], 2));
        assert!(!factor(&mut [f64::NAN], 1));
        assert!(factor(&mut [], 0));
    }

    #[test]
    fn a_larger_system_is_solved_to_rounding() {
        let n = 17;
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                a[i * n + j] = 1.0 / (1.0 + (i as f64 - j as f64).abs()) + if i == j { 1.0 } else { 0.0 };
            }
        }
        let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let mut b: Vec<f64> = (0..n).map(|i| dot(&a[i * n..i * n + n], &x)).collect();
        assert!(factor(&mut a, n));
        solve(&a, n, &mut b);
        assert!(b.iter().zip(&x).all(|(p, q)| (p - q).abs() < 1e-13));
    }
}
