//! A run on several ranks: each has a trainer of its own, learns its part of every batch, and comes to the same decisions.
//!
//! What ranks say to each other beside the sums of a step ([`mtl_core::world`]): which samples each has, whether the leader's
//! observer asks to stop, the states of validation metrics, and whose samples are to blame for what is not finite. Files and observers
//! are the leader's; the others have none.

use std::sync::Arc;

use mtl_core::{
    batch::Batch,
    context::Cx,
    loss::TaskLoss,
    step::Forward,
    world::{World, stream_of},
};
use mtl_data::Shard;
use sha2::{Digest, Sha256};

use super::{Flow, Observer, Trainer};
use crate::{
    error::Result,
    train::{incident::Incident, model::Model},
};

/// How a batch falls to ranks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Division {
    /// Samples of the whole batch.
    pub(super) samples: usize,
    /// Whether it is divided: one of fewer samples than there are ranks is not, and every rank has it whole ([`Shard`]).
    is_divided: bool,
}

impl Division {
    /// Finds out by the ids of the samples; every rank comes to the same result.
    pub(super) fn of(batch: &Batch, world: &dyn World) -> Result<Self> {
        if world.size() == 1 {
            return Ok(Self { samples: batch.len(), is_divided: true });
        }
        let own: Vec<u8> = batch.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let all = world.gather(&own)?;
        let is_divided = all.iter().any(|ids| Some(ids) != all.first());
        let samples = if is_divided { all.iter().map(Vec::len).sum::<usize>() / 8 } else { batch.len() };
        Ok(Self { samples, is_divided })
    }

    /// The seed of what is drawn for the samples of this rank: where all have the same ones, all draw the same.
    pub(super) fn seed(self, seed: u64, world: &dyn World) -> u64 {
        if self.is_divided { stream_of(seed, world) } else { seed }
    }

    /// Losses of this rank's part. A batch that is not divided counts once, as the leader's; the others run it all the same, so that
    /// running statistics stay equal.
    pub(super) fn losses(self, model: &Model, batch: &Batch, cx: Cx, world: &Arc<dyn World>) -> Result<Forward> {
        let cx = if self.is_divided { cx.with_world(world) } else { cx };
        let mut forward = model.losses(batch, &cx)?;
        if !self.is_divided && !world.leads() {
            forward.losses.iter_mut().for_each(|loss| *loss = TaskLoss::absent());
            forward.samples = 0.0;
        }
        Ok(forward)
    }
}

impl Trainer {
    /// The same trainer as one of several ranks. All must stand at the same point of the same run, and be given the same loaders, the
    /// training data in parts ([`Loader::sharded`](mtl_data::Loader::sharded)). [`world::alone`](mtl_core::world::alone) takes it out again.
    pub fn join(&mut self, world: Arc<dyn World>) {
        let shard = Shard { rank: world.rank(), size: world.size() };
        self.held_out = self.held_out.take().map(|held_out| held_out.sharded(shard));
        self.engine.join(world);
    }

    pub(super) fn world(&self) -> &Arc<dyn World> {
        self.engine.world()
    }

    /// Whether the run is to stop: the leader's observer is heard, by all ranks at the same step.
    pub(super) fn stops(&self, observer: &dyn Observer) -> Result<bool> {
        let stop = observer.flow() == Flow::Stop;
        if self.world().size() == 1 {
            return Ok(stop);
        }
        let mut votes = [if stop { 1.0 } else { 0.0 }];
        self.world().sum_numbers(&mut votes)?;
        Ok(votes[0] > 0.0)
    }

    /// Fails unless all ranks have the same weights, to the bit.
    pub(super) fn agree_on_weights(&self) -> Result<()> {
        if self.world().size() == 1 {
            return Ok(());
        }
        let digest = Sha256::digest(self.model.params().to_safetensors()?);
        let what = format!("set of weights after epoch {}", self.counters.epoch);
        Ok(self.world().agree(&what, &digest)?)
    }
}

impl Incident {
    /// What all ranks have found in their parts of the batch.
    pub(super) fn of_all(mut self, world: &dyn World) -> Result<Self> {
        if world.size() == 1 {
            return Ok(self);
        }
        let own = serde_json::to_vec(&self).unwrap_or_default();
        let mut all = Vec::with_capacity(world.size());
        for bytes in world.gather(&own)? {
            all.extend(serde_json::from_slice::<Self>(&bytes).ok());
        }
        (self.inputs, self.samples) = (Vec::new(), Vec::new());
        for found in all {
            self.learns_numbers |= found.learns_numbers;
            self.samples.extend(found.samples);
            for suspect in found.inputs {
                match self.inputs.iter_mut().find(|known| known.input == suspect.input) {
                    Some(known) => known.samples.extend(suspect.samples),
                    None => self.inputs.push(suspect),
                }
            }
        }
        self.name_few();
        Ok(self)
    }
}
