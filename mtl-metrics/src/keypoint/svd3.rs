//! The singular value decomposition of a 3x3 matrix.
//!
//! ```text
//! M = sum_n s_n u_n v_n^T          s falling, u and v orthonormal
//! ```
//!
//! One-sided Jacobi: columns of `M V` are turned in pairs until they are orthogonal; small singular values come out as
//! exact as large ones. A third singular vector of a plane or line is completed by a cross product.
//!
//! **Reference** J. Demmel, K. Veselic, *Jacobi's method is more accurate than QR*, SIAM J. Matrix Anal. 13, 1992.

type Vector = [f64; 3];

/// `(u, s, v)`: rows of `u` and `v` are singular vectors, `s` falls.
pub(crate) fn svd3(m: &[Vector; 3]) -> ([Vector; 3], Vector, [Vector; 3]) {
    // Columns of M V and of V, as rows.
    let mut columns: [Vector; 3] = std::array::from_fn(|col| std::array::from_fn(|row| m[row][col]));
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..60 {
        let mut turned = false;
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            let (a, b, c) =
                (dot(&columns[p], &columns[p]), dot(&columns[q], &columns[q]), dot(&columns[p], &columns[q]));
            if c.abs() <= f64::EPSILON * (a * b).sqrt() {
                continue;
            }
            turned = true;
            let zeta = (b - a) / (2.0 * c);
            let tan = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let cos = 1.0 / tan.hypot(1.0);
            for of in [&mut columns, &mut v] {
                let (x, y) = (of[p], of[q]);
                of[p] = std::array::from_fn(|axis| cos * (x[axis] - tan * y[axis]));
                of[q] = std::array::from_fn(|axis| cos * (tan * x[axis] + y[axis]));
            }
        }
        if !turned {
            break;
        }
    }
    let size = columns.map(|column| dot(&column, &column).sqrt());
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| size[b].total_cmp(&size[a]));
    let s = order.map(|n| size[n]);
    let v = order.map(|n| v[n]);
    let unit = |n: usize| columns[order[n]].map(|x| x / s[n]);
    let first = if s[0] > 0.0 { unit(0) } else { [1.0, 0.0, 0.0] };
    // Directions of singular values that are rounding only are completed instead.
    let tiny = s[0] * 1e-15;
    let second = if s[1] > tiny { unit(1) } else { normal_to(&first) };
    let third = if s[2] > tiny { unit(2) } else { cross(&first, &second) };
    ([first, second, third], s, v)
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: &Vector, b: &Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Some unit vector at right angles to a unit vector.
fn normal_to(a: &Vector) -> Vector {
    let axis = if a[0].abs() < 0.6 { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
    let along = cross(a, &axis);
    let size = dot(&along, &along).sqrt();
    along.map(|x| x / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(m: &[Vector; 3]) {
        let (u, s, v) = svd3(m);
        let scale = s[0].max(1e-300);
        for i in 0..3 {
            for j in 0..3 {
                let back: f64 = (0..3).map(|n| s[n] * u[n][i] * v[n][j]).sum();
                assert!((back - m[i][j]).abs() <= 1e-14 * scale, "{m:?} against {u:?} {s:?} {v:?}");
                let (want, tolerance) = (f64::from(u8::from(i == j)), 1e-12);
                assert!((dot(&u[i], &u[j]) - want).abs() < tolerance && (dot(&v[i], &v[j]) - want).abs() < tolerance);
            }
        }
        assert!(s[0] >= s[1] && s[1] >= s[2] && s[2] >= 0.0);
    }

    #[test]
    fn matrices_of_every_rank() {
        let mut rng = mtl_core::rng::Rng::new(2);
        let mut draw = || (rng.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
        for _ in 0..200 {
            let (a, b): (Vector, Vector) = (std::array::from_fn(|_| draw()), std::array::from_fn(|_| draw()));
            check(&std::array::from_fn(|_| std::array::from_fn(|_| draw())));
            check(&std::array::from_fn(|i| std::array::from_fn(|j| a[i] * b[j])));
            check(&std::array::from_fn(|i| std::array::from_fn(|j| a[i] * b[j] + b[i] * a[j])));
        }
        check(&[[0.0; 3]; 3]);
        check(&[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    }
}
