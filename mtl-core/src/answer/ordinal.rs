//! One of several grades: classes in an order, where one off is better than three off.
//!
//! ```text
//! labels [b] of Int64, 0..c in ascending order, -100 where unknown
//! prediction [b, c]: probabilities of the grades       the answer is the most probable grade
//! constant answer: shares of the grades; the median grade where distances count
//! ```

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Constant, Counter, LabelColumn, Labels, Layout, OrReason, Written,
    class::{UNKNOWN, constant_scores, right, rows, shares, strata, sure, text, write},
    counter,
    question::{Labeled, by_name, foreign, list, strange},
};
use crate::{
    error::Result,
    label_stats::LabelStats,
    prediction::{Prediction, Reference, Scores, highest},
};

/// One of several grades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ordinal {
    /// Names of the grades, the lowest first.
    pub grades: Vec<String>,
}

impl Labeled for Ordinal {
    const LABELS: &'static str = "grades [b]";

    fn reference(labels: Labels) -> Result<Reference> {
        labels.into_indices().map(Reference::Ordinal)
    }
}

impl AnswerKind for Ordinal {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.grades
    }

    fn layout(&self) -> Layout {
        Layout::dense(CellRule::Index { below: self.grades.len() }, &[])
    }

    fn shape(&self) -> Vec<i64> {
        vec![self.grades.len() as i64]
    }

    fn describe(&self) -> String {
        format!("grades [b] of {}", self.grades.len())
    }

    fn summary(&self) -> String {
        format!("{} grades", self.grades.len())
    }

    fn meaning(&self) -> String {
        format!("probabilities of the grades {}, the lowest first", list(&self.grades))
    }

    fn lead(&self) -> &'static str {
        "a grade, from low to high:"
    }

    fn least(&self) -> (&'static str, usize) {
        ("grades", 2)
    }

    fn has_curves(&self) -> bool {
        true
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn has_mean(&self) -> bool {
        true
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::Classes::new(self.grades.len())
    }

    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let (row, kind) = match best {
            Constant::Logits | Constant::Mean | Constant::Distribution => constant_scores(stats, best)?,
            Constant::Median => {
                let shares = shares(stats)?;
                let mut below = 0.0;
                let median = shares.iter().position(|share| {
                    below += share;
                    below >= 0.5
                });
                let median = median.ok_or(UNKNOWN)?;
                ((0..shares.len()).map(|g| f32::from(u8::from(g == median))).collect(), Scores::Probs)
            }
        };
        Ok(Prediction::Ordinal { scores: rows(&row, of.batch_size()), kind })
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Ordinal(labels) = truth else { return strange(self.kind(), truth) };
        Ok(Prediction::Ordinal { scores: sure(labels, self.grades.len()), kind: Scores::Logits })
    }

    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::Ordinal(labels) = truth else { return strange(self.kind(), truth) };
        Ok(strata(labels))
    }

    fn can_be_right(&self) -> OrReason<()> {
        Ok(())
    }

    /// Right where the most probable grade is the label.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let Reference::Ordinal(labels) = truth else { return strange(self.kind(), truth) };
        let Prediction::Ordinal { scores, .. } = prediction else { return foreign(self.kind(), prediction) };
        Ok(right(scores, labels))
    }

    /// A field that is the grade in other words may be a code or a number that rises with it.
    fn label_columns(&self, truth: &Reference) -> OrReason<Vec<LabelColumn>> {
        let Reference::Ordinal(labels) = truth else { return strange(self.kind(), truth) };
        Ok(vec![LabelColumn::Grades(labels.iter().map(|label| u64::try_from(*label).ok()).collect())])
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Ordinal(labels) = truth else { return "-".into() };
        text(labels, row, &self.grades)
    }

    fn columns(&self) -> Vec<Option<String>> {
        std::iter::once(None).chain(self.grades.iter().cloned().map(Some)).collect()
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        let Prediction::Ordinal { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        write(scores, row, &self.grades, put);
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        let Prediction::Ordinal { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        let scores = scores.row(row);
        let grade = highest(scores.iter()).and_then(|top| self.grades.get(top));
        Ok(json!({ "grade": grade, "probabilities": by_name(&self.grades, scores) }))
    }

    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        Ok(Prediction::Ordinal { scores: numbers, kind: Scores::Probs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use ndarray::array;

    #[test]
    fn the_median_grade_is_a_constant_answer() {
        let answer = Answer::ordinal(["low", "mid", "high"]);
        let stats = LabelStats::Class { counts: vec![2, 1, 2], missing: 1 };
        let constant = |best| answer.constant(&stats, best, &Reference::Ordinal(vec![0])).unwrap();
        let kind = Scores::Probs;
        assert_eq!(constant(Constant::Mean), Prediction::Ordinal { scores: array![[0.4, 0.2, 0.4]], kind });
        assert_eq!(constant(Constant::Median), Prediction::Ordinal { scores: array![[0.0, 1.0, 0.0]], kind });
    }
}
