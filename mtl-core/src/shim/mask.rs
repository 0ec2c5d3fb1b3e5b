//! Masks of dropout.

use std::ptr;

use tch::Tensor;

use super::{check, ffi, handle, take};
use crate::error::Result;

/// A factor for each number of a CPU tensor: 0 with probability `rate`, else `1 / (1 - rate)`. The draw depends on
/// libtorch's generator ([`manual_seed`](super::manual_seed)) and on nothing else: not on the number of threads.
///
/// # Shapes
/// Those of `like`, of any shape and floating kind.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) unless `0 <= rate < 1` and `like` is a floating tensor on the CPU.
pub fn dropout_mask(like: &Tensor, rate: f64) -> Result<Tensor> {
    let mut out = ptr::null_mut();
    check("dropout mask", unsafe { ffi::mtl_dropout_mask(handle(like), rate, &raw mut out) })?;
    Ok(take(out).unwrap_or_default())
}
