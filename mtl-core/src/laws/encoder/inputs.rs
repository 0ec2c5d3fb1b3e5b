//! Laws on what goes in.

use std::any::Any;

use super::{
    super::rows::{self, of_kind},
    super::tensors::flat,
    subject::{SAMPLES, Subject},
};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{Encoder, InputSpec},
    error::Result,
    input::{Cells, Custom, CustomModality, Input, Layout, Length, ModalityKind, Numbers},
    mode::Mode,
    params::ParamSet,
};

/// A modality that no encoder can have thought of.
#[derive(Debug)]
struct Alien;

impl Alien {
    const NAME: &'static str = "alien";
}

impl ModalityKind for Alien {
    fn describe(&self) -> String {
        "something from elsewhere".into()
    }
    fn meaning(&self) -> String {
        "numbers of an unknown meaning".into()
    }
    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(2)] }
    }
    fn cells(&self) -> Cells<'_> {
        Cells::Whole
    }
}

impl CustomModality for Alien {
    fn name(&self) -> &'static str {
        Self::NAME
    }
    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn inputs(subject: &Subject<'_>) -> Result<Option<String>> {
    if let Some(found) = lacking(subject.encoder.as_ref(), &subject.batch()?)? {
        return Ok(Some(found));
    }
    let alien = (Alien::NAME.to_owned(), Custom::new(Alien).into());
    let own = subject.spec.iter().map(|(name, modality)| (name.to_owned(), modality.clone()));
    let spec = InputSpec::new(own.chain([alien]))?;
    let mut params = ParamSet::new(subject.params.kind(), subject.params.device(), subject.seed);
    match subject.how.build(&mut params.root(), &spec) {
        Err(e) if e.to_string().contains(Alien::NAME) => Ok(None),
        Err(e) => Ok(Some(format!("an input that is not taken is refused without its name: {e}"))),
        // Whoever takes anything reads it, and misses it.
        Ok(encoder) => {
            let batch = of_kind(&spec.example(SAMPLES)?, subject.params.kind())?;
            Ok(lacking(encoder.as_ref(), &batch)?
                .map(|found| format!("an input from elsewhere was taken, and {found}")))
        }
    }
}

/// Which input an encoder does not miss, or misses without saying its name.
fn lacking(encoder: &dyn Encoder, batch: &Inputs) -> Result<Option<String>> {
    for (missing, _) in batch.iter() {
        let others = batch.iter().filter(|(name, _)| *name != missing);
        let some =
            Inputs::new(others.map(|(name, input)| Ok((name.to_owned(), same(input)?))).collect::<Result<_>>()?)?;
        match encoder.forward(&some, &Cx::new(Mode::Eval)) {
            Err(e) if e.to_string().contains(missing) => {}
            Err(e) => return Ok(Some(format!("a batch without {missing} is refused without its name: {e}"))),
            Ok(_) => return Ok(Some(format!("a batch without {missing} is taken"))),
        }
    }
    Ok(None)
}

pub(super) fn reads(subject: &Subject<'_>) -> Result<Option<String>> {
    let (kind, cx) = (subject.params.kind(), Cx::new(Mode::Eval));
    let (batch, others) =
        (rows::inputs(subject.spec, kind, 0..SAMPLES)?, rows::inputs(subject.spec, kind, SAMPLES..2 * SAMPLES)?);
    let expected = flat(&subject.encoder.forward(&batch, &cx)?)?;
    for (changed, modality) in subject.spec.iter() {
        let (old, new) = (batch.input(changed)?, others.input(changed)?);
        if old.tensor().size() == new.tensor().size() && old.tensor().equal(new.tensor()) {
            continue; // an input of which there is one value only
        }
        let some = batch
            .iter()
            .map(|(name, input)| Ok((name.to_owned(), if name == changed { same(new)? } else { same(input)? })));
        let found = flat(&subject.encoder.forward(&Inputs::new(some.collect::<Result<_>>()?)?, &cx)?)?;
        if found.size() == expected.size() && found.equal(&expected) {
            return Ok(Some(format!("other values of {changed} ({}) change nothing", modality.describe())));
        }
    }
    Ok(None)
}

fn same(input: &Input) -> Result<Input> {
    input.with(input.tensor().shallow_clone())
}
