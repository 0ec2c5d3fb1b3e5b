//! MPJPE and PA-MPJPE: the mean distance of joints in space, as they are and after the best similarity transform.
//!
//! ```text
//! MPJPE    = mean over labeled joints of |said - true|
//! PA-MPJPE = the same after said -> s R said + t, with s, R, t of the smallest sum of squares over a person's labeled joints
//!            K = sum_i (said_i - mean)(true_i - mean)^T = U S V^T,  D = diag(1, 1, det(V U^T))
//!            R = V D U^T,   s = tr(S D) / sum_i |said_i - mean|^2
//! ```
//!
//! **Shapes** joints `[p, k, 3]`, labeled marks `[p, k]`. **State** 560 bytes. **Unit** that of the joints, usually
//! millimeters.
//!
//! **Reference** C. Ionescu et al., *Human3.6M*, TPAMI 2014; J. Gower, *Generalized Procrustes Analysis*, 1975; mmpose
//! `keypoint_mpjpe`. **Differs from** mmpose: only labeled joints take part in the alignment; persons whose said joints
//! coincide are moved but not scaled (there: a division by 0).

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};
use crate::{
    keypoint::svd3::svd3,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::{refuse, same_length},
    value::MetricValue,
};

type Point = [f64; 3];

/// Said and true joints of persons.
#[derive(Debug, Clone, Copy)]
pub struct Skeletons<'a> {
    said: &'a [Point],
    truth: &'a [Point],
    labeled: &'a [bool],
    k: usize,
}

impl<'a> Skeletons<'a> {
    /// Joints `[p, k]` person after person and whether they are labeled. Joints that are not may hold anything.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists that do not fit together, [`mtl_core::Error::InvalidConfig`] for labeled
    /// joints that are not finite and for `k` of 0.
    pub fn new(said: &'a [Point], truth: &'a [Point], labeled: &'a [bool], k: usize) -> Result<Self> {
        same_length("skeletons", "joints", truth.len(), said.len())?;
        same_length("skeletons", "labeled", truth.len(), labeled.len())?;
        if k == 0 || !truth.len().is_multiple_of(k) {
            let found = format!("{} joints", truth.len());
            return Err(refuse("skeletons", "joints", format!("a multiple of {k}, at least one a person"), found));
        }
        let near = |point: &Point| point.iter().all(|x| x.abs() <= 1e50);
        let mut points = said.iter().zip(truth).zip(labeled).enumerate();
        match points.find(|(_, ((said, truth), labeled))| **labeled && !(near(said) && near(truth))) {
            None => Ok(Self { said, truth, labeled, k }),
            Some((idx, ((said, truth), _))) => {
                let found = format!("{said:?} beside {truth:?} (joint {} of person {})", idx % k, idx / k);
                Err(refuse("skeletons", "joints", "numbers up to 1e50", found))
            }
        }
    }
}

/// Mean distance of joints, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mpjpe {
    /// Whether each person is aligned first: PA-MPJPE.
    pub aligned: bool,
}

impl Metric for Mpjpe {
    type Batch<'a> = Skeletons<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        if self.aligned { "pa-mpjpe" } else { "mpjpe" }
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Skeletons<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        let persons = batch.said.chunks(batch.k).zip(batch.truth.chunks(batch.k)).zip(batch.labeled.chunks(batch.k));
        for ((said, truth), labeled) in persons {
            let known = |points: &[Point]| -> Vec<Point> {
                points.iter().zip(labeled).filter(|(_, labeled)| **labeled).map(|(point, _)| *point).collect()
            };
            let (mut said, truth) = (known(said), known(truth));
            if self.aligned {
                align(&mut said, &truth);
            }
            said.iter().zip(&truth).for_each(|(a, b)| part.add(norm(sub(*a, *b))));
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

fn sub(a: Point, b: Point) -> Point {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn norm(a: Point) -> f64 {
    (a[0] * a[0] + a[1] * a[1] + a[2] * a[2]).sqrt()
}

fn center(points: &[Point]) -> Point {
    std::array::from_fn(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / points.len().max(1) as f64)
}

/// Moves `said` onto `truth` by the similarity transform of the smallest sum of squares.
fn align(said: &mut [Point], truth: &[Point]) {
    let (from, to) = (center(said), center(truth));
    let mut k = [[0.0; 3]; 3];
    let mut spread = 0.0;
    for (a, b) in said.iter().zip(truth) {
        let (a, b) = (sub(*a, from), sub(*b, to));
        (0..3).for_each(|i| (0..3).for_each(|j| k[i][j] += a[i] * b[j]));
        spread += a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
    }
    // Rows of u and v are singular vectors, singular values fall.
    let (u, s, v) = svd3(&k);
    let flip = [1.0, 1.0, if det(&u) * det(&v) < 0.0 { -1.0 } else { 1.0 }];
    let scale = if spread > 0.0 { (0..3).map(|n| s[n] * flip[n]).sum::<f64>() / spread } else { 0.0 };
    for point in said {
        let a = sub(*point, from);
        // R a = sum_n flip_n v_n (u_n . a)
        let along: Point = std::array::from_fn(|n| flip[n] * (u[n][0] * a[0] + u[n][1] * a[1] + u[n][2] * a[2]));
        *point = std::array::from_fn(|axis| {
            to[axis] + scale * (along[0] * v[0][axis] + along[1] * v[1][axis] + along[2] * v[2][axis])
        });
    }
}

fn det(m: &[Point; 3]) -> f64 {
    let [a, b, c] = m;
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// The numbers of a sample as joints, `x, y, z, x, y, z, ..`; a joint with an unknown number is not labeled.
impl<'a> FromJudged<'a> for Skeletons<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (said, truth) = judged.values(metric)?;
        let k = truth.n_cols() / 3;
        if k * 3 != truth.n_cols() {
            return Err(judged.unfit(metric, "joints as numbers x, y, z, x, y, z, .."));
        }
        let points = |numbers: &[f32]| -> Vec<Point> {
            numbers.chunks_exact(3).map(|p| [f64::from(p[0]), f64::from(p[1]), f64::from(p[2])]).collect()
        };
        let truth = shelf.keep(points(truth.flat()));
        let labeled = truth.iter().map(|point| point.iter().all(|x| !x.is_nan())).collect();
        Self::new(shelf.keep(points(said.flat())), truth, shelf.keep(labeled), k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    const TRUTH: [Point; 4] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]];

    fn value(aligned: bool, said: &[Point]) -> f64 {
        let mut metric = Streaming::new(Mpjpe { aligned });
        metric.update_batch(&Skeletons::new(said, &TRUTH, &[true; 4], 4).unwrap()).unwrap();
        metric.compute().value.unwrap()
    }

    #[test]
    fn moved_turned_and_scaled_is_aligned_away() {
        // Turned about z by 90 degrees, doubled, moved.
        let said = TRUTH.map(|[x, y, z]| [5.0 - 2.0 * y, 2.0 * x, 2.0 * z - 7.0]);
        assert!(value(false, &said) > 5.0);
        assert!(value(true, &said) < 1e-14);
        let mirrored = TRUTH.map(|[x, y, z]| [x, y, -z]);
        assert!(value(true, &mirrored) > 0.1, "a mirror image is another skeleton");
    }

    #[test]
    fn joints_in_one_place_are_moved_only() {
        let middle = center(&TRUTH);
        let want = TRUTH.iter().map(|point| norm(sub(*point, middle))).sum::<f64>() / 4.0;
        assert!((value(true, &[[9.0; 3]; 4]) - want).abs() < 1e-15);
        assert!(Skeletons::new(&TRUTH, &TRUTH, &[true; 4], 3).is_err());
        assert!(Skeletons::new(&TRUTH, &TRUTH, &[true; 4], 0).is_err());
    }
}
