//! The loader of several sources with tasks of their own.
//!
//! Every batch comes from one source, chosen by a [`TaskSampler`], and carries targets for that source's tasks only; the
//! others are `None`. Each source is shuffled by itself. A source that is drawn more often than it has batches begins
//! again in a new order; one that is drawn less often leaves a random part of itself to other epochs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    BatchIter, Batches, LoaderConfig, PartIter, Shard, TargetIter,
    epoch::{self, Epoch, LoaderPosition, Plan},
};
use crate::{
    error::{Error, Result},
    info::TaskInfo,
    rng::mix,
    sampler::{Draw, TaskSampler, TaskSchedule},
    source::{ForTasks, Source},
};

/// How batches of several sources are mixed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiConfig {
    /// Which source each batch comes from; default proportional.
    pub sampler: TaskSampler,
    /// Batches per epoch; default as many as all sources have together.
    pub steps: Option<u64>,
    /// How the batches of each source are made.
    pub loader: LoaderConfig,
}

/// Batches of several sources, each from one of them.
#[derive(Clone)]
pub struct MultiLoader {
    sources: Vec<Arc<dyn Source>>,
    n_batches: Vec<u64>,
    tasks: Vec<TaskInfo>,
    config: MultiConfig,
}

impl MultiLoader {
    /// A loader whose tasks are those of all sources, in the order in which they first occur.
    ///
    /// # Errors
    /// `InvalidConfig` without a source, for an empty source, for a task that occurs with different labels, or for a
    /// setting outside its range.
    pub fn new(sources: Vec<Arc<dyn Source>>, config: MultiConfig) -> Result<Self> {
        config.loader.validate()?;
        if config.steps == Some(0) {
            return Err(Error::config("loader", "steps", ">= 1", "0"));
        }
        let mut tasks: Vec<TaskInfo> = Vec::new();
        for task in sources.iter().flat_map(|source| &source.info().tasks) {
            if !tasks.iter().any(|t| t.name == task.name) {
                tasks.push(task.clone());
            }
        }
        let n_batches: Vec<u64> =
            sources.iter().map(|source| config.loader.n_batches(source.len())).collect::<Result<_>>()?;
        let spread = |source| -> Result<Arc<dyn Source>> { Ok(Arc::new(ForTasks::spread(source, &tasks)?)) };
        let sources = sources.into_iter().map(spread).collect::<Result<_>>()?;
        let loader = Self { sources, n_batches, tasks, config };
        loader.schedule(0)?;
        Ok(loader)
    }

    /// Batches per epoch.
    #[must_use]
    pub fn n_batches(&self) -> u64 {
        self.config.steps.unwrap_or_else(|| self.n_batches.iter().sum())
    }

    /// All tasks, in target order.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// The sources, each with a target for every task.
    #[must_use]
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// Which source each batch of an epoch comes from.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting of the sampler outside its range.
    pub fn schedule(&self, epoch: u64) -> Result<TaskSchedule> {
        TaskSchedule::new(&self.config.sampler, &self.n_batches, self.n_batches(), self.config.loader.seed, epoch)
    }

    /// The batches of an epoch from its beginning.
    ///
    /// # Errors
    /// As [`MultiLoader::epoch_from`].
    pub fn epoch(&self, epoch: u64) -> Result<Epoch> {
        self.epoch_from(LoaderPosition { epoch, next_batch: 0 })
    }

    /// The batches of an epoch from a position in it: those that an uninterrupted epoch would give from there.
    ///
    /// # Errors
    /// [`Error::Position`](crate::Error::Position) after the end; [`Error::Thread`](crate::Error::Thread).
    pub fn epoch_from(&self, position: LoaderPosition) -> Result<Epoch> {
        let config = &self.config.loader;
        Epoch::start(Arc::new(self.plan(position.epoch)?), position, config.workers, config.prefetch)
    }

    fn plan(&self, epoch: u64) -> Result<MultiPlan> {
        let config = &self.config.loader;
        let draws = self.schedule(epoch)?.draws().to_vec();
        let orders = self.sources.iter().zip(&self.n_batches).enumerate().map(|(idx, (source, &n_batches))| {
            let drawn = draws.iter().filter(|draw| draw.source == idx).count() as u64;
            let order = |pass| {
                // Sources of equal size and passes of one source must not share an order.
                let seed = mix(mix(config.seed ^ mix(idx as u64)) ^ pass);
                config.order.positions(source.len(), seed, epoch)
            };
            (0..drawn.div_ceil(n_batches)).map(order).collect()
        });
        Ok(MultiPlan {
            orders: orders.collect(),
            sources: self.sources.clone(),
            n_batches: self.n_batches.clone(),
            config: config.clone(),
            draws,
        })
    }
}

impl Batches for MultiLoader {
    fn n_batches(&self) -> Option<u64> {
        Some(self.n_batches())
    }
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        Ok(Box::new(self.epoch_from(position)?))
    }
    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        epoch::targets(self.plan(position.epoch)?, position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        epoch::parts(self.plan(position.epoch)?, position, shard, &self.config.loader)
    }
    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        epoch::dealt(self.plan(0)?, shard, &self.config.loader)
    }
}

impl std::fmt::Debug for MultiLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MultiLoader").field("n_batches", &self.n_batches).field("config", &self.config).finish()
    }
}

struct MultiPlan {
    sources: Vec<Arc<dyn Source>>,
    n_batches: Vec<u64>,
    /// Per source and pass over it.
    orders: Vec<Vec<Vec<u64>>>,
    draws: Vec<Draw>,
    config: LoaderConfig,
}

impl Plan for MultiPlan {
    fn n_batches(&self) -> u64 {
        self.draws.len() as u64
    }

    fn place(&self, batch: u64) -> (&dyn Source, &[u64]) {
        let Draw { source, batch } = self.draws[usize::try_from(batch).unwrap_or(usize::MAX)];
        let (pass, batch) = (batch / self.n_batches[source], batch % self.n_batches[source]);
        let order = &self.orders[source][usize::try_from(pass).unwrap_or(usize::MAX)];
        (&*self.sources[source], self.config.slice(order, batch))
    }
}
