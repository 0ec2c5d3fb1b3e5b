//! One batch as a metric sees it: what was said beside what is true, checked to belong together.
//!
//! Every metric asks a [`MetricBatch`] for the pair that it understands ([`scores`](MetricBatch::scores),
//! [`values`](MetricBatch::values)) and gets flat row-major slices of agreeing shape, or an error that names the
//! metric, the task, what was expected and what was found. A new form of answers ([`Said`]) adds a method here and touches no
//! metric; a new kind of answer has one of the forms there are, or is read by its own metrics as
//! [`custom`](MetricBatch::custom).
//!
//! Samples may have weights. A metric that knows them asks for [`weighted_scores`](MetricBatch::weighted_scores) or
//! [`weighted_values`](MetricBatch::weighted_values) and reads each one by [`weight`](MetricBatch::weight); every other
//! metric refuses a weighted batch, so that no weight is dropped in silence. [`groups`](MetricBatch::groups) say which samples
//! belong to one user or query; only metrics within groups ask for them.
//!
//! | file | what |
//! |---|---|
//! | `items.rs` | answers of any number of items: tags, sequences |
//! | `matrix.rs` | rows of numbers, as they lie in memory |

mod items;
mod matrix;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use mtl_core::{
    Error, Result,
    answer::{Answer, Cells, Labels},
    distribution::Forecast,
    prediction::{MISSING_CLASS, Prediction, Reference, Said, Scores, Truth},
};
use ndarray::Array2;

pub use self::{
    items::{SaidTags, TokenPair},
    matrix::{KnownValues, Matrix},
};
use crate::judged::Shelf;

/// How far a probability may leave `[0, 1]`: the rounding of an `f32` average.
const PROB_SLACK: f32 = 1e-6;

/// Prediction and truth of one batch, with what error messages need.
#[derive(Debug, Clone, Copy)]
pub struct MetricBatch<'a> {
    prediction: &'a Prediction,
    reference: &'a Reference,
    /// The reference as it was given: it tells a sample that is not labeled from one that has no items.
    labels: &'a Reference,
    task: &'a str,
    ids: Option<&'a [u64]>,
    weights: Option<&'a [f32]>,
    groups: Option<&'a [u64]>,
    answer: Option<&'a Answer>,
}

impl<'a> MetricBatch<'a> {
    /// A batch of an unnamed task whose samples are named by their position.
    #[must_use]
    pub fn new(prediction: &'a Prediction, reference: &'a Reference) -> Self {
        let (task, labels) = ("(unnamed)", reference);
        Self { prediction, reference, labels, task, ids: None, weights: None, groups: None, answer: None }
    }

    /// The same batch, its task named in errors.
    #[must_use]
    pub fn of_task(mut self, task: &'a str) -> Self {
        self.task = task;
        self
    }

    /// The same batch, its samples named by these ids in errors.
    #[must_use]
    pub fn with_ids(mut self, ids: &'a [u64]) -> Self {
        self.ids = Some(ids);
        self
    }

    /// The same batch, its samples weighted: `[b]`, finite and not negative.
    #[must_use]
    pub fn with_weights(mut self, weights: &'a [f32]) -> Self {
        self.weights = Some(weights);
        self
    }

    /// The same batch, its samples belonging to groups `[b]`: users, queries, speakers.
    #[must_use]
    pub fn with_groups(mut self, groups: &'a [u64]) -> Self {
        self.groups = Some(groups);
        self
    }

    /// The same batch, and what it answers: names of tags and tokens, and what is right.
    #[must_use]
    pub fn of_answer(mut self, answer: &'a Answer) -> Self {
        self.answer = Some(answer);
        self
    }

    /// What is answered.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a batch that does not know.
    pub fn answer(&self, metric: &str) -> Result<&'a Answer> {
        self.answer.ok_or_else(|| Error::InvalidConfig {
            what: "metric",
            field: "answer",
            expected: format!("known, with its names ({metric} of task {})", self.task),
            found: "none".into(),
        })
    }

    /// Whether each sample is answered rightly, `None` where that is not known; for a metric that reads [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`answer`](Self::answer); [`Error::InvalidConfig`] for answers that are not right or wrong, [`Error::Shape`] for other
    /// numbers of samples, ids or weights.
    pub fn right(&self, metric: &str) -> Result<Vec<Option<bool>>> {
        let (said, truth) = (self.prediction.batch_size(), self.reference.batch_size());
        self.same_shape(metric, [said, 1], [truth, 1])?;
        self.answer(metric)?.right(self.prediction, self.labels).map_err(|reason| Error::InvalidConfig {
            what: "metric",
            field: "input",
            expected: format!("answers that are right or wrong ({metric} of task {})", self.task),
            found: reason,
        })
    }

    /// What was said.
    #[must_use]
    pub fn prediction(&self) -> &'a Prediction {
        self.prediction
    }

    /// What is true.
    #[must_use]
    #[expect(clippy::misnamed_getters, reason = "as it was given; what metrics read of it is the other field")]
    pub fn reference(&self) -> &'a Reference {
        self.labels
    }

    /// The same samples, and something else said of them.
    #[must_use]
    pub fn answered<'b>(self, prediction: &'b Prediction) -> MetricBatch<'b>
    where
        'a: 'b,
    {
        MetricBatch { prediction, ..self }
    }

    /// The ids of the samples, as they were given.
    #[must_use]
    pub fn ids(&self) -> Option<&'a [u64]> {
        self.ids
    }

    /// The group of each sample.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a batch without groups.
    pub fn groups(&self, metric: &str) -> Result<&'a [u64]> {
        self.groups.ok_or_else(|| Error::InvalidConfig {
            what: "metric",
            field: "groups",
            expected: format!("given, one per sample ({metric} of task {})", self.task),
            found: "none".into(),
        })
    }

    /// Whether samples belong to groups.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether the answers are numbers.
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        matches!(self.prediction.said(), Said::Numbers(_))
    }

    /// The distributions of the numbers, where each is answered by one and not by a number alone.
    #[must_use]
    pub fn forecast(&self) -> Option<&'a Forecast> {
        if let Prediction::Forecast(forecast) = self.prediction { Some(forecast) } else { None }
    }

    /// Whether samples have weights.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// The weight of a sample, of tags that of the sample which the item in that row belongs to: 1 without weights.
    ///
    /// # Errors
    /// [`Error::Label`] for a weight that is negative or not finite.
    #[inline]
    pub fn weight(&self, row: usize) -> Result<f32> {
        if self.weights.is_some() { self.sample_weight(self.sample_of(row)) } else { Ok(1.0) }
    }

    /// The weight of a sample by its position in the batch, whatever a row is: 1 without weights.
    ///
    /// # Errors
    /// As [`weight`](Self::weight).
    pub fn sample_weight(&self, sample: usize) -> Result<f32> {
        match self.weights.and_then(|weights| weights.get(sample)) {
            None => Ok(1.0),
            Some(&weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
            Some(weight) => Err(self.refuse_sample("weight", "finite and not negative", weight, sample)),
        }
    }

    /// The task's name.
    #[must_use]
    pub fn task(&self) -> &'a str {
        self.task
    }

    /// Scores beside labels, for a metric that knows no weights.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another kind of prediction or reference, or for weights; [`Error::Shape`] when shapes
    /// disagree or there is no class.
    pub fn scores(&self, metric: &str) -> Result<ScoreBatch<'a>> {
        self.unweighted(metric)?;
        self.weighted_scores(metric)
    }

    /// Scores beside labels, for a metric that reads [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`scores`](Self::scores), except for weights.
    pub fn weighted_scores(&self, metric: &str) -> Result<ScoreBatch<'a>> {
        let wrong = || {
            let expected = "class scores with class labels, grades with grades, tags with tags, or yes/no scores with \
                            yes/no labels";
            Err(self.wrong_kind(metric, expected))
        };
        if self.prediction.tag() != self.reference.tag() {
            return wrong();
        }
        match (self.prediction.said(), self.reference.truth()) {
            (Said::OneOf { scores, kind, .. }, Truth::OneOf(labels)) => self.classes(metric, scores, kind, labels),
            (Said::YesNo { scores, kind }, Truth::YesNo(labels)) => {
                self.same_shape(metric, shape(scores), shape(labels))?;
                Ok(ScoreBatch::MultiLabel { scores: Matrix::new(scores), kind, labels: Matrix::new(labels) })
            }
            (Said::Tags { scores, kind, path }, Truth::Tags(labels)) => {
                path.map_or(Ok(()), |path| self.same_lengths(metric, path, labels))?;
                self.items(metric, scores, kind, labels)
            }
            (
                Said::OneOf { .. }
                | Said::YesNo { .. }
                | Said::Tags { .. }
                | Said::Numbers(_)
                | Said::Tokens(_)
                | Said::Own(_),
                _,
            ) => wrong(),
        }
    }

    fn classes(
        &self,
        metric: &str,
        scores: &'a Array2<f32>,
        kind: Scores,
        labels: &'a [i64],
    ) -> Result<ScoreBatch<'a>> {
        self.same_shape(metric, [scores.nrows(), scores.ncols()], [labels.len(), scores.ncols()])?;
        Ok(ScoreBatch::Class { scores: Matrix::new(scores), kind, labels })
    }

    /// Answers beside labels of a kind with a form of its own, such as one from outside, for a metric that knows no weights.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn custom(&self, metric: &str, kind: &str) -> Result<(&'a Labels, &'a Labels)> {
        self.unweighted(metric)?;
        self.weighted_custom(metric, kind)
    }

    /// Answers beside labels of a kind with a form of its own, such as one from outside, for a metric that reads [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`scores`](Self::scores), except for weights.
    pub fn weighted_custom(&self, metric: &str, kind: &str) -> Result<(&'a Labels, &'a Labels)> {
        let of_kind = [self.prediction.tag(), self.reference.tag()].iter().all(|tag| tag.name() == kind);
        let (Said::Own(values), Truth::Own(labels), true) = (self.prediction.said(), self.reference.truth(), of_kind)
        else {
            return Err(self.wrong_kind(metric, &format!("answers of {kind} with labels of {kind}")));
        };
        self.same_shape(metric, [values.len(), 1], [labels.len(), 1])?;
        Ok((values, labels))
    }

    /// Yes/no scores beside yes/no labels, for a metric that has no meaning for classes and reads
    /// [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`scores`](Self::scores), except for weights.
    pub fn weighted_label_scores(&self, metric: &str) -> Result<(Matrix<'a>, Scores, Matrix<'a>)> {
        match self.weighted_scores(metric) {
            Ok(ScoreBatch::MultiLabel { scores, kind, labels }) => Ok((scores, kind, labels)),
            Ok(ScoreBatch::Class { .. }) => Err(self.wrong_kind(metric, "yes/no scores with yes/no labels")),
            Err(e) => Err(e),
        }
    }

    /// The error for a batch of scores that `metric` has no meaning for.
    #[must_use]
    pub fn unfit(&self, metric: &str, expected: &str) -> Error {
        self.wrong_kind(metric, expected)
    }

    /// Numbers beside numbers: `(predicted, true)`, for a metric that knows no weights.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn values(&self, metric: &str) -> Result<(Matrix<'a>, Matrix<'a>)> {
        self.unweighted(metric)?;
        self.weighted_values(metric)
    }

    /// Numbers beside numbers: `(predicted, true)`, for a metric that reads [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`scores`](Self::scores), except for weights.
    pub fn weighted_values(&self, metric: &str) -> Result<(Matrix<'a>, Matrix<'a>)> {
        let (Said::Numbers(values), Truth::Numbers(truth)) = (self.prediction.said(), self.reference.truth()) else {
            return Err(self.wrong_kind(metric, "numbers with numbers"));
        };
        self.same_shape(metric, shape(values), shape(truth))?;
        Ok((Matrix::new(values), Matrix::new(truth)))
    }

    /// Finite numbers beside known ones, for a metric that knows no weights: rows of which nothing is known are left out.
    ///
    /// # Errors
    /// As [`values`](Self::values); [`Error::Label`] for a row that is known in part, and for numbers that are not finite.
    pub fn known_values(&self, metric: &str, shelf: &'a Shelf) -> Result<KnownValues<'a>> {
        let (said, truth) = self.values(metric)?;
        let n_cols = truth.n_cols();
        let mut known = Vec::with_capacity(truth.n_rows());
        for (row, (said, truth)) in said.rows(0..said.n_rows()).zip(truth.rows(0..truth.n_rows())).enumerate() {
            let missing = truth.iter().filter(|x| x.is_nan()).count();
            if missing == n_cols {
                continue;
            }
            if missing > 0 {
                return Err(self.refuse("target", "known in all columns or in none", &f32::NAN, row));
            }
            for (what, numbers) in [("prediction", said), ("target", truth)] {
                if let Some(x) = numbers.iter().find(|x| !x.is_finite()) {
                    return Err(self.refuse(what, "finite", x, row));
                }
            }
            known.push(row);
        }
        let all = known.len() == truth.n_rows();
        let pick = |matrix: Matrix<'a>| match all {
            true => matrix.into_flat(shelf),
            false => shelf.keep(known.iter().flat_map(|&row| matrix.rows(row..row + 1).flatten()).copied().collect()),
        };
        Ok(KnownValues { said: pick(said), truth: pick(truth), n_cols })
    }

    /// The sample of a row: of tags a row is an item, which belongs to a sample.
    fn sample_of(&self, row: usize) -> usize {
        if let Truth::Tags(labels) = self.reference.truth() { labels.sample_of(row) } else { row }
    }

    /// The error for a value at `row` that cannot be used.
    #[must_use]
    pub fn refuse(&self, what: &'static str, expected: impl Into<String>, found: &dyn Display, row: usize) -> Error {
        self.refuse_sample(what, expected, found, self.sample_of(row))
    }

    fn refuse_sample(
        &self,
        what: &'static str,
        expected: impl Into<String>,
        found: &dyn Display,
        sample: usize,
    ) -> Error {
        let sample = self.ids.and_then(|ids| ids.get(sample).copied()).unwrap_or(sample as u64);
        Error::Label { task: self.task.to_owned(), what, expected: expected.into(), found: found.to_string(), sample }
    }

    /// The class of `label`, `None` when it is missing.
    ///
    /// # Errors
    /// [`Error::Label`] outside `0..n_classes`.
    #[inline]
    pub fn class(&self, label: i64, n_classes: usize, row: usize) -> Result<Option<usize>> {
        if label == MISSING_CLASS {
            return Ok(None);
        }
        match usize::try_from(label) {
            Ok(class) if class < n_classes => Ok(Some(class)),
            _ => Err(self.refuse("label", format!("in 0..{n_classes}"), &label, row)),
        }
    }

    /// The truth of a yes/no label, `None` when it is missing.
    ///
    /// # Errors
    /// [`Error::Label`] for anything but 0, 1 and NaN.
    #[inline]
    pub fn yes_no(&self, label: f32, row: usize) -> Result<Option<bool>> {
        if label == 0.0 {
            Ok(Some(false))
        } else if label - 1.0 == 0.0 {
            Ok(Some(true))
        } else if label.is_nan() {
            Ok(None)
        } else {
            Err(self.refuse("label", "0, 1 or NaN for missing", &label, row))
        }
    }

    /// `score` again, if it can be one of that kind.
    ///
    /// # Errors
    /// [`Error::Label`] for NaN, and for a probability outside `[0, 1]`.
    #[inline]
    pub fn score(&self, score: f32, kind: Scores, row: usize) -> Result<f32> {
        let (fits, expected) = match kind {
            Scores::Logits => (!score.is_nan(), "a number"),
            Scores::Probs => ((-PROB_SLACK..=1.0 + PROB_SLACK).contains(&score), "a probability"),
        };
        if fits { Ok(score) } else { Err(self.refuse("score", expected, &score, row)) }
    }

    /// The class with the highest score, the first one among equals; of tags with a path, the path's.
    ///
    /// # Errors
    /// As [`score`](Self::score); [`Error::Label`] for a tag of the path that has no score.
    #[inline]
    pub fn top_class(&self, scores: &[f32], kind: Scores, row: usize) -> Result<usize> {
        let mut top = (0, f32::NEG_INFINITY);
        for (class, &score) in scores.iter().enumerate() {
            if self.score(score, kind, row)? > top.1 {
                top = (class, score);
            }
        }
        if let Said::Tags { path: Some(path), .. } = self.prediction.said()
            && let Cells::Index(tags) = path.cells()
        {
            let tag = tags.get(row).copied().unwrap_or(MISSING_CLASS);
            let class = usize::try_from(tag).ok().filter(|class| *class < scores.len());
            return class.ok_or_else(|| self.refuse("predicted tag", format!("in 0..{}", scores.len()), &tag, row));
        }
        Ok(top.0)
    }

    /// Whether a yes/no score says yes: probability above 0.5, logit above 0.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    #[inline]
    pub fn says_yes(&self, score: f32, kind: Scores, row: usize) -> Result<bool> {
        let threshold = match kind {
            Scores::Logits => 0.0,
            Scores::Probs => 0.5,
        };
        Ok(self.score(score, kind, row)? > threshold)
    }

    fn unweighted(&self, metric: &str) -> Result<()> {
        if self.weights.is_none() {
            return Ok(());
        }
        Err(Error::InvalidConfig {
            what: "metric",
            field: "weights",
            expected: format!("absent, {metric} knows none (task {})", self.task),
            found: "sample weights".into(),
        })
    }

    fn wrong_kind(&self, metric: &str, expected: &str) -> Error {
        Error::InvalidConfig {
            what: "metric",
            field: "input",
            expected: format!("{expected} ({metric} of task {})", self.task),
            found: format!("{} with {}", self.prediction.describe(), self.reference.describe()),
        }
    }

    /// Whether what belongs to samples is there for each of `n`.
    fn one_each(&self, metric: &str, n: usize) -> Result<()> {
        let wrong = [
            ("ids", self.ids.map(<[_]>::len)),
            ("weights", self.weights.map(<[_]>::len)),
            ("groups", self.groups.map(<[_]>::len)),
        ];
        match wrong.into_iter().find_map(|(tensor, len)| Some((tensor, len.filter(|&len| len != n)?))) {
            None => Ok(()),
            Some((tensor, len)) => Err(Error::Shape {
                op: format!("{metric} of task {}", self.task),
                tensor,
                expected: format!("[{n}], one per prediction"),
                found: vec![len as i64],
            }),
        }
    }

    fn same_shape(&self, metric: &str, prediction: [usize; 2], reference: [usize; 2]) -> Result<()> {
        let op = || format!("{metric} of task {}", self.task);
        if prediction[1] == 0 {
            let found = vec![prediction[0] as i64, 0];
            return Err(Error::Shape { op: op(), tensor: "prediction", expected: "at least one column".into(), found });
        }
        self.one_each(metric, prediction[0])?;
        if prediction == reference {
            return Ok(());
        }
        Err(Error::Shape {
            op: op(),
            tensor: "reference",
            expected: format!("as the prediction, {prediction:?}"),
            found: reference.iter().map(|&n| n as i64).collect(),
        })
    }
}

/// Scores beside labels, shapes agreeing, at least one column.
#[derive(Debug)]
pub enum ScoreBatch<'a> {
    /// One of `c` classes.
    Class {
        /// `[b, c]`.
        scores: Matrix<'a>,
        /// What the scores are.
        kind: Scores,
        /// `[b]`, [`MISSING_CLASS`] where unknown.
        labels: &'a [i64],
    },
    /// Independent yes/no labels.
    MultiLabel {
        /// `[b, c]`.
        scores: Matrix<'a>,
        /// What the scores are.
        kind: Scores,
        /// `[b, c]` of 0 and 1, NaN where unknown.
        labels: Matrix<'a>,
    },
}

fn shape(array: &Array2<f32>) -> [usize; 2] {
    [array.nrows(), array.ncols()]
}
