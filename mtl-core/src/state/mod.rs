//! What must survive a restart, as named values.
//!
//! Balancers, optimizers, schedules and samplers hand their state out as a [`StateDict`] and take it back; a checkpoint
//! only has to know this one type. Numbers are `f64` and tensors keep their kind, so nothing is rounded on the way.

#[cfg(feature = "torch")]
mod tensors;

use crate::error::{Error, Result};

/// One value of a [`StateDict`].
#[derive(Debug)]
#[non_exhaustive]
pub enum StateValue {
    /// Numbers.
    Numbers(Vec<f64>),
    /// A counter, or a seed: all 64 bits count.
    Count(u64),
    /// A tensor, deep-copied.
    #[cfg(feature = "torch")]
    Tensor(tch::Tensor),
}

/// Named values in a fixed order.
#[derive(Debug, Default)]
pub struct StateDict(Vec<(String, StateValue)>);

impl StateDict {
    /// An empty state: that of everything stateless.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same state with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: StateValue) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds a value, or replaces the one of that name.
    pub fn insert(&mut self, name: &str, value: StateValue) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Adds all values of another state under `prefix.`.
    pub fn nest(&mut self, prefix: &str, inner: Self) {
        for (name, value) in inner.0 {
            self.insert(&format!("{prefix}.{name}"), value);
        }
    }

    /// Takes out the values under `prefix.` as a state of their own.
    #[must_use]
    pub fn unnest(&mut self, prefix: &str) -> Self {
        let (inner, outer): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(n, _)| n.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')));
        self.0 = outer;
        Self(inner.into_iter().map(|(n, v)| (n[prefix.len() + 1..].to_owned(), v)).collect())
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &StateValue)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }

    /// Names and values in order, for good.
    pub fn into_values(self) -> impl Iterator<Item = (String, StateValue)> {
        self.0.into_iter()
    }

    /// The numbers of that name, `len` of them.
    ///
    /// # Errors
    /// [`Error::State`] when there are none of that name or not `len` of them.
    pub fn numbers(&self, what: &str, name: &str, len: usize) -> Result<&[f64]> {
        match self.find(name) {
            Some(StateValue::Numbers(v)) if v.len() == len => Ok(v),
            Some(StateValue::Numbers(v)) => {
                Err(misfit(what, format!("{name} must be {len} numbers, found {}", v.len())))
            }
            other => Err(misfit(what, format!("{name} must be {len} numbers, found {}", describe(other)))),
        }
    }

    /// The counter of that name.
    ///
    /// # Errors
    /// [`Error::State`] when there is none.
    pub fn count(&self, what: &str, name: &str) -> Result<u64> {
        match self.find(name) {
            Some(StateValue::Count(v)) => Ok(*v),
            other => Err(misfit(what, format!("{name} must be a count, found {}", describe(other)))),
        }
    }

    fn find(&self, name: &str) -> Option<&StateValue> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

fn misfit(what: &str, reason: String) -> Error {
    Error::State { what: what.to_owned(), reason }
}

fn describe(value: Option<&StateValue>) -> &'static str {
    match value {
        None => "nothing",
        Some(StateValue::Numbers(_)) => "numbers",
        Some(StateValue::Count(_)) => "a count",
        #[cfg(feature = "torch")]
        Some(StateValue::Tensor(_)) => "a tensor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_round_trips_and_misfits_say_what_is_missing() {
        let inner =
            StateDict::new().with("log_vars", StateValue::Numbers(vec![0.1, 0.2])).with("step", StateValue::Count(7));
        let mut outer = StateDict::new().with("epoch", StateValue::Count(3));
        outer.nest("balancer", inner);
        let back = outer.unnest("balancer");
        assert_eq!(back.numbers("uncertainty", "log_vars", 2).unwrap(), [0.1, 0.2]);
        assert_eq!(back.count("uncertainty", "step").unwrap(), 7);
        assert_eq!(outer.iter().count(), 1);
        let e = back.numbers("uncertainty", "log_vars", 3).unwrap_err().to_string();
        assert_eq!(e, "uncertainty: saved state does not fit: log_vars must be 3 numbers, found 2");
    }
}
