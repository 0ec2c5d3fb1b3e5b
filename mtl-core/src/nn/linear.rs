//! A linear layer.
//!
//! ```text
//! y = x W^T + b        x: [.., i]   W: [o, i]   b: [o]   y: [.., o]
//! ```
//! Initial values as in PyTorch: uniform in `+-1/sqrt(i)` for both.

use tch::{Kind, Tensor};

use super::{check_width, product_cost};
use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
};

/// `y = x W^T + b`.
#[derive(Debug)]
pub struct Linear {
    name: String,
    w: Tensor,
    b: Option<Tensor>,
    inputs: i64,
    outputs: i64,
}

impl Linear {
    /// A layer with bias.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1; [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        let mut layer = Self::without_bias(scope, inputs, outputs)?;
        layer.b = Some(scope.param("bias", &[outputs], Init::fan_in(inputs))?);
        Ok(layer)
    }

    /// A layer without bias.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn without_bias(scope: &mut Scope<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        if inputs < 1 || outputs < 1 {
            return Err(Error::InvalidConfig {
                what: "linear",
                field: "size",
                expected: ">= 1".into(),
                found: format!("{inputs} -> {outputs} at {}", scope.name()),
            });
        }
        let w = scope.param("weight", &[outputs, inputs], Init::fan_in(inputs))?;
        Ok(Self { name: scope.name().to_owned(), w, b: None, inputs, outputs })
    }

    /// Input width.
    #[must_use]
    pub fn inputs(&self) -> i64 {
        self.inputs
    }

    /// Output width.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.outputs
    }

    /// The element kind of its weight, which its input must have.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.w.kind()
    }

    /// # Shapes
    /// `xs`: `[.., inputs]`, result `[.., outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the last axis differs.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        check_width(&self.name, xs, self.inputs)?;
        let ys = xs.f_linear(&self.w, self.b.as_ref()).op(self.name.as_str())?;
        cx.record(|| TapeEntry {
            layer: self.name.clone(),
            input: xs.shallow_clone(),
            output: ys.shallow_clone(),
            multiply_adds: product_cost(xs.numel() as i64 / self.inputs, self.inputs, self.outputs),
            product: Product::Linear {
                weight: self.w.shallow_clone(),
                bias: self.b.as_ref().map(Tensor::shallow_clone),
            },
        });
        Ok(ys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mode::Mode, params::ParamSet};
    use tch::Device;

    #[test]
    fn computes_the_product_and_records_it() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let layer = Linear::new(&mut params.root().sub("head"), 2, 3).unwrap();
        let (w, b) = (params.get("head.weight").unwrap().tensor(), params.get("head.bias").unwrap().tensor());
        let xs = Tensor::from_slice(&[1.0, -2.0, 0.5, 4.0]).view([2, 2]);
        let cx = Cx::new(Mode::Eval).with_tape();
        let ys = layer.forward(&xs, &cx).unwrap();
        let by_hand = xs.matmul(&w.tr()) + b;
        assert!((&ys - by_hand).abs().max().double_value(&[]) < 1e-15);
        let tape = cx.take_tape();
        assert_eq!((tape.0.len(), tape.multiply_adds(), tape.0[0].layer.as_str()), (1, 12, "head"));
        assert_eq!(tape.0[0].output, ys);
    }

    #[test]
    fn a_wrong_width_is_named() {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        let layer = Linear::new(&mut params.root().sub("head"), 2, 3).unwrap();
        let e = layer.forward(&Tensor::zeros([4, 5], tch::kind::FLOAT_CPU), &Cx::new(Mode::Eval)).unwrap_err();
        assert_eq!(e.to_string(), "head: xs must be [.., 2], found [4, 5]");
        assert!(Linear::new(&mut params.root().sub("empty"), 0, 3).is_err());
    }
}
