//! Non-linearities by name.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::{Result, TorchContext};

/// An element-wise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `x Phi(x)`, exact.
    Gelu,
    /// `x sigmoid(x)`.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// `x tanh(ln(1 + e^x))`.
    Mish,
    /// `s x` above 0, `s a (e^x - 1)` below, `s` = 1.0507, `a` = 1.6733.
    Selu,
}

impl Activation {
    /// # Shapes
    /// Any; the result has the same.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) when libtorch refuses the kind.
    pub fn forward(self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Self::Relu => xs.f_relu(),
            Self::Gelu => xs.f_gelu("none"),
            Self::Silu => xs.f_silu(),
            Self::Tanh => xs.f_tanh(),
            Self::Mish => xs.f_mish(),
            Self::Selu => xs.f_selu(),
        }
        .op("activation")
    }
}
