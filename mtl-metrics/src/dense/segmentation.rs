//! Semantic segmentation from one confusion matrix: mean IoU, Dice, accuracies.
//!
//! ```text
//! N[t, s] = pixels of class t said to be s        T_c = sum_s N[c, s]    S_c = sum_t N[t, c]    n = sum N
//! IoU_c  = N[c, c] / (T_c + S_c - N[c, c])        mIoU = mean_c IoU_c          fwIoU = sum_c T_c IoU_c / n
//! Dice_c = 2 N[c, c] / (T_c + S_c)                Dice = mean_c Dice_c         (the F1 of pixels)
//! pixel accuracy = sum_c N[c, c] / n              mean accuracy = mean_c N[c, c] / T_c
//! ```
//!
//! Pixels are pooled over all images. Pixels whose true label is the ignored one are left out, whatever was said there.
//! A class that is neither there nor said has no IoU: it is left out of the mean and counted as such, or has a set
//! value ([`Absent`]).
//!
//! **Shapes** maps `[n, h, w]`. **State** `8 c^2` bytes. **Cost** one pass at about the speed of memory.
//!
//! **Reference** scikit-learn 1.9.1 `jaccard_score`, `f1_score` (macro, labels present in either); torchmetrics
//! `MulticlassJaccardIndex`; LibMTL's NYUv2 `SegMetric`. **Differs from** LibMTL, whose mean is NaN when a class is
//! absent; from torchmetrics when the ignored label is one of the classes and is said elsewhere: that class then has
//! IoU 0 here, as it has false pixels.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    dense::maps::{Classes, LabelMaps, MAX_CLASSES},
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

/// Pixels by true and said class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PixelCounts {
    n_classes: usize,
    counts: Vec<u64>,
    ignored: u64,
}

impl PixelCounts {
    /// `[c, c]`, row by row: true class, then said class.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Pixels left out because of their label.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Pixels counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

impl MetricState for PixelCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.n_classes == 0 {
            return Ok(());
        }
        if self.n_classes == 0 {
            self.clone_from(other);
            return Ok(());
        }
        let ignored = self.ignored.checked_add(other.ignored).ok_or("a count is beyond 64 bits")?;
        add_counts(&mut self.counts, &other.counts)?;
        self.ignored = ignored;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let total = self.counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if self.n_classes > MAX_CLASSES || self.counts.len() != self.n_classes * self.n_classes || total.is_none() {
            return Err(format!("{} counts for {} classes", self.counts.len(), self.n_classes));
        }
        Ok(())
    }
}

/// What the overlap of a class is that is neither there nor said.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Absent {
    /// Not defined; the class is left out.
    #[default]
    LeftOut,
    /// This value.
    Score(f64),
}

/// Which number a [`Segmentation`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentationNumber {
    /// Mean over classes of intersection over union.
    #[default]
    MeanIou,
    /// Mean over classes of Dice.
    Dice,
    /// Share of pixels said right.
    PixelAccuracy,
    /// Mean over classes of the share of their pixels said right.
    MeanAccuracy,
    /// Mean IoU weighted by the pixels of a class.
    FrequencyWeightedIou,
}

/// A number of semantic segmentation, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segmentation {
    /// The classes and the ignored label.
    pub classes: Classes,
    /// What `compute` gives.
    pub number: SegmentationNumber,
    /// The rule for absent classes.
    pub absent: Absent,
}

/// One class of a segmentation; `None` where it is not defined.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassOverlap {
    /// Intersection over union.
    pub iou: Option<f64>,
    /// Dice.
    pub dice: Option<f64>,
    /// Share of its pixels said right.
    pub accuracy: Option<f64>,
    /// Its true pixels.
    pub pixels: u64,
}

impl Segmentation {
    /// The number with absent classes left out.
    #[must_use]
    pub fn new(classes: Classes, number: SegmentationNumber) -> Self {
        Self { classes, number, absent: Absent::LeftOut }
    }

    /// Every class.
    #[must_use]
    pub fn report(&self, state: &PixelCounts) -> Vec<ClassOverlap> {
        let c = state.n_classes;
        let mut said = vec![0_u64; c];
        for row in state.counts.chunks_exact(c.max(1)) {
            said.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
        }
        let absent = match self.absent {
            Absent::LeftOut => None,
            Absent::Score(score) => Some(score),
        };
        let rows = state.counts.chunks_exact(c.max(1)).zip(said).enumerate();
        let one = |(class, (row, said)): (usize, (&[u64], u64))| {
            let (hits, pixels) = (row[class], row.iter().sum::<u64>());
            let ratio = |a: u64, b: u64| if b > 0 { Some(a as f64 / b as f64) } else { absent };
            ClassOverlap {
                iou: ratio(hits, pixels + said - hits),
                dice: ratio(2 * hits, pixels + said),
                accuracy: (pixels > 0).then(|| hits as f64 / pixels as f64),
                pixels,
            }
        };
        rows.map(one).collect()
    }
}

impl Metric for Segmentation {
    type Batch<'a> = LabelMaps<'a>;
    type State = PixelCounts;

    fn name(&self) -> &'static str {
        match self.number {
            SegmentationNumber::MeanIou => "miou",
            SegmentationNumber::Dice => "dice",
            SegmentationNumber::PixelAccuracy => "pixel-accuracy",
            SegmentationNumber::MeanAccuracy => "mean-accuracy",
            SegmentationNumber::FrequencyWeightedIou => "fwiou",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut PixelCounts, batch: &LabelMaps<'_>) -> Result<()> {
        let n_classes = self.classes.n();
        let (counts, ignored) = batch.count(n_classes, self.classes.ignore())?;
        state.merge(&PixelCounts { n_classes, counts, ignored }).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &PixelCounts) -> MetricValue {
        let classes = self.report(state);
        let n = state.total();
        let mean = |read: fn(&ClassOverlap) -> Option<f64>| {
            let absent = || "neither there nor said".to_owned();
            let parts: Vec<_> = classes.iter().map(|class| read(class).ok_or_else(absent)).collect();
            MetricValue::average(&parts, "class", n)
        };
        match self.number {
            SegmentationNumber::MeanIou => mean(|class| class.iou),
            SegmentationNumber::Dice => mean(|class| class.dice),
            SegmentationNumber::MeanAccuracy => mean(|class| class.accuracy),
            SegmentationNumber::PixelAccuracy => {
                let hits = (0..state.n_classes).map(|class| state.counts[class * (state.n_classes + 1)]).sum::<u64>();
                MetricValue::ratio(hits as f64, n)
            }
            SegmentationNumber::FrequencyWeightedIou => {
                let there = classes.iter().filter(|class| class.pixels > 0);
                MetricValue::ratio(there.map(|class| class.pixels as f64 * class.iou.unwrap_or(0.0)).sum(), n)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Streaming, dense::maps::LabelMap};

    #[test]
    fn by_hand() {
        let truth = [0, 0, 1, 1, 255, 1];
        let said = [0, 1, 1, 1, 3, 0];
        let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [1, 2, 3]).unwrap();
        let value = |number, absent| {
            let classes = Classes::new(4, Some(255)).unwrap();
            let mut metric = Streaming::new(Segmentation { absent, ..Segmentation::new(classes, number) });
            metric.update_batch(&maps).unwrap();
            metric.compute()
        };
        // IoU 1/3 and 2/4; classes 2 and 3 are absent (a said 3 at an ignored pixel is no class).
        let miou = value(SegmentationNumber::MeanIou, Absent::LeftOut);
        assert!((miou.value.unwrap() - 5.0 / 12.0).abs() < 1e-15);
        assert_eq!((miou.parts, miou.left_out, miou.support), (4, 2, 5));
        let filled = value(SegmentationNumber::MeanIou, Absent::Score(1.0)).value.unwrap();
        assert!((filled - (5.0 / 6.0 + 2.0) / 4.0).abs() < 1e-15);
        assert_eq!(value(SegmentationNumber::PixelAccuracy, Absent::LeftOut).value, Some(0.6));
        let dice = value(SegmentationNumber::Dice, Absent::LeftOut).value.unwrap();
        assert!((dice - (0.5 + 4.0 / 6.0) / 2.0).abs() < 1e-15);
        let fwiou = value(SegmentationNumber::FrequencyWeightedIou, Absent::LeftOut).value.unwrap();
        assert!((fwiou - (2.0 / 3.0 + 3.0 / 2.0) / 5.0).abs() < 1e-15);
    }

    #[test]
    fn other_numbers_of_classes_do_not_merge() {
        let mut a = PixelCounts { n_classes: 2, counts: vec![0; 4], ignored: 0 };
        let b = PixelCounts { n_classes: 3, counts: vec![0; 9], ignored: 0 };
        assert!(a.merge(&b).is_err() && a.check().is_ok());
        assert!(PixelCounts { n_classes: 2, counts: vec![0; 9], ignored: 0 }.check().is_err());
    }
}
