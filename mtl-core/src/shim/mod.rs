//! The libtorch shim: the only module with `unsafe`.
//!
//! tch 0.24 binds most of libtorch, but not gradients with cotangents, optional gradients, fused optimizer steps or
//! 64-bit-seeded determinism switches. The C++ side (`mtl-core/cpp`) is one C function per need; this side makes each of
//! them safe: tensor lists are checked for equal length before the call, every exception comes back as
//! [`Error::Torch`], a missing gradient is `None`.
//!
//! Safety of every call below: handles are borrowed from live `Tensor`s for the duration of the call; lists are passed
//! with the length of the slice they come from; returned handles are owned by nobody else.
#![expect(unsafe_code, reason = "the one place that talks to C++")]

mod ffi;

use std::{borrow::Borrow, ffi::CStr, ptr, sync::Once};

use tch::Tensor;

use crate::error::{Error, Result, TorchMessage};
use ffi::Handle;

fn handle(tensor: &Tensor) -> Handle {
    tensor.as_ptr().cast_mut()
}

fn handles<T: Borrow<Tensor>>(tensors: &[T]) -> Vec<Handle> {
    tensors.iter().map(|t| handle(t.borrow())).collect()
}

fn check(op: &str, status: i32) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let text = unsafe { CStr::from_ptr(ffi::mtl_last_error()) }.to_string_lossy().into_owned();
    Err(Error::Torch { op: op.to_owned(), source: TorchMessage::new(text) })
}

fn same_len(op: &str, expected: usize, lists: &[(&'static str, usize)]) -> Result<()> {
    match lists.iter().find(|(_, len)| *len != expected) {
        None => Ok(()),
        Some((tensor, len)) => Err(Error::Shape {
            op: op.to_owned(),
            tensor,
            expected: format!("a list of {expected} tensors"),
            found: vec![*len as i64],
        }),
    }
}

fn take(handle: Handle) -> Option<Tensor> {
    (!handle.is_null()).then(|| unsafe { Tensor::from_ptr(handle) })
}

/// Whether the autograd graph outlives a gradient call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// Another gradient of the same graph follows.
    Keep,
    /// This was the last: free it.
    Free,
    /// The gradients get a graph of their own (second derivatives); the graph is kept.
    Create,
}

/// Gradients of `outputs`, weighted by `cotangents` and summed, with respect to `inputs`.
///
/// Without cotangents every output counts with ones. An input that the outputs do not depend on yields `None`.
///
/// # Errors
/// [`Error::Shape`] when there are not as many cotangents as outputs; [`Error::Torch`] when an input or output carries
/// no graph, a cotangent has another shape than its output, or the graph has been freed.
pub fn grad<O: Borrow<Tensor>, I: Borrow<Tensor>>(
    outputs: &[O],
    cotangents: Option<&[Tensor]>,
    inputs: &[I],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    if let Some(cotangents) = cotangents {
        same_len("gradient", outputs.len(), &[("cotangents", cotangents.len())])?;
    }
    backward(&handles(outputs), cotangents.map(handles).as_deref(), None, &handles(inputs), graph)
}

/// As [`grad`] for scalar outputs, each weighted by a number.
///
/// # Errors
/// As [`grad`]; [`Error::Torch`] for an output that is no scalar.
pub fn grad_scaled<O: Borrow<Tensor>, I: Borrow<Tensor>>(
    outputs: &[O],
    factors: &[f64],
    inputs: &[I],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    same_len("gradient", outputs.len(), &[("factors", factors.len())])?;
    backward(&handles(outputs), None, Some(factors), &handles(inputs), graph)
}

fn backward(
    outs: &[Handle],
    cotangents: Option<&[Handle]>,
    factors: Option<&[f64]>,
    ins: &[Handle],
    graph: Graph,
) -> Result<Vec<Option<Tensor>>> {
    let mut result = vec![ptr::null_mut(); ins.len()];
    let status = unsafe {
        ffi::mtl_grad(
            outs.as_ptr(),
            outs.len() as i64,
            cotangents.map_or(ptr::null(), <[Handle]>::as_ptr),
            factors.map_or(ptr::null(), <[f64]>::as_ptr),
            ins.as_ptr(),
            ins.len() as i64,
            i32::from(graph != Graph::Free),
            i32::from(graph == Graph::Create),
            result.as_mut_ptr(),
        )
    };
    check("gradient", status)?;
    Ok(result.into_iter().map(take).collect())
}

/// Sets or clears a parameter's `.grad`, for those who step with an optimizer of tch.
///
/// # Errors
/// [`Error::Torch`] when shapes or devices differ.
pub fn set_grad(parameter: &Tensor, grad: Option<&Tensor>) -> Result<()> {
    let grad = grad.map_or(ptr::null_mut(), handle);
    check("set gradient", unsafe { ffi::mtl_set_grad(handle(parameter), grad) })
}

/// The rows of gradients of `k` tasks with respect to `m` parameters, as handles for the kernels.
fn row_handles(rows: &[Vec<Option<Tensor>>]) -> Result<(Vec<Handle>, usize)> {
    let m = rows.first().map_or(0, Vec::len);
    let mut flat = Vec::with_capacity(rows.len() * m);
    for row in rows {
        same_len("gradient rows", m, &[("row", row.len())])?;
        flat.extend(row.iter().map(|g| g.as_ref().map_or(ptr::null_mut(), handle)));
    }
    for p in 0..m {
        let mut present = rows.iter().filter_map(|row| row[p].as_ref());
        let Some(first) = present.next() else { continue };
        if let Some(odd) = present.find(|g| g.size() != first.size()) {
            return Err(Error::Shape {
                op: "gradient rows".into(),
                tensor: "gradient",
                expected: format!("{:?} as in the rows before", first.size()),
                found: odd.size(),
            });
        }
    }
    Ok((flat, m))
}

/// The Gramian of `k` gradient rows over `m` parameters, `[k, k]` row-major: blocked, summed in f64, without ever
/// making the `k x n` matrix. A missing gradient counts as zeros. The bits do not depend on the number of threads.
///
/// # Errors
/// [`Error::Shape`] when rows differ in length or a parameter's gradients in shape.
pub fn gramian(rows: &[Vec<Option<Tensor>>], gram: &mut Vec<f64>) -> Result<()> {
    let (flat, m) = row_handles(rows)?;
    gram.resize(rows.len() * rows.len(), 0.0);
    check("gramian", unsafe { ffi::mtl_gram(flat.as_ptr(), rows.len() as i64, m as i64, gram.as_mut_ptr()) })
}

/// `sum_i weights[i] * rows[i]`, written over the rows' own memory: one gradient per parameter, `None` where no task
/// reaches it.
///
/// # Errors
/// [`Error::Shape`] when the lengths differ.
pub fn combine(rows: Vec<Vec<Option<Tensor>>>, weights: &[f64]) -> Result<Vec<Option<Tensor>>> {
    same_len("combine gradients", rows.len(), &[("weights", weights.len())])?;
    let (flat, m) = row_handles(&rows)?;
    check("combine gradients", unsafe {
        ffi::mtl_combine(flat.as_ptr(), rows.len() as i64, m as i64, weights.as_ptr())
    })?;
    let mut result: Vec<Option<Tensor>> = (0..m).map(|_| None).collect();
    for row in rows {
        for (slot, grad) in result.iter_mut().zip(row) {
            if slot.is_none() {
                *slot = grad;
            }
        }
    }
    Ok(result)
}

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
/// [`Error::Shape`] when the lists differ in length; [`Error::Torch`] when kinds or shapes differ inside them.
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
/// [`Error::Shape`] when the lists differ in length; [`Error::Torch`] when kinds or shapes differ inside them.
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
/// [`Error::Torch`] when the tensors are not on one device.
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
/// [`Error::Torch`] when libtorch refuses.
pub fn scale(tensors: &[&Tensor], factor: f64) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    check("scale", unsafe { ffi::mtl_scale(handles(tensors).as_ptr(), tensors.len() as i64, factor) })
}

/// Seeds libtorch's generators (all devices). Called once per step with a hash of run seed and step, so that resuming
/// needs no generator dump.
///
/// # Errors
/// [`Error::Torch`] when libtorch refuses.
pub fn manual_seed(seed: u64) -> Result<()> {
    check("seed", unsafe { ffi::mtl_manual_seed(seed) })
}

/// Makes operations without a deterministic kernel fail instead of differing between runs.
///
/// # Errors
/// [`Error::Torch`] when libtorch refuses.
pub fn set_deterministic(on: bool) -> Result<()> {
    check("deterministic mode", unsafe { ffi::mtl_set_deterministic(i32::from(on)) })
}

/// Prepares the process once: on glibc, freed tensor memory is kept instead of being returned and mapped again at every
/// temporary. Programs call it first; calling it again does nothing.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| unsafe { ffi::mtl_keep_memory() });
}
