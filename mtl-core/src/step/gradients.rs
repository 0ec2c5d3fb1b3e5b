//! One gradient per parameter, in the order of the parameter set.

use tch::Tensor;

use crate::{
    error::{Error, Result, TorchContext},
    params::ParamSet,
    shim,
};

/// The result of a step: what the optimizer takes. Parameters that no active task reaches have none, and must be left
/// alone (no weight decay, no moment update).
#[derive(Debug)]
pub struct Gradients(Vec<Option<Tensor>>);

impl Gradients {
    pub(super) fn new(n_params: usize) -> Self {
        Self((0..n_params).map(|_| None).collect())
    }

    pub(super) fn set(&mut self, position: usize, grad: Option<Tensor>) {
        if let Some(slot) = self.0.get_mut(position) {
            *slot = grad;
        }
    }

    /// Adds `grad` to what is there.
    pub(super) fn accumulate(&mut self, position: usize, grad: Tensor) -> Result<()> {
        match self.0.get_mut(position) {
            Some(slot) => Self::add(slot, Some(grad)),
            None => Ok(()),
        }
    }

    /// Adds `grad`, if there is one, to what is in `slot`.
    pub(super) fn add(slot: &mut Option<Tensor>, grad: Option<Tensor>) -> Result<()> {
        *slot = match (slot.take(), grad) {
            (Some(sum), Some(grad)) => Some(sum.f_add(&grad).op("add gradients")?),
            (sum, grad) => sum.or(grad),
        };
        Ok(())
    }

    /// Leaves the parameters at these positions without a gradient, so that an optimizer does not move them.
    pub fn forget(&mut self, positions: &[usize]) {
        for &position in positions {
            self.set(position, None);
        }
    }

    /// The places of all gradients.
    pub(super) fn slots_mut(&mut self) -> &mut [Option<Tensor>] {
        &mut self.0
    }

    /// Positions and gradients, by value.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (usize, Tensor)> {
        self.0.into_iter().enumerate().filter_map(|(i, g)| g.map(|g| (i, g)))
    }

    /// The gradient of the parameter at `position`.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Tensor> {
        self.0.get(position).and_then(Option::as_ref)
    }

    /// Positions and gradients of the parameters that have one.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Tensor)> {
        self.0.iter().enumerate().filter_map(|(i, g)| g.as_ref().map(|g| (i, g)))
    }

    /// The 2-norm over all gradients together; 0 without any. Waits for the accelerator.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn norm(&self) -> Result<f64> {
        let all: Vec<&Tensor> = self.iter().map(|(_, g)| g).collect();
        match shim::global_norm(&all)? {
            None => Ok(0.0),
            Some(norm) => f64::try_from(&norm).op("gradient norm"),
        }
    }

    /// Scales all gradients so that their norm is at most `max_norm`; gives the norm before.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `max_norm` is positive; [`Error::Torch`] when libtorch refuses.
    pub fn clip_norm(&mut self, max_norm: f64) -> Result<f64> {
        if max_norm.is_nan() || max_norm <= 0.0 {
            return Err(Error::InvalidConfig {
                what: "gradient clipping",
                field: "max_norm",
                expected: "positive".into(),
                found: max_norm.to_string(),
            });
        }
        let norm = self.norm()?;
        if norm > max_norm {
            let all: Vec<&Tensor> = self.iter().map(|(_, g)| g).collect();
            shim::scale(&all, max_norm / norm)?;
        }
        Ok(norm)
    }

    /// Writes every gradient into its parameter's `.grad` (clearing those that have none), for those who step with an
    /// optimizer of tch.
    ///
    /// # Errors
    /// [`Error::Shape`] when this is of another parameter set.
    pub fn write_to(&self, params: &ParamSet) -> Result<()> {
        if params.params().len() != self.0.len() {
            return Err(Error::Shape {
                op: "write gradients".into(),
                tensor: "params",
                expected: format!("{} parameters", self.0.len()),
                found: vec![params.params().len() as i64],
            });
        }
        params.params().iter().zip(&self.0).try_for_each(|(p, g)| shim::set_grad(p.tensor(), g.as_ref()))
    }
}
