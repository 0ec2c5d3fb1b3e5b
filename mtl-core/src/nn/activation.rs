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
        }
        .op("activation")
    }
}
