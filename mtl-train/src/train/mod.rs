//! One model and how it learns: the loop and what it steps with. No method, head or data set is named here.
//!
//! | module | holds |
//! |---|---|
//! | [`trainer`] | the loop, evaluation, selection, observers |
//! | [`model`] | sharing plus heads |
//! | [`optim`], [`schedule`], [`ema`] | optimizers with state and parameter groups; learning rates over time; mean weights |
//! | [`checkpoint`] | one atomic file per checkpoint |
//! | [`constant`] | what answers without inputs are worth |
//! | [`task_weights`] | what tasks weigh by their size |
//! | [`divergence`] | losses that run away, and what to try |

pub mod checkpoint;
pub mod constant;
pub mod divergence;
pub mod ema;
pub(crate) mod incident;
pub mod model;
pub mod optim;
pub mod schedule;
pub mod task_weights;
pub mod trainer;
