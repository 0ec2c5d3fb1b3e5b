//! Sources in proportion to their size, without repetition.
//!
//! ```text
//! p_i = min(n_i, K) / sum_j min(n_j, K)          n_i: batches of source i, K: the limit
//! ```
//! A step draws one of the batches that are left, whichever source it belongs to. An epoch thus sees every batch of every source exactly
//! once (of one beyond the limit a random part), and any part of it is mixed like the whole on average.
//!
//! **Reference** Raffel et al. 2020, "examples-proportional mixing". **Differs from** them: without replacement; the limit is in batches,
//! and an epoch is as long as what the limit leaves.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, check_limit, proportional_to};
use crate::{error::Result, rng::Rng};

/// Every batch of every source once per epoch, interleaved at random; longer epochs begin again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proportional {
    /// Batches beyond which a source is no larger, `K`, >= 1: keeps a huge source from drowning the others; default none.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Proportional {
    fn counted<'n>(&self, n: &'n [u64]) -> impl Iterator<Item = u64> + 'n {
        let limit = self.limit.unwrap_or(u64::MAX);
        n.iter().map(move |&n| n.min(limit))
    }
}

impl MixPart for Proportional {
    fn validate(&self) -> Result<()> {
        check_limit(self.limit)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of batches are far below 2^52")]
    fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
        self.validate()?;
        Ok(proportional_to(self.counted(n).map(|n| n as f64)))
    }

    fn choices(&self, n: &[u64], n_batches: u64, _moment: Moment, rng: &mut Rng) -> Result<Vec<usize>> {
        self.validate()?;
        let one_pass = self.counted(n).enumerate().flat_map(|(source, n)| (0..n).map(move |_| source));
        let one_pass: Vec<usize> = one_pass.collect();
        let n_batches = usize::try_from(n_batches).unwrap_or(usize::MAX);
        let mut choices = Vec::with_capacity(n_batches);
        while choices.len() < n_batches && !one_pass.is_empty() {
            let mut pass = one_pass.clone();
            rng.shuffle(&mut pass);
            pass.truncate(n_batches - choices.len());
            choices.extend(pass);
        }
        Ok(choices)
    }

    fn batches(&self, n: &[u64]) -> u64 {
        self.counted(n).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn an_epoch_sees_every_batch_once() {
        let count = |limit, n_batches| {
            let (moment, mut rng) = (Moment { epoch: 0, epochs: 1 }, Rng::new(0, Stream::Task, 0));
            let choices = Proportional { limit }.choices(&[3, 7], n_batches, moment, &mut rng).unwrap();
            (choices.iter().filter(|&&c| c == 0).count(), choices.len())
        };
        assert_eq!(count(None, 10), (3, 10));
        assert_eq!(count(None, 20), (6, 20));
        assert_eq!(count(None, 13).1, 13);
        assert_eq!(Proportional { limit: Some(4) }.batches(&[3, 7]), 7);
        assert_eq!(count(Some(4), 7), (3, 7));
    }
}
