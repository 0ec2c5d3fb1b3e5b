//! Whose values are not finite, and which samples bring them: how an [`Incident`] is found out.
//!
//! The step engine knows the task; which of a thousand samples is to blame it does not look for, because in a healthy run that
//! would be wasted work. Here there is time: inputs are searched for NaN and infinity, and the batch is halved until the
//! samples are found whose own loss is not finite.

use mtl_core::{TorchContext, WhichTasks, answer::CellRule, batch::Batch, context::Cx, mode::Mode, step::Dropped};
use tch::{Kind, Tensor};

use crate::{
    error::Result,
    train::{
        incident::{Action, Incident, Suspect},
        model::Model,
    },
};

/// At most so many ids are named.
const NAMED: usize = 8;

impl Incident {
    /// What a step dropped for not being finite, in task order; nothing in a healthy step.
    pub(super) fn of_task(model: &Model, task_idx: usize, dropped: Option<Dropped>, skipped: bool) -> Option<Self> {
        let what = match dropped? {
            Dropped::NonFiniteLoss => "loss",
            Dropped::NonFiniteGradient => "gradient",
            _ => return None,
        };
        let task = model.tasks().get(task_idx).map(|t| t.name.to_string()).unwrap_or_default();
        Some(Self {
            epoch: 0,
            step: 0,
            task,
            what: what.into(),
            action: if skipped { Action::SkippedStep } else { Action::DroppedTask },
            inputs: Vec::new(),
            samples: Vec::new(),
            lr: None,
            learns_numbers: false,
        })
    }

    /// A loss or gradient that ended the run; there may be several tasks, for the norm of all gradients together.
    pub(super) fn stopped(what: &str, tasks: &WhichTasks) -> Self {
        Self {
            epoch: 0,
            step: 0,
            task: tasks.names(),
            what: what.into(),
            action: Action::Stopped,
            inputs: Vec::new(),
            samples: Vec::new(),
            lr: None,
            learns_numbers: false,
        }
    }

    /// Adds where in the run it was.
    pub(super) fn at(self, epoch: u64, step: u64, lr: f64) -> Self {
        Self { epoch, step, lr: Some(lr), ..self }
    }

    /// Looks for the samples to blame, those of any of the tasks at these indices.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when the model cannot run on a part of the batch.
    pub(super) fn diagnosed(mut self, model: &Model, batch: &Batch, tasks: &[usize]) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        for (name, input) in batch.inputs.iter() {
            let samples = not_finite(input.tensor())?;
            if !samples.is_empty() {
                let samples = samples.into_iter().take(NAMED).filter_map(|s| batch.ids.get(s).copied()).collect();
                self.inputs.push(Suspect { input: name.to_owned(), samples });
            }
        }
        for &task_idx in tasks.iter().filter(|&&t| t < model.tasks().len()) {
            self.samples.extend(culprits(model, batch, task_idx)?);
            let learns_numbers = model.heads()[task_idx].spec().answer.layout().cells == CellRule::Number;
            self.learns_numbers |= learns_numbers && batch.targets.get(task_idx).is_some_and(Option::is_some);
        }
        self.name_few();
        Ok(self)
    }

    /// Names each sample once, and no more than a few.
    pub(super) fn name_few(&mut self) {
        self.samples.sort_unstable();
        self.samples.dedup();
        self.samples.truncate(NAMED);
        self.inputs.iter_mut().for_each(|suspect| suspect.samples.truncate(NAMED));
    }
}

/// The samples for which a floating-point tensor `[b, ..]` holds something that is not finite.
fn not_finite(tensor: &Tensor) -> Result<Vec<usize>> {
    if !matches!(tensor.kind(), Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) {
        return Ok(Vec::new());
    }
    let bad = tensor.f_isfinite().and_then(|t| t.f_logical_not()).op("look for NaN")?;
    let bad = match bad.dim() {
        1 => bad,
        _ => bad.f_flatten(1, -1).and_then(|t| t.f_any_dim(1, false)).op("look for NaN")?,
    };
    let bad = bad.f_to_kind(Kind::Int64).and_then(|t| t.f_to_device(tch::Device::Cpu)).op("look for NaN")?;
    let bad = Vec::<i64>::try_from(&bad).op("look for NaN")?;
    Ok(bad.iter().enumerate().filter(|(_, bad)| **bad != 0).map(|(s, _)| s).collect())
}

/// Ids of samples whose own loss is not finite: halves that are finite as a whole are left alone.
fn culprits(model: &Model, batch: &Batch, task_idx: usize) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let mut todo = vec![(0..batch.len()).collect::<Vec<_>>()];
    while let Some(part) = todo.pop() {
        if part.is_empty() || found.len() >= NAMED {
            continue;
        }
        let forward = model.losses(&batch.select(&part)?, &Cx::new(Mode::Eval))?;
        let loss = &forward.losses[task_idx];
        let healthy = !loss.is_present() || f64::try_from(&loss.sum).op("read loss")?.is_finite();
        match part[..] {
            _ if healthy => {}
            [sample] => found.extend(batch.ids.get(sample)),
            _ => {
                let (left, right) = part.split_at(part.len() / 2);
                todo.push(right.to_vec()); // the left half first
                todo.push(left.to_vec());
            }
        }
    }
    Ok(found)
}
