//! DTP, dynamic task prioritization: the focal loss over tasks. Difficult tasks, by their metric, come first.
//!
//! ```text
//! w_i = -(1 - k_i)^gamma log k_i,   k_i running mean of the task's primary metric on validation
//! ```
//!
//! `gamma = 0` is the negative logarithm; larger values push easy tasks further back. Until the first validation all
//! weights are 1. Only for tasks whose primary metric is a share in `[0, 1]` that grows.
//!
//! **Shapes**: weights `[m]`; state: running metrics.
//!
//! **Reference**: Guo, Haque, Huang, Yeung, Fei-Fei, "Dynamic task prioritization for multitask learning", ECCV 2018.
//!
//! **Differs from** the paper: metrics come from validation once per epoch, not from each batch; `k` is kept within
//! `[floor, 1 - floor]`, so a perfect task keeps a little weight and a hopeless one does not take all.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Epoch, Evidence, Needs, Outcome, check},
    error::Result,
    metric::MetricSpec,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`Dtp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DtpConfig {
    /// Focus on difficult tasks; in `[0, 10]`, default 2.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub gamma: f64,
    /// Share of the newest metric in the running mean; in `(0, 1]`, default 0.5.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub newest: f64,
    /// Distance that metrics keep from 0 and 1; in `(0, 0.5)`, default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 0.5))]
    pub floor: f64,
}

impl Default for DtpConfig {
    fn default() -> Self {
        Self { gamma: 2.0, newest: 0.5, floor: 0.01 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Dtp {
    config: DtpConfig,
    kpis: Vec<f64>, // -1 = unknown
}

impl Dtp {
    /// Checks the settings and the tasks' metrics.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range or a task whose primary
    /// metric is not a share.
    pub fn new(config: &DtpConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("dtp", "gamma", config.gamma, 0.0, 10.0)?;
        check::positive("dtp", "newest", config.newest)?;
        check::closed("dtp", "newest", config.newest, 0.0, 1.0)?;
        check::positive("dtp", "floor", config.floor)?;
        check::half_open("dtp", "floor", config.floor, 0.0, 0.5)?;
        if let Some(task) = tasks.iter().find(|t| !t.primary.as_ref().is_some_and(MetricSpec::is_unit_range)) {
            let metric = task.primary.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            let found = format!("{metric} for task {}", task.name);
            return check::refuse("dtp", "primary metric", "a share in [0, 1]", found);
        }
        Ok(Self { config: config.clone(), kpis: vec![-1.0; tasks.len()] })
    }
}

impl Balancer for Dtp {
    fn name(&self) -> &'static str {
        "dtp"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        for (w, &task) in weights.iter_mut().zip(evidence.tasks) {
            let k = self.kpis[task];
            *w = if k < 0.0 { 1.0 } else { -(1.0 - k).powf(self.config.gamma) * k.ln() };
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        for (running, found) in self.kpis.iter_mut().zip(epoch.kpis).filter(|(_, k)| k.is_finite()) {
            let found = found.clamp(self.config.floor, 1.0 - self.config.floor);
            *running = if *running < 0.0 { found } else { *running + self.config.newest * (found - *running) };
        }
        Ok(())
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("kpis", StateValue::Numbers(self.kpis.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.kpis = state.numbers(self.name(), "kpis", self.kpis.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        self.kpis.fill(-1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{balance::testing, task::Task};

    #[test]
    fn the_worse_task_counts_more() {
        let mut method = Dtp::new(&DtpConfig::default(), &testing::tasks(2)).unwrap();
        assert_eq!(testing::weigh_losses(&mut method, &[1.0, 1.0], 0).unwrap(), [1.0, 1.0]);
        method.epoch_end(&Epoch { index: 0, kpis: &[0.5, 0.9] }).unwrap();
        let w = testing::weigh_losses(&mut method, &[1.0, 1.0], 1).unwrap();
        testing::assert_close(&w, &[-0.25 * 0.5f64.ln(), -0.01 * 0.9f64.ln()], 1e-13);
        method.epoch_end(&Epoch { index: 1, kpis: &[f64::NAN, 1.0] }).unwrap();
        testing::assert_close(&method.kpis, &[0.5, 0.945], 1e-15);
    }

    #[test]
    fn metrics_that_are_no_share_are_refused() {
        let tasks = TaskSet::new(vec![Task::new("age").unwrap().judged_by(testing::error())]).unwrap();
        let e = Dtp::new(&DtpConfig::default(), &tasks).unwrap_err().to_string();
        assert_eq!(e, "dtp: primary metric must be a share in [0, 1], found rmse for task age");
        assert!(Dtp::new(&DtpConfig { floor: 0.5, ..DtpConfig::default() }, &testing::tasks(1)).is_err());
    }
}
