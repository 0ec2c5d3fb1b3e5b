//! All tasks in one batched backward pass (vmap).
//!
//! The heads' gradients are stacked to `[K, ..]`, then one pass through the trunk carries all tasks at once. Same rows as
//! the exact mode, up to the order of floating-point sums.
//!
//! When it pays: only where the time goes into dispatching operations, not into computing them. Measured on a CPU
//! (`cargo xtask bench --suite step`), models of ordinary width get 1.1 to 2 times slower, stacks of many layers of width
//! 16 get up to 4 times faster at 8 to 16 tasks. Rule of thumb: use it when a backward pass takes less than
//! [`DISPATCH_BOUND_NANOS`] per operation of the graph ([`dispatch_bound`]). It is never chosen silently: timings would
//! then decide about floating-point results.
//!
//! Operations without a batching rule run once per task, with a warning by libtorch.

use serde::{Deserialize, Serialize};

use super::{Collected, exact::KeptRows, heads::HeadPasses};
use crate::{
    error::Result,
    shim::Rows,
    step::{pass::Pass, reduce},
};

/// Settings: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchedConfig {}

/// Nanoseconds per operation below which a backward pass spends its time on dispatch.
pub const DISPATCH_BOUND_NANOS: f64 = 20_000.0;

/// Whether a backward pass of `seconds` over `operations` nodes ([`graph_size`](crate::shim::graph_size)) is bound by
/// dispatch, so that this mode is worth a try.
#[must_use]
pub fn dispatch_bound(seconds: f64, operations: usize) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a count of operations")]
    let nanos = seconds * 1e9 / operations.max(1) as f64;
    nanos < DISPATCH_BOUND_NANOS
}

pub(super) fn collect(pass: Pass<'_>) -> Result<Collected<'_>> {
    let passes = HeadPasses::run(&pass, "batched")?;
    let mut rows = Rows::of(&pass.shared_tensors())?;
    rows.backward_batched(&passes.boundary, &passes.stacked()?, pass.active.len(), false)?;
    for (column, &i) in passes.above_columns().into_iter().zip(&passes.above) {
        for k in 0..rows.len() {
            if let Some(grad) = passes.rows.get(k, column)? {
                rows.add(k, i, &grad)?;
            }
        }
    }
    reduce::rows(pass.world.as_ref(), &mut rows)?;
    Ok(Collected { shared: Box::new(KeptRows(rows)), heads: passes.heads })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_operations_are_bound_by_dispatch() {
        assert!(dispatch_bound(100e-6, 20));
        assert!(!dispatch_bound(10e-3, 20));
    }
}
