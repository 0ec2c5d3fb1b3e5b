//! Krum: keeps the gradients that lie closest to the others and drops the outliers.
//!
//! Made for distributed training with faulty workers; in multi-task learning a baseline, and a guard when tasks are
//! replicas of one another.
//!
//! ```text
//! score_i = sum of the distances ‖g_i - g_j‖ to the m - f - 2 nearest others
//! w_i = 1 / k for the k tasks with the lowest scores, else 0
//! ```
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`. `O(m² log m)`.
//!
//! **Reference**: Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine learning with adversaries: Byzantine tolerant
//! gradient descent", NeurIPS 2017.
//!
//! **Differs from** the paper, which sums squared distances, as TorchJD does; from TorchJD: with fewer than `f + 3` tasks
//! in a step nothing can be told, so all get the same weight (TorchJD raises); `f` defaults to 0.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    task::TaskSet,
};

/// Settings of [`Krum`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KrumConfig {
    /// `f`, how many gradients may be outliers; default 0.
    pub outliers: usize,
    /// `k`, how many gradients are kept; at least 1, default 1.
    #[schemars(range(min = 1))]
    pub selected: usize,
}

impl Default for KrumConfig {
    fn default() -> Self {
        Self { outliers: 0, selected: 1 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Krum {
    config: KrumConfig,
    distances: Vec<f64>,
    scores: Vec<(f64, usize)>,
}

impl Krum {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) unless `1 <= selected <= tasks`.
    pub fn new(config: &KrumConfig, tasks: &TaskSet) -> Result<Self> {
        if config.selected == 0 || config.selected > tasks.len() {
            return check::refuse("krum", "selected", format!("in 1..={}", tasks.len()), config.selected);
        }
        Ok(Self { config: config.clone(), distances: Vec::new(), scores: Vec::new() })
    }
}

impl Balancer for Krum {
    fn name(&self) -> &'static str {
        "krum"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let m = gramian.m();
        if m < self.config.outliers + 3 {
            weights.fill(1.0 / m.max(1) as f64);
            return Ok(Outcome::default());
        }
        self.scores.clear();
        for i in 0..m {
            self.distances.clear();
            self.distances.extend((0..m).filter(|&j| j != i).map(|j| {
                // Halved terms: the sum of two finite squares stays finite.
                let square = 0.5 * gramian.diag(i) + 0.5 * gramian.diag(j) - gramian.get(i, j);
                square.max(0.0).sqrt()
            }));
            self.distances.sort_by(f64::total_cmp);
            self.scores.push((self.distances[..m - self.config.outliers - 2].iter().sum(), i));
        }
        // Ties go to the first task; rounding must not break them.
        let largest = self.scores.iter().fold(f64::MIN_POSITIVE, |a: f64, (s, _)| a.max(*s));
        self.scores.sort_by(|a, b| (a.0 / largest * 1e10).round().total_cmp(&(b.0 / largest * 1e10).round()));
        let kept = self.config.selected.min(m);
        weights.fill(0.0);
        for (_, i) in &self.scores[..kept] {
            weights[*i] = 1.0 / kept as f64;
        }
        Ok(Outcome::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn the_outlier_is_dropped() {
        let g = Gramian::of_rows(&[[1.0, 0.0], [1.1, 0.0], [0.9, 0.1], [-50.0, 3.0]]);
        let config = KrumConfig { outliers: 1, selected: 3 };
        let w = testing::weigh(&mut Krum::new(&config, &testing::tasks(4)).unwrap(), &g, &[], 0).unwrap();
        testing::assert_close(&w, &[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0], 1e-15);
    }

    #[test]
    fn too_few_tasks_are_averaged_and_settings_checked() {
        assert_eq!(testing::weigh_rows("krum", &[[1.0], [5.0]]).unwrap(), [0.5, 0.5]);
        assert!(Krum::new(&KrumConfig { outliers: 0, selected: 0 }, &testing::tasks(2)).is_err());
        assert!(Krum::new(&KrumConfig { outliers: 0, selected: 3 }, &testing::tasks(2)).is_err());
    }
}
