//! Which tasks of a trained model help each other: a step for each task alone, and what it does to the losses of all.
//!
//! ```text
//! Z_ij = 1 - L_j(s - e |s| g_i / |g_i|) / L_j(s)       s: shared parameters, g_i: gradient of task i's mean loss
//! ```
//! **Reference** C. Fifty et al., *Efficiently Identifying Task Groupings for Multi-Task Learning*, NeurIPS 2021.
//! **Differs from** the paper in the length of the step, which is a share `e` of the parameters' own norm for every task: with
//! one learning rate for all, a task with large gradients would seem to help or hurt more than it does. And the looks are
//! taken at one model, the trained one, not all along the way.
//!
//! Where tasks have data sets of their own, a look is at a batch of each ([`Batches::per_step`]): a step for a task of one source changes the
//! losses of others' tasks on their own samples.
//!
//! ```
//! use mtl_train::{analysis::affinity::{AffinityOptions, affinity}, config::RunConfig, run::session::Session};
//!
//! let config = RunConfig::parse(
//!     r#"
//!     data    = { kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "binary" }
//!     encoder = { kind = "tabular", token_width = 2, hidden = [8] }
//!     train   = { epochs = 1, batch_size = 100 }
//!     "#,
//!     "example".as_ref(),
//! )?;
//! let session = Session::new(&config, &config.data.load()?)?;
//! let found = affinity(session.trainer.model(), &session.validation, &AffinityOptions::default())?;
//! assert!(found.look_ahead[0][0].is_some_and(|z| z > 0.0)); // a step for a task lowers its own loss
//! # Ok::<(), mtl_train::Error>(())
//! ```

use mtl_core::{
    TorchContext,
    balance::{Conflict, ConflictStats, Gramian},
    batch::Batch,
    context::Cx,
    loss::TaskLoss,
    mode::Mode,
    shim::Rows,
    step::Forward,
};
use mtl_data::{Batches, LoaderPosition};
use mtl_metrics::aggregate::LookAhead;
use serde::Serialize;
use tch::Tensor;

use crate::{error::Result, train::model::Model};

/// How affinities are measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffinityOptions {
    /// Batches to look at, of each source, >= 1; default 10.
    pub batches: u64,
    /// Length of a step over the norm of the shared parameters, > 0; default 0.01.
    pub step: f64,
}

impl Default for AffinityOptions {
    fn default() -> Self {
        Self { batches: 10, step: 0.01 }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Affinity {
    /// The tasks, in order.
    pub tasks: Vec<String>,
    /// Mean look-ahead affinity `[from][to]`; `None` where no batch had labels of both, or the gradient was zero.
    pub look_ahead: Vec<Vec<Option<f64>>>,
    /// The gradients' cosines, conflicts and lengths over the same batches.
    pub conflict: Conflict,
    /// Batches looked at, of each source.
    pub batches: u64,
}

/// Measures the affinities of a model's tasks, in evaluation mode. The model is the same afterwards.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for an option out of range or a model without shared parameters; what the data and
/// the losses refuse.
pub fn affinity(model: &Model, batches: &dyn Batches, options: &AffinityOptions) -> Result<Affinity> {
    let refuse = |field, expected: &str, found: String| {
        Err(mtl_core::Error::InvalidConfig { what: "affinity", field, expected: expected.into(), found }.into())
    };
    if options.batches == 0 {
        return refuse("batches", ">= 1", "0".into());
    }
    if !(options.step > 0.0 && options.step.is_finite()) {
        return refuse("step", "positive", options.step.to_string());
    }
    let params = model.params();
    let shared: Vec<&Tensor> = params.shared().into_iter().map(|at| params.params()[at].tensor()).collect();
    if shared.is_empty() {
        return refuse("model", "parameters that tasks share", "none".into());
    }
    let n_tasks = model.tasks().len();
    let (mut looks, mut conflict) = (LookAhead::new(n_tasks)?, ConflictStats::new(n_tasks, 0.0));
    let mut seen = 0;
    let mut walk = batches.batches_from(LoaderPosition::default())?;
    while seen < options.batches {
        let together = walk.by_ref().take(usize::try_from(batches.per_step()).unwrap_or(1));
        let together = together.map(|batch| Ok(batch?.to_device(params.device())?)).collect::<Result<Vec<_>>>()?;
        if together.is_empty() {
            break;
        }
        look(model, &together, &shared, options.step, &mut looks, &mut conflict)?;
        seen += 1;
    }
    let tasks = model.tasks().names().map(ToString::to_string).collect();
    Ok(Affinity { tasks, look_ahead: looks.matrix(), conflict: conflict.whole(), batches: seen })
}

fn look(
    model: &Model,
    together: &[Batch],
    shared: &[&Tensor],
    step: f64,
    looks: &mut LookAhead,
    conflict: &mut ConflictStats,
) -> Result<()> {
    let losses_now = || -> Result<Vec<TaskLoss>> {
        let passes = together.iter().map(|batch| model.losses(batch, &Cx::new(Mode::Eval))).collect::<Result<_>>()?;
        Ok(Forward::together(passes)?.losses)
    };
    let losses = losses_now()?;
    let active: Vec<usize> = (0..losses.len()).filter(|&t| losses[t].count > 0.0).collect();
    let mut rows = Rows::of(shared)?;
    for (k, &t) in active.iter().enumerate() {
        rows.backward(&losses[t].sum, 1.0 / losses[t].count, &[], k + 1 < active.len())?;
    }
    let gramian = Gramian::new(active.len(), rows.gramian(None)?)?;
    conflict.add(&active, &gramian, &[], &[]);
    let before = means(&losses)?;
    let _guard = tch::no_grad_guard();
    let kept: Vec<Tensor> = shared.iter().map(|p| p.f_detach_copy().op("affinity")).collect::<mtl_core::Result<_>>()?;
    let norm = kept.iter().try_fold(0.0, |sum, p| {
        let square = p.f_norm().and_then(|n| n.f_double_value(&[])).op("affinity")?.powi(2);
        Ok::<f64, mtl_core::Error>(sum + square)
    })?;
    for (k, &t) in active.iter().enumerate().filter(|(k, _)| gramian.norm(*k) > 0.0) {
        let length = step * norm.sqrt() / gramian.norm(k);
        let after = walk(&rows, k, shared, length).and_then(|()| means(&losses_now()?));
        // Whatever happened on the way, the model is put back first.
        for (param, old) in shared.iter().zip(&kept) {
            param.shallow_clone().f_copy_(old).op("affinity")?;
        }
        looks.add(t, &before, &after?)?;
    }
    Ok(())
}

/// Moves the parameters against row `k`.
fn walk(rows: &Rows, k: usize, shared: &[&Tensor], length: f64) -> Result<()> {
    for (column, param) in shared.iter().enumerate() {
        if let Some(grad) = rows.get(k, column)? {
            let change = grad.f_mul_scalar(length).op("affinity")?;
            let _ = param.shallow_clone().f_sub_(&change).op("affinity")?;
        }
    }
    Ok(())
}

fn means(losses: &[TaskLoss]) -> Result<Vec<Option<f64>>> {
    let mean = |loss: &TaskLoss| match loss.count > 0.0 {
        true => Ok(Some(loss.sum.f_double_value(&[]).op("affinity")? / loss.count)),
        false => Ok(None),
    };
    losses.iter().map(mean).collect()
}
