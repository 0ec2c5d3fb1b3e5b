//! One of several classes.
//!
//! ```text
//! labels [b] of Int64, 0..c, -100 where unknown        prediction [b, c]: scores of the classes
//! constant answer: the shares of the classes           written: the most probable class, then each probability
//! ```

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Constant, Counter, LabelColumn, Labels, Layout, OrReason, Written, counter,
    question::{Labeled, by_name, foreign, list, strange},
};
use crate::{
    error::Result,
    label_stats::LabelStats,
    prediction::{MISSING_CLASS, Prediction, Reference, Scores, highest},
};

/// One of several classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Names by class index.
    pub classes: Vec<String>,
}

impl Labeled for Class {
    const LABELS: &'static str = "class labels [b]";

    fn reference(labels: Labels) -> Result<Reference> {
        labels.into_indices().map(Reference::Class)
    }
}

impl AnswerKind for Class {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.classes
    }

    fn layout(&self) -> Layout {
        Layout::dense(CellRule::Index { below: self.classes.len() }, &[])
    }

    fn shape(&self) -> Vec<i64> {
        vec![self.classes.len() as i64]
    }

    fn describe(&self) -> String {
        format!("class labels [b] of {} classes", self.classes.len())
    }

    fn summary(&self) -> String {
        format!("{} classes", self.classes.len())
    }

    fn meaning(&self) -> String {
        format!("probabilities of the classes {}", list(&self.classes))
    }

    fn lead(&self) -> &'static str {
        "one of"
    }

    fn least(&self) -> (&'static str, usize) {
        ("classes", 2)
    }

    fn has_curves(&self) -> bool {
        true
    }

    fn has_mean(&self) -> bool {
        true
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::Classes::new(self.classes.len())
    }

    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let (row, kind) = constant_scores(stats, best)?;
        Ok(Prediction::Class { scores: rows(&row, of.batch_size()), kind })
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Class(labels) = truth else { return strange(self.kind(), truth) };
        Ok(Prediction::Class { scores: sure(labels, self.classes.len()), kind: Scores::Logits })
    }

    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::Class(labels) = truth else { return strange(self.kind(), truth) };
        Ok(strata(labels))
    }

    fn can_be_right(&self) -> OrReason<()> {
        Ok(())
    }

    /// Right where the most probable class is the label.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let Reference::Class(labels) = truth else { return strange(self.kind(), truth) };
        let Prediction::Class { scores, .. } = prediction else { return foreign(self.kind(), prediction) };
        Ok(right(scores, labels))
    }

    fn label_columns(&self, truth: &Reference) -> OrReason<Vec<LabelColumn>> {
        let Reference::Class(labels) = truth else { return strange(self.kind(), truth) };
        Ok(vec![LabelColumn::Classes(labels.iter().map(|label| u64::try_from(*label).ok()).collect())])
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Class(labels) = truth else { return "-".into() };
        text(labels, row, &self.classes)
    }

    fn columns(&self) -> Vec<Option<String>> {
        std::iter::once(None).chain(self.classes.iter().cloned().map(Some)).collect()
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        let Prediction::Class { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        write(scores, row, &self.classes, put);
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        let Prediction::Class { scores, kind: Scores::Probs } = prediction else {
            return foreign(self.kind(), prediction);
        };
        let scores = scores.row(row);
        let class = highest(scores.iter()).and_then(|top| self.classes.get(top));
        Ok(json!({ "class": class, "probabilities": by_name(&self.classes, scores) }))
    }

    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        Ok(Prediction::Class { scores: numbers, kind: Scores::Probs })
    }
}

/// The logarithm of a share is taken at this size or above.
pub(super) const SMALLEST_SHARE: f32 = 1e-7;
/// A logit that leaves no doubt and is a modest number of nats.
pub(super) const SURE: f32 = 8.0;
/// Why a task has no constant answer.
pub(super) const UNKNOWN: &str = "the training labels know no constant answer";

pub(super) fn logarithm(share: f32) -> f32 {
    share.max(SMALLEST_SHARE).ln()
}

/// The shares of the classes among training labels.
#[expect(clippy::cast_possible_truncation, reason = "predictions are f32")]
pub(super) fn shares(stats: &LabelStats) -> OrReason<Vec<f32>> {
    let shares: Option<Vec<f32>> = stats.shares().into_iter().map(|share| share.map(|share| share as f32)).collect();
    shares.filter(|row| !row.is_empty()).ok_or_else(|| UNKNOWN.to_owned())
}

/// The scores of a constant answer that names the most frequent class: their shares, or the logarithms of these.
pub(super) fn constant_scores(stats: &LabelStats, best: Constant) -> OrReason<(Vec<f32>, Scores)> {
    let shares = shares(stats)?;
    Ok(match best {
        Constant::Logits => (shares.iter().map(|share| logarithm(*share)).collect(), Scores::Logits),
        Constant::Mean | Constant::Median | Constant::Distribution => (shares, Scores::Probs),
    })
}

/// The same row for `n` samples.
pub(super) fn rows(row: &[f32], n: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, row.len()), |(_, column)| row[column])
}

/// A logit for each label's class; a missing label is no class, and gets none.
pub(super) fn sure(labels: &[i64], n_classes: usize) -> Array2<f32> {
    Array2::from_shape_fn((labels.len(), n_classes), |(row, class)| match usize::try_from(labels[row]) {
        Ok(label) if label == class => SURE,
        Ok(_) | Err(_) => 0.0,
    })
}

pub(super) fn strata(labels: &[i64]) -> Vec<u64> {
    let code = |label: &i64| if *label == MISSING_CLASS { 0 } else { label.cast_unsigned().wrapping_add(1) };
    labels.iter().map(code).collect()
}

pub(super) fn text(labels: &[i64], row: usize, names: &[String]) -> String {
    let class = labels.get(row).and_then(|class| usize::try_from(*class).ok());
    class.and_then(|class| names.get(class)).cloned().unwrap_or_else(|| "-".into())
}

/// Whether the most probable class is the label; `None` where that is missing.
pub(super) fn right(scores: &Array2<f32>, labels: &[i64]) -> Vec<Option<bool>> {
    let of = |(row, label): (ndarray::ArrayView1<'_, f32>, &i64)| {
        (*label != MISSING_CLASS).then(|| highest(row.iter()).is_some_and(|top| top as i64 == *label))
    };
    scores.rows().into_iter().zip(labels).map(of).collect()
}

/// The most probable class by name, then all probabilities.
pub(super) fn write(scores: &Array2<f32>, row: usize, names: &[String], put: &mut dyn FnMut(Written<'_>)) {
    let scores = scores.row(row);
    let class = highest(scores.iter()).and_then(|top| names.get(top));
    put(Written::Text(class.map_or("", String::as_str)));
    scores.iter().for_each(|p| put(Written::Number(*p)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use ndarray::array;

    #[test]
    fn constant_and_repeated_answers_by_hand() {
        let answer = Answer::class(["a", "b"]);
        let stats = LabelStats::Class { counts: vec![1, 3], missing: 9 };
        let shares = Prediction::Class { scores: array![[0.25, 0.75]], kind: Scores::Probs };
        assert_eq!(answer.constant(&stats, Constant::Median, &Reference::Class(vec![0])).unwrap(), shares);
        let Prediction::Class { scores, kind } =
            answer.constant(&stats, Constant::Logits, &Reference::Class(vec![0; 2])).unwrap()
        else {
            panic!()
        };
        assert_eq!((scores, kind), (rows(&[0.25f32.ln(), 0.75f32.ln()], 2), Scores::Logits));
        let none = LabelStats::Class { counts: vec![0, 0], missing: 9 };
        assert_eq!(answer.constant(&none, Constant::Mean, &Reference::Class(vec![0])).unwrap_err(), UNKNOWN);
        let truth = Reference::Class(vec![1, -100]);
        let repeated = Prediction::Class { scores: array![[0.0, SURE], [0.0, 0.0]], kind: Scores::Logits };
        assert_eq!(answer.repeat(&truth).unwrap(), repeated);
        assert_eq!(answer.strata(&truth).unwrap(), [2, 0]);
        assert_eq!((answer.label_text(&truth, 0), answer.label_text(&truth, 1)), ("b".into(), "-".into()));
        let foreign = Reference::Values(array![[1.0]]);
        assert_eq!(answer.strata(&foreign).unwrap_err(), "labels of class were expected, not numbers [b, k]");
    }
}
