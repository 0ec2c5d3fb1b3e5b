//! The libtorch shim: the only module with `unsafe`.
//!
//! tch 0.24 binds most of libtorch, but not gradients with cotangents, optional gradients, kernels over lists of
//! gradients, batched backward passes, lookups with a cheap gradient, dropout masks at the speed of memory, fused optimizer
//! steps, sums over ranks inside the graph, 64-bit-seeded determinism switches or traces of several outputs. The C++ side (`mtl-core/cpp`) is one C function per need; this side makes each of
//! them safe: tensor lists are checked for equal length before the call, every exception comes back as
//! [`Error::Torch`], a missing gradient is `None`.
//!
//! Safety of every call below: handles are borrowed from live `Tensor`s for the duration of the call; lists are passed
//! with the length of the slice they come from; returned handles are owned by nobody else.
#![expect(unsafe_code, reason = "the one place that talks to C++")]

mod autocast;
mod ffi;
mod grad;
mod lookup;
mod mask;
mod optim;
mod ranks;
mod rows;
mod runtime;
mod script;
mod shared;
mod wait;

use std::{borrow::Borrow, ffi::CStr};

pub use autocast::Autocast;
use ffi::Handle;
pub use grad::{Graph, conv_weight_grad, grad, grad_scaled, graph_size, reached, set_grad};
pub use lookup::lookup;
pub use mask::dropout_mask;
pub use optim::{
    AdagradStep, AdamStep, LionStep, RmsPropStep, SgdStep, average, fused_adagrad, fused_adam, fused_sgd, global_norm,
    lion, rmsprop, scale,
};
pub use ranks::{own_random_stream, sum_over_ranks, uniform_like};
pub use rows::{Rows, f32_values, vmap_gramian};
pub use runtime::{init, manual_seed, release_memory, set_deterministic};
pub use script::{Script, Trace};
pub(crate) use shared::{Lent, Slot, sum_share};
use tch::Tensor;
pub use wait::{Waiting, waiting};

use crate::error::{Error, Result, TorchMessage};

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
