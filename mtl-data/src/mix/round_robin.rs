//! One source after the other.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, alike};
use crate::{error::Result, rng::Rng};

/// The first source, the second, .., the last, the first again; nothing is random.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoundRobin {}

/// The sources in turn.
pub(super) fn in_turn(n: &[u64], n_batches: u64) -> Vec<usize> {
    (0..n.len()).cycle().take(usize::try_from(n_batches).unwrap_or(usize::MAX)).collect()
}

impl MixPart for RoundRobin {
    fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
        Ok(alike(n))
    }

    fn choices(&self, n: &[u64], n_batches: u64, _moment: Moment, _rng: &mut Rng) -> Result<Vec<usize>> {
        Ok(in_turn(n, n_batches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn one_after_the_other() {
        let (moment, mut rng) = (Moment { epoch: 0, epochs: 1 }, Rng::new(0, Stream::Task, 0));
        let choices = RoundRobin {}.choices(&[9, 1, 5], 7, moment, &mut rng).unwrap();
        assert_eq!(choices, [0, 1, 2, 0, 1, 2, 0]);
    }
}
