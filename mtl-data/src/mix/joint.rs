//! A batch of each source in every step.
//!
//! What one step learns from is then all tasks, so a balancer sees all their losses and gradients at once, as if every sample had every
//! label. With one source a step it decides among that source's tasks alone.
//!
//! An epoch has as many steps as the longest source has batches; the others begin again, each time in a new order. A step holds the graphs
//! of all its batches.
//!
//! **Reference** the "multi-input" problems of LibMTL (Lin and Zhang, JMLR 2023), whose trainer steps in this way.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, alike, round_robin::in_turn};
use crate::{error::Result, rng::Rng};

/// A batch of each source in every step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Joint {}

impl MixPart for Joint {
    fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
        Ok(alike(n))
    }

    fn choices(&self, n: &[u64], n_batches: u64, _moment: Moment, _rng: &mut Rng) -> Result<Vec<usize>> {
        Ok(in_turn(n, n_batches))
    }

    fn batches(&self, n: &[u64]) -> u64 {
        n.iter().max().map_or(0, |longest| longest.saturating_mul(n.len() as u64))
    }

    fn per_step(&self, sources: usize) -> u64 {
        sources as u64
    }
}
