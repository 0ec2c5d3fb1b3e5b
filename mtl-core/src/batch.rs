//! What one step sees: inputs by modality, targets by task, sample ids.
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

pub use crate::answer::{Target, array2};
use crate::error::{Error, Result, TorchContext};

/// The class label that means "not known".
pub const MISSING_CLASS: i64 = -100;

/// Input tensors by modality name, in a fixed order. The first axis of each is the batch.
#[derive(Debug, Default)]
pub struct Inputs(Vec<(String, Tensor)>);

impl Inputs {
    /// Inputs from names and tensors.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a repeated name; [`Error::Shape`] when batch sizes differ.
    pub fn new(inputs: Vec<(String, Tensor)>) -> Result<Self> {
        let mut batch = None;
        for (idx, (name, tensor)) in inputs.iter().enumerate() {
            if inputs[..idx].iter().any(|(n, _)| n == name) {
                return Err(Error::Duplicate { what: "input", name: name.clone() });
            }
            let size = tensor.size();
            let b = size.first().copied().unwrap_or(0);
            if *batch.get_or_insert(b) != b {
                return Err(Error::Shape {
                    op: format!("input {name}"),
                    tensor: "input",
                    expected: format!("[{}, ..] as the inputs before it", batch.unwrap_or(0)),
                    found: size,
                });
            }
        }
        Ok(Self(inputs))
    }

    /// The input of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the inputs there are.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t).ok_or_else(|| Error::UnknownName {
            what: "input",
            name: name.to_owned(),
            known: self.0.iter().map(|(n, _)| n.clone()).collect(),
        })
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(n, t)| (n.as_str(), t))
    }

    /// The batch size; 0 without inputs.
    #[must_use]
    pub fn batch_size(&self) -> i64 {
        self.0.first().and_then(|(_, t)| t.size().first().copied()).unwrap_or(0)
    }

    /// The same inputs on another device.
    ///
    /// # Errors
    /// [`Error::Torch`] when the transfer fails.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        let moved = self.0.iter().map(|(n, t)| Ok((n.clone(), t.f_to_device(device).op(format!("input {n}"))?)));
        Ok(Self(moved.collect::<Result<_>>()?))
    }
}

/// Inputs, targets and ids of the samples of one step.
#[derive(Debug)]
pub struct Batch {
    /// Input tensors by modality.
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
            if input.size().first() != Some(&b) {
                return refuse("input", input.size());
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
        let device = self.inputs.iter().next().map_or(Device::Cpu, |(_, t)| t.device());
        let index = Tensor::from_slice(&index).f_to_device(device).op("select samples")?;
        let inputs = self
            .inputs
            .iter()
            .map(|(name, t)| t.f_index_select(0, &index).op("select samples").map(|t| (name.to_owned(), t)));
        let inputs = Inputs::new(inputs.collect::<Result<_>>()?)?;
        let targets = self.targets.iter().map(|t| t.as_ref().map(|t| t.select(&index)).transpose());
        Self::new(inputs, targets.collect::<Result<_>>()?, ids)
    }

    /// The same batch on another device; itself when it is there already.
    ///
    /// # Errors
    /// [`Error::Torch`] when a transfer fails.
    pub fn to_device(self, device: Device) -> Result<Self> {
        if self.inputs.iter().all(|(_, t)| t.device() == device) {
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
        let inputs = Inputs::new(vec![("numeric".into(), xs())]).unwrap();
        let target = Target::class("a", &[0, 1, 1]).unwrap();
        assert!(Batch::new(inputs, vec![Some(target)], vec![7, 8]).unwrap_err().to_string().contains("target"));
        let inputs = Inputs::new(vec![("numeric".into(), xs())]).unwrap();
        let e = inputs.get("image").unwrap_err().to_string();
        assert_eq!(e, r#"unknown input "image", known are numeric"#);
        assert!(Inputs::new(vec![("a".into(), xs()), ("a".into(), xs())]).is_err());
    }
}
