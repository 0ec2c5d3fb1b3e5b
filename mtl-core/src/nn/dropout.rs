//! Dropout: in training, each number is zeroed with probability `rate` and the others are scaled up.
//!
//! Of its probability it has the share that the pass says ([`Cx::with_dropout`]): whoever trains may let it fall over a run.

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
        let rate = self.rate * cx.dropout();
        if rate == 0.0 || cx.mode() == Mode::Eval {
            return Ok(xs);
        }
        if xs.device() == Device::Cpu {
            return xs.f_mul(&shim::dropout_mask(&xs, rate)?).op("dropout");
        }
        xs.f_dropout(rate, true).op("dropout")
    }

    /// Which of so many things are left out, true where one is, for what is replaced rather than zeroed; `None` where none is.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn chosen(self, shape: &[i64], device: Device, cx: &Cx) -> Result<Option<Tensor>> {
        if self.rate * cx.dropout() == 0.0 || cx.mode() == Mode::Eval {
            return Ok(None);
        }
        let kept = self.forward(Tensor::f_ones(shape, (Kind::Float, device)).op("dropout")?, cx)?;
        Ok(Some(kept.f_eq(0.0).op("dropout")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_has_its_share_of_the_probability() {
        let xs = Tensor::ones([40_000], (Kind::Float, Device::Cpu));
        let zeroed = |share: f64| {
            let ys = Dropout::new(0.4)
                .unwrap()
                .forward(xs.shallow_clone(), &Cx::new(Mode::Train).with_dropout(share))
                .unwrap();
            // What is left is scaled up by the probability that holds in this pass.
            (
                1.0 - f64::from(i32::try_from(ys.count_nonzero(None::<i64>).int64_value(&[])).unwrap()) / 40_000.0,
                ys.max().double_value(&[]),
            )
        };
        let (all, largest) = zeroed(1.0);
        assert!((all - 0.4).abs() < 0.02 && (largest - 1.0 / 0.6).abs() < 1e-6, "{all} {largest}");
        let (half, largest) = zeroed(0.5);
        assert!((half - 0.2).abs() < 0.02 && (largest - 1.25).abs() < 1e-6, "{half} {largest}");
        assert_eq!(zeroed(0.0), (0.0, 1.0));
    }
}
