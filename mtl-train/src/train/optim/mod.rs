//! Optimizers with state that can be saved.
//!
//! tch's optimizers neither export their state nor use libtorch's kernels over lists of tensors; these do both. They take
//! [`Gradients`], one per parameter or none: a parameter that no task reached in a step is left alone, its moments do not
//! decay and its weights do not shrink. Learning rates and weight decay can differ by [`groups`].
//!
//! | optimizer | kernel | buffers per parameter |
//! |---|---|---|
//! | [`adamw`], [`adam`] | fused, one pass over memory | two, three with AMSGrad |
//! | [`sgd`] | fused | none, one with momentum |
//! | [`adagrad`] | fused | one |
//! | [`rmsprop`] | one list operation after the other | one to three |
//! | [`lion`] | one list operation after the other | one |
//!
//! `tests/optimization/optimizer_golden.rs` holds all of them to `torch.optim` (Lion, which is not in there, to lion-pytorch) over 20
//! steps.

pub mod adagrad;
pub mod adam;
pub mod adamw;
pub mod groups;
pub mod lion;
mod moments;
pub mod rmsprop;
pub mod sgd;
mod stepper;

use std::fmt::Debug;

pub use adagrad::AdagradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamWConfig;
pub use groups::{GroupConfig, ParamGroups, Rate, RoleName};
pub use lion::LionConfig;
use mtl_core::{params::ParamSet, registry, state::StateDict, step::Gradients};
pub use rmsprop::RmsPropConfig;
pub use sgd::SgdConfig;
pub use stepper::{BufferSpec, Part, Rule, Stepper};

use crate::error::Result;

/// Moves parameters along gradients.
pub trait Optimizer: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// One step with that learning rate.
    ///
    /// # Errors
    /// [`mtl_core::Error::Torch`] when kinds or devices differ.
    fn step(&mut self, params: &ParamSet, gradients: &Gradients, lr: f64) -> Result<()>;

    /// Everything that the next step depends on, by parameter name.
    fn state(&self, params: &ParamSet) -> StateDict;

    /// Takes back what [`Optimizer::state`] gave.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] when it does not fit the parameters; nothing has changed then.
    fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()>;
}

/// The settings of an optimizer: a [`Rule`] that can be put into a [`Stepper`].
pub trait OptimizerPart: Rule {
    /// Checks the settings and builds the optimizer.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting.
    fn build(&self, groups: ParamGroups) -> Result<Box<dyn Optimizer>>;
}

impl<R: Rule + Copy + 'static> OptimizerPart for R {
    fn build(&self, groups: ParamGroups) -> Result<Box<dyn Optimizer>> {
        Ok(Box::new(Stepper::with_groups(*self, groups)?))
    }
}

registry! {
    /// The optimizers that a config file can name.
    pub enum OptimizerConfig, what = "optimizer", part = OptimizerPart {
        AdamW(AdamWConfig) = "adamw", "Adam with decoupled weight decay, fused";
        Adam(AdamConfig) = "adam", "running means of gradients and their squares, fused";
        Sgd(SgdConfig) = "sgd", "stochastic gradient descent with momentum or Nesterov's variant, fused";
        RmsProp(RmsPropConfig) = "rmsprop", "gradients over the root of their mean square";
        Adagrad(AdagradConfig) = "adagrad", "gradients over the root of the sum of their squares, fused";
        Lion(LionConfig) = "lion", "the sign of a running mean: every entry moves by the learning rate";
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamWConfig::default())
    }
}

impl OptimizerConfig {
    /// Checks the settings and builds the optimizer for all parameters alike.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting.
    pub fn build(&self) -> Result<Box<dyn Optimizer>> {
        self.build_with(ParamGroups::default())
    }

    /// As [`OptimizerConfig::build`], with learning rates and weight decay by group.
    ///
    /// # Errors
    /// As [`OptimizerConfig::build`].
    pub fn build_with(&self, groups: ParamGroups) -> Result<Box<dyn Optimizer>> {
        self.part().build(groups)
    }

    /// The learning rate that schedules scale.
    #[must_use]
    pub fn lr(&self) -> f64 {
        self.part().lr()
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting.
    pub fn validate(&self) -> mtl_core::Result<()> {
        self.part().validate()
    }
}

/// Refuses a setting unless `valid`.
fn check(what: &'static str, field: &'static str, valid: bool, expected: &str, found: f64) -> mtl_core::Result<()> {
    if valid {
        return Ok(());
    }
    Err(mtl_core::Error::InvalidConfig { what, field, expected: expected.into(), found: found.to_string() })
}

fn positive(what: &'static str, field: &'static str, value: f64) -> mtl_core::Result<()> {
    check(what, field, value > 0.0 && value.is_finite(), "positive", value)
}

fn not_negative(what: &'static str, field: &'static str, value: f64) -> mtl_core::Result<()> {
    check(what, field, value >= 0.0 && value.is_finite(), ">= 0", value)
}

fn below_one(what: &'static str, field: &'static str, value: f64) -> mtl_core::Result<()> {
    check(what, field, (0.0..1.0).contains(&value), "in [0, 1)", value)
}
