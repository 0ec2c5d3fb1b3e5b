//! Laws on stages and parts.

use tch::Device;

use super::{
    super::tensors::flat,
    subject::{PLACE, SAMPLES, Subject},
};
use crate::{
    context::Cx,
    encode::EncoderPlan,
    error::Result,
    mode::Mode,
    params::{ParamSet, Role},
};

pub(super) fn views(subject: &Subject<'_>) -> Result<Option<String>> {
    let (encoder, cx) = (&subject.encoder, Cx::new(Mode::Eval));
    let stages = encoder.stages();
    for (idx, stage) in stages.iter().enumerate() {
        if stages[..idx].iter().any(|other| other.name == stage.name) {
            return Ok(Some(format!("two stages are called {}", stage.name)));
        }
    }
    if *encoder.view()? != stages[stages.len() - 1].view {
        return Ok(Some(format!("{} promised, the last stage gives another", encoder.view()?.describe())));
    }
    let mut features = encoder.embed(&subject.batch()?, &cx)?;
    for (idx, stage) in stages.iter().enumerate() {
        if idx > 0 {
            features = encoder.advance(idx, features, &cx)?;
        }
        if features.view() != stage.view {
            let (promised, found) = (stage.view.describe(), features.view().describe());
            return Ok(Some(format!("stage {} promised {promised}, gave {found}", stage.name)));
        }
        for tensor in features.tensors() {
            if tensor.kind() != subject.params.kind() || tensor.size()[0] != SAMPLES * encoder.members() {
                let (kind, size, members) = (tensor.kind(), tensor.size(), encoder.members());
                let found = format!("stage {} gave {kind:?} {size:?} for {SAMPLES} samples", stage.name);
                return Ok(Some(format!("{found} and {members} members")));
            }
        }
    }
    Ok(None)
}

pub(super) fn stages(subject: &Subject<'_>) -> Result<Option<String>> {
    let (encoder, cx, inputs) = (&subject.encoder, Cx::new(Mode::Eval), subject.batch()?);
    let n = encoder.stages().len();
    let chained = (1..n).try_fold(encoder.embed(&inputs, &cx)?, |xs, idx| encoder.advance(idx, xs, &cx))?;
    let whole = encoder.forward(&inputs, &cx)?;
    if !flat(&chained)?.equal(&flat(&whole)?) {
        return Ok(Some("one stage after the other is not the whole".into()));
    }
    Ok(encoder.advance(n, whole, &cx).is_ok().then(|| format!("stage {n} of {n} ran")))
}

pub(super) fn parts(subject: &Subject<'_>) -> Result<Option<String>> {
    let plan = EncoderPlan::new(subject.how, subject.spec);
    let (cx, inputs) = (Cx::new(Mode::Eval), subject.batch()?);
    let outline = plan.outline()?;
    if outline != subject.encoder.stages() {
        return Ok(Some(format!("{} stages in parts, {} as a whole", outline.len(), subject.encoder.stages().len())));
    }
    let expected = flat(&subject.encoder.forward(&inputs, &cx)?)?;
    let sorted = |set: &ParamSet| {
        let mut names: Vec<String> = set.tensors().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    };
    for cut in 1..outline.len() {
        // The same names, hence the same first values.
        let mut params = ParamSet::new(subject.params.kind(), Device::Cpu, subject.seed);
        let mut root = params.root();
        let mut place = root.sub(PLACE);
        let first = plan.stages(&mut place, 0..cut)?;
        let rest = plan.stages(&mut place.role(Role::Task(1)), cut..outline.len())?;
        if [first.members(), rest.members()] != [subject.encoder.members(); 2] {
            let found = format!("{} and {}", first.members(), rest.members());
            return Ok(Some(format!("cut before stage {} its parts have {found} members", outline[cut].name)));
        }
        let found = flat(&rest.advance(first.embed(&inputs, &cx)?, &cx)?)?;
        if found.size() != expected.size() || !found.equal(&expected) {
            return Ok(Some(format!("cut before stage {} it gives other features", outline[cut].name)));
        }
        if sorted(&params) != sorted(&subject.params) {
            return Ok(Some(format!("cut before stage {} it has other parameters", outline[cut].name)));
        }
        for param in params.params() {
            let own = outline[cut..].iter().any(|s| Some(s.name.as_str()) == param.stage());
            if (param.role() == Role::Task(1)) != own {
                return Ok(Some(format!("{} is {:?} in a part that is another's", param.name(), param.role())));
            }
        }
    }
    Ok(None)
}
