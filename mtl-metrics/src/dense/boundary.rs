//! Boundary IoU: intersection over union near the outlines only.
//!
//! ```text
//! boundary of a class = its pixels with a pixel of anything else, or the image's edge, within d pixels (Chebyshev)
//! d = max(1, round(ratio sqrt(h^2 + w^2)))
//! boundary IoU_c = |G_c and P_c| / |G_c or P_c|          G, P: true and said boundary, pooled over images
//! ```
//!
//! Large regions have few outline pixels, so a mean IoU hardly sees how well their outline is; this does. One pass
//! finds the boundaries of all classes: a pixel is inside when its row is equal for `d` pixels to both sides, and so
//! are the `d` rows above and below.
//!
//! **Shapes** maps `[n, h, w]`. **State** 16 bytes a class. **Cost** independent of `d`.
//!
//! **Reference** B. Cheng et al., *Boundary IoU*, CVPR 2021, and its `mask_to_boundary` (`d` erosions by 3x3, zeros
//! around the image). **Differs from** it in nothing for masks; ignored pixels count as another class for outlines and
//! are left out of the counts.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    dense::maps::{Classes, LabelMaps},
    metric::{Metric, MetricState, add_counts, refused},
    refusal::refuse,
    value::{MetricValue, OrReason},
};

/// Pixels in both and in either boundary, by class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoundaryCounts {
    /// `[both, either]`, class after class.
    counts: Vec<u64>,
}

impl MetricState for BoundaryCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.counts.is_empty() {
            return Ok(());
        }
        if self.counts.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        add_counts(&mut self.counts, &other.counts)
    }

    fn check(&self) -> OrReason<()> {
        let fits = |pair: &[u64]| matches!(pair, [both, either] if both <= either);
        if self.counts.chunks(2).all(fits) { Ok(()) } else { Err("more pixels in both than in either".to_owned()) }
    }
}

/// Mean over classes of boundary IoU, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundaryIou {
    classes: Classes,
    ratio: f64,
}

impl BoundaryIou {
    /// Boundaries of `ratio` times the image's diagonal; the paper has 0.02, for instances 0.005 to 0.02.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a ratio outside `(0, 1]`.
    pub fn new(classes: Classes, ratio: f64) -> Result<Self> {
        if ratio > 0.0 && ratio <= 1.0 {
            return Ok(Self { classes, ratio });
        }
        Err(refuse("boundary iou", "ratio", "in (0, 1]", ratio.to_string()))
    }

    /// Boundary IoU of every class; `None` for one without outline.
    #[must_use]
    pub fn per_class(&self, state: &BoundaryCounts) -> Vec<Option<f64>> {
        let one = |pair: &[u64]| (pair[1] > 0).then(|| pair[0] as f64 / pair[1] as f64);
        state.counts.chunks_exact(2).map(one).collect()
    }

    fn count(&self, batch: &LabelMaps<'_>, image: usize) -> Result<BoundaryCounts> {
        let [_, h, w] = batch.shape();
        let pairs = batch.image(image, self.classes.n(), self.classes.ignore())?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the diagonal of a map in memory"
        )]
        let d = ((self.ratio * (h as f64).hypot(w as f64)).round_ties_even() as usize).max(1);
        let side =
            |side: usize| -> Vec<Option<usize>> { pairs.iter().map(|pair| pair.map(|pair| pair[side])).collect() };
        let (said, truth) = (outline(&side(0), h, w, d), outline(&side(1), h, w, d));
        let mut counts = vec![0; 2 * self.classes.n()];
        for ((pair, said_edge), true_edge) in pairs.iter().zip(said).zip(truth) {
            let Some([said, truth]) = *pair else { continue };
            if said == truth {
                counts[2 * truth] += u64::from(said_edge && true_edge);
                counts[2 * truth + 1] += u64::from(said_edge || true_edge);
            } else {
                counts[2 * said + 1] += u64::from(said_edge);
                counts[2 * truth + 1] += u64::from(true_edge);
            }
        }
        Ok(BoundaryCounts { counts })
    }
}

/// Which pixels are within `d` of another label or of the edge of the map.
fn outline(labels: &[Option<usize>], h: usize, w: usize, d: usize) -> Vec<bool> {
    // Pixels of the same label up to and including this one, then `inside` when the run reaches d to both sides.
    let inside_row = |row: &[Option<usize>]| -> Vec<bool> {
        let mut inside = vec![false; w];
        let mut start = 0;
        for x in 0..=w {
            if x == w || (x > start && row[x] != row[start]) {
                (start + d..x.saturating_sub(d)).for_each(|x| inside[x] = true);
                start = x;
            }
        }
        inside
    };
    let inside_rows: Vec<bool> = labels.chunks(w.max(1)).flat_map(inside_row).collect();
    let mut edge = vec![true; labels.len()];
    // By column: the first row of the run of equal labels that are inside their rows.
    let mut start = vec![0; w];
    for y in 0..=h {
        for x in 0..w {
            let here = y * w + x;
            let goes_on = y < h && inside_rows[here] && (y == start[x] || labels[here] == labels[here - w]);
            if goes_on {
                continue;
            }
            (start[x] + d..y.saturating_sub(d)).for_each(|y| edge[y * w + x] = false);
            // A pixel that broke a run by its label starts the next.
            start[x] = if y < h && inside_rows[here] { y } else { y + 1 };
        }
    }
    edge
}

impl Metric for BoundaryIou {
    type Batch<'a> = LabelMaps<'a>;
    type State = BoundaryCounts;

    fn name(&self) -> &'static str {
        "boundary-iou"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut BoundaryCounts, batch: &LabelMaps<'_>) -> Result<()> {
        let parts = map_each(batch.shape()[0], |image| self.count(batch, image));
        let mut whole = BoundaryCounts::default();
        for part in parts {
            whole.merge(&part?).map_err(|reason| refused(self.name(), reason))?;
        }
        state.merge(&whole).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &BoundaryCounts) -> MetricValue {
        let none = || "no outline".to_owned();
        let parts: Vec<_> = self.per_class(state).into_iter().map(|iou| iou.ok_or_else(none)).collect();
        MetricValue::average(&parts, "class", state.counts.chunks_exact(2).map(|pair| pair[1]).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel.
    fn plain(labels: &[Option<usize>], h: usize, w: usize, d: usize) -> Vec<bool> {
        let near = |y: usize, x: usize| {
            let inside = y >= d && x >= d && y + d < h && x + d < w;
            !inside || (y - d..=y + d).any(|v| (x - d..=x + d).any(|u| labels[v * w + u] != labels[y * w + x]))
        };
        (0..h * w).map(|at| near(at / w, at % w)).collect()
    }

    #[test]
    fn outlines_equal_the_definition() {
        let mut rng = mtl_core::rng::Rng::new(9);
        for case in 0..200 {
            let (h, w) = (1 + (rng.next_u64() % 17) as usize, 1 + (rng.next_u64() % 17) as usize);
            let cut = (rng.next_u64() % 17) as usize;
            let noise = case % 3;
            let label = |at: usize, rng: &mut mtl_core::rng::Rng| {
                let noisy = noise == 0 && rng.next_u64().is_multiple_of(9);
                Some(usize::from(at % w > cut) + usize::from(at / w > cut / 2) + usize::from(noisy))
            };
            let labels: Vec<_> = (0..h * w).map(|at| label(at, &mut rng)).collect();
            for d in 1..4 {
                assert_eq!(outline(&labels, h, w, d), plain(&labels, h, w, d), "{h} x {w}, d {d}: {labels:?}");
            }
        }
    }

    #[test]
    fn ratios_outside_are_refused() {
        let classes = Classes::new(2, None).unwrap();
        assert!(BoundaryIou::new(classes, 0.0).is_err() && BoundaryIou::new(classes, f64::NAN).is_err());
        assert!(BoundaryCounts { counts: vec![2, 1] }.check().is_err());
    }
}
