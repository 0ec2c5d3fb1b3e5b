//! The batches of one step: one, or one of each source that learn together.
//!
//! Batches of several sources cannot be one batch, having other inputs and another number of samples. They are passed through the model
//! one after the other, and the step takes all their losses at once ([`Forward::together`]): to the method it is one step in which every
//! task is there.

use std::sync::Arc;

use mtl_core::{
    balance::Space,
    batch::Batch,
    context::Cx,
    step::{Forward, StepMode},
    world::World,
};
use mtl_data::{Batches, Part};
use tch::Device;

use super::{
    Trainer,
    ranks::Division,
    walk::{self, Walk},
};
use crate::{error::Result, train::model::Model};

/// What a step learns from: this rank's part of one batch or more.
#[derive(Debug)]
pub(super) struct StepBatches {
    first: Part,
    others: Vec<Part>,
}

impl StepBatches {
    /// The next `n` of an epoch; `None` at its end.
    pub(super) fn take(walk: &mut Walk<'_>, n: u64, device: Device) -> Result<Option<Self>> {
        let Some(first) = walk.next()? else { return Ok(None) };
        let mut others = Vec::new();
        for _ in 1..n {
            if let Some(part) = walk.next()? {
                others.push(walk::on(device, part)?);
            }
        }
        Ok(Some(Self { first: walk::on(device, first)?, others }))
    }

    /// The only one, where there is one.
    pub(super) fn first(&self) -> &Part {
        &self.first
    }

    fn iter(&self) -> impl Iterator<Item = &Part> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        1 + self.others.len() as u64
    }

    /// Samples of all, on all ranks.
    pub(super) fn samples(&self) -> usize {
        self.iter().map(|part| part.whole).sum()
    }

    /// The one with labels of the first of these tasks that any has labels of.
    pub(super) fn of(&self, tasks: &[usize]) -> &Batch {
        let has = |part: &&Part, task: usize| part.batch.targets.get(task).is_some_and(Option::is_some);
        let found = tasks.iter().find_map(|&task| self.iter().find(|part| has(part, task)));
        &found.unwrap_or(&self.first).batch
    }

    /// The losses of all tasks, each of its batch. `cx` makes the context of a pass, knowing which of the step's it is and how its batch
    /// falls to ranks, which may be another way for each.
    pub(super) fn losses(
        &self,
        model: &Model,
        world: &Arc<dyn World>,
        cx: impl Fn(u64, Division) -> Result<Cx>,
    ) -> Result<Forward> {
        let pass = |place: u64, part: &Part| {
            let division = Division::of(part.whole, world.as_ref());
            division.losses(model, &part.batch, cx(place, division)?, world)
        };
        let first = pass(0, &self.first)?;
        if self.others.is_empty() {
            return Ok(first);
        }
        let mut passes = vec![first];
        for (place, part) in (1..).zip(&self.others) {
            passes.push(pass(place, part)?);
        }
        Ok(Forward::together(passes)?)
    }
}

impl Trainer {
    /// Refuses what cannot be done with a step of several batches.
    pub(super) fn check_together(&self, train: &dyn Batches) -> Result<()> {
        let n = train.per_step();
        if n < 2 {
            return Ok(());
        }
        let refuse = |field, expected: String, found: &str| {
            let found = found.to_owned();
            Err(mtl_core::Error::InvalidConfig { what: "train", field, expected, found }.into())
        };
        if self.config.accumulate > 1 {
            let expected = format!("1 where a step has {n} batches already, one of each source");
            return refuse("accumulate", expected, &self.config.accumulate.to_string());
        }
        let (needs, name) = (self.engine.method().needs(), self.engine.method().name());
        if !needs.looks.is_empty() {
            return refuse("mix", format!("another than joint for {name}, which runs batches again"), "joint");
        }
        let cuts = matches!(self.config.step_mode, StepMode::Representation(_)) || needs.space == Space::Representation;
        if cuts && needs.gramian {
            let expected =
                "another than joint where task gradients are taken at the features: those of two sources never meet";
            return refuse("mix", expected.into(), "joint");
        }
        Ok(())
    }
}
