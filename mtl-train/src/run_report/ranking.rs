//! ROC and precision-recall curves of one yes/no question, as points for a plot.
//!
//! ```text
//! at threshold t   tp, fp = positives and negatives with score >= t
//! ROC              x = fp / N            y = tp / P
//! PR               x = tp / P            y = tp / (tp + fp)
//! area             ROC: trapezoids       PR: sum over thresholds of (recall_k - recall_(k-1)) precision_k
//! ```
//! Equal scores are one threshold. **Reference** scikit-learn `roc_curve`, `precision_recall_curve` and
//! `average_precision_score`, whose values these are; points between which nothing bends are left out.

/// The curves of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curves {
    /// `[false positive rate, true positive rate]` from (0, 0) to (1, 1).
    pub(super) roc: Vec<[f64; 2]>,
    /// `[recall, precision]`, recall rising.
    pub(super) pr: Vec<[f64; 2]>,
    /// Area under the ROC curve.
    pub(super) auroc: f64,
    /// Average precision.
    pub(super) average_precision: f64,
    /// Share of positives: the precision of chance.
    pub(super) prevalence: f64,
}

impl Curves {
    /// The curves of scores with their labels (0, 1; others are left out); `None` without both a positive and a negative.
    pub(super) fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let mut pairs: Vec<(f64, bool)> =
            pairs.filter(|(s, y)| s.is_finite() && !y.is_nan()).map(|(s, y)| (s, y > 0.5)).collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = pairs.iter().filter(|(_, yes)| *yes).count() as f64;
        let negatives = pairs.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let mut curves = Self {
            roc: vec![[0.0, 0.0]],
            pr: Vec::new(),
            auroc: 0.0,
            average_precision: 0.0,
            prevalence: positives / (positives + negatives),
        };
        let (mut tp, mut fp) = (0.0, 0.0);
        for same in pairs.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let yes = same.iter().filter(|(_, yes)| *yes).count() as f64;
            let no = same.len() as f64 - yes;
            curves.auroc += no / negatives * (tp + yes / 2.0) / positives;
            (tp, fp) = (tp + yes, fp + no);
            curves.average_precision += yes / positives * tp / (tp + fp);
            curves.roc.push([fp / negatives, tp / positives]);
            curves.pr.push([tp / positives, tp / (tp + fp)]);
        }
        curves.roc = thinned(&curves.roc);
        curves.pr = thinned(&curves.pr);
        Some(curves)
    }
}

/// Points that are at least a three-hundredth of the plot from the one before, first and last always.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::new();
    for (idx, point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| (0..2).any(|axis| (point[axis] - last[axis]).abs() > 1.0 / 300.0));
        if far || idx + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_scikit_learn() {
        // roc_auc_score and average_precision_score of scikit-learn's own example: 0.75 and 0.8333.
        let found = Curves::of([0.1, 0.4, 0.35, 0.8].into_iter().zip([0.0, 0.0, 1.0, 1.0])).unwrap();
        assert!((found.auroc - 0.75).abs() < 1e-12);
        assert!((found.average_precision - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(found.roc, [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(found.pr, [[0.5, 1.0], [0.5, 0.5], [1.0, 2.0 / 3.0], [1.0, 0.5]]);
    }

    #[test]
    fn ties_are_one_threshold_and_one_class_is_no_curve() {
        let found = Curves::of([0.5, 0.5].into_iter().zip([0.0, 1.0])).unwrap();
        assert_eq!((found.auroc, found.average_precision, found.roc.len()), (0.5, 0.5, 2));
        assert_eq!(Curves::of([0.5, 0.2].into_iter().zip([1.0, f64::NAN])), None);
    }

    #[test]
    fn many_points_are_thinned_to_what_can_be_seen() {
        let found = Curves::of((0..100_000).map(|i| (f64::from(i), f64::from(i % 2)))).unwrap();
        assert!(found.roc.len() < 700 && found.pr.len() < 700);
        assert!((found.auroc - 0.5).abs() < 1e-4);
    }
}
