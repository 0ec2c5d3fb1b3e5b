//! The state of BLEU: n-gram counts of a corpus.

use serde::{Deserialize, Serialize};

use crate::{
    metric::{MetricState, add_counts},
    value::OrReason,
};

/// The longest n-grams that are counted.
pub(super) const MAX_ORDER: usize = 16;

/// N-gram counts of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BleuCounts {
    pub(super) matches: Vec<u64>,
    pub(super) totals: Vec<u64>,
    pub(super) hypothesis_len: u64,
    pub(super) reference_len: u64,
    pub(super) texts: u64,
}

impl BleuCounts {
    pub(super) fn new(max_order: usize) -> Self {
        Self { matches: vec![0; max_order], totals: vec![0; max_order], ..Self::default() }
    }

    /// N-grams that matched, by order.
    #[must_use]
    pub fn matches(&self) -> &[u64] {
        &self.matches
    }

    /// N-grams of the hypotheses, by order.
    #[must_use]
    pub fn totals(&self) -> &[u64] {
        &self.totals
    }
}

impl MetricState for BleuCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.matches.is_empty() {
            return Ok(());
        }
        if self.matches.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if self.matches.len() != other.matches.len() {
            return Err(format!("orders to {} cannot be merged with {}", self.matches.len(), other.matches.len()));
        }
        let mut sums = [self.hypothesis_len, self.reference_len, self.texts];
        add_counts(&mut sums, &[other.hypothesis_len, other.reference_len, other.texts])?;
        // An order above 1 has at most as many n-grams as there are tokens, so nothing below can overflow.
        add_counts(&mut self.totals, &other.totals)?;
        add_counts(&mut self.matches, &other.matches)?;
        [self.hypothesis_len, self.reference_len, self.texts] = sums;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let fits = self.matches.len() == self.totals.len()
            && self.matches.len() <= MAX_ORDER
            && self.matches.iter().zip(&self.totals).all(|(matches, total)| matches <= total)
            && self.totals.iter().all(|&total| total <= self.hypothesis_len);
        if fits { Ok(()) } else { Err("its n-gram counts contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_must_fit() {
        let mut four = BleuCounts::new(4);
        assert_eq!(four.merge(&BleuCounts::new(3)).unwrap_err(), "orders to 4 cannot be merged with 3");
        let mut full = BleuCounts { matches: vec![1], totals: vec![u64::MAX], ..BleuCounts::default() };
        let before = full.clone();
        assert!(full.clone().check().is_err() && full.merge(&before).is_err());
        assert_eq!(full, before, "a refused state changes nothing");
    }
}
