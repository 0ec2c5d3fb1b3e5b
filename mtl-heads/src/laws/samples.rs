//! Features and labels for the laws.

use mtl_core::{
    Error, Result,
    answer::{Answer, CellRule, Cells, Labels, Storage},
    batch::{MISSING_CLASS, Target},
    context::Cx,
    features::{Features, Tokens, View},
    rng::Rng,
    task::TaskName,
};
use ndarray::Array2;
use tch::{Kind, Tensor};

use crate::{
    ask::Ask,
    head::{HeadOutput, HeadSpec},
};

/// Tokens of a sample, padding included.
const LONGEST: usize = 3;
/// Items of samples that have any number; the first four, which are learned by heart, have all lengths.
const LENGTHS: [usize; 6] = [3, 2, 1, 3, 2, 3];

/// A small batch that fits a head: features as a leaf that collects gradients, labels as plain numbers.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) view: View,
    pub(super) answer: Answer,
    pub(super) task: String,
    pub(super) xs: Tensor,
    pub(super) labels: Array2<f32>,
    /// Items of each sample, where samples have any number: as many labels of its row count, and as many tokens.
    lengths: Option<Vec<usize>>,
    /// What the heads said that this one reads: numbers of the form of its own answer, which as logits say yes.
    others: Vec<(TaskName, Tensor)>,
}

/// What a head is given of some samples.
#[derive(Debug)]
pub(super) struct Given {
    features: Features,
    others: Vec<(TaskName, HeadOutput)>,
}

impl Given {
    pub(super) fn ask<'a>(&'a self, cx: &'a Cx) -> Ask<'a> {
        Ask::new(&self.features, cx).with_others(&self.others)
    }
}

impl Samples {
    /// # Errors
    /// [`Error::InvalidConfig`] for answers whose items have a free axis, or where samples have any number of items that are no
    /// indices.
    pub(super) fn new(spec: &HeadSpec, b: usize, kind: Kind, value: fn(&mut Rng) -> f32) -> Result<Self> {
        let mut rng = Rng::new(11);
        let shape: Vec<i64> = match &spec.input {
            View::Tokens { width } => vec![b as i64, LONGEST as i64, *width],
            View::Pyramid { channels } => vec![b as i64, channels.last().copied().unwrap_or(1), 2, 2],
            other => vec![b as i64, other.width()],
        };
        let n: i64 = shape.iter().product();
        let numbers: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let xs = Tensor::from_slice(&numbers).view(&shape[..]).to_kind(kind).set_requires_grad(true);
        let layout = spec.answer.layout();
        let lengths = (layout.storage == Storage::Ragged).then(|| LENGTHS.iter().copied().cycle().take(b).collect::<Vec<_>>());
        let width = layout.item.iter().map(|n| usize::try_from(*n).ok()).product::<Option<usize>>();
        let width = match (&lengths, layout.cells) {
            (None, _) => width,
            (Some(_), CellRule::Index { .. }) if layout.item.is_empty() => Some(LONGEST),
            (Some(_), CellRule::Index { .. } | CellRule::YesNo | CellRule::Number) => None,
        };
        let Some(width) = width else {
            return Err(Error::InvalidConfig {
                what: "head laws",
                field: "answer",
                expected: "one item of known size a sample, or any number of indices".into(),
                found: spec.answer.describe(),
            });
        };
        #[expect(clippy::cast_precision_loss, reason = "few classes")]
        let labels = match layout.cells {
            CellRule::Index { below } => {
                Array2::from_shape_fn((b, width), |(i, j)| ((i + j) % below.max(1)) as f32)
            }
            CellRule::YesNo => {
                Array2::from_shape_fn((b, width), |(i, j)| if j == 0 { i % 2 == 0 } else { rng.uniform() < 0.5 }.into())
            }
            CellRule::Number => Array2::from_shape_fn((b, width), |_| value(&mut rng)),
        };
        let items = |n: i64| if n < 0 { LONGEST as i64 } else { n };
        let shape: Vec<i64> = [b as i64].into_iter().chain(spec.answer.shape().into_iter().map(items)).collect();
        let n: i64 = shape.iter().product();
        let mut said = || {
            let numbers: Vec<f64> = (0..n).map(|_| 6.0 + rng.normal()).collect();
            Tensor::from_slice(&numbers).view(&shape[..]).to_kind(kind)
        };
        let others = spec.needs.after.iter().map(|task| (task.clone(), said())).collect();
        let (view, answer, task) = (spec.input.clone(), spec.answer.clone(), spec.task.to_string());
        Ok(Self { view, answer, task, xs, labels, lengths, others })
    }

    /// What a head is given of the samples at `rows`.
    pub(super) fn given(&self, rows: &[usize]) -> Result<Given> {
        self.padded(rows, 0)
    }

    /// The same with `more` tokens of padding behind, where features are tokens of which samples have any number.
    pub(super) fn padded(&self, rows: &[usize], more: usize) -> Result<Given> {
        let lengths = self.lengths.as_ref().map(|lengths| rows.iter().map(|&row| lengths[row]).collect::<Vec<_>>());
        let rows = Tensor::from_slice(&rows.iter().map(|&r| r as i64).collect::<Vec<_>>());
        let xs = self.xs.f_index_select(0, &rows)?;
        let features = match (&self.view, lengths) {
            (View::Tokens { .. }, Some(lengths)) => {
                let behind = xs.f_detach()?.f_narrow(1, 0, more as i64)?.f_mul_scalar(3.0)?;
                let n = lengths.len() as i64;
                let is_padding = |length: usize| (0..LONGEST + more).map(move |at| at >= length);
                let mask: Vec<bool> = lengths.into_iter().flat_map(is_padding).collect();
                let mask = Tensor::from_slice(&mask).f_view([n, (LONGEST + more) as i64])?;
                Features::Tokens(Tokens { xs: Tensor::f_cat(&[xs, behind], 1)?, pad_mask: Some(mask), names: None })
            }
            (View::Tokens { .. }, None) => Features::Tokens(Tokens { xs, pad_mask: None, names: None }),
            (View::Pyramid { .. }, _) => Features::Pyramid(vec![xs]),
            _ => Features::Pooled(xs),
        };
        let said = |(task, all): &(TaskName, Tensor)| Ok((task.clone(), all.f_index_select(0, &rows)?.into()));
        Ok(Given { features, others: self.others.iter().map(said).collect::<Result<_>>()? })
    }

    /// The labels of the samples at `rows`; where `known` is false they are marked as missing.
    pub(super) fn target(&self, rows: &[usize], known: impl Fn(usize) -> bool) -> Result<Target> {
        let mut labels = self.labels.select(ndarray::Axis(0), rows);
        for (mut row, &sample) in labels.rows_mut().into_iter().zip(rows) {
            if !known(sample) {
                row.fill(f32::NAN);
            }
        }
        match &self.lengths {
            None => target(&self.task, &self.answer, &labels),
            Some(lengths) => self.lists(&labels, &rows.iter().map(|&row| lengths[row]).collect::<Vec<_>>()),
        }
    }

    /// Labels of one item more or less than each sample has; `None` where a sample has one item.
    pub(super) fn of_other_lengths(&self) -> Result<Option<Target>> {
        let Some(lengths) = &self.lengths else { return Ok(None) };
        let other: Vec<usize> = lengths.iter().map(|&n| if n == LONGEST { n - 1 } else { n + 1 }).collect();
        self.lists(&self.labels, &other).map(Some)
    }

    fn lists(&self, labels: &Array2<f32>, lengths: &[usize]) -> Result<Target> {
        let lists: Vec<Vec<i64>> = labels.rows().into_iter().zip(lengths).map(|(row, &n)| row.iter().take(n).map(index).collect()).collect();
        Target::new(&self.task, &self.answer, &Labels::lists(&lists))
    }

    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.labels.nrows()).collect()
    }
}

/// A target of that kind from numbers, NaN meaning unknown.
pub(super) fn target(task: &str, answer: &Answer, labels: &Array2<f32>) -> Result<Target> {
    let layout = answer.layout();
    let item: Vec<usize> = layout.item.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    let cells = match layout.cells {
        CellRule::Index { .. } => Cells::Index(labels.iter().map(index).collect()),
        CellRule::YesNo | CellRule::Number => Cells::Number(labels.iter().copied().collect()),
    };
    Target::new(task, answer, &Labels::dense(cells, labels.nrows(), &item)?)
}

#[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
fn index(label: &f32) -> i64 {
    if label.is_nan() { MISSING_CLASS } else { *label as i64 }
}
