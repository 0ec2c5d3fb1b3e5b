//! The threshold of the largest `TPR - FPR` on validation: [`Threshold::youden`].

use serde::{Deserialize, Serialize};

use super::ThresholdPart;
use crate::{binary::Threshold, samples::Column, value::OrReason};

/// Settings of Youden's threshold: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct YoudenConfig {}

impl ThresholdPart for YoudenConfig {
    fn threshold(&self, column: &Column) -> OrReason<f32> {
        Threshold::youden(column).map(|best| best.threshold)
    }
}
