//! Rankings out of what heads answer.
//!
//! | the batch | a query is | its items | their relevance |
//! |---|---|---|---|
//! | without groups | a sample | its classes, labels or numbers | 1 for the true class or labels; the true number |
//! | with groups | a group of samples, wherever they come | its samples, with one score each | 1 for yes; the true number |
//!
//! A group may be spread over batches, so its items are kept until the value is wanted. Items of equal scores then have no
//! order that they were given in, and the less relevant one comes first: a tie is never luck.
//!
//! **State** 1.1 kB; with groups 12 bytes an item more. **Weights** of samples without groups, as those of queries.

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction, prediction::Scores};
use serde::{Deserialize, Serialize};

use super::queries::{QueryMean, RankedQueries};
use crate::{
    input::{MetricBatch, ScoreBatch},
    judged::{FromJudged, Shelf},
    metric::{Metric, MetricState, refused},
    ranks::{key, score},
    value::{MetricValue, NO_LABEL, OrReason},
};

/// Without groups every sample is a query.
impl<'a> FromJudged<'a> for RankedQueries<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let mut lists = Lists::default();
        if judged.has_numbers() {
            let (said, truth) = judged.weighted_values(metric)?;
            for (row, (said, truth)) in said.rows(0..said.n_rows()).zip(truth.rows(0..truth.n_rows())).enumerate() {
                lists.query(judged, row, said.iter().copied().zip(truth.iter().map(|&x| relevance(judged, x, row))))?;
            }
            return lists.batch(judged, shelf);
        }
        match judged.weighted_scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } => {
                for (row, (scores, &label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
                    let Some(class) = judged.class(label, scores.len(), row)? else { continue };
                    judged.top_class(scores, kind, row)?;
                    let items =
                        scores.iter().enumerate().map(|(k, &score)| (score, Ok(Some(f32::from(u8::from(k == class))))));
                    lists.query(judged, row, items)?;
                }
            }
            ScoreBatch::MultiLabel { scores, kind, labels } => {
                let rows = scores.rows(0..scores.n_rows()).zip(labels.rows(0..labels.n_rows()));
                for (row, (scores, labels)) in rows.enumerate() {
                    for (&score, &label) in scores.iter().zip(labels) {
                        if judged.yes_no(label, row)?.is_some() {
                            judged.score(score, kind, row)?;
                        }
                    }
                    lists.query(
                        judged,
                        row,
                        scores.iter().copied().zip(labels.iter().map(|&x| Ok((!x.is_nan()).then_some(x)))),
                    )?;
                }
            }
        }
        lists.batch(judged, shelf)
    }
}

/// Queries one after another.
#[derive(Default)]
struct Lists {
    scores: Vec<f32>,
    relevance: Vec<f32>,
    lengths: Vec<usize>,
    weights: Vec<f32>,
}

impl Lists {
    /// Adds the known items of a sample; a sample without any is no query.
    fn query(
        &mut self,
        judged: &MetricBatch<'_>,
        row: usize,
        items: impl Iterator<Item = (f32, Result<Option<f32>>)>,
    ) -> Result<()> {
        let before = self.scores.len();
        for (score, relevance) in items {
            let Some(relevance) = relevance? else { continue };
            if score.is_nan() {
                return Err(judged.refuse("score", "a number", &score, row));
            }
            self.scores.push(score);
            self.relevance.push(relevance);
        }
        if self.scores.len() > before {
            self.lengths.push(self.scores.len() - before);
            self.weights.push(judged.weight(row)?);
        }
        Ok(())
    }

    fn batch<'a>(self, judged: &MetricBatch<'a>, shelf: &'a Shelf) -> Result<RankedQueries<'a>> {
        let queries = RankedQueries::new(shelf.keep(self.scores), shelf.keep(self.relevance), &self.lengths)?;
        if judged.is_weighted() { queries.weighted(shelf.keep(self.weights)) } else { Ok(queries) }
    }
}

/// A true number as a relevance; `None` where it is unknown.
fn relevance(judged: &MetricBatch<'_>, truth: f32, row: usize) -> Result<Option<f32>> {
    match truth {
        x if x.is_nan() => Ok(None),
        x if x >= 0.0 && x.is_finite() => Ok(Some(x)),
        x => Err(judged.refuse("relevance", "finite and not negative", &x, row)),
    }
}

/// A metric of [`RankedQueries`] that reads what heads answer, with groups or without.
#[derive(Debug, Clone)]
pub struct Judged<M>(pub M);

/// What was ranked at once, and what waits for the rest of its group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rankings {
    whole: QueryMean,
    kind: Option<Scores>,
    /// By group, how often there is an item of that score (as a key that sorts) and relevance (as bits).
    groups: BTreeMap<u64, BTreeMap<(u32, u32), u32>>,
}

impl MetricState for Rankings {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if self.kind.zip(other.kind).is_some_and(|(ours, theirs)| ours != theirs) {
            return Err("logits cannot be ranked against probabilities".to_owned());
        }
        self.whole.merge(&other.whole)?;
        self.kind = self.kind.or(other.kind);
        for (&group, theirs) in &other.groups {
            let ours = self.groups.entry(group).or_default();
            for (&item, &n) in theirs {
                let count = ours.entry(item).or_default();
                *count = count.saturating_add(n);
            }
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.whole.check()?;
        let good = |(&(at, of), &n): (&(u32, u32), &u32)| {
            let relevance = f32::from_bits(of);
            n > 0 && !score(at).is_nan() && relevance >= 0.0 && relevance.is_finite()
        };
        let items = self.groups.values().flatten().map(|(_, n)| u64::from(*n)).fold(0_u64, u64::saturating_add);
        // A list longer than memory would be made of a few damaged bytes.
        if self.groups.values().all(|items| !items.is_empty() && items.iter().all(good)) && items <= 1 << 32 {
            return Ok(());
        }
        Err("its groups contradict each other".to_owned())
    }
}

impl Rankings {
    fn add(&mut self, judged: &MetricBatch<'_>, metric: &str) -> Result<()> {
        let groups = judged.groups(metric)?;
        let mut push = |row: usize, at: f32, relevance: f32| {
            let group = groups.get(row).copied().unwrap_or_default();
            // Adding 0 makes -0 and 0 equal.
            *self.groups.entry(group).or_default().entry((key(at), (relevance + 0.0).to_bits())).or_default() += 1;
        };
        if judged.has_numbers() {
            let (said, truth) = judged.values(metric)?;
            if truth.n_cols() != 1 {
                return Err(judged.unfit(metric, "one number a sample, as samples have groups,"));
            }
            for (row, (&said, &truth)) in said.flat().iter().zip(truth.flat()).enumerate() {
                let Some(relevance) = relevance(judged, truth, row)? else { continue };
                if said.is_nan() {
                    return Err(judged.refuse("score", "a number", &said, row));
                }
                push(row, said, relevance);
            }
            return Ok(());
        }
        match judged.scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } if scores.n_cols() == 2 => {
                for (row, (scores, &label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
                    let Some(class) = judged.class(label, 2, row)? else { continue };
                    let &[no, yes] = scores else { continue };
                    let (no, yes) = (judged.score(no, kind, row)?, judged.score(yes, kind, row)?);
                    let at = if kind == Scores::Logits { judged.score(yes - no, kind, row)? } else { yes };
                    push(row, at, f32::from(u8::from(class == 1)));
                }
                self.kind = Some(kind);
            }
            ScoreBatch::MultiLabel { scores, kind, labels } if scores.n_cols() == 1 => {
                for (row, (&at, &label)) in scores.flat().iter().zip(labels.flat()).enumerate() {
                    let Some(yes) = judged.yes_no(label, row)? else { continue };
                    push(row, judged.score(at, kind, row)?, f32::from(u8::from(yes)));
                }
                self.kind = Some(kind);
            }
            _ => return Err(judged.unfit(metric, "one yes/no answer or two classes, as samples have groups,")),
        }
        Ok(())
    }

    /// The groups as lists, less relevant items first.
    fn lists(&self) -> Lists {
        let mut lists = Lists::default();
        for items in self.groups.values() {
            let before = lists.scores.len();
            for (&(at, relevance), &n) in items {
                for _ in 0..n {
                    lists.scores.push(score(at));
                    lists.relevance.push(f32::from_bits(relevance));
                }
            }
            lists.lengths.push(lists.scores.len() - before);
        }
        lists
    }
}

impl<M> Metric for Judged<M>
where
    M: for<'a> Metric<Batch<'a> = RankedQueries<'a>, State = QueryMean>,
{
    type Batch<'a> = MetricBatch<'a>;
    type State = Rankings;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn direction(&self) -> Direction {
        self.0.direction()
    }

    fn range(&self) -> (f64, f64) {
        self.0.range()
    }

    fn update(&self, state: &mut Rankings, judged: &MetricBatch<'_>) -> Result<()> {
        let mut part = Rankings::default();
        if judged.has_groups() {
            part.add(judged, self.name())?;
        } else {
            let shelf = Shelf::default();
            self.0.update(&mut part.whole, &RankedQueries::from_judged(judged, self.name(), &shelf)?)?;
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Rankings) -> MetricValue {
        let mut mean = state.whole.clone();
        let lists = state.lists();
        let ranked = RankedQueries::new(&lists.scores, &lists.relevance, &lists.lengths)
            .and_then(|queries| self.0.update(&mut mean, &queries));
        if let Err(e) = ranked {
            return MetricValue::undefined(e.to_string(), 0);
        }
        if mean.is_empty() { MetricValue::undefined(NO_LABEL, 0) } else { self.0.compute(&mean) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Streaming,
        ranking::{AtK, Gain, Ndcg, RankingAtK},
    };
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn a_sample_ranks_its_labels_and_a_group_its_samples() {
        let mut mrr = Streaming::new(Judged(RankingAtK::new(AtK::ReciprocalRank, None).unwrap()));
        let kind = Scores::Probs;
        let labels = Prediction::MultiLabel { scores: array![[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]], kind };
        let truth = Reference::MultiLabel(array![[0.0, f32::NAN, 1.0], [0.0, 0.0, 1.0]]);
        mrr.update_batch(&MetricBatch::new(&labels, &truth)).unwrap();
        assert_eq!((mrr.compute().value, mrr.compute().support), (Some(0.75), 2));
        let classes = Prediction::Class { scores: array![[0.2, 0.5, 0.3]], kind };
        mrr.update_batch(&MetricBatch::new(&classes, &Reference::Class(vec![0]))).unwrap();
        assert!((mrr.compute().value.unwrap() - (0.5 + 1.0 + 1.0 / 3.0) / 3.0).abs() < 1e-15);

        // Query 7 comes in two parts; its best item is second to an irrelevant one of the same score.
        let mut mrr = Streaming::new(Judged(RankingAtK::new(AtK::ReciprocalRank, None).unwrap()));
        let answers = |scores| Prediction::MultiLabel { scores, kind };
        let (first, of_first) = (answers(array![[0.8], [0.1]]), Reference::MultiLabel(array![[1.0], [1.0]]));
        mrr.update_batch(&MetricBatch::new(&first, &of_first).with_groups(&[7, 9])).unwrap();
        let (second, of_second) = (answers(array![[0.8], [0.9]]), Reference::MultiLabel(array![[0.0], [f32::NAN]]));
        mrr.update_batch(&MetricBatch::new(&second, &of_second).with_groups(&[7, 7])).unwrap();
        assert_eq!((mrr.compute().value, mrr.compute().support), (Some(0.75), 2));
    }

    #[test]
    fn numbers_are_relevances_and_what_cannot_be_ranked_is_refused() {
        let mut ndcg = Streaming::new(Judged(Ndcg::new(None, Gain::Linear).unwrap()));
        let (said, truth) =
            (Prediction::Values { values: array![[0.1], [0.9]] }, Reference::Values(array![[0.0], [2.0]]));
        ndcg.update_batch(&MetricBatch::new(&said, &truth).with_groups(&[1, 1])).unwrap();
        assert_eq!(ndcg.compute().value, Some(1.0));
        let refused = |ndcg: &mut Streaming<Judged<Ndcg>>, batch: &MetricBatch<'_>| {
            ndcg.update_batch(batch).unwrap_err().to_string()
        };
        let below = Reference::Values(array![[-1.0], [2.0]]);
        assert!(refused(&mut ndcg, &MetricBatch::new(&said, &below)).contains("relevance"));
        let weighted = MetricBatch::new(&said, &truth).with_groups(&[1, 1]).with_weights(&[1.0, 2.0]);
        assert!(refused(&mut ndcg, &weighted).contains("ndcg"));
        let three = Prediction::Class { scores: array![[0.1, 0.5, 0.4]], kind: Scores::Probs };
        let label = Reference::Class(vec![0]);
        assert!(
            refused(&mut ndcg, &MetricBatch::new(&three, &label).with_groups(&[1])).contains("as samples have groups")
        );
        assert_eq!(Streaming::new(Judged(Ndcg::new(None, Gain::Linear).unwrap())).compute().get(), Err(NO_LABEL));
    }
}
