//! What heads that answer each of a sample's items have in common: their features, their labels beside these, ragged answers.
//!
//! ```text
//! features  tokens [b, l, d], padding marked            scores [b, l, c] of them all, the padding's nobody reads
//! labels    [b, l'] padded with missing cells           brought to [b, l]; l' differs where the longest sample is not labeled
//! answer    ragged: the scores of items that are no padding
//! ```
//! A sample that is labeled has a label, known or not, for each of its items. That is checked where labels lie on the CPU, and on
//! an accelerator where the padded lengths differ; else it would have to be waited for in every step, and validation finds it.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Cells, Labels},
    batch::{MISSING_CLASS, Target},
    features::{Features, Tokens, View},
    task::TaskName,
};
use tch::{Device, Kind, Tensor};

use crate::head::{HeadOutput, HeadSpec};

/// The name under which the mask of padding goes with the scores.
const PADDING: &str = "padding";

/// Refuses features without items.
pub(crate) fn check_view(what: &'static str, task: &TaskName, view: &View) -> Result<()> {
    if matches!(view, View::Tokens { .. }) {
        return Ok(());
    }
    let expected = format!("tokens [b, l, d] for task {task}, a feature for each item that is answered");
    Err(Error::InvalidConfig { what, field: "features", expected, found: view.describe() })
}

/// Features as tokens.
pub(crate) fn tokens<'a>(spec: &HeadSpec, features: &'a Features) -> Result<&'a Tokens> {
    match features {
        Features::Tokens(tokens) => Ok(tokens),
        other => Err(Error::Shape {
            op: format!("task {}", spec.task),
            tensor: "features",
            expected: "tokens [b, l, d]".into(),
            found: other.tensors().first().map(|t| t.size()).unwrap_or_default(),
        }),
    }
}

/// Scores with the padding of the tokens that they are of.
pub(crate) fn scored(scores: Tensor, tokens: &Tokens) -> HeadOutput {
    match &tokens.pad_mask {
        Some(mask) => HeadOutput::from(scores).with(PADDING, mask.shallow_clone()),
        None => scores.into(),
    }
}

/// Where an output is of padding, `[b, l]` of `Bool`; `None` without any.
pub(crate) fn padding(out: &HeadOutput) -> Option<&Tensor> {
    out.extra(PADDING).ok()
}

/// The labels of every score, `[b, l]`, missing in the padding.
///
/// # Errors
/// As [`HeadSpec::accept`]; [`Error::Shape`] naming task and sample where a labeled sample has not as many labels as items.
pub(crate) fn labels(spec: &HeadSpec, out: &HeadOutput, target: &Target) -> Result<Tensor> {
    let scores = out.main();
    let cells = spec.accept(scores, target)?;
    let op = || format!("labels of task {}", spec.task);
    let (items, labels) = (scores.size()[1], cells.size()[1]);
    if cells.device() == Device::Cpu || items != labels {
        same_lengths(spec, out, target)?;
    }
    if labels >= items {
        return cells.f_narrow(1, 0, items).op(op());
    }
    let missing = Tensor::f_full([cells.size()[0], items - labels], MISSING_CLASS, (Kind::Int64, cells.device()));
    Tensor::f_cat(&[cells, &missing.op(op())?], 1).op(op())
}

fn same_lengths(spec: &HeadSpec, out: &HeadOutput, target: &Target) -> Result<()> {
    let Some(lengths) = target.lengths() else { return Ok(()) };
    let op = || format!("labels of task {}", spec.task);
    let scores = out.main();
    let items = match padding(out) {
        Some(mask) => {
            let kept = mask.f_logical_not().and_then(|kept| kept.f_sum_dim_intlist(&[1i64][..], false, Kind::Int64));
            kept.op(op())?
        }
        None => lengths.f_full_like(scores.size()[1]).op(op())?,
    };
    let labeled = target.cells().f_ne(MISSING_CLASS).and_then(|known| known.f_any_dim(1, false)).op(op())?;
    let differs = items.f_ne_tensor(lengths).and_then(|differs| differs.f_logical_and(&labeled)).op(op())?;
    if !differs.f_any().and_then(|any| bool::try_from(&any)).op(op())? {
        return Ok(());
    }
    let read = |t: &Tensor| Vec::<i64>::try_from(t).op(op());
    let (items, lengths) = (read(&items)?, read(lengths)?);
    let differs = Vec::<bool>::try_from(&differs).op(op())?;
    let sample = differs.iter().position(|differs| *differs).unwrap_or(0);
    Err(Error::Shape {
        op: format!("task {}", spec.task),
        tensor: "labels",
        expected: format!("{} of sample {sample}, as many as its features have items", items[sample]),
        found: vec![lengths[sample]],
    })
}

/// The numbers of each sample's items, off the graph and off the device: `[b, l, k]` without padding.
///
/// # Errors
/// [`Error::Torch`] when a tensor cannot be read.
pub(crate) fn ragged(numbers: &Tensor, padding: Option<&Tensor>) -> Result<Labels> {
    let (b, l, k) = numbers.size3().op("decode")?;
    let flat = numbers.f_detach().and_then(|t| t.f_to_device_(Device::Cpu, Kind::Float, false, false));
    let flat = flat.and_then(|t| t.f_contiguous()).and_then(|t| t.f_view(-1)).op("decode")?;
    let flat = Vec::<f32>::try_from(&flat).op("decode")?;
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    let (b, l, k) = (size(b), size(l), size(k));
    let padding = match padding {
        Some(mask) => {
            let mask = mask.f_to_device(Device::Cpu).and_then(|m| m.f_contiguous()).and_then(|m| m.f_view(-1));
            Vec::<bool>::try_from(&mask.op("decode")?).op("decode")?
        }
        None => vec![false; b * l],
    };
    let (mut cells, mut offsets) = (Vec::with_capacity(flat.len()), Vec::with_capacity(b + 1));
    offsets.push(0);
    for sample in 0..b {
        let kept = (sample * l..(sample + 1) * l).filter(|&item| !padding[item]);
        kept.for_each(|item| cells.extend_from_slice(&flat[item * k..(item + 1) * k]));
        offsets.push(cells.len() / k.max(1));
    }
    Labels::ragged(Cells::Number(cells), offsets, &[k])
}

/// Scores that came out as no numbers.
pub(crate) fn unreadable(spec: &HeadSpec) -> Error {
    let (op, expected) = (format!("task {}", spec.task), "numbers".into());
    Error::Shape { op, tensor: "scores of tags", expected, found: Vec::new() }
}
