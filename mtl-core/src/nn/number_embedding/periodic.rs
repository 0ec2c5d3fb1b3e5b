//! Sines and cosines of learned frequencies, a linear map and a rectifier a field.
//!
//! ```text
//! p       = [cos(2 pi f_j x_j), sin(2 pi f_j x_j)]        x: [b, n]   f: [n, k]   p: [b, n, 2k]
//! token_j = relu(p V_j + c_j)                             V: [n, 2k, d]   c: [n, d]   token: [b, n, d]
//! ```
//! Frequencies start as `N(0, sigma^2)`: `sigma` is how fine a structure the first steps see, and the setting that matters.
//!
//! **Reference** Gorishniy et al., NeurIPS 2022, arXiv 2203.05556 (PLR). Defaults as `rtdl_num_embeddings`: 48 frequencies,
//! sigma 0.01.
//!
//! **Differs from** it: the normal distribution is not cut at three deviations.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{NumberEmbeddingPart, NumbersToTokens, at_least, by_field, by_sample, positive};
use crate::{
    context::Cx,
    error::{Result, TorchContext},
    input::Numeric,
    nn::{Activation, Experts},
    params::{Init, Scope},
};

/// Settings of `periodic`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PeriodicConfig {
    /// Frequencies a field, >= 1; default 48.
    #[schemars(range(min = 1))]
    pub frequencies: i64,
    /// Standard deviation of the first frequencies, > 0; default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub sigma: f64,
}

impl Default for PeriodicConfig {
    fn default() -> Self {
        Self { frequencies: 48, sigma: 0.01 }
    }
}

impl NumberEmbeddingPart for PeriodicConfig {
    fn build(&self, scope: &mut Scope<'_>, _: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>> {
        let (n, k) = (fields.names.len() as i64, self.frequencies);
        at_least("frequencies", k, 1)?;
        positive("sigma", self.sigma)?;
        let frequencies = scope.param("frequencies", &[n, 1, k], Init::Normal(self.sigma))?;
        let map = Experts::new(scope, n, 2 * k, d)?;
        Ok(Box::new(Periodic { name: scope.name().to_owned(), frequencies, map }))
    }
}

#[derive(Debug)]
struct Periodic {
    name: String,
    /// `[n, 1, k]`.
    frequencies: Tensor,
    map: Experts,
}

impl NumbersToTokens for Periodic {
    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let op = self.name.as_str();
        let frequencies = self.frequencies.f_mul_scalar(2.0 * PI).op(op)?;
        let angles = by_field(op, xs)?.f_mul(&frequencies).op(op)?; // [n, b, k]
        let waves = angles.f_cos().and_then(|cos| Tensor::f_cat(&[cos, angles.f_sin()?], -1)).op(op)?; // [n, b, 2k]
        by_sample(op, &Activation::Relu.forward(&self.map.forward(&waves, cx)?)?)
    }
}
