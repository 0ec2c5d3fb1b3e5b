//! Auto-Lambda: task weights learned by what they do to held-out losses.
//!
//! ```text
//! theta'  = theta - a sum_i w_i g_i
//! w_i    += Adam( a <g_i, sum_{j in primary} grad l_val_j(theta')> ),   w_i >= 0,   then the step uses the new w
//! ```
//! A task whose gradient points where the held-out losses of the primary tasks fall gains weight, one that hurts loses it.
//!
//! **Shapes**: joint Gramian `[2m, 2m]`: rows of the step, then rows ahead; weights `[m]` of the step's rows. State: weights
//! and Adam's moments.
//!
//! **Reference**: Liu, James, Davison, Johns, "Auto-Lambda: disentangling dynamic task relationships", TMLR 2022,
//! <https://arxiv.org/abs/2202.03091>.
//!
//! **Differs from** the paper and LibMTL: the derivative of the held-out loss is exact (an inner product), theirs is a finite
//! difference of two more forward passes; weights start at 1 (a plain sum) instead of 0.1 and cannot become negative. LibMTL
//! copies the model in every step and takes its held-out batch from the training data; the trainer here holds data out.

use serde::{Deserialize, Serialize};

use super::learned::Learned;
use crate::{
    balance::{Balancer, Evidence, Look, Needs, Outcome, check},
    error::Result,
    state::StateDict,
    task::TaskSet,
};

/// Settings of [`AutoLambda`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoLambdaConfig {
    /// Adam's learning rate of the weights; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// `a`, how far to look ahead: the model's learning rate is a good choice; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub inner_lr: f64,
    /// Names of the tasks whose held-out losses count; empty (default): all.
    pub primary: Vec<String>,
}

impl Default for AutoLambdaConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, inner_lr: 1e-3, primary: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct AutoLambda {
    inner_lr: f64,
    primary: Vec<bool>,
    learned: Learned,
}

impl AutoLambda {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range or a task that does not exist.
    pub fn new(config: &AutoLambdaConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("auto-lambda", "learning_rate", config.learning_rate)?;
        check::positive("auto-lambda", "inner_lr", config.inner_lr)?;
        if let Some(odd) = config.primary.iter().find(|p| !tasks.names().any(|n| n.as_str() == **p)) {
            let known: Vec<&str> = tasks.names().map(|n| n.as_str()).collect();
            return check::refuse("auto-lambda", "primary", format!("names of tasks ({})", known.join(", ")), odd);
        }
        let primary =
            tasks.names().map(|n| config.primary.is_empty() || config.primary.iter().any(|p| p == n.as_str()));
        Ok(Self {
            inner_lr: config.inner_lr,
            primary: primary.collect(),
            learned: Learned::new(tasks.len(), config.learning_rate),
        })
    }
}

impl Balancer for AutoLambda {
    fn name(&self) -> &'static str {
        "auto-lambda"
    }

    fn needs(&self) -> Needs {
        Needs { looks: &[Look::Ahead], ..Needs::gramian() }
    }

    fn inner_lr(&self) -> f64 {
        self.inner_lr
    }

    fn current_weights(&self, tasks: &[usize], weights: &mut [f64]) {
        self.learned.read(tasks, weights);
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let joint = evidence.checked_joint(self.name(), 2)?;
        let (tasks, m) = (evidence.tasks, evidence.tasks.len());
        for (i, &task) in tasks.iter().enumerate() {
            let ahead = (0..m).filter(|&j| self.primary[tasks[j]]).map(|j| joint.get(i, m + j)).sum::<f64>();
            self.learned.step(task, -self.inner_lr * ahead);
        }
        self.learned.read(tasks, weights);
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        self.learned.state()
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.learned.load_state("auto-lambda", state)
    }

    fn reset(&mut self) {
        self.learned.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    /// Descends on `sum_i w_i |x - goal_i|^2 / 2` with held-out loss `|x - goal_0|^2 / 2`; gives the weights at the end.
    pub(crate) fn learn(method: &mut dyn Balancer, goals: &[[f64; 2]; 3], steps: u64) -> Vec<f64> {
        let (mut x, mut weights) = ([0.0, 0.0], vec![1.0; 6]);
        for step in 0..steps {
            let toward = |at: [f64; 2], goal: [f64; 2]| [at[0] - goal[0], at[1] - goal[1]];
            let own = goals.map(|goal| toward(x, goal));
            let mut current = [0.0; 3];
            method.current_weights(&[0, 1, 2], &mut current);
            let mut ahead = x;
            for (g, w) in own.iter().zip(current) {
                (0..2).for_each(|k| ahead[k] -= method.inner_lr() * w * g[k]);
            }
            let rows: Vec<[f64; 2]> = own.into_iter().chain(goals.map(|goal| toward(ahead, goal))).collect();
            let (gramian, joint) = (Gramian::of_rows(&own), Gramian::of_rows(&rows));
            let evidence = Evidence {
                tasks: &[0, 1, 2],
                gramian: Some(&gramian),
                joint: Some(&joint),
                step,
                ..Evidence::default()
            };
            method.weigh(&evidence, &mut weights).unwrap();
            for (g, w) in own.iter().zip(&weights) {
                (0..2).for_each(|k| x[k] -= 0.02 * w * g[k]);
            }
        }
        weights
    }

    #[test]
    fn a_task_that_hurts_the_primary_one_loses_its_weight() {
        let config = AutoLambdaConfig { learning_rate: 0.01, inner_lr: 0.1, primary: vec!["t0".into()] };
        let mut method = AutoLambda::new(&config, &testing::tasks(3)).unwrap();
        // Task 1 wants the same, task 2 the opposite.
        let weights = learn(&mut method, &[[1.0, 0.5], [1.1, 0.5], [-1.0, -0.5]], 600);
        assert!(weights[2] < 0.1 && weights[0] > 1.0 && weights[1] > 1.0, "{weights:?}");
    }

    #[test]
    fn the_first_step_by_hand() {
        let config = AutoLambdaConfig { learning_rate: 0.5, ..AutoLambdaConfig::default() };
        let mut method = AutoLambda::new(&config, &testing::tasks(2)).unwrap();
        // Step's rows (1, 0), (0, 1); rows ahead (1, -2), (1, -1): sums 2 and -3.
        let joint = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, -2.0], [1.0, -1.0]]);
        let gramian = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        let evidence = Evidence { tasks: &[0, 1], gramian: Some(&gramian), joint: Some(&joint), ..Evidence::default() };
        let mut weights = [1.0, 1.0, 0.0, 0.0];
        method.weigh(&evidence, &mut weights).unwrap();
        // Adam's first step is the learning rate, whatever the size of the gradient.
        testing::assert_close(&weights, &[1.5, 0.5, 0.0, 0.0], 1e-4);
    }

    #[test]
    fn an_unknown_primary_task_is_named() {
        let config = AutoLambdaConfig { primary: vec!["tx".into()], ..AutoLambdaConfig::default() };
        let e = AutoLambda::new(&config, &testing::tasks(2)).unwrap_err().to_string();
        assert_eq!(e, "auto-lambda: primary must be names of tasks (t0, t1), found tx");
    }
}
