//! Batches of a source of several parts: each from one of them, mixed by a [`Mix`].
//!
//! Every part is shuffled by itself and cut into batches of its own size. A part that is drawn more often than it has batches begins again
//! in a new order; one that is drawn less often leaves a random part of itself to other epochs. In order (evaluation) all batches of the
//! first part come first, then those of the second, and so on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Dealt, LoaderConfig, LoaderPosition, epoch::Plan};
use crate::{
    error::{Error, Result},
    mix::{Draw, Mix, MixSchedule, Moment},
    order::Order,
    rng::mix,
    source::{Source, SourcePart},
};

/// How the parts of a source are mixed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mixing {
    /// Which part each batch comes from; default proportional. Nothing where the order is sequential.
    pub mix: Mix,
    /// What differs from part to part, in their order; parts beyond it are as by default.
    pub parts: Vec<MixedPart>,
    /// How many epochs there will be, for mixers that change over them; default nobody knows.
    pub epochs: u64,
}

/// What is said of one part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixedPart {
    /// Samples per batch, >= 1; default the loader's.
    pub batch_size: Option<usize>,
    /// How many batches it counts as, >= 1; default all that it has.
    pub batches: Option<u64>,
}

/// What came of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnPart {
    /// Its name.
    pub name: String,
    /// How many samples it has.
    pub samples: u64,
    /// Samples per batch.
    pub batch_size: usize,
    /// Batches that it has.
    pub batches: u64,
    /// Batches that were drawn of it.
    pub drawn: u64,
}

/// The parts of a loader's source.
#[derive(Debug, Clone)]
pub(super) struct MixedParts(Vec<OnePart>);

#[derive(Debug, Clone)]
struct OnePart {
    name: String,
    start: u64,
    dealt: Dealt,
    /// Batches that it has.
    n_batches: u64,
    /// Batches that it counts as.
    counts: u64,
    config: LoaderConfig,
}

impl MixedParts {
    /// # Errors
    /// `InvalidConfig` naming the part that has no batch, or whose setting is out of range.
    pub(super) fn new(source: &dyn Source, parts: Vec<SourcePart>, config: &LoaderConfig) -> Result<Self> {
        let one = |(idx, part): (usize, SourcePart)| {
            let own = config.mixing.parts.get(idx).copied().unwrap_or_default();
            let config = LoaderConfig { batch_size: own.batch_size.unwrap_or(config.batch_size), ..config.clone() };
            let of_part =
                |e| Error::config("loader", "source", "at least one batch of each", format!("{}: {e}", part.name));
            config.validate().map_err(of_part)?;
            let dealt = Dealt::new(&config, source, part.start, part.len)?;
            let n_batches = config.n_batches(dealt.rows()).map_err(of_part)?;
            if own.batches == Some(0) {
                return Err(Error::config("loader", "batches", ">= 1", format!("0 of {}", part.name)));
            }
            let SourcePart { name, start, .. } = part;
            Ok(OnePart { name, start, dealt, n_batches, counts: own.batches.unwrap_or(n_batches), config })
        };
        Ok(Self(parts.into_iter().enumerate().map(one).collect::<Result<_>>()?))
    }

    /// Batches of an epoch.
    pub(super) fn n_batches(&self, config: &LoaderConfig) -> u64 {
        match config.order {
            Order::Shuffled => config.mixing.mix.part().batches(&self.counts()),
            Order::Sequential => self.0.iter().map(|part| part.n_batches).sum(),
        }
    }

    fn counts(&self) -> Vec<u64> {
        self.0.iter().map(|part| part.counts).collect()
    }

    /// Batches that make one step together.
    pub(super) fn per_step(&self, config: &LoaderConfig) -> u64 {
        match config.order {
            Order::Shuffled => config.mixing.mix.part().per_step(self.0.len()),
            Order::Sequential => 1,
        }
    }

    /// The size of the first batch to which a rest is joined.
    pub(super) fn joined_rest(&self) -> Option<u64> {
        self.0.iter().find_map(|part| part.config.joined(part.dealt.rows()))
    }

    /// Where each batch of an epoch lies.
    fn draws(&self, config: &LoaderConfig, epoch: u64) -> Result<Vec<Draw>> {
        match config.order {
            Order::Shuffled => {
                let Mixing { mix, epochs, .. } = &config.mixing;
                let moment = Moment { epoch, epochs: *epochs };
                Ok(MixSchedule::new(mix, &self.counts(), moment, config.seed)?.draws().to_vec())
            }
            Order::Sequential => {
                let parts = self.0.iter().enumerate();
                Ok(parts
                    .flat_map(|(source, part)| (0..part.n_batches).map(move |batch| Draw { source, batch }))
                    .collect())
            }
        }
    }

    /// The batches of an epoch.
    ///
    /// # Errors
    /// As [`MixSchedule::new`].
    pub(super) fn plan(&self, source: Arc<dyn Source>, config: &LoaderConfig, epoch: u64) -> Result<MixedPlan> {
        let draws = self.draws(config, epoch)?;
        let orders = self.0.iter().enumerate().map(|(idx, part)| {
            let drawn = draws.iter().filter(|draw| draw.source == idx).count() as u64;
            let order = |pass| {
                // MixedParts of equal size and passes over one part must not share an order.
                let seed = mix(mix(config.seed ^ mix(idx as u64)) ^ pass);
                let mut order = part.dealt.positions(config.order, seed, epoch);
                order.iter_mut().for_each(|position| *position += part.start);
                order
            };
            (0..drawn.div_ceil(part.n_batches)).map(order).collect()
        });
        Ok(MixedPlan { orders: orders.collect(), source, parts: self.clone(), draws })
    }

    /// Checks the mixer's settings.
    ///
    /// # Errors
    /// As [`MixSchedule::new`].
    pub(super) fn validate(&self, config: &LoaderConfig) -> Result<()> {
        self.draws(config, 0).map(drop)
    }

    /// What an epoch has of each part, and how much of that came before a position.
    ///
    /// # Errors
    /// As [`MixSchedule::new`].
    pub(super) fn drawn(&self, config: &LoaderConfig, until: LoaderPosition) -> Result<Vec<DrawnPart>> {
        let new = |part: &OnePart| DrawnPart {
            name: part.name.clone(),
            samples: part.dealt.len,
            batch_size: part.config.batch_size,
            batches: part.n_batches,
            drawn: 0,
        };
        let mut parts: Vec<DrawnPart> = self.0.iter().map(new).collect();
        for epoch in 0..=until.epoch {
            let draws = self.draws(config, epoch)?;
            let n = if epoch < until.epoch { draws.len() as u64 } else { until.next_batch };
            let n = usize::try_from(n).unwrap_or(usize::MAX);
            draws.iter().take(n).for_each(|draw| parts[draw.source].drawn += 1);
        }
        Ok(parts)
    }

    /// Names and numbers of batches, for people.
    pub(super) fn describe(&self) -> String {
        self.0.iter().map(|part| format!("{}: {}", part.name, part.n_batches)).collect::<Vec<_>>().join(", ")
    }
}

pub(super) struct MixedPlan {
    source: Arc<dyn Source>,
    parts: MixedParts,
    /// Per part and pass over it.
    orders: Vec<Vec<Vec<u64>>>,
    draws: Vec<Draw>,
}

impl Plan for MixedPlan {
    fn n_batches(&self) -> u64 {
        self.draws.len() as u64
    }

    fn place(&self, batch: u64) -> (&dyn Source, &[u64]) {
        let Draw { source, batch } = self.draws[usize::try_from(batch).unwrap_or(usize::MAX)];
        let part = &self.parts.0[source];
        let (pass, batch) = (batch / part.n_batches, batch % part.n_batches);
        let order = &self.orders[source][usize::try_from(pass).unwrap_or(usize::MAX)];
        (&*self.source, part.config.slice(order, batch))
    }
}
