//! A two-dimensional convolution.
//!
//! Shapes: `[b, c_in, h, w] -> [b, c_out, h', w']` with `h' = (h + 2 padding - kernel) / stride + 1`.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
};

/// Size of the window and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvConfig {
    /// Side of the square kernel, >= 1, default 3.
    #[schemars(range(min = 1))]
    pub kernel: i64,
    /// Step, >= 1, default 1.
    #[schemars(range(min = 1))]
    pub stride: i64,
    /// Zeros added on each side, >= 0, default 1.
    #[schemars(range(min = 0))]
    pub padding: i64,
}

impl Default for ConvConfig {
    fn default() -> Self {
        Self { kernel: 3, stride: 1, padding: 1 }
    }
}

/// A convolution.
#[derive(Debug)]
pub struct Conv2d {
    name: String,
    w: Tensor,
    b: Option<Tensor>,
    config: ConvConfig,
    inputs: i64,
}

impl Conv2d {
    /// A convolution with bias from `inputs` to `outputs` channels.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a size out of range; [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, inputs: i64, outputs: i64, config: ConvConfig) -> Result<Self> {
        let init = Init::fan_in(inputs * config.kernel * config.kernel);
        let mut layer = Self::make(scope, inputs, outputs, config, init)?;
        layer.b = Some(scope.param("bias", &[outputs], init)?);
        Ok(layer)
    }

    /// A convolution without bias, from He's normal distribution: what stands before a batch norm, which would cancel a
    /// bias.
    ///
    /// # Errors
    /// As [`Conv2d::new`].
    pub fn without_bias(scope: &mut Scope<'_>, inputs: i64, outputs: i64, config: ConvConfig) -> Result<Self> {
        Self::make(scope, inputs, outputs, config, Init::he_normal(outputs * config.kernel * config.kernel))
    }

    fn make(scope: &mut Scope<'_>, inputs: i64, outputs: i64, config: ConvConfig, init: Init) -> Result<Self> {
        let ConvConfig { kernel, stride, padding } = config;
        for (field, value, least) in [
            ("inputs", inputs, 1),
            ("outputs", outputs, 1),
            ("kernel", kernel, 1),
            ("stride", stride, 1),
            ("padding", padding, 0),
        ] {
            if value < least {
                return Err(Error::InvalidConfig {
                    what: "conv2d",
                    field,
                    expected: format!(">= {least}"),
                    found: value.to_string(),
                });
            }
        }
        let w = scope.param("weight", &[outputs, inputs, kernel, kernel], init)?;
        Ok(Self { name: scope.name().to_owned(), w, b: None, config, inputs })
    }

    /// # Shapes
    /// `xs`: `[b, inputs, h, w]`, result `[b, outputs, h', w']`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `xs` has four axes and the right channels.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let size = xs.size();
        if size.len() != 4 || size[1] != self.inputs {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "xs",
                expected: format!("[b, {}, h, w]", self.inputs),
                found: size,
            });
        }
        let ConvConfig { stride, padding, kernel } = self.config;
        let ys = xs.f_conv2d(&self.w, self.b.as_ref(), [stride; 2], [padding; 2], [1; 2], 1).op(self.name.as_str())?;
        cx.record(|| TapeEntry {
            layer: self.name.clone(),
            input: xs.shallow_clone(),
            output: ys.shallow_clone(),
            multiply_adds: ys.numel() as u64 * u64::try_from(self.inputs * kernel * kernel).unwrap_or(0),
            product: Product::Conv2d {
                weight: self.w.shallow_clone(),
                bias: self.b.as_ref().map(Tensor::shallow_clone),
                stride,
                padding,
            },
        });
        Ok(ys)
    }
}
