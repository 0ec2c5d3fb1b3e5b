//! Chow's rule: what is expected to cost more than to reject it is rejected.
//!
//! ```text
//! rejected where  1 - max_k p_k(x) > cost
//! ```
//! **Reference** C. K. Chow, *On optimum recognition error and reject tradeoff*, IEEE Transactions on Information Theory 16, 1970, equation 4.
//! **Differs from** it where a threshold says what false answers cost: then the expected cost of the answer stands for `1 - max p`.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{RejectPart, Risk, check};
use crate::value::OrReason;

/// Settings of Chow's rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChowConfig {
    /// What it costs to reject, > 0, where an error costs 1, or what the task's threshold says; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub cost: f64,
}

impl Default for ChowConfig {
    fn default() -> Self {
        Self { cost: 0.1 }
    }
}

impl RejectPart for ChowConfig {
    fn validate(&self) -> Result<()> {
        check("cost", self.cost > 0.0 && self.cost.is_finite(), "a positive number", self.cost)
    }

    fn bound(&self, _risks: &[Risk]) -> OrReason<f64> {
        Ok(self.cost)
    }
}
