//! The threshold of the smallest expected cost, if probabilities are right.
//!
//! ```text
//! yes where (1 - p) false_positive <= p false_negative,  so from  p* = false_positive / (false_positive + false_negative)  on
//! ```
//! It rests on the probability alone, so calibrate it; [`cost`](super::CostConfig) asks validation instead.
//!
//! **Reference** C. Elkan, *The Foundations of Cost-Sensitive Learning*, IJCAI 2001, equation 2, with right answers free.
//! **Differs from** nothing known.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{Costs, ThresholdPart};
use crate::{post_hoc::evidence::single, samples::Column, value::OrReason};

/// What false answers cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BayesConfig {
    /// Cost of a yes where no is right, > 0; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub false_positive: f64,
    /// Cost of a no where yes is right, > 0; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub false_negative: f64,
}

impl Default for BayesConfig {
    fn default() -> Self {
        let Costs { false_positive, false_negative } = Costs::default();
        Self { false_positive, false_negative }
    }
}

impl ThresholdPart for BayesConfig {
    fn validate(&self) -> Result<()> {
        Costs { false_positive: self.false_positive, false_negative: self.false_negative }.validate("threshold")
    }

    fn costs(&self) -> Option<Costs> {
        Some(Costs { false_positive: self.false_positive, false_negative: self.false_negative })
    }

    fn threshold(&self, _column: &Column) -> OrReason<f32> {
        Ok(single(self.false_positive / (self.false_positive + self.false_negative)))
    }
}
