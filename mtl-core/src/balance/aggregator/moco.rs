//! MoCo: MGDA by small steps, on running gradients that even out the noise of batches.
//!
//! ```text
//! y_i <- y_i + beta (l_i g_i / ‖g_i‖ - y_i)
//! lambda <- simplex projection of  lambda - gamma (Y Y' + rho I) lambda
//! d = sum_i lambda_i y_i
//! ```
//!
//! `y_i` running gradient of task `i`, `lambda` weights (start at `1/m`), `beta`, `gamma` step sizes, `rho` ridge.
//!
//! **Shapes**: rows `[m, n]` per block; state: `y` `[tasks, n]` and `lambda` `[tasks]`.
//!
//! **Reference**: Fernando, Shen, Liu, Chaudhury, Murugesan, Chen, "Mitigating gradient bias in multi-objective learning:
//! a provably convergent approach", ICLR 2023.
//!
//! **Differs from** LibMTL: projection on the simplex, as in the paper, instead of a softmax; constant step sizes (LibMTL
//! decays them with the step); the running gradients are state.

use serde::{Deserialize, Serialize};

use super::{Aggregator, AggregatorNeeds, running::Running};
use crate::{
    balance::{Evidence, Gramian, Outcome, check, solver::project_simplex},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`MoCo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MoCoConfig {
    /// Share of the newest gradient in the running ones; in `(0, 1]`, default 0.5.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub beta: f64,
    /// Step size of the weights; > 0, default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gamma: f64,
    /// Ridge that draws the weights together; >= 0, default 0.
    #[schemars(range(min = 0.0))]
    pub rho: f64,
}

impl Default for MoCoConfig {
    fn default() -> Self {
        Self { beta: 0.5, gamma: 0.1, rho: 0.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct MoCo {
    config: MoCoConfig,
    running: Running,
    lambda: Vec<f64>,
    tasks: Vec<usize>,
    scales: Vec<f64>,  // l_i / ‖g_i‖
    products: Gramian, // Y Y'
}

impl MoCo {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &MoCoConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("moco", "beta", config.beta)?;
        check::closed("moco", "beta", config.beta, 0.0, 1.0)?;
        check::positive("moco", "gamma", config.gamma)?;
        check::non_negative("moco", "rho", config.rho)?;
        let n = tasks.len();
        let (running, lambda) = (Running::new(n), vec![1.0 / n as f64; n]);
        let (tasks, scales, products) = (Vec::new(), Vec::new(), Gramian::default());
        Ok(Self { config: config.clone(), running, lambda, tasks, scales, products })
    }
}

impl Aggregator for MoCo {
    fn name(&self) -> &'static str {
        "moco"
    }

    fn needs(&self) -> AggregatorNeeds {
        AggregatorNeeds { losses: true, gramian: true, observes: true }
    }

    fn begin(&mut self, evidence: &Evidence<'_>) -> Result<()> {
        let losses = evidence.checked_losses("moco")?;
        let gramian = evidence.checked_gramian("moco")?;
        self.tasks.clear();
        self.tasks.extend_from_slice(evidence.tasks);
        self.scales.clear();
        self.scales.extend(losses.iter().enumerate().map(|(k, l)| match gramian.norm(k) {
            norm if norm > 0.0 => l / norm,
            _ => 0.0,
        }));
        self.products.rebuild(losses.len());
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn observe(&mut self, block: usize, rows: &[&[f32]]) -> Result<()> {
        for ((row, &task), scale) in rows.iter().zip(&self.tasks).zip(&self.scales) {
            let (beta, scale) = (self.config.beta as f32, *scale as f32);
            for (y, g) in self.running.row("moco", block, task, row.len())?.iter_mut().zip(*row) {
                *y += beta * (scale * g - *y);
            }
        }
        let running = &self.running;
        self.products.accumulate(|i, j| {
            let (a, b) = (running.get(block, self.tasks[i]), running.get(block, self.tasks[j]));
            a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
        });
        Ok(())
    }

    fn decide(&mut self) -> Result<Outcome> {
        let mut lambda: Vec<f64> = self.tasks.iter().map(|&t| self.lambda[t]).collect();
        let share: f64 = lambda.iter().sum();
        if share <= 0.0 {
            let equal = 1.0 / lambda.len().max(1) as f64;
            lambda.fill(equal); // every task of this step had lost its weight to absent ones
        } else {
            lambda.iter_mut().for_each(|l| *l /= share);
        }
        let mut slopes = vec![0.0; lambda.len()];
        self.products.times(&lambda, &mut slopes);
        for (l, slope) in lambda.iter_mut().zip(&slopes) {
            *l -= self.config.gamma * (slope + self.config.rho * *l);
        }
        project_simplex(&mut lambda);
        let share = if share > 0.0 { share } else { 1.0 };
        for (l, &task) in lambda.iter().zip(&self.tasks) {
            self.lambda[task] = share * l;
        }
        self.scales = lambda; // from here on the weights of the step
        Outcome::default().accept("moco", &self.scales, 0.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn direct(&mut self, block: usize, _rows: &[&[f32]], direction: &mut [f32]) -> Result<()> {
        direction.fill(0.0);
        for (weight, &task) in self.scales.iter().zip(&self.tasks) {
            for (d, y) in direction.iter_mut().zip(self.running.get(block, task)) {
                *d += *weight as f32 * y;
            }
        }
        Ok(())
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("lambda", StateValue::Numbers(self.lambda.clone()));
        self.running.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let running = self.running.loaded("moco", state)?;
        self.lambda = state.numbers("moco", "lambda", self.lambda.len())?.to_vec();
        self.running = running;
        Ok(())
    }

    fn reset(&mut self) {
        let share = 1.0 / self.lambda.len() as f64;
        self.lambda.fill(share);
        self.running.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn one_step_by_hand() {
        let tasks = crate::balance::testing::tasks(2);
        let mut method = MoCo::new(&MoCoConfig { beta: 1.0, ..MoCoConfig::default() }, &tasks).unwrap();
        // y = (2, 0) and (0, 1) whatever the lengths; lambda = (.5 - .1 * 2, .5 - .1 * .5) = (.3, .45), then + .125.
        let rows = vec![vec![5.0, 0.0], vec![0.0, 0.1]];
        let d = testing::direct(&mut method, &rows, &[2.0, 1.0], 0).unwrap();
        assert!((d[0] - 0.85).abs() < 1e-6 && (d[1] - 0.575).abs() < 1e-6, "{d:?}");
        assert!(MoCo::new(&MoCoConfig { gamma: 0.0, ..MoCoConfig::default() }, &tasks).is_err());
    }
}
