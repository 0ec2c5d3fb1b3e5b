//! Cosines of learned frequencies and phases, a linear map a field, beside the number itself.
//!
//! ```text
//! token_j = [x_j, cos(2 pi f_j x_j + p_j) V_j + c_j]     x: [b, n]   f, p: [n, k]   V: [n, k, d - 1]   token: [b, n, d]
//! ```
//! The number itself is a coordinate, so nothing is lost and few further coordinates do.
//!
//! **Reference** Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data",
//! NeurIPS 2024, arXiv 2407.04491 (PBLD). Defaults as theirs: 16 frequencies of deviation 0.1, phases uniform over the circle;
//! their vectors are 4 wide.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{NumberEmbeddingPart, NumbersToTokens, at_least, by_field, by_sample, positive};
use crate::{
    context::Cx,
    error::{Result, TorchContext},
    input::Numeric,
    nn::Experts,
    params::{Init, Scope},
};

/// Settings of `pbld`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PbldConfig {
    /// Frequencies a field, >= 1; default 16.
    #[schemars(range(min = 1))]
    pub frequencies: i64,
    /// Standard deviation of the first frequencies, > 0; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub sigma: f64,
}

impl Default for PbldConfig {
    fn default() -> Self {
        Self { frequencies: 16, sigma: 0.1 }
    }
}

impl NumberEmbeddingPart for PbldConfig {
    fn build(&self, scope: &mut Scope<'_>, _: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>> {
        let (n, k) = (fields.names.len() as i64, self.frequencies);
        at_least("width (of which pbld gives one to the number itself)", d, 2)?;
        at_least("frequencies", k, 1)?;
        positive("sigma", self.sigma)?;
        let frequencies = scope.param("frequencies", &[n, 1, k], Init::Normal(self.sigma))?;
        let phases = scope.param("phases", &[n, 1, k], Init::Uniform(PI))?;
        let map = Experts::new(scope, n, k, d - 1)?;
        Ok(Box::new(Pbld { name: scope.name().to_owned(), frequencies, phases, map }))
    }
}

#[derive(Debug)]
struct Pbld {
    name: String,
    /// `[n, 1, k]`.
    frequencies: Tensor,
    /// `[n, 1, k]`.
    phases: Tensor,
    map: Experts,
}

impl NumbersToTokens for Pbld {
    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let op = self.name.as_str();
        let xs = by_field(op, xs)?; // [n, b, 1]
        let frequencies = self.frequencies.f_mul_scalar(2.0 * PI).op(op)?;
        let waves = self.phases.f_addcmul(&xs, &frequencies).and_then(|angles| angles.f_cos()).op(op)?; // [n, b, k]
        let mapped = self.map.forward(&waves, cx)?; // [n, b, d - 1]
        by_sample(op, &Tensor::f_cat(&[xs, mapped], -1).op(op)?)
    }
}
