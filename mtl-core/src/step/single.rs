//! The step of a method that looks at no gradient: one backward pass of the weighted sum of losses.

use tch::Tensor;

use super::{Gradients, StepReport, pass::Pass, reduce};
use crate::{
    error::Result,
    share::AuxiliaryLoss,
    shim::{self, Graph},
};

/// The gradients of `sum_t w_t l_t` plus the auxiliary losses. Heads follow their plain gradient: theirs is divided by the
/// weight afterwards, and a task of weight 0 is switched off. Weights too small for `f32` are raised to where it holds them.
///
/// Summed over ranks if `sums` says so; else the caller will, when all micro-batches are in.
pub(super) fn weighted(pass: &Pass<'_>, weights: &[f64], report: &mut StepReport, sums: bool) -> Result<Gradients> {
    let auxiliary = trained(&pass.forward.auxiliary);
    let mut outputs = Vec::with_capacity(pass.active.len() + auxiliary.len());
    let mut factors = Vec::with_capacity(outputs.capacity());
    let mut positions = pass.shared.to_vec();
    let weights: Vec<f64> = pass.active.iter().zip(weights).map(|(&t, &w)| pass.usable(t, w)).collect();
    for (&t, &w) in pass.active.iter().zip(&weights) {
        report.tasks[t].weight = w;
        positions.extend(&pass.owned[t]);
        if pass.reaches(t) {
            outputs.push(pass.loss(t));
            factors.push(pass.factor(t, w));
        }
    }
    for aux in auxiliary {
        outputs.push(aux);
        factors.push(pass.share);
    }
    let mut gradients = Gradients::new(pass.params.params().len());
    if !outputs.is_empty() {
        let grads = shim::grad_scaled(&outputs, &factors, &pass.tensors(&positions), Graph::Free)?;
        for (position, grad) in positions.into_iter().zip(grads) {
            gradients.set(position, grad);
        }
    }
    if sums {
        reduce::gradients(pass.world.as_ref(), &mut gradients)?;
    }
    for (&t, &w) in pass.active.iter().zip(&weights) {
        if (w - 1.0).abs() > 0.0 && w != 0.0 {
            let own: Vec<&Tensor> = pass.owned[t].iter().filter_map(|&p| gradients.get(p)).collect();
            shim::scale(&own, 1.0 / w)?;
        }
    }
    Ok(gradients)
}

/// The gradients of the auxiliary losses alone, of this rank's part of the batch; keeps the graph.
pub(super) fn auxiliary(pass: &Pass<'_>) -> Result<Gradients> {
    let n = pass.params.params().len();
    let mut gradients = Gradients::new(n);
    let outputs = trained(&pass.forward.auxiliary);
    if !outputs.is_empty() {
        let owned = pass.owned.iter().flatten();
        let positions: Vec<usize> = pass.shared.iter().chain(owned).copied().collect();
        let factors = vec![pass.share; outputs.len()];
        let grads = shim::grad_scaled(&outputs, &factors, &pass.tensors(&positions), Graph::Keep)?;
        for (position, grad) in positions.into_iter().zip(grads) {
            gradients.set(position, grad);
        }
    }
    Ok(gradients)
}

/// The auxiliary losses that some parameter in training has a part in.
fn trained(auxiliary: &[AuxiliaryLoss]) -> Vec<&Tensor> {
    auxiliary.iter().map(|aux| &aux.loss).filter(|loss| loss.requires_grad()).collect()
}
