//! Laws on what comes out.

use super::{
    super::tensors::{buffers, flat, gap, parameter_of, restore, rows_of, tolerance},
    subject::Subject,
};
use crate::{
    context::Cx,
    error::{Error, Result},
    mode::Mode,
    params::Role,
    share::{SharedFeatures, TaskMask},
};

pub(super) fn views(subject: &Subject<'_>) -> Result<Option<String>> {
    let (sharing, n) = (&subject.sharing, subject.n_tasks);
    let shared = subject.run(Mode::Eval)?;
    if sharing.views().len() != n || shared.per_task.len() != n {
        let found = format!("{} views and {} features for {n} tasks", sharing.views().len(), shared.per_task.len());
        return Ok(Some(found));
    }
    for (t, view) in sharing.views().iter().enumerate() {
        let features = shared.of(t)?;
        if features.view() != *view {
            return Ok(Some(format!("task {t} was promised {}, got {}", view.describe(), features.view().describe())));
        }
        for tensor in features.tensors() {
            if tensor.kind() != subject.params.kind() || tensor.size()[0] != 5 * sharing.members() {
                let (kind, size, members) = (tensor.kind(), tensor.size(), sharing.members());
                return Ok(Some(format!("task {t} got {kind:?} {size:?} for 5 samples and {members} members")));
            }
        }
    }
    Ok(None)
}

pub(super) fn repeatable(subject: &Subject<'_>) -> Result<Option<String>> {
    let (first, second) = (subject.run(Mode::Eval)?, subject.run(Mode::Eval)?);
    differing(subject, &first, &second, 0.0, "a second evaluation")
}

pub(super) fn samples(subject: &Subject<'_>) -> Result<Option<String>> {
    let tolerance = tolerance(subject.params.kind());
    let (all, cx) = (TaskMask::all(subject.n_tasks), Cx::new(Mode::Eval));
    let together = subject.run(Mode::Eval)?;
    for row in [0, 3] {
        let alone = subject.sharing.forward(&subject.inputs(row..row + 1)?, &all, &cx)?;
        for t in 0..subject.n_tasks {
            for (a, b) in together.of(t)?.tensors().into_iter().zip(alone.of(t)?.tensors()) {
                let gap = gap(&rows_of(a, subject.sharing.members(), row)?, b)?;
                if gap.is_nan() || gap > tolerance {
                    return Ok(Some(format!("sample {row} of task {t} differs by {gap:.1e} among others")));
                }
            }
        }
    }
    let before = buffers(&subject.params)?;
    let trained = subject.sharing.forward(&subject.inputs(0..1)?, &all, &Cx::new(Mode::Train));
    restore(&subject.params, &before)?;
    match trained {
        // A layer that normalizes over the batch may say that it cannot; the loader then sees to it.
        Ok(_) | Err(Error::SingleValue { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

pub(super) fn wanted(subject: &Subject<'_>) -> Result<Option<String>> {
    let n = subject.n_tasks;
    let all = subject.run(Mode::Eval)?;
    for only in 0..n {
        // Alone, and all but this one.
        for with in [true, false] {
            let mask = TaskMask::of(n, |t| (t == only) == with);
            let cx = Cx::new(Mode::Eval).with_tape();
            let some = subject.run_for(&mask, &cx)?;
            let unasked = |t: usize| t < n && !mask.contains(t);
            if let Some(t) = (0..n).find(|t| some.per_task.get(*t).is_some_and(Option::is_some) != mask.contains(*t)) {
                return Ok(Some(format!("task {t} has features although not wanted, or none although wanted")));
            }
            if let Some(found) =
                differing(subject, &all, &some, tolerance(subject.params.kind()), "a pass without other tasks")?
            {
                return Ok(Some(found));
            }
            for entry in cx.take_tape().0 {
                for weight in entry.product.weights() {
                    let owner = parameter_of(&subject.params, weight);
                    // A gate may take part in a loss about all gates.
                    let unasked = owner.map(|p| p.role()).filter(|role| role.owner().is_some_and(unasked));
                    if let Some(Role::Task(t)) = unasked {
                        return Ok(Some(format!("layer {} of task {t} ran although not wanted", entry.layer)));
                    }
                }
            }
            let before = buffers(&subject.params)?;
            subject.run_for(&mask, &Cx::new(Mode::Train))?;
            let after = buffers(&subject.params)?;
            restore(&subject.params, &before)?;
            for ((buffer, before), after) in subject.params.buffers().iter().zip(&before).zip(&after) {
                if buffer.role().owner().is_some_and(unasked) && !before.equal(after) {
                    return Ok(Some(format!("{} moved although its task was not wanted", buffer.name())));
                }
            }
        }
    }
    Ok(None)
}

pub(super) fn saved(from: &Subject<'_>, to: &Subject<'_>) -> Result<Option<String>> {
    // Statistics that are not those of the start.
    from.run(Mode::Train)?;
    let expected = from.run(Mode::Eval)?;
    if differing(from, &expected, &to.run(Mode::Eval)?, 0.0, "")?.is_none() {
        return Ok(Some("another seed gives the same features".into()));
    }
    to.params.load_safetensors(&from.params.to_safetensors()?)?;
    differing(from, &expected, &to.run(Mode::Eval)?, 0.0, "the loaded copy")
}

/// Where two passes differ, over the tasks that both have.
fn differing(
    subject: &Subject<'_>,
    a: &SharedFeatures,
    b: &SharedFeatures,
    tolerance: f64,
    what: &str,
) -> Result<Option<String>> {
    for t in 0..subject.n_tasks {
        let (Some(Some(a)), Some(Some(b))) = (a.per_task.get(t), b.per_task.get(t)) else { continue };
        let gap = gap(&flat(a)?, &flat(b)?)?;
        if gap.is_nan() || gap > tolerance {
            return Ok(Some(format!("task {t}: {what} differs by {gap:.1e}")));
        }
    }
    Ok(None)
}
