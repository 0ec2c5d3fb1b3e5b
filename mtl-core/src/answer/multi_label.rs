//! Yes or no, once per label; one label is a binary task.
//!
//! ```text
//! labels [b, c] of Float, 0 or 1, NaN where unknown    prediction [b, c]: scores of yes
//! constant answer: the share of yes of each label      written: the probability of each yes
//! ```
//! In files it was called `binary` until format version 2 of `model.json`; that name is still read.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Constant, Counter, LabelColumn, Labels, Layout, OrReason, Written,
    class::{SMALLEST_SHARE, SURE, rows},
    counter,
    question::{Labeled, by_name, foreign, list, strange},
};
use crate::{
    error::Result,
    label_stats::LabelStats,
    prediction::{Prediction, Reference, Scores},
};

/// Labels that are told apart in strata: two bits each in one word.
const TOLD_APART: usize = 32;

/// Yes or no, once per label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiLabel {
    /// What a yes means, in the order of the target's columns; one name for a plain binary task.
    pub labels: Vec<String>,
}

impl Labeled for MultiLabel {
    const LABELS: &'static str = "yes/no labels [b, c]";

    fn reference(labels: Labels) -> Result<Reference> {
        labels.into_numbers().map(Reference::MultiLabel)
    }
}

impl AnswerKind for MultiLabel {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.labels
    }

    fn layout(&self) -> Layout {
        Layout::dense(CellRule::YesNo, &[self.labels.len() as i64])
    }

    fn shape(&self) -> Vec<i64> {
        vec![self.labels.len() as i64]
    }

    fn describe(&self) -> String {
        format!("yes/no labels [b, {}]", self.labels.len())
    }

    fn summary(&self) -> String {
        match self.labels.len() {
            1 => "yes/no".to_owned(),
            n => format!("{n} yes/no labels"),
        }
    }

    fn meaning(&self) -> String {
        format!("probabilities of {}", list(&self.labels))
    }

    fn lead(&self) -> &'static str {
        "yes or no:"
    }

    fn least(&self) -> (&'static str, usize) {
        ("labels", 1)
    }

    fn has_curves(&self) -> bool {
        true
    }

    fn has_mean(&self) -> bool {
        true
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::YesNos::new(self.labels.len())
    }

    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let rates = super::class::shares(stats)?;
        let odds = |rate: &f32| (rate.max(SMALLEST_SHARE) / (1.0 - rate).max(SMALLEST_SHARE)).ln();
        let (row, kind) = match best {
            Constant::Logits => (rates.iter().map(odds).collect(), Scores::Logits),
            Constant::Mean | Constant::Median | Constant::Distribution => (rates, Scores::Probs),
        };
        Ok(Prediction::MultiLabel { scores: rows(&row, of.batch_size()), kind })
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::MultiLabel(labels) = truth else { return strange(self.kind(), truth) };
        let scores = labels.mapv(|label| if label > 0.5 { SURE } else { -SURE });
        Ok(Prediction::MultiLabel { scores, kind: Scores::Logits })
    }

    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::MultiLabel(labels) = truth else { return strange(self.kind(), truth) };
        let code = |code: u64, cell: &f32| (code << 2) | if cell.is_nan() { 0 } else { 1 + u64::from(*cell > 0.5) };
        Ok(labels.rows().into_iter().map(|row| row.iter().take(TOLD_APART).fold(0, code)).collect())
    }

    fn can_be_right(&self) -> OrReason<()> {
        Ok(())
    }

    /// Right where all labels are; a sample with a label that is not known has no answer yet.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let Reference::MultiLabel(labels) = truth else { return strange(self.kind(), truth) };
        let Prediction::MultiLabel { scores, kind } = prediction else { return foreign(self.kind(), prediction) };
        let threshold = match kind {
            Scores::Logits => 0.0,
            Scores::Probs => 0.5,
        };
        let of = |(said, truth): (ndarray::ArrayView1<'_, f32>, ndarray::ArrayView1<'_, f32>)| {
            let known = truth.iter().all(|label| !label.is_nan());
            let right = || said.iter().zip(truth).all(|(said, truth)| (*said > threshold) == (*truth > 0.5));
            known.then(right)
        };
        Ok(scores.rows().into_iter().zip(labels.rows()).map(of).collect())
    }

    fn label_columns(&self, truth: &Reference) -> OrReason<Vec<LabelColumn>> {
        let Reference::MultiLabel(labels) = truth else { return strange(self.kind(), truth) };
        let class = |x: &f32| (!x.is_nan()).then_some(u64::from(*x > 0.5));
        Ok(labels.columns().into_iter().map(|c| LabelColumn::Classes(c.iter().map(class).collect())).collect())
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::MultiLabel(labels) = truth else { return "-".into() };
        let row = labels.rows().into_iter().nth(row);
        let words = row.into_iter().flat_map(|row| row.to_vec()).zip(&self.labels).map(|(x, name)| match x {
            x if x.is_nan() => "-".to_owned(),
            x if x > 0.5 => name.clone(),
            _ => format!("not {name}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn columns(&self) -> Vec<Option<String>> {
        self.labels.iter().cloned().map(Some).collect()
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        let Prediction::MultiLabel { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        scores.row(row).iter().for_each(|p| put(Written::Number(*p)));
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        let Prediction::MultiLabel { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        Ok(json!({ "probabilities": by_name(&self.labels, scores.row(row)) }))
    }

    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        Ok(Prediction::MultiLabel { scores: numbers, kind: Scores::Probs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Answer, label_stats::YesNo};
    use ndarray::array;

    #[test]
    fn constant_answers_and_strata_by_hand() {
        let answer = Answer::multi_label(["old", "rich"]);
        let labels = [(1, 3), (0, 4)].map(|(yes, no)| YesNo { yes, no, missing: 1 }).to_vec();
        let stats = LabelStats::MultiLabel { labels };
        let rates = Prediction::MultiLabel { scores: array![[0.25, 0.0]], kind: Scores::Probs };
        assert_eq!(answer.constant(&stats, Constant::Mean, &Reference::MultiLabel(array![[0.0, 0.0]])).unwrap(), rates);
        let Prediction::MultiLabel { scores, .. } =
            answer.constant(&stats, Constant::Logits, &Reference::MultiLabel(array![[0.0, 0.0]])).unwrap()
        else {
            panic!()
        };
        assert!((scores[[0, 0]] - (1.0f32 / 3.0).ln()).abs() < 1e-6 && (scores[[0, 1]] - 1e-7f32.ln()).abs() < 1e-3);
        let truth = Reference::MultiLabel(array![[1.0, 0.0], [f32::NAN, 1.0]]);
        assert_eq!(answer.strata(&truth).unwrap(), [0b1001, 0b0010]);
        assert_eq!(answer.label_text(&truth, 1), "-, rich");
    }
}
