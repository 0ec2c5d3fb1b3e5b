//! Laws on what flows back.

use tch::{Kind, Tensor};

use super::subject::Subject;
use crate::{
    error::{Result, TorchContext},
    mode::Mode,
    params::Role,
    rng::Rng,
    share::SharedFeatures,
    shim::{self, Graph, grad},
};

/// The gradients of every task's loss, by task and parameter; zero as `None`.
fn all(subject: &Subject<'_>, shared: &SharedFeatures) -> Result<Vec<Vec<Option<Tensor>>>> {
    let leaves: Vec<&Tensor> = subject.params.params().iter().map(|p| p.tensor()).collect();
    (0..subject.n_tasks)
        .map(|t| {
            let grads = grad(&[subject.loss(shared.of(t)?)?], None, &leaves, Graph::Keep)?;
            Ok(grads.into_iter().map(|g| g.filter(|g| largest(g).is_ok_and(|size| size != 0.0))).collect())
        })
        .collect()
}

fn largest(t: &Tensor) -> Result<f64> {
    let largest = t.f_abs().and_then(|t| t.f_max()).and_then(|t| t.f_to_kind(Kind::Double)).op("law")?;
    f64::try_from(&largest).op("law")
}

fn with_statistics_back<T>(subject: &Subject<'_>, law: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = subject.buffers()?;
    let found = law();
    subject.restore(&before)?;
    found
}

pub(super) fn roles(subject: &Subject<'_>) -> Result<Option<String>> {
    with_statistics_back(subject, || {
        let grads = all(subject, &subject.run(Mode::Train)?)?;
        for (i, param) in subject.params.params().iter().enumerate() {
            let reached: Vec<usize> = (0..subject.n_tasks).filter(|t| grads[*t][i].is_some()).collect();
            let fits = match (param.role(), &reached[..]) {
                (_, []) => false,
                (Role::Shared, tasks) => tasks.len() > 1 || subject.n_tasks == 1,
                (Role::Task(owner) | Role::Gate(owner), tasks) => tasks == [owner],
            };
            if !fits {
                return Ok(Some(format!("{} is {:?}, but reached by tasks {reached:?}", param.name(), param.role())));
            }
        }
        Ok(None)
    })
}

pub(super) fn boundary(subject: &Subject<'_>) -> Result<Option<String>> {
    with_statistics_back(subject, || {
        let shared = subject.run(Mode::Train)?;
        let cuts: Vec<&Tensor> = shared.boundary.iter().filter(|t| t.requires_grad()).collect();
        if cuts.is_empty() || cuts.len() < shared.boundary.len() {
            let found = format!("{} of {} tensors carry a gradient", cuts.len(), shared.boundary.len());
            return Ok(Some(found));
        }
        let losses = (0..subject.n_tasks).map(|t| subject.loss(shared.of(t)?)).collect::<Result<Vec<_>>>()?;
        let positions = subject.params.shared();
        let leaves: Vec<&Tensor> = positions.iter().map(|&p| subject.params.params()[p].tensor()).collect();
        let nothing: [&Tensor; 0] = [];
        let (above, below) = (shim::reached(&losses, &cuts, &leaves)?, shim::reached(&cuts, &nothing, &leaves)?);
        if let Some(i) = (0..leaves.len()).find(|&i| above[i] && below[i]) {
            let name = subject.params.params()[positions[i]].name();
            return Ok(Some(format!("{name} is used on both sides of the boundary")));
        }
        for (t, loss) in losses.iter().enumerate() {
            let whole = grad(&[loss], None, &leaves, Graph::Keep)?;
            let cotangents = grad(&[loss], None, &cuts, Graph::Keep)?;
            let (mut ends, mut seeds) = (Vec::new(), Vec::new());
            for (end, cotangent) in cuts.iter().zip(cotangents) {
                if let Some(cotangent) = cotangent {
                    ends.push(*end);
                    seeds.push(cotangent);
                }
            }
            let through = match ends.is_empty() {
                true => leaves.iter().map(|_| None).collect(),
                false => grad(&ends, Some(&seeds), &leaves, Graph::Keep)?,
            };
            for (i, (whole, through)) in whole.into_iter().zip(through).enumerate().filter(|(i, _)| !above[*i]) {
                let size = whole.as_ref().map_or(Ok(0.0), largest)?;
                let gap = match (&whole, &through) {
                    (Some(a), Some(b)) => largest(&a.f_sub(b).op("law")?)?,
                    (Some(one), None) | (None, Some(one)) => largest(one)?,
                    (None, None) => 0.0,
                };
                if gap.is_nan() || gap > tolerance(subject) * size.max(1.0) {
                    let name = subject.params.params()[positions[i]].name();
                    return Ok(Some(format!(
                        "task {t}, {name}: cut there the gradient differs by {gap:.1e} of {size:.1e}"
                    )));
                }
            }
        }
        Ok(None)
    })
}

pub(super) fn auxiliary(subject: &Subject<'_>) -> Result<Option<String>> {
    with_statistics_back(subject, || {
        for auxiliary in subject.run(Mode::Train)?.auxiliary {
            let loss = &auxiliary.loss;
            if loss.dim() != 0 || !loss.requires_grad() || !largest(loss)?.is_finite() {
                let found = format!("{} is {:?}, with gradient: {}", auxiliary.name, loss.size(), loss.requires_grad());
                return Ok(Some(found));
            }
        }
        Ok(None)
    })
}

pub(super) fn finite(subject: &Subject<'_>) -> Result<Option<String>> {
    with_statistics_back(subject, || {
        let shared = subject.run(Mode::Train)?;
        for t in 0..subject.n_tasks {
            if !largest(&subject.loss(shared.of(t)?)?)?.is_finite() {
                return Ok(Some(format!("features of task {t} are not finite")));
            }
        }
        for (t, grads) in all(subject, &shared)?.iter().enumerate() {
            for (param, gradient) in subject.params.params().iter().zip(grads) {
                if let Some(gradient) = gradient
                    && !largest(gradient)?.is_finite()
                {
                    return Ok(Some(format!("gradient of {} for task {t} is not finite", param.name())));
                }
            }
        }
        Ok(None)
    })
}

/// Each task's gradient along a random direction against a central difference, in evaluation mode, where statistics stay. Taken a
/// little away from the first values: there many a unit sits exactly on the kink of its rectifier (offsets of 0, maps of zeros), where
/// there is no gradient to speak of.
pub(super) fn gradient(subject: &Subject<'_>) -> Result<Option<String>> {
    const AWAY: f64 = 0.03;
    let params = subject.params.params();
    let before = params.iter().map(|p| p.tensor().f_detach_copy().op("law")).collect::<Result<Vec<_>>>()?;
    go(subject, &directions(subject, 12)?, AWAY)?;
    let found = along(subject, &directions(subject, 11)?);
    let _guard = tch::no_grad_guard();
    for (param, before) in params.iter().zip(&before) {
        param.tensor().shallow_clone().f_copy_(before).op("law")?;
    }
    found
}

/// A random step of every parameter.
fn directions(subject: &Subject<'_>, seed: u64) -> Result<Vec<Tensor>> {
    let mut rng = Rng::new(seed);
    let random = subject.params.params().iter().map(|p| {
        let values: Vec<f64> = (0..p.tensor().numel()).map(|_| rng.normal()).collect();
        Tensor::f_from_slice(&values).and_then(|d| d.f_view(&p.tensor().size()[..])).op("law")
    });
    random.collect()
}

/// Moves every parameter along its direction.
fn go(subject: &Subject<'_>, directions: &[Tensor], length: f64) -> Result<()> {
    let _guard = tch::no_grad_guard();
    for (param, direction) in subject.params.params().iter().zip(directions) {
        let step = direction.f_mul_scalar(length).op("law")?;
        let _ = param.tensor().shallow_clone().f_add_(&step).op("law")?;
    }
    Ok(())
}

fn along(subject: &Subject<'_>, directions: &[Tensor]) -> Result<Option<String>> {
    const STEP: f64 = 1e-7;
    let number = |t: &Tensor| f64::try_from(t).op("law");
    let mut expected = Vec::new();
    for grads in all(subject, &subject.run(Mode::Eval)?)? {
        let mut sum = 0.0;
        for (gradient, direction) in grads.iter().zip(directions) {
            if let Some(gradient) = gradient {
                sum += number(&gradient.f_mul(direction).and_then(|p| p.f_sum(Kind::Double)).op("law")?)?;
            }
        }
        expected.push(sum);
    }
    let values = || -> Result<Vec<f64>> {
        let shared = subject.run(Mode::Eval)?;
        (0..subject.n_tasks).map(|t| number(&subject.loss(shared.of(t)?)?)).collect()
    };
    go(subject, directions, STEP)?;
    let ahead = values()?;
    go(subject, directions, -2.0 * STEP)?;
    let behind = values()?;
    for (t, expected) in expected.into_iter().enumerate() {
        let found = (ahead[t] - behind[t]) / (2.0 * STEP);
        let gap = (found - expected).abs() / expected.abs().max(1.0);
        if gap.is_nan() || gap > 1e-4 {
            return Ok(Some(format!("task {t}: the gradient says {expected:.6e}, differences {found:.6e}")));
        }
    }
    Ok(None)
}

fn tolerance(subject: &Subject<'_>) -> f64 {
    if subject.params.kind() == Kind::Double { 1e-9 } else { 1e-3 }
}
