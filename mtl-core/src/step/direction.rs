//! Methods that make a direction from the Jacobian, fed one parameter after the other.
//!
//! Aggregators work on `f32` rows in memory: rows elsewhere, or of another kind, are copied, and the direction is turned
//! into the parameter's kind afterwards.

use tch::{Device, Kind, Tensor};

use crate::{
    balance::{Aggregator, Evidence, Outcome},
    error::{Result, TorchContext},
    shim::{Rows, f32_values},
};

/// Runs the method over all columns; calls `out` with each column's direction.
pub(super) fn aggregate(
    method: &mut dyn Aggregator,
    evidence: &Evidence<'_>,
    rows: &Rows,
    out: &mut dyn FnMut(usize, Tensor) -> Result<()>,
) -> Result<Outcome> {
    method.begin(evidence)?;
    if method.needs().observes {
        for column in 0..rows.columns() {
            if let Some(block) = Block::new(rows, column)? {
                method.observe(column, &block.rows()?)?;
            }
        }
    }
    let outcome = method.decide()?;
    let mut direction: Vec<f32> = Vec::new();
    for column in 0..rows.columns() {
        let Some(block) = Block::new(rows, column)? else { continue };
        direction.clear();
        direction.resize(block.numel, 0.0);
        method.direct(column, &block.rows()?, &mut direction)?;
        out(column, block.like(&direction)?)?;
    }
    Ok(outcome)
}

/// One parameter's gradients of all tasks, as the method reads them.
struct Block {
    grads: Vec<Option<Tensor>>,
    zeros: Vec<f32>,
    numel: usize,
    shape: Vec<i64>,
    kind: Kind,
    device: Device,
}

impl Block {
    /// `None` for a parameter that no task reaches.
    fn new(rows: &Rows, column: usize) -> Result<Option<Self>> {
        let mut grads = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            grads.push(rows.get(row, column)?);
        }
        let Some(first) = grads.iter().flatten().next() else { return Ok(None) };
        let (shape, kind, device) = (first.size(), first.kind(), first.device());
        let numel = first.numel();
        for grad in grads.iter_mut().flatten() {
            let plain = grad.f_to_device(Device::Cpu).and_then(|g| g.f_to_kind(Kind::Float));
            *grad = plain.and_then(|g| g.f_contiguous()).op("aggregate")?;
        }
        let zeros = if grads.iter().any(Option::is_none) { vec![0.0; numel] } else { Vec::new() };
        Ok(Some(Self { grads, zeros, numel, shape, kind, device }))
    }

    fn rows(&self) -> Result<Vec<&[f32]>> {
        self.grads.iter().map(|g| g.as_ref().map_or(Ok(self.zeros.as_slice()), f32_values)).collect()
    }

    fn like(&self, direction: &[f32]) -> Result<Tensor> {
        let tensor = Tensor::from_slice(direction).f_view(self.shape.as_slice());
        tensor.and_then(|t| t.f_to_device(self.device)).and_then(|t| t.f_to_kind(self.kind)).op("aggregate")
    }
}
