//! Balancing: how much each task may say in a step.
//!
//! Every method is of one of these kinds, by what it looks at:
//!
//! | kind | looks at | gives | folder |
//! |---|---|---|---|
//! | scalarizer | losses | weights of the losses | `scalarizer/` |
//! | weighting | Gramian `[m, m]` of the task gradients | weights of the gradients | `weighting/` |
//! | aggregator | Jacobian `[m, n]` | a direction | `aggregator/` |
//! | stochastic | Gramian between independent batches | weights of the gradients | `stochastic/` |
//! | bilevel | Gramian with held-out gradients ahead | weights of the gradients | `bilevel/` |
//! | wrapper | what its inner methods look at | weights | `wrapper/` |
//!
//! A method never sees the model: it *declares* what it needs ([`Balancer::needs`]), the step engine
//! ([`crate::step`]) provides it as [`Evidence`], after its policy has dropped absent, solved, zero-gradient and non-finite
//! tasks. So a method may assume at least two tasks, finite losses that are not next to 0 and a finite Gramian with positive
//! diagonal; with one task left the engine does plain descent without asking.
//!
//! All arithmetic is `f64` on the CPU and needs no libtorch: `m` is small, and pure code can be tested by the thousand.
//! Solvers are scale-free: multiplying all gradients by `1e-100` or `1e100` changes no weight beyond what the method's
//! formula says, because no constant in them is absolute.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs` | the list of methods: one line each |
//! | `evidence.rs` | what methods ask for and get |
//! | `gramian.rs` | the matrix of inner products |
//! | `conflict.rs` | how gradients get along over many steps |
//! | `solver/` | the small exact solvers that weightings share |
//! | `adam.rs`, `preference.rs`, `check.rs` | learned numbers, preferences, checks of settings |

mod adam;
pub mod aggregator;
pub mod bilevel;
mod check;
mod config;
mod conflict;
mod evidence;
mod gramian;
mod method;
mod preference;
pub mod scalarizer;
pub mod solver;
pub mod stochastic;
#[cfg(test)]
mod testing;
pub mod weighting;
pub mod wrapper;

use std::fmt::Debug;

pub use aggregator::{Aggregator, AggregatorConfig, AggregatorPart};
pub use config::{BalancerConfig, BalancerPart};
pub use conflict::{Conflict, ConflictStats};
pub use evidence::{Epoch, Evidence, Look, Needs, Outcome, Space};
pub use gramian::Gramian;
pub use method::Method;

use crate::{error::Result, state::StateDict};

/// A method that decides how much each task says.
pub trait Balancer: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// What it wants to see; constant over its life.
    fn needs(&self) -> Needs;

    /// What it wants to see in this step: less than [`Balancer::needs`] where it will repeat its last weights.
    fn needs_at(&self, _step: u64) -> Needs {
        self.needs()
    }

    /// The step size of [`Look::Ahead`] and [`Look::Again`].
    fn inner_lr(&self) -> f64 {
        0.0
    }

    /// How many plain steps lie before [`Look::Again`]; at least 1.
    fn inner_steps(&self) -> u32 {
        1
    }

    /// Writes the weights with which [`Look::Ahead`] and [`Look::Again`] step; ones unless the method says otherwise.
    fn current_weights(&self, _tasks: &[usize], weights: &mut [f64]) {
        weights.fill(1.0);
    }

    /// Writes one weight per active task: the update direction is `sum_i weights[i] * gradient_i`.
    ///
    /// # Errors
    /// [`Error::Solver`](crate::Error::Solver) when no finite weights can be found,
    /// [`Error::NonFinite`](crate::Error::NonFinite) when the evidence is not finite, and
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) when it lacks what [`Balancer::needs`] declares or the
    /// method cannot work with it (a logarithm of a negative loss).
    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome>;

    /// Writes one weight per parameter block and active task, `[blocks, m]`: what the engine calls instead of
    /// [`Balancer::weigh`] for those who declare [`Needs::blocks`]. The others say the same in every block.
    ///
    /// # Errors
    /// As [`Balancer::weigh`].
    fn weigh_blocks(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let m = evidence.tasks.len();
        let (first, others) = weights.split_at_mut(m.min(weights.len()));
        let outcome = self.weigh(evidence, first)?;
        others.chunks_exact_mut(m.max(1)).for_each(|block| block.copy_from_slice(first));
        Ok(outcome)
    }

    /// Hears the mean losses of the same batch after the optimizer's step, for those who declare
    /// [`Needs::losses_after_step`]; same tasks, order and task weights as in the last [`Evidence`].
    ///
    /// # Errors
    /// As [`Balancer::weigh`].
    fn after_step(&mut self, _losses: &[f64], _tasks: &[usize]) -> Result<()> {
        Ok(())
    }

    /// Hears that an epoch is over. The trainer tells every balancer, after validation.
    ///
    /// # Errors
    /// As [`Balancer::weigh`].
    fn epoch_end(&mut self, _epoch: &Epoch<'_>) -> Result<()> {
        Ok(())
    }

    /// Everything that the next call depends on; empty for stateless methods.
    fn state(&self) -> StateDict {
        StateDict::new()
    }

    /// Takes back what [`Balancer::state`] gave; on an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when it does not fit.
    fn load_state(&mut self, _state: &StateDict) -> Result<()> {
        Ok(())
    }

    /// Forgets everything, as if freshly made.
    fn reset(&mut self) {}
}
