//! Optimizer steps over lists of tensors in one call each, and what is done to whole lists of gradients.

use std::ptr;

use tch::Tensor;

use super::{check, ffi, handles, same_len, take};
use crate::error::Result;

/// The numbers of one AdamW step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// One fused AdamW step over all tensors; `steps` are one-element f32 tensors that count upwards.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the lists differ in length; [`Error::Torch`](crate::Error::Torch) when kinds or shapes differ inside them.
pub fn fused_adamw(
    params: &[&Tensor],
    grads: &[&Tensor],
    exp_avgs: &[&Tensor],
    exp_avg_sqs: &[&Tensor],
    steps: &[&Tensor],
    step: AdamWStep,
) -> Result<()> {
    let lists = [
        ("grads", grads.len()),
        ("exp_avgs", exp_avgs.len()),
        ("exp_avg_sqs", exp_avg_sqs.len()),
        ("steps", steps.len()),
    ];
    same_len("adamw", params.len(), &lists)?;
    if params.is_empty() {
        return Ok(());
    }
    check("adamw", unsafe {
        ffi::mtl_fused_adamw(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(exp_avgs).as_ptr(),
            handles(exp_avg_sqs).as_ptr(),
            handles(steps).as_ptr(),
            params.len() as i64,
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
            step.eps,
        )
    })
}

/// The numbers of one SGD step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Momentum; 0 switches the buffers off.
    pub momentum: f64,
    /// L2 weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's variant.
    pub nesterov: bool,
    /// Whether the momentum buffers are still empty: they are then filled with the gradients.
    pub first: bool,
}

/// One fused SGD step over all tensors; `momenta` is read only when `step.momentum` is not 0.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the lists differ in length; [`Error::Torch`](crate::Error::Torch) when kinds or shapes differ inside them.
pub fn fused_sgd(params: &[&Tensor], grads: &[&Tensor], momenta: &[&Tensor], step: SgdStep) -> Result<()> {
    same_len("sgd", params.len(), &[("grads", grads.len())])?;
    if step.momentum != 0.0 {
        same_len("sgd", params.len(), &[("momenta", momenta.len())])?;
    }
    if params.is_empty() {
        return Ok(());
    }
    check("sgd", unsafe {
        ffi::mtl_fused_sgd(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(momenta).as_ptr(),
            params.len() as i64,
            step.lr,
            step.momentum,
            step.weight_decay,
            i32::from(step.nesterov),
            i32::from(step.first),
        )
    })
}

/// The 2-norm over all tensors together, as a scalar f64 tensor where the tensors are; `None` for an empty list.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when the tensors are not on one device.
pub fn global_norm(tensors: &[&Tensor]) -> Result<Option<Tensor>> {
    if tensors.is_empty() {
        return Ok(None);
    }
    let mut out = ptr::null_mut();
    check("global norm", unsafe {
        ffi::mtl_global_norm(handles(tensors).as_ptr(), tensors.len() as i64, &raw mut out)
    })?;
    Ok(take(out))
}

/// Multiplies every tensor in place.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when libtorch refuses.
pub fn scale(tensors: &[&Tensor], factor: f64) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    check("scale", unsafe { ffi::mtl_scale(handles(tensors).as_ptr(), tensors.len() as i64, factor) })
}
