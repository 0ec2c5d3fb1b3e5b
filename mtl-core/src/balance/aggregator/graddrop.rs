//! GradDrop: every coordinate keeps the gradients of one sign only, drawn by how much they weigh.
//!
//! ```text
//! P = ½ (1 + sum_i g_i / sum_i |g_i|)   per coordinate;   keep positive parts when U < P, else negative parts
//! d = sum_i (leak_i + (1 - leak_i) [g_i has the kept sign]) g_i,   U uniform
//! ```
//!
//! **Shapes**: rows `[m, n]`, direction `[n]`, per block.
//!
//! **Reference**: Chen, Ngiam, Huang, Luong, Kretzschmar, Chai, Anguelov, "Just pick a sign: optimizing deep multitask
//! models with gradient sign dropout", NeurIPS 2020, <https://arxiv.org/abs/2010.06808>.
//!
//! **Differs from** LibMTL (representation gradients only) and TorchJD (equal up to the draws, which here follow from
//! `(seed, step, block)`).

use serde::{Deserialize, Serialize};

use super::{Aggregator, AggregatorNeeds};
use crate::{
    balance::{Evidence, check},
    error::Result,
    rng::{Rng, derive},
    task::TaskSet,
};

/// Settings of [`GradDrop`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradDropConfig {
    /// Share of every gradient that is never dropped; in `[0, 1]`, default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub leak: f64,
    /// Seed of the draws; default 0.
    pub seed: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct GradDrop {
    config: GradDropConfig,
    step: u64,
}

impl GradDrop {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a leak outside `[0, 1]`.
    pub fn new(config: &GradDropConfig, _tasks: &TaskSet) -> Result<Self> {
        check::closed("graddrop", "leak", config.leak, 0.0, 1.0)?;
        Ok(Self { config: config.clone(), step: 0 })
    }
}

impl Aggregator for GradDrop {
    fn name(&self) -> &'static str {
        "graddrop"
    }

    fn needs(&self) -> AggregatorNeeds {
        AggregatorNeeds::default()
    }

    fn begin(&mut self, evidence: &Evidence<'_>) -> Result<()> {
        self.step = evidence.step;
        Ok(())
    }

    fn direct(&mut self, block: usize, rows: &[&[f32]], direction: &mut [f32]) -> Result<()> {
        let mut rng = Rng::new(derive(derive(self.config.seed, "graddrop", self.step), "block", block as u64));
        for (k, d) in direction.iter_mut().enumerate() {
            let (mut positive, mut negative) = (0.0, 0.0);
            for row in rows {
                let g = f64::from(row[k]);
                positive += g.max(0.0);
                negative += g.min(0.0);
            }
            let keep_positive = rng.uniform() * (positive - negative) < positive; // U < P
            let (kept, dropped) = if keep_positive { (positive, negative) } else { (negative, positive) };
            #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
            let value = (kept + self.config.leak * dropped) as f32;
            *d = value;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn signs_are_drawn_by_their_share() {
        let tasks = crate::balance::testing::tasks(2);
        let mut method = GradDrop::new(&GradDropConfig::default(), &tasks).unwrap();
        let rows = vec![vec![3.0f32; 400], vec![-1.0f32; 400]];
        let d = testing::direct(&mut method, &rows, &[], 0).unwrap();
        let kept = d.iter().filter(|x| (**x - 3.0).abs() < 1e-6).count();
        assert!(d.iter().all(|x| (*x - 3.0).abs() < 1e-6 || (*x + 1.0).abs() < 1e-6));
        assert!((270..330).contains(&kept), "3 of 4 expected, {kept} of 400");
        assert_eq!(testing::direct(&mut method, &rows, &[], 0).unwrap(), d);
        assert_ne!(testing::direct(&mut method, &rows, &[], 1).unwrap(), d);
    }

    #[test]
    fn agreeing_coordinates_are_summed_and_a_full_leak_is_the_sum() {
        let tasks = crate::balance::testing::tasks(2);
        let rows = vec![vec![1.0, -2.0, 3.0], vec![0.5, -1.0, -4.0]];
        let mut method = GradDrop::new(&GradDropConfig { leak: 1.0, seed: 0 }, &tasks).unwrap();
        assert_eq!(testing::direct(&mut method, &rows, &[], 0).unwrap(), [1.5, -3.0, -1.0]);
        assert!(GradDrop::new(&GradDropConfig { leak: 2.0, seed: 0 }, &tasks).is_err());
    }
}
