//! What is fitted on: answers beside what is right, in `f64`, one flat list for each thing that was asked.
//!
//! ```text
//! one of c classes or grades   Choices     probabilities [n, c], labels [n]
//! yes or no to each of k       Question    probabilities of yes [n_k], one a label: what is not known is not there
//! numbers                      read where they are, see conformal
//! ```
//! Samples of weight 0 are left out, so that they are what they say: nothing.

use mtl_core::{
    Result,
    answer::AnswerTag,
    prediction::{Prediction, Said, Scores},
};
use ndarray::Array2;

use crate::{
    MetricBatch,
    fold::{Entry, Sample},
    input::ScoreBatch,
    probability::{ClassProbs, yes_prob},
    value::{NO_LABEL, OrReason},
};

/// Who asks, in errors of batches.
const NAME: &str = "post-hoc fit";

/// What a task asks, as far as the procedures here tell tasks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// One of several.
    OneOf,
    /// Yes or no, any number of times.
    YesNo,
    /// Numbers.
    Numbers,
    /// Something of which there is neither a probability nor a distance.
    Other(&'static str),
}

impl Asked {
    /// What answers of this kind ask.
    #[must_use]
    pub fn by(tag: AnswerTag) -> Self {
        match tag {
            AnswerTag::Class | AnswerTag::Ordinal => Self::OneOf,
            AnswerTag::MultiLabel => Self::YesNo,
            AnswerTag::Values => Self::Numbers,
            AnswerTag::Tags | AnswerTag::Sequence | AnswerTag::Custom(_) => Self::Other(tag.name()),
        }
    }

    /// In words, for messages.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::OneOf => "one of several classes or grades".into(),
            Self::YesNo => "yes/no labels".into(),
            Self::Numbers => "numbers".into(),
            Self::Other(kind) => format!("answers of kind {kind}"),
        }
    }
}

/// Probabilities of `c` choices beside the right one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choices {
    /// c.
    pub width: usize,
    /// `[n, c]`.
    pub probs: Vec<f64>,
    /// `[n]`, below `c`.
    pub labels: Vec<usize>,
    /// `[n]`, positive.
    pub weights: Vec<f32>,
}

impl Choices {
    /// Probabilities, label and weight of each sample.
    pub fn rows(&self) -> impl Iterator<Item = (&[f64], usize, f32)> {
        let labels = self.labels.iter().copied().zip(self.weights.iter().copied());
        self.probs.chunks_exact(self.width.max(1)).zip(labels).map(|(probs, (label, weight))| (probs, label, weight))
    }

    /// One choice against all others.
    #[must_use]
    pub fn against_others(&self, choice: usize) -> Question {
        let mut question = Question::default();
        for (probs, label, weight) in self.rows() {
            question.push(probs.get(choice).copied().unwrap_or(0.0), label == choice, weight);
        }
        question
    }
}

/// Probabilities of yes beside the truth.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question {
    /// `[n]`.
    pub probs: Vec<f64>,
    /// `[n]`.
    pub yes: Vec<bool>,
    /// `[n]`, positive.
    pub weights: Vec<f32>,
}

impl Question {
    fn push(&mut self, prob: f64, yes: bool, weight: f32) {
        self.probs.push(prob);
        self.yes.push(yes);
        self.weights.push(weight);
    }

    /// Probability, truth and weight of each sample.
    pub fn rows(&self) -> impl Iterator<Item = (f64, bool, f32)> {
        let truth = self.yes.iter().copied().zip(self.weights.iter().copied());
        self.probs.iter().copied().zip(truth).map(|(prob, (yes, weight))| (prob, yes, weight))
    }

    /// The same question as a choice between no and yes.
    #[must_use]
    pub fn as_choices(&self) -> Choices {
        Choices {
            width: 2,
            probs: self.probs.iter().flat_map(|p| [1.0 - p, *p]).collect(),
            labels: self.yes.iter().map(|yes| usize::from(*yes)).collect(),
            weights: self.weights.clone(),
        }
    }
}

/// Scores of a task beside the truth.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// Of one of several.
    OneOf(Choices),
    /// Of yes or no, an entry a label.
    YesNo(Vec<Question>),
}

impl Evidence {
    /// What is known in a batch of scores.
    ///
    /// # Errors
    /// [`mtl_core::Error`] for answers of another form, scores that are none, negative weights.
    pub fn of(batch: &MetricBatch<'_>) -> Result<Self> {
        match batch.weighted_scores(NAME)? {
            ScoreBatch::Class { scores, kind, labels } => {
                let width = scores.n_cols();
                let mut found = Choices { width, ..Choices::default() };
                for (row, (scores, label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
                    let (Some(class), weight) = (batch.class(*label, width, row)?, batch.weight(row)?) else {
                        continue;
                    };
                    if weight > 0.0 {
                        let sample = Sample { scores, kind, class, weight, row };
                        found.probs.extend(ClassProbs::of(batch, &sample)?.iter());
                        found.labels.push(class);
                        found.weights.push(weight);
                    }
                }
                Ok(Self::OneOf(found))
            }
            ScoreBatch::MultiLabel { scores, kind, labels } => {
                let mut found = vec![Question::default(); scores.n_cols()];
                let rows = scores.rows(0..scores.n_rows()).zip(labels.rows(0..labels.n_rows()));
                for (row, (said, truth)) in rows.enumerate() {
                    let weight = batch.weight(row)?;
                    for (column, (&score, &label)) in said.iter().zip(truth).enumerate() {
                        if let Some(yes) = batch.yes_no(label, row)?.filter(|_| weight > 0.0) {
                            let entry = Entry { column, score, kind, yes, weight, row };
                            found[column].push(yes_prob(batch, &entry)?, yes, weight);
                        }
                    }
                }
                Ok(Self::YesNo(found))
            }
        }
    }

    /// Refuses evidence of nothing: a task, or a label of it, of which no sample is known.
    ///
    /// # Errors
    /// The reason.
    pub fn some(&self) -> OrReason<()> {
        let empty = match self {
            Self::OneOf(choices) => choices.labels.is_empty(),
            Self::YesNo(questions) => questions.iter().any(|question| question.yes.is_empty()),
        };
        if empty { Err(NO_LABEL.to_owned()) } else { Ok(()) }
    }
}

/// The probabilities of a prediction, row by row: of one of several those of all, of yes/no labels those of yes. `edit` may change
/// them; what it leaves is the new prediction.
///
/// # Errors
/// The reason for answers without probabilities.
pub(super) fn edited(prediction: &Prediction, mut edit: impl FnMut(&mut [f64])) -> OrReason<Prediction> {
    let mut changed = |scores: &Array2<f32>, kind: Scores, normal: fn(&mut [f64])| {
        let (mut row, mut new) = (Vec::with_capacity(scores.ncols()), Vec::with_capacity(scores.len()));
        for scores in scores.rows() {
            row.clear();
            row.extend(scores.iter().map(|score| f64::from(*score)));
            if kind == Scores::Logits {
                normal(&mut row);
            }
            edit(&mut row);
            new.extend(row.iter().map(|p| single(*p)));
        }
        Array2::from_shape_vec(scores.dim(), new).map_err(|e| e.to_string())
    };
    let kind = Scores::Probs;
    match prediction {
        Prediction::Class { scores, kind: of } => {
            Ok(Prediction::Class { scores: changed(scores, *of, softmax)?, kind })
        }
        Prediction::Ordinal { scores, kind: of } => {
            Ok(Prediction::Ordinal { scores: changed(scores, *of, softmax)?, kind })
        }
        Prediction::MultiLabel { scores, kind: of } => {
            Ok(Prediction::MultiLabel { scores: changed(scores, *of, sigmoid)?, kind })
        }
        Prediction::Values { .. }
        | Prediction::Forecast(_)
        | Prediction::Tags { .. }
        | Prediction::Sequence { .. }
        | Prediction::Custom { .. } => Err(format!("{} have no probabilities", prediction.describe())),
    }
}

/// The probabilities of the choices of a sample; `None` where it was asked something else.
pub(super) fn probabilities(prediction: &Prediction, row: usize, into: &mut Vec<f64>) -> bool {
    into.clear();
    match prediction.said() {
        Said::OneOf { scores, kind, .. } => {
            into.extend(scores.row(row).iter().map(|score| f64::from(*score)));
            if kind == Scores::Logits {
                softmax(into);
            }
            true
        }
        Said::YesNo { scores, kind } => {
            into.extend(scores.row(row).iter().map(|score| f64::from(*score)));
            if kind == Scores::Logits {
                sigmoid(into);
            }
            true
        }
        Said::Numbers(_) | Said::Tags { .. } | Said::Tokens(_) | Said::Own(_) => false,
    }
}

fn softmax(row: &mut [f64]) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|z| *z = (*z - top).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|p| *p /= sum);
}

fn sigmoid(row: &mut [f64]) {
    row.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp()));
}

/// Predictions are of single precision.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
pub(super) fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::Reference;
    use ndarray::array;

    #[test]
    fn what_is_not_known_or_weighs_nothing_is_left_out() {
        let nan = f32::NAN;
        let said = Prediction::MultiLabel { scores: array![[0.25, 0.5], [0.75, 0.5], [0.5, 0.5]], kind: Scores::Probs };
        let truth = Reference::MultiLabel(array![[1.0, nan], [0.0, 1.0], [1.0, 1.0]]);
        let batch = MetricBatch::new(&said, &truth).with_weights(&[1.0, 2.0, 0.0]);
        let Evidence::YesNo(found) = Evidence::of(&batch).unwrap() else { panic!() };
        assert_eq!((found[0].probs.as_slice(), found[0].yes.as_slice()), (&[0.25, 0.75][..], &[true, false][..]));
        assert_eq!((found[1].probs.as_slice(), found[1].weights.as_slice()), (&[0.5][..], &[2.0][..]));
        assert_eq!(found[0].as_choices().probs, [0.75, 0.25, 0.25, 0.75]);

        let said = Prediction::Class { scores: array![[0.0, 0.0], [9.0, 0.0]], kind: Scores::Logits };
        let truth = Reference::Class(vec![1, -100]);
        let found = Evidence::of(&MetricBatch::new(&said, &truth)).unwrap();
        let Evidence::OneOf(choices) = &found else { panic!() };
        assert_eq!((choices.probs.as_slice(), choices.labels.as_slice()), (&[0.5, 0.5][..], &[1][..]));
        let truth = Reference::Class(vec![-100, -100]);
        assert!(Evidence::of(&MetricBatch::new(&said, &truth)).unwrap().some().is_err());
    }

    #[test]
    fn logits_become_probabilities_before_they_are_changed() {
        let said = Prediction::MultiLabel { scores: array![[0.0]], kind: Scores::Logits };
        let same = edited(&said, |_| {}).unwrap();
        assert_eq!(same, Prediction::MultiLabel { scores: array![[0.5]], kind: Scores::Probs });
        assert!(edited(&Prediction::Values { values: array![[1.0]] }, |_| {}).is_err());
    }
}
