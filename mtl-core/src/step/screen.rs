//! Who takes part: the policy on absent, non-finite and vanishing tasks, before any method is asked.

use tch::{Device, Kind, Tensor};

use super::{Dropped, NonFinitePolicy, Policy, StepReport, TaskStep, ZeroGradientPolicy};
use crate::{
    balance::Needs,
    error::{Error, Result, TorchContext, WhichTasks},
    loss::TaskLoss,
    task::TaskSet,
};

/// Reads the losses once. The means, multiplied by the user's weights and brought down from where they are too loud, are
/// 0 for absent tasks.
pub(super) fn look(tasks: &TaskSet, policy: &Policy, losses: &[TaskLoss]) -> Result<(StepReport, Vec<f64>)> {
    let sums = read_scalars(losses)?;
    let mut report = StepReport::default();
    let mut means = vec![0.0; losses.len()];
    for (idx, ((loss, sum), task)) in losses.iter().zip(sums).zip(tasks).enumerate() {
        let Some(sum) = sum else {
            report.tasks.push(TaskStep {
                loss: None,
                count: 0.0,
                weight: 0.0,
                clip: 1.0,
                dropped: Some(Dropped::Absent),
            });
            continue;
        };
        let mean = sum / loss.count;
        let damping = policy.damping(mean);
        means[idx] = task.weight * mean * damping;
        let mut dropped = None;
        if mean.is_finite() && loss.sum.requires_grad() {
            report.active.push(idx);
        } else if mean.is_finite() {
            dropped = Some(Dropped::NothingTrained);
        } else {
            dropped = Some(Dropped::NonFiniteLoss);
            non_finite(tasks, policy, "loss", idx, mean, &mut report)?;
        }
        report.tasks.push(TaskStep { loss: Some(mean), count: loss.count, weight: 0.0, clip: damping, dropped });
    }
    Ok((report, means))
}

/// What every task's objective is multiplied by because its loss is too loud.
pub(super) fn damping(report: &StepReport) -> Vec<f64> {
    report.tasks.iter().map(|t| t.clip).collect()
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
