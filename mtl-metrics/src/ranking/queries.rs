//! One batch of ranked lists, and the state of means over them.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::fold_chunks,
    exact_sum::ExactSum,
    metric::{MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 256;

/// Queries (or users), each with items that have a score and a relevance. A query is in one batch as a whole.
///
/// ```
/// use mtl_metrics::ranking::RankedQueries;
/// // Two queries, of two and of three items:
/// let queries = RankedQueries::new(&[0.9, 0.2, 0.1, 0.5, 0.3], &[1.0, 0.0, 0.0, 2.0, 1.0], &[2, 3])?;
/// assert_eq!(queries.len(), 2);
/// assert!(RankedQueries::new(&[f32::NAN], &[1.0], &[1]).is_err());
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RankedQueries<'a> {
    scores: &'a [f32],
    relevance: &'a [f32],
    ends: Vec<usize>,
    weights: Option<&'a [f32]>,
}

impl<'a> RankedQueries<'a> {
    /// Items of all queries one after another: scores (any numbers but NaN), relevances (finite, 0 is irrelevant, not
    /// negative), and the number of items of each query.
    ///
    /// # Errors
    /// [`Error::Shape`] when lengths disagree; [`Error::Label`] for a score or relevance outside its range.
    pub fn new(scores: &'a [f32], relevance: &'a [f32], lengths: &[usize]) -> Result<Self> {
        let mut ends = Vec::with_capacity(lengths.len());
        let total = lengths.iter().try_fold(0_usize, |sum, &length| {
            let end = sum.checked_add(length);
            ends.extend(end);
            end
        });
        for (tensor, len) in [("relevance", relevance.len()), ("lengths of queries", total.unwrap_or(usize::MAX))] {
            if len != scores.len() {
                return Err(Error::Shape {
                    op: "ranking".into(),
                    tensor,
                    expected: format!("as the scores, {} items", scores.len()),
                    found: vec![i64::try_from(len).unwrap_or(i64::MAX)],
                });
            }
        }
        let refuse = |what, expected: &str, values: &[f32], at: usize| Error::Label {
            task: "(unnamed)".into(),
            what,
            expected: expected.into(),
            found: values[at].to_string(),
            sample: at as u64,
        };
        if let Some(at) = scores.iter().position(|score| score.is_nan()) {
            return Err(refuse("score", "a number", scores, at));
        }
        if let Some(at) = relevance.iter().position(|&r| !(r >= 0.0 && r.is_finite())) {
            return Err(refuse("relevance", "finite and not negative", relevance, at));
        }
        Ok(Self { scores, relevance, ends, weights: None })
    }

    /// The same queries, weighted.
    ///
    /// # Errors
    /// [`Error::Shape`] when there is not one weight per query; [`Error::Label`] for a negative or infinite one.
    pub fn weighted(mut self, weights: &'a [f32]) -> Result<Self> {
        if weights.len() != self.len() {
            return Err(Error::Shape {
                op: "ranking".into(),
                tensor: "weights",
                expected: format!("[{}], one per query", self.len()),
                found: vec![weights.len() as i64],
            });
        }
        if let Some(at) = weights.iter().position(|&w| !(w >= 0.0 && w.is_finite())) {
            return Err(Error::Label {
                task: "(unnamed)".into(),
                what: "weight",
                expected: "finite and not negative".into(),
                found: weights[at].to_string(),
                sample: at as u64,
            });
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Number of queries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no query.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The items of a query as `(score, relevance)`, best score first, equal scores in their order.
    fn ranked(&self, idx: usize) -> Vec<(f32, f32)> {
        let start = idx.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let range = start..self.ends.get(idx).copied().unwrap_or(start);
        let scores = self.scores.get(range.clone()).unwrap_or_default();
        let relevance = self.relevance.get(range).unwrap_or_default();
        // Adding 0 makes -0 and 0 equal.
        let mut items: Vec<_> = scores.iter().map(|score| score + 0.0).zip(relevance.iter().copied()).collect();
        items.sort_by(|a, b| b.0.total_cmp(&a.0));
        items
    }

    /// Adds `score(ranked items)` of every query to a mean; a query without a score is left out.
    pub(super) fn add_to(
        &self,
        metric: &str,
        state: &mut QueryMean,
        score: impl Fn(&[(f32, f32)]) -> Option<f64> + Sync,
    ) -> Result<()> {
        let part: QueryMean = fold_chunks(self.len(), CHUNK, |range| {
            let mut mean = QueryMean::default();
            for idx in range {
                let weight = self.weights.and_then(|weights| weights.get(idx)).copied().unwrap_or(1.0);
                mean.add(score(&self.ranked(idx)), f64::from(weight));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(metric, reason))
    }
}

/// A weighted mean over the queries for which a metric is defined.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryMean {
    sum: ExactSum,
    weight: ExactSum,
    n: u64,
    left_out: u64,
}

impl QueryMean {
    pub(super) fn add(&mut self, score: Option<f64>, weight: f64) {
        let Some(score) = score else {
            self.left_out += 1;
            return;
        };
        self.sum.add_product(score, weight);
        self.weight.add(weight);
        self.n += 1;
    }

    /// Whether there was no query at all.
    pub(super) fn is_empty(&self) -> bool {
        self.n == 0 && self.left_out == 0
    }

    pub(super) fn value(&self, missing: &str) -> MetricValue {
        let weight = self.weight.value();
        let mean = if self.n == 0 {
            let reason = if self.left_out == 0 { "no query" } else { missing };
            MetricValue::undefined(reason, 0)
        } else if weight > 0.0 {
            MetricValue::defined(self.sum.value() / weight, self.n)
        } else {
            MetricValue::undefined("all weights are 0", self.n)
        };
        MetricValue { parts: self.n.saturating_add(self.left_out), left_out: self.left_out, ..mean }
    }
}

impl MetricState for QueryMean {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let sums = (self.n.checked_add(other.n), self.left_out.checked_add(other.left_out));
        let (Some(n), Some(left_out)) = sums else { return Err("a count is beyond 64 bits".into()) };
        (self.n, self.left_out) = (n, left_out);
        self.sum.merge(&other.sum);
        self.weight.merge(&other.weight);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let (sum, weight) = (self.sum.value(), self.weight.value());
        let fits =
            sum.is_finite() && weight.is_finite() && weight >= 0.0 && (self.n > 0 || (sum == 0.0 && weight == 0.0));
        if fits { Ok(()) } else { Err("its sums contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lists_are_refused() {
        let refused = |result: Result<RankedQueries<'_>>| result.unwrap_err().to_string();
        let e = refused(RankedQueries::new(&[0.1, 0.2], &[1.0], &[2]));
        assert_eq!(e, "ranking: relevance must be as the scores, 2 items, found [1]");
        assert!(RankedQueries::new(&[0.1], &[1.0], &[usize::MAX, 2]).is_err());
        let e = refused(RankedQueries::new(&[0.1, 0.2], &[1.0, -1.0], &[2]));
        assert_eq!(e, "task (unnamed): relevance must be finite and not negative, found -1 (sample 1)");
        let queries = RankedQueries::new(&[0.1], &[1.0], &[1]).unwrap();
        assert!(queries.clone().weighted(&[]).is_err() && queries.weighted(&[f32::NAN]).is_err());
    }

    #[test]
    fn weights_and_reasons() {
        let mut mean = QueryMean::default();
        assert_eq!(mean.value("none").get(), Err("no query"));
        mean.add(None, 1.0);
        assert_eq!(mean.value("no relevant item").get(), Err("no relevant item"));
        mean.add(Some(0.5), 0.0);
        assert_eq!(mean.value("").get(), Err("all weights are 0"));
        mean.add(Some(1.0), 3.0);
        mean.add(Some(0.0), 1.0);
        let value = mean.value("");
        assert_eq!((value.value, value.parts, value.left_out), (Some(0.75), 4, 1));
    }
}
