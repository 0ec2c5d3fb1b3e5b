//! Numbers from a config that a loss needs as a tensor.

use std::cell::OnceCell;

use mtl_core::{Error, Result, TorchContext};
use tch::Tensor;

/// One number per output, made into a tensor where it is first needed: a head does not know its device before.
#[derive(Debug)]
pub(crate) struct Constant {
    values: Vec<f64>,
    tensor: OnceCell<Tensor>,
}

impl Constant {
    /// Numbers that are known to be fine.
    pub(crate) fn new(values: Vec<f64>) -> Self {
        Self { values, tensor: OnceCell::new() }
    }

    /// The numbers.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Checks numbers given per output: none (`default` for each), one for all, or one each.
    pub(crate) fn per_output(
        (head, field): (&'static str, &'static str),
        given: &[f64],
        default: f64,
        width: i64,
        (allowed, rule): (impl Fn(f64) -> bool, &str),
    ) -> Result<Self> {
        let width = usize::try_from(width).unwrap_or(0);
        let values = match given {
            [] => vec![default; width],
            [one] => vec![*one; width],
            each => each.to_vec(),
        };
        if values.len() == width && values.iter().all(|&v| allowed(v)) {
            return Ok(Self::new(values));
        }
        let expected = format!("none, one or {width} numbers, each {rule}");
        Err(Error::InvalidConfig { what: head, field, expected, found: format!("{given:?}") })
    }

    /// The numbers `[o]` as a tensor of the kind and on the device of `like`.
    pub(crate) fn like(&self, like: &Tensor) -> Result<Tensor> {
        let fits = |t: &&Tensor| t.kind() == like.kind() && t.device() == like.device();
        if let Some(t) = self.tensor.get().filter(fits) {
            return Ok(t.shallow_clone());
        }
        let t = Tensor::from_slice(&self.values).f_to_device_(like.device(), like.kind(), false, true);
        let t = t.op("head constant")?;
        let _ = self.tensor.set(t.shallow_clone()); // set already: the model runs in two kinds, keep the first
        Ok(t)
    }
}
