//! Measures of the first k places when an item is relevant or not (relevance above 0).
//!
//! ```text
//! R relevant items, N others, h relevant ones among the first k
//!
//! precision@k  h / k                       recall@k      h / R
//! hit-rate@k   [h > 0]                     r-precision   relevant ones among the first R, over R
//! mrr@k        1 / place of the first relevant item, 0 beyond k
//! map@k        (1 / R) sum over relevant places i <= k of precision@i
//! fall-out@k   others among the first k, over N
//! ```
//!
//! Items with equal scores keep the order they were given in.
//!
//! **Reference** trec_eval 9 (`P`, `recall`, `success`, `Rprec`, `recip_rank`, `map_cut`); torchmetrics 1.9 retrieval metrics with
//! `empty_target_action="skip"`, to 1e-6 (it computes in f32).
//! **Differs from** trec_eval in ties (there by document name); from torchmetrics in map@k, which it divides by the relevant
//! items among the first k; a query without relevant items (for fall-out: without others) is left out. **State** 1.1 kB.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    ndcg::{check_k, named},
    queries::{QueryMean, RankedQueries},
};
use crate::{metric::Metric, value::MetricValue};

/// Which measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtK {
    /// Share of the first k that is relevant.
    Precision,
    /// Share of relevant items among the first k.
    Recall,
    /// Whether any of the first k is relevant.
    HitRate,
    /// Mean over relevant items of the precision at their place.
    AveragePrecision,
    /// One over the place of the first relevant item.
    ReciprocalRank,
    /// Precision among as many places as there are relevant items; k does not matter.
    RPrecision,
    /// Share of irrelevant items among the first k: smaller is better.
    FallOut,
}

impl AtK {
    /// Every measure.
    pub const ALL: [Self; 7] = [
        Self::Precision,
        Self::Recall,
        Self::HitRate,
        Self::AveragePrecision,
        Self::ReciprocalRank,
        Self::RPrecision,
        Self::FallOut,
    ];
}

/// The mean of a measure over queries, 0 to 1: `recall@k=10`, `map`, `mrr`.
///
/// ```
/// use mtl_metrics::{Metric, ranking::{AtK, RankedQueries, RankingAtK}};
/// let mrr = RankingAtK::new(AtK::ReciprocalRank, None)?;
/// let mut mean = Default::default();
/// mrr.update(&mut mean, &RankedQueries::new(&[0.9, 0.5, 0.1], &[0.0, 1.0, 1.0], &[3])?)?;
/// assert_eq!((mrr.name(), mrr.compute(&mean).value), ("mrr", Some(0.5)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RankingAtK {
    measure: AtK,
    k: Option<usize>,
    name: String,
}

impl RankingAtK {
    /// A measure of the first `k` places, or of all.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for k = 0.
    pub fn new(measure: AtK, k: Option<usize>) -> Result<Self> {
        check_k("ranking", k)?;
        let name = match measure {
            AtK::Precision => named("precision", k),
            AtK::Recall => named("recall", k),
            AtK::HitRate => named("hit-rate", k),
            AtK::AveragePrecision => named("map", k),
            AtK::ReciprocalRank => named("mrr", k),
            AtK::RPrecision => "r-precision".to_owned(),
            AtK::FallOut => named("fall-out", k),
        };
        Ok(Self { measure, k, name })
    }

    fn score(&self, items: &[(f32, f32)]) -> Option<f64> {
        let relevant: Vec<bool> = items.iter().map(|item| item.1 > 0.0).collect();
        let count = |places: &[bool]| places.iter().filter(|&&relevant| relevant).count();
        let n = count(&relevant);
        let all = if self.measure == AtK::FallOut { items.len() - n } else { n };
        if all == 0 {
            return None;
        }
        let k = self.k.unwrap_or(items.len());
        let first = &relevant[..k.min(items.len())];
        let share = |hits: usize, of: usize| hits as f64 / of as f64;
        Some(match self.measure {
            AtK::Precision => share(count(first), k),
            AtK::Recall => share(count(first), n),
            AtK::HitRate => f64::from(u8::from(count(first) > 0)),
            AtK::RPrecision => share(count(&relevant[..n]), n),
            AtK::FallOut => share(first.len() - count(first), all),
            AtK::ReciprocalRank => first.iter().position(|&relevant| relevant).map_or(0.0, |at| share(1, at + 1)),
            AtK::AveragePrecision => {
                let places = first.iter().enumerate().filter(|(_, relevant)| **relevant);
                places.zip(1..).map(|((at, _), hits)| share(hits, at + 1)).sum::<f64>() / n as f64
            }
        })
    }
}

impl Metric for RankingAtK {
    type Batch<'a> = RankedQueries<'a>;
    type State = QueryMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        if self.measure == AtK::FallOut { Direction::Minimize } else { Direction::Maximize }
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut QueryMean, queries: &RankedQueries<'_>) -> Result<()> {
        queries.add_to(&self.name, state, |items| self.score(items))
    }

    fn compute(&self, state: &QueryMean) -> MetricValue {
        state.value(if self.measure == AtK::FallOut { "no irrelevant item" } else { "no relevant item" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let items = [(0.9, 0.0), (0.8, 1.0), (0.7, 0.0), (0.6, 2.0)];
        let score = |measure, k| RankingAtK::new(measure, k).unwrap().score(&items).unwrap();
        assert_eq!((score(AtK::Precision, Some(3)), score(AtK::Precision, Some(8))), (1.0 / 3.0, 0.25));
        assert_eq!((score(AtK::Recall, Some(3)), score(AtK::HitRate, Some(1))), (0.5, 0.0));
        assert_eq!((score(AtK::AveragePrecision, None), score(AtK::AveragePrecision, Some(3))), (0.5, 0.25));
        assert_eq!((score(AtK::ReciprocalRank, None), score(AtK::ReciprocalRank, Some(1))), (0.5, 0.0));
        assert_eq!((score(AtK::RPrecision, None), score(AtK::FallOut, Some(3))), (0.5, 1.0));
        for measure in AtK::ALL {
            assert_eq!(RankingAtK::new(measure, Some(1)).unwrap().score(&[]), None);
        }
    }
}
