//! The batches of one step: one, or one of each source that learn together.
//!
//! Batches of several sources cannot be one batch, having other inputs and another number of samples. They are passed through the model
//! one after the other, and the step takes all their losses at once ([`Forward::together`]): to the method it is one step in which every
//! task is there.

use mtl_core::{
    balance::Space,
    batch::Batch,
    context::Cx,
    step::{Forward, StepMode},
};
use mtl_data::Batches;
use tch::Device;

use super::{Trainer, walk::Walk};
use crate::{error::Result, train::model::Model};

/// What a step learns from; at least one batch.
#[derive(Debug)]
pub(super) struct StepBatches {
    first: Batch,
    others: Vec<Batch>,
}

impl StepBatches {
    /// The next `n` of an epoch; `None` at its end.
    pub(super) fn take(walk: &mut Walk<'_>, n: u64, device: Device) -> Result<Option<Self>> {
        let Some(first) = walk.next()? else { return Ok(None) };
        let mut others = Vec::new();
        for _ in 1..n {
            if let Some(batch) = walk.next()? {
                others.push(batch.to_device(device)?);
            }
        }
        Ok(Some(Self { first: first.to_device(device)?, others }))
    }

    /// The only one, where there is one.
    pub(super) fn first(&self) -> &Batch {
        &self.first
    }

    fn iter(&self) -> impl Iterator<Item = &Batch> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        1 + self.others.len() as u64
    }

    /// Samples of all.
    pub(super) fn samples(&self) -> usize {
        self.iter().map(Batch::len).sum()
    }

    /// The one with labels of the first of these tasks that any has labels of.
    pub(super) fn of(&self, tasks: &[usize]) -> &Batch {
        let has = |batch: &&Batch, task: usize| batch.targets.get(task).is_some_and(Option::is_some);
        tasks.iter().find_map(|&task| self.iter().find(|batch| has(batch, task))).unwrap_or(&self.first)
    }

    /// The losses of all tasks, each of its batch, which passes in a context of its own.
    pub(super) fn losses(&self, model: &Model, cx: impl Fn() -> Cx) -> Result<Forward> {
        let first = model.losses(&self.first, &cx())?;
        if self.others.is_empty() {
            return Ok(first);
        }
        let mut passes = vec![first];
        for batch in &self.others {
            passes.push(model.losses(batch, &cx())?);
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
