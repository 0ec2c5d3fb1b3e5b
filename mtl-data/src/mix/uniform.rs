//! Every source with the same probability, however small it is.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, alike};
use crate::{error::Result, rng::Rng};

/// Every source with the same probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Uniform {}

impl MixPart for Uniform {
    fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
        Ok(alike(n))
    }

    /// By whole numbers, without rounding.
    fn choices(&self, n: &[u64], n_batches: u64, _moment: Moment, rng: &mut Rng) -> Result<Vec<usize>> {
        let n = n.len() as u64;
        Ok((0..n_batches).map(|_| usize::try_from(rng.below(n)).unwrap_or(0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn size_does_not_matter() {
        let moment = Moment { epoch: 0, epochs: 1 };
        let choices = |n: &[u64]| Uniform {}.choices(n, 30, moment, &mut Rng::new(0, Stream::Task, 0)).unwrap();
        assert_eq!(choices(&[1, 1000]), choices(&[5, 5]));
        assert!(choices(&[1, 1000]).contains(&0) && choices(&[1, 1000]).contains(&1));
    }
}
