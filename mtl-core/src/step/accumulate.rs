//! Several micro-batches for one step: accumulate, then resolve.
//!
//! ```text
//! for each micro-batch:  row_t += gradient of weight_t * (loss sum of t)       count_t += known items
//! at the end:            g_t = row_t / count_t, then Gramian, weights and combination as for one batch
//! ```
//! So a step over micro-batches equals a step over their union, conflicts included: resolving each micro-batch and adding
//! the directions up would resolve noise. Memory is that of the exact mode, whatever the number of micro-batches.
//!
//! Methods that look at no gradient take one backward pass per micro-batch. Their weights are those of the first
//! micro-batch (a task that first appears later counts with weight 1), and micro-batches count alike: that equals the
//! union where all labels are known and micro-batches are of one size. With clipping per task they have rows like the others,
//! and weights from the losses of all micro-batches.
//!
//! Several ranks accumulate each its own part; rows are summed over ranks once, at the end.

use tch::Tensor;

use super::{
    Forward, Gradients, StepEngine, StepMode, StepReport, TaskStep,
    mode::{Collected, exact::KeptRows},
    pass::{Pass, Screened},
    reduce,
    report::Dropped,
    screen, single,
};
use crate::{
    error::{Error, Result},
    params::ParamSet,
    shim::{self, Rows},
};

/// The micro-batches so far.
#[derive(Debug)]
pub(super) struct Pending {
    micro_batches: u64,
    skipped: bool,
    /// Per task: sum of losses, known items.
    totals: Vec<(f64, f64)>,
    /// What needs no resolving: auxiliary gradients, or all of them for methods that look at no gradient.
    gradients: Gradients,
    /// Weights per task, for methods that look at no gradient.
    weights: Option<Vec<f64>>,
    /// The tasks that the method was asked about for them.
    weighed: Vec<usize>,
    /// One row per task.
    rows: Rows,
    heads: Vec<Vec<Option<Tensor>>>,
}

impl Pending {
    fn new(engine: &StepEngine, params: &ParamSet) -> Result<Self> {
        let layout = &engine.layout;
        let shared: Vec<&Tensor> = layout.shared.iter().map(|&p| params.params()[p].tensor()).collect();
        let mut rows = Rows::of(&shared)?;
        let nothing: Vec<Option<Tensor>> = shared.iter().map(|_| None).collect();
        for _ in 0..engine.tasks.len() {
            rows.push(&nothing)?;
        }
        Ok(Self {
            micro_batches: 0,
            skipped: false,
            totals: vec![(0.0, 0.0); engine.tasks.len()],
            gradients: Gradients::new(layout.n_params),
            weights: None,
            weighed: Vec::new(),
            rows,
            heads: layout.owned.iter().map(|own| own.iter().map(|_| None).collect()).collect(),
        })
    }
}

impl StepEngine {
    /// Adds a micro-batch to the step; [`StepEngine::finish`] ends it. Frees the graph of the losses.
    ///
    /// # Errors
    /// As [`StepEngine::backward`]; [`Error::InvalidConfig`] for a mode other than exact.
    pub fn accumulate(&mut self, params: &ParamSet, forward: &Forward, step: u64) -> Result<()> {
        let added = self.add(params, forward, step);
        added.map_err(|e| self.tasks.named(e))
    }

    fn add(&mut self, params: &ParamSet, forward: &Forward, step: u64) -> Result<()> {
        self.check(params, forward)?;
        let needs = self.method.needs_at(step);
        if (needs.gramian || self.clip.is_some()) && !matches!(self.mode, StepMode::Exact(_)) {
            return Err(Error::InvalidConfig {
                what: "step",
                field: "mode",
                expected: "exact when gradients are accumulated over micro-batches".into(),
                found: self.mode.name().into(),
            });
        }
        let (mut report, means, share) = screen::look(&self.tasks, &self.policy, forward, self.world.as_ref())?;
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => Pending::new(self, params)?,
        };
        pending.micro_batches += 1;
        pending.skipped |= report.skipped;
        if !pending.skipped && !report.active.is_empty() {
            for &t in &report.active {
                let step = &report.tasks[t];
                pending.totals[t].0 += step.loss.unwrap_or(0.0) * step.count;
                pending.totals[t].1 += step.count;
            }
            let (layout, tasks, world) = (self.layout.clone(), self.tasks.clone(), self.world.clone());
            let screened = Screened::new(&report, share);
            let pass = Pass::new(params, &tasks, forward, &layout, &screened, &world, step);
            if (needs.gramian && self.tasks.len() > 1) || self.clip.is_some() {
                for (position, grad) in single::auxiliary(&pass)?.into_iter() {
                    pending.gradients.accumulate(position, grad)?;
                }
                pending.add_rows(&Pass { by_count: false, ..pass })?;
            } else {
                if pending.weights.is_none() {
                    screen::solved(&self.policy, needs, &means, &mut report);
                    let first = self.weigh_losses(&means, step, &mut report)?;
                    pending.weighed = std::mem::take(&mut report.weighed);
                    let mut weights = vec![1.0; self.tasks.len()];
                    report.active.iter().zip(first).for_each(|(&t, w)| weights[t] = w);
                    pending.weights = Some(weights);
                }
                let weights: Vec<f64> =
                    screened.active.iter().filter_map(|&t| pending.weights.as_ref().map(|w| w[t])).collect();
                for (position, grad) in single::weighted(&pass, &weights, &mut report, false)?.into_iter() {
                    pending.gradients.accumulate(position, grad)?;
                }
            }
        }
        self.pending = Some(pending);
        Ok(())
    }

    /// The gradients of the micro-batches since the last step; `None` as for [`StepEngine::backward`].
    ///
    /// # Errors
    /// As [`StepEngine::backward`].
    pub fn finish(&mut self, step: u64) -> Result<(Option<Gradients>, StepReport)> {
        let finished = self.end(step);
        finished.map_err(|e| self.tasks.named(e))
    }

    fn end(&mut self, step: u64) -> Result<(Option<Gradients>, StepReport)> {
        let mut report = StepReport::default();
        let Some(mut pending) = self.pending.take() else { return Ok((None, report)) };
        report.skipped = pending.skipped;
        let mut means = vec![0.0; pending.totals.len()];
        for (t, (&(sum, count), task)) in pending.totals.iter().zip(&self.tasks).enumerate() {
            let known = count > 0.0;
            if known {
                means[t] = task.weight * sum / count * self.policy.damping(sum / count);
                report.active.push(t);
            }
            let dropped = (!known).then_some(Dropped::Absent);
            let weight = pending.weights.as_ref().map_or(0.0, |w| if known { w[t] } else { 0.0 });
            report.tasks.push(TaskStep {
                loss: known.then(|| sum / count),
                count,
                weight,
                clip: self.policy.damping(if known { sum / count } else { 0.0 }),
                dropped,
            });
        }
        if report.skipped || report.active.is_empty() {
            return Ok((None, report));
        }
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let share = 1.0 / pending.micro_batches as f64;
        let world = self.world.clone();
        reduce::gradients(world.as_ref(), &mut pending.gradients)?;
        let gradients: Vec<&Tensor> = pending.gradients.iter().map(|(_, g)| g).collect();
        shim::scale(&gradients, share)?;
        let needs = self.method.needs_at(step);
        screen::solved(&self.policy, needs, &means, &mut report);
        if pending.weights.is_some() {
            report.weighed = pending.weighed;
            return Ok((Some(pending.gradients), report));
        }
        pending.rows.keep(&report.active)?;
        reduce::rows(world.as_ref(), &mut pending.rows)?;
        reduce::heads(world.as_ref(), &mut pending.heads)?;
        let mut heads = Vec::with_capacity(report.active.len());
        for (k, &t) in report.active.iter().enumerate() {
            let by_count = 1.0 / pending.totals[t].1;
            pending.rows.scale(k, by_count)?;
            let own = std::mem::take(&mut pending.heads[t]);
            shim::scale(&own.iter().flatten().collect::<Vec<_>>(), by_count)?;
            heads.push(own);
        }
        let collected = Collected { shared: Box::new(KeptRows(pending.rows)), heads };
        let gradients = self.resolve(collected, pending.gradients, &means, needs, step, &mut report)?;
        Ok((gradients, report))
    }
}

impl Pending {
    /// One task's row at a time, so that only one row is there twice.
    fn add_rows(&mut self, pass: &Pass<'_>) -> Result<()> {
        let shared = pass.shared_tensors();
        for (k, &t) in pass.active.iter().enumerate() {
            let mut row = Rows::of(&shared)?;
            let own = pass.backward(&mut row, k, &pass.owned_tensors(t))?;
            for column in 0..row.columns() {
                if let Some(grad) = row.get(0, column)? {
                    self.rows.add(t, column, &grad)?;
                }
            }
            for (slot, grad) in self.heads[t].iter_mut().zip(own) {
                Gradients::add(slot, grad)?;
            }
        }
        Ok(())
    }
}
