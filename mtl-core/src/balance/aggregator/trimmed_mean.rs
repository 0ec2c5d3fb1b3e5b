//! Trimmed mean: per coordinate, the mean of what is left without the `k` smallest and `k` largest gradients.
//!
//! ```text
//! d = mean of the middle m - 2 k values, per coordinate
//! ```
//!
//! **Shapes**: rows `[m, n]`, direction `[n]`, per block. `O(n m log m)`.
//!
//! **Reference**: Yin, Chen, Ramchandran, Bartlett, "Byzantine-robust distributed learning: towards optimal statistical
//! rates", ICML 2018, <https://arxiv.org/abs/1803.01498>.
//!
//! **Differs from** TorchJD: with too few tasks in a step as many are trimmed as leave one or two (TorchJD raises).

use serde::{Deserialize, Serialize};

use super::{Aggregator, AggregatorNeeds};
use crate::{
    balance::{Evidence, check},
    error::Result,
    task::TaskSet,
};

/// Settings of [`TrimmedMean`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrimmedMeanConfig {
    /// `k`, how many are cut at each end; at most (tasks - 1) / 2, default 0.
    pub trim: usize,
}

#[expect(clippy::derivable_impls, reason = "every config states its defaults")]
impl Default for TrimmedMeanConfig {
    fn default() -> Self {
        Self { trim: 0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct TrimmedMean {
    trim: usize,
    column: Vec<f32>,
}

impl TrimmedMean {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) when nothing would be left.
    pub fn new(config: &TrimmedMeanConfig, tasks: &TaskSet) -> Result<Self> {
        let most = (tasks.len() - 1) / 2;
        if config.trim > most {
            return check::refuse("trimmed-mean", "trim", format!("at most {most}"), config.trim);
        }
        Ok(Self { trim: config.trim, column: Vec::new() })
    }
}

impl Aggregator for TrimmedMean {
    fn name(&self) -> &'static str {
        "trimmed-mean"
    }

    fn needs(&self) -> AggregatorNeeds {
        AggregatorNeeds::default()
    }

    fn begin(&mut self, _evidence: &Evidence<'_>) -> Result<()> {
        Ok(())
    }

    fn direct(&mut self, _block: usize, rows: &[&[f32]], direction: &mut [f32]) -> Result<()> {
        let m = rows.len();
        let trim = self.trim.min(m.saturating_sub(1) / 2);
        for (k, d) in direction.iter_mut().enumerate() {
            self.column.clear();
            self.column.extend(rows.iter().map(|r| r[k]));
            self.column.sort_by(f32::total_cmp);
            let middle = &self.column[trim..m - trim];
            let sum: f64 = middle.iter().map(|x| f64::from(*x)).sum();
            #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
            let mean = (sum / middle.len().max(1) as f64) as f32;
            *d = mean;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn the_extremes_of_every_coordinate_are_cut() {
        let rows = vec![vec![1.0, 9.0, 0.0], vec![2.0, -9.0, 0.0], vec![300.0, 1.0, 6.0]];
        let tasks = crate::balance::testing::tasks(3);
        let mut method = TrimmedMean::new(&TrimmedMeanConfig { trim: 1 }, &tasks).unwrap();
        assert_eq!(testing::direct(&mut method, &rows, &[], 0).unwrap(), [2.0, 1.0, 0.0]);
        let mut method = TrimmedMean::new(&TrimmedMeanConfig::default(), &tasks).unwrap();
        assert_eq!(testing::direct(&mut method, &rows, &[], 0).unwrap(), [101.0, 1.0 / 3.0, 2.0]);
        assert!(TrimmedMean::new(&TrimmedMeanConfig { trim: 2 }, &tasks).is_err());
    }
}
