//! From task losses to one gradient per parameter.
//!
//! ```text
//! forward once -> losses l_t
//!   the method looks at losses only:  one backward pass of sum_t w_t l_t                       single.rs
//!   at gradients:                     task gradients, in the way of the step mode              mode/
//!                                     -> Gramian, f64 -> policy -> method -> weights
//!                                     -> sum_t w_t g_t
//!   at every gradient's entries:      a direction from the rows                                direction.rs
//!   at further batches:               rows of those too, joint Gramian                         looks.rs
//!   over micro-batches:               rows are summed, then resolved once                      accumulate.rs
//!   with a bound per task:            Gramian and weights are scaled                           clip.rs
//!   on several ranks:                 sums, counts and rows are those of all parts             reduce.rs
//! ```
//!
//! Rules that hold for every balancer:
//!
//! 1. The user's objective is `l_t = weight_t * (loss sum / known items)`; balancers work on top of it.
//! 2. Balancers decide about **shared** parameters only. A task's own parameters (head, tower, queries) always follow the
//!    plain gradient of that task's objective, so a head's effective learning rate does not change with the method.
//!    (LibMTL's heads get weighted gradients under some methods and plain ones under others. Where the one-pass path
//!    weighs the losses, the head gradients are divided by the weight afterwards; a task of weight 0 is switched off.)
//! 3. Absent, zero-gradient and non-finite tasks are handled by the [`Policy`] before the balancer sees them. With one
//!    task left, the step is plain descent on it.
//! 4. Auxiliary losses of the architecture are added as they are, outside the balancing.
//! 5. With several [ranks](crate::world) all of this is about the whole batch: what ranks have is summed up before anything is decided
//!    ([`StepEngine::with_world`]). Auxiliary losses count by their rank's share of the samples ([`Forward::samples`]).
//!
//! Cost per [`StepMode`]: `cargo xtask bench --suite step` prints the ratio to the floor (forward and one backward pass per
//! task) and to equal weights, the errors against exact rows, and peak memory.

mod accumulate;
mod clip;
mod direction;
mod engine;
mod forward;
mod gradients;
mod looks;
pub mod mode;
mod pass;
mod policy;
mod reduce;
mod report;
mod screen;
mod single;

pub use engine::StepEngine;
pub use forward::Forward;
pub use gradients::Gradients;
pub use looks::Looker;
pub use mode::StepMode;
pub use policy::{NonFinitePolicy, Policy, ZeroGradientPolicy};
pub use report::{Dropped, StepReport, TaskStep};
