//! The threshold of the smallest cost of false answers on validation; [`Threshold::cheapest`], or no yes at all where that is cheaper.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{Costs, NEVER, ThresholdPart};
use crate::{
    binary::{Threshold, sweep::Sweep},
    samples::Column,
    value::OrReason,
};

/// What false answers cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CostConfig {
    /// Cost of a yes where no is right, > 0; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub false_positive: f64,
    /// Cost of a no where yes is right, > 0; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub false_negative: f64,
}

impl Default for CostConfig {
    fn default() -> Self {
        let Costs { false_positive, false_negative } = Costs::default();
        Self { false_positive, false_negative }
    }
}

impl ThresholdPart for CostConfig {
    fn validate(&self) -> Result<()> {
        Costs { false_positive: self.false_positive, false_negative: self.false_negative }.validate("threshold")
    }

    fn costs(&self) -> Option<Costs> {
        Some(Costs { false_positive: self.false_positive, false_negative: self.false_negative })
    }

    fn threshold(&self, column: &Column) -> OrReason<f32> {
        let best = Threshold::cheapest(column, self.false_negative, self.false_positive)?;
        // To say no to all misses every positive, and is not among the thresholds that occur.
        let silence = self.false_negative * Sweep::new(column).positives();
        Ok(if best.objective > silence { NEVER } else { best.threshold })
    }
}
