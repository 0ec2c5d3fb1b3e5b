//! State as tensors: what a checkpoint's file holds.

use tch::Tensor;

use super::{StateDict, StateValue, describe, misfit};
use crate::error::{Result, TorchContext};

impl StateDict {
    /// The tensor of that name.
    ///
    /// # Errors
    /// [`State`](crate::Error::State) when there is none.
    pub fn tensor(&self, what: &str, name: &str) -> Result<&Tensor> {
        match self.find(name) {
            Some(StateValue::Tensor(t)) => Ok(t),
            other => Err(misfit(what, format!("{name} must be a tensor, found {}", describe(other)))),
        }
    }

    /// All values as named tensors, for a file; [`StateDict::from_tensors`] takes them back.
    #[must_use]
    pub fn to_tensors(&self) -> Vec<(String, Tensor)> {
        let entry = |(name, value): &(String, StateValue)| match value {
            StateValue::Numbers(v) => (format!("{NUMBERS}{name}"), Tensor::from_slice(v)),
            StateValue::Count(v) => (format!("{COUNT}{name}"), Tensor::from_slice(&[v.cast_signed()])),
            StateValue::Tensor(t) => (format!("{TENSOR}{name}"), t.shallow_clone()),
        };
        self.0.iter().map(entry).collect()
    }

    /// The state that [`StateDict::to_tensors`] wrote.
    ///
    /// # Errors
    /// [`State`](crate::Error::State) for a name that it would not have written, [`Torch`](crate::Error::Torch) for a tensor that cannot be read.
    pub fn from_tensors(what: &str, tensors: Vec<(String, Tensor)>) -> Result<Self> {
        let mut state = Self::new();
        for (name, tensor) in tensors {
            let (value, name) = if let Some(name) = name.strip_prefix(NUMBERS) {
                (StateValue::Numbers(Vec::try_from(&tensor).op(what)?), name)
            } else if let Some(name) = name.strip_prefix(COUNT) {
                (StateValue::Count(i64::try_from(&tensor).op(what)?.cast_unsigned()), name)
            } else if let Some(name) = name.strip_prefix(TENSOR) {
                (StateValue::Tensor(tensor), name)
            } else {
                return Err(misfit(what, format!("{name} is no saved state")));
            };
            state.insert(name, value);
        }
        Ok(state)
    }
}

// How a file tells the three kinds of value apart.
const NUMBERS: &str = "numbers:";
const COUNT: &str = "count:";
const TENSOR: &str = "tensor:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_from_a_file_as_it_was() {
        let state = StateDict::new()
            .with("log_vars", StateValue::Numbers(vec![0.1, 0.2]))
            .with("step", StateValue::Count(u64::MAX))
            .with("momentum", StateValue::Tensor(Tensor::from_slice(&[1.5f32])));
        let again = StateDict::from_tensors("balancer", state.to_tensors()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{state:?}"));
        assert!(again.tensor("balancer", "momentum").is_ok());
        assert!(again.tensor("balancer", "velocity").unwrap_err().to_string().contains("found nothing"));
        let strange = vec![("weights".to_owned(), Tensor::from_slice(&[1.0]))];
        assert!(StateDict::from_tensors("balancer", strange).unwrap_err().to_string().contains("is no saved state"));
    }
}
