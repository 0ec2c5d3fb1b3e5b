//! The state of rank correlations: every known pair of prediction and target, 8 bytes each.
//!
//! A pair is two order-preserving keys ([`crate::ranks::key`]) in one `u64`, the prediction's above the target's, so that
//! sorting the numbers sorts pairs. A state is a multiset: it compares, and is saved, in sorted order, as differences.

use serde::{Deserialize, Serialize};

use crate::{
    mean::Pair,
    metric::MetricState,
    ranks::key,
    samples::in_order,
    value::{NO_LABEL, OrReason},
};

/// Known pairs, in any order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pairs(#[serde(with = "sorted_differences")] Vec<u64>);

/// Half a key pair: what one side of it may be.
const HALF: u64 = 0xffff_ffff;

impl Pairs {
    /// Adds a pair, whose numbers are `f32` widened.
    pub fn add(&mut self, pair: &Pair) {
        #[expect(clippy::cast_possible_truncation, reason = "these were f32 before")]
        let keys = [pair.said as f32, pair.truth as f32].map(|x| u64::from(key(x)));
        self.0.push(keys[0] << 32 | keys[1]);
    }

    /// Pairs.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.0.len() as u64
    }

    /// The keys `(prediction, target)`, sorted.
    ///
    /// # Errors
    /// The reason when there are fewer than two.
    pub fn sorted(&self) -> OrReason<Vec<(u32, u32)>> {
        match self.0.len() {
            0 => Err(NO_LABEL.to_owned()),
            1 => Err("a single pair has no order".to_owned()),
            #[expect(clippy::cast_possible_truncation, reason = "both halves have 32 bits")]
            _ => Ok(in_order(&self.0).into_iter().map(|pair| ((pair >> 32) as u32, (pair & HALF) as u32)).collect()),
        }
    }
}

impl PartialEq for Pairs {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && in_order(&self.0) == in_order(&other.0)
    }
}

impl MetricState for Pairs {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.0.extend_from_slice(&other.0);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let numbers = u64::from(key(f32::MIN))..=u64::from(key(f32::MAX));
        // The key of -0.0, which is folded into 0.0.
        let finite = |key: u64| numbers.contains(&key) && key != u64::from(!(1_u32 << 31));
        let all = self.0.iter().all(|&pair| finite(pair >> 32) && finite(pair & HALF));
        if all { Ok(()) } else { Err("a pair is not of numbers".to_owned()) }
    }
}

/// Pairs as the differences of their sorted list.
mod sorted_differences {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(pairs: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        let mut last = 0;
        serializer.collect_seq(super::in_order(pairs).into_iter().map(|pair| pair - std::mem::replace(&mut last, pair)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let mut pairs = Vec::<u64>::deserialize(deserializer)?;
        let mut last = 0_u64;
        for pair in &mut pairs {
            last = last.checked_add(*pair).ok_or_else(|| D::Error::custom("a pair is out of range"))?;
            *pair = last;
        }
        Ok(pairs)
    }
}
