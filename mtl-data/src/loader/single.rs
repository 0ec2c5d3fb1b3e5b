//! The loader of a source.

use std::sync::Arc;

use super::{
    BatchIter, Batches, Dealt, LoaderConfig, PartIter, Shard, TargetIter,
    epoch::{self, Epoch, LoaderPosition, Plan},
    mixed::{DrawnPart, MixedParts},
};
use crate::{
    error::Result,
    order::Order,
    sampler::{Counted, Sampled},
    source::Source,
};

/// Batches of a source, each of one of its parts where it has some.
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
    /// Samples that were there before the sampler made some.
    given: u64,
    /// Which rows an epoch has, where there are no parts.
    dealt: Dealt,
    /// Where there are several.
    parts: Option<MixedParts>,
}

impl Loader {
    /// A loader of a source that is not empty, nor one of its parts.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting outside its range, or when no epoch would hold a batch; those of a sampler that does not suit the source.
    pub fn new(source: Arc<dyn Source>, config: LoaderConfig) -> Result<Self> {
        config.validate()?;
        let (given, parts) = (source.len(), source.parts());
        let sampler = config.sampler.as_ref().filter(|_| config.order == Order::Shuffled);
        let grown = sampler.map(|sampler| sampler.part().grown(&source, config.seed)).transpose()?.flatten();
        let source = grown.unwrap_or(source);
        if parts.len() < 2 {
            let dealt = Dealt::new(&config, &*source, 0, source.len())?;
            let n_batches = config.n_batches(dealt.rows())?;
            return Ok(Self { source, config, n_batches, given, dealt, parts: None });
        }
        let dealt = Dealt { len: source.len(), deal: None };
        let parts = MixedParts::new(&*source, parts, &config)?;
        parts.validate(&config)?;
        Ok(Self { n_batches: parts.n_batches(&config), source, config, given, dealt, parts: Some(parts) })
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
        match &self.parts {
            None => self.config.joined(self.dealt.rows()),
            Some(parts) => parts.joined_rest(),
        }
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

    /// How many batches of each part of the source come before a position; none where it has no parts.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting of the mixer.
    pub fn drawn(&self, until: LoaderPosition) -> Result<Vec<DrawnPart>> {
        self.parts.as_ref().map_or_else(|| Ok(Vec::new()), |parts| parts.drawn(&self.config, until))
    }

    /// What a sampler dealt before a position: rows by class of every task, different ones and repeats; `None` without a sampler. It follows
    /// from seed and settings, whether it was dealt here or by another process.
    ///
    /// # Errors
    /// Those of [`Source::targets`].
    pub fn sampled(&self, until: LoaderPosition) -> Result<Option<Sampled>> {
        let Some(sampler) = self.config.sampler.as_ref().filter(|_| self.config.order == Order::Shuffled) else {
            return Ok(None);
        };
        let counted = Counted::of(&*self.source)?;
        let mut epochs = Vec::new();
        for epoch in 0..=until.epoch {
            let batches = if epoch < until.epoch { self.n_batches } else { until.next_batch.min(self.n_batches) };
            if batches > 0 {
                let plan = self.plan(epoch)?;
                let rows: Vec<u64> = (0..batches).flat_map(|batch| plan.place(batch).1.iter().copied()).collect();
                epochs.push(counted.epoch(epoch + 1, &rows));
            }
        }
        let rows = self.source.len();
        let (sampler, made) = (sampler.name().to_owned(), rows - self.given);
        Ok(Some(Sampled { sampler, rows, made, tasks: counted.tasks(self.given), epochs }))
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
        Epoch::start(self.plan(position.epoch)?, position, self.config.workers, self.config.prefetch)
    }

    fn plan(&self, epoch: u64) -> Result<Arc<dyn Plan>> {
        if let Some(parts) = &self.parts {
            return Ok(Arc::new(parts.plan(self.source.clone(), &self.config, epoch)?));
        }
        let config = self.config.clone();
        let order = self.dealt.positions(config.order, config.seed, epoch);
        Ok(Arc::new(SinglePlan { source: self.source.clone(), order, config, n_batches: self.n_batches }))
    }
}

impl Batches for Loader {
    fn n_batches(&self) -> Option<u64> {
        Some(self.n_batches)
    }
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        Ok(Box::new(self.epoch_from(position)?))
    }
    fn per_step(&self) -> u64 {
        self.parts.as_ref().map_or(1, |parts| parts.per_step(&self.config))
    }
    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        epoch::targets(self.plan(position.epoch)?, position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        epoch::parts(self.plan(position.epoch)?, position, shard, &self.config)
    }
    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        epoch::dealt(self.plan(0)?, shard, &self.config)
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.parts.as_ref().map(MixedParts::describe);
        let mut shown = f.debug_struct("Loader");
        shown.field("samples", &self.source.len()).field("config", &self.config).field("parts", &parts).finish()
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
