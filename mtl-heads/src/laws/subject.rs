//! The laws that look at one forward and backward pass.

use mtl_core::{
    Result, TorchContext,
    answer::{CellRule, Cells, Labels, Layout},
    batch::Target,
    context::Cx,
    mode::Mode,
    params::{ParamSet, Role, Scope},
    prediction::{Prediction, Said},
    shim::{Graph, grad},
};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

use super::samples::{Given, Samples};
use crate::head::{Head, HeadOutput};

/// A head with its parameters.
#[derive(Debug)]
pub(super) struct Subject<H> {
    pub(super) params: ParamSet,
    pub(super) head: H,
}

/// What a loss and its gradients came to.
struct Pass {
    sum: f64,
    count: f64,
    /// Of the parameters in order, then of the features; `None` where nothing flows.
    grads: Vec<Option<Tensor>>,
}

impl<H: Head> Subject<H> {
    pub(super) fn new(build: &impl Fn(Scope<'_>) -> Result<H>, kind: Kind, seed: u64) -> Result<Self> {
        let mut params = ParamSet::new(kind, Device::Cpu, seed);
        let head = build(params.root().sub("heads").role(Role::Task(0)))?;
        Ok(Self { params, head })
    }

    pub(super) fn answer(&self, given: &Given, mode: Mode) -> Result<HeadOutput> {
        self.head.forward(&given.ask(&Cx::new(mode)))
    }

    /// In training, where a head that asks for its target sees it.
    pub(super) fn trained(&self, given: &Given, target: &Target) -> Result<HeadOutput> {
        let cx = Cx::new(Mode::Train);
        let ask = given.ask(&cx);
        self.head.forward(&if self.head.spec().needs.target { ask.with_target(target) } else { ask })
    }

    fn pass(&self, samples: &Samples, given: &Given, target: &Target) -> Result<Pass> {
        let loss = self.head.loss(&self.trained(given, target)?, target)?;
        let mut leaves: Vec<&Tensor> = self.params.params().iter().map(mtl_core::params::Param::tensor).collect();
        leaves.push(&samples.xs);
        let grads = grad(&[&loss.sum], None, &leaves, Graph::Free)?;
        Ok(Pass { sum: loss.sum.f_double_value(&[]).op("loss")?, count: loss.count, grads })
    }

    /// What may differ by rounding.
    fn tolerance(&self) -> f64 {
        if self.params.kind() == Kind::Double { 1e-11 } else { 1e-4 }
    }
}

pub(super) fn shape<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows = samples.all();
    let out = subject.answer(&samples.given(&rows)?, Mode::Eval)?;
    if out.main().size().first() != Some(&(rows.len() as i64)) {
        return Ok(Some(format!("{} samples gave an answer of shape {:?}", rows.len(), out.main().size())));
    }
    let prediction = subject.head.decode(&out)?;
    // Whether it is an answer of the kind, the kind itself says where answers are written.
    let fits = (0..prediction.batch_size()).all(|row| samples.answer.json(&prediction, row).is_ok());
    if prediction.batch_size() != rows.len() || !fits {
        let (n, what) = (prediction.batch_size(), prediction.describe());
        return Ok(Some(format!("{} samples gave {n} {what} for {}", rows.len(), samples.answer.describe())));
    }
    if subject.head.spec().primary().is_none() {
        return Ok(Some("the spec names no metric".into()));
    }
    Ok(None)
}

pub(super) fn missing<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let all = samples.all();
    let kept: Vec<usize> = all.iter().copied().filter(|r| r % 3 != 1).collect();
    let features = samples.given(&all)?;
    let marked = subject.pass(samples, &features, &samples.target(&all, |r| r % 3 != 1)?)?;
    let deleted = subject.pass(samples, &samples.given(&kept)?, &samples.target(&kept, |_| true)?)?;
    if marked.count.to_bits() != deleted.count.to_bits() || gap(marked.sum, deleted.sum) > subject.tolerance() {
        let (a, b) = ((marked.sum, marked.count), (deleted.sum, deleted.count));
        return Ok(Some(format!("sum and count are {a:?} with labels marked missing, {b:?} with samples deleted")));
    }
    for (a, b) in marked.grads.iter().zip(&deleted.grads) {
        if distance(a.as_ref(), b.as_ref())? > subject.tolerance() {
            return Ok(Some("gradients differ between labels marked missing and samples deleted".into()));
        }
    }
    let Some(Some(of_features)) = marked.grads.last() else { return Ok(Some("no gradient of the features".into())) };
    for row in all.iter().filter(|r| *r % 3 == 1) {
        let largest = of_features.f_get(*row as i64)?.f_abs()?.f_max()?.f_double_value(&[])?;
        if largest.to_bits() != 0 {
            return Ok(Some(format!("a sample without label passes a gradient of size {largest}")));
        }
    }
    Ok(None)
}

pub(super) fn absent<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows = samples.all();
    let out = subject.answer(&samples.given(&rows)?, Mode::Train)?;
    let loss = subject.head.loss(&out, &samples.target(&rows, |_| false)?)?;
    let sum = loss.sum.f_double_value(&[])?;
    if loss.is_present() || !sum.is_finite() {
        return Ok(Some(format!("without any label the sum is {sum}, the count {}", loss.count)));
    }
    Ok(None)
}

pub(super) fn weights<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    // Some labels are missing as well, so that weights and gaps meet.
    let (all, is_known) = (samples.all(), |row: usize| row % 3 != 1);
    let weights: Vec<f32> = all.iter().map(|row| [2.0, 1.0, 0.0][row / 2 % 3]).collect();
    let repeated: Vec<usize> = all.iter().flat_map(|row| vec![*row; [2, 1, 0][row / 2 % 3]]).collect();
    let weighted = samples.target(&all, is_known)?.with_weights(&samples.task, &weights)?;
    let weighted = subject.pass(samples, &samples.given(&all)?, &weighted)?;
    let plain = subject.pass(samples, &samples.given(&repeated)?, &samples.target(&repeated, is_known)?)?;
    if weighted.count.to_bits() != plain.count.to_bits() || gap(weighted.sum, plain.sum) > subject.tolerance() {
        let (a, b) = ((weighted.sum, weighted.count), (plain.sum, plain.count));
        return Ok(Some(format!("sum and count are {a:?} with weights, {b:?} with samples as often as they weigh")));
    }
    for (a, b) in weighted.grads.iter().zip(&plain.grads) {
        if distance(a.as_ref(), b.as_ref())? > subject.tolerance() {
            return Ok(Some("gradients differ between weights and samples as often as they weigh".into()));
        }
    }
    Ok(None)
}

/// What accumulation and ranks rest on: each learns from a part of the batch.
pub(super) fn parts<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let pass =
        |rows: &[usize]| subject.pass(samples, &samples.given(rows)?, &samples.target(rows, |row| row % 3 != 1)?);
    let all = samples.all();
    let (first, second) = all.split_at(2);
    let (whole, first, second) = (pass(&all)?, pass(first)?, pass(second)?);
    let (sum, count) = (first.sum + second.sum, first.count + second.count);
    if gap(whole.sum, sum) > subject.tolerance() || gap(whole.count, count) > subject.tolerance() {
        let (a, b) = ((whole.sum, whole.count), (sum, count));
        return Ok(Some(format!("sum and count are {a:?} for the batch, {b:?} for its parts together")));
    }
    for ((whole, first), second) in whole.grads.iter().zip(&first.grads).zip(&second.grads) {
        let together = match (first, second) {
            (Some(first), Some(second)) => Some(first.f_add(second)?),
            (one, other) => one.as_ref().or(other.as_ref()).map(Tensor::shallow_clone),
        };
        if distance(whole.as_ref(), together.as_ref())? > subject.tolerance() {
            return Ok(Some("gradients of the batch are not those of its parts together".into()));
        }
    }
    Ok(None)
}

pub(super) fn permutation<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows = samples.all();
    let order: Vec<usize> = rows.iter().map(|r| (r * 5 + 2) % rows.len()).collect();
    let run = |rows: &[usize]| -> Result<(Tensor, f64, Prediction)> {
        let out = subject.answer(&samples.given(rows)?, Mode::Eval)?;
        let loss = subject.head.loss(&out, &samples.target(rows, |_| true)?)?;
        Ok((out.main().f_detach()?, loss.sum.f_double_value(&[])?, subject.head.decode(&out)?))
    };
    let ((straight, a, said), (permuted, b, said_permuted)) = (run(&rows)?, run(&order)?);
    // Numbers may differ by rounding, tokens not.
    if matches!(said.said(), Said::Tokens(_)) && said.gather(&order) != said_permuted {
        return Ok(Some("in another order of the samples sequences differ".into()));
    }
    let order: Vec<i64> = order.iter().map(|&r| r as i64).collect();
    let expected = straight.f_index_select(0, &Tensor::from_slice(&order))?;
    if gap(a, b) > subject.tolerance() || distance(Some(&expected), Some(&permuted))? > subject.tolerance() {
        return Ok(Some(format!("in another order of the samples answers differ, or the loss: {a} and {b}")));
    }
    Ok(None)
}

pub(super) fn finite<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows = samples.all();
    let pass = subject.pass(samples, &samples.given(&rows)?, &samples.target(&rows, |_| true)?)?;
    if !pass.sum.is_finite() || pass.count < 1.0 {
        return Ok(Some(format!("the sum is {}, the count {}", pass.sum, pass.count)));
    }
    let names = subject.params.params().iter().map(mtl_core::params::Param::name).chain(["the features"]);
    for (name, grad) in names.zip(&pass.grads) {
        let Some(grad) = grad else { return Ok(Some(format!("no gradient reaches {name}"))) };
        if grad.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Ok(Some(format!("the gradient of {name} is not finite")));
        }
    }
    Ok(None)
}

pub(super) fn repeatable<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let features = samples.given(&samples.all())?;
    let (a, b) = (subject.answer(&features, Mode::Eval)?, subject.answer(&features, Mode::Eval)?);
    Ok(differ(subject, &a, &b)?.then(|| "two evaluations of the same features differ".into()))
}

pub(super) fn padding<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let (rows, target) = (samples.all(), samples.target(&samples.all(), |_| true)?);
    let run = |more: usize| -> Result<(f64, Prediction)> {
        let given = samples.padded(&rows, more)?;
        let loss = subject.head.loss(&subject.trained(&given, &target)?, &target)?;
        Ok((loss.sum.f_double_value(&[])?, subject.head.decode(&subject.answer(&given, Mode::Eval)?)?))
    };
    let ((short, said), (long, said_padded)) = (run(0)?, run(2)?);
    if gap(short, long) > subject.tolerance() {
        return Ok(Some(format!("the loss is {short} with padding as long as must be, {long} with more")));
    }
    // Scores may differ by rounding; tags and tokens not.
    let other = match matches!(said.said(), Said::Tokens(_)) {
        true => said != said_padded,
        false => (0..rows.len()).any(|row| said.said_tags(row) != said_padded.said_tags(row)),
    };
    let alike = said.batch_size() == said_padded.batch_size() && said.axes() == said_padded.axes();
    Ok((other || !alike).then(|| "answers depend on how much padding is behind the features".into()))
}

pub(super) fn unseen<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let (rows, cx) = (samples.all(), Cx::new(Mode::Eval));
    let (given, target) = (samples.given(&rows)?, samples.target(&rows, |_| true)?);
    let (blind, seeing) =
        (subject.answer(&given, Mode::Eval)?, subject.head.forward(&given.ask(&cx).with_target(&target))?);
    Ok(differ(subject, &blind, &seeing)?.then(|| "in evaluation the answer depends on the label".into()))
}

pub(super) fn saved<H: Head>(from: &Subject<H>, to: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let features = samples.given(&samples.all())?;
    to.params.load_safetensors(&from.params.to_safetensors()?)?;
    let (a, b) = (from.answer(&features, Mode::Eval)?, to.answer(&features, Mode::Eval)?);
    // Each decoded by its own head: what a head keeps outside its parameters is not saved.
    let same = a.main() == b.main() && from.head.decode(&a)? == to.head.decode(&b)?;
    Ok((!same).then(|| "saved and loaded parameters give another answer".into()))
}

/// Whether two outputs are not the same answer, bit for bit: the tensor, and what is decoded of it.
fn differ<H: Head>(subject: &Subject<H>, a: &HeadOutput, b: &HeadOutput) -> Result<bool> {
    Ok(a.main() != b.main() || subject.head.decode(a)? != subject.head.decode(b)?)
}

pub(super) fn refused<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows = samples.all();
    let out = subject.answer(&samples.given(&rows)?, Mode::Eval)?;
    let task = samples.task.as_str();
    let layout = samples.answer.layout();
    let foreign = match layout.cells {
        CellRule::Number => Target::class(task, &vec![0; rows.len()])?,
        CellRule::Index { .. } | CellRule::YesNo => Target::values(task, Array2::zeros((rows.len(), 1)).view())?,
    };
    let mut wrong =
        vec![("labels of another kind", foreign), ("labels of a smaller batch", samples.target(&rows[1..], |_| true)?)];
    // As another answer of the kind would have them: with one more class, or twice as wide.
    let labels = samples.labels.gather(&rows);
    let other = match (layout.cells, labels.cells()) {
        (CellRule::Index { below }, Cells::Index(cells)) => {
            let mut cells = cells.clone();
            cells.iter_mut().take(1).for_each(|cell| *cell = below as i64);
            let cells = Cells::Index(cells);
            Some(("a class that does not exist", CellRule::Index { below: below + 1 }, cells, labels.item().to_vec()))
        }
        (CellRule::YesNo | CellRule::Number, Cells::Number(cells)) => {
            let wide = |(last, others): (&usize, &[usize])| [others, &[2 * last]].concat();
            let item = labels.item().split_last().map(wide);
            item.map(|item| ("labels of another width", layout.cells, Cells::Number(vec![0.0; 2 * cells.len()]), item))
        }
        (CellRule::Index { .. }, Cells::Number(_)) | (CellRule::YesNo | CellRule::Number, Cells::Index(_)) => {
            return Ok(Some("its labels are not of its kind".into()));
        }
    };
    if let Some((what, rule, cells, item)) = other {
        let labels = match labels.offsets() {
            Some(offsets) => Labels::ragged(cells, offsets.to_vec(), &item)?,
            None => Labels::dense(cells, rows.len(), &item)?,
        };
        let item = item.iter().map(|&n| n as i64).collect();
        let layout = Layout { storage: layout.storage, item, cells: rule };
        wrong.push((what, Target::laid_out(task, samples.answer.tag(), &layout, &labels)?));
    }
    wrong.extend(samples.of_other_lengths()?.map(|target| ("labels of other lengths", target)));
    for (what, target) in wrong {
        match subject.head.loss(&out, &target) {
            Ok(_) => return Ok(Some(format!("{what} are accepted"))),
            Err(e) if !e.to_string().contains(task) => {
                return Ok(Some(format!("the error for {what} does not name the task: {e}")));
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Relative distance of two numbers.
fn gap(a: f64, b: f64) -> f64 {
    (a - b).abs() / a.abs().max(b.abs()).max(1.0)
}

/// Largest difference of two tensors relative to their size; nothing counts as zeros.
fn distance(a: Option<&Tensor>, b: Option<&Tensor>) -> Result<f64> {
    let (difference, size) = match (a, b) {
        (None, None) => return Ok(0.0),
        (Some(a), Some(b)) => (a.f_sub(b)?, a.f_abs()?.f_max()?.f_double_value(&[])?),
        (Some(one), None) | (None, Some(one)) => (one.f_detach()?, 1.0),
    };
    Ok(difference.f_abs()?.f_max()?.f_double_value(&[])? / size.max(1.0))
}
