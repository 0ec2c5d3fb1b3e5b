//! Clipping per task: no task's gradient is longer than a bound when the method sees it.
//!
//! ```text
//! n_t = ||(g_t, h_t)||              g_t: shared parameters, h_t: the task's own
//! d_t = min(1, max_norm / n_t)
//! G  <- D G D                       what the method looks at
//! w_t <- w_t d_t                    what its weights are multiplied by in the combination
//! h_t <- d_t h_t
//! ```
//! One batch with an outlier of one task then neither outvotes the other tasks in the shared parameters nor throws the
//! task's head away; clipping all gradients together would shrink the innocent ones too. Rows are not touched: scaling the
//! Gramian and the weights is the same. (Methods that make a direction from the rows get scaled rows.)
//!
//! * Norms are those of what the step mode holds: gradients with respect to the features in the representation mode.
//! * Methods that look at losses only (fixed weights, uncertainty, DWA, ...) make one backward pass of a weighted sum, in
//!   which no task has a gradient of its own. With this bound they take the way of the others, one backward pass per task,
//!   and keep their weights.
//! * Methods with further looks (MoDo, SDMGrad, Auto-Lambda, MOML) estimate inner products from independent batches, which
//!   clipping would bias: refused.
//! * [`StepReport`] tells every task's factor; its Gramian is the one that the method saw.

use tch::Tensor;

use super::StepReport;
use crate::{
    balance::Gramian,
    error::{Error, Result, TorchContext},
    shim,
};

/// The bound on every task's gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TaskClip {
    max_norm: f64,
}

impl TaskClip {
    pub(super) fn new(max_norm: f64) -> Result<Self> {
        if max_norm > 0.0 && max_norm.is_finite() {
            return Ok(Self { max_norm });
        }
        Err(Error::InvalidConfig {
            what: "task clipping",
            field: "max_norm",
            expected: "positive".into(),
            found: max_norm.to_string(),
        })
    }

    /// The factors of the active tasks; their own gradients are scaled in place. `gram` is `[k, k]`, row-major.
    pub(super) fn factors(
        self,
        gram: &[f64],
        heads: &[Vec<Option<Tensor>>],
        report: &mut StepReport,
    ) -> Result<Vec<f64>> {
        let k = report.active.len();
        let mut factors = Vec::with_capacity(k);
        for (row, (&t, own)) in report.active.iter().zip(heads).enumerate() {
            let own: Vec<&Tensor> = own.iter().flatten().collect();
            let own_norm = match shim::global_norm(&own)? {
                Some(norm) => f64::try_from(&norm).op("task clipping")?,
                None => 0.0,
            };
            let norm = gram.get(row * k + row).copied().unwrap_or(0.0).sqrt().hypot(own_norm);
            // A norm that is not finite is the policy's business.
            let factor = if norm > self.max_norm && norm.is_finite() { self.max_norm / norm } else { 1.0 };
            if factor < 1.0 {
                shim::scale(&own, factor)?;
            }
            if let Some(task) = report.tasks.get_mut(t) {
                task.clip *= factor;
            }
            factors.push(factor);
        }
        Ok(factors)
    }
}

/// `D G D`; the Gramian itself without factors.
pub(super) fn scaled(gramian: Gramian, factors: Option<&[f64]>) -> Result<Gramian> {
    let Some(factors) = factors else { return Ok(gramian) };
    let m = gramian.m();
    let values = gramian.values().iter().enumerate().map(|(e, v)| v * factors[e / m] * factors[e % m]).collect();
    Gramian::new(m, values)
}
