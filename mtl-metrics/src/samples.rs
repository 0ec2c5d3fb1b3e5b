//! The state of ranking metrics: every known score, positives and negatives apart, 4 bytes each.
//!
//! A state is a multiset, so it compares, and is saved, in sorted order: as differences of neighboring keys, which are
//! small numbers and take 2 to 3 bytes for a million scores.

use mtl_core::{Result, prediction::Scores};
use serde::{Deserialize, Serialize};

use crate::{
    class::log_loss::log_sum_exp,
    input::{MetricBatch, ScoreBatch},
    metric::{MetricState, refused},
    ranks::{PairCounts, key, radix_sorted},
    value::OrReason,
};

/// Scores of one yes/no question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Column {
    #[serde(with = "sorted_differences")]
    pub(crate) positives: Vec<u32>,
    #[serde(with = "sorted_differences")]
    pub(crate) negatives: Vec<u32>,
}

impl Column {
    fn push(&mut self, score: f32, yes: bool) {
        if yes { self.positives.push(key(score)) } else { self.negatives.push(key(score)) }
    }

    /// How the positives rank against the negatives.
    #[must_use]
    pub fn pair_counts(&self) -> PairCounts {
        PairCounts::of_keys(&self.positives, &self.negatives)
    }

    /// Scores held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positives.len() + self.negatives.len()
    }

    /// Whether no score is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &[u32], b: &[u32]| a.len() == b.len() && radix_sorted(a) == radix_sorted(b);
        same(&self.positives, &other.positives) && same(&self.negatives, &other.negatives)
    }
}

/// Scores of one question, of one question per class, or of one per label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreSamples {
    origin: Option<(Layout, Scores)>,
    columns: Vec<Column>,
}

/// What the columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Layout {
    /// One column: the second of two classes.
    SecondClass,
    /// A column per class, against all others; every sample is in every column.
    ClassAgainstRest,
    /// A column per yes/no label.
    YesNo,
}

impl ScoreSamples {
    /// The questions, in the order of classes or labels.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Known labels: samples, or entries for yes/no labels.
    #[must_use]
    pub fn support(&self) -> u64 {
        match self.origin {
            Some((Layout::ClassAgainstRest, _)) => self.columns.first().map_or(0, Column::len) as u64,
            _ => self.columns.iter().map(|column| column.len() as u64).sum(),
        }
    }

    /// What a column is, for reports: `class` or `label`.
    #[must_use]
    pub fn column_word(&self) -> &'static str {
        if matches!(self.origin, Some((Layout::YesNo, _))) { "label" } else { "class" }
    }

    /// Takes the scores of a batch in; see [`crate::binary::auroc`] for which score a class has.
    ///
    /// # Errors
    /// As [`crate::Metric::update`].
    pub fn update(&mut self, metric: &str, batch: &MetricBatch<'_>) -> Result<()> {
        let part = Self::of_batch(metric, batch)?;
        self.absorb(part).map_err(|reason| refused(metric, reason))
    }

    fn of_batch(metric: &str, batch: &MetricBatch<'_>) -> Result<Self> {
        match batch.scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } => {
                let c = scores.n_cols();
                let known = |row: usize| batch.class(labels[row], c, row);
                let layout = if c == 2 { Layout::SecondClass } else { Layout::ClassAgainstRest };
                let mut columns = vec![Column::default(); if c == 2 { 1 } else { c }];
                for (row, scores) in scores.rows(0..scores.n_rows()).enumerate() {
                    let Some(class) = known(row)? else { continue };
                    for &score in scores {
                        batch.score(score, kind, row)?;
                    }
                    match (scores, kind) {
                        (&[_, p], Scores::Probs) => columns[0].push(p, class == 1),
                        (&[no, yes], Scores::Logits) => {
                            // Monotone in the softmax probability, and finer.
                            columns[0].push(batch.score(yes - no, kind, row)?, class == 1);
                        }
                        (_, Scores::Probs) => {
                            columns
                                .iter_mut()
                                .zip(scores)
                                .enumerate()
                                .for_each(|(k, (col, &p))| col.push(p, k == class));
                        }
                        (_, Scores::Logits) => {
                            let total = log_sum_exp(scores);
                            for (k, (column, &logit)) in columns.iter_mut().zip(scores).enumerate() {
                                #[expect(clippy::cast_possible_truncation, reason = "scores are ranked as f32")]
                                let log_prob = (f64::from(logit) - total) as f32;
                                column.push(batch.score(log_prob, kind, row)?, k == class);
                            }
                        }
                    }
                }
                Ok(Self { origin: Some((layout, kind)), columns })
            }
            ScoreBatch::MultiLabel { scores, kind, labels } => {
                let mut columns = vec![Column::default(); scores.n_cols()];
                let rows = 0..scores.n_rows();
                for ((row, said), truth) in rows.clone().zip(scores.rows(rows.clone())).zip(labels.rows(rows)) {
                    for ((column, &score), &label) in columns.iter_mut().zip(said).zip(truth) {
                        if let Some(yes) = batch.yes_no(label, row)? {
                            column.push(batch.score(score, kind, row)?, yes);
                        }
                    }
                }
                Ok(Self { origin: Some((Layout::YesNo, kind)), columns })
            }
        }
    }

    /// Merges a state that is not needed afterwards.
    fn absorb(&mut self, other: Self) -> OrReason<()> {
        if self.origin.is_none() {
            *self = other;
            return Ok(());
        }
        self.merge(&other)
    }
}

impl MetricState for ScoreSamples {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let Some((theirs, their_kind)) = other.origin else { return Ok(()) };
        let Some((ours, our_kind)) = self.origin else {
            self.clone_from(other);
            return Ok(());
        };
        if our_kind != their_kind {
            return Err("logits cannot be ranked against probabilities".to_owned());
        }
        if ours != theirs || self.columns.len() != other.columns.len() {
            let (a, b) = (self.columns.len(), other.columns.len());
            return Err(format!("{ours:?} scores in {a} columns cannot be merged with {theirs:?} in {b}"));
        }
        for (column, theirs) in self.columns.iter_mut().zip(&other.columns) {
            column.positives.extend_from_slice(&theirs.positives);
            column.negatives.extend_from_slice(&theirs.negatives);
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let n = self.columns.len();
        let fits = match self.origin {
            None => n == 0,
            Some((Layout::SecondClass, _)) => n == 1,
            Some((Layout::YesNo, _)) => n > 0,
            Some((Layout::ClassAgainstRest, _)) => {
                n > 0 && n != 2 && self.columns.iter().all(|column| column.len() == self.columns[0].len())
            }
        };
        let numbers = key(f32::NEG_INFINITY)..=key(f32::INFINITY);
        // The key between those of the negative and the positive numbers would be -0.0, which is folded into 0.0.
        let is_score = |key: &u32| numbers.contains(key) && *key != !(1 << 31);
        let mut keys = self.columns.iter().flat_map(|column| column.positives.iter().chain(&column.negatives));
        if fits && keys.all(is_score) { Ok(()) } else { Err("its scores contradict each other".to_owned()) }
    }
}

/// Keys as the differences of their sorted list.
pub(crate) mod sorted_differences {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(keys: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
        let mut last = 0;
        serializer.collect_seq(super::radix_sorted(keys).iter().map(|&key| key - std::mem::replace(&mut last, key)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
        let mut keys = Vec::<u32>::deserialize(deserializer)?;
        let mut last = 0_u32;
        for key in &mut keys {
            last = last.checked_add(*key).ok_or_else(|| D::Error::custom("a score is out of range"))?;
            *key = last;
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn saved_states_are_sorted_and_checked() {
        let a = Column { positives: vec![key(2.0), key(-1.0)], negatives: vec![] };
        let b = Column { positives: vec![key(-1.0), key(2.0)], negatives: vec![] };
        assert_eq!(a, b);
        let bytes = postcard::to_stdvec(&a).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&b).unwrap());
        assert_eq!(postcard::from_bytes::<Column>(&bytes).unwrap(), b);
        let origin = Some((Layout::SecondClass, Scores::Logits));
        let nan = Column { positives: vec![u32::MAX], negatives: vec![] };
        assert!(ScoreSamples { origin, columns: vec![nan] }.check().is_err());
        assert!(ScoreSamples { origin, columns: vec![] }.check().is_err());
    }

    #[test]
    fn logits_and_probabilities_do_not_mix() {
        let mut samples = ScoreSamples::default();
        let reference = Reference::Class(vec![0, 1]);
        for (kind, ok) in [(Scores::Probs, true), (Scores::Logits, false), (Scores::Probs, true)] {
            let prediction = Prediction::Class { scores: array![[0.7, 0.3], [0.2, 0.8]], kind };
            assert_eq!(samples.update("auroc", &MetricBatch::new(&prediction, &reference)).is_ok(), ok);
        }
        assert_eq!(samples.support(), 4);
    }
}
