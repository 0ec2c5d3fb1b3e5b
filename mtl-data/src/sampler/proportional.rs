//! Data sets in proportion to their size, without repetition.
//!
//! A step draws one of the batches that are left, whichever data set it belongs to. An epoch thus sees every batch of
//! every data set exactly once, and any part of it is mixed like the whole on average.

use serde::{Deserialize, Serialize};

use super::ChooseTask;
use crate::{error::Result, rng::Rng};

/// Every batch of every data set once per epoch, interleaved at random; longer epochs begin again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proportional {}

impl ChooseTask for Proportional {
    fn choices(&self, n_batches: &[u64], n_steps: u64, rng: &mut Rng) -> Result<Vec<usize>> {
        let one_pass = n_batches.iter().enumerate().flat_map(|(source, &n)| (0..n).map(move |_| source));
        let one_pass: Vec<usize> = one_pass.collect();
        let n_steps = usize::try_from(n_steps).unwrap_or(usize::MAX);
        let mut choices = Vec::with_capacity(n_steps);
        while choices.len() < n_steps && !one_pass.is_empty() {
            let mut pass = one_pass.clone();
            rng.shuffle(&mut pass);
            pass.truncate(n_steps - choices.len());
            choices.extend(pass);
        }
        Ok(choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn an_epoch_sees_every_batch_once() {
        let count = |n_steps| {
            let choices = Proportional {}.choices(&[3, 7], n_steps, &mut Rng::new(0, Stream::Task, 0)).unwrap();
            (choices.iter().filter(|&&c| c == 0).count(), choices.len())
        };
        assert_eq!(count(10), (3, 10));
        assert_eq!(count(20), (6, 20));
        assert_eq!(count(13).1, 13);
    }
}
