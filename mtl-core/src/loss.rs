//! A task's loss as balancers see it: a sum and how many items it sums over.
//!
//! A bare mean hides the difference between "no label in this batch" (NaN in most libraries) and "perfect"; and means
//! of differently labelled batches cannot be averaged. Sum and count can, and a count of 0 says "absent".

use tch::Tensor;

use crate::error::{Result, TorchContext};

/// The loss of one task on one batch.
#[derive(Debug)]
pub struct TaskLoss {
    /// Differentiable scalar `[]`: the sum of the losses of the known items.
    pub sum: Tensor,
    /// How many items were known, or the sum of their weights; 0 means the task is absent from this batch.
    pub count: f64,
}

impl TaskLoss {
    /// A loss over `count` known items.
    #[must_use]
    pub fn new(sum: Tensor, count: f64) -> Self {
        Self { sum, count }
    }

    /// The loss of a task that has no data in this batch.
    #[must_use]
    pub fn absent() -> Self {
        Self { sum: Tensor::from(0.0f32), count: 0.0 }
    }

    /// Whether the task has data in this batch.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.count > 0.0
    }

    /// The mean loss `[]`, differentiable: what is optimized. Zero when absent.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) when libtorch refuses the division.
    pub fn mean(&self) -> Result<Tensor> {
        let count = if self.is_present() { self.count } else { 1.0 };
        self.sum.f_div_scalar(count).op("mean of task loss")
    }
}
