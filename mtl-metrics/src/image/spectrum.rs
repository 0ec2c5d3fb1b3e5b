//! What the Fréchet distance needs of symmetric matrices: a factor and the eigenvalues.
//!
//! ```text
//! A = L L^T                  Cholesky with pivots; stops where only rounding is left, so that any rank will do
//! A = Q T Q^T, T tridiagonal by Householder reflections; eigenvalues of T by QL steps with implicit shifts
//! ```
//!
//! **Cost** `4/3 d^3` for the reduction, the inner loops in parallel by rows. **Reference** G. Golub, C. Van Loan,
//! *Matrix Computations*, 4th ed., sections 4.2.8, 8.3.1 and 8.3.5.

use crate::chunks::fill_rows;

/// Rows of which one thread takes the products at a time.
const BLOCK: usize = 16;

/// `L` with `A = L L^T`, `[d, r]` row by row, and `r`, the numerical rank of `A`.
pub(crate) fn pivoted_cholesky(a: &[f64], d: usize) -> (Vec<f64>, usize) {
    let mut rest: Vec<f64> = (0..d).map(|i| a[i * d + i]).collect();
    let limit = rest.iter().copied().fold(0.0, f64::max) * d as f64 * f64::EPSILON;
    // Columns of L, one after the other.
    let mut columns: Vec<Vec<f64>> = Vec::new();
    while columns.len() < d {
        let Some((pivot, &value)) = rest.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else { break };
        if value <= limit {
            break;
        }
        let root = value.sqrt();
        let mut column: Vec<f64> = a[pivot * d..(pivot + 1) * d].to_vec();
        for known in &columns {
            let factor = known[pivot];
            column.iter_mut().zip(known).for_each(|(x, l)| *x -= factor * l);
        }
        column.iter_mut().for_each(|x| *x /= root);
        rest.iter_mut().zip(&column).for_each(|(left, x)| *left -= x * x);
        rest[pivot] = f64::NEG_INFINITY;
        columns.push(column);
    }
    let rank = columns.len();
    let mut factor = vec![0.0; d * rank];
    for (r, column) in columns.iter().enumerate() {
        column.iter().enumerate().for_each(|(i, x)| factor[i * rank + r] = *x);
    }
    (factor, rank)
}

/// The eigenvalues of a symmetric matrix `[d, d]`, rising; `None` if the steps do not converge.
pub(crate) fn eigenvalues(a: &mut [f64], d: usize) -> Option<Vec<f64>> {
    let (mut diagonal, mut beside) = tridiagonal(a, d);
    beside.push(0.0);
    for l in 0..d.saturating_sub(1) {
        let mut steps = 0;
        loop {
            // The block that ends where an element beside the diagonal is rounding only.
            let small = |m: &usize| beside[*m].abs() <= f64::EPSILON * (diagonal[*m].abs() + diagonal[m + 1].abs());
            let m = (l..d - 1).find(small).unwrap_or(d - 1);
            if m == l {
                break;
            }
            steps += 1;
            if steps > 60 {
                return None;
            }
            let mut g = (diagonal[l + 1] - diagonal[l]) / (2.0 * beside[l]);
            let mut r = g.hypot(1.0);
            g = diagonal[m] - diagonal[l] + beside[l] / (g + r.copysign(g));
            let (mut sin, mut cos, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (sin * beside[i], cos * beside[i]);
                r = f.hypot(g);
                beside[i + 1] = r;
                if r == 0.0 {
                    diagonal[i + 1] -= p;
                    beside[m] = 0.0;
                    split = true;
                    break;
                }
                (sin, cos) = (f / r, g / r);
                g = diagonal[i + 1] - p;
                let turned = (diagonal[i] - g) * sin + 2.0 * cos * b;
                p = sin * turned;
                diagonal[i + 1] = g + p;
                g = cos * turned - b;
            }
            if !split {
                diagonal[l] -= p;
                beside[l] = g;
                beside[m] = 0.0;
            }
        }
    }
    diagonal.sort_by(f64::total_cmp);
    Some(diagonal)
}

/// Diagonal `[d]` and the elements beside it `[d - 1]` of a tridiagonal matrix with the same eigenvalues.
fn tridiagonal(a: &mut [f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = Vec::with_capacity(d);
    for k in 0..d.saturating_sub(1) {
        // The reflection that leaves one element of row k beside the diagonal; the matrix is symmetric.
        let row = &a[k * d + k + 1..(k + 1) * d];
        let scale = row.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
        if scale <= 0.0 {
            beside.push(0.0);
            continue;
        }
        let norm = row.iter().map(|x| (x / scale).powi(2)).sum::<f64>().sqrt() * scale;
        let alpha = -norm.copysign(row[0]);
        let mut v = row.to_vec();
        v[0] -= alpha;
        let half = v.iter().map(|x| (x / scale).powi(2)).sum::<f64>() * scale * scale / 2.0;
        beside.push(alpha);
        let (_, below) = a.split_at_mut((k + 1) * d);
        // w = B v / half - (v . B v) / (2 half^2) v;  B -= v w^T + w v^T
        let mut w = vec![0.0; below.len() / d];
        fill_rows(&mut w, BLOCK, |block, out| {
            for (row, out) in below[block * BLOCK * d..].chunks_exact(d).zip(out) {
                *out = row[k + 1..].iter().zip(&v).map(|(x, v)| x * v).sum::<f64>() / half;
            }
        });
        let along = v.iter().zip(&w).map(|(v, w)| v * w).sum::<f64>() / (2.0 * half);
        w.iter_mut().zip(&v).for_each(|(w, v)| *w -= along * v);
        fill_rows(below, d, |i, row| {
            let (vi, wi) = (v[i], w[i]);
            row[k + 1..].iter_mut().zip(v.iter().zip(&w)).for_each(|(x, (vj, wj))| *x -= vi * wj + wi * vj);
        });
    }
    ((0..d).map(|i| a[i * d + i]).collect(), beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(d: usize, rank: usize) -> Vec<f64> {
        let mut rng = mtl_core::rng::Rng::new(d as u64);
        let rows: Vec<f64> =
            (0..d * rank).map(|_| (rng.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0).collect();
        let dot = |i: usize, j: usize| (0..rank).map(|k| rows[i * rank + k] * rows[j * rank + k]).sum();
        (0..d * d).map(|at| dot(at / d, at % d)).collect()
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        for (d, rank) in [(1, 1), (5, 5), (12, 4)] {
            let a = gram(d, rank);
            let (l, found) = pivoted_cholesky(&a, d);
            assert_eq!(found, rank);
            for (at, want) in a.iter().enumerate() {
                let (i, j) = (at / d, at % d);
                let back: f64 = (0..found).map(|r| l[i * found + r] * l[j * found + r]).sum();
                assert!((back - want).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn eigenvalues_of_known_matrices() {
        let two = eigenvalues(&mut [2.0, 1.0, 1.0, 2.0], 2).unwrap();
        assert!((two[0] - 1.0).abs() < 1e-15 && (two[1] - 3.0).abs() < 1e-15);
        // The second difference matrix has eigenvalues 2 - 2 cos(k pi / (d + 1)).
        let d = 40_usize;
        let mut a: Vec<f64> = (0..d * d).map(|at| [2.0, -1.0, 0.0][(at / d).abs_diff(at % d).min(2)]).collect();
        for (k, value) in eigenvalues(&mut a, d).unwrap().into_iter().enumerate() {
            let want = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (d + 1) as f64).cos();
            assert!((value - want).abs() < 1e-13);
        }
        let a = gram(30, 7);
        let values = eigenvalues(&mut a.clone(), 30).unwrap();
        let trace: f64 = (0..30).map(|i| a[i * 31]).sum();
        assert!((values.iter().sum::<f64>() - trace).abs() < 1e-12);
        assert!(values[22].abs() < 1e-12 && values[23] > 1e-3, "rank 7: {values:?}");
        assert_eq!(eigenvalues(&mut [0.0; 9], 3).unwrap(), [0.0; 3]);
        assert!(eigenvalues(&mut [], 0).unwrap().is_empty());
    }
}
