//! Loaders: a source and an order to batches, built ahead of the trainer.
//!
//! A [`Loader`] walks one source, a [`MultiLoader`] several that have tasks of their own. Both give an [`Epoch`], an
//! iterator of batches. What batch `i` of epoch `e` holds is a function of the configuration alone: the number of
//! workers changes when it is built, never what is in it or when it comes.

mod epoch;
mod multi;
mod single;

pub use epoch::{Epoch, LoaderPosition};
pub use multi::{MultiConfig, MultiLoader};
pub use single::Loader;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    sampler::Order,
};

/// What a trainer walks: one source, or several with tasks of their own.
pub trait Batches {
    /// Batches per epoch.
    fn n_batches(&self) -> u64;

    /// The rest of an epoch from a position on.
    ///
    /// # Errors
    /// As the loader's own function of that name.
    fn epoch_from(&self, position: LoaderPosition) -> Result<Epoch>;
}

impl Batches for Loader {
    fn n_batches(&self) -> u64 {
        self.n_batches()
    }
    fn epoch_from(&self, position: LoaderPosition) -> Result<Epoch> {
        self.epoch_from(position)
    }
}

impl Batches for MultiLoader {
    fn n_batches(&self) -> u64 {
        self.n_batches()
    }
    fn epoch_from(&self, position: LoaderPosition) -> Result<Epoch> {
        self.epoch_from(position)
    }
}

/// How batches are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoaderConfig {
    /// Samples per batch; >= 1, default 1024.
    pub batch_size: usize,
    /// The order of samples; default shuffled.
    pub order: Order,
    /// Whether a last batch that is not full is left out; default false.
    pub drop_last: bool,
    /// What shuffled orders depend on, together with the epoch; default 0.
    pub seed: u64,
    /// Threads that build batches; 0 builds each when it is asked for, in the asking thread. Default 1.
    pub workers: usize,
    /// How many batches may be ready or under construction ahead of the trainer; >= 1, default 4. Workers beyond this
    /// number would idle.
    pub prefetch: usize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self { batch_size: 1024, order: Order::Shuffled, drop_last: false, seed: 0, workers: 1, prefetch: 4 }
    }
}

impl LoaderConfig {
    fn validate(&self) -> Result<()> {
        for (field, value) in [("batch_size", self.batch_size), ("prefetch", self.prefetch)] {
            if value == 0 {
                return Err(Error::config("loader", field, ">= 1", "0"));
            }
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
        match if self.drop_last { full } else { n.div_ceil(size) } {
            0 if n == 0 => Err(Error::config("loader", "source", "at least one sample", "none")),
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
        &order[start..(start + self.batch_size).min(order.len())]
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
    fn settings_are_checked() {
        let refusal = |config: LoaderConfig| config.validate().unwrap_err().to_string();
        let zero = LoaderConfig { batch_size: 0, ..LoaderConfig::default() };
        assert_eq!(refusal(zero), "loader: batch_size must be >= 1, found 0");
        let zero = LoaderConfig { prefetch: 0, ..LoaderConfig::default() };
        assert_eq!(refusal(zero), "loader: prefetch must be >= 1, found 0");
        assert!(toml::from_str::<LoaderConfig>("batchsize = 3").is_err());
    }
}
