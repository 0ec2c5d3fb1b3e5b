//! Who takes part: the policy on absent, non-finite and vanishing tasks, before any method is asked.

use tch::{Device, Kind, Tensor};

use super::{Dropped, NonFinitePolicy, Policy, StepReport, TaskStep, ZeroGradientPolicy};
use crate::{
    error::{Error, Result, TorchContext},
    loss::TaskLoss,
    task::TaskSet,
};

/// Reads the losses once. The means, multiplied by the user's weights, are 0 for absent tasks.
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
        means[idx] = task.weight * mean;
        let mut dropped = None;
        if mean.is_finite() {
            report.active.push(idx);
        } else {
            dropped = Some(Dropped::NonFiniteLoss);
            non_finite(tasks, policy, "loss", idx, mean, &mut report)?;
        }
        report.tasks.push(TaskStep { loss: Some(mean), count: loss.count, weight: 0.0, clip: 1.0, dropped });
    }
    Ok((report, means))
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
            let task = tasks.get(task_idx).map(|t| t.name.to_string()).unwrap_or_default();
            return Err(Error::NonFinite { what, task, value });
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
