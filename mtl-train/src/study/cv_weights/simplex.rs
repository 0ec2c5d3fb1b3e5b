//! Points whose coordinates are at least 0 and sum to 1.
//!
//! ```text
//! grid        (i_1, .., i_m) / steps,  i_j whole, sum i_j = steps
//! from_cube   w_j = r_j (1 - (1 - u_j)^(1 / (m - j))),  r_j = 1 - sum_{i < j} w_i,  w_m = r_m
//! ```
//!
//! The second breaks a stick: `u` uniform on the cube gives `w` uniform on the simplex (each fraction is a Beta(1, m - j)
//! variable by its inverse distribution function). Coordinates are not sorted and not folded, so an evenly spread sequence
//! stays one.
//!
//! **Reference**: L. Devroye, "Non-Uniform Random Variate Generation", Springer 1986, chapter XI.4.

/// All points of the grid in lexicographic order; without zeros only those inside.
#[must_use]
pub fn grid(m: usize, steps: u32, zeros: bool) -> Vec<Vec<f64>> {
    let mut points = Vec::new();
    let mut point = Vec::with_capacity(m);
    fill(m, steps, u32::from(!zeros), &mut point, &mut points);
    let scale = f64::from(steps.max(1));
    points.into_iter().map(|p| p.into_iter().map(|i| f64::from(i) / scale).collect()).collect()
}

fn fill(m: usize, left: u32, least: u32, point: &mut Vec<u32>, points: &mut Vec<Vec<u32>>) {
    if m == 0 {
        return;
    }
    if m == 1 {
        if left >= least {
            points.push(point.iter().copied().chain([left]).collect());
        }
        return;
    }
    for i in least..=left {
        point.push(i);
        fill(m - 1, left - i, least, point, points);
        point.pop();
    }
}

/// How many points [`grid`] gives; `None` when that is beyond counting.
pub(super) fn grid_size(m: usize, steps: u32, zeros: bool) -> Option<u64> {
    let (m, steps) = (u64::try_from(m).ok()?, u64::from(steps));
    // Stars and bars: with zeros `steps` stars and m - 1 bars, without them m - 1 of the steps - 1 gaps.
    let (n, k) =
        if zeros { (steps + m.checked_sub(1)?, m.checked_sub(1)?) } else { (steps.checked_sub(1)?, m.checked_sub(1)?) };
    if k > n {
        return Some(0);
    }
    (0..k.min(n - k)).try_fold(1_u64, |c, i| Some(c.checked_mul(n - i)? / (i + 1)))
}

/// The point of the simplex that belongs to a point of the cube `[0, 1)^(m - 1)`.
#[must_use]
pub fn from_cube(u: &[f64]) -> Vec<f64> {
    let mut rest = 1.0;
    let mut point = Vec::with_capacity(u.len() + 1);
    for (j, u) in u.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
        let others = (point.capacity() - 1 - j).max(1) as f64;
        let w = rest * (1.0 - (1.0 - u).powf(1.0 / others));
        point.push(w);
        rest -= w;
    }
    point.push(rest.max(0.0));
    point
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::rng::Rng;

    #[test]
    fn grids_are_counted_right() {
        assert_eq!(grid(2, 4, false), [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]);
        for m in 1..5 {
            for steps in 1..9 {
                for zeros in [false, true] {
                    let points = grid(m, steps, zeros);
                    assert_eq!(grid_size(m, steps, zeros), Some(points.len() as u64), "{m} {steps} {zeros}");
                    assert!(points.iter().all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.len() == m));
                    assert!(zeros || points.iter().flatten().all(|w| *w > 0.0));
                }
            }
        }
        assert_eq!(grid_size(40, 4_000_000, true), None);
        assert!(grid(0, 3, true).is_empty());
    }

    #[test]
    fn uniform_on_the_cube_is_uniform_on_the_simplex() {
        // On the uniform simplex E w_j = 1/m and E w_j^2 = 2 / (m (m + 1)), for every j.
        let (m, n) = (4, 40_000);
        let mut rng = Rng::new(5);
        let (mut first, mut second) = (vec![0.0; m], vec![0.0; m]);
        for _ in 0..n {
            let u: Vec<f64> = (1..m).map(|_| rng.uniform()).collect();
            let w = from_cube(&u);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12 && w.iter().all(|w| *w >= 0.0));
            for (j, w) in w.iter().enumerate() {
                first[j] += w / f64::from(n);
                second[j] += w * w / f64::from(n);
            }
        }
        assert!(first.iter().all(|e| (e - 0.25).abs() < 0.005), "{first:?}");
        assert!(second.iter().all(|e| (e - 0.1).abs() < 0.004), "{second:?}");
    }

    #[test]
    fn corners_of_the_cube() {
        assert_eq!(from_cube(&[0.0, 0.0]), [0.0, 0.0, 1.0]);
        assert_eq!(from_cube(&[]), [1.0]);
        assert_eq!(from_cube(&[0.5]), [0.5, 0.5]);
    }
}
