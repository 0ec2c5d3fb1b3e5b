//! Per-parameter buffers of an optimizer, made when a parameter gets its first gradient.

use mtl_core::{
    Error, Result, TorchContext,
    params::ParamSet,
    state::{StateDict, StateValue},
};
use tch::{Kind, Tensor};

use super::BufferSpec;

/// One tensor per parameter, or none yet.
#[derive(Debug)]
pub(super) struct Moments {
    spec: BufferSpec,
    tensors: Vec<Option<Tensor>>,
}

impl Moments {
    pub(super) fn new(spec: BufferSpec) -> Self {
        Self { spec, tensors: Vec::new() }
    }

    /// Makes sure that the parameter at `position` has its buffer. Tells whether it was made just now.
    pub(super) fn ensure(&mut self, position: usize, param: &Tensor) -> Result<bool> {
        if self.tensors.len() <= position {
            self.tensors.resize_with(position + 1, || None);
        }
        let Some(slot @ None) = self.tensors.get_mut(position) else { return Ok(false) };
        let tensor = match self.spec.counts {
            false => param.f_full_like(self.spec.fill),
            true => Tensor::f_full([0i64; 0], self.spec.fill, (Kind::Float, param.device())),
        };
        *slot = Some(tensor.op("optimizer buffer")?.detach());
        Ok(true)
    }

    /// The buffers of the parameters at `positions`, which all have one by now.
    pub(super) fn of(&self, positions: &[usize]) -> Vec<&Tensor> {
        positions.iter().filter_map(|&p| self.tensors.get(p)?.as_ref()).collect()
    }

    pub(super) fn save(&self, params: &ParamSet, state: &mut StateDict) {
        for (param, tensor) in params.params().iter().zip(&self.tensors) {
            if let Some(tensor) = tensor {
                state.insert(&format!("{}.{}", self.spec.name, param.name()), StateValue::Tensor(tensor.copy()));
            }
        }
    }

    /// Replaces all buffers by those saved under this name; a parameter without one starts afresh.
    pub(super) fn load(&mut self, what: &str, params: &ParamSet, state: &StateDict) -> Result<()> {
        let mut tensors = Vec::with_capacity(params.params().len());
        for param in params.params() {
            let name = format!("{}.{}", self.spec.name, param.name());
            if !state.iter().any(|(n, _)| n == name) {
                tensors.push(None);
                continue;
            }
            let saved = state.tensor(what, &name)?;
            let expected = if self.spec.counts { Vec::new() } else { param.tensor().size() };
            if saved.size() != expected {
                return Err(Error::State {
                    what: what.to_owned(),
                    reason: format!("{name} must be {expected:?}, found {:?}", saved.size()),
                });
            }
            tensors.push(Some(saved.f_to_device(param.tensor().device()).op("optimizer buffer")?.copy()));
        }
        self.tensors = tensors;
        Ok(())
    }
}
