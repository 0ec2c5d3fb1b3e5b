//! A trainer that goes on with the weights of another one: a task is added to a model that lives, or one is retired.
//!
//! ```text
//! former: tasks a, b, c    --carry-->    next: tasks a, c, d
//! trunk, heads of a and c                weights, optimizer moments and running mean go on
//! head of b                              is not there any more
//! head of d                              is fresh
//! ```
//! Which tasks there are is fixed for a trainer's life (engine, balancer and checkpoint rest on their order), so the next one is
//! built for the new list and takes over by name. The schedule and the counters of the run begin anew.

use mtl_core::{
    params::{LoadReport, NameMap},
    state::StateDict,
};

use super::Trainer;
use crate::error::{Error, Result};

impl Trainer {
    /// Goes on with what `former` has learned: weights and buffers, optimizer state and running mean of every parameter of the same
    /// name; the balancer's state where both have the same tasks in the same order. What is new stays fresh.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] for a parameter of the same name and another shape; nothing has changed then. Errors of
    /// states that do not fit, such as those of another optimizer.
    pub fn carry(&mut self, former: &Self) -> Result<LoadReport> {
        let (own, theirs) = (self.model.params(), former.model.params());
        let other = own.tensors().find(|(name, tensor)| {
            theirs.tensors().any(|(other, theirs)| other == *name && theirs.size() != tensor.size())
        });
        if let Some((name, tensor)) = other {
            let reason = format!("{name} has another shape in the former model, here it is {:?}", tensor.size());
            return Err(Error::Core(mtl_core::Error::State { what: "carry".into(), reason }));
        }
        let tensors: Vec<_> = theirs.tensors().map(|(name, tensor)| (name.to_owned(), tensor.detach())).collect();
        let report = own.load_part(&tensors, &NameMap::same())?;
        self.optimizer.load_state(own, &former.optimizer.state(theirs))?;
        if let (Some(ema), Some(former)) = (&mut self.ema, &former.ema) {
            // Means of new parameters begin at their first values.
            let mut state = ema.state(own);
            for (name, value) in former.state(theirs).into_values() {
                if report.loaded.iter().any(|own| name == format!("average.{own}")) || name == "updates" {
                    state.insert(&name, value);
                }
            }
            ema.load_state(own, &state)?;
        }
        if self.model.tasks().names().eq(former.model.tasks().names())
            && self.engine.method().name() == former.engine.method().name()
        {
            self.engine.method_mut().load_state(&former.engine.method().state())?;
        }
        Ok(report)
    }

    /// Takes over the state of an optimizer of the same sort, parameter by parameter; those that it does not know start afresh.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] for buffers of another shape.
    pub fn take_optimizer(&mut self, state: &StateDict) -> Result<()> {
        self.optimizer.load_state(self.model.params(), state)
    }
}
