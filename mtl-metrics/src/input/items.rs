//! Answers with any number of items a sample: tags beside tags, tokens beside tokens.

use std::borrow::Cow;

use mtl_core::{
    Error, Result,
    answer::{Cells, Labels},
    prediction::{MISSING_CLASS, Reference, Said, Scores, Truth},
};

use super::{Matrix, MetricBatch, ScoreBatch};

/// What is said of every item, a list a sample; what is true; the samples' weights.
pub type SaidTags<'a> = (Vec<Vec<i64>>, &'a Labels, Option<&'a [f32]>);

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

impl<'a> MetricBatch<'a> {
    /// The truth with as many missing items for each sample that is not labeled as were answered: such a sample has one missing
    /// item, however many it would have had. `None` where nothing is to be changed.
    pub(crate) fn stretched(&self) -> Option<Reference> {
        let (Said::Tags { scores, .. }, Truth::Tags(labels)) = (self.prediction.said(), self.reference.truth()) else {
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

    /// The items of all samples, one after the other, as if each were a sample: how metrics of classes see tags.
    pub(super) fn items(
        &self,
        metric: &str,
        scores: &'a Labels,
        kind: Scores,
        labels: &'a Labels,
    ) -> Result<ScoreBatch<'a>> {
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

    pub(super) fn same_lengths(&self, metric: &str, prediction: &Labels, reference: &Labels) -> Result<()> {
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
        let (Said::Tags { scores, .. }, Truth::Tags(labels)) = (self.prediction.said(), self.reference.truth()) else {
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
        let (Said::Tokens(tokens), Truth::Tokens(truth)) = (self.prediction.said(), self.reference.truth()) else {
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
}
