//! Laws on what comes out in evaluation.

use tch::Tensor;

use super::{
    super::tensors::{flat, gap, largest, rows_of, tolerance, with_buffers_back},
    subject::{SAMPLES, Subject},
};
use crate::{
    batch::Inputs,
    context::Cx,
    error::{Error, Result, TorchContext},
    features::Features,
    input::Input,
    mode::Mode,
};

pub(super) fn repeatable(subject: &Subject<'_>) -> Result<Option<String>> {
    unequal(&subject.run(Mode::Eval)?, &subject.run(Mode::Eval)?, "a second evaluation")
}

pub(super) fn samples(subject: &Subject<'_>) -> Result<Option<String>> {
    for sample in 0..SAMPLES {
        let alone = row(subject, &[sample], 0)?;
        for other in (0..SAMPLES).filter(|other| *other != sample) {
            // Before and after another sample.
            for beside in [row(subject, &[sample, other], 0)?, row(subject, &[other, sample], 1)?] {
                let gap = if beside.size() == alone.size() { gap(&alone, &beside)? } else { f64::NAN };
                if gap.is_nan() || gap > tolerance(subject.params.kind()) {
                    return Ok(Some(format!("sample {sample} differs by {gap:.1e} beside sample {other}")));
                }
            }
        }
    }
    let one = subject.samples(&[0])?;
    let trained =
        with_buffers_back(&subject.params, || Ok(subject.encoder.forward(&one, &Cx::new(Mode::Train)).map(|_| ())))?;
    match trained {
        // A layer that normalizes over the batch may say that it cannot; the loader then sees to it.
        Ok(()) | Err(Error::SingleValue { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The features of the sample in that place of a batch, as every member sees it.
fn row(subject: &Subject<'_>, samples: &[i64], place: i64) -> Result<Tensor> {
    let features = subject.encoder.forward(&subject.samples(samples)?, &Cx::new(Mode::Eval))?;
    let row = |t: &Tensor| rows_of(t, subject.encoder.members(), place);
    flat(&match features {
        Features::Pooled(xs) => Features::Pooled(row(&xs)?),
        Features::Tokens(mut tokens) => {
            tokens.xs = row(&tokens.xs)?;
            tokens.pad_mask = tokens.pad_mask.as_ref().map(row).transpose()?;
            Features::Tokens(tokens)
        }
        Features::Pyramid(maps) => Features::Pyramid(maps.iter().map(row).collect::<Result<_>>()?),
    })
}

pub(super) fn padding(subject: &Subject<'_>) -> Result<Option<String>> {
    let cx = Cx::new(Mode::Eval);
    // Each sample in a batch as wide as all of them, and in one as wide as itself.
    for sample in 0..SAMPLES {
        let wide = subject.samples(&[sample])?;
        let narrow = trimmed(&wide)?;
        let pooled = |inputs: &Inputs| subject.encoder.forward(inputs, &cx)?.pooled();
        let gap = gap(&pooled(&narrow)?, &pooled(&wide)?)?;
        if gap.is_nan() || gap > tolerance(subject.params.kind()) {
            return Ok(Some(format!("sample {sample} differs by {gap:.1e} in a batch that is wider than it is long")));
        }
    }
    Ok(None)
}

/// The same samples without the padding that all of them have, but for one place: a batch is never empty.
fn trimmed(inputs: &Inputs) -> Result<Inputs> {
    let narrow = |(name, input): (&str, &Input)| {
        let (Some(lengths), Some(axis)) = (input.lengths(), input.ragged_axis()) else {
            return Ok((name.to_owned(), input.with(input.tensor().shallow_clone())?));
        };
        let lengths = Vec::<i64>::try_from(lengths).op("law")?;
        let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
        let tensor = input.tensor().f_narrow(axis, 0, longest).op("law")?;
        Ok((name.to_owned(), Input::ragged(tensor, &lengths, axis)?))
    };
    Inputs::new(inputs.iter().map(narrow).collect::<Result<Vec<_>>>()?)
}

pub(super) fn finite(subject: &Subject<'_>) -> Result<Option<String>> {
    for mode in [Mode::Eval, Mode::Train] {
        let features = with_buffers_back(&subject.params, || subject.run(mode))?;
        let size = largest(&flat(&features)?)?;
        if !size.is_finite() {
            return Ok(Some(format!("features are not finite ({size})")));
        }
    }
    Ok(None)
}

pub(super) fn seeded(one: &Subject<'_>, other: &Subject<'_>) -> Result<Option<String>> {
    let (a, b): (Vec<_>, Vec<_>) = (one.params.tensors().collect(), other.params.tensors().collect());
    if a.len() != b.len() {
        return Ok(Some(format!("{} parameters the first time, {} the second", a.len(), b.len())));
    }
    for ((name, a), (other, b)) in a.into_iter().zip(b) {
        if name != other || a.size() != b.size() || !a.equal(b) {
            return Ok(Some(format!("{name} is another when it is made again ({other})")));
        }
    }
    unequal(&one.run(Mode::Eval)?, &other.run(Mode::Eval)?, "the same seed again")
}

pub(super) fn saved(from: &Subject<'_>, to: &Subject<'_>) -> Result<Option<String>> {
    // Statistics that are not those of the start.
    from.run(Mode::Train)?;
    let expected = from.run(Mode::Eval)?;
    if !from.params.params().is_empty() && unequal(&expected, &to.run(Mode::Eval)?, "")?.is_none() {
        return Ok(Some("another seed gives the same features".into()));
    }
    to.params.load_safetensors(&from.params.to_safetensors()?)?;
    unequal(&expected, &to.run(Mode::Eval)?, "the loaded copy")
}

/// Whether two passes differ in a bit.
fn unequal(a: &Features, b: &Features, what: &str) -> Result<Option<String>> {
    let (a, b) = (flat(a)?, flat(b)?);
    if a.size() == b.size() && a.equal(&b) {
        return Ok(None);
    }
    let found = if a.size() == b.size() { format!("{:.1e}", gap(&a, &b)?) } else { format!("{:?}", b.size()) };
    Ok(Some(format!("{what} differs by {found}")))
}
