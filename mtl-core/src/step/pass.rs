//! One step while it is being computed: what every mode may ask.

use std::sync::Arc;

use tch::Tensor;

use super::{Forward, StepReport, engine::Layout};
use crate::{error::Result, params::ParamSet, shim::Rows, task::TaskSet, world::World};

/// The step's inputs, with the tasks that take part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) params: &'a ParamSet,
    pub(super) tasks: &'a TaskSet,
    pub(super) forward: &'a Forward,
    /// Positions of the shared parameters.
    pub(super) shared: &'a [usize],
    /// Positions of every task's own parameters.
    pub(super) owned: &'a [Vec<usize>],
    /// Tasks with a finite loss, ascending.
    pub(super) active: &'a [usize],
    /// What each task's objective is multiplied by because its loss is too loud ([`Policy::loud_loss`](super::Policy::loud_loss));
    /// 1 for the others.
    pub(super) damping: &'a [f64],
    /// Known items per task, over all ranks.
    pub(super) counts: &'a [f64],
    /// This rank's share of the samples.
    pub(super) share: f64,
    pub(super) world: &'a Arc<dyn World>,
    pub(super) step: u64,
    /// Whether losses are divided by their counts now, or (accumulating) when all micro-batches are known.
    pub(super) by_count: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        params: &'a ParamSet,
        tasks: &'a TaskSet,
        forward: &'a Forward,
        layout: &'a Layout,
        screened: &'a Screened,
        world: &'a Arc<dyn World>,
        step: u64,
    ) -> Self {
        let (shared, owned) = (layout.shared.as_slice(), layout.owned.as_slice());
        let Screened { active, damping, counts, share } = screened;
        let share = *share;
        Self { params, tasks, forward, shared, owned, active, damping, counts, share, world, step, by_count: true }
    }

    /// The loss of a task, summed over items.
    pub(super) fn loss(&self, task_idx: usize) -> &'a Tensor {
        &self.forward.losses[task_idx].sum
    }

    /// `weight_t * damping_t * w / count`: the objective's factor as a cotangent, which costs no node in the graph.
    pub(super) fn factor(&self, task_idx: usize, w: f64) -> f64 {
        let weight =
            self.tasks.get(task_idx).map_or(1.0, |t| t.weight) * self.damping.get(task_idx).copied().unwrap_or(1.0);
        if self.by_count { weight * w / self.counts.get(task_idx).copied().unwrap_or(1.0) } else { weight * w }
    }

    /// The weight, unless its factor is so small that a gradient in `f32` would be 0, and dividing by it no number: then one that is
    /// as good as 0 for the shared parameters and still lets the task's own be told. A weight of exactly 0 stays.
    pub(super) fn usable(&self, task_idx: usize, w: f64) -> f64 {
        const LEAST: f64 = 1e-30;
        let factor = self.factor(task_idx, w).abs();
        if factor < LEAST && w.abs() > 0.0 { (LEAST / self.factor(task_idx, 1.0)).copysign(w) } else { w }
    }

    pub(super) fn tensors(&self, positions: &[usize]) -> Vec<&'a Tensor> {
        positions.iter().map(|&p| self.params.params()[p].tensor()).collect()
    }

    pub(super) fn shared_tensors(&self) -> Vec<&'a Tensor> {
        self.tensors(self.shared)
    }

    pub(super) fn owned_tensors(&self, task_idx: usize) -> Vec<&'a Tensor> {
        self.tensors(&self.owned[task_idx])
    }

    /// Whether this rank's part of the batch has a graph for the task: without one it has no gradient of it. A loss over no item
    /// may still have one, whose backward pass then meets the sums over ranks that the other ranks' pass makes.
    pub(super) fn reaches(&self, task_idx: usize) -> bool {
        // Alone, a loss without a graph is an error that libtorch names.
        self.world.size() == 1 || self.forward.losses[task_idx].sum.requires_grad()
    }

    /// Adds the row of the `k`-th active task, as far as this rank's part of the batch has one, and gives the gradients of `extra`.
    pub(super) fn backward(&self, rows: &mut Rows, k: usize, extra: &[&Tensor]) -> Result<Vec<Option<Tensor>>> {
        let t = self.active[k];
        if self.reaches(t) {
            return rows.backward(self.loss(t), self.factor(t, 1.0), extra, self.keeps_graph(k));
        }
        let nothing: Vec<Option<Tensor>> = (0..rows.columns()).map(|_| None).collect();
        rows.push(&nothing)?;
        Ok(extra.iter().map(|_| None).collect())
    }

    /// Whether the graph is still needed after the backward pass of the `k`-th active task.
    pub(super) fn keeps_graph(&self, k: usize) -> bool {
        k + 1 < self.active.len()
    }
}

/// What the losses of all ranks say of a step.
#[derive(Debug)]
pub(super) struct Screened {
    pub(super) active: Vec<usize>,
    pub(super) damping: Vec<f64>,
    pub(super) counts: Vec<f64>,
    pub(super) share: f64,
}

impl Screened {
    pub(super) fn new(report: &StepReport, share: f64) -> Self {
        Self {
            active: report.active.clone(),
            damping: report.tasks.iter().map(|t| t.clip).collect(),
            counts: report.tasks.iter().map(|t| t.count).collect(),
            share,
        }
    }
}
