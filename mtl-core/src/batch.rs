//! What one step sees: inputs by name ([`Inputs`], see [`crate::input`]), targets by task, sample ids.
//!
//! Three kinds of multi-task data travel in the same type:
//!
//! | kind | in a [`Batch`] |
//! |---|---|
//! | joint: every sample has every label | every target present, every item known |
//! | partial: labels missing per task and sample | missing items marked inside the target (class -100, number NaN) |
//! | separate: each task has its own data set | the targets of the other tasks are `None` |
//!
//! What the labels of a task are is said by its [`Answer`](crate::answer::Answer).

use tch::{Device, Tensor};

use crate::error::{Error, Result, TorchContext};
pub use crate::{
    answer::{Target, array2},
    input::Inputs,
    prediction::MISSING_CLASS,
};

/// Inputs, targets and ids of the samples of one step.
#[derive(Debug)]
pub struct Batch {
    /// Tensors by name, with the lengths of samples.
    pub inputs: Inputs,
    /// One entry per task in task order; `None` where the task has no data in this batch.
    pub targets: Vec<Option<Target>>,
    /// Stable ids of the samples (row numbers of the data set), for messages and worst-sample lists.
    pub ids: Vec<u64>,
}

impl Batch {
    /// Checks that inputs, targets and ids agree on the batch size.
    ///
    /// # Errors
    /// [`Error::Shape`] when they do not.
    pub fn new(inputs: Inputs, targets: Vec<Option<Target>>, ids: Vec<u64>) -> Result<Self> {
        let b = ids.len() as i64;
        let refuse = |tensor, found| {
            Err(Error::Shape { op: "batch".into(), tensor, expected: format!("[{b}, ..], one per id"), found })
        };
        for (_, input) in inputs.iter() {
            let size = input.tensor().size();
            if size.first() != Some(&b) {
                return refuse("input", size);
            }
        }
        for target in targets.iter().flatten() {
            if target.batch_size() != b {
                return refuse("target", target.cells().size());
            }
        }
        Ok(Self { inputs, targets, ids })
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Some samples of the batch, in that order.
    ///
    /// # Errors
    /// [`Error::Shape`] for an index beyond the batch; [`Error::Torch`] when libtorch refuses.
    pub fn select(&self, samples: &[usize]) -> Result<Self> {
        let ids = samples.iter().map(|&s| self.ids.get(s).copied()).collect::<Option<Vec<u64>>>();
        let Some(ids) = ids else {
            return Err(Error::Shape {
                op: "select samples".into(),
                tensor: "samples",
                expected: format!("indices below {}", self.len()),
                found: samples.iter().map(|&s| s as i64).collect(),
            });
        };
        let index: Vec<i64> = samples.iter().map(|&s| s as i64).collect();
        let index = Tensor::from_slice(&index).f_to_device(self.inputs.device()).op("select samples")?;
        let inputs = self.inputs.select(&index)?;
        let targets = self.targets.iter().map(|t| t.as_ref().map(|t| t.select(&index)).transpose());
        Self::new(inputs, targets.collect::<Result<_>>()?, ids)
    }

    /// The same batch on another device; itself when it is there already.
    ///
    /// # Errors
    /// [`Error::Torch`] when a transfer fails.
    pub fn to_device(self, device: Device) -> Result<Self> {
        if self.inputs.iter().all(|(_, input)| input.tensor().device() == device) {
            return Ok(self);
        }
        let targets = self.targets.iter().map(|t| t.as_ref().map(|t| t.to_device(device)).transpose());
        Ok(Self { inputs: self.inputs.to_device(device)?, targets: targets.collect::<Result<_>>()?, ids: self.ids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_must_agree() {
        let xs = || Tensor::zeros([2, 3], tch::kind::FLOAT_CPU);
        let inputs = Inputs::new(vec![("numeric".to_owned(), xs())]).unwrap();
        let target = Target::class("a", &[0, 1, 1]).unwrap();
        assert!(Batch::new(inputs, vec![Some(target)], vec![7, 8]).unwrap_err().to_string().contains("target"));
        let inputs = Inputs::new(vec![("numeric".to_owned(), xs())]).unwrap();
        let e = inputs.get("image").unwrap_err().to_string();
        assert_eq!(e, r#"unknown input "image", known are numeric"#);
        assert!(Inputs::new(vec![("a".to_owned(), xs()), ("a".to_owned(), xs())]).is_err());
    }
}
