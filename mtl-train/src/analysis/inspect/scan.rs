//! One pass over a split: everything that summaries and checks count.

use std::hash::{DefaultHasher, Hasher};

use mtl_core::{
    answer::{Cells, Counter},
    batch::{Batch, MISSING_CLASS, Target},
    error::TorchContext,
    label_stats::LabelStats,
};
use mtl_data::{DataInfo, Source};
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
    /// Which tasks each sample has a label of, a bit a task: of the first 64.
    #[serde(skip)]
    pub(super) known: Vec<u64>,
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
    /// Ids that stand for what training does not have, and all ids; `None` where there is no such id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<[u64; 2]>,
}

impl InputScan {
    /// What it is and what was found, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.found() {
            found if found.is_empty() => self.what.clone(),
            found => format!("{}, {found}", self.what),
        }
    }

    /// The share of ids that stand for what training does not have, `[0, 1]`; 0 where there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn unknown_share(&self) -> f64 {
        self.unknown.map_or(0.0, |[unknown, all]| unknown as f64 / all.max(1) as f64)
    }

    /// What was found, in words.
    #[must_use]
    pub fn found(&self) -> String {
        let numbers = self.numbers.map(|[mean, min, max]| format!("{min:.3} to {max:.3}, mean {mean:.3}"));
        let lengths = self.lengths.map(|[mean, min, max]| format!("{min} to {max} long, mean {mean:.1}"));
        let unknown = self.unknown.map(|_| format!("{:.2} % unknown", 100.0 * self.unknown_share()));
        numbers.into_iter().chain(lengths).chain(unknown).collect::<Vec<_>>().join(", ")
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
    labels: Vec<Box<dyn Counter>>,
    hashes: Vec<u64>,
    known: Vec<u64>,
}

impl Counting {
    fn new(info: &DataInfo, stand_ins: &[Option<f32>]) -> Self {
        Self {
            inputs: input_count::of(&info.inputs, stand_ins),
            labels: info.tasks.iter().map(|task| task.answer.counter()).collect(),
            hashes: Vec::new(),
            known: Vec::new(),
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
        let mut known = vec![0; batch.len()];
        for (task, (counter, target)) in self.labels.iter_mut().zip(&batch.targets).enumerate() {
            if let Some(target) = target {
                counter.count(&target.reference()?);
                mark(&mut known, task, target)?;
            }
        }
        self.known.append(&mut known);
        Ok(())
    }

    fn finish(self, info: &DataInfo, samples: u64) -> Scan {
        let (mut fields, mut inputs) = (Vec::new(), Vec::new());
        for (count, (name, modality)) in self.inputs.into_iter().zip(info.inputs.iter()) {
            count.finish(name, modality, &mut fields, &mut inputs);
        }
        let labels = info.tasks.iter().zip(self.labels).map(|(task, counter)| {
            let stats = counter.finish();
            let names = || task.answer.names().iter().cloned();
            let (mut counts, mut numbers) = (Vec::new(), Vec::new());
            match &stats {
                LabelStats::Class { counts: own, .. } | LabelStats::Items { counts: own, .. } => {
                    counts = names().zip(own.iter().copied()).collect();
                }
                LabelStats::MultiLabel { labels } => counts = names().zip(labels.iter().map(|l| l.yes)).collect(),
                LabelStats::Values { outputs } => {
                    let spread = outputs.iter().map(|output| match &output.spread {
                        Some(spread) => [spread.moments.mean, spread.min(), spread.max()],
                        None => [0.0; 3],
                    });
                    numbers = names().zip(spread).collect();
                }
                // What a kind from outside remembers, only it can put into words.
                LabelStats::Custom { .. } => {}
            }
            let (known, missing) = (stats.known(), stats.missing());
            LabelScan { task: task.name.to_string(), known, missing, counts, numbers }
        });
        Scan { samples, fields, inputs, labels: labels.collect(), hashes: self.hashes, known: self.known }
    }
}

/// Sets the task's bit of the samples that have a label of it, in part at least.
fn mark(known: &mut [u64], task: usize, target: &Target) -> Result<()> {
    let Some(bit) = u32::try_from(task).ok().and_then(|task| 1_u64.checked_shl(task)) else { return Ok(()) };
    if target.is_complete() {
        known.iter_mut().for_each(|known| *known |= bit);
        return Ok(());
    }
    let labels = target.labels()?;
    for (sample, known) in known.iter_mut().enumerate() {
        let range = labels.range(sample);
        let is_known = match labels.cells() {
            Cells::Index(cells) => cells.get(range).is_some_and(|cells| cells.iter().any(|c| *c != MISSING_CLASS)),
            Cells::Number(cells) => cells.get(range).is_some_and(|cells| cells.iter().any(|c| !c.is_nan())),
        };
        *known |= if is_known { bit } else { 0 };
    }
    Ok(())
}

/// A tensor's values in order.
pub(super) fn flat<T>(t: &Tensor, kind: Kind) -> Result<Vec<T>>
where
    Vec<T>: TryFrom<Tensor, Error = tch::TchError>,
{
    let flat = t.f_to_kind(kind).and_then(|t| t.f_contiguous()).and_then(|t| t.f_view([-1])).op("read batch")?;
    Ok(Vec::<T>::try_from(flat).op("read batch")?)
}
