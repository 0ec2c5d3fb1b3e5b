//! Loaders: a source and an order to batches, built ahead of the trainer.
//!
//! A [`Loader`] walks one source; where that has parts ([`Source::parts`], such as data sets with tasks of their own)
//! every batch is of one of them, and a [`Mix`](crate::mix::Mix) says of which. It gives an [`Epoch`], an
//! iterator of batches. A [`Sampler`] says which rows an epoch has, and how often each; without one each comes once. What batch `i` of epoch `e` holds is a function of the configuration alone: the number of
//! workers changes when it is built, never what is in it or when it comes. What anybody's own has to do is [`Batches`].

mod batches;
mod epoch;
mod mixed;
mod shard;
mod single;

pub use batches::{BatchIter, Batches, PartIter, TargetIter};
pub use epoch::{Epoch, LoaderPosition};
pub use mixed::{DrawnPart, MixedPart, Mixing};
pub use shard::{Part, Shard};
pub use single::Loader;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    order::Order,
    rng::{Rng, Stream},
    sampler::{Deal, Rows, Sampler},
    source::Source,
};

/// How batches are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoaderConfig {
    /// Samples per batch; >= 1, default 1024.
    pub batch_size: usize,
    /// The order of samples; default shuffled.
    pub order: Order,
    /// Whether a last batch that is not full is left out; default false.
    pub drop_last: bool,
    /// A last batch of fewer samples than this is joined to the batch before it: networks that normalize over the batch cannot
    /// train on a single sample. In [1, batch_size], default 1: every rest is a batch of its own.
    pub least: usize,
    /// What shuffled orders depend on, together with the epoch; default 0.
    pub seed: u64,
    /// Threads that build batches; 0 builds each when it is asked for, in the asking thread. Default 1.
    pub workers: usize,
    /// How many batches may be ready or under construction ahead of the trainer; >= 1, default 4. Workers beyond this
    /// number would idle.
    pub prefetch: usize,
    /// How the parts of the source are mixed, if it has some.
    pub mixing: Mixing,
    /// Which rows an epoch has, and how often each; default each once. Nothing where the order is sequential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            batch_size: 1024,
            order: Order::Shuffled,
            drop_last: false,
            least: 1,
            seed: 0,
            workers: 1,
            prefetch: 4,
            mixing: Mixing::default(),
            sampler: None,
        }
    }
}

/// Which rows an epoch of a source, or of one of its parts, has.
#[derive(Debug, Clone)]
struct Dealt {
    /// Rows that there are.
    len: u64,
    /// How they are dealt, where not each comes once.
    deal: Option<Arc<dyn Deal>>,
}

impl Dealt {
    /// As the sampler says, if there is one: looks at the labels.
    ///
    /// # Errors
    /// As [`SamplerPart::plan`](crate::sampler::SamplerPart::plan).
    fn new(config: &LoaderConfig, source: &dyn Source, start: u64, len: u64) -> Result<Self> {
        let deal = match (&config.sampler, config.order) {
            (Some(sampler), Order::Shuffled) => {
                sampler.part().validate()?;
                sampler.part().plan(&Rows::new(source, start, len, config.batch_size))?.map(Arc::from)
            }
            (_, Order::Sequential) | (None, Order::Shuffled) => None,
        };
        Ok(Self { len, deal })
    }

    /// Rows of an epoch.
    fn rows(&self) -> u64 {
        self.deal.as_ref().map_or(self.len, |deal| deal.len())
    }

    /// The rows of an epoch, in order.
    fn positions(&self, order: Order, seed: u64, epoch: u64) -> Vec<u64> {
        match &self.deal {
            Some(deal) => deal.rows(&mut Rng::new(seed, Stream::Sampler, epoch)),
            None => order.positions(self.len, seed, epoch),
        }
    }
}

impl LoaderConfig {
    fn validate(&self) -> Result<()> {
        for (field, value) in [("batch_size", self.batch_size), ("prefetch", self.prefetch)] {
            if value == 0 {
                return Err(Error::config("loader", field, ">= 1", "0"));
            }
        }
        if self.least > self.batch_size {
            let expected = format!(">= {}, as the network cannot train on fewer samples at once", self.least);
            return Err(Error::config("loader", "batch_size", expected, self.batch_size.to_string()));
        }
        Ok(())
    }

    /// The number of batches of `n` samples.
    ///
    /// # Errors
    /// `InvalidConfig` when there is none.
    fn n_batches(&self, n: u64) -> Result<u64> {
        let size = self.batch_size as u64;
        let full = n / size;
        let rest_counts = !self.drop_last && n % size >= self.least.max(1) as u64;
        match full + u64::from(rest_counts) {
            0 if n == 0 => Err(Error::config("loader", "source", "at least one sample", "none")),
            0 if !self.drop_last => {
                let expected = format!("at least {} samples, as the network cannot train on fewer at once", self.least);
                Err(Error::config("loader", "source", expected, n.to_string()))
            }
            0 => Err(Error::config(
                "loader",
                "batch_size",
                format!("at most the number of samples, {n}, when the last batch is dropped"),
                size.to_string(),
            )),
            batches => Ok(batches),
        }
    }

    /// The part of an order that makes up a batch.
    fn slice<'a>(&self, order: &'a [u64], batch: u64) -> &'a [u64] {
        let start = usize::try_from(batch).unwrap_or(usize::MAX).saturating_mul(self.batch_size).min(order.len());
        let end = start.saturating_add(self.batch_size).min(order.len());
        let joins_rest = !self.drop_last && start < end && order.len() - end < self.least;
        &order[start..if joins_rest { order.len() } else { end }]
    }

    /// How many samples the last batch of `n` samples has when a rest is joined to it; `None` when none is.
    fn joined(&self, n: u64) -> Option<u64> {
        let (size, rest) = (self.batch_size as u64, n % self.batch_size as u64);
        (!self.drop_last && rest > 0 && rest < self.least as u64).then_some(size + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_counted_and_cut() {
        let config = LoaderConfig { batch_size: 4, ..LoaderConfig::default() };
        assert_eq!(config.n_batches(10).unwrap(), 3);
        let order: Vec<u64> = (0..10).collect();
        assert_eq!((config.slice(&order, 0), config.slice(&order, 2)), ([0, 1, 2, 3].as_slice(), [8, 9].as_slice()));
        assert!(config.slice(&order, 3).is_empty());
        let dropping = LoaderConfig { drop_last: true, ..config };
        assert_eq!(dropping.n_batches(10).unwrap(), 2);
        assert!(dropping.n_batches(3).unwrap_err().to_string().contains("at most the number of samples, 3"));
        assert!(dropping.n_batches(0).unwrap_err().to_string().contains("at least one sample"));
    }

    #[test]
    fn a_rest_that_is_too_small_is_joined_to_the_batch_before() {
        let config = LoaderConfig { batch_size: 4, least: 2, ..LoaderConfig::default() };
        let sizes = |config: &LoaderConfig, n: u64| -> Vec<usize> {
            let order: Vec<u64> = (0..n).collect();
            (0..config.n_batches(n).unwrap()).map(|batch| config.slice(&order, batch).len()).collect()
        };
        assert_eq!(sizes(&config, 9), [4, 5]);
        assert_eq!(config.joined(9), Some(5));
        assert_eq!((sizes(&config, 10), config.joined(10)), (vec![4, 4, 2], None));
        assert_eq!((sizes(&config, 8), sizes(&config, 5), sizes(&config, 3)), (vec![4, 4], vec![5], vec![3]));
        let order: Vec<u64> = (0..9).collect();
        assert_eq!(config.slice(&order, 1), [4, 5, 6, 7, 8]);
        let dropping = LoaderConfig { drop_last: true, ..config.clone() };
        assert_eq!((sizes(&dropping, 9), dropping.joined(9)), (vec![4, 4], None));
        assert!(config.n_batches(1).unwrap_err().to_string().contains("at least 2 samples"));
        let plain = LoaderConfig { least: 1, ..config.clone() };
        assert_eq!(sizes(&plain, 9), [4, 4, 1]);
        let one = LoaderConfig { batch_size: 1, ..config };
        assert!(one.validate().unwrap_err().to_string().starts_with("loader: batch_size must be >= 2, as the network"));
    }

    #[test]
    fn settings_are_checked() {
        let refusal = |config: LoaderConfig| config.validate().unwrap_err().to_string();
        let zero = LoaderConfig { batch_size: 0, ..LoaderConfig::default() };
        assert_eq!(refusal(zero), "loader: batch_size must be >= 1, found 0");
        let zero = LoaderConfig { prefetch: 0, ..LoaderConfig::default() };
        assert_eq!(refusal(zero), "loader: prefetch must be >= 1, found 0");
        assert!(toml::from_str::<LoaderConfig>("batchsize = 3").is_err());
    }
}
