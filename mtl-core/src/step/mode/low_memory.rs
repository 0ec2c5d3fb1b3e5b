//! The exact Gramian and direction without a single row.
//!
//! ```text
//! heads:  r_t, one short pass per task
//! G:      one batched pass through the trunk; each parameter's K gradients become their part of G and are dropped
//! d:      one pass through the trunk with sum_t w_t r_t
//! ```
//! Memory: the largest parameter `K` times instead of all of them (and batched activations' gradients while the pass
//! runs). Time: one more pass than [`batched`](super::batched), so 1.4 to 2 times the exact mode on a CPU. Reference for
//! the idea: TorchJD's autogram (Quinton and Rey, 2024), which hooks modules; here the hook sits on the parameter.

use serde::{Deserialize, Serialize};

use super::{Collected, Sink, TaskGradients, heads::HeadPasses, no_blocks};
use crate::{
    error::{Error, Result},
    shim,
    step::pass::Pass,
};

/// Settings: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LowMemoryConfig {}

pub(super) fn collect(pass: Pass<'_>) -> Result<Collected<'_>> {
    let mut passes = HeadPasses::run(&pass, "low-memory")?;
    let shared = pass.shared_tensors();
    let above: Vec<_> = passes.above.iter().map(|&i| shared[i]).collect();
    let nothing: [&tch::Tensor; 0] = [];
    let twice = shim::reached(&passes.boundary, &nothing, &above)?;
    if let Some(odd) = twice.iter().position(|t| *t) {
        let name = pass.params.params()[pass.shared[passes.above[odd]]].name();
        return Err(Error::InvalidConfig {
            what: "step",
            field: "mode",
            expected: format!("exact, batched or factored, as {name} is used on both sides of the boundary"),
            found: "low-memory".into(),
        });
    }
    passes.sum_above(&pass)?;
    let mut values = shim::vmap_gramian(&passes.boundary, &passes.stacked()?, pass.active.len(), &shared, pass.world)?;
    let above = passes.rows.gramian(Some(&passes.above_columns()))?;
    values.iter_mut().zip(above).for_each(|(v, a)| *v += a);
    let heads = std::mem::take(&mut passes.heads);
    Ok(Collected { shared: Box::new(LowMemory { passes, pass, values }), heads })
}

struct LowMemory<'a> {
    passes: HeadPasses<'a>,
    pass: Pass<'a>,
    values: Vec<f64>,
}

impl TaskGradients for LowMemory<'_> {
    fn gramian(&self) -> Result<Vec<f64>> {
        Ok(self.values.clone())
    }

    fn has_blocks(&self) -> bool {
        false
    }

    fn block_gramian(&self, _block: &[usize]) -> Result<Vec<f64>> {
        no_blocks("low-memory")
    }

    fn keep(&mut self, rows: &[usize]) -> Result<()> {
        self.passes.rows.keep(rows)
    }

    fn combine(&mut self, _block: &[usize], weights: &[f64], out: &mut Sink<'_>) -> Result<()> {
        self.passes.weighted(&self.pass, weights, out)
    }
}
