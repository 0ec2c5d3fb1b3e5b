//! The step engine: losses in, gradients out.

use tch::{Device, Kind, Tensor};

use super::{Dropped, Gradients, NonFinitePolicy, Policy, StepReport, TaskStep, ZeroGradientPolicy};
use crate::{
    balance::{Balancer, Evidence, Gramian, Needs, Space},
    error::{Error, Result, TorchContext},
    loss::TaskLoss,
    params::ParamSet,
    share::AuxiliaryLoss,
    shim::{self, Graph},
    task::TaskSet,
};

/// Turns task losses into one gradient per parameter, by the rules of the [module](super).
#[derive(Debug)]
pub struct StepEngine {
    tasks: TaskSet,
    policy: Policy,
    balancer: Box<dyn Balancer>,
    shared: Vec<usize>,
    /// Indices into `shared` per stage, for methods that look block by block.
    blocks: Vec<Vec<usize>>,
    owned: Vec<Vec<usize>>,
    n_params: usize,
}

impl StepEngine {
    /// An engine for the parameters of one model, whose set must be complete by now.
    #[must_use]
    pub fn new(tasks: TaskSet, params: &ParamSet, balancer: Box<dyn Balancer>, policy: Policy) -> Self {
        let owned = (0..tasks.len()).map(|t| params.owned_by(t)).collect();
        let shared = params.shared();
        let blocks = blocks_by_stage(params, &shared);
        Self { owned, blocks, shared, n_params: params.params().len(), tasks, policy, balancer }
    }

    /// The balancer.
    #[must_use]
    pub fn balancer(&self) -> &dyn Balancer {
        self.balancer.as_ref()
    }

    /// The balancer, to load its state or tell it of the end of an epoch.
    pub fn balancer_mut(&mut self) -> &mut dyn Balancer {
        self.balancer.as_mut()
    }

    /// The gradients of one step; `losses` in task order, `step` counted from 0. Frees the graph of the losses.
    ///
    /// `None` when there is nothing to learn from: no task present, or the policy skips the step.
    ///
    /// # Errors
    /// [`Error::NonFinite`] naming the task, when the policy says stop; [`Error::Shape`] when there are not as many
    /// losses as tasks; whatever the balancer gives.
    pub fn backward(
        &mut self,
        params: &ParamSet,
        losses: &[TaskLoss],
        auxiliary: &[AuxiliaryLoss],
        step: u64,
    ) -> Result<(Option<Gradients>, StepReport)> {
        if losses.len() != self.tasks.len() || params.params().len() != self.n_params {
            return Err(Error::Shape {
                op: "step".into(),
                tensor: "losses",
                expected: format!("{} losses over {} parameters", self.tasks.len(), self.n_params),
                found: vec![losses.len() as i64, params.params().len() as i64],
            });
        }
        let needs = self.balancer.needs_at(step);
        if needs.gramian && needs.space == Space::Representation {
            return Err(Error::InvalidConfig {
                what: "step engine",
                field: "balancer",
                expected: "one that works on parameter gradients; representation gradients are not served yet".into(),
                found: self.balancer.name().into(),
            });
        }
        let (mut report, means) = self.look(losses)?;
        if report.skipped || report.active.is_empty() {
            return Ok((None, report));
        }
        let mut pass = Pass { engine: self, params, losses, auxiliary, means: &means, step, needs };
        let gradients = if needs.gramian && report.active.len() > 1 {
            pass.exact(&mut report)?
        } else {
            Some(pass.single(&mut report)?)
        };
        Ok((gradients, report))
    }

    /// The error for a step whose combined gradient is not finite; `report` says who took part.
    #[must_use]
    pub fn not_finite(&self, report: &StepReport, norm: f64) -> Error {
        let names = report.active.iter().filter_map(|&t| self.tasks.get(t)).map(|t| t.name.to_string());
        let task = names.collect::<Vec<_>>().join(" or ");
        Error::NonFinite { what: "gradient", task, value: norm }
    }

    /// Reads the losses once and decides who takes part.
    fn look(&self, losses: &[TaskLoss]) -> Result<(StepReport, Vec<f64>)> {
        let sums = read_scalars(losses)?;
        let mut report = StepReport::default();
        let mut means = vec![0.0; losses.len()];
        for (idx, ((loss, sum), task)) in losses.iter().zip(sums).zip(&self.tasks).enumerate() {
            let Some(sum) = sum else {
                report.tasks.push(TaskStep { loss: None, count: 0.0, weight: 0.0, dropped: Some(Dropped::Absent) });
                continue;
            };
            let mean = sum / loss.count;
            means[idx] = task.weight * mean;
            let mut dropped = None;
            if mean.is_finite() {
                report.active.push(idx);
            } else {
                dropped = Some(Dropped::NonFiniteLoss);
                self.non_finite("loss", idx, mean, &mut report)?;
            }
            report.tasks.push(TaskStep { loss: Some(mean), count: loss.count, weight: 0.0, dropped });
        }
        Ok((report, means))
    }

    fn non_finite(&self, what: &'static str, task_idx: usize, value: f64, report: &mut StepReport) -> Result<()> {
        match self.policy.non_finite {
            NonFinitePolicy::Stop => {
                let task = self.tasks.get(task_idx).map(|t| t.name.to_string()).unwrap_or_default();
                return Err(Error::NonFinite { what, task, value });
            }
            NonFinitePolicy::SkipStep => report.skipped = true,
            NonFinitePolicy::DropTask => {}
        }
        Ok(())
    }
}

/// One step while it is being computed.
struct Pass<'a> {
    engine: &'a mut StepEngine,
    params: &'a ParamSet,
    losses: &'a [TaskLoss],
    auxiliary: &'a [AuxiliaryLoss],
    means: &'a [f64],
    step: u64,
    needs: Needs,
}

impl Pass<'_> {
    /// One backward pass of the weighted sum.
    fn single(&mut self, report: &mut StepReport) -> Result<Gradients> {
        let mut weights = vec![1.0; report.active.len()];
        if report.active.len() > 1 {
            let losses: Vec<f64> = report.active.iter().map(|&t| self.means[t]).collect();
            let evidence = Evidence { tasks: &report.active, losses: &losses, step: self.step, ..Evidence::default() };
            report.outcome = self.engine.balancer.weigh(&evidence, &mut weights)?;
        }
        let mut outputs = Vec::with_capacity(report.active.len() + self.auxiliary.len());
        let mut factors = Vec::with_capacity(outputs.capacity());
        let mut positions = self.engine.shared.clone();
        for (&t, &w) in report.active.iter().zip(&weights) {
            report.tasks[t].weight = w;
            outputs.push(&self.losses[t].sum);
            factors.push(self.factor(t, w));
            positions.extend(&self.engine.owned[t]);
        }
        for aux in self.auxiliary {
            outputs.push(&aux.loss);
            factors.push(1.0);
        }
        let grads = shim::grad_scaled(&outputs, &factors, &self.tensors(&positions), Graph::Free)?;
        let mut gradients = Gradients::new(self.engine.n_params);
        for (position, grad) in positions.into_iter().zip(grads) {
            gradients.set(position, grad);
        }
        // Rule 2: heads follow the plain gradient.
        for (&t, &w) in report.active.iter().zip(&weights) {
            if (w - 1.0).abs() > 0.0 && w != 0.0 {
                let own: Vec<&Tensor> = self.engine.owned[t].iter().filter_map(|&p| gradients.get(p)).collect();
                shim::scale(&own, 1.0 / w)?;
            }
        }
        Ok(gradients)
    }

    /// One backward pass per task, then the Gramian, then the combination.
    fn exact(&mut self, report: &mut StepReport) -> Result<Option<Gradients>> {
        let mut gradients = Gradients::new(self.engine.n_params);
        self.auxiliary_gradients(&mut gradients)?;
        let mut rows = Vec::with_capacity(report.active.len());
        let mut heads = Vec::with_capacity(report.active.len());
        let n_shared = self.engine.shared.len();
        for (k, &t) in report.active.iter().enumerate() {
            let positions: Vec<usize> = self.engine.shared.iter().chain(&self.engine.owned[t]).copied().collect();
            let graph = if k + 1 < report.active.len() { Graph::Keep } else { Graph::Free };
            let factor = [self.factor(t, 1.0)];
            let mut row = shim::grad_scaled(&[&self.losses[t].sum], &factor, &self.tensors(&positions), graph)?;
            heads.push(row.split_off(n_shared));
            rows.push(row);
        }
        let mut values = Vec::new();
        shim::gramian(&rows, &mut values)?;
        let Some(keep) = self.screen(&values, report)? else { return Ok(None) };
        // Own parameters follow their task also when its shared gradient vanishes, but not when it is not finite.
        for (&t, own) in report.active.iter().zip(heads) {
            if report.tasks[t].dropped != Some(Dropped::NonFiniteGradient) {
                for (&position, grad) in self.engine.owned[t].iter().zip(own) {
                    if let Some(grad) = grad {
                        gradients.accumulate(position, grad)?;
                    }
                }
            }
        }
        if keep.is_empty() {
            report.active.clear();
            return Ok(Some(gradients));
        }
        let m = rows.len();
        if keep.len() < m {
            rows = rows.into_iter().enumerate().filter(|(k, _)| keep.contains(k)).map(|(_, row)| row).collect();
            report.active = keep.iter().map(|&k| report.active[k]).collect();
            values =
                keep.iter().flat_map(|&i| keep.iter().map(move |&j| (i, j))).map(|(i, j)| values[i * m + j]).collect();
        }
        let gramian = Gramian::new(rows.len(), values)?;
        let whole = [(0..self.engine.shared.len()).collect()];
        let blocks = if self.needs.blocks { self.engine.blocks.clone() } else { whole.to_vec() };
        let weights = self.weights(&gramian, &rows, &blocks, report)?;
        let m = rows.len();
        for (block, weights) in blocks.iter().zip(weights.chunks_exact(m.max(1))) {
            let part = rows.iter_mut().map(|row| block.iter().map(|&i| row[i].take()).collect()).collect();
            for (&i, grad) in block.iter().zip(shim::combine(part, weights)?) {
                if let Some(grad) = grad {
                    gradients.accumulate(self.engine.shared[i], grad)?;
                }
            }
        }
        report.gramian = Some(gramian);
        Ok(Some(gradients))
    }

    /// One weight per block and task, `[blocks, m]`; the report gets the mean over blocks.
    fn weights(
        &mut self,
        gramian: &Gramian,
        rows: &[Vec<Option<Tensor>>],
        blocks: &[Vec<usize>],
        report: &mut StepReport,
    ) -> Result<Vec<f64>> {
        let m = report.active.len();
        let mut weights = vec![1.0; m * blocks.len()];
        if m > 1 {
            let losses: Vec<f64> = match self.needs.losses {
                true => report.active.iter().map(|&t| self.means[t]).collect(),
                false => Vec::new(),
            };
            let parts = if self.needs.blocks { block_gramians(rows, blocks)? } else { Vec::new() };
            let evidence = Evidence {
                tasks: &report.active,
                losses: &losses,
                gramian: Some(gramian),
                blocks: &parts,
                step: self.step,
            };
            report.outcome = match self.needs.blocks {
                true => self.engine.balancer.weigh_blocks(&evidence, &mut weights)?,
                false => self.engine.balancer.weigh(&evidence, &mut weights)?,
            };
        }
        for (k, &t) in report.active.iter().enumerate() {
            let sum: f64 = weights.chunks_exact(m).map(|block| block[k]).sum();
            #[expect(clippy::cast_precision_loss, reason = "a model has few stages")]
            let mean = sum / blocks.len().max(1) as f64;
            report.tasks[t].weight = mean;
        }
        Ok(weights)
    }

    /// Rows that take part, by the policy on non-finite and vanishing gradients; `None` skips the step.
    fn screen(&self, gram: &[f64], report: &mut StepReport) -> Result<Option<Vec<usize>>> {
        let m = report.active.len();
        let diagonal: Vec<f64> = (0..m).map(|k| gram[k * m + k]).collect();
        for (k, &square) in diagonal.iter().enumerate() {
            if !square.is_finite() {
                let t = report.active[k];
                self.engine.non_finite("gradient", t, square.sqrt(), report)?;
                report.tasks[t].dropped = Some(Dropped::NonFiniteGradient);
            }
        }
        if report.skipped {
            return Ok(None);
        }
        let largest = diagonal.iter().copied().filter(|d| d.is_finite()).fold(0.0, f64::max);
        let floor = largest * self.engine.policy.zero_tolerance.powi(2);
        let drop_zeros = self.engine.policy.zero_gradient == ZeroGradientPolicy::Drop;
        let mut keep = Vec::with_capacity(m);
        for (k, &square) in diagonal.iter().enumerate() {
            let t = report.active[k];
            if square.is_finite() && drop_zeros && square <= floor {
                report.tasks[t].dropped = Some(Dropped::ZeroGradient);
            } else if square.is_finite() {
                keep.push(k);
            }
        }
        Ok(Some(keep))
    }

    fn auxiliary_gradients(&self, gradients: &mut Gradients) -> Result<()> {
        if self.auxiliary.is_empty() {
            return Ok(());
        }
        let outputs: Vec<&Tensor> = self.auxiliary.iter().map(|a| &a.loss).collect();
        let positions: Vec<usize> = (0..self.engine.n_params).collect();
        let grads = shim::grad(&outputs, None, &self.tensors(&positions), Graph::Keep)?;
        for (position, grad) in positions.into_iter().zip(grads) {
            gradients.set(position, grad);
        }
        Ok(())
    }

    /// `weight_t * w / count`: the objective's factor as a cotangent, which costs no node in the graph.
    fn factor(&self, task_idx: usize, w: f64) -> f64 {
        let weight = self.engine.tasks.get(task_idx).map_or(1.0, |t| t.weight);
        weight * w / self.losses[task_idx].count
    }

    fn tensors(&self, positions: &[usize]) -> Vec<&Tensor> {
        positions.iter().map(|&p| self.params.params()[p].tensor()).collect()
    }
}

/// Indices into `shared`, grouped by stage in order of first appearance; parameters without a stage form one block.
fn blocks_by_stage(params: &ParamSet, shared: &[usize]) -> Vec<Vec<usize>> {
    let mut blocks: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
    for (i, &position) in shared.iter().enumerate() {
        let stage = params.params()[position].stage();
        match blocks.iter_mut().find(|(s, _)| *s == stage) {
            Some((_, block)) => block.push(i),
            None => blocks.push((stage, vec![i])),
        }
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}

fn block_gramians(rows: &[Vec<Option<Tensor>>], blocks: &[Vec<usize>]) -> Result<Vec<Gramian>> {
    let mut gramians = Vec::with_capacity(blocks.len());
    for block in blocks {
        let pick =
            |row: &Vec<Option<Tensor>>| block.iter().map(|&i| row[i].as_ref().map(Tensor::shallow_clone)).collect();
        let part: Vec<Vec<Option<Tensor>>> = rows.iter().map(pick).collect();
        let mut values = Vec::new();
        shim::gramian(&part, &mut values)?;
        gramians.push(Gramian::new(rows.len(), values)?);
    }
    Ok(gramians)
}

/// The sums of the present losses as numbers, in one transfer from an accelerator.
fn read_scalars(losses: &[TaskLoss]) -> Result<Vec<Option<f64>>> {
    let present: Vec<&Tensor> = losses.iter().filter(|l| l.is_present()).map(|l| &l.sum).collect();
    let values = match present.first() {
        Some(first) if first.device() != Device::Cpu => {
            let stacked =
                Tensor::f_stack(&present, 0).and_then(|t| t.f_detach()).and_then(|t| t.f_to_kind(Kind::Double));
            Vec::<f64>::try_from(stacked.op("read losses")?).op("read losses")?
        }
        _ => present.iter().map(|t| f64::try_from(*t).op("read loss")).collect::<Result<_>>()?,
    };
    let mut values = values.into_iter();
    Ok(losses.iter().map(|l| if l.is_present() { values.next() } else { None }).collect())
}
