//! Optimizer steps over lists of tensors in one call each, and what is done to whole lists of gradients.

use std::ptr;

use tch::Tensor;

use super::{check, ffi, ffi::Handle, handles, same_len, take};
use crate::error::Result;

/// The numbers of one step of Adam or AdamW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Whether decay shrinks the weights (AdamW) instead of joining the gradient (Adam).
    pub decoupled: bool,
}

/// One fused step of Adam or AdamW over all tensors; `steps` are one-element f32 tensors that count upwards. With
/// `max_exp_avg_sqs`, its AMSGrad variant.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the lists differ in length; [`Error::Torch`](crate::Error::Torch) when kinds or shapes differ inside them.
pub fn fused_adam(
    params: &[&Tensor],
    grads: &[&Tensor],
    exp_avgs: &[&Tensor],
    exp_avg_sqs: &[&Tensor],
    max_exp_avg_sqs: Option<&[&Tensor]>,
    steps: &[&Tensor],
    step: AdamStep,
) -> Result<()> {
    let lists = [
        ("grads", grads.len()),
        ("exp_avgs", exp_avgs.len()),
        ("exp_avg_sqs", exp_avg_sqs.len()),
        ("max_exp_avg_sqs", max_exp_avg_sqs.map_or(params.len(), <[_]>::len)),
        ("steps", steps.len()),
    ];
    same_len("adam", params.len(), &lists)?;
    if params.is_empty() {
        return Ok(());
    }
    let largest = max_exp_avg_sqs.map(handles);
    check("adam", unsafe {
        ffi::mtl_fused_adam(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(exp_avgs).as_ptr(),
            handles(exp_avg_sqs).as_ptr(),
            optional(largest.as_deref()),
            handles(steps).as_ptr(),
            params.len() as i64,
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
            step.eps,
            i32::from(step.decoupled),
        )
    })
}

/// The numbers of one Adagrad step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdagradStep {
    /// Learning rate.
    pub lr: f64,
    /// How fast the learning rate falls with a parameter's steps.
    pub lr_decay: f64,
    /// L2 weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Added to the root of the sum.
    pub eps: f64,
}

/// One fused Adagrad step over all tensors; `steps` are one-element f32 tensors that count upwards.
///
/// # Errors
/// As [`fused_adam`].
pub fn fused_adagrad(
    params: &[&Tensor],
    grads: &[&Tensor],
    sums: &[&Tensor],
    steps: &[&Tensor],
    step: AdagradStep,
) -> Result<()> {
    same_len("adagrad", params.len(), &[("grads", grads.len()), ("sums", sums.len()), ("steps", steps.len())])?;
    if params.is_empty() {
        return Ok(());
    }
    check("adagrad", unsafe {
        ffi::mtl_fused_adagrad(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(sums).as_ptr(),
            handles(steps).as_ptr(),
            params.len() as i64,
            step.lr,
            step.lr_decay,
            step.weight_decay,
            step.eps,
        )
    })
}

/// The numbers of one RMSprop step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsPropStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the running averages.
    pub alpha: f64,
    /// L2 weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Added to the root.
    pub eps: f64,
    /// Momentum, read only when there are buffers for it.
    pub momentum: f64,
}

/// One RMSprop step over all tensors, in list operations; with `means` the centered variant, with `momenta` momentum.
///
/// # Errors
/// As [`fused_adam`].
pub fn rmsprop(
    params: &[&Tensor],
    grads: &[&Tensor],
    squares: &[&Tensor],
    means: Option<&[&Tensor]>,
    momenta: Option<&[&Tensor]>,
    step: RmsPropStep,
) -> Result<()> {
    let n = params.len();
    let lists = [
        ("grads", grads.len()),
        ("squares", squares.len()),
        ("means", means.map_or(n, <[_]>::len)),
        ("momenta", momenta.map_or(n, <[_]>::len)),
    ];
    same_len("rmsprop", n, &lists)?;
    if params.is_empty() {
        return Ok(());
    }
    let (means, momenta) = (means.map(handles), momenta.map(handles));
    check("rmsprop", unsafe {
        ffi::mtl_rmsprop(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(squares).as_ptr(),
            optional(means.as_deref()),
            optional(momenta.as_deref()),
            n as i64,
            step.lr,
            step.alpha,
            step.weight_decay,
            step.eps,
            step.momentum,
        )
    })
}

/// The numbers of one Lion step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LionStep {
    /// Learning rate.
    pub lr: f64,
    /// How much of the momentum is in the update.
    pub beta1: f64,
    /// Decay of the momentum.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// One Lion step over all tensors, in list operations.
///
/// # Errors
/// As [`fused_adam`].
pub fn lion(params: &[&Tensor], grads: &[&Tensor], momenta: &[&Tensor], step: LionStep) -> Result<()> {
    same_len("lion", params.len(), &[("grads", grads.len()), ("momenta", momenta.len())])?;
    if params.is_empty() {
        return Ok(());
    }
    check("lion", unsafe {
        ffi::mtl_lion(
            handles(params).as_ptr(),
            handles(grads).as_ptr(),
            handles(momenta).as_ptr(),
            params.len() as i64,
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
        )
    })
}

/// Moves every average towards its tensor, in place: `a <- a + share (t - a)`.
///
/// # Errors
/// As [`fused_adam`].
pub fn average(averages: &[&Tensor], tensors: &[&Tensor], share: f64) -> Result<()> {
    same_len("average", averages.len(), &[("tensors", tensors.len())])?;
    if averages.is_empty() {
        return Ok(());
    }
    check("average", unsafe {
        ffi::mtl_average(handles(averages).as_ptr(), handles(tensors).as_ptr(), averages.len() as i64, share)
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

fn optional(list: Option<&[Handle]>) -> *const Handle {
    list.map_or(ptr::null(), <[Handle]>::as_ptr)
}
