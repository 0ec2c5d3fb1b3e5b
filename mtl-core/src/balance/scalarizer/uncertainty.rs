//! Uncertainty weighting: every task learns how noisy its targets are, and noisy tasks count less.
//!
//! ```text
//! total = sum_i  l_i / (c_i e^{s_i}) + penalty(s_i),   c_i = 2 for regression, 1 for classification
//! penalty(s) = s / 2            (log-variance: log sigma, Kendall et al.)
//! penalty(s) = log(1 + e^s)     (softplus: log(1 + sigma²), Liebel and Körner; never negative)
//! w_i = 1 / (c_i e^{s_i});  then one Adam step on s with the closed-form gradient
//! d total / d s_i = -l_i / (c_i e^{s_i}) + 1/2   or   ... + e^s / (1 + e^s)
//! ```
//!
//! `l_i` loss, `s_i = log sigma_i²` learned log-variance, `w_i` weight of the loss. With the first penalty the optimum is
//! `w_i l_i = 1/2`: every task contributes the same.
//!
//! **Shapes**: losses `[m]`, one log-variance per task of the set.
//!
//! **Reference**: Kendall, Gal, Cipolla, "Multi-task learning using uncertainty to weigh losses for scene geometry and
//! semantics", CVPR 2018, <https://arxiv.org/abs/1705.07115>; Liebel, Körner, "Auxiliary tasks in multi-task learning",
//! 2018, <https://arxiv.org/abs/1805.06334>.
//!
//! **Differs from** LibMTL and TorchJD: the log-variances are numbers of this method with an Adam of their own, so no
//! weight decay and no schedule of the model touches them (LibMTL starts at -0.5 and puts them in the model's optimizer);
//! classification losses have their own form (LibMTL treats all as regression); the log-variances are kept within
//! `[-bound, bound]`, because a loss that goes to 0 or below drives them to minus infinity.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, adam::Adam, check},
    error::Result,
    state::{StateDict, StateValue},
    task::{Task, TaskSet},
};

/// What kind of loss a task has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UncertaintyForm {
    /// Squared or absolute error: `l / (2 sigma²)`.
    Regression,
    /// Cross-entropy: `l / sigma²`.
    Classification,
}

impl UncertaintyForm {
    /// The form that fits a task's primary metric: regression for metrics of numbers.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a task that no metric judges.
    pub fn of_task(task: &Task) -> Result<Self> {
        let Some(metric) = &task.primary else {
            let found = format!("none, and task {} has no primary metric to tell its form by", task.name);
            return check::refuse("uncertainty", "forms", "given, one per task", found);
        };
        Ok(if metric.is_of_numbers() { Self::Regression } else { Self::Classification })
    }

    fn divisor(self) -> f64 {
        match self {
            Self::Regression => 2.0,
            Self::Classification => 1.0,
        }
    }
}

/// What keeps the variances from growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UncertaintyPenalty {
    /// `s / 2`, the paper's.
    #[default]
    LogVariance,
    /// `log(1 + e^s)`, the revised form: bounded below by 0.
    Softplus,
}

/// Settings of [`Uncertainty`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UncertaintyConfig {
    /// `regression` or `classification` per task, in task order; empty (default): by each task's primary metric.
    pub forms: Vec<UncertaintyForm>,
    /// `log-variance` (default) or `softplus`.
    pub penalty: UncertaintyPenalty,
    /// First log-variance of every task; within the bound, default 0.
    pub initial: f64,
    /// Learning rate of the log-variances; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Largest absolute log-variance; > 0, at most 50, default 10.
    #[schemars(range(max = 50.0), extend("exclusiveMinimum" = 0.0))]
    pub bound: f64,
}

impl Default for UncertaintyConfig {
    fn default() -> Self {
        let penalty = UncertaintyPenalty::LogVariance;
        Self { forms: Vec::new(), penalty, initial: 0.0, learning_rate: 1e-3, bound: 10.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Uncertainty {
    config: UncertaintyConfig,
    divisors: Vec<f64>,
    log_variances: Vec<f64>,
    adam: Adam,
}

impl Uncertainty {
    /// Checks the settings and starts all log-variances at `initial`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range or too few forms.
    pub fn new(config: &UncertaintyConfig, tasks: &TaskSet) -> Result<Self> {
        let what = "uncertainty";
        check::positive(what, "learning_rate", config.learning_rate)?;
        check::positive(what, "bound", config.bound)?;
        check::closed(what, "bound", config.bound, 0.0, 50.0)?;
        check::closed(what, "initial", config.initial, -config.bound, config.bound)?;
        let given = config.forms.len();
        if given != 0 && given != tasks.len() {
            return check::refuse(what, "forms", format!("{} forms, one per task, or none", tasks.len()), given);
        }
        let divisors = tasks
            .iter()
            .enumerate()
            .map(|(i, task)| config.forms.get(i).copied().map_or_else(|| UncertaintyForm::of_task(task), Ok))
            .map(|form| form.map(UncertaintyForm::divisor))
            .collect::<Result<_>>()?;
        Ok(Self {
            divisors,
            log_variances: vec![config.initial; tasks.len()],
            adam: Adam::new(tasks.len(), config.learning_rate, 0.0),
            config: config.clone(),
        })
    }

    /// The learned log-variance of every task of the set.
    #[must_use]
    pub fn log_variances(&self) -> &[f64] {
        &self.log_variances
    }
}

impl Balancer for Uncertainty {
    fn name(&self) -> &'static str {
        "uncertainty"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        for ((w, &loss), &task) in weights.iter_mut().zip(losses).zip(evidence.tasks) {
            let s = &mut self.log_variances[task];
            *w = 1.0 / (self.divisors[task] * s.exp());
            let growth = match self.config.penalty {
                UncertaintyPenalty::LogVariance => 0.5,
                UncertaintyPenalty::Softplus => 1.0 / (1.0 + (-*s).exp()),
            };
            self.adam.step(task, s, growth - *w * loss);
            *s = s.clamp(-self.config.bound, self.config.bound);
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("log_variances", StateValue::Numbers(self.log_variances.clone()));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded(self.name(), state)?;
        let log_variances = state.numbers(self.name(), "log_variances", self.log_variances.len())?;
        self.log_variances = log_variances.to_vec();
        self.adam = adam;
        Ok(())
    }

    fn reset(&mut self) {
        self.log_variances.fill(self.config.initial);
        self.adam.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    fn method(config: &UncertaintyConfig) -> Uncertainty {
        Uncertainty::new(config, &testing::tasks(2)).unwrap()
    }

    #[test]
    fn forms_by_hand_and_from_the_metric() {
        let forms = vec![UncertaintyForm::Regression, UncertaintyForm::Classification];
        let mut by_hand = method(&UncertaintyConfig { forms, initial: 1.0, ..UncertaintyConfig::default() });
        let w = testing::weigh_losses(&mut by_hand, &[1.0, 1.0], 0).unwrap();
        testing::assert_close(&w, &[0.5 * (-1f64).exp(), (-1f64).exp()], 1e-15);
        let form = |task: Task| UncertaintyForm::of_task(&task).map_err(|e| e.to_string());
        let age = || Task::new("age").unwrap();
        assert_eq!(form(age().judged_by(testing::error())), Ok(UncertaintyForm::Regression));
        assert_eq!(form(age().judged_by(testing::share())), Ok(UncertaintyForm::Classification));
        assert!(form(age()).unwrap_err().contains("task age has no primary metric"));
    }

    #[test]
    fn it_settles_where_every_task_contributes_one_half() {
        let config = UncertaintyConfig { learning_rate: 0.05, ..UncertaintyConfig::default() };
        let mut learned = method(&config);
        for step in 0..3000 {
            testing::weigh_losses(&mut learned, &[4.0, 0.1], step).unwrap();
        }
        let w = testing::weigh_losses(&mut learned, &[4.0, 0.1], 0).unwrap();
        testing::assert_close(&[w[0] * 4.0, w[1] * 0.1], &[0.5, 0.5], 1e-3);
        let mut softplus = method(&UncertaintyConfig { penalty: UncertaintyPenalty::Softplus, ..config });
        for step in 0..3000 {
            testing::weigh_losses(&mut softplus, &[4.0, 0.1], step).unwrap();
        }
        // Optimum of l e^-s + log(1 + e^s): e^s = (l + sqrt(l² + 4 l)) / 2.
        let root = |l: f64| f64::midpoint(l, (l * l + 4.0 * l).sqrt()).ln();
        testing::assert_close(softplus.log_variances(), &[root(4.0), root(0.1)], 1e-3);
    }

    #[test]
    fn losses_of_zero_and_below_stop_at_the_bound() {
        let mut bounded = method(&UncertaintyConfig { learning_rate: 1.0, ..UncertaintyConfig::default() });
        for step in 0..100 {
            let w = testing::weigh_losses(&mut bounded, &[0.0, -5.0], step).unwrap();
            assert!(w.iter().all(|w| *w <= 10f64.exp() * 1.000_001));
        }
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refusal =
            |config: UncertaintyConfig| Uncertainty::new(&config, &testing::tasks(2)).unwrap_err().to_string();
        let fine = UncertaintyConfig::default();
        assert!(refusal(UncertaintyConfig { learning_rate: 0.0, ..fine.clone() }).contains("learning_rate"));
        assert!(refusal(UncertaintyConfig { bound: 51.0, ..fine.clone() }).contains("bound"));
        assert!(refusal(UncertaintyConfig { initial: 11.0, ..fine.clone() }).contains("initial"));
        assert!(refusal(UncertaintyConfig { forms: vec![UncertaintyForm::Regression], ..fine }).contains("forms"));
    }
}
