//! The riskiest answers, until few enough of those that are kept are wrong.
//!
//! What holds on validation need not hold elsewhere: the page shows how it is on test. No bound of probability is promised (Geifman and El-Yaniv,
//! *Selective Classification for Deep Neural Networks*, NeurIPS 2017, have one).

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{RejectPart, Risk, check, coverage_risk};
use crate::value::OrReason;

/// The bound where even of the least risky answers more are wrong: all are rejected.
const NOTHING: f64 = -1.0;

/// Settings of a share of errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorConfig {
    /// The share of the kept answers of validation that is wrong at most, in (0, 1); default 0.05.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub error: f64,
}

impl Default for ErrorConfig {
    fn default() -> Self {
        Self { error: 0.05 }
    }
}

impl RejectPart for ErrorConfig {
    fn validate(&self) -> Result<()> {
        check("error", self.error > 0.0 && self.error < 1.0, "in (0, 1)", self.error)
    }

    /// The largest risk up to which so few are wrong.
    fn bound(&self, risks: &[Risk]) -> OrReason<f64> {
        let stops = risks.chunk_by(|a, b| a.risk.total_cmp(&b.risk).is_eq()).map(|equal| equal[0].risk);
        let curve = coverage_risk(risks, usize::MAX);
        let fits = stops.zip(curve).filter(|(_, kept)| kept.error <= self.error).last();
        Ok(fits.map_or(NOTHING, |(risk, _)| risk))
    }
}
