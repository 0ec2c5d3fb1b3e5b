//! Random draws that do not depend on the number of threads.
//!
//! Draw `i` has a stream of its own, made of seed, purpose and `i` ([`derive`]), so threads may take draws in any order;
//! outcomes come back in the order of `i`.

use mtl_core::{
    Result,
    rng::{Rng, derive},
};
use serde::{Deserialize, Serialize};

use crate::{chunks::map_chunks, refusal::refuse};

/// Draws that share a scratch.
const TOGETHER: usize = 32;
/// More would not fit the memory of a common machine.
const MOST: usize = 10_000_000;

/// How many random draws are made, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draws {
    /// Draws, 1 to 10 million; 10 000 unless set. The smallest p-value that can be found is `1 / (n + 1)`.
    pub n: usize,
    /// Equal seeds give equal draws; 0 unless set.
    pub seed: u64,
}

impl Default for Draws {
    fn default() -> Self {
        Self { n: 10_000, seed: 0 }
    }
}

impl Draws {
    /// What `each` finds in every draw, in order; `scratch` is made once for some of them.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a number of draws that is out of range.
    pub(super) fn outcomes<S, T: Send>(
        self,
        what: &'static str,
        scratch: impl Fn() -> S + Sync,
        each: impl Fn(&mut S, &mut Rng) -> T + Sync,
    ) -> Result<Vec<T>> {
        if !(1..=MOST).contains(&self.n) {
            return Err(refuse(what, "draws", format!("in 1..={MOST}"), self.n.to_string()));
        }
        let stream = |draw: usize| Rng::new(derive(self.seed, what, draw as u64));
        let some = map_chunks(self.n, TOGETHER, |draws| {
            let mut scratch = scratch();
            draws.map(|draw| each(&mut scratch, &mut stream(draw))).collect::<Vec<T>>()
        });
        Ok(some.into_iter().flatten().collect())
    }

    /// `(hits + 1) / (n + 1)`: the real outcome is one of those that chance allows.
    pub(super) fn p_value(self, hits: usize) -> f64 {
        (hits as f64 + 1.0) / (self.n as f64 + 1.0)
    }
}

/// Fair coins, 64 from each number of a stream.
#[derive(Debug)]
pub(super) struct Coins<'a> {
    rng: &'a mut Rng,
    bits: u64,
    left: u32,
}

impl<'a> Coins<'a> {
    pub(super) fn new(rng: &'a mut Rng) -> Self {
        Self { rng, bits: 0, left: 0 }
    }

    /// Heads or tails.
    pub(super) fn toss(&mut self) -> bool {
        if self.left == 0 {
            (self.bits, self.left) = (self.rng.next_u64(), 64);
        }
        let heads = self.bits & 1 == 1;
        self.bits >>= 1;
        self.left -= 1;
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_in_order_and_a_matter_of_the_seed() {
        let first = |draws: Draws| draws.outcomes("test", || (), |(), rng| rng.next_u64()).unwrap();
        let found = first(Draws { n: 100, seed: 7 });
        assert_eq!(found[41], Rng::new(derive(7, "test", 41)).next_u64());
        assert_eq!(found[..50], first(Draws { n: 50, seed: 7 }));
        assert_ne!(found[0], first(Draws { n: 1, seed: 8 })[0]);
        let ps: Vec<f64> = [0, 24, 99].map(|hits| Draws { n: 99, seed: 0 }.p_value(hits)).into();
        assert_eq!(ps, [0.01, 0.25, 1.0]);
        let e = Draws { n: 0, seed: 0 }.outcomes("test", || (), |(), _| ()).unwrap_err().to_string();
        assert_eq!(e, "test: draws must be in 1..=10000000, found 0");
    }

    #[test]
    fn coins_are_fair() {
        let (mut rng, mut again) = (Rng::new(3), Rng::new(3));
        let mut coins = Coins::new(&mut rng);
        let tosses: Vec<bool> = (0..64_000).map(|_| coins.toss()).collect();
        let heads = tosses.iter().filter(|heads| **heads).count();
        assert!(heads.abs_diff(32_000) < 4 * 127, "{heads}");
        assert_eq!(tosses[..64].iter().filter(|heads| **heads).count(), again.next_u64().count_ones() as usize);
    }
}
