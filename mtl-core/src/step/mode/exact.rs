//! The default: one backward pass per task.
//!
//! ```text
//! for each task t:  g_t = gradient of l_t with respect to the shared and its own parameters
//! G = [<g_i, g_j>],   d = sum_t w_t g_t   written over the rows' own memory
//! ```
//! Cost: one forward pass and `K` backward passes, which no exact method can avoid without knowing the layers
//! ([`factored`](super::factored) does); one read of the rows for the Gramian, one for the combination. Memory: `K` copies
//! of the shared parameters.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Collected, Sink, TaskGradients};
use crate::{
    error::Result,
    shim::Rows,
    step::{pass::Pass, reduce},
};

/// Settings: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExactConfig {}

pub(super) fn collect(pass: Pass<'_>) -> Result<Collected<'_>> {
    let mut rows = Rows::of(&pass.shared_tensors())?;
    let mut heads = Vec::with_capacity(pass.active.len());
    for (k, &t) in pass.active.iter().enumerate() {
        heads.push(pass.backward(&mut rows, k, &pass.owned_tensors(t))?);
    }
    reduce::rows(pass.world.as_ref(), &mut rows)?;
    Ok(Collected { shared: Box::new(KeptRows(rows)), heads })
}

/// One row per task, one column per shared parameter.
#[derive(Debug)]
pub(in crate::step) struct KeptRows(pub(in crate::step) Rows);

impl TaskGradients for KeptRows {
    fn gramian(&self) -> Result<Vec<f64>> {
        self.0.gramian(None)
    }

    fn block_gramian(&self, block: &[usize]) -> Result<Vec<f64>> {
        self.0.gramian(Some(block))
    }

    fn keep(&mut self, rows: &[usize]) -> Result<()> {
        self.0.keep(rows)
    }

    fn combine(&mut self, block: &[usize], weights: &[f64], out: &mut Sink<'_>) -> Result<()> {
        let combined: Vec<Option<Tensor>> = self.0.combine(Some(block), weights)?;
        block.iter().zip(combined).try_for_each(|(&i, grad)| grad.map_or(Ok(()), |g| out(i, g)))
    }

    fn rows(&mut self) -> Option<&mut Rows> {
        Some(&mut self.0)
    }
}
