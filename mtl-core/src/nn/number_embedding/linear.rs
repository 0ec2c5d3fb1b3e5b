//! A learned direction and origin a field.
//!
//! ```text
//! token_j = x_j w_j + b_j        x: [b, n]   w, b: [n, d]   token: [b, n, d]
//! ```
//! **Reference** Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021 (feature tokenizer).

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{NumberEmbeddingPart, NumbersToTokens};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    input::Numeric,
    params::{Init, Scope},
};

/// Settings of `linear`: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearConfig {}

impl NumberEmbeddingPart for LinearConfig {
    fn build(&self, scope: &mut Scope<'_>, _: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>> {
        Ok(Box::new(NumericTokens::new(scope, fields.names.len() as i64, d)?))
    }
}

/// Numbers as tokens, `token_j = x_j w_j + b_j`.
#[derive(Debug)]
pub struct NumericTokens {
    name: String,
    w: Tensor,
    b: Tensor,
    n_fields: i64,
}

impl NumericTokens {
    /// Tokens for `n_fields` numbers.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the name is taken.
    pub fn new(scope: &mut Scope<'_>, n_fields: i64, width: i64) -> Result<Self> {
        let w = scope.param("weight", &[n_fields, width], Init::fan_in(width))?;
        let b = scope.param("bias", &[n_fields, width], Init::fan_in(width))?;
        Ok(Self { name: scope.name().to_owned(), w, b, n_fields })
    }

    /// # Shapes
    /// `xs`: `[b, fields]`, result `[b, fields, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of fields.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        if xs.size().len() != 2 || xs.size()[1] != self.n_fields {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "xs",
                expected: format!("[b, {}]", self.n_fields),
                found: xs.size(),
            });
        }
        let xs = xs.f_to_kind(self.w.kind()).and_then(|x| x.f_unsqueeze(-1)).op(self.name.as_str())?; // [b, fields, 1]
        self.b.f_addcmul(&xs, &self.w).op(self.name.as_str()) // [b, fields, d]
    }

    /// The same with fields first: `xs [n, b, 1]`, result `[n, b, d]`.
    pub(super) fn by_field(&self, xs: &Tensor) -> Result<Tensor> {
        let (w, b) = (self.w.f_unsqueeze(1), self.b.f_unsqueeze(1)); // [n, 1, d]
        let tokens = w.and_then(|w| b.and_then(|b| b.f_addcmul(xs, &w)));
        tokens.op(self.name.as_str())
    }
}

impl NumbersToTokens for NumericTokens {
    fn forward(&self, xs: &Tensor, _: &Cx) -> Result<Tensor> {
        Self::forward(self, xs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamSet;
    use tch::{Device, Kind};

    #[test]
    fn numbers_move_along_their_direction() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
        let tokens = NumericTokens::new(&mut params.root().sub("numeric"), 2, 3).unwrap();
        let (w, b) = (params.get("numeric.weight").unwrap().tensor(), params.get("numeric.bias").unwrap().tensor());
        let ys = tokens.forward(&Tensor::from_slice(&[2.0f32, -1.0]).view([1, 2])).unwrap();
        let by_hand: Tensor = w.get(0) * 2.0 + b.get(0);
        assert!((ys.get(0).get(0) - by_hand).abs().max().double_value(&[]) < 1e-15);
    }
}
