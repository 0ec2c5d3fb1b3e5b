//! What a metric remembers: plain values that merge.
//!
//! Three laws hold for every state and are checked for every metric ([`crate::laws`]):
//!
//! ```text
//! merge(a, merge(b, c)) = merge(merge(a, b), c)      associative
//! merge(a, b)           = merge(b, a)                commutative
//! merge(default, a)     = a                          identity
//! ```
//!
//! and from them: any split of the data, in any order, gives what one pass gives.
//!
//! States that several metrics share are in the files beside this.

pub mod domain;
pub mod exact_sum;
pub mod keyed;
pub mod mean;
pub mod ranks;
pub mod samples;
pub mod weight;

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::value::OrReason;

/// What a metric remembers. The default is "nothing seen".
pub trait MetricState:
    Debug + Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Takes over what another state remembers.
    ///
    /// # Errors
    /// The reason, when both cannot stem from the same data set: other classes, other scores. `self` is unchanged.
    fn merge(&mut self, other: &Self) -> OrReason<()>;

    /// Whether a state read from bytes is one that updates could have made.
    ///
    /// # Errors
    /// The first contradiction found.
    fn check(&self) -> OrReason<()> {
        Ok(())
    }
}

/// Adds counts to counts; refuses other lengths and sums beyond `u64` before it changes anything.
pub(crate) fn add_counts(into: &mut [u64], other: &[u64]) -> OrReason<()> {
    if into.len() != other.len() {
        return Err(format!("{} classes cannot be merged with {}", into.len(), other.len()));
    }
    if into.iter().zip(other).any(|(a, b)| a.checked_add(*b).is_none()) {
        return Err("a count is beyond 64 bits".into());
    }
    into.iter_mut().zip(other).for_each(|(a, b)| *a += b);
    Ok(())
}
