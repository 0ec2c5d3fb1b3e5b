//! Methods that multiply gradients of independent batches.
//!
//! The Gramian of one batch's gradients is biased as an estimate of the Gramian of the true gradients: noise is never
//! orthogonal to itself, so it makes every diagonal entry larger. Products of two independent batches are unbiased:
//! `E[J1 J2^T] = J J^T`. These methods look at two fresh batches ([`Look::Fresh`]), choose weights from
//! `J1 J2^T`, and apply them to the step's own batch, the third.

pub mod modo;
pub mod sdmgrad;

pub use modo::{MoDo, MoDoConfig};
pub use sdmgrad::{SdmGrad, SdmGradConfig};

use super::{Evidence, Gramian, Look, Needs};
use crate::error::Result;

/// Two fresh batches beside the step's own, whose gradients need no separate rows.
const NEEDS: Needs = Needs { looks: &[Look::Fresh, Look::Fresh], ..Needs::NOTHING };

/// `<g_i of the first look, g_j of the second>`.
fn cross(joint: &Gramian, i: usize, j: usize) -> f64 {
    joint.get(i, joint.m() / 2 + j)
}

fn checked<'a>(evidence: &Evidence<'a>, method: &'static str) -> Result<&'a Gramian> {
    evidence.checked_joint(method, 2)
}
