//! Counts of weighted samples that merge without rounding.
//!
//! A weight of 1 is the usual case and must cost nothing, so a count keeps the number of items as an integer and, only
//! when some weight is not 1, how much the weights exceed 1 in sum:
//!
//! ```text
//! total = n + sum_i (w_i - 1)        n: items, whatever their weight; the sum is exact
//! ```
//!
//! Equal items give equal states in any order and grouping; without weights a state is its integers. A [`Total`] is one
//! such count, a [`Tally`] a list of them: 8 bytes a cell, and 552 more for each cell that a weight other than 1 reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    state::{MetricState, add_counts},
    value::OrReason,
};

/// How much weights exceed 1.
fn exceed(sum: &mut ExactSum, weight: f32) {
    sum.add(f64::from(weight));
    sum.add(-1.0);
}

/// `n` plus what weights exceed it by.
fn exact(n: u64, excess: Option<&ExactSum>) -> ExactSum {
    let mut sum = excess.cloned().unwrap_or_default();
    // In two halves, each of which an f64 holds.
    sum.add((n >> 32) as f64 * 4_294_967_296.0);
    sum.add((n & 0xffff_ffff) as f64);
    sum
}

/// The same, rounded once.
fn total(n: u64, excess: Option<&ExactSum>) -> f64 {
    if excess.is_none() { n as f64 } else { exact(n, excess).value().max(0.0) }
}

/// The weight of some items, and how many they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Total {
    n: u64,
    excess: Option<Box<ExactSum>>,
}

impl Total {
    /// Counts `n` items of weight 1.
    pub(crate) fn add_items(&mut self, n: u64) {
        self.n += n;
    }

    /// Counts an item.
    #[inline]
    pub fn add(&mut self, weight: f32) {
        self.n += 1;
        if (weight - 1.0).abs() > 0.0 {
            exceed(self.excess.get_or_insert_default(), weight);
        }
    }

    /// Items, whatever their weight.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The weight of all items; their number when none has a weight.
    #[must_use]
    pub fn value(&self) -> f64 {
        total(self.n, self.excess.as_deref())
    }

    /// The weight of all items, not rounded.
    #[must_use]
    pub fn exact(&self) -> ExactSum {
        exact(self.n, self.excess.as_deref())
    }
}

impl MetricState for Total {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.n = self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?;
        if let Some(theirs) = &other.excess {
            self.excess.get_or_insert_default().merge(theirs);
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        sound(self.n, self.excess.as_deref())
    }
}

/// Whether weights that are not negative can exceed `n` ones by this much.
fn sound(n: u64, excess: Option<&ExactSum>) -> OrReason<()> {
    let fits = |excess: &ExactSum| {
        let sum = exact(n, Some(excess)).value();
        n > 0 && sum.is_finite() && sum >= 0.0
    };
    if excess.is_none_or(fits) { Ok(()) } else { Err("weights and counts contradict each other".to_owned()) }
}

/// Weighted counts of a fixed number of cells; none before the first batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    n: Vec<u64>,
    excess: BTreeMap<u32, ExactSum>,
}

impl Tally {
    /// Cells that have counted nothing.
    #[must_use]
    pub fn new(n_cells: usize) -> Self {
        Self { n: vec![0; n_cells], excess: BTreeMap::new() }
    }

    /// Cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n.len()
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n.is_empty()
    }

    /// Counts an item in a cell; cells beyond the last are ignored.
    #[inline]
    pub fn add(&mut self, cell: usize, weight: f32) {
        let Some(n) = self.n.get_mut(cell) else { return };
        *n += 1;
        if (weight - 1.0).abs() > 0.0 {
            exceed(self.excess.entry(u32::try_from(cell).unwrap_or(u32::MAX)).or_default(), weight);
        }
    }

    /// Items of each cell, whatever their weight.
    #[must_use]
    pub fn items(&self) -> &[u64] {
        &self.n
    }

    /// Items of all cells.
    #[must_use]
    pub fn n_items(&self) -> u64 {
        self.n.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// The weight of a cell; 0 for cells beyond the last.
    #[must_use]
    pub fn value(&self, cell: usize) -> f64 {
        let excess = || u32::try_from(cell).ok().and_then(|cell| self.excess.get(&cell));
        self.n.get(cell).map_or(0.0, |&n| total(n, if self.excess.is_empty() { None } else { excess() }))
    }

    /// The weight of each cell.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        (0..self.n.len()).map(|cell| self.value(cell)).collect()
    }
}

impl MetricState for Tally {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.n.is_empty() {
            return Ok(());
        }
        if self.n.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        add_counts(&mut self.n, &other.n)?;
        for (&cell, theirs) in &other.excess {
            self.excess.entry(cell).or_default().merge(theirs);
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.n.iter().try_fold(0_u64, |sum, &n| sum.checked_add(n)).is_none() {
            return Err("the counts are beyond 64 bits".to_owned());
        }
        self.excess.iter().try_for_each(|(&cell, excess)| {
            let n = usize::try_from(cell).ok().and_then(|cell| self.n.get(cell)).copied();
            sound(n.ok_or("a weight of a cell that is not there")?, Some(excess))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_exact_in_any_order() {
        let weights = [1e-30_f32, 1.0, 2.5, 0.0, 1e30, 0.1];
        let mut forward = Total::default();
        weights.iter().for_each(|&w| forward.add(w));
        let mut backward = Total::default();
        weights[3..].iter().rev().for_each(|&w| backward.add(w));
        let mut rest = Total::default();
        weights[..3].iter().rev().for_each(|&w| rest.add(w));
        backward.merge(&rest).unwrap();
        assert_eq!(forward, backward);
        assert_eq!(postcard::to_stdvec(&forward).unwrap(), postcard::to_stdvec(&backward).unwrap());
        assert_eq!((forward.n(), forward.value()), (6, f64::from(1e30_f32)));
        assert!(forward.check().is_ok());
    }

    #[test]
    fn cells_without_weights_are_integers() {
        let mut tally = Tally::new(3);
        tally.add(0, 1.0);
        tally.add(2, 0.25);
        tally.add(2, 0.0);
        tally.add(9, 1.0);
        assert_eq!((tally.items(), tally.values()), ([1, 0, 2].as_slice(), vec![1.0, 0.0, 0.25]));
        let mut merged = Tally::default();
        merged.merge(&tally).unwrap();
        merged.merge(&tally).unwrap();
        assert_eq!((merged.value(2), merged.n_items()), (0.5, 6));
        assert!(merged.merge(&Tally::new(2)).is_err());
    }

    #[test]
    fn impossible_states_are_refused() {
        let negative = Total { n: 1, excess: Some(Box::new([-2.0].into_iter().collect())) };
        assert!(negative.check().is_err());
        let stray = Tally { n: vec![1], excess: [(4, ExactSum::default())].into() };
        assert!(stray.check().is_err());
    }
}
