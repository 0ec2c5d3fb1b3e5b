//! Matching n-grams of all orders at once, exactly.
//!
//! An n-gram is its first n - 1 tokens and its last one. So the n-grams of one order are numbered through a table whose
//! keys are pairs: the number of the (n-1)-gram that starts at the same place, and the token that follows.
//!
//! ```text
//! id_n(i) = number of (id_{n-1}(i), token(i + n - 1)),   id_1(i) = number of token(i)
//! ```
//!
//! Two 32-bit numbers make one 64-bit key, so keys are the n-grams themselves and not hashes of them: counts have no
//! collisions, whatever the order. Only n-grams of references are numbered. A place in the hypothesis where no reference
//! n-gram starts is dropped for all higher orders, which leaves little to do beyond order 2. Work: one table look-up
//! per order and token.

/// Marks a place where no n-gram of a reference starts.
const NONE: u32 = u32::MAX;

/// N-grams of one order: how many the hypothesis has, how many the references, how many they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OrderCounts {
    pub(crate) hypothesis: u64,
    /// Those of all references together.
    pub(crate) reference: u64,
    /// Each n-gram counts at most as often as in the reference that has it most often.
    pub(crate) matches: u64,
}

/// Counts n-grams; keeps its room from text to text.
#[derive(Debug, Default)]
pub(crate) struct NgramMatcher {
    table: PairTable,
    /// By place: the number of the n-gram that starts there, per text.
    hypothesis: Vec<u32>,
    references: Vec<Vec<u32>>,
    /// By n-gram: how often it may match, and how often the present reference has it.
    most: Vec<u32>,
    present: Vec<u32>,
}

impl NgramMatcher {
    /// Counts the n-grams of orders `1..=out.len()`.
    pub(crate) fn count(&mut self, hypothesis: &[u32], references: &[&[u32]], out: &mut [OrderCounts]) {
        self.references.resize_with(references.len().max(self.references.len()), Vec::new);
        for (ids, tokens) in self.references.iter_mut().zip(references) {
            ids.clear();
            ids.extend_from_slice(tokens);
        }
        self.hypothesis.clear();
        self.hypothesis.extend_from_slice(hypothesis);
        for (before, counts) in out.iter_mut().enumerate() {
            *counts = self.order(before, hypothesis, references);
        }
    }

    /// Counts n-grams of order `before + 1`, given the numbers of those of order `before`.
    fn order(&mut self, before: usize, hypothesis: &[u32], references: &[&[u32]]) -> OrderCounts {
        let n_grams = |len: usize| len.saturating_sub(before) as u64;
        let mut counts = OrderCounts { hypothesis: n_grams(hypothesis.len()), ..OrderCounts::default() };
        self.table.clear(references.iter().map(|tokens| tokens.len()).sum());
        self.most.clear();
        for (ids, tokens) in self.references.iter_mut().zip(references) {
            counts.reference += n_grams(tokens.len());
            self.present.clear();
            self.present.resize(self.most.len(), 0);
            let last = tokens.get(before..).unwrap_or_default();
            for (id, &token) in ids.iter_mut().zip(last) {
                *id = self.table.number(key(*id, token, before));
                let place = *id as usize;
                if place >= self.present.len() {
                    self.present.resize(place + 1, 0);
                    self.most.resize(place + 1, 0);
                }
                self.present[place] += 1;
                self.most[place] = self.most[place].max(self.present[place]);
            }
        }
        let last = hypothesis.get(before..).unwrap_or_default();
        for (id, &token) in self.hypothesis.iter_mut().zip(last) {
            if *id == NONE {
                continue;
            }
            *id = self.table.find(key(*id, token, before)).unwrap_or(NONE);
            if let Some(left) = self.most.get_mut(*id as usize).filter(|left| **left > 0) {
                *left -= 1;
                counts.matches += 1;
            }
        }
        counts
    }
}

fn key(prefix: u32, token: u32, before: usize) -> u64 {
    // Of order 1 there is no prefix, and the ids still are the tokens.
    if before == 0 { u64::from(token) } else { u64::from(prefix) << 32 | u64::from(token) }
}

/// Numbers 64-bit keys from 0; clearing costs nothing.
#[derive(Debug, Default)]
struct PairTable {
    /// Key, the clearing it belongs to, number. A power of two in length, at most half full.
    slots: Vec<(u64, u32, u32)>,
    clearing: u32,
    len: u32,
}

impl PairTable {
    /// Forgets all keys; there will be at most `n` new ones.
    fn clear(&mut self, n: usize) {
        self.len = 0;
        let needed = (2 * n).next_power_of_two().max(64);
        if self.slots.len() < needed || self.clearing == u32::MAX {
            self.slots.clear();
            self.slots.resize(needed, (0, 0, 0));
            self.clearing = 0;
        }
        self.clearing += 1;
    }

    fn place(&self, key: u64) -> usize {
        let hash = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
        let mut at = hash & (self.slots.len() - 1);
        while self.slots[at].1 == self.clearing && self.slots[at].0 != key {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn number(&mut self, key: u64) -> u32 {
        let at = self.place(key);
        let slot = &mut self.slots[at];
        if slot.1 != self.clearing {
            *slot = (key, self.clearing, self.len);
            self.len += 1;
        }
        slot.2
    }

    fn find(&self, key: u64) -> Option<u32> {
        let slot = self.slots[self.place(key)];
        (slot.1 == self.clearing).then_some(slot.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn plain(hypothesis: &[u32], references: &[&[u32]], n: usize) -> OrderCounts {
        let count = |tokens: &[u32]| {
            let mut grams = BTreeMap::<Vec<u32>, u64>::new();
            tokens.windows(n).for_each(|gram| *grams.entry(gram.to_vec()).or_default() += 1);
            grams
        };
        let references: Vec<_> = references.iter().map(|tokens| count(tokens)).collect();
        let hypothesis = count(hypothesis);
        let most = |gram| references.iter().filter_map(|grams| grams.get(gram)).max().copied().unwrap_or(0);
        OrderCounts {
            hypothesis: hypothesis.values().sum(),
            reference: references.iter().flat_map(BTreeMap::values).sum(),
            matches: hypothesis.iter().map(|(gram, &n)| n.min(most(gram))).sum(),
        }
    }

    proptest! {
        #[test]
        fn the_same_as_counting_in_a_map(
            texts in prop::collection::vec(
                (prop::collection::vec(0_u32..4, 0..30), prop::collection::vec(prop::collection::vec(0_u32..5, 0..30), 1..4)),
                1..5,
            ),
        ) {
            let mut matcher = NgramMatcher::default();
            for (hypothesis, references) in &texts {
                let references: Vec<&[u32]> = references.iter().map(Vec::as_slice).collect();
                let mut counts = [OrderCounts::default(); 6];
                matcher.count(hypothesis, &references, &mut counts);
                for (idx, found) in counts.iter().enumerate() {
                    prop_assert_eq!(*found, plain(hypothesis, &references, idx + 1), "order {}", idx + 1);
                }
            }
        }
    }
}
