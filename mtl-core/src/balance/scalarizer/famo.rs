//! FAMO: every task's loss falls at the same relative rate, without per-task gradients.
//!
//! ```text
//! z = softmax(x),   D_i = l_i - b_i,   w_i = c z_i / D_i,   c = 1 / sum_j (z_j / D_j)
//! after the step:   delta_i = log D_i(before) - log D_i(after),   x -= Adam( z_i (delta_i - sum_j z_j delta_j) + gamma x )
//! ```
//!
//! `b` lower bounds of the losses, `x` logits. A task whose log-loss fell less than the average gains weight. Costs a
//! second forward pass on the same batch.
//!
//! **Shapes**: losses, weights `[m]`; state: logits and Adam's moments.
//!
//! **Reference**: Liu, Feng, Stone, Liu, "FAMO: fast adaptive multitask optimization", NeurIPS 2023,
//! <https://arxiv.org/abs/2306.03792>.
//!
//! **Differs from** LibMTL (second forward moves batch statistics twice; loses its state) and TorchJD (Adam's moments
//! missing from its state): `D` is at least 1e-8 instead of giving NaN below its bound. `decay` matters: with 1e-3 FAMO
//! misses the front from 2 of 6 starts of the two-objective toy, with 0, as in the authors' toy, from none.

use serde::{Deserialize, Serialize};

use super::softmax::softmax;
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, adam::Adam, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

const SMALLEST: f64 = 1e-8;

/// Settings of [`Famo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FamoConfig {
    /// Adam's learning rate of the logits; > 0, default 0.025.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// `gamma`, how strongly logits are drawn to 0; >= 0, default 1e-3.
    #[schemars(range(min = 0.0))]
    pub decay: f64,
    /// Lower bound of every task's loss; empty (default): 0 each.
    pub lower_bounds: Vec<f64>,
}

impl Default for FamoConfig {
    fn default() -> Self {
        Self { learning_rate: 0.025, decay: 1e-3, lower_bounds: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Famo {
    lower_bounds: Vec<f64>,
    logits: Vec<f64>,
    adam: Adam,
    before: Vec<f64>, // log D of the step's tasks
    shares: Vec<f64>,
}

impl Famo {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &FamoConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("famo", "learning_rate", config.learning_rate)?;
        check::non_negative("famo", "decay", config.decay)?;
        let n = tasks.len();
        let given = config.lower_bounds.len();
        if given != 0 && given != n {
            return check::refuse("famo", "lower_bounds", format!("{n} numbers, one per task, or none"), given);
        }
        config.lower_bounds.iter().try_for_each(|b| check::finite("famo", "lower_bounds", *b))?;
        let lower_bounds = if given == 0 { vec![0.0; n] } else { config.lower_bounds.clone() };
        let adam = Adam::new(n, config.learning_rate, config.decay);
        Ok(Self { lower_bounds, logits: vec![0.0; n], adam, before: Vec::new(), shares: Vec::new() })
    }

    fn above(&self, loss: f64, task: usize) -> f64 {
        (loss - self.lower_bounds[task]).max(SMALLEST)
    }
}

impl Balancer for Famo {
    fn name(&self) -> &'static str {
        "famo"
    }

    fn needs(&self) -> Needs {
        Needs { losses_after_step: true, ..Needs::losses() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let (losses, tasks) = (evidence.checked_losses(self.name())?, evidence.tasks);
        softmax(weights, |k| self.logits[tasks[k]]);
        self.before.clear();
        for (k, w) in weights.iter_mut().enumerate() {
            let above = self.above(losses[k], tasks[k]);
            self.before.push(above.ln());
            *w /= above;
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn after_step(&mut self, losses: &[f64], tasks: &[usize]) -> Result<()> {
        let evidence = Evidence { tasks, losses, ..Evidence::default() };
        let losses = evidence.checked_losses(self.name())?;
        if self.before.len() != losses.len() {
            return Ok(()); // nothing was weighed: a skipped step
        }
        self.shares.resize(losses.len(), 0.0);
        softmax(&mut self.shares, |k| self.logits[tasks[k]]);
        for (k, &task) in tasks.iter().enumerate() {
            self.before[k] -= self.above(losses[k], task).ln(); // delta
        }
        let mean: f64 = self.shares.iter().zip(&self.before).map(|(z, delta)| z * delta).sum();
        for (k, &task) in tasks.iter().enumerate() {
            let slope = self.shares[k] * (self.before[k] - mean);
            self.adam.step(task, &mut self.logits[task], slope);
        }
        self.before.clear();
        Ok(())
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("logits", StateValue::Numbers(self.logits.clone()));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded(self.name(), state)?;
        self.logits = state.numbers(self.name(), "logits", self.logits.len())?.to_vec();
        self.adam = adam;
        self.before.clear();
        Ok(())
    }

    fn reset(&mut self) {
        self.logits.fill(0.0);
        self.before.clear();
        self.adam.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn first_weights_are_inverse_to_the_losses() {
        let mut method = Famo::new(&FamoConfig::default(), &testing::tasks(2)).unwrap();
        let w = testing::weigh_losses(&mut method, &[1.0, 3.0], 0).unwrap();
        testing::assert_close(&w, &[0.75, 0.25], 1e-14);
    }

    #[test]
    fn the_task_that_fell_less_gains() {
        let mut method = Famo::new(&FamoConfig { decay: 0.0, ..FamoConfig::default() }, &testing::tasks(2)).unwrap();
        testing::weigh_losses(&mut method, &[1.0, 1.0], 0).unwrap();
        method.after_step(&[0.5, 0.9], &[0, 1]).unwrap();
        let w = testing::weigh_losses(&mut method, &[1.0, 1.0], 1).unwrap();
        // Adam's first step is the learning rate: logits (-0.025, 0.025).
        testing::assert_close(&w, &[1.0 / (1.0 + 0.05f64.exp()), 1.0 / (1.0 + (-0.05f64).exp())], 1e-6);
    }

    #[test]
    fn a_loss_below_its_bound_makes_no_nan_unlike_libmtl() {
        let config = FamoConfig { lower_bounds: vec![0.5, 0.0], ..FamoConfig::default() };
        let mut method = Famo::new(&config, &testing::tasks(2)).unwrap();
        let w = testing::weigh_losses(&mut method, &[0.4, 1.0], 0).unwrap();
        assert!(w.iter().all(|w| w.is_finite()));
        assert!(Famo::new(&FamoConfig { lower_bounds: vec![1.0], ..config }, &testing::tasks(2)).is_err());
    }
}
