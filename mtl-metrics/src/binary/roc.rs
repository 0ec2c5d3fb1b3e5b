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
    binary::sweep::{Stop, Sweep},
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
        let sweep = Sweep::new(column);
        let auroc = sweep.auc()?;
        let (all_pos, all_neg) = (sweep.positives(), sweep.negatives());
        let steps = n_points.max(2) - 1;
        // Whole numbers where there are no weights, so that the last corner to be kept is not lost to rounding.
        let step = |tp: f64, fp: f64| -> u128 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, or at most the steps")]
            if sweep.is_counted() {
                let [tp, fp, p, n] = [tp, fp, all_pos, all_neg].map(|count| count as u128);
                (tp * n + fp * p) * steps as u128 / (2 * p * n)
            } else if tp >= all_pos && fp >= all_neg {
                steps as u128
            } else {
                ((tp / all_pos + fp / all_neg) / 2.0 * steps as f64) as u128
            }
        };
        let mut points = vec![RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: None }];
        let mut last_step = 0;
        for Stop { threshold, tp, fp } in sweep.stops() {
            let step = step(tp, fp);
            if step > last_step {
                last_step = step;
                points.push(RocPoint {
                    false_positive_rate: fp / all_neg,
                    true_positive_rate: tp / all_pos,
                    threshold: Some(threshold),
                });
            }
        }
        let count =
            |plain: usize, yes: bool| (plain + column.weighted.iter().filter(|item| item.2 == yes).count()) as u64;
        let (positives, negatives) = (count(column.positives.len(), true), count(column.negatives.len(), false));
        Ok(Self { points, auroc, positives, negatives })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::key;

    fn column(positives: &[f32], negatives: &[f32]) -> Column {
        let keys = |scores: &[f32]| scores.iter().map(|&s| key(s)).collect();
        Column { positives: keys(positives), negatives: keys(negatives), ..Column::default() }
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
