//! A learned direction and origin a field, then a rectifier.
//!
//! ```text
//! token_j = relu(x_j w_j + b_j)        x: [b, n]   w, b: [n, d]   token: [b, n, d]
//! ```
//! Each coordinate is a hinge at `-b / w`: the simplest basis of functions with a bend. Parameters are those of `linear`.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{NumberEmbeddingPart, NumbersToTokens, NumericTokens};
use crate::{context::Cx, error::Result, input::Numeric, nn::Activation, params::Scope};

/// Settings of `linear-relu`: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearReluConfig {}

impl NumberEmbeddingPart for LinearReluConfig {
    fn build(&self, scope: &mut Scope<'_>, _: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>> {
        Ok(Box::new(LinearRelu(NumericTokens::new(scope, fields.names.len() as i64, d)?)))
    }
}

#[derive(Debug)]
struct LinearRelu(NumericTokens);

impl NumbersToTokens for LinearRelu {
    fn forward(&self, xs: &Tensor, _: &Cx) -> Result<Tensor> {
        Activation::Relu.forward(&self.0.forward(xs)?)
    }
}
