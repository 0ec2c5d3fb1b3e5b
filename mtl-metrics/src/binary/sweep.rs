//! A threshold that falls from above all scores to below them, and what lies above it at each stop.
//!
//! ```text
//! tp(t) = weight of positives with s >= t        fp(t) = weight of negatives with s >= t        t: the distinct scores
//! ```
//!
//! ROC and precision-recall curves, average precision, KS, EER, detection costs and operating points are all folds over
//! these stops. Scores are radix-sorted once, positives and negatives apart, and merged while sweeping: no list of stops is
//! made. Counts are exact; weights other than 1 are added in the order of scores and weights, so the same multiset gives
//! the same bits.

use crate::{
    ranks::{PairCounts, both_sorted, score},
    samples::{Column, in_order},
    value::{NO_LABEL, NO_WEIGHT, OrReason},
};

/// The sorted scores of one question.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Rising keys of weight 1.
    positives: Vec<u32>,
    negatives: Vec<u32>,
    /// Rising `(key, bits of the weight, positive)`.
    weighted: Vec<(u32, u32, bool)>,
    totals: (f64, f64),
}

/// What lies at or above a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// The threshold: a score that occurs.
    pub threshold: f32,
    /// Weight of the positives at or above it.
    pub tp: f64,
    /// Weight of the negatives at or above it.
    pub fp: f64,
}

impl Sweep {
    /// Sorts the scores of a question.
    #[must_use]
    pub fn new(column: &Column) -> Self {
        let (positives, negatives) = both_sorted(&column.positives, &column.negatives);
        let mut sweep = Self { positives, negatives, weighted: in_order(&column.weighted), totals: (0.0, 0.0) };
        sweep.totals = if sweep.weighted.is_empty() {
            (sweep.positives.len() as f64, sweep.negatives.len() as f64)
        } else {
            // By the same additions as the sweep's, so that its last stop is exactly the total.
            sweep.stops().last().map_or((0.0, 0.0), |stop| (stop.tp, stop.fp))
        };
        sweep
    }

    /// Weight of all positives.
    #[must_use]
    pub fn positives(&self) -> f64 {
        self.totals.0
    }

    /// Weight of all negatives.
    #[must_use]
    pub fn negatives(&self) -> f64 {
        self.totals.1
    }

    /// Whether no weight differs from 1: every number is then a count.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.weighted.is_empty()
    }

    /// Nothing, when there are positives and negatives.
    ///
    /// # Errors
    /// The reason when there are not.
    pub fn both(&self) -> OrReason<()> {
        self.some_positive()?;
        if self.totals.1 > 0.0 { Ok(()) } else { Err("no negative sample".to_owned()) }
    }

    /// Nothing, when there are positives.
    ///
    /// # Errors
    /// The reason when there are none.
    pub fn some_positive(&self) -> OrReason<()> {
        let nothing = self.positives.is_empty() && self.negatives.is_empty();
        match self.totals {
            (p, _) if p > 0.0 => Ok(()),
            _ if nothing && self.weighted.is_empty() => Err(NO_LABEL.to_owned()),
            (_, n) if n <= 0.0 && nothing => Err(NO_WEIGHT.to_owned()),
            _ => Err("no positive sample".to_owned()),
        }
    }

    /// The stops, thresholds falling, each distinct score once.
    pub fn stops(&self) -> Stops<'_> {
        Stops {
            positives: &self.positives,
            negatives: &self.negatives,
            weighted: &self.weighted,
            counts: (0, 0),
            weights: (0.0, 0.0),
        }
    }

    /// The share of pairs with the positive above, ties half.
    ///
    /// # Errors
    /// The reason when there is no pair.
    pub fn auc(&self) -> OrReason<f64> {
        self.both()?;
        if self.is_counted() {
            return PairCounts::of_sorted(&self.positives, &self.negatives).auc();
        }
        let (mut area, mut last) = (0.0, (0.0, 0.0));
        for Stop { tp, fp, .. } in self.stops() {
            area += (fp - last.1) * (tp + last.0) / 2.0;
            last = (tp, fp);
        }
        Ok((area / (self.totals.0 * self.totals.1)).clamp(0.0, 1.0))
    }
}

/// See [`Sweep::stops`].
#[derive(Debug, Clone)]
pub struct Stops<'a> {
    positives: &'a [u32],
    negatives: &'a [u32],
    weighted: &'a [(u32, u32, bool)],
    counts: (u64, u64),
    weights: (f64, f64),
}

impl Iterator for Stops<'_> {
    type Item = Stop;

    fn next(&mut self) -> Option<Stop> {
        let heavy = self.weighted.last().map(|&(key, ..)| key);
        let key = self.positives.last().copied().max(self.negatives.last().copied()).max(heavy)?;
        let take = |keys: &mut &[u32]| {
            let mut taken = 0;
            while let Some((_, rest)) = keys.split_last().filter(|(last, _)| **last == key) {
                *keys = rest;
                taken += 1;
            }
            taken
        };
        self.counts.0 += take(&mut self.positives);
        self.counts.1 += take(&mut self.negatives);
        while let Some((&(_, weight, yes), rest)) = self.weighted.split_last().filter(|(last, _)| last.0 == key) {
            self.weighted = rest;
            let weight = f64::from(f32::from_bits(weight));
            if yes { self.weights.0 += weight } else { self.weights.1 += weight }
        }
        let sum = |count: u64, weight: f64| count as f64 + weight;
        let (tp, fp) = (sum(self.counts.0, self.weights.0), sum(self.counts.1, self.weights.1));
        Some(Stop { threshold: score(key), tp, fp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "small sums are exact")]
    fn weights_join_counts() {
        let mut column = Column::default();
        for (score, yes, weight) in
            [(0.9, true, 1.0), (0.5, true, 2.5), (0.5, false, 1.0), (0.1, false, 0.5), (0.1, true, 0.0)]
        {
            column.push(score, yes, weight);
        }
        let sweep = Sweep::new(&column);
        let stops: Vec<_> = sweep.stops().map(|stop| (stop.threshold, stop.tp, stop.fp)).collect();
        assert_eq!(stops, [(0.9, 1.0, 0.0), (0.5, 3.5, 1.0), (0.1, 3.5, 1.5)]);
        // Pairs: 1 * 1.5 above, 2.5 * 1 equal, 2.5 * 0.5 above.
        assert_eq!(sweep.auc().unwrap(), (1.5 + 1.25 + 1.25) / (3.5 * 1.5));
        assert_eq!((sweep.positives(), sweep.negatives()), (3.5, 1.5));
    }

    #[test]
    fn what_is_missing_is_said() {
        let reason = |items: &[(bool, f32)]| {
            let mut column = Column::default();
            items.iter().for_each(|&(yes, weight)| column.push(0.5, yes, weight));
            Sweep::new(&column).both().unwrap_err()
        };
        assert_eq!(reason(&[]), NO_LABEL);
        assert_eq!(reason(&[(true, 0.0), (false, 0.0)]), NO_WEIGHT);
        assert_eq!(reason(&[(true, 1.0), (false, 0.0)]), "no negative sample");
        assert_eq!(reason(&[(false, 1.0)]), "no positive sample");
    }
}
