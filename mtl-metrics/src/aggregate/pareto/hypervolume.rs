//! The volume that a set of points covers.
//!
//! ```text
//! HV(S)      = sum_i exclusive(p_i; p_{i+1}, .., p_n)
//! exclusive  = volume(p_i) - HV({min(p_i, p_j) : j > i})
//! ```
//! With points in rising order of the last objective, everything that limits `p_i` has `p_i`'s own last coordinate, so the
//! difference is that of one dimension less times this coordinate; two objectives are a sweep. Exact up to rounding, at
//! most `O(n^(m-1) log n)` and far less where points dominate each other once limited.
//!
//! **Reference** L. While, L. Bradstreet, L. Barone, *A fast way of calculating exact hypervolumes*, IEEE TEC 16(1), 2012.

use mtl_core::Result;

use super::{Objectives, covers, turn};

impl Objectives {
    /// Hypervolume against a reference point `[m]` in the objectives' own units. A point that is not better than the
    /// reference in every objective adds nothing; with no other the result is 0.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for a reference with another number of objectives, or one that is not finite.
    pub fn hypervolume(&self, reference: &[f64]) -> Result<f64> {
        let reference = turn("the reference point", reference, &self.directions)?;
        let above = |p: &Vec<f64>| p.iter().zip(&reference).map(|(x, r)| x - r).collect::<Vec<f64>>();
        let inside = |p: &Vec<f64>| p.iter().all(|x| *x > 0.0);
        Ok(volume(self.points.iter().map(above).filter(inside).collect(), reference.len()))
    }
}

/// Volume of the union of the boxes from the origin to each point, over the first `m` coordinates.
fn volume(points: Vec<Vec<f64>>, m: usize) -> f64 {
    let mut points = undominated(points, m);
    match m {
        0 => 0.0,
        1 => points.iter().map(|p| p[0]).fold(0.0, f64::max),
        2 => {
            // From the right: each point adds what is above the highest so far.
            points.sort_by(|a, b| b[0].total_cmp(&a[0]));
            let (mut sum, mut top) = (0.0, 0.0);
            for p in &points {
                sum += p[0] * (p[1] - top).max(0.0);
                top = p[1].max(top);
            }
            sum
        }
        _ => {
            points.sort_by(|a, b| a[m - 1].total_cmp(&b[m - 1]));
            let exclusive = |(i, p): (usize, &Vec<f64>)| {
                let own: f64 = p[..m - 1].iter().product();
                let limited =
                    points[i + 1..].iter().map(|q| p[..m - 1].iter().zip(q).map(|(x, y)| x.min(*y)).collect());
                p[m - 1] * (own - volume(limited.collect(), m - 1))
            };
            points.iter().enumerate().map(exclusive).sum()
        }
    }
}

/// The points that no other covers over the first `m` coordinates; of equal ones the first.
fn undominated(points: Vec<Vec<f64>>, m: usize) -> Vec<Vec<f64>> {
    let mut kept: Vec<Vec<f64>> = Vec::with_capacity(points.len());
    for p in points {
        if kept.iter().any(|q| covers(&q[..m], &p[..m])) {
            continue;
        }
        kept.retain(|q| !covers(&p[..m], &q[..m]));
        kept.push(p);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::metric::Direction;
    use proptest::prelude::*;

    /// Inclusion and exclusion over all subsets.
    fn brute(points: &[Vec<f64>], m: usize) -> f64 {
        let mut sum = 0.0;
        for set in 1u32..1 << points.len() {
            let chosen = || points.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, p)| p);
            let overlap: f64 = (0..m).map(|k| chosen().map(|p| p[k]).fold(f64::INFINITY, f64::min)).product();
            sum += if set.count_ones() % 2 == 1 { overlap } else { -overlap };
        }
        sum
    }

    proptest! {
        #[test]
        fn equal_to_inclusion_and_exclusion(m in 1usize..6, n in 0usize..8, seed in any::<u64>()) {
            let mut rng = mtl_core::rng::Rng::new(seed);
            // A coarse grid, so that ties and equal points occur.
            let point = |_| (0..m).map(|_| (rng.below(6) as f64 + 1.0) / 4.0).collect::<Vec<f64>>();
            let points: Vec<Vec<f64>> = (0..n).map(point).collect();
            let objectives = Objectives::new(&points, &vec![Direction::Maximize; m]).unwrap();
            let found = objectives.hypervolume(&vec![0.0; m]).unwrap();
            let expected = brute(&points, m);
            prop_assert!((found - expected).abs() <= 1e-12 * expected.max(1.0), "{found} {expected}");
        }
    }

    #[test]
    fn both_directions_and_points_outside() {
        let directions = [Direction::Maximize, Direction::Minimize];
        let points = [vec![0.5, 2.0], vec![0.9, 5.0], vec![0.2, 0.0]];
        let objectives = Objectives::new(&points, &directions).unwrap();
        // Against (0.1, 4): boxes 0.4 x 2 and 0.1 x 4, which share 0.1 x 2; the second point lies outside.
        assert!((objectives.hypervolume(&[0.1, 4.0]).unwrap() - 1.0).abs() < 1e-15);
        assert!(objectives.hypervolume(&[1.0, 4.0]).unwrap().abs() < 1e-300);
        assert!(objectives.hypervolume(&[1.0]).unwrap_err().to_string().contains("the reference point"));
    }
}
