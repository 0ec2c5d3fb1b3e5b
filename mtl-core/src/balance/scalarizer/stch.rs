//! Smooth Tchebycheff scalarization: a smooth maximum of the losses.
//!
//! ```text
//! paper:    total = mu log sum_i exp(lambda_i (l_i - z_i) / mu),       w_i = lambda_i softmax_i(lambda (l - z) / mu)
//! relative: total = m mu log sum_i exp(log(l_i / n_i) / mu),           w_i = m softmax_i(log(l / n) / mu) / l_i
//! ```
//!
//! `lambda` preference (default `1/m` each), `z` ideal losses, `mu` smoothness: towards 0 only the worst task counts. The
//! relative form first trains `warmup` epochs on `sum log l`; `n_i` is the task's mean loss in the last of them.
//!
//! **Shapes**: losses, weights `[m]`; state of the relative form: sums of the warm-up's last epoch.
//!
//! **Reference**: Lin, Zhang, Yang, Liu, Wang, Zhang, "Smooth Tchebycheff scalarization for multi-objective optimization",
//! ICML 2024, <https://arxiv.org/abs/2402.19078>.
//!
//! **Differs from** TorchJD (paper form only; equal) and LibMTL (relative form only, under the same name; never leaves the
//! warm-up in short trainings and forgets everything at a restart).

use serde::{Deserialize, Serialize};

use super::softmax::softmax;
use crate::{
    balance::{Balancer, Epoch, Evidence, Needs, Outcome, check, preference::Preference},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Which of the two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StchForm {
    /// Of the losses, as in the paper.
    #[default]
    Paper,
    /// Of the logarithms of losses relative to those after a warm-up, as in LibMTL.
    Relative,
}

/// Settings of [`Stch`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StchConfig {
    /// `paper` (default) or `relative`.
    pub form: StchForm,
    /// Smoothness; > 0, default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub mu: f64,
    /// Epochs of warm-up of the relative form; at least 1, default 4.
    #[schemars(range(min = 1))]
    pub warmup: u64,
    /// One number >= 0 per task, not all 0; empty (default): `1/m` each. Paper form only.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
    /// Ideal loss of every task; empty (default): 0 each. Paper form only.
    pub ideal: Vec<f64>,
}

impl Default for StchConfig {
    fn default() -> Self {
        Self { form: StchForm::Paper, mu: 1.0, warmup: 4, preference: Vec::new(), ideal: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Stch {
    config: StchConfig,
    preference: Preference,
    ideal: Vec<f64>,
    epochs: u64,
    sums: Vec<f64>,
    counts: Vec<f64>,
}

impl Stch {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &StchConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("stch", "mu", config.mu)?;
        if config.warmup == 0 {
            return check::refuse("stch", "warmup", "at least 1", 0);
        }
        let n = tasks.len();
        if !config.ideal.is_empty() && config.ideal.len() != n {
            return check::refuse("stch", "ideal", format!("{n} numbers, one per task, or none"), config.ideal.len());
        }
        config.ideal.iter().try_for_each(|z| check::finite("stch", "ideal", *z))?;
        Ok(Self {
            preference: Preference::new("stch", &config.preference, n)?,
            ideal: if config.ideal.is_empty() { vec![0.0; n] } else { config.ideal.clone() },
            epochs: 0,
            sums: vec![0.0; n],
            counts: vec![0.0; n],
            config: config.clone(),
        })
    }

    fn paper(&self, losses: &[f64], tasks: &[usize], weights: &mut [f64]) {
        let lambda = |k: usize| self.preference.of(tasks, k);
        softmax(weights, |k| lambda(k) * (losses[k] - self.ideal[tasks[k]]) / self.config.mu);
        for (k, w) in weights.iter_mut().enumerate() {
            *w *= lambda(k);
        }
    }

    fn relative(&mut self, losses: &[f64], tasks: &[usize], weights: &mut [f64]) {
        if self.epochs < self.config.warmup {
            for (k, w) in weights.iter_mut().enumerate() {
                *w = 1.0 / losses[k];
                self.sums[tasks[k]] += losses[k];
                self.counts[tasks[k]] += 1.0;
            }
            return;
        }
        let nadir = |k: usize| {
            let (sum, count) = (self.sums[tasks[k]], self.counts[tasks[k]]);
            if count > 0.0 { sum / count } else { losses[k] } // never seen in the warm-up
        };
        softmax(weights, |k| (losses[k] / nadir(k)).ln() / self.config.mu);
        let m = losses.len() as f64;
        for (w, loss) in weights.iter_mut().zip(losses) {
            *w *= m / loss;
        }
    }
}

impl Balancer for Stch {
    fn name(&self) -> &'static str {
        "stch"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        match self.config.form {
            StchForm::Paper => self.paper(evidence.checked_losses(self.name())?, evidence.tasks, weights),
            StchForm::Relative => self.relative(evidence.positive_losses(self.name())?, evidence.tasks, weights),
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn epoch_end(&mut self, _epoch: &Epoch<'_>) -> Result<()> {
        self.epochs += 1;
        if self.epochs < self.config.warmup {
            self.sums.fill(0.0); // only the last epoch of the warm-up counts
            self.counts.fill(0.0);
        }
        Ok(())
    }

    fn state(&self) -> StateDict {
        if self.config.form == StchForm::Paper {
            return StateDict::new();
        }
        StateDict::new()
            .with("epochs", StateValue::Count(self.epochs))
            .with("sums", StateValue::Numbers(self.sums.clone()))
            .with("counts", StateValue::Numbers(self.counts.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        if self.config.form == StchForm::Relative {
            let sums = state.numbers("stch", "sums", self.sums.len())?.to_vec();
            let counts = state.numbers("stch", "counts", self.counts.len())?.to_vec();
            self.epochs = state.count("stch", "epochs")?;
            (self.sums, self.counts) = (sums, counts);
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.epochs = 0;
        self.sums.fill(0.0);
        self.counts.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn the_paper_form_by_hand() {
        let config = StchConfig { mu: 0.5, ideal: vec![1.0, 0.0], ..StchConfig::default() };
        let mut method = Stch::new(&config, &testing::tasks(2)).unwrap();
        // Exponents (2 - 1) / 2 / 0.5 = 1 and 3 / 2 / 0.5 = 3.
        let (a, b) = (1f64.exp(), 3f64.exp());
        let w = testing::weigh_losses(&mut method, &[2.0, 3.0], 0).unwrap();
        testing::assert_close(&w, &[0.5 * a / (a + b), 0.5 * b / (a + b)], 1e-14);
    }

    #[test]
    fn the_relative_form_starts_after_its_warm_up() {
        let config = StchConfig { form: StchForm::Relative, warmup: 1, ..StchConfig::default() };
        let mut method = Stch::new(&config, &testing::tasks(2)).unwrap();
        assert_eq!(testing::weigh_losses(&mut method, &[2.0, 4.0], 0).unwrap(), [0.5, 0.25]);
        method.epoch_end(&Epoch::default()).unwrap();
        // l / n = (1/2, 1/4): shares 2/3 and 1/3 of m, over the losses 1 and 1.
        let w = testing::weigh_losses(&mut method, &[1.0, 1.0], 1).unwrap();
        testing::assert_close(&w, &[4.0 / 3.0, 2.0 / 3.0], 1e-14);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |config: StchConfig| Stch::new(&config, &testing::tasks(2)).is_err();
        assert!(refused(StchConfig { mu: 0.0, ..StchConfig::default() }));
        assert!(refused(StchConfig { warmup: 0, ..StchConfig::default() }));
        assert!(refused(StchConfig { ideal: vec![1.0], ..StchConfig::default() }));
        assert!(refused(StchConfig { preference: vec![1.0], ..StchConfig::default() }));
    }
}
