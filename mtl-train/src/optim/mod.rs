//! Optimizers with state that can be saved.
//!
//! tch's optimizers neither export their state nor use libtorch's fused kernels; these do both. They take
//! [`Gradients`], one per parameter or none: a parameter that no task reached in a step is left alone, its moments do not
//! decay and its weights do not shrink.

mod adamw;
mod moments;
mod sgd;

use std::fmt::Debug;

pub use adamw::{AdamW, AdamWConfig};
use mtl_core::{params::ParamSet, registry, state::StateDict, step::Gradients};
pub use sgd::{Sgd, SgdConfig};

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
    /// [`mtl_core::Error::State`] when it does not fit the parameters.
    fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()>;
}

registry! {
    /// The optimizers that a config file can name.
    pub enum OptimizerConfig, what = "optimizer" {
        AdamW(AdamWConfig) = "adamw", "Adam with decoupled weight decay, fused";
        Sgd(SgdConfig) = "sgd", "stochastic gradient descent with momentum, fused";
    }
}

impl OptimizerConfig {
    /// Checks the settings and builds the optimizer.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting.
    pub fn build(&self) -> Result<Box<dyn Optimizer>> {
        Ok(match self {
            Self::AdamW(c) => Box::new(AdamW::new(*c)?),
            Self::Sgd(c) => Box::new(Sgd::new(*c)?),
        })
    }

    /// The learning rate that schedules scale.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match self {
            Self::AdamW(c) => c.lr,
            Self::Sgd(c) => c.lr,
        }
    }
}

/// Refuses a setting unless `valid`.
fn check(what: &'static str, field: &'static str, valid: bool, expected: &str, found: f64) -> mtl_core::Result<()> {
    if valid {
        return Ok(());
    }
    Err(mtl_core::Error::InvalidConfig { what, field, expected: expected.into(), found: found.to_string() })
}
