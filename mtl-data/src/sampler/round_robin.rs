//! One data set after the other.

use serde::{Deserialize, Serialize};

use super::ChooseTask;
use crate::{error::Result, rng::Rng};

/// The first data set, the second, .., the last, the first again; nothing is random.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoundRobin {}

impl ChooseTask for RoundRobin {
    fn choices(&self, n_batches: &[u64], n_steps: u64, _rng: &mut Rng) -> Result<Vec<usize>> {
        let n_steps = usize::try_from(n_steps).unwrap_or(usize::MAX);
        Ok((0..n_batches.len()).cycle().take(n_steps).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn in_turn() {
        let choices = RoundRobin {}.choices(&[9, 1, 5], 7, &mut Rng::new(0, Stream::Task, 0)).unwrap();
        assert_eq!(choices, [0, 1, 2, 0, 1, 2, 0]);
    }
}
