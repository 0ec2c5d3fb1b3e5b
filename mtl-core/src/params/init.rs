//! How a parameter starts.

use tch::{Device, Kind, Tensor};

use crate::{
    error::{Result, TorchContext},
    rng::Rng,
};

/// The distribution of a parameter's first values.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All zero.
    Zeros,
    /// All one.
    Ones,
    /// 1 or -1, one as likely as the other.
    Signs,
    /// Uniform in `[-bound, bound]`.
    Uniform(f64),
    /// Normal with mean 0 and that standard deviation.
    Normal(f64),
}

impl Init {
    /// Uniform in `+-1/sqrt(fan_in)`: what PyTorch's linear and convolution layers use.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "layer sizes are far below 2^52")]
    pub fn fan_in(fan_in: i64) -> Self {
        Self::Uniform(1.0 / (fan_in.max(1) as f64).sqrt())
    }

    /// Normal with standard deviation `sqrt(2 / fan)`: He et al., ICCV 2015, for layers before a rectifier.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "layer sizes are far below 2^52")]
    pub fn he_normal(fan: i64) -> Self {
        Self::Normal((2.0 / fan.max(1) as f64).sqrt())
    }

    pub(super) fn sample(self, shape: &[i64], kind: Kind, device: Device, seed: u64) -> Result<Tensor> {
        let n = usize::try_from(shape.iter().product::<i64>()).unwrap_or(0);
        let mut rng = Rng::new(seed);
        let values: Vec<f64> = match self {
            Self::Zeros => vec![0.0; n],
            Self::Ones => vec![1.0; n],
            Self::Signs => (0..n).map(|_| if rng.uniform() < 0.5 { -1.0 } else { 1.0 }).collect(),
            Self::Uniform(bound) => (0..n).map(|_| (2.0 * rng.uniform() - 1.0) * bound).collect(),
            Self::Normal(std) => (0..n).map(|_| rng.normal() * std).collect(),
        };
        Tensor::from_slice(&values)
            .f_view(shape)
            .and_then(|t| t.f_to_device_(device, kind, false, true))
            .op("initialize parameter")
    }
}
