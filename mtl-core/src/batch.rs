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
//! A [`Target`] is checked once, where it is made (a loader's worker thread, on the CPU): it counts its known items and
//! remembers its largest label, so that neither a loss nor a range check ever waits for the accelerator.

use ndarray::{Array2, ArrayView2};
use tch::{Device, Kind, Tensor};

pub use crate::{input::Inputs, prediction::MISSING_CLASS};
use crate::{
    error::{Error, Result, TorchContext},
    prediction::Reference,
};


/// The labels of one task for one batch.
#[derive(Debug)]
pub struct Target {
    data: TargetData,
    known: u64,
    max_label: Option<i64>,
}

/// The tensors inside a [`Target`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TargetData {
    /// One label per sample: `[b]` of `Int64`, [`MISSING_CLASS`] where unknown.
    Class(Tensor),
    /// Independent yes/no labels: `[b, c]` of `Float` in `{0, 1}`, NaN where unknown.
    MultiLabel(Tensor),
    /// Numbers: `[b, k]` of `Float`, NaN where unknown.
    Values(Tensor),
}

impl Target {
    /// One class label per sample; [`MISSING_CLASS`] means unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for a negative label other than [`MISSING_CLASS`], naming `task`.
    pub fn class(task: &str, labels: &[i64]) -> Result<Self> {
        let (mut known, mut max_label) = (0, None);
        for (sample, &label) in labels.iter().enumerate() {
            if label == MISSING_CLASS {
                continue;
            }
            if label < 0 {
                return Err(Error::Label {
                    task: task.to_owned(),
                    what: "label",
                    expected: format!(">= 0, or {MISSING_CLASS} for missing"),
                    found: label.to_string(),
                    sample: sample as u64,
                });
            }
            known += 1;
            max_label = max_label.max(Some(label));
        }
        Ok(Self { data: TargetData::Class(Tensor::from_slice(labels)), known, max_label })
    }

    /// Yes/no labels `[b, c]`: 0, 1 or NaN for unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for any other value, naming `task`.
    pub fn multi_label(task: &str, labels: ArrayView2<'_, f32>) -> Result<Self> {
        let mut known = 0;
        for ((sample, _), &label) in labels.indexed_iter() {
            if label.is_nan() {
                continue;
            }
            if !matches!(label.to_bits(), NO | NEGATIVE_ZERO | YES) {
                return Err(Error::Label {
                    task: task.to_owned(),
                    what: "label",
                    expected: "0, 1 or NaN for missing".into(),
                    found: label.to_string(),
                    sample: sample as u64,
                });
            }
            known += 1;
        }
        Ok(Self { data: TargetData::MultiLabel(matrix(labels)?), known, max_label: None })
    }

    /// Numbers `[b, k]`; NaN means unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for an infinite value, naming `task`.
    pub fn values(task: &str, values: ArrayView2<'_, f32>) -> Result<Self> {
        let mut known = 0;
        for ((sample, _), &value) in values.indexed_iter() {
            if value.is_infinite() {
                return Err(Error::Label {
                    task: task.to_owned(),
                    what: "value",
                    expected: "finite, or NaN for missing".into(),
                    found: value.to_string(),
                    sample: sample as u64,
                });
            }
            known += u64::from(!value.is_nan());
        }
        Ok(Self { data: TargetData::Values(matrix(values)?), known, max_label: None })
    }

    /// The tensors.
    #[must_use]
    pub fn data(&self) -> &TargetData {
        &self.data
    }

    /// How many items carry a label: samples for classes, cells for the others.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^52 items")]
    pub fn known(&self) -> f64 {
        self.known as f64
    }

    /// Whether every item carries a label, so that no mask is needed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.known == self.tensor().numel() as u64
    }

    /// The largest class label, if the target is of classes and any is known.
    #[must_use]
    pub fn max_label(&self) -> Option<i64> {
        self.max_label
    }

    /// The batch size.
    #[must_use]
    pub fn batch_size(&self) -> i64 {
        self.tensor().size().first().copied().unwrap_or(0)
    }

    /// What the target is, for messages: `class labels [b]`.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.data {
            TargetData::Class(_) => "class labels [b]",
            TargetData::MultiLabel(_) => "yes/no labels [b, c]",
            TargetData::Values(_) => "numbers [b, k]",
        }
    }

    /// The labels as plain values, for metrics.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    pub fn reference(&self) -> Result<Reference> {
        Ok(match &self.data {
            TargetData::Class(t) => Reference::Class(Vec::<i64>::try_from(t).op("read class labels")?),
            TargetData::MultiLabel(t) => Reference::MultiLabel(array2(t)?),
            TargetData::Values(t) => Reference::Values(array2(t)?),
        })
    }

    /// The same target on another device.
    ///
    /// # Errors
    /// [`Error::Torch`] when the transfer fails.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        let mv = |t: &Tensor| t.f_to_device(device).op("move target");
        let data = match &self.data {
            TargetData::Class(t) => TargetData::Class(mv(t)?),
            TargetData::MultiLabel(t) => TargetData::MultiLabel(mv(t)?),
            TargetData::Values(t) => TargetData::Values(mv(t)?),
        };
        Ok(Self { data, known: self.known, max_label: self.max_label })
    }

    /// The labels of some samples, in that order.
    ///
    /// # Errors
    /// [`Error::Torch`] for an index beyond the batch.
    pub fn select(&self, samples: &Tensor) -> Result<Self> {
        let pick = |t: &Tensor| t.f_index_select(0, samples).op("select labels");
        let count = |known: Tensor| -> Result<u64> {
            let n = known.f_sum(Kind::Int64).and_then(|n| i64::try_from(&n)).op("count labels")?;
            Ok(n.unsigned_abs())
        };
        let (data, known) = match &self.data {
            TargetData::Class(t) => {
                let t = pick(t)?;
                let known = t.f_ne(MISSING_CLASS).op("count labels")?;
                (TargetData::Class(t), known)
            }
            TargetData::MultiLabel(t) => {
                let t = pick(t)?;
                let known = t.f_isnan().and_then(|t| t.f_logical_not()).op("count labels")?;
                (TargetData::MultiLabel(t), known)
            }
            TargetData::Values(t) => {
                let t = pick(t)?;
                let known = t.f_isnan().and_then(|t| t.f_logical_not()).op("count labels")?;
                (TargetData::Values(t), known)
            }
        };
        Ok(Self { data, known: count(known)?, max_label: self.max_label })
    }

    fn tensor(&self) -> &Tensor {
        match &self.data {
            TargetData::Class(t) | TargetData::MultiLabel(t) | TargetData::Values(t) => t,
        }
    }
}

// The bit patterns of the labels there are: compared exactly, which floating-point comparison is frowned upon for.
const NO: u32 = 0f32.to_bits();
const NEGATIVE_ZERO: u32 = (-0f32).to_bits();
const YES: u32 = 1f32.to_bits();

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
                return refuse("target", target.tensor().size());
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

fn matrix(values: ArrayView2<'_, f32>) -> Result<Tensor> {
    let (b, k) = values.dim();
    let flat = values.as_standard_layout();
    let slice = flat.as_slice().unwrap_or_default();
    Tensor::from_slice(slice).f_view([b as i64, k as i64]).op("target matrix")
}

/// A `[b, k]` tensor as an array of `f32`.
///
/// # Errors
/// [`Error::Shape`] unless the rank is 2; [`Error::Torch`] when it cannot be read.
pub fn array2(t: &Tensor) -> Result<Array2<f32>> {
    let [b, k] = t.size()[..] else {
        return Err(Error::Shape {
            op: "read matrix".into(),
            tensor: "tensor",
            expected: "[b, k]".into(),
            found: t.size(),
        });
    };
    let flat = t.f_detach().and_then(|t| t.f_to_kind(Kind::Float)).and_then(|t| t.f_reshape([-1])).op("read matrix")?;
    let flat = Vec::<f32>::try_from(&flat).op("read matrix")?;
    let (b, k) = (usize::try_from(b).unwrap_or(0), usize::try_from(k).unwrap_or(0));
    Array2::from_shape_vec((b, k), flat).map_err(|_| Error::Shape {
        op: "read matrix".into(),
        tensor: "tensor",
        expected: format!("{b} x {k} items"),
        found: t.size(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_target_counts_what_is_known() {
        let t = Target::class("a", &[2, MISSING_CLASS, 0]).unwrap();
        assert_eq!((t.known(), t.max_label(), t.is_complete()), (2.0, Some(2), false));
        let t = Target::multi_label("a", array![[0.0, 1.0], [f32::NAN, 1.0]].view()).unwrap();
        assert_eq!((t.known(), t.is_complete()), (3.0, false));
        let t = Target::values("a", array![[0.5], [7.0]].view()).unwrap();
        assert!(t.is_complete());
    }

    #[test]
    fn bad_labels_name_task_and_sample() {
        let e = Target::class("income", &[0, -3]).unwrap_err().to_string();
        assert_eq!(e, "task income: label must be >= 0, or -100 for missing, found -3 (sample 1)");
        assert!(Target::multi_label("a", array![[0.5]].view()).unwrap_err().to_string().contains("found 0.5"));
        assert!(Target::values("a", array![[f32::INFINITY]].view()).is_err());
    }

    #[test]
    fn references_round_trip() {
        let values = array![[1.0, 2.0], [3.0, 4.0]];
        assert_eq!(Target::values("a", values.view()).unwrap().reference().unwrap(), Reference::Values(values.clone()));
        let transposed = Target::values("a", values.t()).unwrap().reference().unwrap();
        assert_eq!(transposed, Reference::Values(values.t().to_owned()));
    }

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
