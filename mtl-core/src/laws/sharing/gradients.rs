//! Laws on what flows back.

use tch::{Kind, Tensor};

use super::{
    super::{
        differences::{Differing, differing},
        tensors::{largest, loss, with_buffers_back},
    },
    subject::Subject,
};
use crate::{
    error::{Result, TorchContext},
    mode::Mode,
    params::Role,
    share::SharedFeatures,
    shim::{self, Graph, grad},
};

/// The gradients of every task's loss, by task and parameter; zero as `None`.
fn all(subject: &Subject<'_>, shared: &SharedFeatures) -> Result<Vec<Vec<Option<Tensor>>>> {
    let leaves: Vec<&Tensor> = subject.params.params().iter().map(|p| p.tensor()).collect();
    (0..subject.n_tasks)
        .map(|t| {
            let grads = grad(&[loss(shared.of(t)?)?], None, &leaves, Graph::Keep)?;
            Ok(grads.into_iter().map(|g| g.filter(|g| largest(g).is_ok_and(|size| size != 0.0))).collect())
        })
        .collect()
}

pub(super) fn roles(subject: &Subject<'_>) -> Result<Option<String>> {
    with_buffers_back(&subject.params, || {
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
    with_buffers_back(&subject.params, || {
        let shared = subject.run(Mode::Train)?;
        let cuts: Vec<&Tensor> = shared.boundary.iter().filter(|t| t.requires_grad()).collect();
        if cuts.is_empty() || cuts.len() < shared.boundary.len() {
            let found = format!("{} of {} tensors carry a gradient", cuts.len(), shared.boundary.len());
            return Ok(Some(found));
        }
        let losses = (0..subject.n_tasks).map(|t| loss(shared.of(t)?)).collect::<Result<Vec<_>>>()?;
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
    with_buffers_back(&subject.params, || {
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
    with_buffers_back(&subject.params, || {
        let shared = subject.run(Mode::Train)?;
        for t in 0..subject.n_tasks {
            if !largest(&loss(shared.of(t)?)?)?.is_finite() {
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

/// In evaluation mode, where statistics stay.
pub(super) fn gradient(subject: &Subject<'_>) -> Result<Option<String>> {
    let losses = || {
        let shared = subject.run(Mode::Eval)?;
        (0..subject.n_tasks).map(|t| loss(shared.of(t)?)).collect()
    };
    let differing = differing(&subject.params, &losses)?;
    Ok(differing.map(|Differing { loss, said, found }| {
        format!("task {loss}: the gradient says {said:.6e}, differences {found:.6e}")
    }))
}

fn tolerance(subject: &Subject<'_>) -> f64 {
    if subject.params.kind() == Kind::Double { 1e-9 } else { 1e-3 }
}
