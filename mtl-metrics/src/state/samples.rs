//! The state of ranking metrics: every known score, positives and negatives apart, 4 bytes each.
//!
//! Scores whose weight is not 1 are kept apart, with it, 12 bytes each. A state is a multiset, so it compares, and is saved, in sorted order: as differences of neighboring keys, which are
//! small numbers and take 2 to 3 bytes for a million scores.

use mtl_core::{Result, prediction::Scores};
use serde::{Deserialize, Serialize};

use crate::{
    binary::Sweep,
    chunks::map_each,
    input::{MetricBatch, ScoreBatch},
    metric::{MetricState, refused},
    probability::log_sum_exp,
    ranks::{PairCounts, key, radix_sorted},
    value::{MetricValue, OrReason},
};

/// Scores of one yes/no question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Column {
    #[serde(with = "sorted_differences")]
    pub(crate) positives: Vec<u32>,
    #[serde(with = "sorted_differences")]
    pub(crate) negatives: Vec<u32>,
    /// Those whose weight is not 1: key of the score, bits of the weight, whether positive.
    #[serde(with = "sorted")]
    pub(crate) weighted: Vec<(u32, u32, bool)>,
}

impl Column {
    /// Scores of positives and negatives, of weight 1, as tests give them.
    #[cfg(test)]
    pub(crate) fn of(positives: &[f32], negatives: &[f32]) -> Self {
        let mut column = Self::default();
        positives.iter().for_each(|&score| column.push(score, true, 1.0));
        negatives.iter().for_each(|&score| column.push(score, false, 1.0));
        column
    }

    pub(crate) fn push(&mut self, score: f32, yes: bool, weight: f32) {
        if (weight - 1.0).abs() > 0.0 {
            // Bits of numbers that are not negative rise with them; `+ 0.0` folds the zeros.
            self.weighted.push((key(score), (weight + 0.0).to_bits(), yes));
        } else if yes {
            self.positives.push(key(score));
        } else {
            self.negatives.push(key(score));
        }
    }

    /// How the positives rank against the negatives, whatever weights other than 1 there are.
    #[must_use]
    pub fn pair_counts(&self) -> PairCounts {
        PairCounts::of_keys(&self.positives, &self.negatives)
    }

    /// The share of pairs with the positive above, ties half, each pair weighing the product of its weights.
    ///
    /// # Errors
    /// The reason when there is no pair.
    pub fn auc(&self) -> OrReason<f64> {
        if self.weighted.is_empty() { self.pair_counts().auc() } else { Sweep::new(self).auc() }
    }

    /// The weight of all scores.
    #[must_use]
    pub fn weight(&self) -> f64 {
        if self.weighted.is_empty() {
            return self.len() as f64;
        }
        let sweep = Sweep::new(self);
        sweep.positives() + sweep.negatives()
    }

    /// Scores held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positives.len() + self.negatives.len() + self.weighted.len()
    }

    /// Whether no score is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn absorb(&mut self, other: &Self) {
        self.positives.extend_from_slice(&other.positives);
        self.negatives.extend_from_slice(&other.negatives);
        self.weighted.extend_from_slice(&other.weighted);
    }

    /// Whether every key is that of a score and every weight one that there may be.
    fn check(&self) -> OrReason<()> {
        let numbers = key(f32::NEG_INFINITY)..=key(f32::INFINITY);
        // The key between those of the negative and the positive numbers would be -0.0, which is folded into 0.0.
        let is_score = |key: &u32| numbers.contains(key) && *key != !(1 << 31);
        let is_weight = |bits: u32| f32::from_bits(bits).is_finite() && bits != 1_f32.to_bits() && bits >> 31 == 0;
        let plain = self.positives.iter().chain(&self.negatives).all(is_score);
        let heavy = self.weighted.iter().all(|(key, weight, _)| is_score(key) && is_weight(*weight));
        if plain && heavy { Ok(()) } else { Err("its scores contradict each other".to_owned()) }
    }
}

impl MetricState for Column {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.absorb(other);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.check()
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &[u32], b: &[u32]| a.len() == b.len() && radix_sorted(a) == radix_sorted(b);
        let heavy =
            self.weighted.len() == other.weighted.len() && in_order(&self.weighted) == in_order(&other.weighted);
        heavy && same(&self.positives, &other.positives) && same(&self.negatives, &other.negatives)
    }
}

/// A sorted copy.
pub(crate) fn in_order<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
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

    /// What `each` finds in every column, in parallel, averaged over those where it is defined.
    pub(crate) fn average(&self, each: impl Fn(&Column) -> OrReason<f64> + Sync) -> MetricValue {
        let parts = map_each(self.columns.len(), |k| each(&self.columns[k]));
        MetricValue::average(&parts, self.column_word(), self.support())
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
        match batch.weighted_scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } => {
                let c = scores.n_cols();
                let known = |row: usize| batch.class(labels[row], c, row);
                let layout = if c == 2 { Layout::SecondClass } else { Layout::ClassAgainstRest };
                let mut columns = vec![Column::default(); if c == 2 { 1 } else { c }];
                for (row, scores) in scores.rows(0..scores.n_rows()).enumerate() {
                    let Some(class) = known(row)? else { continue };
                    let weight = batch.weight(row)?;
                    rank_scores(batch, scores, kind, row, |k, score| {
                        if c == 2 {
                            columns[0].push(score, class == 1, weight);
                        } else {
                            columns[k].push(score, k == class, weight);
                        }
                    })?;
                }
                Ok(Self { origin: Some((layout, kind)), columns })
            }
            ScoreBatch::MultiLabel { scores, kind, labels } => {
                let mut columns = vec![Column::default(); scores.n_cols()];
                let rows = 0..scores.n_rows();
                for ((row, said), truth) in rows.clone().zip(scores.rows(rows.clone())).zip(labels.rows(rows)) {
                    for ((column, &score), &label) in columns.iter_mut().zip(said).zip(truth) {
                        if let Some(yes) = batch.yes_no(label, row)? {
                            column.push(batch.score(score, kind, row)?, yes, batch.weight(row)?);
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
        self.columns.iter_mut().zip(&other.columns).for_each(|(column, theirs)| column.absorb(theirs));
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
        self.columns.iter().try_for_each(Column::check)?;
        if fits { Ok(()) } else { Err("its scores contradict each other".to_owned()) }
    }
}

/// Calls `push(class, score)` with what each class of a sample is ranked by; for two classes only with class 1.
///
/// # Errors
/// As [`MetricBatch::score`]; logits of which no softmax can be taken.
pub(crate) fn rank_scores(
    batch: &MetricBatch<'_>,
    scores: &[f32],
    kind: Scores,
    row: usize,
    mut push: impl FnMut(usize, f32),
) -> Result<()> {
    for &score in scores {
        batch.score(score, kind, row)?;
    }
    match (scores, kind) {
        (&[_, p], Scores::Probs) => push(1, p),
        // Monotone in the softmax probability, and finer.
        (&[no, yes], Scores::Logits) => push(1, batch.score(yes - no, kind, row)?),
        (_, Scores::Probs) => scores.iter().enumerate().for_each(|(k, &p)| push(k, p)),
        (_, Scores::Logits) => {
            let total = log_sum_exp(scores);
            for (k, &logit) in scores.iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "scores are ranked as f32")]
                let log_prob = (f64::from(logit) - total) as f32;
                push(k, batch.score(log_prob, kind, row)?);
            }
        }
    }
    Ok(())
}

/// A list in rising order, as it is.
mod sorted {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(items: &[(u32, u32, bool)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(super::in_order(items))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(u32, u32, bool)>, D::Error> {
        Vec::deserialize(deserializer)
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
        let a = Column { positives: vec![key(2.0), key(-1.0)], ..Column::default() };
        let b = Column { positives: vec![key(-1.0), key(2.0)], ..Column::default() };
        assert_eq!(a, b);
        let bytes = postcard::to_stdvec(&a).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&b).unwrap());
        assert_eq!(postcard::from_bytes::<Column>(&bytes).unwrap(), b);
        let origin = Some((Layout::SecondClass, Scores::Logits));
        let nan = Column { positives: vec![u32::MAX], ..Column::default() };
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
