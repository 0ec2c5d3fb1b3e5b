//! Of every class as many rows, or nearer to that than the data.
//!
//! ```text
//! share of class c = n_c^(1 - p) / sum_j n_j^(1 - p)         p = 1: all alike; 1/2: by the square root of their size; 0: as the data
//! ```
//! An epoch has as many rows as there are. **Reference** Kang et al. 2020, equation 1, where `q = 1 - p`; the square root is Mahajan et al.,
//! "Exploring the Limits of Weakly Supervised Pretraining", ECCV 2018.

use serde::{Deserialize, Serialize};

use super::{
    By, Deal, Rows, SamplerPart,
    quotas::{deal, in_shares},
};
use crate::error::{Error, Result};

/// Rows by the classes of a task, evened out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Balanced {
    /// The task whose classes are evened out; default the only one that has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of its yes/no labels; default the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How far: 1 makes classes alike, 0.5 takes the square root of their sizes, 0 leaves them as they are, in `[0, 1]`; default 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub power: f64,
}

impl Default for Balanced {
    fn default() -> Self {
        Self { task: None, label: None, power: 1.0 }
    }
}

impl SamplerPart for Balanced {
    fn validate(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.power) {
            true => Ok(()),
            false => Err(Error::config("sampler", "power", "in [0, 1]", self.power.to_string())),
        }
    }

    fn by(&self) -> By<'_> {
        By::classes_of(self.task.as_deref())
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        deal(rows, self.task.as_deref(), self.label.as_deref(), |counts| {
            in_shares(counts, |n| (n as f64).powf(1.0 - self.power))
        })
    }
}
