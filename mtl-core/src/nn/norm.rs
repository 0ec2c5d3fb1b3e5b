//! Layer normalization (Ba, Kiros and Hinton, 2016).
//!
//! ```text
//! y = (x - mean(x)) / sqrt(var(x) + eps) * g + b       over the last axis, eps = 1e-5
//! ```

use tch::Tensor;

use super::check_width;
use crate::{
    error::{Result, TorchContext},
    params::{Init, Scope},
};

/// Normalizes the last axis.
#[derive(Debug)]
pub struct LayerNorm {
    name: String,
    g: Tensor,
    b: Tensor,
    width: i64,
}

impl LayerNorm {
    /// A norm over vectors of that width, at first the identity up to standardization.
    ///
    /// # Errors
    /// [`Error::Duplicate`](crate::Error::Duplicate) when the name is taken.
    pub fn new(scope: &mut Scope<'_>, width: i64) -> Result<Self> {
        let g = scope.param("weight", &[width], Init::Ones)?;
        let b = scope.param("bias", &[width], Init::Zeros)?;
        Ok(Self { name: scope.name().to_owned(), g, b, width })
    }

    /// # Shapes
    /// `xs`: `[.., width]`, result the same.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the last axis differs.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        check_width(&self.name, xs, self.width)?;
        xs.f_layer_norm([self.width], Some(&self.g), Some(&self.b), 1e-5, true).op(self.name.as_str())
    }
}
