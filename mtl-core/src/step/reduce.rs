//! From a rank's gradients to those of the whole batch: the one place where gradients are summed over ranks.
//!
//! A rank whose part of the batch has no label of a task has no gradient of it and counts as zeros
//! ([`World::sum`](crate::world::World::sum)). With one rank nothing is done.

use tch::Tensor;

use super::Gradients;
use crate::{error::Result, shim::Rows, world::World};

/// Sums every entry of the rows.
pub(super) fn rows(world: &dyn World, rows: &mut Rows) -> Result<()> {
    let columns = rows.columns();
    if world.size() == 1 || rows.is_empty() || columns == 0 {
        return Ok(());
    }
    let mut all = Vec::with_capacity(rows.len() * columns);
    for row in 0..rows.len() {
        for column in 0..columns {
            all.push(rows.get(row, column)?);
        }
    }
    world.sum(&mut all)?;
    let mut summed = Rows::given(columns)?;
    all.chunks_exact(columns).try_for_each(|row| summed.push(row))?;
    *rows = summed;
    Ok(())
}

/// Sums the gradients of every task's own parameters.
pub(super) fn heads(world: &dyn World, heads: &mut [Vec<Option<Tensor>>]) -> Result<()> {
    if world.size() == 1 {
        return Ok(());
    }
    let mut all: Vec<Option<Tensor>> = heads.iter_mut().flatten().map(Option::take).collect();
    world.sum(&mut all)?;
    heads.iter_mut().flatten().zip(all).for_each(|(slot, grad)| *slot = grad);
    Ok(())
}

/// Sums what is there of every parameter.
pub(super) fn gradients(world: &dyn World, gradients: &mut Gradients) -> Result<()> {
    list(world, gradients.slots_mut())
}

/// Sums a list of gradients.
pub(super) fn list(world: &dyn World, grads: &mut [Option<Tensor>]) -> Result<()> {
    if world.size() == 1 { Ok(()) } else { world.sum(grads) }
}
