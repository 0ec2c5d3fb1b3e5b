//! What a confusion matrix says class by class: the table one reads before asking why a number is low.
//!
//! ```text
//! precision_k = tp_k / said_k     recall_k = tp_k / true_k     F1_k = 2 tp_k / (said_k + true_k)
//! ```
//!
//! with the most frequent confusions, and the means over classes that scikit-learn's table has.
//!
//! **Reference** scikit-learn `classification_report(zero_division=nan)`.
//! **Differs from** nothing known; a value without a denominator is `None`.

use serde::Serialize;

use crate::class::ConfusionMatrix;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassLine {
    /// Which class.
    pub class: usize,
    /// Weight of the samples that are of it: their number without weights.
    pub actual: f64,
    /// Weight of the samples said to be of it.
    pub said: f64,
    /// Share of right ones among those said; `None` when it is never said.
    pub precision: Option<f64>,
    /// Share of right ones among the true; `None` when it never occurs.
    pub recall: Option<f64>,
    /// Both in one; `None` when it is neither.
    pub f1: Option<f64>,
}

/// Samples of one class said to be of another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mistake {
    /// The true class.
    pub truth: usize,
    /// What was said.
    pub said: usize,
    /// Weight of these samples.
    pub weight: f64,
    /// Their share of the true class.
    pub share: f64,
}

/// The table of a confusion matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfusionReport {
    /// A line per class.
    pub classes: Vec<ClassLine>,
    /// The largest mistakes, largest first.
    pub mistakes: Vec<Mistake>,
    /// Share of right answers; `None` without samples.
    pub accuracy: Option<f64>,
    /// Mean F1 over the classes that have one.
    pub macro_f1: Option<f64>,
    /// Mean F1 over the classes that have one, weighted by how often they occur.
    pub weighted_f1: Option<f64>,
}

impl ConfusionReport {
    /// The table, with at most `n_mistakes` mistakes.
    ///
    /// ```
    /// use mtl_core::prediction::{Prediction, Reference, Scores};
    /// use mtl_metrics::{ConfusionMatrix, class::ConfusionReport};
    /// let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]];
    /// let mut confusion = ConfusionMatrix::default();
    /// confusion.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1, 1]))?;
    /// let report = ConfusionReport::new(&confusion, 5);
    /// assert_eq!((report.classes[0].precision, report.classes[1].recall), (Some(0.5), Some(0.5)));
    /// assert_eq!((report.mistakes[0].truth, report.mistakes[0].said), (1, 0));
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    #[must_use]
    pub fn new(confusion: &ConfusionMatrix, n_mistakes: usize) -> Self {
        let counts = confusion.weights();
        let ratio = |part: f64, whole: f64| if whole > 0.0 { Some(part / whole) } else { None };
        let line = |class: usize| {
            let (actual, said, hits) = (counts.row(class).sum(), counts.column(class).sum(), counts[[class, class]]);
            let f1 = ratio(2.0 * hits, actual + said);
            ClassLine { class, actual, said, precision: ratio(hits, said), recall: ratio(hits, actual), f1 }
        };
        let classes: Vec<_> = (0..confusion.n_classes()).map(line).collect();
        let mistake = |((truth, said), &weight): ((usize, usize), &f64)| {
            let share = weight / classes[truth].actual;
            (truth != said && weight > 0.0).then_some(Mistake { truth, said, weight, share })
        };
        let mut mistakes: Vec<_> = counts.indexed_iter().filter_map(mistake).collect();
        mistakes.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        mistakes.truncate(n_mistakes);
        let mean = |weight: fn(&ClassLine) -> f64| {
            let defined = || classes.iter().filter_map(|line| line.f1.map(|f1| (f1, weight(line))));
            ratio(defined().map(|(f1, w)| f1 * w).sum(), defined().map(|(_, w)| w).sum())
        };
        let accuracy = ratio(counts.diag().sum(), counts.sum());
        let (macro_f1, weighted_f1) = (mean(|_| 1.0), mean(|line| line.actual));
        Self { classes, mistakes, accuracy, macro_f1, weighted_f1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    #[test]
    fn an_absent_class_has_no_values() {
        let said = [0, 1, 1, 1];
        let scores = Array2::from_shape_fn((4, 3), |(row, k)| f32::from(u8::from(said[row] == k)));
        let mut confusion = ConfusionMatrix::default();
        confusion
            .update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1, 0, 0]))
            .unwrap();
        let report = ConfusionReport::new(&confusion, 1);
        assert_eq!((report.classes[2].precision, report.classes[2].recall, report.classes[2].f1), (None, None, None));
        assert_eq!((report.accuracy, report.macro_f1, report.weighted_f1), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!(report.mistakes, [Mistake { truth: 0, said: 1, weight: 2.0, share: 2.0 / 3.0 }]);
        let nothing = ConfusionReport::new(&ConfusionMatrix::default(), 3);
        assert_eq!((nothing.classes.len(), nothing.accuracy), (0, None));
    }
}
