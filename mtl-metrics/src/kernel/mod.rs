//! Arithmetic and loops that several rooms share.

pub(crate) mod assignment;
pub(crate) mod chunks;
pub mod fold;
pub mod probability;
pub(crate) mod refusal;
