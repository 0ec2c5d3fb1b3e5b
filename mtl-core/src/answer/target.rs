//! The labels of one task for one batch, on a device.
//!
//! A target is checked once, where it is made (a loader's worker thread, on the CPU): it counts its known items and
//! remembers its largest label, so that neither a loss nor a range check ever waits for the accelerator. With it travel
//! what belongs to samples and not to labels: weights, and groups (the query of a document, the user of a click).
//!
//! ```text
//! mass = number of known items                        without weights
//!      = sum_i w_i (known items of sample i)          with weights: what the sum of a loss is divided by
//! ```

use ndarray::{Array2, ArrayView2};
use tch::{Device, Kind, Tensor};

use super::{Answer, AnswerTag, CellRule, Cells, Labels, Layout, Storage, tally};
use crate::{
    error::{Error, Result, TorchContext},
    prediction::{MISSING_CLASS, Reference},
};

/// The labels of one task for one batch.
#[derive(Debug)]
pub struct Target {
    tag: AnswerTag,
    /// `[b, item..]`, or `[b, l, item..]` padded with missing cells.
    cells: Tensor,
    /// `[b]` of `Int64`: items of each sample, where samples have any number.
    lengths: Option<Tensor>,
    known: u64,
    /// Samples that are labeled, where they have any number of items; with weights the sum of theirs.
    labeled: Option<f64>,
    max_label: Option<i64>,
    /// How much of each class there is, see [`tally`]; empty for numbers, and where samples have any number of items.
    tally: Vec<f64>,
    weights: Option<Weights>,
    /// `[b]` of `Int64`.
    groups: Option<Tensor>,
}

#[derive(Debug)]
struct Weights {
    /// `[b]` of `Float`.
    each: Tensor,
    mass: f64,
}

impl Target {
    /// Labels of the kind that `answer` says.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another form, [`Error::Label`] for a cell that is none; both name `task`.
    pub fn new(task: &str, answer: &Answer, labels: &Labels) -> Result<Self> {
        Self::counted(answer.tag(), Self::count(task, answer, labels)?, labels)
    }

    /// Labels of a kind, of whatever size `layout` says: what another answer of the kind would have.
    ///
    /// # Errors
    /// As [`Target::new`].
    pub fn laid_out(task: &str, tag: AnswerTag, layout: &Layout, labels: &Labels) -> Result<Self> {
        Self::counted(tag, count(task, layout, || tag.labels().to_owned(), labels)?, labels)
    }

    fn counted(tag: AnswerTag, (known, max_label): (u64, Option<i64>), labels: &Labels) -> Result<Self> {
        let (cells, lengths) = tensors(labels)?;
        let labeled = lengths.as_ref().map(|lengths| labeled(&cells, lengths, None)).transpose()?;
        let tally = match labels.cells() {
            _ if lengths.is_some() => Vec::new(),
            Cells::Index(cells) if labels.item().is_empty() => tally::of_indices(cells, max_label, None),
            Cells::Number(cells) if tag == AnswerTag::MultiLabel => tally::of_yes_no(cells, labels.item_size(), None),
            Cells::Index(_) | Cells::Number(_) => Vec::new(),
        };
        Ok(Self { lengths, labeled, tally, ..Self::of(tag, cells, known, max_label) })
    }

    /// Whether labels are of the kind that `answer` says: how many cells are known, and the largest whole number.
    ///
    /// # Errors
    /// As [`Target::new`].
    pub fn count(task: &str, answer: &Answer, labels: &Labels) -> Result<(u64, Option<i64>)> {
        count(task, &answer.layout(), || answer.describe(), labels)
    }

    /// One class label per sample; [`MISSING_CLASS`] means unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for a negative label other than [`MISSING_CLASS`], naming `task`.
    pub fn class(task: &str, labels: &[i64]) -> Result<Self> {
        let (known, max_label) = indices(task, labels, |sample| sample)?;
        let tally = tally::of_indices(labels, max_label, None);
        Ok(Self { tally, ..Self::of(AnswerTag::Class, Tensor::from_slice(labels), known, max_label) })
    }

    /// One grade per sample, counted from 0; [`MISSING_CLASS`] means unknown.
    ///
    /// # Errors
    /// As [`Target::class`].
    pub fn ordinal(task: &str, labels: &[i64]) -> Result<Self> {
        Ok(Self { tag: AnswerTag::Ordinal, ..Self::class(task, labels)? })
    }

    /// Yes/no labels `[b, c]`: 0, 1 or NaN for unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for any other value, naming `task`.
    pub fn multi_label(task: &str, labels: ArrayView2<'_, f32>) -> Result<Self> {
        Self::matrix(task, labels, AnswerTag::MultiLabel, CellRule::YesNo)
    }

    /// Numbers `[b, k]`; NaN means unknown.
    ///
    /// # Errors
    /// [`Error::Label`] for an infinite value, naming `task`.
    pub fn values(task: &str, values: ArrayView2<'_, f32>) -> Result<Self> {
        Self::matrix(task, values, AnswerTag::Values, CellRule::Number)
    }

    fn matrix(task: &str, labels: ArrayView2<'_, f32>, tag: AnswerTag, rule: CellRule) -> Result<Self> {
        let (b, k) = labels.dim();
        let flat = labels.as_standard_layout();
        let slice = flat.as_slice().unwrap_or_default();
        let known = numbers(task, slice, rule, |cell| cell / k.max(1))?;
        let cells = Tensor::from_slice(slice).f_view([b as i64, k as i64]).op("target matrix")?;
        let tally = match rule {
            CellRule::YesNo => tally::of_yes_no(slice, k, None),
            CellRule::Number | CellRule::Index { .. } => Vec::new(),
        };
        Ok(Self { tally, ..Self::of(tag, cells, known, None) })
    }

    fn of(tag: AnswerTag, cells: Tensor, known: u64, max_label: Option<i64>) -> Self {
        let (lengths, labeled, tally, weights, groups) = (None, None, Vec::new(), None, None);
        Self { tag, cells, lengths, known, labeled, max_label, tally, weights, groups }
    }

    /// The same labels, samples weighted: `[b]`. A sample of weight 0 is as if it were not there; losses and metrics that know
    /// no weights refuse them.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of weights, [`Error::Label`] for one that is negative or not finite.
    pub fn with_weights(mut self, task: &str, weights: &[f32]) -> Result<Self> {
        self.one_each(task, "weights", weights.len())?;
        if let Some(sample) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(Error::Label {
                task: task.to_owned(),
                what: "weight",
                expected: "finite and not negative".into(),
                found: weights[sample].to_string(),
                sample: sample as u64,
            });
        }
        let each = Tensor::from_slice(weights).f_to_device(self.cells.device()).op("target weights")?;
        let mass = mass(&self.cells, &each)?;
        self.labeled = self.lengths.as_ref().map(|lengths| labeled(&self.cells, lengths, Some(&each))).transpose()?;
        self.tally = self.tallied(&self.cells, Some(&each))?;
        self.weights = Some(Weights { each, mass });
        Ok(self)
    }

    /// The tally of such cells; empty where this target has none.
    fn tallied(&self, cells: &Tensor, weights: Option<&Tensor>) -> Result<Vec<f64>> {
        if self.tally.is_empty() { Ok(Vec::new()) } else { tally::of_cells(cells, self.max_label, weights) }
    }

    /// The same labels, samples belonging to groups: `[b]`, any number that names a group.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of groups.
    pub fn with_groups(mut self, task: &str, groups: &[u64]) -> Result<Self> {
        self.one_each(task, "groups", groups.len())?;
        let groups: Vec<i64> = groups.iter().map(|g| g.cast_signed()).collect();
        self.groups = Some(Tensor::from_slice(&groups).f_to_device(self.cells.device()).op("target groups")?);
        Ok(self)
    }

    fn one_each(&self, task: &str, tensor: &'static str, found: usize) -> Result<()> {
        if found as i64 == self.batch_size() {
            return Ok(());
        }
        let expected = format!("[{}], one per sample", self.batch_size());
        Err(Error::Shape { op: format!("task {task}"), tensor, expected, found: vec![found as i64] })
    }

    /// The kind of answer that these are labels of.
    #[must_use]
    pub fn tag(&self) -> AnswerTag {
        self.tag
    }

    /// The labels: `[b, item..]`, or `[b, l, item..]` padded with missing cells where samples have any number of items.
    pub fn cells(&self) -> &Tensor {
        &self.cells
    }

    /// `[b]` of `Int64`: the number of items of each sample; `None` where each has one.
    #[must_use]
    pub fn lengths(&self) -> Option<&Tensor> {
        self.lengths.as_ref()
    }

    /// `[b]` of `Float`: the weight of each sample; `None` where all count alike.
    #[must_use]
    pub fn weights(&self) -> Option<&Tensor> {
        self.weights.as_ref().map(|w| &w.each)
    }

    /// `[b]` of `Int64`: the group of each sample.
    #[must_use]
    pub fn groups(&self) -> Option<&Tensor> {
        self.groups.as_ref()
    }

    /// How many items carry a label: samples for classes, cells for the others.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^52 items")]
    pub fn known(&self) -> f64 {
        self.known as f64
    }

    /// What the sum of a loss over known items is divided by: their number, or with weights the sum of their weights.
    #[must_use]
    pub fn mass(&self) -> f64 {
        self.weights.as_ref().map_or_else(|| self.known(), |w| w.mass)
    }

    /// The [`mass`](Self::mass) where items count by their class: a class of weight 2 as if its samples were there twice. `weights` are
    /// one a class, or no and yes of every column of yes/no labels; 0 for labels of other kinds.
    ///
    /// ```text
    /// sum_i v_i w_(y_i) over known items            v_i: the sample's weight
    /// ```
    #[must_use]
    pub fn mass_by(&self, weights: &[f64]) -> f64 {
        self.tally.iter().zip(weights).map(|(mass, weight)| mass * weight).sum()
    }

    /// Where samples have any number of items: how many samples are labeled, or the sum of their weights. What a loss adds to
    /// [`mass`](Self::mass) that has one more term a sample, such as the end of a sequence. A sample of no items is labeled.
    #[must_use]
    pub fn sample_mass(&self) -> Option<f64> {
        self.labeled
    }

    /// Whether every item carries a label, so that no mask is needed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.known == self.cells.numel() as u64
    }

    /// The largest label, if labels are whole numbers and any is known.
    #[must_use]
    pub fn max_label(&self) -> Option<i64> {
        self.max_label
    }

    /// The batch size.
    #[must_use]
    pub fn batch_size(&self) -> i64 {
        self.cells.size().first().copied().unwrap_or(0)
    }

    /// What the target is, for messages: `class labels [b]`.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        self.tag.labels()
    }

    /// Refuses labels that are not of this kind and shape, or out of range. Nothing here waits for an accelerator, unless
    /// there is an error to report.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another kind or shape, [`Error::Label`] for a label that does not exist; both name
    /// `task`.
    pub fn check(&self, task: &str, answer: &Answer) -> Result<()> {
        let refuse = |expected: String| {
            let (op, found) = (format!("task {task}"), self.cells.size());
            Err(Error::Shape { op, tensor: "target", expected, found })
        };
        if self.tag != answer.tag() {
            return refuse(format!("{}, not {}", answer.describe(), self.describe()));
        }
        let layout = answer.layout();
        let expected = layout.shape(self.batch_size());
        if !super::layout::fits(&expected, &self.cells.size()) {
            return refuse(format!("{expected:?}"));
        }
        match (layout.cells, self.max_label) {
            (CellRule::Index { below }, Some(max)) if max >= below as i64 => Err(self.bad_label(task, below as i64)),
            (CellRule::Index { .. } | CellRule::YesNo | CellRule::Number, _) => Ok(()),
        }
    }

    /// Finds the first label out of range. Reading the labels is fine here: there is an error to report anyway.
    fn bad_label(&self, task: &str, below: i64) -> Error {
        let labels = self.cells.f_reshape([-1]).and_then(Vec::<i64>::try_from).unwrap_or_default();
        let per_sample = labels.len() / usize::try_from(self.batch_size().max(1)).unwrap_or(1);
        match labels.iter().enumerate().find(|(_, l)| **l >= below) {
            Some((cell, label)) => out_of_range(task, below, *label, cell / per_sample.max(1)),
            None => out_of_range(task, below, self.max_label.unwrap_or(below), 0),
        }
    }

    /// The labels as plain values, for metrics.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    pub fn reference(&self) -> Result<Reference> {
        self.tag.reference(self.labels()?)
    }

    /// The labels as plain values without padding, whatever the kind.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    pub fn labels(&self) -> Result<Labels> {
        let size: Vec<usize> = self.cells.size().iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
        let flat = self.cells.f_reshape([-1]).op("read labels")?;
        let cells = match flat.kind() {
            Kind::Int64 => Cells::Index(Vec::<i64>::try_from(&flat).op("read labels")?),
            _ => Cells::Number(flat.f_to_kind(Kind::Float).and_then(|t| Vec::<f32>::try_from(&t)).op("read labels")?),
        };
        let b = size.first().copied().unwrap_or(0);
        let Some(lengths) = &self.lengths else { return Labels::dense(cells, b, size.get(1..).unwrap_or_default()) };
        let lengths = Vec::<i64>::try_from(lengths).op("read lengths")?;
        let item = size.get(2..).unwrap_or_default();
        let (longest, width) = (size.get(1).copied().unwrap_or(0), item.iter().product::<usize>());
        let mut offsets = vec![0];
        let mut ranges = Vec::with_capacity(b);
        for (sample, &length) in lengths.iter().enumerate() {
            let length = usize::try_from(length).unwrap_or(0);
            let start = sample * longest * width;
            ranges.push(start..start + length * width);
            offsets.push(offsets.last().copied().unwrap_or(0) + length);
        }
        let cells = match cells {
            Cells::Index(c) => Cells::Index(ranges.into_iter().flat_map(|r| c[r].iter().copied()).collect()),
            Cells::Number(c) => Cells::Number(ranges.into_iter().flat_map(|r| c[r].iter().copied()).collect()),
        };
        Labels::ragged(cells, offsets, item)
    }

    /// The weights as plain values, for metrics; `None` where all samples count alike.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    pub fn plain_weights(&self) -> Result<Option<Vec<f32>>> {
        self.weights().map(|w| Vec::<f32>::try_from(w).op("read weights")).transpose()
    }

    /// The groups as plain values, for metrics.
    ///
    /// # Errors
    /// [`Error::Torch`] when the tensor cannot be read.
    pub fn plain_groups(&self) -> Result<Option<Vec<u64>>> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let groups = Vec::<i64>::try_from(groups).op("read groups")?;
        Ok(Some(groups.into_iter().map(i64::cast_unsigned).collect()))
    }

    /// The same target on another device.
    ///
    /// # Errors
    /// [`Error::Torch`] when the transfer fails.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        let mv = |t: &Tensor| t.f_to_device(device).op("move target");
        let weights =
            self.weights.as_ref().map(|w| Ok::<_, Error>(Weights { each: mv(&w.each)?, mass: w.mass })).transpose()?;
        Ok(Self {
            tag: self.tag,
            cells: mv(&self.cells)?,
            lengths: self.lengths.as_ref().map(mv).transpose()?,
            known: self.known,
            labeled: self.labeled,
            max_label: self.max_label,
            tally: self.tally.clone(),
            weights,
            groups: self.groups.as_ref().map(mv).transpose()?,
        })
    }

    /// The labels `times` times, one after the other: those of the rows of a network of so many members. Nothing is counted again.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    #[expect(clippy::cast_precision_loss, reason = "a number of members")]
    pub fn repeat(&self, times: i64) -> Result<Self> {
        let again = |t: &Tensor| {
            let along_batch: Vec<i64> = (0..t.dim()).map(|axis| if axis == 0 { times } else { 1 }).collect();
            t.f_repeat(along_batch).op("repeat labels")
        };
        let weights = self
            .weights
            .as_ref()
            .map(|w| Ok::<_, Error>(Weights { each: again(&w.each)?, mass: w.mass * times as f64 }));
        Ok(Self {
            tag: self.tag,
            cells: again(&self.cells)?,
            lengths: self.lengths.as_ref().map(again).transpose()?,
            known: self.known * times.unsigned_abs(),
            labeled: self.labeled.map(|labeled| labeled * times as f64),
            max_label: self.max_label,
            tally: self.tally.iter().map(|mass| mass * times as f64).collect(),
            weights: weights.transpose()?,
            groups: self.groups.as_ref().map(again).transpose()?,
        })
    }

    /// The labels of some samples, in that order; padding stays as long as it was.
    ///
    /// # Errors
    /// [`Error::Torch`] for an index beyond the batch.
    pub fn select(&self, samples: &Tensor) -> Result<Self> {
        let pick = |t: &Tensor| t.f_index_select(0, samples).op("select labels");
        let cells = pick(&self.cells)?;
        let known = known_cells(&cells)?.f_sum(Kind::Int64).and_then(|n| i64::try_from(&n)).op("count labels")?;
        let weights = self.weights.as_ref().map(|w| {
            let each = pick(&w.each)?;
            Ok::<_, Error>(Weights { mass: mass(&cells, &each)?, each })
        });
        let (lengths, weights) = (self.lengths.as_ref().map(pick).transpose()?, weights.transpose()?);
        let each = weights.as_ref().map(|w| &w.each);
        Ok(Self {
            tag: self.tag,
            labeled: lengths.as_ref().map(|lengths| labeled(&cells, lengths, each)).transpose()?,
            lengths,
            known: known.unsigned_abs(),
            max_label: self.max_label,
            tally: self.tallied(&cells, each)?,
            weights,
            groups: self.groups.as_ref().map(pick).transpose()?,
            cells,
        })
    }
}

/// Whether labels are as a layout says: how many cells are known, and the largest whole number.
fn count(
    task: &str,
    layout: &Layout,
    describe: impl FnOnce() -> String,
    labels: &Labels,
) -> Result<(u64, Option<i64>)> {
    let item: Vec<i64> = labels.item().iter().map(|&n| n as i64).collect();
    let is_kind = matches!(
        (labels.cells(), layout.cells),
        (Cells::Index(_), CellRule::Index { .. }) | (Cells::Number(_), CellRule::YesNo | CellRule::Number)
    );
    let is_ragged = layout.storage == Storage::Ragged;
    if !is_kind || labels.is_ragged() != is_ragged || !layout.holds(&item) {
        let form = if labels.is_ragged() { "any number of items" } else { "one item" };
        return Err(Error::Shape {
            op: format!("task {task}"),
            tensor: "labels",
            expected: format!("{}, not {form} a sample of that kind and shape", describe()),
            found: [labels.len() as i64].into_iter().chain(item).collect(),
        });
    }
    match (labels.cells(), layout.cells) {
        (Cells::Index(cells), rule) => {
            let (known, max) = indices(task, cells, |cell| labels.sample_of(cell))?;
            match rule {
                CellRule::Index { below } if max >= Some(below as i64) => {
                    let cell = cells.iter().position(|&c| c >= below as i64).unwrap_or(0);
                    Err(out_of_range(task, below as i64, cells[cell], labels.sample_of(cell)))
                }
                CellRule::Index { .. } | CellRule::YesNo | CellRule::Number => Ok((known, max)),
            }
        }
        (Cells::Number(cells), rule) => Ok((numbers(task, cells, rule, |cell| labels.sample_of(cell))?, None)),
    }
}

/// Which cells are known, of the same shape.
fn known_cells(cells: &Tensor) -> Result<Tensor> {
    match cells.kind() {
        Kind::Int64 => cells.f_ne(MISSING_CLASS),
        _ => cells.f_isnan().and_then(|t| t.f_logical_not()),
    }
    .op("count labels")
}

/// `[b, cells of a sample]`: which are known; `None` without samples.
fn known_by_sample(cells: &Tensor) -> Result<Option<Tensor>> {
    let b = cells.size().first().copied().unwrap_or(0);
    if b == 0 {
        return Ok(None);
    }
    known_cells(cells)?.f_reshape([b, cells.numel() as i64 / b]).op("count labels").map(Some)
}

/// How many samples have no item or a known one; with weights the sum of theirs.
fn labeled(cells: &Tensor, lengths: &Tensor, weights: Option<&Tensor>) -> Result<f64> {
    let Some(known) = known_by_sample(cells)? else { return Ok(0.0) };
    let any = known.f_any_dim(1, false).and_then(|any| any.f_logical_or(&lengths.f_eq(0)?));
    let any = any.and_then(|any| any.f_to_kind(Kind::Double)).op("count labels")?;
    let sum = match weights {
        Some(weights) => weights.f_to_kind(Kind::Double).and_then(|w| w.f_dot(&any)),
        None => any.f_sum(Kind::Double),
    };
    f64::try_from(&sum.op("count labels")?).op("count labels")
}

/// `sum_i w_i (known cells of sample i)`.
fn mass(cells: &Tensor, weights: &Tensor) -> Result<f64> {
    let Some(known) = known_by_sample(cells)? else { return Ok(0.0) };
    let known = known.f_to_kind(Kind::Double).op("count labels")?;
    let per_sample = known.f_sum_dim_intlist(&[1i64][..], false, None::<Kind>).op("count labels")?;
    let sum = weights.f_to_kind(Kind::Double).and_then(|w| w.f_dot(&per_sample)).op("sum of weights")?;
    f64::try_from(&sum).op("sum of weights")
}

/// Known labels and the largest of them.
fn indices(task: &str, labels: &[i64], sample_of: impl Fn(usize) -> usize) -> Result<(u64, Option<i64>)> {
    let (mut known, mut max_label) = (0, None);
    for (cell, &label) in labels.iter().enumerate() {
        if label == MISSING_CLASS {
            continue;
        }
        if label < 0 {
            return Err(Error::Label {
                task: task.to_owned(),
                what: "label",
                expected: format!(">= 0, or {MISSING_CLASS} for missing"),
                found: label.to_string(),
                sample: sample_of(cell) as u64,
            });
        }
        known += 1;
        max_label = max_label.max(Some(label));
    }
    Ok((known, max_label))
}

// The bit patterns of the labels there are: compared exactly, which floating-point comparison is frowned upon for.
const NO: u32 = 0f32.to_bits();
const NEGATIVE_ZERO: u32 = (-0f32).to_bits();
const YES: u32 = 1f32.to_bits();

/// Known numbers.
fn numbers(task: &str, cells: &[f32], rule: CellRule, sample_of: impl Fn(usize) -> usize) -> Result<u64> {
    let refuse = |what, expected: &str, cell: usize| {
        let (task, found, sample) = (task.to_owned(), cells[cell].to_string(), sample_of(cell) as u64);
        Err(Error::Label { task, what, expected: expected.into(), found, sample })
    };
    let mut known = 0;
    for (at, cell) in cells.iter().enumerate() {
        match rule {
            _ if cell.is_nan() => continue,
            CellRule::YesNo if !matches!(cell.to_bits(), NO | NEGATIVE_ZERO | YES) => {
                return refuse("label", "0, 1 or NaN for missing", at);
            }
            CellRule::Number | CellRule::Index { .. } if cell.is_infinite() => {
                return refuse("value", "finite, or NaN for missing", at);
            }
            CellRule::YesNo | CellRule::Number | CellRule::Index { .. } => known += 1,
        }
    }
    Ok(known)
}

fn out_of_range(task: &str, below: i64, found: i64, sample: usize) -> Error {
    Error::Label {
        task: task.to_owned(),
        what: "label",
        expected: format!("in 0..{below}"),
        found: found.to_string(),
        sample: sample as u64,
    }
}

/// Cells as a batch, padded where samples have any number of items, and the lengths then.
fn tensors(labels: &Labels) -> Result<(Tensor, Option<Tensor>)> {
    let b = labels.len();
    let mut shape = vec![b as i64];
    let Some(offsets) = labels.offsets() else {
        shape.extend(labels.item().iter().map(|&n| n as i64));
        let flat = match labels.cells() {
            Cells::Index(cells) => Tensor::from_slice(cells),
            Cells::Number(cells) => Tensor::from_slice(cells),
        };
        return Ok((flat.f_view(&shape[..]).op("target")?, None));
    };
    let (longest, size) = (labels.longest(), labels.item_size());
    shape.push(longest as i64);
    shape.extend(labels.item().iter().map(|&n| n as i64));
    let flat = match labels.cells() {
        Cells::Index(cells) => Tensor::from_slice(&padded(labels, cells, MISSING_CLASS, longest * size)),
        Cells::Number(cells) => Tensor::from_slice(&padded(labels, cells, f32::NAN, longest * size)),
    };
    let lengths: Vec<i64> = offsets.windows(2).map(|w| (w[1] - w[0]) as i64).collect();
    Ok((flat.f_view(&shape[..]).op("target")?, Some(Tensor::from_slice(&lengths))))
}

fn padded<T: Copy>(labels: &Labels, cells: &[T], missing: T, row: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(labels.len() * row);
    for sample in 0..labels.len() {
        let end = out.len() + row;
        out.extend_from_slice(&cells[labels.range(sample)]);
        out.resize(end, missing);
    }
    out
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
#[expect(clippy::float_cmp, reason = "exact by construction")]
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
    fn classes_are_weighed_by_what_there_is_of_them() {
        let target = Target::class("income", &[2, MISSING_CLASS, 0, 2]).unwrap();
        assert_eq!(target.mass_by(&[10.0, 100.0, 0.5]), 11.0);
        assert_eq!(target.repeat(2).unwrap().mass_by(&[10.0, 100.0, 0.5]), 22.0);
        assert_eq!(target.select(&Tensor::from_slice(&[0i64, 1])).unwrap().mass_by(&[10.0, 100.0, 0.5]), 0.5);
        let weighted = target.with_weights("income", &[4.0, 9.0, 1.0, 0.0]).unwrap();
        assert_eq!(weighted.mass_by(&[10.0, 100.0, 0.5]), 12.0);
        let tags = Target::multi_label("tags", array![[1.0, 0.0], [f32::NAN, 1.0]].view()).unwrap();
        assert_eq!(tags.mass_by(&[1.0, 2.0, 3.0, 4.0]), 2.0 + 3.0 + 4.0);
        let answer = Answer::multi_label(["old", "rich"]);
        let again = Target::new("tags", &answer, &tags.labels().unwrap()).unwrap();
        assert_eq!(again.mass_by(&[1.0, 2.0, 3.0, 4.0]), 9.0);
        assert_eq!(Target::values("price", array![[1.0]].view()).unwrap().mass_by(&[1.0, 2.0]), 0.0);
    }

    #[test]
    fn bad_labels_name_task_and_sample() {
        let e = Target::class("income", &[0, -3]).unwrap_err().to_string();
        assert_eq!(e, "task income: label must be >= 0, or -100 for missing, found -3 (sample 1)");
        assert!(Target::multi_label("a", array![[0.5]].view()).unwrap_err().to_string().contains("found 0.5"));
        assert!(Target::values("a", array![[f32::INFINITY]].view()).is_err());
        let grades = Answer::ordinal(["low", "high"]);
        let e = Target::new("g", &grades, &Labels::indices(vec![0, 1, 2])).unwrap_err().to_string();
        assert_eq!(e, "task g: label must be in 0..2, found 2 (sample 2)");
        let e = Target::new("g", &grades, &Labels::lists(&[vec![0]])).unwrap_err().to_string();
        assert!(e.contains("grades [b] of 2, not any number of items a sample"), "{e}");
    }

    #[test]
    fn references_round_trip() {
        let values = array![[1.0, 2.0], [3.0, 4.0]];
        assert_eq!(Target::values("a", values.view()).unwrap().reference().unwrap(), Reference::Values(values.clone()));
        let transposed = Target::values("a", values.t()).unwrap().reference().unwrap();
        assert_eq!(transposed, Reference::Values(values.t().to_owned()));
    }

    #[test]
    fn ragged_labels_are_padded_and_come_back() {
        let labels = Labels::lists(&[vec![1], vec![], vec![0, MISSING_CLASS, 2]]);
        let t = Target::new("words", &Answer::tags(["o", "b", "i"]), &labels).unwrap();
        assert_eq!((t.cells().size(), t.known(), t.max_label(), t.is_complete()), (vec![3, 3], 3.0, Some(2), false));
        assert_eq!(Vec::<i64>::try_from(t.lengths().unwrap()).unwrap(), [1, 0, 3]);
        assert_eq!(t.reference().unwrap(), Reference::Tags(labels.clone()));
        let some = t.select(&Tensor::from_slice(&[2i64, 0])).unwrap();
        assert_eq!((some.labels().unwrap(), some.known()), (labels.gather(&[2, 0]), 3.0));
    }

    #[test]
    fn samples_of_no_items_are_labeled_and_those_of_missing_ones_are_not() {
        let labels = Labels::lists(&[vec![], vec![MISSING_CLASS], vec![MISSING_CLASS, 1], vec![0]]);
        let t = Target::new("words", &Answer::sequence(["a", "b"]), &labels).unwrap();
        assert_eq!((t.mass(), t.sample_mass()), (2.0, Some(3.0)));
        let t = t.with_weights("words", &[0.5, 8.0, 2.0, 0.0]).unwrap();
        assert_eq!((t.mass(), t.sample_mass()), (2.0, Some(2.5)));
        let some = t.select(&Tensor::from_slice(&[0i64, 1])).unwrap().to_device(Device::Cpu).unwrap();
        assert_eq!((some.mass(), some.sample_mass()), (0.0, Some(0.5)));
        let empty = Target::new("words", &Answer::sequence(["a", "b"]), &Labels::lists(&[vec![], vec![]])).unwrap();
        assert_eq!(empty.with_weights("words", &[1.0, 2.0]).unwrap().sample_mass(), Some(3.0));
        assert_eq!(Target::class("a", &[0]).unwrap().sample_mass(), None);
    }

    #[test]
    fn weights_and_groups_travel() {
        let t = Target::multi_label("a", array![[0.0, 1.0], [f32::NAN, 1.0], [1.0, 1.0]].view()).unwrap();
        assert_eq!(t.mass(), 5.0);
        let t = t.with_weights("a", &[0.5, 4.0, 0.0]).unwrap().with_groups("a", &[7, u64::MAX, 7]).unwrap();
        assert_eq!((t.known(), t.mass()), (5.0, 0.5 * 2.0 + 4.0));
        let t = t.select(&Tensor::from_slice(&[1i64, 1])).unwrap().to_device(Device::Cpu).unwrap();
        assert_eq!((t.known(), t.mass()), (2.0, 8.0));
        assert_eq!(t.plain_weights().unwrap().unwrap(), [4.0, 4.0]);
        assert_eq!(t.plain_groups().unwrap().unwrap(), [u64::MAX, u64::MAX]);
        let t = Target::class("a", &[1, 0]).unwrap();
        assert!(t.plain_weights().unwrap().is_none());
        let e = t.with_weights("a", &[1.0]).unwrap_err().to_string();
        assert_eq!(e, "task a: weights must be [2], one per sample, found [1]");
        let e = Target::class("a", &[1, 0]).unwrap().with_weights("a", &[1.0, -1.0]).unwrap_err().to_string();
        assert_eq!(e, "task a: weight must be finite and not negative, found -1 (sample 1)");
    }
}
