//! What modalities check alike: sizes of a description, form and values of a batch.

use tch::{Kind, Tensor};

use super::{Input, Layout, Length};
use crate::error::{Error, Result, TorchContext};

/// Sizes beyond this are no inputs but attempts to make sizes overflow.
pub(super) const LARGEST: i64 = 1 << 31;

pub(super) fn refuse<T>(input: &str, what: &'static str, expected: String, found: String) -> Result<T> {
    Err(Error::Input { input: input.to_owned(), what, expected, found })
}

/// Each axis at least 1, a sample below 2^31 numbers, at most one axis ragged.
pub(super) fn sizes(input: &str, layout: &Layout) -> Result<()> {
    let sizes: Vec<i64> = layout.axes.iter().map(|length| length.longest()).collect();
    if sizes.iter().any(|&size| size < 1) || layout.cells() > LARGEST {
        return refuse(input, "sizes", "at least 1, of at most 2^31 numbers a sample".into(), format!("{sizes:?}"));
    }
    match layout.axes.iter().filter(|length| length.is_ragged()).count() {
        0 | 1 => Ok(()),
        n => refuse(input, "ragged axes", "at most 1".into(), n.to_string()),
    }
}

/// Kind, shape and presence of lengths; reads no number.
pub(super) fn form(input: &str, found: &Input, layout: &Layout) -> Result<()> {
    let (tensor, op) = (found.tensor(), || format!("input {input}"));
    if !layout.numbers.fit(tensor.kind()) {
        let expected = layout.numbers.describe();
        return Err(Error::Kind { op: op(), tensor: "input", expected, found: format!("{:?}", tensor.kind()) });
    }
    if !layout.fits(&tensor.size()) {
        return Err(Error::Shape { op: op(), tensor: "input", expected: layout.describe(), found: tensor.size() });
    }
    let words = |axis: Option<i64>| axis.map_or_else(|| "none".to_owned(), |axis| format!("along axis {axis}"));
    match (layout.ragged_axis(), found.ragged_axis()) {
        (expected, axis) if expected == axis => Ok(()),
        (expected, axis) => refuse(input, "lengths", words(expected), words(axis)),
    }
}

pub(super) fn values(input: &str, found: &Input, layout: &Layout, cardinalities: &[i64], padding: i64) -> Result<()> {
    let tensor = found.tensor();
    if tensor.numel() == 0 {
        return Ok(());
    }
    if let (Some(axis), Some(lengths)) = (layout.ragged_axis(), found.lengths()) {
        let longest = tensor.size().get(usize::try_from(axis).unwrap_or(0)).copied().unwrap_or(0);
        let (low, high) = ends(lengths)?;
        if low < 0 || high > longest {
            return refuse(input, "lengths", format!("in 0..={longest}"), format!("{low} to {high}"));
        }
        if !padding_is_filled(found, padding)? {
            return refuse(input, "what lies beyond a length", padding.to_string(), "something else".into());
        }
    }
    match cardinalities {
        [] => Ok(()),
        [all] => in_range(input, tensor, *all),
        each => (0..).zip(each).try_for_each(|(column, n)| {
            let column = tensor.f_select(-1, column).op(format!("input {input}"))?;
            in_range(input, &column, *n)
        }),
    }
}

fn padding_is_filled(found: &Input, padding: i64) -> Result<bool> {
    let Some(mask) = found.pad_mask_over()? else { return Ok(true) };
    let other = found.tensor().f_ne(padding).and_then(|t| t.f_logical_and(&mask)).and_then(|t| t.f_sum(Kind::Int64));
    Ok(i64::try_from(&other.op("padding of an input")?).op("padding of an input")? == 0)
}

fn in_range(input: &str, values: &Tensor, n: i64) -> Result<()> {
    let (low, high) = ends(values)?;
    if low >= 0 && high < n {
        return Ok(());
    }
    refuse(input, "values", format!("in 0..{n}"), if low < 0 { low } else { high }.to_string())
}

fn ends(values: &Tensor) -> Result<(i64, i64)> {
    let read = |t: std::result::Result<Tensor, tch::TchError>| -> Result<i64> {
        let t = t.and_then(|t| t.f_to_kind(Kind::Int64)).op("values of an input")?;
        i64::try_from(&t).op("values of an input")
    };
    Ok((read(values.f_min())?, read(values.f_max())?))
}

/// A length that a sample is about to have.
pub(super) fn length(input: &str, allowed: Length, found: usize) -> Result<()> {
    let (fits, expected) = match allowed {
        Length::Fixed(n) => (found as i64 == n, n.to_string()),
        Length::Ragged(n) => (found as i64 <= n, format!("at most {n}")),
    };
    if fits { Ok(()) } else { refuse(input, "length", expected, found.to_string()) }
}

/// How many rows of `width` values each sample has.
pub(super) fn rows(input: &str, samples: &[impl AsRef<[f32]>], width: i64, allowed: Length) -> Result<Vec<usize>> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut lengths = Vec::with_capacity(samples.len());
    for sample in samples {
        let n = sample.as_ref().len();
        if !n.is_multiple_of(width) {
            return refuse(input, "a sample", format!("rows of {width} values"), format!("{n} values"));
        }
        length(input, allowed, n / width)?;
        lengths.push(n / width);
    }
    Ok(lengths)
}
