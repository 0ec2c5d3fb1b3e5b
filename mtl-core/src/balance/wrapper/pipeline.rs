//! A method with stages around it: normalize, weigh, average, repeat, clip.
//!
//! ```text
//! a = weights of `losses` (a loss weighting), or 1
//! n = 1, mean length / ‖g_i‖ ("length") or 1 / l_i ("loss"), of losses and gradients already scaled by a
//! v = weights of `weigh`, which sees losses a_i n_i l_i and the Gramian a_i n_i a_j n_j G[i, j]
//! w = a n v;   every k-th step only, in between the last w
//! w = ema w_before + (1 - ema) w          (CR-MOGM)
//! |w_i| <= clip * mean |w|
//! ```
//!
//! Every stage but `weigh` may be left out. A loss weighting under a gradient method ("stacking") is `losses` + `weigh`:
//! IMTL is `losses = imtl-l`, `weigh = imtl-g`.
//!
//! **Shapes**: losses, weights `[m]`, `G: [m, m]`; state: that of both methods, running and last weights.
//!
//! **Reference** (averaging): Zhou, Zhang, Jiang, Zhong, Gu, Zhu, "On the convergence of stochastic multi-objective
//! gradient manipulation and beyond", NeurIPS 2022 (CR-MOGM).
//!
//! **Differs from** TorchJD's `CRMOGMWeighting`, whose state cannot be loaded into a fresh object.

use serde::{Deserialize, Serialize};

use super::nested::nested;
use crate::{
    balance::{Balancer, BalancerConfig, Epoch, Evidence, Gramian, Needs, Outcome, check, scalarizer::EqualConfig},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// What losses and gradients are divided by before weighing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// Nothing.
    #[default]
    None,
    /// The length of the gradient, in units of the mean length.
    Length,
    /// The loss (must be above 0).
    Loss,
}

/// Settings of [`Pipeline`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineConfig {
    /// A loss weighting to apply first; none by default.
    pub losses: Option<Box<BalancerConfig>>,
    /// `none` (default), `length` or `loss`.
    pub normalize: Normalization,
    /// The method; default `equal`.
    pub weigh: Box<BalancerConfig>,
    /// Decay of the running weights; in `[0, 1)`, default 0 (off).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub ema: f64,
    /// Weigh in every k-th step only; at least 1, default 1.
    #[schemars(range(min = 1))]
    pub every: u64,
    /// Largest weight in units of the mean absolute weight; above 1, or 0 (default, off).
    #[schemars(range(min = 0.0))]
    pub clip: f64,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        let weigh = Box::new(BalancerConfig::Equal(EqualConfig::default()));
        Self { losses: None, normalize: Normalization::None, weigh, ema: 0.0, every: 1, clip: 0.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Pipeline {
    losses: Option<Box<dyn Balancer>>,
    normalize: Normalization,
    weigh: Box<dyn Balancer>,
    ema: f64,
    every: u64,
    clip: f64,
    running: Vec<f64>, // weight of every task of the set: averaged, before clipping
    known: Vec<f64>,   // 1 where there is one
    factors: Vec<f64>, // a n of the step's tasks
    scaled_losses: Vec<f64>,
    scaled: Gramian,
}

impl Pipeline {
    /// Builds the inner methods and checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range, of this or an inner method.
    pub fn new(config: &PipelineConfig, tasks: &TaskSet) -> Result<Self> {
        check::half_open("pipeline", "ema", config.ema, 0.0, 1.0)?;
        if config.every == 0 {
            return check::refuse("pipeline", "every", "at least 1", 0);
        }
        if !(config.clip > 1.0 && config.clip.is_finite() || config.clip.abs() <= 0.0) {
            return check::refuse("pipeline", "clip", "above 1, or 0 for none", config.clip);
        }
        let losses = config.losses.as_ref().map(|c| c.build(tasks)).transpose().map_err(|e| e.inside("losses"))?;
        let weigh = config.weigh.build(tasks).map_err(|e| e.inside("weigh"))?;
        if let Some(gramian) = losses.iter().find(|l| l.needs().gramian) {
            return check::refuse("pipeline", "losses", "a method that looks at losses only", gramian.name());
        }
        if weigh.needs().blocks {
            return check::refuse("pipeline", "weigh", "a method without blocks (put per-block outside)", weigh.name());
        }
        if !weigh.needs().looks.is_empty() {
            return check::refuse("pipeline", "weigh", "a method that looks at the step's batch only", weigh.name());
        }
        if weigh.needs().losses_after_step && config.every > 1 {
            return check::refuse("pipeline", "every", "1 for a method that learns after each step", config.every);
        }
        let n = tasks.len();
        Ok(Self {
            losses,
            normalize: config.normalize,
            weigh,
            ema: config.ema,
            every: config.every,
            clip: config.clip,
            running: vec![0.0; n],
            known: vec![0.0; n],
            factors: Vec::new(),
            scaled_losses: Vec::new(),
            scaled: Gramian::default(),
        })
    }

    /// Writes `a n` and the scaled losses.
    fn scale(&mut self, evidence: &Evidence<'_>) -> Result<Outcome> {
        let m = evidence.tasks.len();
        self.factors.clear();
        self.factors.resize(m, 1.0);
        let mut outcome = Outcome::default();
        if let Some(losses) = &mut self.losses {
            outcome = losses.weigh(evidence, &mut self.factors)?;
        }
        match self.normalize {
            Normalization::None => {}
            Normalization::Loss => {
                let losses = evidence.positive_losses("pipeline")?;
                // Of a l: the factor becomes a / (a l).
                self.factors.iter_mut().zip(losses).for_each(|(f, l)| *f = 1.0 / l);
            }
            Normalization::Length => {
                let gramian = evidence.checked_gramian("pipeline")?;
                let length = |f: &[f64], k: usize| f[k].abs() * gramian.norm(k);
                let mean = (0..m).map(|k| length(&self.factors, k)).sum::<f64>() / m as f64;
                for k in 0..m {
                    let length = length(&self.factors, k);
                    self.factors[k] *= if length > 0.0 { mean / length } else { 1.0 };
                }
            }
        }
        self.scaled_losses.clear();
        self.scaled_losses.extend(self.factors.iter().zip(evidence.losses).map(|(f, l)| f * l));
        Ok(outcome)
    }

    fn weigh_now(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let before = self.scale(evidence)?;
        let m = evidence.tasks.len();
        let gramian = match evidence.gramian {
            Some(gramian) if gramian.m() == m => {
                let values = self.scaled.rebuild(m);
                for i in 0..m {
                    for j in 0..m {
                        values[i * m + j] = self.factors[i] * gramian.get(i, j) * self.factors[j];
                    }
                }
                Some(&self.scaled)
            }
            other => other,
        };
        let losses = &self.scaled_losses;
        let outcome = self.weigh.weigh(&Evidence { losses, gramian, blocks: &[], ..*evidence }, weights)?;
        for ((w, factor), &task) in weights.iter_mut().zip(&self.factors).zip(evidence.tasks) {
            *w *= factor;
            if self.known[task] > 0.0 {
                *w = self.ema * self.running[task] + (1.0 - self.ema) * *w;
            }
            (self.running[task], self.known[task]) = (*w, 1.0);
        }
        Ok(before.and(outcome))
    }

    /// The last weights; a task without one gets the mean of the others.
    fn repeat(&self, tasks: &[usize], weights: &mut [f64]) {
        let count: f64 = self.known.iter().sum();
        let mean = if count > 0.0 { self.running.iter().sum::<f64>() / count } else { 1.0 };
        for (w, &task) in weights.iter_mut().zip(tasks) {
            *w = if self.known[task] > 0.0 { self.running[task] } else { mean };
        }
    }
}

impl Balancer for Pipeline {
    fn name(&self) -> &'static str {
        "pipeline"
    }

    fn needs(&self) -> Needs {
        let own = match self.normalize {
            Normalization::None => Needs::default(),
            Normalization::Length => Needs { space: self.weigh.needs().space, ..Needs::gramian() },
            Normalization::Loss => Needs::losses(),
        };
        let losses = self.losses.as_ref().map(|l| l.needs()).unwrap_or_default();
        self.weigh.needs().and(own).and(losses)
    }

    fn needs_at(&self, step: u64) -> Needs {
        if step.is_multiple_of(self.every) { self.needs() } else { Needs::default() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let outcome = if evidence.step.is_multiple_of(self.every) {
            self.weigh_now(evidence, weights)?
        } else {
            self.repeat(evidence.tasks, weights);
            Outcome::default()
        };
        if self.clip > 0.0 {
            let mean = weights.iter().map(|w| w.abs()).sum::<f64>() / weights.len().max(1) as f64;
            weights.iter_mut().for_each(|w| *w = w.clamp(-self.clip * mean, self.clip * mean));
        }
        outcome.accept(self.name(), weights, f64::INFINITY)
    }

    fn after_step(&mut self, losses: &[f64], tasks: &[usize]) -> Result<()> {
        if let Some(first) = &mut self.losses {
            first.after_step(losses, tasks)?;
        }
        if losses.len() != self.factors.len() {
            return Ok(()); // nothing was weighed: a skipped step
        }
        self.scaled_losses.clear();
        self.scaled_losses.extend(self.factors.iter().zip(losses).map(|(f, l)| f * l));
        self.weigh.after_step(&self.scaled_losses, tasks)
    }

    fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        if let Some(losses) = &mut self.losses {
            losses.epoch_end(epoch)?;
        }
        self.weigh.epoch_end(epoch)
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new();
        if let Some(losses) = &self.losses {
            state.nest("losses", losses.state());
        }
        state.nest("weigh", self.weigh.state());
        if self.ema > 0.0 || self.every > 1 {
            state.insert("running", StateValue::Numbers(self.running.clone()));
            state.insert("known", StateValue::Numbers(self.known.clone()));
        }
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let n = self.running.len();
        let own = if self.ema > 0.0 || self.every > 1 {
            let take = |name| state.numbers("pipeline", name, n).map(<[f64]>::to_vec);
            Some((take("running")?, take("known")?))
        } else {
            None
        };
        let before = self.weigh.state();
        self.weigh.load_state(&nested(state, "weigh"))?;
        if let Some(losses) = &mut self.losses
            && let Err(e) = losses.load_state(&nested(state, "losses"))
        {
            self.weigh.load_state(&before)?; // all or nothing
            return Err(e);
        }
        if let Some((running, known)) = own {
            (self.running, self.known) = (running, known);
        }
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(losses) = &mut self.losses {
            losses.reset();
        }
        self.weigh.reset();
        self.running.fill(0.0);
        self.known.fill(0.0);
        self.factors.clear();
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use crate::balance::{
        scalarizer::{FixedConfig, LogLossesConfig},
        testing,
        weighting::{MgdaConfig, UpGradConfig},
    };

    fn pipeline(config: &PipelineConfig) -> Pipeline {
        Pipeline::new(config, &testing::tasks(2)).unwrap()
    }

    fn upgrad() -> Box<BalancerConfig> {
        Box::new(BalancerConfig::UpGrad(UpGradConfig::default()))
    }

    #[test]
    fn a_loss_weighting_scales_what_the_gradient_method_sees() {
        let losses = Some(Box::new(BalancerConfig::LogLosses(LogLossesConfig {})));
        let weigh = Box::new(BalancerConfig::Mgda(MgdaConfig::default()));
        let mut method = pipeline(&PipelineConfig { losses, weigh, ..PipelineConfig::default() });
        // Gradients of log l: (2, 0) / 2 and (0, 1) / 1 have equal length, so MGDA gives 1/2 each.
        let g = Gramian::of_rows(&[[2.0, 0.0], [0.0, 1.0]]);
        let w = testing::weigh(&mut method, &g, &[2.0, 1.0], 0).unwrap();
        testing::assert_close(&w, &[0.25, 0.5], 1e-14);
        assert!(method.needs().losses && method.needs().gramian);
    }

    #[test]
    fn lengths_are_evened_out_before_weighing() {
        let mut method = pipeline(&PipelineConfig {
            normalize: Normalization::Length,
            weigh: upgrad(),
            ..PipelineConfig::default()
        });
        let w = testing::weigh(&mut method, &Gramian::of_rows(&[[3.0, 0.0], [0.0, 1.0]]), &[], 0).unwrap();
        testing::assert_close(&w, &[0.5 * 2.0 / 3.0, 1.0], 1e-14);
    }

    #[test]
    fn weights_are_averaged_repeated_and_clipped() {
        let g = |x: f64| Gramian::of_rows(&[[1.0, 0.0], [-x, 1.0]]);
        let mut plain = pipeline(&PipelineConfig { weigh: upgrad(), ..PipelineConfig::default() });
        let a = testing::weigh(&mut plain, &g(0.0), &[], 0).unwrap();
        let b = testing::weigh(&mut plain, &g(2.0), &[], 2).unwrap();

        let config = PipelineConfig { weigh: upgrad(), ema: 0.75, every: 2, ..PipelineConfig::default() };
        let mut method = pipeline(&config);
        assert_eq!(testing::weigh(&mut method, &g(0.0), &[], 0).unwrap(), a);
        assert_eq!(method.needs_at(1), Needs::default());
        let mut repeated = [0.0; 2];
        method.weigh(&Evidence { tasks: &[0, 1], step: 1, ..Evidence::default() }, &mut repeated).unwrap();
        assert_eq!(repeated, a[..]);
        let w = testing::weigh(&mut method, &g(2.0), &[], 2).unwrap();
        testing::assert_close(&w, &[0.75 * a[0] + 0.25 * b[0], 0.75 * a[1] + 0.25 * b[1]], 1e-14);

        let weigh = Box::new(BalancerConfig::Fixed(FixedConfig { weights: vec![9.0, 1.0] }));
        let mut clipped = pipeline(&PipelineConfig { weigh, clip: 1.5, ..PipelineConfig::default() });
        assert_eq!(testing::weigh(&mut clipped, &g(0.0), &[], 0).unwrap(), [7.5, 1.0]);
    }

    #[test]
    fn what_cannot_work_together_is_refused() {
        let refused = |config: PipelineConfig| Pipeline::new(&config, &testing::tasks(2)).is_err();
        let fine = PipelineConfig::default();
        assert!(refused(PipelineConfig { losses: Some(upgrad()), ..fine.clone() }));
        assert!(refused(PipelineConfig { ema: 1.0, ..fine.clone() }));
        assert!(refused(PipelineConfig { every: 0, ..fine.clone() }));
        assert!(refused(PipelineConfig { clip: 0.5, ..fine.clone() }));
        assert!(refused(PipelineConfig {
            weigh: Box::new(BalancerConfig::by_name("per-block").unwrap()),
            ..fine.clone()
        }));
        assert!(refused(PipelineConfig {
            weigh: Box::new(BalancerConfig::by_name("famo").unwrap()),
            every: 2,
            ..fine
        }));
    }
}
