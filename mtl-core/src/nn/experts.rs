//! Several linear layers of one size as one batched product.
//!
//! ```text
//! y_e = x W_e + b_e          for all experts e at once
//! ```
//! **Shapes** `x [b, in]` (the same for all) or `[E, b, in]` (one each), `y [E, b, out]`. One product of `E` matrices
//! instead of `E` small layers: fewer, larger operations are what small models get fast by.

use tch::Tensor;

use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    params::{Init, Scope},
};

/// `E` linear layers with bias.
#[derive(Debug)]
pub struct Experts {
    name: String,
    w: Tensor,
    b: Tensor,
    size: [i64; 3],
}

impl Experts {
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1; [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, experts: i64, inputs: i64, outputs: i64) -> Result<Self> {
        if experts < 1 || inputs < 1 || outputs < 1 {
            return Err(Error::InvalidConfig {
                what: "experts",
                field: "size",
                expected: ">= 1".into(),
                found: format!("{experts} of {inputs} -> {outputs} at {}", scope.name()),
            });
        }
        let w = scope.param("weight", &[experts, inputs, outputs], Init::fan_in(inputs))?;
        let b = scope.param("bias", &[experts, 1, outputs], Init::fan_in(inputs))?;
        Ok(Self { name: scope.name().to_owned(), w, b, size: [experts, inputs, outputs] })
    }

    /// # Shapes
    /// `xs`: `[b, in]` or `[E, b, in]`, result `[E, b, out]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another input.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let [experts, inputs, outputs] = self.size;
        let xs = match xs.size()[..] {
            [_, width] if width == inputs => {
                xs.f_unsqueeze(0).and_then(|x| x.f_expand([experts, -1, -1], false)).op(self.name.as_str())?
            }
            [count, _, width] if count == experts && width == inputs => xs.shallow_clone(),
            _ => {
                return Err(Error::Shape {
                    op: self.name.clone(),
                    tensor: "xs",
                    expected: format!("[b, {inputs}] or [{experts}, b, {inputs}]"),
                    found: xs.size(),
                });
            }
        }; // [E, b, in]
        let ys = self.b.f_baddbmm(&xs, &self.w, 1.0, 1.0).op(self.name.as_str())?; // [E, b, out]
        cx.record(|| TapeEntry {
            layer: self.name.clone(),
            multiply_adds: u64::try_from(experts * xs.size()[1] * inputs * outputs).unwrap_or(0),
            product: Product::Experts { weight: self.w.shallow_clone(), bias: Some(self.b.shallow_clone()) },
            input: xs,
            output: ys.shallow_clone(),
        });
        Ok(ys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mode::Mode, params::ParamSet};
    use tch::{Device, Kind};

    #[test]
    fn each_expert_is_a_linear_layer() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let layer = Experts::new(&mut params.root().sub("experts"), 2, 3, 4).unwrap();
        let (w, b) = (params.get("experts.weight").unwrap().tensor(), params.get("experts.bias").unwrap().tensor());
        let shared = Tensor::from_slice(&[1.0, -2.0, 0.5, 4.0, 0.0, 1.0]).view([2, 3]);
        let own = Tensor::stack(&[&shared, &(&shared * 2.0)], 0);
        let cx = Cx::new(Mode::Eval).with_tape();
        let (ys, zs) = (layer.forward(&shared, &cx).unwrap(), layer.forward(&own, &cx).unwrap());
        for e in 0..2 {
            let by_hand = shared.matmul(&w.get(e)) + b.get(e);
            assert!((ys.get(e) - by_hand).abs().max().double_value(&[]) < 1e-14);
            let by_hand = own.get(e).matmul(&w.get(e)) + b.get(e);
            assert!((zs.get(e) - by_hand).abs().max().double_value(&[]) < 1e-14);
        }
        assert_eq!(cx.take_tape().multiply_adds(), 2 * 2 * 2 * 3 * 4);
        let e = layer.forward(&shared.narrow(1, 0, 2), &cx).unwrap_err().to_string();
        assert_eq!(e, "experts: xs must be [b, 3] or [2, b, 3], found [2, 2]");
    }
}
