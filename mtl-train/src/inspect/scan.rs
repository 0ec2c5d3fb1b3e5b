//! One pass over a split: everything that summaries and checks count.

use std::hash::{DefaultHasher, Hash, Hasher};

use mtl_core::{answer::Counter, batch::Batch, error::TorchContext, label_stats::LabelStats};
use mtl_data::{DataInfo, Source};
use serde::Serialize;
use tch::{Kind, Tensor};

use crate::error::Result;

/// Samples per batch of the pass: bounds its memory.
const CHUNK: u64 = 4096;

/// What a split holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scan {
    /// Samples.
    pub samples: u64,
    /// Categorical fields, then numeric ones, in column order.
    pub fields: Vec<FieldScan>,
    /// Mean, smallest and largest pixel, if there are pictures; the smallest two numbers are of all pixels.
    pub pixels: Option<[f64; 3]>,
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
            counting.add(&source.batch(&positions)?)?;
            start += CHUNK;
        }
        Ok(counting.finish(info, n))
    }
}

/// Sum, smallest, largest, how many, how many not finite.
#[derive(Debug, Clone, Copy)]
struct Spread {
    sum: f64,
    min: f64,
    max: f64,
    n: u64,
    not_finite: u64,
}

impl Spread {
    const EMPTY: Self = Self { sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, n: 0, not_finite: 0 };

    fn add(&mut self, x: f64) {
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
    fn values(self) -> [f64; 3] {
        if self.n == 0 { [0.0; 3] } else { [self.sum / self.n as f64, self.min, self.max] }
    }
}

struct Counting {
    codes: Vec<Vec<u64>>,
    numeric: Vec<Spread>,
    /// The number that stands for a gap, and how often it occurs, by numeric column.
    gaps: Vec<Option<(f32, u64)>>,
    pixels: Spread,
    labels: Vec<Box<dyn Counter>>,
    hashes: Vec<u64>,
}

impl Counting {
    fn new(info: &DataInfo, stand_ins: &[Option<f32>]) -> Self {
        let gap = |column: usize| stand_ins.get(column).copied().flatten().map(|stand_in| (stand_in, 0));
        Self {
            codes: info.categorical.iter().map(|f| vec![0; f.cardinality]).collect(),
            numeric: vec![Spread::EMPTY; info.numeric.len()],
            gaps: (0..info.numeric.len()).map(gap).collect(),
            pixels: Spread::EMPTY,
            labels: info.tasks.iter().map(|task| task.answer.counter()).collect(),
            hashes: Vec::new(),
        }
    }

    fn add(&mut self, batch: &Batch) -> Result<()> {
        let mut hashers = vec![DefaultHasher::new(); batch.len()];
        for (name, input) in batch.inputs.iter() {
            if name == "categorical" {
                let codes = flat::<i64>(input, Kind::Int64)?;
                each_row(&codes, &mut hashers, |code, hasher| code.hash(hasher));
                for (at, code) in codes.iter().enumerate() {
                    let column = at % self.codes.len().max(1);
                    let counts = self.codes.get_mut(column);
                    let slot = usize::try_from(*code).ok().and_then(|code| counts?.get_mut(code));
                    slot.into_iter().for_each(|n| *n += 1);
                }
                continue;
            }
            let numbers = flat::<f32>(input, Kind::Float)?;
            each_row(&numbers, &mut hashers, |x, hasher| x.to_bits().hash(hasher));
            match name {
                "numeric" => {
                    let width = self.numeric.len().max(1);
                    for row in numbers.chunks(width) {
                        self.numeric.iter_mut().zip(row).for_each(|(spread, x)| spread.add((*x).into()));
                        for (gap, x) in self.gaps.iter_mut().zip(row) {
                            // Bit by bit: a gap was written by the formula that gave the stand-in.
                            gap.iter_mut().filter(|gap| gap.0.to_bits() == x.to_bits()).for_each(|gap| gap.1 += 1);
                        }
                    }
                }
                _ => numbers.iter().for_each(|x| self.pixels.add((*x).into())),
            }
        }
        self.hashes.extend(hashers.iter().map(Hasher::finish));
        for (counter, target) in self.labels.iter_mut().zip(&batch.targets) {
            if let Some(target) = target {
                counter.count(&target.reference()?);
            }
        }
        Ok(())
    }

    fn finish(self, info: &DataInfo, samples: u64) -> Scan {
        let categorical = info.categorical.iter().zip(self.codes);
        let categorical = categorical.map(|(f, counts)| FieldScan::Categorical { name: f.name.clone(), counts });
        let numeric = info.numeric.iter().zip(&self.numeric).zip(&self.gaps).map(|((name, spread), gap)| {
            let [mean, min, max] = spread.values();
            let gaps = gap.map(|(_, n)| n);
            FieldScan::Numeric { name: name.clone(), mean, min, max, not_finite: spread.not_finite, gaps }
        });
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
        Scan {
            samples,
            fields: categorical.chain(numeric).collect(),
            pixels: (self.pixels.n > 0).then(|| self.pixels.values()),
            labels: labels.collect(),
            hashes: self.hashes,
        }
    }
}

/// Calls `add` with every value of a row and the row's hasher.
fn each_row<T>(values: &[T], hashers: &mut [DefaultHasher], add: impl Fn(&T, &mut DefaultHasher)) {
    let width = values.len().checked_div(hashers.len()).unwrap_or(0).max(1);
    for (row, hasher) in values.chunks(width).zip(hashers) {
        row.iter().for_each(|value| add(value, hasher));
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
