//! One pass over a split: everything that summaries and checks count.

use std::hash::{DefaultHasher, Hasher};

use mtl_core::{
    batch::{Batch, TargetData, array2},
    error::TorchContext,
};
use mtl_data::{DataInfo, LabelKind, Source};
use serde::Serialize;
use tch::{Kind, Tensor};

use super::input_count::{self, InputCount};
use crate::error::Result;

/// Samples per batch of the pass: bounds its memory.
const CHUNK: u64 = 4096;

/// What a split holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scan {
    /// Samples.
    pub samples: u64,
    /// Columns of a table, in the order of the inputs.
    pub fields: Vec<FieldScan>,
    /// The inputs that are no columns of a table: pictures, texts, signals, sets.
    pub inputs: Vec<InputScan>,
    /// The tasks in order.
    pub labels: Vec<LabelScan>,
    /// A hash of each sample's inputs, in order.
    #[serde(skip)]
    pub(super) hashes: Vec<u64>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldScan {
    /// Codes.
    Categorical {
        /// The column's name.
        name: String,
        /// Samples by code; code 0 is a text that the training split does not have.
        counts: Vec<u64>,
    },
    /// Numbers, as the model sees them (scaled).
    Numeric {
        /// The column's name.
        name: String,
        /// Their mean.
        mean: f64,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// How many are NaN or infinite.
        not_finite: u64,
        /// How many are the number that stands for a gap; `None` where it was not looked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        gaps: Option<u64>,
    },
}

/// What an input holds that is no columns of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputScan {
    /// Its name.
    pub name: String,
    /// What it is: `picture of 1 x 28 x 28`.
    pub what: String,
    /// Mean, smallest and largest of its numbers, padding left out; `None` for ids, of which a mean says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<[f64; 3]>,
    /// How many numbers are NaN or infinite.
    pub not_finite: u64,
    /// Mean, smallest and largest length of a sample; `None` where all are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<[f64; 3]>,
}

impl InputScan {
    /// What was found, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let numbers = self.numbers.map(|[mean, min, max]| format!(", {min:.3} to {max:.3}, mean {mean:.3}"));
        let lengths = self.lengths.map(|[mean, min, max]| format!(", {min} to {max} long, mean {mean:.1}"));
        format!("{}{}{}", self.what, numbers.unwrap_or_default(), lengths.unwrap_or_default())
    }
}

impl FieldScan {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Categorical { name, .. } | Self::Numeric { name, .. } => name,
        }
    }

    /// Whether all samples have the same value.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Categorical { counts, .. } => counts.iter().filter(|n| **n > 0).count() <= 1,
            Self::Numeric { min, max, .. } => max <= min,
        }
    }
}

/// The labels of a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelScan {
    /// The task.
    pub task: String,
    /// Labels (samples, or cells where a sample has several) that are known.
    pub known: u64,
    /// Labels that are missing.
    pub missing: u64,
    /// Known labels by class, or positive ones by yes/no label; empty for numbers.
    pub counts: Vec<(String, u64)>,
    /// Mean, smallest and largest of each number; empty otherwise.
    pub numbers: Vec<(String, [f64; 3])>,
}

impl LabelScan {
    /// The share of labels that is missing, `[0, 1]`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn missing_share(&self) -> f64 {
        self.missing as f64 / (self.known + self.missing).max(1) as f64
    }
}

impl Scan {
    /// Reads all samples of a split.
    ///
    /// # Errors
    /// What the source finds wrong while it builds batches.
    pub fn new(source: &dyn Source) -> Result<Self> {
        Self::with_gaps(source, &[])
    }

    /// The same, and of numeric columns how many samples have the number that stands for a gap: `stand_ins` by column, `None`
    /// for one without gaps.
    pub(crate) fn with_gaps(source: &dyn Source, stand_ins: &[Option<f32>]) -> Result<Self> {
        let info = source.info();
        let mut counting = Counting::new(info, stand_ins);
        let n = source.len();
        let mut start = 0;
        while start < n {
            let positions: Vec<u64> = (start..n.min(start + CHUNK)).collect();
            counting.add(info, &source.batch(&positions)?)?;
            start += CHUNK;
        }
        Ok(counting.finish(info, n))
    }
}

/// Sum, smallest, largest, how many, how many not finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    sum: f64,
    min: f64,
    max: f64,
    pub(super) n: u64,
    pub(super) not_finite: u64,
}

impl Spread {
    pub(super) const EMPTY: Self = Self { sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, n: 0, not_finite: 0 };

    pub(super) fn add(&mut self, x: f64) {
        if x.is_finite() {
            self.sum += x;
            self.min = self.min.min(x);
            self.max = self.max.max(x);
            self.n += 1;
        } else {
            self.not_finite += 1;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn values(self) -> [f64; 3] {
        if self.n == 0 { [0.0; 3] } else { [self.sum / self.n as f64, self.min, self.max] }
    }
}

struct Counting {
    inputs: Vec<InputCount>,
    known: Vec<u64>,
    missing: Vec<u64>,
    classes: Vec<Vec<u64>>,
    values: Vec<Vec<Spread>>,
    hashes: Vec<u64>,
}

impl Counting {
    fn new(info: &DataInfo, stand_ins: &[Option<f32>]) -> Self {
        let n = info.tasks.len();
        let width = |t: &mtl_data::TaskInfo| t.label.width();
        Self {
            inputs: input_count::of(&info.inputs, stand_ins),
            known: vec![0; n],
            missing: vec![0; n],
            classes: info.tasks.iter().map(|t| vec![0; width(t)]).collect(),
            values: info.tasks.iter().map(|t| vec![Spread::EMPTY; width(t)]).collect(),
            hashes: Vec::new(),
        }
    }

    fn add(&mut self, info: &DataInfo, batch: &Batch) -> Result<()> {
        // What is described otherwise than it is would be counted in the wrong place.
        info.inputs.check_values(&batch.inputs)?;
        let mut hashers = vec![DefaultHasher::new(); batch.len()];
        for (count, (name, _)) in self.inputs.iter_mut().zip(info.inputs.iter()) {
            count.add(batch.inputs.input(name)?, &mut hashers)?;
        }
        self.hashes.extend(hashers.iter().map(Hasher::finish));
        for (idx, target) in batch.targets.iter().enumerate() {
            let Some(target) = target else { continue };
            self.target(idx, target.data())?;
        }
        Ok(())
    }

    fn target(&mut self, idx: usize, data: &TargetData) -> Result<()> {
        let (Some(known), Some(missing)) = (self.known.get_mut(idx), self.missing.get_mut(idx)) else { return Ok(()) };
        let (Some(classes), Some(values)) = (self.classes.get_mut(idx), self.values.get_mut(idx)) else {
            return Ok(());
        };
        let mut count = |is_known: bool| *if is_known { &mut *known } else { &mut *missing } += 1;
        match data {
            TargetData::Class(labels) => {
                for label in flat::<i64>(labels, Kind::Int64)? {
                    let class = usize::try_from(label).ok();
                    count(class.is_some());
                    class.and_then(|c| classes.get_mut(c)).into_iter().for_each(|n| *n += 1);
                }
            }
            TargetData::MultiLabel(labels) => {
                for ((_, column), label) in array2(labels)?.indexed_iter() {
                    count(!label.is_nan());
                    if *label > 0.5 {
                        classes.get_mut(column).into_iter().for_each(|n| *n += 1);
                    }
                }
            }
            TargetData::Values(numbers) => {
                for ((_, column), x) in array2(numbers)?.indexed_iter() {
                    count(!x.is_nan());
                    values.get_mut(column).filter(|_| !x.is_nan()).into_iter().for_each(|s| s.add((*x).into()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, info: &DataInfo, samples: u64) -> Scan {
        let (mut fields, mut inputs) = (Vec::new(), Vec::new());
        for (count, (name, modality)) in self.inputs.into_iter().zip(info.inputs.iter()) {
            count.finish(name, modality, &mut fields, &mut inputs);
        }
        let labels = info.tasks.iter().enumerate().map(|(idx, task)| {
            let counts = self.classes.get(idx).map(Vec::as_slice).unwrap_or_default();
            let values = self.values.get(idx).map(Vec::as_slice).unwrap_or_default();
            let (names, is_number) = match &task.label {
                LabelKind::Class { classes } => (classes, false),
                LabelKind::Binary { labels } => (labels, false),
                LabelKind::Values { names } => (names, true),
            };
            let (mut by_class, mut numbers) = (Vec::new(), Vec::new());
            match is_number {
                true => numbers = names.iter().cloned().zip(values.iter().map(|s| s.values())).collect(),
                false => by_class = names.iter().cloned().zip(counts.iter().copied()).collect(),
            }
            let of = |counts: &[u64]| counts.get(idx).copied().unwrap_or(0);
            let (known, missing) = (of(&self.known), of(&self.missing));
            LabelScan { task: task.name.to_string(), known, missing, counts: by_class, numbers }
        });
        Scan { samples, fields, inputs, labels: labels.collect(), hashes: self.hashes }
    }
}

/// A tensor's values in order.
pub(super) fn flat<T>(t: &Tensor, kind: Kind) -> Result<Vec<T>>
where
    Vec<T>: TryFrom<Tensor, Error = tch::TchError>,
{
    let flat = t.f_to_kind(kind).and_then(|t| t.f_contiguous()).and_then(|t| t.f_view([-1])).op("read batch")?;
    Ok(Vec::<T>::try_from(flat).op("read batch")?)
}
