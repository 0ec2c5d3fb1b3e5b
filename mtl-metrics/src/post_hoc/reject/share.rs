//! The riskiest answers, as many as somebody else has time for.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{RejectPart, Risk, check};
use crate::value::OrReason;

/// Settings of a share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShareConfig {
    /// The share of validation that is rejected at most, in [0, 1); default 0.05.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub share: f64,
}

impl Default for ShareConfig {
    fn default() -> Self {
        Self { share: 0.05 }
    }
}

impl RejectPart for ShareConfig {
    fn validate(&self) -> Result<()> {
        check("share", (0.0..1.0).contains(&self.share), "in [0, 1)", self.share)
    }

    /// The smallest risk that leaves at most that share above it.
    fn bound(&self, risks: &[Risk]) -> OrReason<f64> {
        let total: f64 = risks.iter().map(|own| own.weight).sum();
        let mut kept = 0.0;
        for equal in risks.chunk_by(|a, b| a.risk.total_cmp(&b.risk).is_eq()) {
            kept += equal.iter().map(|own| own.weight).sum::<f64>();
            // The slack is rounding: 5 of 100 are a share of 0.05.
            if total - kept <= self.share * total * (1.0 + 1e-12) {
                return Ok(equal[0].risk);
            }
        }
        Err("there is no label".into())
    }
}
