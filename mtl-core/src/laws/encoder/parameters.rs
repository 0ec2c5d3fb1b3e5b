//! Laws on parameters, gradients and what is recorded of layers.

use tch::Tensor;

use super::{
    super::{
        differences::{Differing, differing},
        tensors::{largest, loss, parameter_of, with_buffers_back},
    },
    subject::{PLACE, Subject},
};
use crate::{
    context::{Cx, Tape},
    error::Result,
    mode::Mode,
    params::Role,
    shim::{Graph, grad},
};

pub(super) fn parameters(subject: &Subject<'_>) -> Result<Option<String>> {
    with_buffers_back(&subject.params, || {
        let leaves: Vec<&Tensor> = subject.params.params().iter().map(|p| p.tensor()).collect();
        let gradients = grad(&[loss(&subject.run(Mode::Train)?)?], None, &leaves, Graph::Free)?;
        for (param, gradient) in subject.params.params().iter().zip(gradients) {
            let name = param.name();
            let Some(gradient) = gradient else { return Ok(Some(format!("{name} is reached by no gradient"))) };
            if !largest(&gradient)?.is_finite() {
                return Ok(Some(format!("the gradient of {name} is not finite")));
            }
            if !subject.encoder.stages().iter().any(|stage| Some(stage.name.as_str()) == param.stage()) {
                return Ok(Some(format!("{name} belongs to {:?}, which is no stage", param.stage())));
            }
            if param.role() != Role::Shared {
                return Ok(Some(format!("{name} is {:?} in a place that is shared", param.role())));
            }
        }
        let outside = subject.params.tensors().find(|(name, _)| !name.starts_with(&format!("{PLACE}.")));
        Ok(outside.map(|(name, _)| format!("{name} lies outside of the place {PLACE:?}")))
    })
}

pub(super) fn tape(subject: &Subject<'_>) -> Result<Option<String>> {
    let record = |samples: &[i64]| -> Result<Tape> {
        let cx = Cx::new(Mode::Eval).with_tape();
        subject.encoder.forward(&subject.samples(samples)?, &cx)?;
        Ok(cx.take_tape())
    };
    let (one, three) = (record(&[0])?, record(&[0, 0, 0])?);
    for entry in &one.0 {
        let own = format!("{}.", entry.layer);
        for weight in entry.product.weights() {
            let known = parameter_of(&subject.params, weight);
            if known.is_none_or(|param| !param.name().starts_with(&own)) {
                let found = known.map_or("no parameter", |param| param.name());
                return Ok(Some(format!("layer {} ran, its weight is {found}", entry.layer)));
            }
        }
    }
    let (alone, together) = (one.multiply_adds(), three.multiply_adds());
    Ok((3 * alone != together).then(|| format!("{alone} multiply-adds for a sample, {together} for three of it")))
}

/// In evaluation mode, where statistics stay.
pub(super) fn gradient(subject: &Subject<'_>) -> Result<Option<String>> {
    let losses = || Ok(vec![loss(&subject.run(Mode::Eval)?)?]);
    let differing = differing(&subject.params, &losses)?;
    Ok(differing.map(|Differing { said, found, .. }| format!("the gradient says {said:.6e}, differences {found:.6e}")))
}
