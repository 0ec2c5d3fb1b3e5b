//! A balancing method of either kind: one that weighs gradients, or one that makes a direction of them.
//!
//! The step engine and the trainer speak to this type, so neither asks which kind it has.

use super::{Aggregator, Balancer, Epoch, Needs};
use crate::{error::Result, state::StateDict};

/// A balancing method.
#[derive(Debug)]
pub enum Method {
    /// Weights of losses or gradients.
    Weights(Box<dyn Balancer>),
    /// A direction from the Jacobian.
    Direction(Box<dyn Aggregator>),
}

impl From<Box<dyn Balancer>> for Method {
    fn from(balancer: Box<dyn Balancer>) -> Self {
        Self::Weights(balancer)
    }
}

impl<B: Balancer + 'static> From<Box<B>> for Method {
    fn from(balancer: Box<B>) -> Self {
        Self::Weights(balancer)
    }
}

impl From<Box<dyn Aggregator>> for Method {
    fn from(aggregator: Box<dyn Aggregator>) -> Self {
        Self::Direction(aggregator)
    }
}

impl Method {
    /// Its name, as in config files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Weights(b) => b.name(),
            Self::Direction(a) => a.name(),
        }
    }

    /// What it wants to see over its life.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match self {
            Self::Weights(b) => b.needs(),
            Self::Direction(a) => Needs { losses: a.needs().losses, ..Needs::gramian() },
        }
    }

    /// What it wants to see in this step.
    #[must_use]
    pub fn needs_at(&self, step: u64) -> Needs {
        match self {
            Self::Weights(b) => b.needs_at(step),
            Self::Direction(_) => self.needs(),
        }
    }

    /// As [`Balancer::after_step`].
    ///
    /// # Errors
    /// As there.
    pub fn after_step(&mut self, losses: &[f64], tasks: &[usize]) -> Result<()> {
        match self {
            Self::Weights(b) => b.after_step(losses, tasks),
            Self::Direction(_) => Ok(()),
        }
    }

    /// As [`Balancer::epoch_end`].
    ///
    /// # Errors
    /// As there.
    pub fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        match self {
            Self::Weights(b) => b.epoch_end(epoch),
            Self::Direction(_) => Ok(()),
        }
    }

    /// Everything that the next call depends on; empty for stateless methods.
    #[must_use]
    pub fn state(&self) -> StateDict {
        match self {
            Self::Weights(b) => b.state(),
            Self::Direction(a) => a.state(),
        }
    }

    /// Takes back what [`Method::state`] gave; on an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when it does not fit.
    pub fn load_state(&mut self, state: &StateDict) -> Result<()> {
        match self {
            Self::Weights(b) => b.load_state(state),
            Self::Direction(a) => a.load_state(state),
        }
    }
}
