//! One pass over a split: everything that summaries and checks count.

use std::hash::{DefaultHasher, Hasher};

use mtl_core::{
    answer::{Cells, Counter},
    batch::{Batch, MISSING_CLASS, Target},
    label_stats::LabelStats,
};
use mtl_data::{DataInfo, Source};
use serde::Serialize;

use super::{
    field_scan::{FieldScan, InputScan},
    input_count::{self, InputCount},
};
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
