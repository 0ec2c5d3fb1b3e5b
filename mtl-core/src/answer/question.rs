//! The questions that a kind of answer answers.

use std::fmt::Debug;

use ndarray::Array2;
use serde_json::Value;

use super::{Counter, Labels, Layout};
use crate::{
    error::{Error, Result},
    label_stats::LabelStats,
    prediction::{Prediction, Reference},
};

/// A result, or why there is none, in words that are shown.
pub type OrReason<T> = std::result::Result<T, String>;

/// What a constant answer should be best at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// Squared errors and likelihoods: means and shares.
    Mean,
    /// Absolute errors: medians. A kind without an order answers as for [`Constant::Mean`].
    Median,
    /// Margins between scores: shares as logits.
    Logits,
    /// Likelihoods of numbers, CRPS, intervals: distributions. A kind that is no number answers as for [`Constant::Mean`].
    Distribution,
}

/// A column of labels, as checks of a data set read it.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelColumn {
    /// Classes; `None` where unknown.
    Classes(Vec<Option<u64>>),
    /// Classes in an order, which are numbers too; `None` where unknown.
    Grades(Vec<Option<u64>>),
    /// Numbers; `None` where unknown.
    Numbers(Vec<Option<f64>>),
}

/// One field of a written answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Written<'a> {
    /// A word.
    Text(&'a str),
    /// A number, to be written with as many digits as tell it from its neighbors.
    Number(f32),
}

/// What is asked of a kind of answer; one implementation a file.
///
/// A question that a kind need not answer has a default, which refuses with a reason; the place that asked shows it.
pub trait AnswerKind: Debug + Send + Sync {
    /// The kind's name in files and messages: `class`.
    fn kind(&self) -> &'static str;

    /// What outputs are called: classes, labels, numbers, grades, tags, tokens.
    fn names(&self) -> &[String];

    /// The form of the labels.
    fn layout(&self) -> Layout;

    /// The axes of a prediction behind the batch's; -1 is one of any length.
    fn shape(&self) -> Vec<i64>;

    /// What the labels are, for messages: `class labels [b] of 3 classes`.
    fn describe(&self) -> String;

    /// What is answered, for people: `3 classes`.
    fn summary(&self) -> String;

    /// What the numbers of an exported tensor are: `probabilities of the classes cat, dog`.
    fn meaning(&self) -> String;

    /// How a list of [`names`](Self::names) begins on a card: `one of`.
    fn lead(&self) -> &'static str;

    /// What outputs are called together, and how many are needed to learn anything: `("classes", 2)`.
    fn least(&self) -> (&'static str, usize);

    /// Whether a sample is answered by scores of classes, grades or labels, of which there are curves, areas and calibration.
    fn has_curves(&self) -> bool {
        false
    }

    /// Whether outputs are in an order, so that the neighbor of the right one is less wrong than others: grades.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Whether the mean of several answers to a sample is an answer: that of probabilities and of numbers is. Only such kinds are answered
    /// by an ensemble's members, of which [`Prediction::mean_of_members`] makes one answer.
    fn has_mean(&self) -> bool {
        false
    }

    /// Whether a sample is answered for each item that it has, tag by tag, and not by as many items as the answer likes.
    fn is_by_item(&self) -> bool {
        false
    }

    /// A counter of a split's labels.
    fn counter(&self) -> Box<dyn Counter>;

    /// What is answered to the samples of these labels by who knows the training labels' statistics and looks at no input. Of the
    /// labels it may know how many samples they are of, and how many items each sample has.
    ///
    /// # Errors
    /// Why there is no such answer.
    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let _ = (stats, best, of);
        Err(format!("no constant answer is known for {}", self.kind()))
    }

    /// The labels themselves as an answer, as sure as a modest number of nats.
    ///
    /// # Errors
    /// Why labels are no answer.
    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let _ = truth;
        Err(format!("labels of {} are not known to be an answer", self.kind()))
    }

    /// As [`repeat`](Self::repeat), in the form that a metric needs which likes that constant answer best.
    ///
    /// # Errors
    /// As [`repeat`](Self::repeat).
    fn repeat_for(&self, truth: &Reference, best: Constant) -> OrReason<Prediction> {
        let _ = best;
        self.repeat(truth)
    }

    /// Whether an answer to a sample can be right or wrong as a whole, as metrics over several tasks count it.
    ///
    /// # Errors
    /// Why it cannot.
    fn can_be_right(&self) -> OrReason<()> {
        Err(format!("answers of {} are not known to be right or wrong", self.kind()))
    }

    /// Whether each sample is answered rightly; `None` where what is right is not known.
    ///
    /// # Errors
    /// As [`can_be_right`](Self::can_be_right); why these are no answers and labels of this kind.
    fn right(&self, prediction: &Prediction, truth: &Reference) -> OrReason<Vec<Option<bool>>> {
        let _ = (prediction, truth);
        self.can_be_right()?;
        Err(format!("answers of {} do not tell which of them are right", self.kind()))
    }

    /// A number for each sample by which folds are stratified: equal numbers are spread evenly, 0 is not labeled.
    ///
    /// # Errors
    /// Why folds cannot be stratified by such labels.
    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let _ = truth;
        Err(format!("labels of {} have no classes to spread evenly", self.kind()))
    }

    /// The columns of labels in which a field of the input may be found again.
    ///
    /// # Errors
    /// Why such labels have no columns.
    fn label_columns(&self, truth: &Reference) -> OrReason<Vec<LabelColumn>> {
        let _ = truth;
        Err(format!("labels of {} are not one a sample", self.kind()))
    }

    /// The label of a sample in words; `-` where unknown.
    fn label_text(&self, truth: &Reference, row: usize) -> String;

    /// The columns of a written answer; `None` is the task's own, a name is written behind the task's.
    fn columns(&self) -> Vec<Option<String>>;

    /// Gives the fields of the answer to a sample to `put`, one a column.
    ///
    /// # Errors
    /// Why the prediction is not an answer of this kind.
    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()>;

    /// The answer to a sample as JSON.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value>;

    /// A prediction from an exported tensor `[b, width]`.
    ///
    /// # Errors
    /// Why an answer of this kind is not one such tensor.
    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        let _ = numbers;
        Err(format!("an answer of {} is not one row of numbers a sample", self.kind()))
    }
}

impl dyn AnswerKind + '_ {
    /// The number of outputs: classes, labels or numbers.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names().len()
    }

    /// The name of an output, its position where it has none.
    #[must_use]
    pub fn output(&self, at: usize) -> String {
        self.names().get(at).cloned().unwrap_or_else(|| at.to_string())
    }

    /// Refuses an answer from which nothing can be learned; `what` is who wants to learn it.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for too few outputs.
    pub fn check(&self, what: &'static str) -> Result<()> {
        let (field, least) = self.least();
        if self.width() >= least {
            return Ok(());
        }
        let (expected, found) = (format!(">= {least}"), self.width().to_string());
        Err(Error::InvalidConfig { what, field, expected, found })
    }
}

/// What a kind of this crate says of labels before there is an answer of it.
pub(super) trait Labeled {
    /// What they are, for messages: `class labels [b]`.
    const LABELS: &'static str;

    /// They, as metrics read them.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another form.
    fn reference(labels: Labels) -> Result<Reference>;
}

/// `a, b, c`.
pub(super) fn list(names: &[String]) -> String {
    names.join(", ")
}

/// The reason for a prediction of another kind.
pub(super) fn foreign<T>(kind: &str, found: &Prediction) -> OrReason<T> {
    Err(format!("an answer of {kind} was expected, not {}", found.describe()))
}

/// The reason for labels of another kind.
pub(super) fn strange<T>(kind: &str, found: &Reference) -> OrReason<T> {
    Err(format!("labels of {kind} were expected, not {}", found.describe()))
}

/// `{"a": 0.2, "b": 0.8}`.
pub(super) fn by_name<'a>(names: &[String], numbers: impl IntoIterator<Item = &'a f32>) -> Value {
    names.iter().cloned().zip(numbers.into_iter().map(|&x| serde_json::json!(x))).collect()
}
