//! The threshold of the best F1 on validation: [`Threshold::best_f1`].

use serde::{Deserialize, Serialize};

use super::ThresholdPart;
use crate::{binary::Threshold, samples::Column, value::OrReason};

/// Settings of the best F1: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct F1Config {}

impl ThresholdPart for F1Config {
    fn threshold(&self, column: &Column) -> OrReason<f32> {
        Threshold::best_f1(column).map(|best| best.threshold)
    }
}
