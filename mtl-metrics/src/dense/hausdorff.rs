//! Hausdorff-95: how far outlines are from each other, the worst twentieth left aside.
//!
//! ```text
//! edge of a mask = its pixels with a pixel outside beside, above or below (outside the image is outside)
//! directed(A, B) = 95th percentile over pixels a of edge A of  min_{b in edge B} |a - b|
//! HD95 = max(directed(said, true), directed(true, said))         mean over images, then over classes
//! ```
//!
//! Distances come from an exact Euclidean distance transform; percentiles interpolate linearly. An image in which a
//! class is on one side only has no distance: it is left out and counted ([`ClassDistance::one_sided`]), never
//! infinite.
//!
//! **Shapes** maps `[n, h, w]`; `spacing` is the size of a pixel, down and across. **State** 568 bytes a class.
//! **Cost** `O(h w)` for a class that is there. **Unit** that of the spacing.
//!
//! **Reference** monai `compute_hausdorff_distance(percentile=95)`; scipy `distance_transform_edt`, numpy `percentile`;
//! P. Felzenszwalb, D. Huttenlocher, *Distance Transforms of Sampled Functions*, Theory of Computing 8, 2012.
//! **Differs from** monai: one-sided images give no infinity or NaN; ignored pixels belong to no mask.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    dense::maps::{Classes, LabelMaps},
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::check_each,
    value::{MetricValue, OrReason},
};

/// One class: the distances of images that have one, and how many have none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClassDistances {
    mean: ExactMean,
    one_sided: u64,
}

/// The distances of all classes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distances(Vec<ClassDistances>);

impl MetricState for Distances {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.0.is_empty() {
            return Ok(());
        }
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return Ok(());
        }
        if self.0.len() != other.0.len() {
            return Err(format!("{} classes cannot be merged with {}", self.0.len(), other.0.len()));
        }
        let mut merged = self.clone();
        for (ours, theirs) in merged.0.iter_mut().zip(&other.0) {
            ours.mean.merge(&theirs.mean)?;
            ours.one_sided = ours.one_sided.checked_add(theirs.one_sided).ok_or("a count is beyond 64 bits")?;
        }
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.0.iter().try_for_each(|class| class.mean.check())
    }
}

/// One class of a [`Hausdorff95`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassDistance {
    /// Mean distance; `None` when no image has one.
    pub distance: Option<f64>,
    /// Images with a distance.
    pub images: u64,
    /// Images in which the class is only there or only said.
    pub one_sided: u64,
}

/// Mean 95th percentile of the distance between outlines, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hausdorff95 {
    classes: Classes,
    spacing: [f64; 2],
    background: Option<usize>,
}

impl Hausdorff95 {
    /// Distances between masks of pixels of the given height and width. The class `background` is not measured.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a spacing that is not positive.
    pub fn new(classes: Classes, spacing: [f64; 2], background: Option<usize>) -> Result<Self> {
        check_each("hausdorff-95", "spacing", "positive, up to 1e50", &spacing, |size| size > 0.0 && size <= 1e50)?;
        Ok(Self { classes, spacing, background })
    }

    /// Every class.
    #[must_use]
    pub fn per_class(&self, state: &Distances) -> Vec<ClassDistance> {
        let one = |class: &ClassDistances| ClassDistance {
            distance: class.mean.value().value,
            images: class.mean.n(),
            one_sided: class.one_sided,
        };
        state.0.iter().map(one).collect()
    }

    fn measure(&self, batch: &LabelMaps<'_>, image: usize) -> Result<Distances> {
        let [_, h, w] = batch.shape();
        let pairs = batch.image(image, self.classes.n(), self.classes.ignore())?;
        let measured = map_each(self.classes.n(), |class| {
            let mask = |side: usize| -> Vec<bool> {
                pairs.iter().map(|pair| pair.is_some_and(|pair| pair[side] == class)).collect()
            };
            let mut found = ClassDistances::default();
            if Some(class) == self.background {
                return found;
            }
            let (said, truth) = (mask(0), mask(1));
            let has = |mask: &[bool]| mask.contains(&true);
            match (has(&said), has(&truth)) {
                (true, true) => found.mean.add(hausdorff(&said, &truth, h, w, self.spacing)),
                (false, false) => {}
                _ => found.one_sided = 1,
            }
            found
        });
        Ok(Distances(measured))
    }
}

impl Metric for Hausdorff95 {
    type Batch<'a> = LabelMaps<'a>;
    type State = Distances;

    fn name(&self) -> &'static str {
        "hausdorff-95"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Distances, batch: &LabelMaps<'_>) -> Result<()> {
        let mut whole = Distances::default();
        for image in 0..batch.shape()[0] {
            whole.merge(&self.measure(batch, image)?).map_err(|reason| refused(self.name(), reason))?;
        }
        state.merge(&whole).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Distances) -> MetricValue {
        let classes = self.per_class(state);
        let none = || "no image with the class on both sides".to_owned();
        let measured = classes.iter().enumerate().filter(|(class, _)| Some(*class) != self.background);
        let parts: Vec<_> = measured.map(|(_, class)| class.distance.ok_or_else(none)).collect();
        MetricValue::average(&parts, "class", classes.iter().map(|class| class.images + class.one_sided).sum())
    }
}

fn hausdorff(said: &[bool], truth: &[bool], h: usize, w: usize, spacing: [f64; 2]) -> f64 {
    let (said, truth) = (edge(said, h, w), edge(truth, h, w));
    let directed = |from: &[bool], to: &[bool]| {
        let squares = squared_distances(to, h, w, spacing);
        let mut way: Vec<f64> =
            from.iter().zip(squares).filter(|(from, _)| **from).map(|(_, square)| square.sqrt()).collect();
        percentile(&mut way, 0.95)
    };
    directed(&said, &truth).max(directed(&truth, &said))
}

/// Pixels of the mask that a cross-shaped erosion takes away.
fn edge(mask: &[bool], h: usize, w: usize) -> Vec<bool> {
    let inside = |y: usize, x: usize| {
        let at = y * w + x;
        y > 0 && x > 0 && y + 1 < h && x + 1 < w && mask[at - 1] && mask[at + 1] && mask[at - w] && mask[at + w]
    };
    (0..h * w).map(|at| mask[at] && !inside(at / w, at % w)).collect()
}

/// The linearly interpolated percentile, as numpy's default; 0 of nothing.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = share * values.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let below = at.floor() as usize;
    let (Some(&low), part) = (values.get(below), at - at.floor()) else { return 0.0 };
    let high = values.get(below + 1).copied().unwrap_or(low);
    low + (high - low) * part
}

/// The squared distance of every pixel to the nearest marked one.
fn squared_distances(marked: &[bool], h: usize, w: usize, [down, across]: [f64; 2]) -> Vec<f64> {
    let mut squares: Vec<f64> = marked.iter().map(|&marked| if marked { 0.0 } else { f64::INFINITY }).collect();
    let mut column = vec![0.0; h];
    for x in 0..w {
        (0..h).for_each(|y| column[y] = squares[y * w + x]);
        lower_envelope(&column, down).into_iter().enumerate().for_each(|(y, square)| squares[y * w + x] = square);
    }
    for row in squares.chunks_mut(w.max(1)) {
        let envelope = lower_envelope(row, across);
        row.copy_from_slice(&envelope);
    }
    squares
}

/// `min_q f(q) + (step (p - q))^2` at every `p`: the lower envelope of parabolas.
fn lower_envelope(f: &[f64], step: f64) -> Vec<f64> {
    // Parabolas of the envelope and where each begins to be the lowest.
    let mut hull: Vec<(usize, f64)> = Vec::new();
    let unit = step * step;
    for (q, &height) in f.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let mut begins = f64::NEG_INFINITY;
        while let Some(&(v, from)) = hull.last() {
            let (qf, vf) = (q as f64, v as f64);
            begins = ((height - f[v]) / unit + (qf * qf - vf * vf)) / (2.0 * (qf - vf));
            if begins > from {
                break;
            }
            hull.pop();
            begins = f64::NEG_INFINITY;
        }
        hull.push((q, begins));
    }
    let mut at = 0;
    let lowest = |p: usize| {
        while hull.get(at + 1).is_some_and(|&(_, from)| from < p as f64) {
            at += 1;
        }
        hull.get(at).map_or(f64::INFINITY, |&(q, _)| {
            let way = step * p.abs_diff(q) as f64;
            f[q] + way * way
        })
    };
    (0..f.len()).map(lowest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Streaming, dense::maps::LabelMap};

    #[test]
    fn distances_equal_the_definition() {
        let mut rng = mtl_core::rng::Rng::new(4);
        for _ in 0..60 {
            let (h, w) = (1 + (rng.next_u64() % 9) as usize, 1 + (rng.next_u64() % 9) as usize);
            let marked: Vec<bool> = (0..h * w).map(|_| rng.next_u64().is_multiple_of(6)).collect();
            let spacing = [1.0, 0.7];
            for (at, found) in squared_distances(&marked, h, w, spacing).into_iter().enumerate() {
                let to = |b: usize| {
                    let (dy, dx) = ((at / w).abs_diff(b / w) as f64, (at % w).abs_diff(b % w) as f64 * 0.7);
                    dy * dy + dx * dx
                };
                let want = (0..h * w).filter(|&b| marked[b]).map(to).fold(f64::INFINITY, f64::min);
                let both_far = found.is_infinite() && want.is_infinite();
                assert!(both_far || (found - want).abs() < 1e-12, "{found} against {want}");
            }
        }
    }

    #[test]
    fn a_shifted_square_by_hand() {
        let square = |left: usize| -> Vec<u8> {
            (0..100).map(|at| u8::from((2..6).contains(&(at / 10)) && (left..left + 4).contains(&(at % 10)))).collect()
        };
        let (said, truth) = (square(2), square(4));
        let mut metric = Streaming::new(Hausdorff95::new(Classes::new(3, None).unwrap(), [1.0, 0.5], Some(0)).unwrap());
        let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [1, 10, 10]).unwrap();
        metric.update_batch(&maps).unwrap();
        let value = metric.compute();
        assert_eq!((value.value, value.parts, value.left_out), (Some(1.0), 2, 1));
        let nothing = vec![0; 100];
        let maps = LabelMaps::new(LabelMap::U8(&nothing), LabelMap::U8(&truth), [1, 10, 10]).unwrap();
        metric.update_batch(&maps).unwrap();
        let class = &metric.metric().per_class(metric.remembered())[1];
        assert_eq!((class.distance, class.images, class.one_sided), (Some(1.0), 1, 1));
    }
}
