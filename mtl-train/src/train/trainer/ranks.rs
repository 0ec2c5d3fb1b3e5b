//! A run on several ranks: each has a trainer of its own, learns its part of every batch, and comes to the same decisions.
//!
//! What ranks say to each other beside the sums of a step ([`mtl_core::world`]): whether the leader's observer asks to stop, the states of
//! validation metrics, a digest of the weights before each validation, and whose samples are to blame for what is not finite. Budgets,
//! validation, patience and freezing follow from counters and metrics that all have, and are asked nobody. Files and observers are the
//! leader's; the others have none.

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
    /// Whether it is divided: one of fewer samples than there are ranks is not, and every rank has it whole ([`Shard`]).
    is_divided: bool,
}

impl Division {
    /// That of a batch of so many samples.
    pub(super) fn of(whole: usize, world: &dyn World) -> Self {
        Self { is_divided: shard_of(world).divides(whole) }
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

/// Which part of every batch falls to a rank.
pub(super) fn shard_of(world: &dyn World) -> Shard {
    Shard { rank: world.rank(), size: world.size() }
}

impl Trainer {
    /// The same trainer as one of several ranks. All must stand at the same point of the same run, and be given the same batches, of which
    /// each learns its part ([`Batches::parts_from`](mtl_data::Batches::parts_from)). [`world::alone`](mtl_core::world::alone) takes
    /// it out again.
    pub fn join(&mut self, world: Arc<dyn World>) {
        self.engine.join(world);
    }

    /// Which part of every batch is this rank's.
    pub(super) fn shard(&self) -> Shard {
        shard_of(self.world().as_ref())
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
        let what = format!("set of weights after step {}", self.counters.step);
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
                    // A batch that is not divided is seen by all.
                    Some(known) => {
                        let new =
                            suspect.samples.into_iter().filter(|s| !known.samples.contains(s)).collect::<Vec<_>>();
                        known.samples.extend(new);
                    }
                    None => self.inputs.push(suspect),
                }
            }
        }
        self.name_few();
        Ok(self)
    }
}
