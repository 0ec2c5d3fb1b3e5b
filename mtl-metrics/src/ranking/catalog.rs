//! What recommendations are like beyond being right: how much of the catalog they show, how different they are from each
//! other, how far from the obvious.
//!
//! ```text
//! coverage@k    #{items among the first k of any list} / #{items of the catalog}
//! diversity@k   mean over lists of the mean over pairs of their first k items of 1 - cos(item, item)
//! novelty@k     mean over lists of the mean over their first k items of log2(users / users who know the item)
//! ```
//!
//! **Reference** coverage: M. Ge et al., RecSys 2010; diversity: C.-N. Ziegler et al., WWW 2005 (as one minus
//! similarity); novelty: T. Zhou et al., PNAS 2010 (surprisal).
//! **Differs from** nothing known; lists too short to say something are left out. **State** one bit an item; 1.1 kB.

use std::sync::Arc;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{ndcg::check_k, queries::QueryMean};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 64;

/// Lists of items, best first; an item is its position in the catalog.
#[derive(Debug, Clone)]
pub struct RecommendedLists<'a> {
    lists: Vec<&'a [u32]>,
}

impl<'a> RecommendedLists<'a> {
    /// One list per user.
    #[must_use]
    pub fn new<L: AsRef<[u32]>>(lists: &'a [L]) -> Self {
        Self { lists: lists.iter().map(AsRef::as_ref).collect() }
    }

    /// Number of lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The first `k` items of a list, all of them below `n_items`.
    fn first(&self, idx: usize, k: usize, n_items: usize) -> Result<&'a [u32]> {
        let list = self.lists.get(idx).copied().unwrap_or_default();
        let first = list.get(..k).unwrap_or(list);
        match first.iter().find(|&&item| item as usize >= n_items) {
            None => Ok(first),
            Some(item) => Err(Error::Label {
                task: "(unnamed)".into(),
                what: "item",
                expected: format!("in 0..{n_items}"),
                found: item.to_string(),
                sample: idx as u64,
            }),
        }
    }

    fn mean(
        &self,
        metric: &str,
        state: &mut QueryMean,
        score: impl Fn(usize) -> Result<Option<f64>> + Sync,
    ) -> Result<()> {
        let part: QueryMean = fold_chunks(self.len(), CHUNK, |range| {
            let mut mean = QueryMean::default();
            for idx in range {
                mean.add(score(idx)?, 1.0);
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(metric, reason))
    }
}

/// Share of the catalog that is shown to anyone: `coverage@k=10`.
///
/// ```
/// use mtl_metrics::{Metric, ranking::{Coverage, RecommendedLists}};
/// let coverage = Coverage::new(2, 4)?;
/// let mut shown = Default::default();
/// coverage.update(&mut shown, &RecommendedLists::new(&[[0, 1, 3], [1, 2, 3]]))?;
/// assert_eq!(coverage.compute(&shown).value, Some(0.75));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Coverage {
    k: usize,
    n_items: usize,
    name: String,
}

impl Coverage {
    /// Coverage of a catalog of `n_items` by the first `k` items of lists.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for k = 0 or an empty catalog.
    pub fn new(k: usize, n_items: usize) -> Result<Self> {
        check_k("coverage", Some(k))?;
        if n_items == 0 {
            let expected = "at least 1".into();
            return Err(Error::InvalidConfig { what: "coverage", field: "n_items", expected, found: "0".into() });
        }
        Ok(Self { k, n_items, name: format!("coverage@k={k}") })
    }
}

impl Metric for Coverage {
    type Batch<'a> = RecommendedLists<'a>;
    type State = ItemSet;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ItemSet, lists: &RecommendedLists<'_>) -> Result<()> {
        let mut part = ItemSet { bits: vec![0; self.n_items.div_ceil(64)], n_lists: lists.len() as u64 };
        for idx in 0..lists.len() {
            for &item in lists.first(idx, self.k, self.n_items)? {
                part.bits[item as usize / 64] |= 1 << (item % 64);
            }
        }
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &ItemSet) -> MetricValue {
        if state.n_lists == 0 {
            return MetricValue::undefined("no list", 0);
        }
        let shown: u32 = state.bits.iter().map(|bits| bits.count_ones()).sum();
        MetricValue::defined(f64::from(shown) / self.n_items as f64, state.n_lists)
    }
}

/// The items that were shown, one bit each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemSet {
    bits: Vec<u64>,
    n_lists: u64,
}

impl MetricState for ItemSet {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.bits.is_empty() {
            return Ok(());
        }
        if self.bits.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if self.bits.len() != other.bits.len() {
            return Err("catalogs of different sizes cannot be merged".into());
        }
        self.n_lists = self.n_lists.checked_add(other.n_lists).ok_or("a count is beyond 64 bits")?;
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, theirs)| *bits |= theirs);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.n_lists > 0 || self.bits.iter().all(|&bits| bits == 0) {
            Ok(())
        } else {
            Err("items without a list".into())
        }
    }
}

/// How different the items of a list are, 0 to 2: `diversity@10`.
///
/// ```
/// use mtl_metrics::{Metric, ranking::{Diversity, RecommendedLists}};
/// // Items 0 and 1 are at right angles, item 2 is twice item 0.
/// let diversity = Diversity::new(2, &[1.0, 0.0, 0.0, 3.0, 2.0, 0.0], 2)?;
/// let mut mean = Default::default();
/// diversity.update(&mut mean, &RecommendedLists::new(&[[0, 1], [0, 2]]))?;
/// assert_eq!(diversity.compute(&mean).value, Some(0.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Diversity {
    k: usize,
    /// Vectors of length 1, `[items, d]`.
    items: Arc<[f64]>,
    d: usize,
    name: String,
}

impl Diversity {
    /// Diversity of the first `k` items; `items` are their vectors, `[items, d]` row by row.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for k below 2; [`Error::Shape`] when `items` is no such matrix; [`Error::Label`] for a
    /// vector of length 0 or one that is not finite.
    pub fn new(k: usize, items: &[f32], d: usize) -> Result<Self> {
        if k < 2 {
            let expected = "at least 2".into();
            return Err(Error::InvalidConfig { what: "diversity", field: "k", expected, found: k.to_string() });
        }
        if d == 0 || items.is_empty() || !items.len().is_multiple_of(d) {
            return Err(Error::Shape {
                op: "diversity".into(),
                tensor: "items",
                expected: format!("[items, {d}], neither 0"),
                found: vec![items.len() as i64],
            });
        }
        let mut unit = Vec::with_capacity(items.len());
        for (idx, item) in items.chunks_exact(d).enumerate() {
            let norm = item.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            if !(norm > 0.0 && norm.is_finite()) {
                return Err(Error::Label {
                    task: "(unnamed)".into(),
                    what: "length of an item's vector",
                    expected: "positive and finite".into(),
                    found: norm.to_string(),
                    sample: idx as u64,
                });
            }
            unit.extend(item.iter().map(|&x| f64::from(x) / norm));
        }
        Ok(Self { k, items: unit.into(), d, name: format!("diversity@k={k}") })
    }

    fn item(&self, item: u32) -> &[f64] {
        let start = item as usize * self.d;
        self.items.get(start..start + self.d).unwrap_or_default()
    }
}

impl Metric for Diversity {
    type Batch<'a> = RecommendedLists<'a>;
    type State = QueryMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 2.0)
    }

    fn update(&self, state: &mut QueryMean, lists: &RecommendedLists<'_>) -> Result<()> {
        lists.mean(&self.name, state, |idx| {
            let list = lists.first(idx, self.k, self.items.len() / self.d)?;
            let (mut sum, mut pairs) = (0.0, 0_u32);
            for (at, &a) in list.iter().enumerate() {
                for &b in &list[..at] {
                    let cosine: f64 = self.item(a).iter().zip(self.item(b)).map(|(x, y)| x * y).sum();
                    sum += 1.0 - cosine;
                    pairs += 1;
                }
            }
            Ok((pairs > 0).then(|| sum / f64::from(pairs)))
        })
    }

    fn compute(&self, state: &QueryMean) -> MetricValue {
        state.value("no list of two items")
    }
}

/// How surprising the items of a list are, in bits, 0 and above: `novelty@10`.
///
/// ```
/// use mtl_metrics::{Metric, ranking::{Novelty, RecommendedLists}};
/// // Of 8 users 8 know item 0, 1 knows item 1:
/// let novelty = Novelty::new(2, &[8, 1], 8)?;
/// let mut mean = Default::default();
/// novelty.update(&mut mean, &RecommendedLists::new(&[[0, 1]]))?;
/// assert_eq!(novelty.compute(&mean).value, Some(1.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Novelty {
    k: usize,
    /// Bits by item; `None` for an item that nobody knows.
    surprisal: Arc<[Option<f64>]>,
    name: String,
}

impl Novelty {
    /// Novelty of the first `k` items, when `known_by[i]` of `n_users` users know item `i`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for k = 0; [`Error::Label`] for an item known by more users than there are.
    pub fn new(k: usize, known_by: &[u64], n_users: u64) -> Result<Self> {
        check_k("novelty", Some(k))?;
        if let Some((idx, n)) = known_by.iter().enumerate().find(|(_, n)| **n > n_users) {
            return Err(Error::Label {
                task: "(unnamed)".into(),
                what: "number of users who know an item",
                expected: format!("at most {n_users}"),
                found: n.to_string(),
                sample: idx as u64,
            });
        }
        let surprisal = known_by.iter().map(|&n| (n > 0).then(|| (n_users as f64 / n as f64).log2())).collect();
        Ok(Self { k, surprisal, name: format!("novelty@k={k}") })
    }
}

impl Metric for Novelty {
    type Batch<'a> = RecommendedLists<'a>;
    type State = QueryMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut QueryMean, lists: &RecommendedLists<'_>) -> Result<()> {
        lists.mean(&self.name, state, |idx| {
            let list = lists.first(idx, self.k, self.surprisal.len())?;
            let mut sum = 0.0;
            for &item in list {
                sum += self.surprisal.get(item as usize).copied().flatten().ok_or_else(|| Error::Label {
                    task: "(unnamed)".into(),
                    what: "item",
                    expected: "one that some user knows".into(),
                    found: item.to_string(),
                    sample: idx as u64,
                })?;
            }
            Ok((!list.is_empty()).then(|| sum / list.len() as f64))
        })
    }

    fn compute(&self, state: &QueryMean) -> MetricValue {
        state.value("no item in any list")
    }
}

crate::judged::answers_to_come! {
    RecommendedLists<'a> => "lists";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_must_be_in_the_catalog() {
        let coverage = Coverage::new(2, 3).unwrap();
        let mut shown = ItemSet::default();
        let e = coverage.update(&mut shown, &RecommendedLists::new(&[[3, 0]])).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): item must be in 0..3, found 3 (sample 0)");
        // What comes after the first two is not looked at.
        coverage.update(&mut shown, &RecommendedLists::new(&[[0, 1, 9]])).unwrap();
        assert_eq!(coverage.compute(&shown).value, Some(2.0 / 3.0));
        let novelty = Novelty::new(1, &[1, 0], 2).unwrap();
        assert!(novelty.update(&mut QueryMean::default(), &RecommendedLists::new(&[[1]])).is_err());
    }

    #[test]
    fn settings_are_checked() {
        assert!(Coverage::new(0, 3).is_err() && Coverage::new(1, 0).is_err());
        assert!(Diversity::new(1, &[1.0], 1).is_err() && Diversity::new(2, &[1.0, 2.0, 3.0], 2).is_err());
        assert!(Diversity::new(2, &[1.0, 0.0], 1).is_err() && Diversity::new(2, &[f32::NAN], 1).is_err());
        assert!(Novelty::new(1, &[3], 2).is_err());
    }

    #[test]
    fn short_lists_are_left_out() {
        let diversity = Diversity::new(3, &[1.0, -1.0], 1).unwrap();
        let mut mean = QueryMean::default();
        diversity.update(&mut mean, &RecommendedLists::new(&[vec![0], vec![0, 1], vec![]])).unwrap();
        let value = diversity.compute(&mean);
        assert_eq!((value.value, value.left_out), (Some(2.0), 2));
    }
}
