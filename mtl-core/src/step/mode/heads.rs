//! The heads' part of a step that cuts the graph between trunk and tasks.
//!
//! One backward pass per task from its loss down to the boundary, never into the trunk. Shared parameters above the
//! boundary (a pool of queries that all tasks read with the same projections) are found in the graph and get exact rows
//! here.

use tch::Tensor;

use crate::{
    error::{Error, Result, TorchContext},
    shim::{self, Rows},
    step::{pass::Pass, reduce},
};

/// Per active task: gradients of the boundary tensors, then of the shared parameters above them.
pub(super) struct HeadPasses<'a> {
    /// One row per active task; columns: the boundary, then `above`.
    pub(super) rows: Rows,
    pub(super) boundary: Vec<&'a Tensor>,
    /// Indices of the shared parameters that tasks reach without passing the boundary.
    pub(super) above: Vec<usize>,
    /// Gradients of each task's own parameters.
    pub(super) heads: Vec<Vec<Option<Tensor>>>,
}

impl<'a> HeadPasses<'a> {
    pub(super) fn run(pass: &Pass<'a>, mode: &'static str) -> Result<Self> {
        let boundary: Vec<&Tensor> = pass.forward.boundary.iter().filter(|t| t.requires_grad()).collect();
        if boundary.is_empty() {
            return Err(Error::InvalidConfig {
                what: "step",
                field: "mode",
                expected: "exact or factored for an architecture without a boundary between trunk and tasks".into(),
                found: mode.into(),
            });
        }
        let losses: Vec<&Tensor> = pass.active.iter().filter(|&&t| pass.reaches(t)).map(|&t| pass.loss(t)).collect();
        let shared = pass.shared_tensors();
        let reached = shim::reached(&losses, &boundary, &shared)?;
        let above = above_on_any_rank(pass, &reached)?;
        let inputs: Vec<&Tensor> = boundary.iter().copied().chain(above.iter().map(|&i| shared[i])).collect();
        let mut rows = Rows::of(&inputs)?;
        let mut heads = Vec::with_capacity(pass.active.len());
        for (k, &t) in pass.active.iter().enumerate() {
            heads.push(pass.backward(&mut rows, k, &pass.owned_tensors(t))?);
        }
        Ok(Self { rows, boundary, above, heads })
    }

    /// Sums over ranks what is above the boundary. The boundary itself belongs to samples, of which every rank has its own.
    pub(super) fn sum_above(&mut self, pass: &Pass<'_>) -> Result<()> {
        let columns = self.above_columns();
        if pass.world.size() == 1 || columns.is_empty() {
            return Ok(());
        }
        let mut all = Vec::with_capacity(self.rows.len() * columns.len());
        for row in 0..self.rows.len() {
            for &column in &columns {
                all.push(self.rows.get(row, column)?);
            }
        }
        reduce::list(pass.world.as_ref(), &mut all)?;
        let mut summed = Rows::given(self.rows.columns())?;
        for (row, above) in all.chunks_exact(columns.len()).enumerate() {
            let mut entries =
                (0..self.boundary.len()).map(|column| self.rows.get(row, column)).collect::<Result<Vec<_>>>()?;
            entries.extend(above.iter().map(|grad| grad.as_ref().map(Tensor::shallow_clone)));
            summed.push(&entries)?;
        }
        self.rows = summed;
        Ok(())
    }

    /// Columns of the boundary.
    pub(super) fn boundary_columns(&self) -> Vec<usize> {
        (0..self.boundary.len()).collect()
    }

    /// Columns of the shared parameters above it.
    pub(super) fn above_columns(&self) -> Vec<usize> {
        (self.boundary.len()..self.rows.columns()).collect()
    }

    /// The boundary's gradients of all tasks, `[k, ..]` each; zeros where a task has none.
    pub(super) fn stacked(&self) -> Result<Vec<Tensor>> {
        let mut stacked = Vec::with_capacity(self.boundary.len());
        for (column, tensor) in self.boundary.iter().enumerate() {
            let mut tasks = Vec::with_capacity(self.rows.len());
            for k in 0..self.rows.len() {
                tasks.push(match self.rows.get(k, column)? {
                    Some(grad) => grad,
                    None => tensor.f_zeros_like().op("boundary gradients")?,
                });
            }
            stacked.push(Tensor::f_stack(&tasks, 0).op("boundary gradients")?);
        }
        Ok(stacked)
    }

    /// One pass through the trunk with the weighted sum of the boundary's gradients, summed over ranks, and the shared parameters
    /// above it, which [`HeadPasses::sum_above`] has summed; frees the graph.
    pub(super) fn weighted(&mut self, pass: &Pass<'_>, weights: &[f64], out: &mut super::Sink<'_>) -> Result<()> {
        let shared = pass.shared_tensors();
        let cotangents = self.rows.combine(Some(&self.boundary_columns()), weights)?;
        let several = pass.world.size() > 1;
        let (mut outputs, mut seeds) = (Vec::new(), Vec::new());
        for (&tensor, cotangent) in self.boundary.iter().zip(cotangents) {
            // Every rank runs the same pass, over the layers that sum over ranks too.
            let cotangent = match (cotangent, several) {
                (None, true) => Some(tensor.f_zeros_like().op("boundary gradients")?),
                (cotangent, _) => cotangent,
            };
            if let Some(cotangent) = cotangent {
                outputs.push(tensor);
                seeds.push(cotangent);
            }
        }
        if !outputs.is_empty() {
            let mut grads = shim::grad(&outputs, Some(&seeds), &shared, shim::Graph::Free)?;
            reduce::list(pass.world.as_ref(), &mut grads)?;
            for (i, grad) in grads.into_iter().enumerate() {
                grad.map_or(Ok(()), |g| out(i, g))?;
            }
        }
        let above = self.rows.combine(Some(&self.above_columns()), weights)?;
        self.above.iter().zip(above).try_for_each(|(&i, grad)| grad.map_or(Ok(()), |g| out(i, g)))
    }
}

/// The shared parameters above the boundary: where this rank has no label of the only task that reaches one, another may.
fn above_on_any_rank(pass: &Pass<'_>, reached: &[bool]) -> Result<Vec<usize>> {
    let mut marks: Vec<f64> = reached.iter().map(|&reached| if reached { 1.0 } else { 0.0 }).collect();
    pass.world.sum_numbers(&mut marks)?;
    Ok((0..marks.len()).filter(|&i| marks[i] > 0.0).collect())
}
