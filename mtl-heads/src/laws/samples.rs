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

/// A small batch that fits a head: features as a leaf that collects gradients, labels as plain numbers.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) view: View,
    pub(super) answer: Answer,
    pub(super) task: String,
    pub(super) xs: Tensor,
    pub(super) labels: Array2<f32>,
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
    /// [`Error::InvalidConfig`] for answers of any number of items a sample, or of items with a free axis.
    pub(super) fn new(spec: &HeadSpec, b: usize, kind: Kind, value: fn(&mut Rng) -> f32) -> Result<Self> {
        let mut rng = Rng::new(11);
        let shape: Vec<i64> = match &spec.input {
            View::Tokens { width } => vec![b as i64, 3, *width],
            View::Pyramid { channels } => vec![b as i64, channels.last().copied().unwrap_or(1), 2, 2],
            other => vec![b as i64, other.width()],
        };
        let n: i64 = shape.iter().product();
        let numbers: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let xs = Tensor::from_slice(&numbers).view(&shape[..]).to_kind(kind).set_requires_grad(true);
        let layout = spec.answer.layout();
        let width = layout.item.iter().map(|n| usize::try_from(*n).ok()).product::<Option<usize>>();
        let (Some(width), Storage::Dense) = (width, layout.storage) else {
            return Err(Error::InvalidConfig {
                what: "head laws",
                field: "answer",
                expected: "one item of known size a sample".into(),
                found: spec.answer.describe(),
            });
        };
        #[expect(clippy::cast_precision_loss, reason = "few classes")]
        let labels = match layout.cells {
            CellRule::Index { below } => {
                Array2::from_shape_fn((b, width), |(i, _)| if i < below { i } else { i % below.max(1) } as f32)
            }
            CellRule::YesNo => {
                Array2::from_shape_fn((b, width), |(i, j)| if j == 0 { i % 2 == 0 } else { rng.uniform() < 0.5 }.into())
            }
            CellRule::Number => Array2::from_shape_fn((b, width), |_| value(&mut rng)),
        };
        let shape: Vec<i64> = [b as i64].into_iter().chain(spec.answer.shape()).collect();
        let n: i64 = shape.iter().product();
        let mut said = || {
            let numbers: Vec<f64> = (0..n).map(|_| 6.0 + rng.normal()).collect();
            Tensor::from_slice(&numbers).view(&shape[..]).to_kind(kind)
        };
        let others = spec.needs.after.iter().map(|task| (task.clone(), said())).collect();
        let (view, answer, task) = (spec.input.clone(), spec.answer.clone(), spec.task.to_string());
        Ok(Self { view, answer, task, xs, labels, others })
    }

    /// What a head is given of the samples at `rows`.
    pub(super) fn given(&self, rows: &[usize]) -> Result<Given> {
        let rows = Tensor::from_slice(&rows.iter().map(|&r| r as i64).collect::<Vec<_>>());
        let xs = self.xs.f_index_select(0, &rows)?;
        let features = match &self.view {
            View::Tokens { .. } => Features::Tokens(Tokens { xs, pad_mask: None, names: None }),
            View::Pyramid { .. } => Features::Pyramid(vec![xs]),
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
        target(&self.task, &self.answer, &labels)
    }

    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.labels.nrows()).collect()
    }
}

/// A target of that kind from numbers, NaN meaning unknown.
pub(super) fn target(task: &str, answer: &Answer, labels: &Array2<f32>) -> Result<Target> {
    let layout = answer.layout();
    let item: Vec<usize> = layout.item.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
    let class = |l: &f32| if l.is_nan() { MISSING_CLASS } else { *l as i64 };
    let cells = match layout.cells {
        CellRule::Index { .. } => Cells::Index(labels.iter().map(class).collect()),
        CellRule::YesNo | CellRule::Number => Cells::Number(labels.iter().copied().collect()),
    };
    Target::new(task, answer, &Labels::dense(cells, labels.nrows(), &item)?)
}
