//! The loader of one source.

use std::sync::Arc;

use super::{
    BatchIter, Batches, LoaderConfig, PartIter, Shard, TargetIter,
    epoch::{self, Epoch, LoaderPosition, Plan},
};
use crate::{error::Result, source::Source};

/// Batches of one source.
///
/// # Examples
/// ```
/// use mtl_data::{Loader, LoaderConfig, datasets::{DatasetConfig, SyntheticMmoe}};
///
/// let data = DatasetConfig::SyntheticMmoe(SyntheticMmoe { train: 100, ..SyntheticMmoe::default() }).load()?;
/// let loader = Loader::new(data.train, LoaderConfig { batch_size: 40, ..LoaderConfig::default() })?;
/// let mut epoch = loader.epoch(0)?;
/// assert_eq!(epoch.next().transpose()?.map(|batch| batch.len()), Some(40));
/// let saved = epoch.position();
/// let rest: Vec<_> = epoch.map(|batch| batch.map(|b| b.ids)).collect::<mtl_data::Result<_>>()?;
/// let again: Vec<_> = loader.epoch_from(saved)?.map(|batch| batch.map(|b| b.ids)).collect::<mtl_data::Result<_>>()?;
/// assert_eq!(rest, again);
/// # Ok::<(), mtl_data::Error>(())
/// ```
#[derive(Clone)]
pub struct Loader {
    source: Arc<dyn Source>,
    config: LoaderConfig,
    n_batches: u64,
}

impl Loader {
    /// A loader of a source that is not empty.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting outside its range, or when no epoch would hold a batch.
    pub fn new(source: Arc<dyn Source>, config: LoaderConfig) -> Result<Self> {
        config.validate()?;
        let n_batches = config.n_batches(source.len())?;
        Ok(Self { source, config, n_batches })
    }

    /// Batches per epoch: at least one.
    #[must_use]
    pub fn n_batches(&self) -> u64 {
        self.n_batches
    }

    /// How many samples the last batch of an epoch has because a rest too small for a batch was joined to it; `None` when there is
    /// no such rest.
    #[must_use]
    pub fn joined_rest(&self) -> Option<u64> {
        self.config.joined(self.source.len())
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &LoaderConfig {
        &self.config
    }

    /// The batches of an epoch from its beginning.
    ///
    /// # Errors
    /// [`Error::Thread`](crate::Error::Thread) when a worker cannot be started.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch> {
        self.epoch_from(LoaderPosition { epoch, next_batch: 0 })
    }

    /// The batches of an epoch from a position in it: those that an uninterrupted epoch would give from there.
    ///
    /// # Errors
    /// [`Error::Position`](crate::Error::Position) after the end; [`Error::Thread`](crate::Error::Thread).
    pub fn epoch_from(&self, position: LoaderPosition) -> Result<Epoch> {
        Epoch::start(Arc::new(self.plan(position.epoch)), position, self.config.workers, self.config.prefetch)
    }

    fn plan(&self, epoch: u64) -> SinglePlan {
        let config = self.config.clone();
        let order = config.order.positions(self.source.len(), config.seed, epoch);
        SinglePlan { source: self.source.clone(), order, config, n_batches: self.n_batches }
    }
}

impl Batches for Loader {
    fn n_batches(&self) -> Option<u64> {
        Some(self.n_batches)
    }
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        Ok(Box::new(self.epoch_from(position)?))
    }
    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        epoch::targets(self.plan(position.epoch), position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        epoch::parts(self.plan(position.epoch), position, shard, &self.config)
    }
    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        epoch::dealt(self.plan(0), shard, &self.config)
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("samples", &self.source.len()).field("config", &self.config).finish()
    }
}

struct SinglePlan {
    source: Arc<dyn Source>,
    order: Vec<u64>,
    config: LoaderConfig,
    n_batches: u64,
}

impl Plan for SinglePlan {
    fn n_batches(&self) -> u64 {
        self.n_batches
    }

    fn place(&self, batch: u64) -> (&dyn Source, &[u64]) {
        (&*self.source, self.config.slice(&self.order, batch))
    }
}
