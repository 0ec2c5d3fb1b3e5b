//! NDCG: relevance found early counts more.
//!
//! ```text
//! DCG@k = sum_{i=1..k} gain(r_i) / log2(i + 1)      NDCG@k = DCG@k / DCG@k of the best order
//! ```
//!
//! The gain is named, because two are in use: the relevance itself, or `2^r - 1`. Items with equal scores share their
//! places: each has the mean gain of the group, the expected value over random orders.
//!
//! **Reference** K. Jarvelin and J. Kekalainen, *Cumulated gain-based evaluation of IR techniques*, TOIS 2002; ties: F.
//! McSherry and M. Najork, ECIR 2008; scikit-learn `ndcg_score(k, ignore_ties=False)`, to 1e-12.
//! **Differs from** scikit-learn: a query without relevant items is left out (0 there). **State** 1.1 kB.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::queries::{QueryMean, RankedQueries};
use crate::{metric::Metric, value::MetricValue};

/// What an item of relevance r is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gain {
    /// r.
    Linear,
    /// 2^r - 1.
    Exponential,
}

impl Gain {
    fn of(self, relevance: f32) -> f64 {
        match self {
            Self::Linear => f64::from(relevance),
            Self::Exponential => f64::from(relevance).exp2() - 1.0,
        }
    }
}

/// Mean NDCG over queries, 0 to 1: `ndcg@k=10`, `ndcg-exp@k=10`.
///
/// ```
/// use mtl_metrics::{Metric, ranking::{Gain, Ndcg, RankedQueries}};
/// let ndcg = Ndcg::new(Some(2), Gain::Linear)?;
/// let mut mean = Default::default();
/// ndcg.update(&mut mean, &RankedQueries::new(&[0.9, 0.5, 0.1], &[0.0, 1.0, 0.0], &[3])?)?;
/// assert_eq!((ndcg.name(), ndcg.compute(&mean).value), ("ndcg@k=2", Some(1.0 / 3.0_f64.log2())));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ndcg {
    k: Option<usize>,
    gain: Gain,
    name: String,
}

impl Ndcg {
    /// NDCG of the first `k` places, or of all.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for k = 0.
    pub fn new(k: Option<usize>, gain: Gain) -> Result<Self> {
        check_k("ndcg", k)?;
        let name = if gain == Gain::Linear { "ndcg" } else { "ndcg-exp" };
        Ok(Self { k, gain, name: named(name, k) })
    }

    fn score(&self, items: &[(f32, f32)]) -> Option<f64> {
        let k = self.k.unwrap_or(items.len()).min(items.len());
        let discount = |place: usize| 1.0 / (place as f64 + 2.0).log2();
        let mut gains: Vec<f64> = items.iter().map(|item| self.gain.of(item.1)).collect();
        let (mut dcg, mut place) = (0.0, 0);
        for group in items.chunk_by(|a, b| a.0.to_bits() == b.0.to_bits()) {
            let end = place + group.len();
            let gain = gains[place..end].iter().sum::<f64>() / group.len() as f64;
            dcg += gain * (place..end.min(k)).map(discount).sum::<f64>();
            place = end;
        }
        gains.sort_by(|a, b| b.total_cmp(a));
        let best: f64 = gains.iter().take(k).enumerate().map(|(place, gain)| gain * discount(place)).sum();
        (best > 0.0).then(|| dcg / best)
    }
}

impl Metric for Ndcg {
    type Batch<'a> = RankedQueries<'a>;
    type State = QueryMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut QueryMean, queries: &RankedQueries<'_>) -> Result<()> {
        queries.add_to(&self.name, state, |items| self.score(items))
    }

    fn compute(&self, state: &QueryMean) -> MetricValue {
        state.value("no relevant item")
    }
}

pub(super) fn check_k(what: &'static str, k: Option<usize>) -> Result<()> {
    if k == Some(0) {
        return Err(Error::InvalidConfig { what, field: "k", expected: "at least 1".into(), found: "0".into() });
    }
    Ok(())
}

pub(super) fn named(name: &str, k: Option<usize>) -> String {
    k.map_or_else(|| name.to_owned(), |k| format!("{name}@k={k}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_places() {
        let ndcg = Ndcg::new(Some(1), Gain::Exponential).unwrap();
        // Relevances 2 and 0 on one score: (3 + 0) / 2 of the best 3.
        assert_eq!(ndcg.score(&[(0.5, 2.0), (0.5, 0.0), (0.1, 1.0)]), Some(0.5));
        assert_eq!(ndcg.score(&[(0.5, 0.0)]), None);
        assert_eq!(ndcg.score(&[]), None);
        // Beyond every exponent there is no gain to compare.
        let mut mean = QueryMean::default();
        mean.add(ndcg.score(&[(0.5, 5000.0)]), 1.0);
        assert!(ndcg.compute(&mean).value.is_none());
        assert!(Ndcg::new(Some(0), Gain::Linear).is_err());
    }
}
