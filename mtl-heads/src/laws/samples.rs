//! Features, inputs and labels for the laws.

use mtl_core::{
    Error, Result,
    answer::{Answer, CellRule, Cells, Labels, Storage},
    batch::{Inputs, MISSING_CLASS, Target},
    context::Cx,
    features::{Features, Tokens, View},
    input::InputSpec,
    rng::Rng,
    task::TaskName,
};
use tch::{Device, Kind, Tensor};

use crate::{
    ask::Ask,
    head::{HeadOutput, HeadSpec},
    hiding::Hidden,
};

/// Tokens of a sample, padding included, where features are tokens.
const LONGEST: usize = 3;
/// Tokens of samples that have any number; the first four, which are learned by heart, have all lengths.
const LENGTHS: [usize; 6] = [3, 2, 1, 3, 2, 3];

/// A small batch that fits a head: features as a leaf that collects gradients, labels as plain numbers.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) view: View,
    pub(super) answer: Answer,
    pub(super) task: String,
    pub(super) xs: Tensor,
    pub(super) labels: Labels,
    /// Tokens of each sample, where features are tokens or answers have any number of items.
    lengths: Option<Vec<usize>>,
    /// What the heads said that this one reads: numbers of the form of its own answer, which as logits say yes.
    others: Vec<(TaskName, Tensor)>,
    /// Where the head reads them.
    inputs: Option<Inputs>,
    /// Whether the head restores hidden cells: for it all of them are hidden at once.
    hides: bool,
}

/// What a head is given of some samples.
#[derive(Debug)]
pub(super) struct Given {
    features: Features,
    others: Vec<(TaskName, HeadOutput)>,
    inputs: Option<Inputs>,
    hidden: Option<Hidden>,
}

impl Given {
    pub(super) fn ask<'a>(&'a self, cx: &'a Cx) -> Ask<'a> {
        let mut ask = Ask::new(&self.features, cx).with_others(&self.others);
        if let Some(inputs) = &self.inputs {
            ask = ask.with_inputs(inputs);
        }
        if let Some(hidden) = &self.hidden {
            ask = ask.with_hidden(hidden);
        }
        ask
    }
}

impl Samples {
    /// # Errors
    /// [`Error::InvalidConfig`] for answers whose items have a free axis, and for a head that reads inputs where there are none.
    pub(super) fn new(
        spec: &HeadSpec,
        inputs: &InputSpec,
        b: usize,
        kind: Kind,
        value: fn(&mut Rng) -> f32,
    ) -> Result<Self> {
        let mut rng = Rng::new(11);
        let shape: Vec<i64> = match &spec.input {
            View::Tokens { width } => vec![b as i64, LONGEST as i64, *width],
            View::Pyramid { channels } => vec![b as i64, channels.last().copied().unwrap_or(1), 2, 2],
            other => vec![b as i64, other.width()],
        };
        let xs = numbers(&mut rng, &shape, 0.0).to_kind(kind).set_requires_grad(true);
        let is_ragged = spec.answer.layout().storage == Storage::Ragged;
        let lengths = (is_ragged || matches!(spec.input, View::Tokens { .. }))
            .then(|| LENGTHS.iter().copied().cycle().take(b).collect::<Vec<_>>());
        let labels = labels(spec, b, lengths.as_deref().filter(|_| is_ragged), &mut rng, value)?;
        let shape: Vec<i64> = [b as i64].into_iter().chain(spec.answer.shape()).collect();
        // Of a kind with any number of items, as many as there are tokens.
        let shape: Vec<i64> = shape.into_iter().map(|n| if n < 0 { LONGEST as i64 } else { n }).collect();
        let mut said = || numbers(&mut rng, &shape, 6.0).to_kind(kind);
        let others = spec.needs.after.iter().map(|task| (task.clone(), said())).collect();
        let reads = spec.needs.inputs || spec.needs.hides.is_some();
        if reads && inputs.is_empty() {
            return Err(Error::InvalidConfig {
                what: "head laws",
                field: "inputs",
                expected: format!("those that {} of task {} reads (check_on)", spec.kind, spec.task),
                found: "none".into(),
            });
        }
        let inputs = reads.then(|| inputs.example(b as i64)).transpose()?;
        let (view, answer, task) = (spec.input.clone(), spec.answer.clone(), spec.task.to_string());
        Ok(Self { view, answer, task, xs, labels, lengths, others, inputs, hides: spec.needs.hides.is_some() })
    }

    /// What a head is given of the samples at `rows`.
    pub(super) fn given(&self, rows: &[usize]) -> Result<Given> {
        self.padded(rows, 0)
    }

    /// The same with `more` tokens of padding behind, where features are tokens of which samples have any number.
    pub(super) fn padded(&self, rows: &[usize], more: usize) -> Result<Given> {
        let lengths = self.lengths.as_ref().map(|lengths| rows.iter().map(|&row| lengths[row]).collect::<Vec<_>>());
        let at = Tensor::from_slice(&rows.iter().map(|&r| r as i64).collect::<Vec<_>>());
        let xs = self.xs.f_index_select(0, &at)?;
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
        let said = |(task, all): &(TaskName, Tensor)| Ok((task.clone(), all.f_index_select(0, &at)?.into()));
        Ok(Given {
            features,
            others: self.others.iter().map(said).collect::<Result<_>>()?,
            inputs: self.inputs.as_ref().map(|inputs| inputs.select(&at)).transpose()?,
            hidden: self
                .hides
                .then(|| Hidden::everything(rows.len() as i64, self.answer.width() as i64, Device::Cpu))
                .transpose()?,
        })
    }

    /// The labels of the samples at `rows`; where `known` is false they are marked as missing.
    pub(super) fn target(&self, rows: &[usize], known: impl Fn(usize) -> bool) -> Result<Target> {
        let of = |&row: &usize| match known(row) {
            true => self.labels.gather(&[row]),
            false => self.unknown(row),
        };
        Target::new(&self.task, &self.answer, &Labels::concat(&rows.iter().map(of).collect::<Vec<_>>())?)
    }

    /// The sample's labels, all of them missing: of answers by item there are as many as tokens nevertheless.
    fn unknown(&self, row: usize) -> Labels {
        let one = self.labels.unlabeled(1);
        if !self.answer.is_by_item() {
            return one;
        }
        let n = self.labels.range(row).len() / self.labels.item_size().max(1);
        let cells = match one.cells() {
            Cells::Index(_) => Cells::Index(vec![MISSING_CLASS; n * one.item_size()]),
            Cells::Number(_) => Cells::Number(vec![f32::NAN; n * one.item_size()]),
        };
        Labels::ragged(cells, vec![0, n], one.item()).unwrap_or(one)
    }

    /// Labels of one item more or less than each sample has, where samples are answered by item; `None` for other answers.
    pub(super) fn of_other_lengths(&self) -> Result<Option<Target>> {
        let Some(lengths) = self.lengths.as_ref().filter(|_| self.answer.is_by_item()) else { return Ok(None) };
        // Some sample has each of the lengths, so labels of that length are those of a sample that has it.
        let with = |n: usize| lengths.iter().position(|&length| length == n).unwrap_or(0);
        let rows: Vec<usize> = lengths.iter().map(|&n| with(if n == LONGEST { n - 1 } else { n + 1 })).collect();
        Target::new(&self.task, &self.answer, &self.labels.gather(&rows)).map(Some)
    }

    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.labels.len()).collect()
    }
}

fn numbers(rng: &mut Rng, shape: &[i64], center: f64) -> Tensor {
    let n: i64 = shape.iter().product();
    Tensor::from_slice(&(0..n).map(|_| center + rng.normal()).collect::<Vec<_>>()).view(shape)
}

/// Labels of `b` samples, all of them known: every class, every label with yes and no, sequences of different lengths, as many
/// tags as there are tokens.
fn labels(
    spec: &HeadSpec,
    b: usize,
    lengths: Option<&[usize]>,
    rng: &mut Rng,
    value: fn(&mut Rng) -> f32,
) -> Result<Labels> {
    let layout = spec.answer.layout();
    let item: Option<Vec<usize>> = layout.item.iter().map(|n| usize::try_from(*n).ok()).collect();
    let Some(item) = item else {
        return Err(Error::InvalidConfig {
            what: "head laws",
            field: "answer",
            expected: "items of known size".into(),
            found: spec.answer.describe(),
        });
    };
    let by_item = spec.answer.is_by_item();
    let offsets: Option<Vec<usize>> = lengths.map(|lengths| {
        // Where answers are not by item, as many items as one likes, none included.
        let items = |sample: usize| if by_item { lengths[sample] } else { (sample + 1) % (LONGEST + 1) };
        (0..=b).map(|i| (0..i).map(items).sum()).collect()
    });
    let items = offsets.as_ref().map_or(b, |offsets| offsets.last().copied().unwrap_or(0));
    let width: usize = item.iter().product();
    let (n, drawn) = (items * width, offsets.is_some() && !by_item);
    #[expect(clippy::cast_possible_wrap, reason = "few classes")]
    let index = |i: usize, below: usize, rng: &mut Rng| match drawn {
        true => rng.below(below as u64) as i64,
        false => (i / width.max(1) % below.max(1)) as i64,
    };
    let cells = match layout.cells {
        CellRule::Index { below } => Cells::Index((0..n).map(|i| index(i, below, rng)).collect()),
        CellRule::YesNo => Cells::Number(
            (0..n)
                .map(|i| if i % width == 0 { (i / width).is_multiple_of(2) } else { rng.uniform() < 0.5 }.into())
                .collect(),
        ),
        CellRule::Number => Cells::Number((0..n).map(|_| value(rng)).collect()),
    };
    match offsets {
        Some(offsets) => Labels::ragged(cells, offsets, &item),
        None => Labels::dense(cells, b, &item),
    }
}
