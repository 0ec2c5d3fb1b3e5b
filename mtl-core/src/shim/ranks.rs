//! Sums over ranks inside the graph, and the random numbers of a rank.

use std::{
    os::raw::{c_char, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
};

use tch::Tensor;

use super::{check, ffi, ffi::Handle, handle, take};
use crate::{
    error::{Error, Result, TorchContext},
    world::World,
};

/// The sum of `xs` over ranks; on the graph, where the gradient is summed over ranks as well, in every backward pass.
///
/// # Errors
/// [`Error::Torch`] with what [`World::sum`] says.
pub fn sum_over_ranks(xs: &Tensor, world: &Arc<dyn World>) -> Result<Tensor> {
    let mut out = ptr::null_mut();
    // The graph keeps a handle of its own, and gives it back by `release`.
    let kept = Box::into_raw(Box::new(world.clone())).cast();
    check("sum over ranks", unsafe { ffi::mtl_sum_over_ranks(handle(xs), kept, sum, release, &raw mut out) })?;
    Ok(take(out).unwrap_or_default())
}

/// From now on this thread draws from a generator of its own ([`manual_seed`](super::manual_seed) seeds that one), so that ranks
/// do not take each other's numbers.
pub fn own_random_stream() {
    unsafe { ffi::mtl_own_generator() };
}

/// Numbers in `[0, 1)` of that shape, from the generator of this thread.
///
/// # Errors
/// [`Error::Torch`] when libtorch refuses.
pub fn uniform_like(xs: &Tensor) -> Result<Tensor> {
    let mut out = ptr::null_mut();
    check("uniform numbers", unsafe { ffi::mtl_uniform_like(handle(xs), &raw mut out) })?;
    Ok(take(out).unwrap_or_default())
}

/// What C++ calls to sum a tensor in place: `world` points to an `Arc<dyn World>`. Gives 0, or writes why not.
pub(super) extern "C" fn sum(world: *mut c_void, tensor: Handle, reason: *mut c_char, room: usize) -> i32 {
    // Safety: C++ hands back the pointer that it was given, and a live tensor; `reason` has `room` bytes.
    let (world, tensor) = unsafe { (&*world.cast_const().cast::<Arc<dyn World>>(), Tensor::clone_from_ptr(tensor)) };
    let summed = catch_unwind(AssertUnwindSafe(|| summed(world.as_ref(), &tensor)));
    let text = match summed {
        Ok(Ok(())) => return 0,
        Ok(Err(e)) => e.to_string(),
        Err(_) => "a sum over ranks panicked".to_owned(),
    };
    let n = text.len().min(room.saturating_sub(1));
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), reason, n);
        *reason.add(n) = 0;
    }
    -1
}

fn summed(world: &dyn World, tensor: &Tensor) -> Result<()> {
    let mut list = [Some(tensor.shallow_clone())];
    world.sum(&mut list)?;
    match &list {
        [Some(sum)] if sum.data_ptr() != tensor.data_ptr() => {
            tensor.shallow_clone().f_copy_(sum).map(drop).op("sum over ranks")
        }
        [Some(_)] => Ok(()),
        [None] => Err(Error::Ranks { reason: "a sum has no result".into() }),
    }
}

extern "C" fn release(world: *mut c_void) {
    // Safety: made by `sum_over_ranks`, and given back once.
    drop(unsafe { Box::from_raw(world.cast::<Arc<dyn World>>()) });
}
