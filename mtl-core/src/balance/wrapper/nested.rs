//! States of inner methods inside that of an outer one.

use crate::state::{StateDict, StateValue};

/// A copy of the values under `prefix.`.
pub(super) fn nested(state: &StateDict, prefix: &str) -> StateDict {
    let mut inner = StateDict::new();
    for (name, value) in state.iter() {
        let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) else { continue };
        match value {
            StateValue::Numbers(v) => inner.insert(rest, StateValue::Numbers(v.clone())),
            StateValue::Count(v) => inner.insert(rest, StateValue::Count(*v)),
            #[cfg(feature = "torch")]
            StateValue::Tensor(t) => inner.insert(rest, StateValue::Tensor(t.copy())),
        }
    }
    inner
}
