//! The precision-recall curve as points for a plot.
//!
//! ```text
//! at threshold t:   x = tp / P        y = tp / (tp + fp)        tp, fp: positives and negatives with s >= t
//! ```
//!
//! Of the corners those are kept that lie at least a step of `1 / n_points` from the one before, along either axis, and the
//! last; what a plot can show is there.
//!
//! **Reference** scikit-learn `precision_recall_curve`: the same corners, without its closing point of recall 0 and precision
//! 1, which no threshold gives.

use serde::Serialize;

use crate::{
    binary::{
        average_precision::average_precision,
        sweep::{Stop, Sweep},
    },
    samples::Column,
    value::OrReason,
};

/// A precision-recall curve, recall rising.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrecisionRecallCurve {
    /// `[recall, precision]`, thresholds falling.
    pub points: Vec<[f64; 2]>,
    /// Area under the steps of the whole curve: the metric `average-precision`.
    pub average_precision: f64,
    /// Share of positives: the precision of chance.
    pub prevalence: f64,
}

impl PrecisionRecallCurve {
    /// The curve of one question, thinned to steps of `1 / n_points`.
    ///
    /// # Errors
    /// The reason when there is no positive.
    pub fn new(column: &Column, n_points: usize) -> OrReason<Self> {
        let sweep = Sweep::new(column);
        let average_precision = average_precision(column)?;
        let step = 1.0 / n_points.max(1) as f64;
        let corner = |Stop { tp, fp, .. }: Stop| [tp / sweep.positives(), tp / (tp + fp).max(f64::MIN_POSITIVE)];
        let (mut points, mut last): (Vec<[f64; 2]>, Option<[f64; 2]>) = (Vec::new(), None);
        for point in sweep.stops().map(corner) {
            let far = points.last().is_none_or(|kept| (0..2).any(|axis| (point[axis] - kept[axis]).abs() >= step));
            if far {
                points.push(point);
            }
            last = (!far).then_some(point);
        }
        points.extend(last);
        let prevalence = sweep.positives() / (sweep.positives() + sweep.negatives());
        Ok(Self { points, average_precision, prevalence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_scikit_learn() {
        // precision_recall_curve of scikit-learn's own example, and average_precision_score 0.8333.
        let curve = PrecisionRecallCurve::new(&Column::of(&[0.35, 0.8], &[0.1, 0.4]), 100).unwrap();
        assert_eq!(curve.points, [[0.5, 1.0], [0.5, 0.5], [1.0, 2.0 / 3.0], [1.0, 0.5]]);
        assert!((curve.average_precision - 5.0 / 6.0).abs() < 1e-12 && (curve.prevalence - 0.5).abs() < 1e-15);
        assert_eq!(PrecisionRecallCurve::new(&Column::of(&[], &[0.5]), 9).unwrap_err(), "no positive sample");
    }

    #[test]
    fn many_corners_are_thinned_and_the_last_stays() {
        let scores = |from: u16| (0..40_000).map(|i| f32::from(from) + 2.0 * i as f32).collect::<Vec<f32>>();
        let curve = PrecisionRecallCurve::new(&Column::of(&scores(0), &scores(1)), 300).unwrap();
        assert!(curve.points.len() < 700, "{}", curve.points.len());
        assert_eq!(curve.points.last(), Some(&[1.0, 0.5]));
    }
}
