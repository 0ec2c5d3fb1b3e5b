//! The settings of a run.

use std::collections::BTreeMap;

use mtl_core::{
    precision::Precision,
    registry::ByKind,
    step::{Policy, StepMode},
};
use mtl_data::{Mix, Sampler};
use serde::{Deserialize, Serialize};

use super::{Budget, Every, FreezeConfig, TimeLimit};
use crate::{
    error::Result,
    train::{
        ema::EmaConfig,
        optim::{GroupConfig, OptimizerConfig},
        schedule::ScheduleConfig,
        task_weights::TaskWeighting,
    },
};

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training split, >= 1; default 10 unless there are `steps` or a `time`.
    #[schemars(default = "epochs")]
    #[schemars(range(min = 1))]
    pub epochs: Option<u64>,
    /// Optimizer steps, in place of `epochs`, >= 1; default none.
    #[schemars(range(min = 1))]
    pub steps: Option<u64>,
    /// How long training and validation may take, `"90s"`, `"2m"`, `"1h 30m"`: as many steps as fit, or fewer where `epochs` or `steps`
    /// are spent before; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeLimit>,
    /// How often the model is validated: after so many passes, `{ epochs = 1 }`, or so many steps, `{ steps = 500 }`; and at the end.
    /// Patience, freezing and balancers that change once an epoch count validations; default each epoch.
    pub validate_every: Every,
    /// Samples per step, >= 1; default 256.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Which source each batch comes from, where the data have several; default `proportional`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mix>,
    /// What differs from source to source, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceConfig>,
    /// Which rows an epoch has, and how often each, by name or as a table, see `docs/imbalance.md`; default each once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<ByKind<Sampler>>,
    /// How tasks weigh by the number of their training labels, by name or as a table: `"by-size"`, `"effective-number"`; multiplies the
    /// `weight` of each; default not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_weights: Option<ByKind<TaskWeighting>>,
    /// Batches per optimizer step, >= 1; their gradients are accumulated, then conflicts resolved; default 1.
    #[schemars(range(min = 1))]
    pub accumulate: u64,
    /// Samples per evaluation batch, >= 1; default 4096.
    #[schemars(range(min = 1))]
    pub eval_batch_size: usize,
    /// Threads that prepare batches ahead; 0 prepares them in the training thread; default 1.
    pub workers: usize,
    /// Everything random depends on this and the step; default 0.
    pub seed: u64,
    /// The optimizer; default AdamW.
    pub optimizer: OptimizerConfig,
    /// Parameters with learning rates or weight decay of their own; the first group that fits counts; default none.
    pub groups: Vec<GroupConfig>,
    /// What scales the learning rate over time; default cosine.
    pub schedule: ScheduleConfig,
    /// What scales every dropout over time, as `schedule` does the learning rate: `{ kind = "cosine" }` lets it fall to nothing, so that a
    /// run which overfits stops under all of it and one that goes on to its end sharpens there; default none, it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout_schedule: Option<ScheduleConfig>,
    /// Largest norm of all gradients together, > 0; default none.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip_norm: Option<f64>,
    /// Largest norm of each task's gradient before the balancer sees it, > 0; a step then takes one backward pass per task
    /// with every balancer; default none.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip_task_norm: Option<f64>,
    /// A running mean of the weights that is validated and kept in their place; default none.
    pub ema: Option<EmaConfig>,
    /// What training's forward passes compute in, `f32` or `bf16`; validation is always in the parameters' kind, as are
    /// parameters, losses and gradients; default f32.
    pub precision: Precision,
    /// Validations with a score that is not better before the run ends, >= 1: epochs, unless `validate_every` says otherwise; one without
    /// a score does not count; default none.
    #[schemars(range(min = 1))]
    pub patience: Option<u64>,
    /// Stops single tasks early: which are frozen when they no longer improve; default none.
    pub freeze: Option<FreezeConfig>,
    /// What validation is scored by: `skill`, the mean over tasks of how much better the primary metric is than a constant
    /// answer's (0 as good, 1 perfect); `mean` of the primary metrics; or an expression such as
    /// `0.6*image.accuracy + 0.4*text.accuracy`, see `docs/selection.md`; default `skill`.
    pub selection: String,
    /// Share of the training split that only balancers see which learn from held-out data (auto-lambda, moml), in (0, 1);
    /// the others train on all of it; default 0.2.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub held_out: f64,
    /// Share of the validation split that chooses nothing, in [0, 1): what is fitted to answers after training (a task's `calibration`,
    /// `conformal`, `threshold`, `reject`) is fitted on it alone; default 0, they are fitted on all of validation, which has chosen the epoch too.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub calibration_share: f64,
    /// How task gradients are computed where the balancer looks at them; default exact.
    pub step_mode: StepMode,
    /// Steps between looks at how gradients get along in each parameter block, where the step has gradients per task;
    /// 0 for never; default 50.
    pub statistics_every: u64,
    /// Rules for absent, zero-gradient and non-finite tasks.
    pub policy: Policy,
    /// Train on that many batches only, >= 1, and validate and test on the same samples: a model that cannot learn them by
    /// heart has a fault; default none.
    #[schemars(range(min = 1))]
    pub overfit_batches: Option<u64>,
    /// Optimizer steps between checkpoints beside those at the end of epochs, >= 1; default none.
    #[schemars(range(min = 1))]
    pub checkpoint_every: Option<u64>,
}

/// What an epoch draws is written down ahead, so there is an end to it.
const MOST_BATCHES: u64 = 10_000_000;

/// How one of several sources is trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// Samples per batch, >= 1; default `train.batch_size`.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// How many batches it counts as in an epoch, in [1, 10000000]: its budget, and its size for the mixer. Fewer than it has leave a
    /// random part to other epochs, more begin it again; default all that it has.
    #[schemars(range(min = 1, max = 10_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batches: Option<u64>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: None,
            steps: None,
            time: None,
            validate_every: Every::default(),
            batch_size: 256,
            mix: None,
            sources: BTreeMap::new(),
            sampler: None,
            task_weights: None,
            accumulate: 1,
            eval_batch_size: 4096,
            workers: 1,
            seed: 0,
            optimizer: OptimizerConfig::default(),
            groups: Vec::new(),
            schedule: ScheduleConfig::default(),
            dropout_schedule: None,
            clip_norm: None,
            clip_task_norm: None,
            ema: None,
            precision: Precision::F32,
            patience: None,
            freeze: None,
            selection: "skill".into(),
            held_out: 0.2,
            calibration_share: 0.0,
            step_mode: StepMode::default(),
            statistics_every: 50,
            policy: Policy::default(),
            overfit_batches: None,
            checkpoint_every: None,
        }
    }
}

/// Passes of a run that says nothing of its length.
const EPOCHS: u64 = 10;

/// The same, for the schema: a file that names steps has no epochs, so the field itself has no default.
fn epochs() -> Option<u64> {
    Some(EPOCHS)
}

impl TrainConfig {
    /// How long the run trains; where it has a time beside it, at most.
    #[must_use]
    pub fn budget(&self) -> Budget {
        match (self.steps, self.epochs, self.time) {
            (Some(steps), ..) => Budget::Steps(steps),
            (None, Some(epochs), _) => Budget::Epochs(epochs),
            (None, None, Some(_)) => Budget::Time,
            (None, None, None) => Budget::Epochs(EPOCHS),
        }
    }

    /// The same with the budget written out, as it is kept with a run: that a default changes one day must not change the run.
    #[must_use]
    pub fn spelled_out(self) -> Self {
        match self.budget() {
            Budget::Epochs(n) => Self { epochs: Some(n), ..self },
            Budget::Steps(_) | Budget::Time => self,
        }
    }

    /// The share of its probability that every dropout has at `step` (from 0) of `total`.
    pub(super) fn dropout_share(&self, step: u64, total: u64) -> f64 {
        self.dropout_schedule.as_ref().map_or(1.0, |schedule| schedule.factor(step, total))
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = |field, value: u64| check(field, value >= 1, ">= 1", value.to_string());
        at_least_one("epochs", self.epochs.unwrap_or(1))?;
        at_least_one("steps", self.steps.unwrap_or(1))?;
        let both = self.epochs.is_some() && self.steps.is_some();
        check("steps", !both, "left out where there are epochs: a run has one budget", "both".into())?;
        at_least_one("validate_every", self.validate_every.count())?;
        at_least_one("batch_size", self.batch_size as u64)?;
        at_least_one("accumulate", self.accumulate)?;
        at_least_one("eval_batch_size", self.eval_batch_size as u64)?;
        at_least_one("patience", self.patience.unwrap_or(1))?;
        at_least_one("overfit_batches", self.overfit_batches.unwrap_or(1))?;
        at_least_one("checkpoint_every", self.checkpoint_every.unwrap_or(1))?;
        if let Some(mix) = &self.mix {
            mix.part().validate().map_err(|e| e.inside("mix"))?;
        }
        if let Some(ByKind(sampler)) = &self.sampler {
            sampler.part().validate().map_err(|e| e.inside("sampler"))?;
        }
        if let Some(ByKind(weights)) = &self.task_weights {
            weights.part().validate().map_err(|e| e.inside("task_weights"))?;
        }
        for (name, source) in &self.sources {
            let refuse = |field, expected: String, found: String| {
                let fault = mtl_core::Error::InvalidConfig { what: "source", field, expected, found };
                Err(fault.inside(format!("sources.{name}")).into())
            };
            if source.batch_size == Some(0) {
                return refuse("batch_size", ">= 1".into(), "0".into());
            }
            if let Some(n) = source.batches.filter(|n| !(1..=MOST_BATCHES).contains(n)) {
                return refuse("batches", format!("in [1, {MOST_BATCHES}]"), n.to_string());
            }
        }
        for (field, norm) in [("clip_norm", self.clip_norm), ("clip_task_norm", self.clip_task_norm)] {
            let norm = norm.unwrap_or(1.0);
            check(field, norm > 0.0 && norm.is_finite(), "positive", norm.to_string())?;
        }
        let factored = matches!(self.step_mode, StepMode::Factored(_)) && self.precision != Precision::F32;
        check(
            "precision",
            !factored,
            "f32 with the factored step mode, which multiplies layer outputs",
            "bf16".into(),
        )?;
        for (idx, group) in self.groups.iter().enumerate() {
            group.validate().map_err(|e| e.inside(format!("groups[{idx}]")))?;
        }
        if let Some(schedule) = &self.dropout_schedule {
            schedule.validate().map_err(|e| e.inside("dropout_schedule"))?;
            let expected = "a schedule that does not wait for validation";
            check("dropout_schedule", !schedule.hears(), expected, schedule.name().into())?;
        }
        self.ema.iter().try_for_each(EmaConfig::validate).map_err(|e| e.inside("ema"))?;
        let tolerance = self.policy.zero_tolerance;
        let solved = self.policy.solved_loss;
        check("policy.solved_loss", solved >= 0.0 && solved.is_finite(), ">= 0", solved.to_string())?;
        let loud = self.policy.loud_loss;
        check("policy.loud_loss", loud > 0.0 && loud.is_finite(), "positive", loud.to_string())?;
        check("policy.zero_tolerance", (0.0..1.0).contains(&tolerance), "in [0, 1)", tolerance.to_string())?;
        check("held_out", self.held_out > 0.0 && self.held_out < 1.0, "in (0, 1)", self.held_out.to_string())?;
        let share = self.calibration_share;
        check("calibration_share", (0.0..1.0).contains(&share), "in [0, 1)", share.to_string())?;
        self.freeze.map_or(Ok(()), |freeze| freeze.validate())?;
        self.step_mode.validate().map_err(|e| e.inside("step_mode"))?;
        self.optimizer.validate().map_err(|e| e.inside("optimizer"))?;
        Ok(self.schedule.validate().map_err(|e| e.inside("schedule"))?)
    }
}

fn check(field: &'static str, valid: bool, expected: &str, found: String) -> Result<()> {
    if valid {
        return Ok(());
    }
    Err(mtl_core::Error::InvalidConfig { what: "train", field, expected: expected.into(), found }.into())
}
