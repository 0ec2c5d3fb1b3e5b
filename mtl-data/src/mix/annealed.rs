//! First by size, later more and more alike.
//!
//! ```text
//! p_i = n_i^a / sum_j n_j^a,   a = from + (to - from) (e - 1) / (E - 1)          epoch e of E, from 1
//! ```
//! Large sources shape the trunk, small ones are not over-trained early and get their turn towards the end, where forgetting matters.
//!
//! **Reference** A. Stickland and I. Murray, "BERT and PALs: Projected Attention Layers for Efficient Adaptation in Multi-Task Learning",
//! ICML 2019: `a` from 1 to 0.2. A run of one epoch stays at `from`.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, proportional_to};
use crate::error::{Error, Result};

/// A source of `n` batches with probability proportional to `n^a`, where `a` falls from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Annealed {
    /// The exponent in the first epoch, in [0, 1]; default 1, in proportion to size.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub from: f64,
    /// The exponent in the last epoch, in [0, 1]; default 0.2; 0 is all alike.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub to: f64,
}

impl Default for Annealed {
    fn default() -> Self {
        Self { from: 1.0, to: 0.2 }
    }
}

impl MixPart for Annealed {
    fn validate(&self) -> Result<()> {
        for (field, value) in [("from", self.from), ("to", self.to)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::config("mixer", field, "in [0, 1]", value.to_string()));
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of batches and epochs are far below 2^52")]
    fn shares(&self, n: &[u64], moment: Moment) -> Result<Vec<f64>> {
        self.validate()?;
        if moment.epochs == 0 {
            let expected = "another where the number of epochs is not known: annealed is for a run whose number of epochs is known";
            return Err(Error::config("mixer", "kind", expected, "annealed"));
        }
        let last = moment.epochs.saturating_sub(1);
        let done = if last == 0 { 0.0 } else { moment.epoch.min(last) as f64 / last as f64 };
        let exponent = self.from + (self.to - self.from) * done;
        Ok(proportional_to(n.iter().map(|&n| (n as f64).powf(exponent))))
    }
}
