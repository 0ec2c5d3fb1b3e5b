//! Every data set with the same probability, however small it is.

use serde::{Deserialize, Serialize};

use super::ChooseTask;
use crate::{error::Result, rng::Rng};

/// Every data set with the same probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Uniform {}

impl ChooseTask for Uniform {
    fn choices(&self, n_batches: &[u64], n_steps: u64, rng: &mut Rng) -> Result<Vec<usize>> {
        let n = n_batches.len() as u64;
        Ok((0..n_steps).map(|_| usize::try_from(rng.below(n)).unwrap_or(0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn size_does_not_matter() {
        let choices = |n_batches: &[u64]| Uniform {}.choices(n_batches, 30, &mut Rng::new(0, Stream::Task, 0)).unwrap();
        assert_eq!(choices(&[1, 1000]), choices(&[5, 5]));
        assert!(choices(&[1, 1000]).contains(&0) && choices(&[1, 1000]).contains(&1));
    }
}
