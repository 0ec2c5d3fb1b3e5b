//! The ROC curve as points for a plot.
//!
//! ```text
//! at threshold t:   x = #{negatives with s >= t} / N        y = #{positives with s >= t} / P
//! ```
//!
//! A curve of ten million scores has as many corners as it has distinct scores; a plot shows a thousand. The corners
//! kept are the first to pass equal steps along `x + y`, so that none of the bends is cut by more than a step; both ends
//! are always there.
//!
//! **Reference** scikit-learn `roc_curve(drop_intermediate=False)`: the same corners from `2 max(P, N) + 1` points on.
//! **Differs from** it in giving no threshold to the origin (it gives infinity, which JSON does not have).

use serde::Serialize;

use crate::{
    ranks::{PairCounts, both_sorted, score},
    samples::Column,
    value::OrReason,
};

/// One corner of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Share of negatives called positive.
    pub false_positive_rate: f64,
    /// Share of positives called positive.
    pub true_positive_rate: f64,
    /// The lowest score called positive; `None` at the origin, where nothing is.
    pub threshold: Option<f32>,
}

/// A ROC curve from (0, 0) to (1, 1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RocCurve {
    /// Corners, thresholds falling.
    pub points: Vec<RocPoint>,
    /// Area under the whole curve (not under the points kept).
    pub auroc: f64,
    /// Positive samples.
    pub positives: u64,
    /// Negative samples.
    pub negatives: u64,
}

impl RocCurve {
    /// The curve of one question with at most `n_points` corners, at least the two ends.
    ///
    /// # Errors
    /// The reason when there is no positive or no negative.
    pub fn new(column: &Column, n_points: usize) -> OrReason<Self> {
        let (positives, negatives) = both_sorted(&column.positives, &column.negatives);
        let counts = PairCounts::of_sorted(&positives, &negatives);
        let auroc = counts.auc()?;
        let steps = n_points.max(2) as u128 - 1;
        let (n_pos, n_neg) = (positives.len(), negatives.len());
        let mut points = vec![RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: None }];
        let (mut above_pos, mut above_neg, mut last_step) = (0, 0, 0);
        while above_pos < n_pos || above_neg < n_neg {
            // The highest score not yet passed, then everything equal to it.
            let next = |sorted: &[u32], above: usize| sorted.len().checked_sub(above + 1).map(|idx| sorted[idx]);
            let Some(key) = next(&positives, above_pos).max(next(&negatives, above_neg)) else { break };
            while next(&positives, above_pos) == Some(key) {
                above_pos += 1;
            }
            while next(&negatives, above_neg) == Some(key) {
                above_neg += 1;
            }
            let way = above_pos as u128 * n_neg as u128 + above_neg as u128 * n_pos as u128;
            let step = way * steps / (2 * n_pos as u128 * n_neg as u128);
            if step > last_step {
                last_step = step;
                points.push(RocPoint {
                    false_positive_rate: above_neg as f64 / n_neg as f64,
                    true_positive_rate: above_pos as f64 / n_pos as f64,
                    threshold: Some(score(key)),
                });
            }
        }
        Ok(Self { points, auroc, positives: n_pos as u64, negatives: n_neg as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::key;

    fn column(positives: &[f32], negatives: &[f32]) -> Column {
        let keys = |scores: &[f32]| scores.iter().map(|&s| key(s)).collect();
        Column { positives: keys(positives), negatives: keys(negatives) }
    }

    #[test]
    fn corners_by_hand() {
        let curve = RocCurve::new(&column(&[0.9, 0.5], &[0.5, 0.1]), 100).unwrap();
        let corners: Vec<_> = curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        assert_eq!(corners, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(
            curve.points.iter().map(|p| p.threshold).collect::<Vec<_>>(),
            [None, Some(0.9), Some(0.5), Some(0.1)]
        );
        assert!((curve.auroc - 0.875).abs() < 1e-15);
        assert_eq!(RocCurve::new(&column(&[], &[0.5]), 9).unwrap_err(), "no positive sample");
    }

    #[test]
    fn thinning_keeps_the_ends_and_most_of_the_area() {
        let scores = |n: usize, shift: f32| (0..n).map(|i| (i as f32 * 0.618).fract() + shift).collect::<Vec<_>>();
        let column = column(&scores(3000, 0.3), &scores(5000, 0.0));
        for n_points in [0, 2, 7, 100] {
            let curve = RocCurve::new(&column, n_points).unwrap();
            assert!(curve.points.len() <= n_points.max(2), "{} of {n_points}", curve.points.len());
            let last = curve.points.last().unwrap();
            assert_eq!((last.false_positive_rate, last.true_positive_rate), (1.0, 1.0));
            let area = |w: &[RocPoint]| {
                let width = w[1].false_positive_rate - w[0].false_positive_rate;
                width * (w[0].true_positive_rate + w[1].true_positive_rate) / 2.0
            };
            let area: f64 = curve.points.windows(2).map(area).sum();
            assert!(n_points < 100 || (area - curve.auroc).abs() < 1e-3, "{area} against {}", curve.auroc);
        }
    }
}
