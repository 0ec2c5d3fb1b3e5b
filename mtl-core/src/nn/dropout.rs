//! Dropout: in training, each number is zeroed with probability `rate` and the others are scaled up.

use tch::{Device, Kind, Tensor};

use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    mode::Mode,
    shim,
};

/// Zeroes numbers at random while training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    rate: f64,
}

impl Dropout {
    /// Dropout with that probability.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `0 <= rate < 1`.
    pub fn new(rate: f64) -> Result<Self> {
        if (0.0..1.0).contains(&rate) {
            return Ok(Self { rate });
        }
        Err(Error::InvalidConfig {
            what: "dropout",
            field: "rate",
            expected: "in [0, 1)".into(),
            found: rate.to_string(),
        })
    }

    /// # Shapes
    /// Any; the result has the same.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn forward(self, xs: Tensor, cx: &Cx) -> Result<Tensor> {
        if self.rate == 0.0 || cx.mode() == Mode::Eval {
            return Ok(xs);
        }
        if xs.device() == Device::Cpu {
            return xs.f_mul(&shim::dropout_mask(&xs, self.rate)?).op("dropout");
        }
        xs.f_dropout(self.rate, true).op("dropout")
    }

    /// Which of so many things are left out, true where one is, for what is replaced rather than zeroed; `None` where none is.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn chosen(self, shape: &[i64], device: Device, cx: &Cx) -> Result<Option<Tensor>> {
        if self.rate == 0.0 || cx.mode() == Mode::Eval {
            return Ok(None);
        }
        let kept = self.forward(Tensor::f_ones(shape, (Kind::Float, device)).op("dropout")?, cx)?;
        Ok(Some(kept.f_eq(0.0).op("dropout")?))
    }
}
