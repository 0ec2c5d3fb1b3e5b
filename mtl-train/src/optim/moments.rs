//! Per-parameter buffers of an optimizer, made when a parameter gets its first gradient.

use mtl_core::{
    Error, Result, TorchContext,
    params::ParamSet,
    state::{StateDict, StateValue},
};
use tch::Tensor;

/// One tensor per parameter, or none yet.
#[derive(Debug)]
pub(super) struct Moments {
    name: &'static str,
    tensors: Vec<Option<Tensor>>,
}

impl Moments {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, tensors: Vec::new() }
    }

    /// Makes sure that the parameter at `position` has its buffer: zeros of its shape, or of `shape`. Tells whether it
    /// was made just now.
    pub(super) fn ensure(&mut self, position: usize, like: &Tensor, shape: Option<&[i64]>) -> Result<bool> {
        if self.tensors.len() <= position {
            self.tensors.resize_with(position + 1, || None);
        }
        if self.tensors[position].is_some() {
            return Ok(false);
        }
        let zeros = match shape {
            None => like.f_zeros_like(),
            Some(shape) => Tensor::f_zeros(shape, (tch::Kind::Float, like.device())),
        };
        self.tensors[position] = Some(zeros.op("optimizer buffer")?.detach());
        Ok(true)
    }

    pub(super) fn get(&self, position: usize) -> Option<&Tensor> {
        self.tensors.get(position).and_then(Option::as_ref)
    }

    pub(super) fn save(&self, params: &ParamSet, state: &mut StateDict) {
        for (param, tensor) in params.params().iter().zip(&self.tensors) {
            if let Some(tensor) = tensor {
                state.insert(&format!("{}.{}", self.name, param.name()), StateValue::Tensor(tensor.copy()));
            }
        }
    }

    /// Replaces all buffers by those saved under this name; a parameter without one starts afresh.
    pub(super) fn load(&mut self, what: &str, params: &ParamSet, state: &StateDict, same_shape: bool) -> Result<()> {
        let mut tensors = Vec::with_capacity(params.params().len());
        for param in params.params() {
            let name = format!("{}.{}", self.name, param.name());
            if !state.iter().any(|(n, _)| n == name) {
                tensors.push(None);
                continue;
            }
            let saved = state.tensor(what, &name)?;
            if same_shape && saved.size() != param.tensor().size() {
                return Err(Error::State {
                    what: what.to_owned(),
                    reason: format!("{name} must be {:?}, found {:?}", param.tensor().size(), saved.size()),
                });
            }
            tensors.push(Some(saved.f_to_device(param.tensor().device()).op("optimizer buffer")?.copy()));
        }
        self.tensors = tensors;
        Ok(())
    }
}
