//! Laws that every balancing method obeys: evidence in, weights out, no tensor anywhere.
//!
//! ```text
//! needs         what it declares stays the same, and evidence that lacks it is refused
//! sizes         losses and a Gramian for another number of tasks are refused
//! non_finite    NaN and infinity are refused by the name of the task
//! finite        there are weights and they are finite, for gradients that cancel, depend on each other or are 0 as well
//! odd           so they are beside a task whose loss is 0, whose gradient is 0, or which is 1e-30 or 1e30 times as large
//! absent        a task may be absent from a step and come back
//! repeatable    the same run gives the same bits
//! resumed       a state that is saved and loaded goes on bit by bit; one for another number of tasks is refused
//! reset         means fresh
//! ```
//! And what a method claims of itself ([`Claims`]):
//!
//! ```text
//! non_negative  weights are never negative
//! sum           weights sum to a constant
//! non_conflicting  the direction makes no task worse, to first order
//! permutation   tasks in another order get the same weights in that order
//! degree        all gradients times k: all weights times k to that power
//! linear        the direction is linear in the lengths of the gradients
//! fair          orthogonal gradients of one length and equal losses get equal weights
//! stateless     the second call gives the same as the first, and there is no state
//! ```
//! Solvers are held to `f64`: no tolerance depends on the size of gradients.
//!
//! ```
//! use mtl_core::{balance::BalancerConfig, laws::balancer::{self, Claims}, task::{Task, TaskSet}};
//!
//! let claims = Claims { non_conflicting: true, linear: true, ..Claims::USUAL };
//! balancer::check(claims, &|m| {
//!     let tasks = (0..m).map(|i| Task::new(&format!("t{i}"))).collect::<Result<_, _>>()?;
//!     BalancerConfig::by_name("upgrad")?.build(&TaskSet::new(tasks)?)
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cases;
mod evidence;
mod memory;
mod odd;
mod subject;
mod weights;

use subject::Subject;

use super::BrokenLaws;
use crate::{balance::Balancer, error::Result};

/// What a method claims of its weights.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent claims")]
pub struct Claims {
    /// Weights are never negative.
    pub non_negative: bool,
    /// Weights sum to `.0` times the number of tasks to the power of `.1`.
    pub sum: Option<(f64, i32)>,
    /// The direction has no negative inner product with any gradient (up to rounding).
    pub non_conflicting: bool,
    /// Reordering the tasks reorders the weights, as far as the direction shows it.
    pub permutation: bool,
    /// Multiplying all gradients by `k` multiplies the weights by `k` to this power.
    pub degree: Option<i32>,
    /// The direction is linear in the lengths of the gradients.
    pub linear: bool,
    /// Orthogonal gradients of equal length and equal losses get equal weights.
    pub fair: bool,
    /// The second call with the same evidence gives the same as the first, and there is no state.
    pub stateless: bool,
}

impl Claims {
    /// What most methods claim.
    pub const USUAL: Self = Self {
        non_negative: true,
        sum: None,
        non_conflicting: false,
        permutation: true,
        degree: Some(0),
        linear: false,
        fair: true,
        stateless: true,
    };
}

/// How a method is made for so many tasks (at least one), the same each time.
pub type Build<'a> = dyn Fn(usize) -> Result<Box<dyn Balancer>> + 'a;

/// Runs every law over the method that `build` makes.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law.
pub fn check(claims: Claims, build: &Build<'_>) -> std::result::Result<(), BrokenLaws> {
    type Law = fn(&Subject<'_>) -> Result<Option<String>>;
    let mut laws: Vec<(&'static str, Law)> = vec![
        ("needs", evidence::needs),
        ("sizes", evidence::sizes),
        ("non_finite", evidence::non_finite),
        ("finite", weights::finite),
        ("odd", odd::odd),
        ("absent", odd::absent),
        ("repeatable", memory::repeatable),
        ("resumed", memory::resumed),
        ("reset", memory::reset),
    ];
    let claimed: [(bool, &'static str, Law); 8] = [
        (claims.non_negative, "non_negative", weights::non_negative),
        (claims.sum.is_some(), "sum", weights::sum),
        (claims.non_conflicting, "non_conflicting", weights::non_conflicting),
        (claims.permutation, "permutation", weights::permutation),
        (claims.degree.is_some(), "degree", weights::degree),
        (claims.linear, "linear", weights::linear),
        (claims.fair, "fair", weights::fair),
        (claims.stateless, "stateless", memory::stateless),
    ];
    laws.extend(claimed.into_iter().filter(|(claimed, ..)| *claimed).map(|(_, name, law)| (name, law)));
    let subject = Subject { claims, build };
    let mut broken = BrokenLaws(Vec::new());
    for (name, law) in laws {
        broken.note(name, law(&subject));
    }
    broken.verdict()
}
