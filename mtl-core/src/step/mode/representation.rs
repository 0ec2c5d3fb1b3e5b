//! Gradients of the features instead of the shared parameters.
//!
//! ```text
//! z   = the boundary tensors between trunk and tasks
//! r_t = gradient of l_t with respect to z            heads only, one short pass per task
//! G   = [<r_i, r_j>],   d = dz/dtheta^T (sum_t w_t r_t)   one pass through the trunk
//! ```
//! Reference: Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018 (MGDA-UB); LibMTL's
//! `rep_grad`. The direction is exact for its weights, but the weights answer another question: `G` bounds the Gramian of
//! the parameters from above instead of being it. Differs from LibMTL, which sums features over the batch before it
//! multiplies: here each sample's features count on their own, as in the paper.
//!
//! Where features belong to tasks (MMoE), the boundary is what all tasks read: the experts' outputs, not their mixtures.
//! Cost: about one plain step whatever the number of tasks.

use serde::{Deserialize, Serialize};

use super::{Collected, Sink, TaskGradients, heads::HeadPasses, no_blocks};
use crate::{error::Result, step::pass::Pass};

/// Settings: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepresentationConfig {}

pub(super) fn collect(pass: Pass<'_>) -> Result<Collected<'_>> {
    let mut passes = HeadPasses::run(&pass, "representation")?;
    passes.sum_above(&pass)?;
    let heads = std::mem::take(&mut passes.heads);
    Ok(Collected { shared: Box::new(Representation { passes, pass }), heads })
}

struct Representation<'a> {
    passes: HeadPasses<'a>,
    pass: Pass<'a>,
}

impl TaskGradients for Representation<'_> {
    fn gramian(&self) -> Result<Vec<f64>> {
        if self.pass.world.size() == 1 {
            return self.passes.rows.gramian(None);
        }
        // Features of different samples have nothing in common, so ranks add up their parts of these products.
        let mut values = self.passes.rows.gramian(Some(&self.passes.boundary_columns()))?;
        self.pass.world.sum_numbers(&mut values)?;
        let above = self.passes.rows.gramian(Some(&self.passes.above_columns()))?;
        values.iter_mut().zip(above).for_each(|(v, a)| *v += a);
        Ok(values)
    }

    fn has_blocks(&self) -> bool {
        false
    }

    fn block_gramian(&self, _block: &[usize]) -> Result<Vec<f64>> {
        no_blocks("representation")
    }

    fn keep(&mut self, rows: &[usize]) -> Result<()> {
        self.passes.rows.keep(rows)
    }

    fn combine(&mut self, _block: &[usize], weights: &[f64], out: &mut Sink<'_>) -> Result<()> {
        self.passes.weighted(&self.pass, weights, out)
    }
}
