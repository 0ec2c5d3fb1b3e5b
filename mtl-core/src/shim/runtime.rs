//! Switches of the whole process.

use std::sync::Once;

use super::{check, ffi};
use crate::error::Result;

/// Seeds libtorch's generators (all devices). Called once per step with a hash of run seed and step, so that resuming
/// needs no generator dump.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when libtorch refuses.
pub fn manual_seed(seed: u64) -> Result<()> {
    check("seed", unsafe { ffi::mtl_manual_seed(seed) })
}

/// Makes operations without a deterministic kernel fail instead of differing between runs.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) when libtorch refuses.
pub fn set_deterministic(on: bool) -> Result<()> {
    check("deterministic mode", unsafe { ffi::mtl_set_deterministic(i32::from(on)) })
}

/// Prepares the process once: on glibc, freed tensor memory is kept instead of being returned and mapped again at every
/// temporary. Programs call it first; calling it again does nothing.
///
/// How the threads of an operation wait for each other is settled before `main` already, in every executable that this
/// crate is linked into: see [`waiting`](super::waiting) for what is in force and for the cases left out.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| unsafe { ffi::mtl_keep_memory() });
}

/// Gives freed memory back to the system, so that the memory of what comes next can be measured. Does nothing where the C
/// library is not glibc.
pub fn release_memory() {
    unsafe { ffi::mtl_release_memory() };
}
