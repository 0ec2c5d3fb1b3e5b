//! Rows by their labels, where not every row has one of every task.
//!
//! ```text
//! labels    w_i = d_i^p                       d_i: of how many tasks row i has a label
//! rarity    w_i = sum_(t known) 1 / n_t       n_t: rows that have a label of task t; every task is learned from as often as any other
//! ```
//! An epoch has as many rows as there are; the share `floor` of it is dealt without regard to labels, so that no row starves. A row without
//! any label teaches nothing, and without a floor it is not dealt.

use serde::{Deserialize, Serialize};

use super::{Deal, Rows, SamplerPart, weighted::Weighted};
use crate::error::{Error, Result};

/// What makes a row come more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DensityBy {
    /// Labels of many tasks.
    #[default]
    Labels,
    /// Labels of tasks that have few.
    Rarity,
}

/// Rows by how many tasks they have labels of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Density {
    /// `"labels"`: rows that have labels of many tasks come more often; `"rarity"`: those that have labels of tasks with few; default
    /// `"labels"`.
    pub by: DensityBy,
    /// With `"labels"`, how much more often: 1 in proportion to their number, 0 all labeled rows alike, >= 0; default 1.
    #[schemars(range(min = 0.0))]
    pub power: f64,
    /// The share of an epoch that is dealt alike, in `[0, 1]`; default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

impl Default for Density {
    fn default() -> Self {
        Self { by: DensityBy::Labels, power: 1.0, floor: 0.0 }
    }
}

impl SamplerPart for Density {
    fn validate(&self) -> Result<()> {
        if !(self.power >= 0.0 && self.power.is_finite()) {
            return Err(Error::config("sampler", "power", ">= 0", self.power.to_string()));
        }
        match (0.0..=1.0).contains(&self.floor) {
            true => Ok(()),
            false => Err(Error::config("sampler", "floor", "in [0, 1]", self.floor.to_string())),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        let mut weights = vec![0.0; usize::try_from(rows.len()).unwrap_or(0)];
        for labeled in rows.labeled()? {
            let each = match self.by {
                DensityBy::Labels => 1.0,
                DensityBy::Rarity => 1.0 / labeled.len() as f64,
            };
            labeled.iter().filter_map(|row| usize::try_from(*row).ok()).for_each(|row| weights[row] += each);
        }
        if self.by == DensityBy::Labels {
            weights.iter_mut().filter(|d| **d > 0.0).for_each(|d| *d = d.powf(self.power));
        }
        Ok(Weighted::new(&weights, self.floor).map(|deal| Box::new(deal) as Box<dyn Deal>))
    }
}
