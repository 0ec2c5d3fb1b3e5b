//! Who takes part: the policy on absent, non-finite and vanishing tasks, before any method is asked.

use tch::{Device, Kind, Tensor};

use super::{Dropped, Forward, NonFinitePolicy, Policy, StepReport, TaskStep, ZeroGradientPolicy};
use crate::{
    balance::Needs,
    error::{Error, Result, TorchContext, WhichTasks},
    loss::TaskLoss,
    task::TaskSet,
    world::World,
};

/// Reads the losses once, and sums them over ranks: what follows is decided from numbers that all ranks have. The means, multiplied by the
/// user's weights and brought down from where they are too loud, are 0 for absent tasks. The last is this rank's share of the samples.
pub(super) fn look(
    tasks: &TaskSet,
    policy: &Policy,
    forward: &Forward,
    world: &dyn World,
) -> Result<(StepReport, Vec<f64>, f64)> {
    let losses = &forward.losses;
    let mut sums = read_scalars(losses)?;
    let mut counts: Vec<f64> = losses.iter().map(|loss| if loss.is_present() { loss.count } else { 0.0 }).collect();
    let mut has_graph: Vec<bool> = losses.iter().map(|loss| loss.sum.requires_grad()).collect();
    let share = over_ranks(world, forward.samples, &mut sums, &mut counts, &mut has_graph)?;
    let mut report = StepReport::default();
    let mut means = vec![0.0; losses.len()];
    for (idx, ((count, sum), task)) in counts.into_iter().zip(sums).zip(tasks).enumerate() {
        if count <= 0.0 {
            report.tasks.push(TaskStep {
                loss: None,
                count: 0.0,
                weight: 0.0,
                clip: 1.0,
                dropped: Some(Dropped::Absent),
            });
            continue;
        }
        let mean = sum / count;
        let damping = policy.damping(mean);
        means[idx] = task.weight * mean * damping;
        let mut dropped = None;
        if mean.is_finite() && has_graph[idx] {
            report.active.push(idx);
        } else if mean.is_finite() {
            dropped = Some(Dropped::NothingTrained);
        } else {
            dropped = Some(Dropped::NonFiniteLoss);
            non_finite(tasks, policy, "loss", idx, mean, &mut report)?;
        }
        report.tasks.push(TaskStep { loss: Some(mean), count, weight: 0.0, clip: damping, dropped });
    }
    Ok((report, means, share))
}

/// Marks the solved tasks, where the method looks at losses.
pub(super) fn solved(policy: &Policy, needs: Needs, means: &[f64], report: &mut StepReport) {
    if !needs.losses {
        return;
    }
    for &t in report.active.iter().filter(|&&t| means[t].abs() <= policy.solved_loss) {
        report.tasks[t].dropped = Some(Dropped::Solved);
    }
}

/// Places among the active tasks of those that are not solved.
pub(super) fn unsolved(report: &StepReport) -> Vec<usize> {
    let unsolved = |k: &usize| report.tasks[report.active[*k]].dropped != Some(Dropped::Solved);
    (0..report.active.len()).filter(unsolved).collect()
}

/// Refuses weights that gradients in `f32` cannot be multiplied by.
pub(super) fn weights(tasks: &[usize], weights: &[f64]) -> Result<()> {
    let largest = f64::from(f32::MAX);
    match weights.iter().zip(tasks).find(|(w, _)| w.is_nan() || w.abs() > largest) {
        None => Ok(()),
        Some((&value, &task)) => Err(Error::Unusable {
            method: "step",
            what: "weight",
            tasks: WhichTasks::at([task]),
            expected: "within the range of f32; losses this far apart need task weights or another transform",
            value,
        }),
    }
}

/// Rows of the Gramian that take part; `None` skips the step.
pub(super) fn rows(
    tasks: &TaskSet,
    policy: &Policy,
    gram: &[f64],
    report: &mut StepReport,
) -> Result<Option<Vec<usize>>> {
    let m = report.active.len();
    let diagonal: Vec<f64> = (0..m).map(|k| gram[k * m + k]).collect();
    for (k, &square) in diagonal.iter().enumerate() {
        if !square.is_finite() {
            let t = report.active[k];
            non_finite(tasks, policy, "gradient", t, square.sqrt(), report)?;
            report.tasks[t].dropped = Some(Dropped::NonFiniteGradient);
        }
    }
    if report.skipped {
        return Ok(None);
    }
    let largest = diagonal.iter().copied().filter(|d| d.is_finite()).fold(0.0, f64::max);
    let floor = largest * policy.zero_tolerance.powi(2);
    let drop_zeros = policy.zero_gradient == ZeroGradientPolicy::Drop;
    let all_solved = unsolved(report).is_empty();
    let mut keep = Vec::with_capacity(m);
    for (k, &square) in diagonal.iter().enumerate() {
        let t = report.active[k];
        if square.is_finite() && drop_zeros && square <= floor {
            report.tasks[t].dropped = Some(Dropped::ZeroGradient);
        } else if square.is_finite() && (all_solved || report.tasks[t].dropped != Some(Dropped::Solved)) {
            keep.push(k);
        }
    }
    Ok(Some(keep))
}

pub(super) fn non_finite(
    tasks: &TaskSet,
    policy: &Policy,
    what: &'static str,
    task_idx: usize,
    value: f64,
    report: &mut StepReport,
) -> Result<()> {
    match policy.non_finite {
        NonFinitePolicy::Stop => {
            return Err(tasks.named(Error::NonFinite { what, tasks: WhichTasks::at([task_idx]), value }));
        }
        NonFinitePolicy::SkipStep => report.skipped = true,
        NonFinitePolicy::DropTask => {}
    }
    Ok(())
}

/// Sums of losses and counts over ranks, and whether any has a graph; gives this rank's share of the samples.
fn over_ranks(
    world: &dyn World,
    samples: f64,
    sums: &mut [f64],
    counts: &mut [f64],
    has_graph: &mut [bool],
) -> Result<f64> {
    if world.size() == 1 {
        return Ok(1.0);
    }
    let graphs = has_graph.iter().map(|&has| if has { 1.0 } else { 0.0 });
    let mut numbers: Vec<f64> = sums.iter().chain(&*counts).copied().chain(graphs).chain([samples]).collect();
    world.sum_numbers(&mut numbers)?;
    let n = sums.len();
    sums.copy_from_slice(&numbers[..n]);
    counts.copy_from_slice(&numbers[n..2 * n]);
    has_graph.iter_mut().zip(&numbers[2 * n..]).for_each(|(has, ranks)| *has = *ranks > 0.0);
    #[expect(clippy::cast_precision_loss, reason = "a number of ranks")]
    let alike = 1.0 / world.size() as f64;
    Ok(if numbers[3 * n] > 0.0 { samples / numbers[3 * n] } else { alike })
}

/// The sums of the losses as numbers, in one transfer from an accelerator; 0 for absent ones.
fn read_scalars(losses: &[TaskLoss]) -> Result<Vec<f64>> {
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
    Ok(losses.iter().map(|l| if l.is_present() { values.next().unwrap_or(0.0) } else { 0.0 }).collect())
}
