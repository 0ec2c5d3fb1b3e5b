//! One batch as a metric sees it: what was said beside what is true, checked to belong together.
//!
//! Every metric asks a [`MetricBatch`] for the pair that it understands ([`scores`](MetricBatch::scores),
//! [`values`](MetricBatch::values)) and gets flat row-major slices of agreeing shape, or an error that names the
//! metric, the task, what was expected and what was found. New kinds of prediction add a method here and touch no
//! metric.
//!
//! Samples may have weights. A metric that knows them asks for [`weighted_scores`](MetricBatch::weighted_scores) or
//! [`weighted_values`](MetricBatch::weighted_values) and reads each one by [`weight`](MetricBatch::weight); every other
//! metric refuses a weighted batch, so that no weight is dropped in silence. [`groups`](MetricBatch::groups) say which samples
//! belong to one user or query; only metrics within groups ask for them.

use std::{borrow::Cow, fmt::Display, ops::Range, slice::ChunksExact};

use mtl_core::{
    Error, Result,
    answer::{Answer, Cells, Labels},
    prediction::{MISSING_CLASS, Prediction, Reference, Scores},
};
use ndarray::Array2;

use crate::judged::Shelf;

/// What is said of every item, a list a sample; what is true; the samples' weights.
pub type SaidTags<'a> = (Vec<Vec<i64>>, &'a Labels, Option<&'a [f32]>);

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

    /// The ids of the samples, as they were given.
    #[must_use]
    pub fn ids(&self) -> Option<&'a [u64]> {
        self.ids
    }

    /// The truth with as many missing items for each sample that is not labeled as were answered: such a sample has one missing
    /// item, however many it would have had. `None` where nothing is to be changed.
    pub(crate) fn stretched(&self) -> Option<Reference> {
        let (Prediction::Tags { scores, .. }, Reference::Tags(labels)) = (self.prediction, self.reference) else {
            return None;
        };
        let (Some(said), Some(truth), Cells::Index(cells)) = (scores.offsets(), labels.offsets(), labels.cells())
        else {
            return None;
        };
        if said == truth || said.len() != truth.len() {
            return None;
        }
        let items = |row: usize| {
            let (known, n) = (&cells[labels.range(row)], said[row + 1] - said[row]);
            if known == [MISSING_CLASS] { vec![MISSING_CLASS; n] } else { known.to_vec() }
        };
        Some(Reference::Tags(Labels::lists(&(0..labels.len()).map(items).collect::<Vec<_>>())))
    }

    /// The same batch with its truth stretched.
    pub(crate) fn against(self, reference: &'a Reference) -> Self {
        Self { reference, ..self }
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
        matches!(self.prediction, Prediction::Values { .. })
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
        match self.prediction {
            Prediction::Class { scores, kind } => {
                let Reference::Class(labels) = self.reference else { return wrong() };
                self.classes(metric, scores, *kind, labels)
            }
            Prediction::Ordinal { scores, kind } => {
                let Reference::Ordinal(labels) = self.reference else { return wrong() };
                self.classes(metric, scores, *kind, labels)
            }
            Prediction::MultiLabel { scores, kind } => {
                let Reference::MultiLabel(labels) = self.reference else { return wrong() };
                self.same_shape(metric, shape(scores), shape(labels))?;
                Ok(ScoreBatch::MultiLabel { scores: Matrix::new(scores), kind: *kind, labels: Matrix::new(labels) })
            }
            Prediction::Tags { scores, kind, path } => {
                let Reference::Tags(labels) = self.reference else { return wrong() };
                path.as_ref().map_or(Ok(()), |path| self.same_lengths(metric, path, labels))?;
                self.items(metric, scores, *kind, labels)
            }
            Prediction::Values { .. } | Prediction::Sequence { .. } | Prediction::Custom { .. } => wrong(),
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

    /// The items of all samples, one after the other, as if each were a sample: how metrics of classes see tags.
    fn items(&self, metric: &str, scores: &'a Labels, kind: Scores, labels: &'a Labels) -> Result<ScoreBatch<'a>> {
        self.same_lengths(metric, scores, labels)?;
        self.one_each(metric, labels.len())?;
        if self.groups.is_some() {
            return Err(Error::InvalidConfig {
                what: "metric",
                field: "groups",
                expected: format!("absent for tags ({metric} of task {})", self.task),
                found: "groups of samples".into(),
            });
        }
        match (scores.cells(), labels.cells(), scores.item()) {
            (Cells::Number(flat), Cells::Index(labels), &[n_cols]) if n_cols > 0 => {
                Ok(ScoreBatch::Class { scores: Matrix { flat: Cow::Borrowed(flat), n_cols }, kind, labels })
            }
            (Cells::Number(_) | Cells::Index(_), Cells::Index(_) | Cells::Number(_), _) => {
                Err(self.wrong_kind(metric, "scores of at least one tag for each item, with tags"))
            }
        }
    }

    fn same_lengths(&self, metric: &str, prediction: &Labels, reference: &Labels) -> Result<()> {
        let offsets = prediction.offsets();
        if offsets.is_some() && offsets == reference.offsets() {
            return Ok(());
        }
        Err(Error::Shape {
            op: format!("{metric} of task {}", self.task),
            tensor: "reference",
            expected: "as many items a sample as the prediction".into(),
            found: vec![reference.len() as i64],
        })
    }

    /// What is said of every item beside what is true, a list a sample: `(said, truth, weights)`, lengths agreeing; for metrics
    /// of labeled sequences.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another kind of prediction or reference; [`Error::Shape`] for other numbers of samples, items,
    /// ids or weights; [`Error::Label`] for a weight that is none, or a tag that is none of them: of scores that are not numbers.
    pub fn tags(&self, metric: &str) -> Result<SaidTags<'a>> {
        let (Prediction::Tags { scores, .. }, Reference::Tags(labels)) = (self.prediction, self.reference) else {
            return Err(self.wrong_kind(metric, "scores of tags with tags"));
        };
        self.same_lengths(metric, scores, labels)?;
        self.one_each(metric, labels.len())?;
        for (sample, weight) in self.weights.unwrap_or_default().iter().enumerate() {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(self.refuse_sample("weight", "finite and not negative", weight, sample));
            }
        }
        let n = scores.item_size() as i64;
        let said = (0..labels.len()).map(|sample| {
            let said = self.prediction.said_tags(sample).filter(|said| said.len() == labels.range(sample).len());
            let said = said.ok_or_else(|| self.wrong_kind(metric, "a tag for each item"))?;
            match said.iter().find(|tag| !(0..n).contains(*tag)) {
                Some(tag) => Err(self.refuse_sample(
                    "predicted tag",
                    format!("one of 0..{n}, of scores that are numbers"),
                    tag,
                    sample,
                )),
                None => Ok(said),
            }
        });
        Ok((said.collect::<Result<_>>()?, labels, self.weights))
    }

    /// Tokens beside tokens of the samples that are labeled, of any lengths, for metrics of text, which know no weights.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another kind of prediction or reference, or for weights; [`Error::Shape`] for other numbers of
    /// samples; [`Error::Label`] for tokens that are known in part.
    pub fn sequences(&self, metric: &str) -> Result<Vec<TokenPair<'a>>> {
        self.unweighted(metric)?;
        let (Prediction::Sequence { tokens }, Reference::Sequence(truth)) = (self.prediction, self.reference) else {
            return Err(self.wrong_kind(metric, "tokens with tokens"));
        };
        self.same_shape(metric, [tokens.len(), 1], [truth.len(), 1])?;
        let (Cells::Index(said), Cells::Index(cells)) = (tokens.cells(), truth.cells()) else {
            return Err(self.wrong_kind(metric, "tokens with tokens"));
        };
        let mut pairs = Vec::with_capacity(truth.len());
        for row in 0..truth.len() {
            let known = &cells[truth.range(row)];
            let missing = known.iter().filter(|token| **token == MISSING_CLASS).count();
            if missing > 0 && missing == known.len() {
                continue;
            }
            if missing > 0 {
                return Err(self.refuse("label", "known in all tokens or in none", &MISSING_CLASS, row));
            }
            pairs.push(TokenPair { said: &said[tokens.range(row)], truth: known, row });
        }
        Ok(pairs)
    }

    /// Answers beside labels of a kind from outside, for a metric that knows no weights.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn custom(&self, metric: &str, kind: &str) -> Result<(&'a Labels, &'a Labels)> {
        self.unweighted(metric)?;
        self.weighted_custom(metric, kind)
    }

    /// Answers beside labels of a kind from outside, for a metric that reads [`weight`](Self::weight).
    ///
    /// # Errors
    /// As [`scores`](Self::scores), except for weights.
    pub fn weighted_custom(&self, metric: &str, kind: &str) -> Result<(&'a Labels, &'a Labels)> {
        match (self.prediction, self.reference) {
            (Prediction::Custom { kind: said, values }, Reference::Custom { kind: truth, labels })
                if *said == kind && *truth == kind =>
            {
                self.same_shape(metric, [values.len(), 1], [labels.len(), 1])?;
                Ok((values, labels))
            }
            _ => Err(self.wrong_kind(metric, &format!("answers of {kind} with labels of {kind}"))),
        }
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
        let (Prediction::Values { values }, Reference::Values(truth)) = (self.prediction, self.reference) else {
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
        if let Reference::Tags(labels) = self.reference { labels.sample_of(row) } else { row }
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
        if let Prediction::Tags { path: Some(path), .. } = self.prediction
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

/// Predicted and true tokens of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPair<'a> {
    /// What was predicted.
    pub said: &'a [i64],
    /// What is true.
    pub truth: &'a [i64],
    /// The sample's position in the batch, for errors.
    pub row: usize,
}

/// Numbers beside numbers, all of them finite, row after row.
#[derive(Debug, Clone, Copy)]
pub struct KnownValues<'a> {
    /// `[n, k]`, what was predicted.
    pub said: &'a [f32],
    /// `[n, k]`, what is true.
    pub truth: &'a [f32],
    /// k, at least 1.
    pub n_cols: usize,
}

impl KnownValues<'_> {
    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.truth.len() / self.n_cols
    }
}

/// A matrix as one row-major slice with at least one column; copied only when it lay otherwise in memory.
#[derive(Debug)]
pub struct Matrix<'a> {
    flat: Cow<'a, [f32]>,
    n_cols: usize,
}

impl<'a> Matrix<'a> {
    fn new(array: &'a Array2<f32>) -> Self {
        let flat = match array.as_slice() {
            Some(flat) => Cow::Borrowed(flat),
            None => Cow::Owned(array.iter().copied().collect()),
        };
        Self { flat, n_cols: array.ncols().max(1) }
    }

    /// Columns: at least 1.
    #[must_use]
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// All items, row after row, as long as the batch lives.
    pub(crate) fn into_flat(self, shelf: &'a Shelf) -> &'a [f32] {
        match self.flat {
            Cow::Borrowed(flat) => flat,
            Cow::Owned(flat) => shelf.keep(flat),
        }
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.flat.len() / self.n_cols
    }

    /// All items, row after row.
    #[must_use]
    pub fn flat(&self) -> &[f32] {
        &self.flat
    }

    /// The rows in `range`, which must lie inside; none otherwise.
    pub fn rows(&self, range: Range<usize>) -> ChunksExact<'_, f32> {
        let items = range.start * self.n_cols..range.end * self.n_cols;
        self.flat.get(items).unwrap_or_default().chunks_exact(self.n_cols)
    }
}

fn shape(array: &Array2<f32>) -> [usize; 2] {
    [array.nrows(), array.ncols()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn shapes_and_kinds_must_agree() {
        let prediction = Prediction::Class { scores: array![[0.1, 0.9], [0.5, 0.5]], kind: Scores::Probs };
        let two_of_three = Reference::Class(vec![0, 1, 1]);
        let e = MetricBatch::new(&prediction, &two_of_three).of_task("a").scores("auroc").unwrap_err().to_string();
        assert_eq!(e, "auroc of task a: reference must be as the prediction, [2, 2], found [3, 2]");
        let numbers = Reference::Values(array![[1.0], [2.0]]);
        let e = MetricBatch::new(&prediction, &numbers).of_task("a").values("rmse").unwrap_err().to_string();
        let want = "metric: input must be numbers with numbers (rmse of task a), found class scores [b, c] with \
                    numbers [b, k]";
        assert_eq!(e, want);
        let empty = Prediction::Values { values: Array2::zeros((2, 0)) };
        let truth = Reference::Values(Array2::zeros((2, 0)));
        assert!(MetricBatch::new(&empty, &truth).values("mae").is_err());
    }

    #[test]
    fn a_transposed_matrix_is_read_by_rows() {
        let array = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].reversed_axes();
        let matrix = Matrix::new(&array);
        assert_eq!(matrix.flat(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!((matrix.n_rows(), matrix.n_cols()), (2, 3));
        assert_eq!(matrix.rows(1..2).next().unwrap(), [2.0, 4.0, 6.0]);
        assert_eq!(matrix.rows(1..9).count(), 0);
    }

    #[test]
    fn errors_name_the_sample_by_its_id() {
        let prediction = Prediction::Values { values: array![[0.0], [0.0]] };
        let reference = Reference::Values(array![[0.0], [0.0]]);
        let batch = MetricBatch::new(&prediction, &reference).of_task("age").with_ids(&[70, 71]);
        let e = batch.class(9, 3, 1).unwrap_err().to_string();
        assert_eq!(e, "task age: label must be in 0..3, found 9 (sample 71)");
        let e = batch.score(1.2, Scores::Probs, 0).unwrap_err().to_string();
        assert_eq!(e, "task age: score must be a probability, found 1.2 (sample 70)");
        assert_eq!(batch.yes_no(f32::NAN, 0).unwrap(), None);
        assert!(batch.with_ids(&[1]).values("mae").is_err());
    }

    #[test]
    fn weights_are_checked_and_never_dropped() {
        let prediction = Prediction::Values { values: array![[0.0], [0.0], [0.0]] };
        let reference = Reference::Values(array![[0.0], [0.0], [0.0]]);
        let batch = MetricBatch::new(&prediction, &reference).of_task("age");
        assert_eq!(batch.weight(2).ok(), Some(1.0));
        let weighted = batch.with_weights(&[0.5, -1.0, f32::NAN]);
        assert_eq!(weighted.weight(0).ok(), Some(0.5));
        let e = weighted.weight(1).unwrap_err().to_string();
        assert_eq!(e, "task age: weight must be finite and not negative, found -1 (sample 1)");
        assert!(weighted.weight(2).is_err() && weighted.weighted_values("mae").is_ok());
        let e = weighted.values("rank").unwrap_err().to_string();
        assert_eq!(e, "metric: weights must be absent, rank knows none (task age), found sample weights");
        let e = batch.with_weights(&[1.0]).weighted_values("mae").unwrap_err().to_string();
        assert_eq!(e, "mae of task age: weights must be [3], one per prediction, found [1]");
    }

    #[test]
    fn grades_and_tags_are_seen_as_classes() {
        let scores = array![[0.2, 0.8], [0.9, 0.1]];
        let grades = Prediction::Ordinal { scores: scores.clone(), kind: Scores::Probs };
        let truth = Reference::Ordinal(vec![1, 0]);
        let batch = MetricBatch::new(&grades, &truth);
        assert!(matches!(batch.scores("accuracy").unwrap(), ScoreBatch::Class { labels: [1, 0], .. }));
        // A grade is no class: labels of another kind are refused.
        assert!(MetricBatch::new(&grades, &Reference::Class(vec![1, 0])).scores("accuracy").is_err());

        let items = Cells::Number(vec![0.2, 0.8, 0.9, 0.1, 0.5, 0.5]);
        let scores = Labels::ragged(items, vec![0, 0, 1, 3], &[2]).unwrap();
        let of_items = scores.clone();
        let tags = Prediction::Tags { scores, kind: Scores::Probs, path: None };
        let truth = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![0, 5]]));
        let batch = MetricBatch::new(&tags, &truth).of_task("words").with_ids(&[70, 71, 72]);
        let ScoreBatch::Class { scores, labels, .. } = batch.scores("accuracy").unwrap() else { panic!() };
        assert_eq!((scores.n_rows(), scores.n_cols(), labels), (3, 2, [1, 0, 5].as_slice()));
        let e = batch.class(labels[2], scores.n_cols(), 2).unwrap_err().to_string();
        assert_eq!(e, "task words: label must be in 0..2, found 5 (sample 72)");
        assert!(
            batch.with_groups(&[1; 3]).weighted_scores("accuracy").unwrap_err().to_string().contains("absent for tags")
        );
        // Weights are the samples', rows are items.
        let weighted = batch.with_weights(&[9.0, 0.5, 2.0]);
        let weights: Vec<f32> = (0..3).map(|row| weighted.weight(row).unwrap()).collect();
        assert_eq!((weights, weighted.weighted_scores("accuracy").is_ok()), (vec![0.5, 2.0, 2.0], true));
        assert!(batch.with_weights(&[1.0]).weighted_scores("accuracy").is_err());
        // A path says what is said.
        let path = Some(Labels::lists(&[vec![], vec![0], vec![1, 7]]));
        let chain = Prediction::Tags { scores: of_items, kind: Scores::Probs, path };
        let on_path = MetricBatch::new(&chain, &truth);
        assert_eq!(
            (
                batch.top_class(&[0.2, 0.8], Scores::Probs, 0).unwrap(),
                on_path.top_class(&[0.2, 0.8], Scores::Probs, 0).unwrap()
            ),
            (1, 0)
        );
        assert!(
            on_path
                .top_class(&[0.5, 0.5], Scores::Probs, 2)
                .unwrap_err()
                .to_string()
                .contains("predicted tag must be in 0..2, found 7")
        );
        let e = on_path.tags("x").unwrap_err().to_string();
        assert!(e.contains("predicted tag must be one of 0..2, of scores that are numbers, found 7"), "{e}");
        assert_eq!(batch.tags("x").unwrap().0, [vec![], vec![1], vec![0, 0]]);
        let nan =
            Labels::ragged(Cells::Number(vec![0.2, 0.8, 0.9, f32::NAN, 0.5, 0.5]), vec![0, 0, 1, 3], &[2]).unwrap();
        let nan = Prediction::Tags { scores: nan, kind: Scores::Probs, path: None };
        let e = MetricBatch::new(&nan, &truth).with_ids(&[70, 71, 72]).tags("x").unwrap_err().to_string();
        assert!(e.contains("predicted tag") && e.contains("(sample 72)"), "{e}");
        // What is not labeled has one missing item, whatever was answered.
        let unlabeled = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![MISSING_CLASS]]));
        let stretched = MetricBatch::new(&tags, &unlabeled).stretched().unwrap();
        assert_eq!(stretched, Reference::Tags(Labels::lists(&[vec![], vec![1], vec![MISSING_CLASS; 2]])));
        assert!(batch.stretched().is_none());
        let short = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![0]]));
        assert!(MetricBatch::new(&tags, &short).scores("accuracy").is_err());

        let said = Prediction::Sequence { tokens: Labels::lists(&[vec![1, 2], vec![]]) };
        let truth = Reference::Sequence(Labels::lists(&[vec![1], vec![2]]));
        let batch = MetricBatch::new(&said, &truth);
        let pairs: Vec<_> = batch.sequences("wer").unwrap().iter().map(|pair| (pair.said, pair.truth)).collect();
        assert_eq!(pairs, [([1, 2].as_slice(), [1].as_slice()), (&[], &[2])]);
        assert!(batch.with_weights(&[1.0; 2]).sequences("wer").is_err());
        let gaps = |lists: &[Vec<i64>]| Reference::Sequence(Labels::lists(lists));
        let (gap, none) = (gaps(&[vec![1, MISSING_CLASS], vec![2]]), gaps(&[vec![MISSING_CLASS], vec![2]]));
        assert!(
            MetricBatch::new(&said, &gap)
                .sequences("wer")
                .unwrap_err()
                .to_string()
                .contains("in all tokens or in none")
        );
        assert_eq!(MetricBatch::new(&said, &none).sequences("wer").unwrap().len(), 1);
        assert!(batch.scores("accuracy").is_err());
    }
}
