//! Steps of methods that look further: at fresh batches, or at held-out ones where a step would lead.
//!
//! ```text
//! rows of the step's batch (when the method wants its Gramian), then for each look
//!   Fresh: forward another training batch, one backward pass per task
//!   HeldOut: forward a held-out batch, one backward pass per task
//!   Ahead: move the parameters by -inner_lr sum_i w_i g_i, forward a held-out batch, one backward pass per task, move back
//!   Again: the same move inner_steps times over, forward the step's own batch, read the losses, move back
//! joint Gramian of all rows -> weights -> combination
//! ```
//! A look that finds no numbers (its step leads too far) says nothing: the step is the plain one, with the method's current
//! weights. Parameters are put back from copies, to the last bit. A task's own parameters move along with the shared ones when
//! looking ahead (by the gradient of their task), and follow the step's own batch afterwards.

use tch::Tensor;

use super::{Forward, Gradients, NonFinitePolicy, Policy, StepEngine, StepReport, pass::Pass, reduce, screen, single};
use crate::{
    balance::{Evidence, Gramian, Look, Method, Needs},
    error::{Error, Result, TorchContext},
    shim::{self, Graph, Rows},
};

/// Runs the model on the next batch of that kind; the engine asks once per look and step.
pub type Looker<'a> = dyn FnMut(Look) -> Result<Forward> + 'a;

impl StepEngine {
    /// The step of a method with looks, for at least two active tasks.
    pub(super) fn looked(
        &mut self,
        pass: Pass<'_>,
        needs: Needs,
        means: &[f64],
        looker: &mut Looker<'_>,
        report: &mut StepReport,
    ) -> Result<Option<Gradients>> {
        let Method::Weights(balancer) = &mut self.method else { return Ok(None) };
        let m = pass.active.len();
        let mut rows = Rows::of(&pass.shared_tensors())?;
        let mut heads = Vec::new();
        let mut auxiliary = if needs.gramian { Some(single::auxiliary(&pass)?) } else { None };
        if let Some(auxiliary) = auxiliary.as_mut().filter(|_| !pass.forward.auxiliary.is_empty()) {
            reduce::gradients(pass.world.as_ref(), auxiliary)?;
        }
        if needs.gramian {
            for (k, &t) in pass.active.iter().enumerate() {
                heads.push(pass.backward(&mut rows, k, &pass.owned_tensors(t))?);
            }
            reduce::rows(pass.world.as_ref(), &mut rows)?;
            reduce::heads(pass.world.as_ref(), &mut heads)?;
        }
        let mut plain = vec![1.0; m];
        balancer.current_weights(pass.active, &mut plain);
        let (inner_lr, inner_steps) = (balancer.inner_lr(), balancer.inner_steps());
        let mut losses_again = Vec::new();
        let mut ahead = Vec::new(); // per row, whether it was seen elsewhere than at the step's parameters
        ahead.resize(rows.len(), false);
        for &look in needs.looks {
            let moved = match look {
                Look::Ahead | Look::Again => Some(Moved::ahead(&pass, &rows, &heads, &plain, inner_lr)?),
                Look::Fresh | Look::HeldOut => None,
            };
            let seen = match look {
                Look::Again => {
                    after_steps(&pass, &plain, inner_lr, inner_steps, looker).map(|losses| losses_again = losses)
                }
                _ => looker(look).and_then(|forward| add_rows(&mut rows, &pass, &forward)),
            };
            // Back first, whatever happened.
            moved.map_or(Ok(()), Moved::back)?;
            seen?;
            ahead.resize(rows.len(), look == Look::Ahead);
        }
        let joint = rows.gramian(None)?;
        let n = rows.len();
        let lost: Vec<usize> = (0..n).filter(|&k| !joint[k * n + k].is_finite()).collect();
        for &k in lost.iter().filter(|&&k| !ahead[k]) {
            let norm = joint[k * n + k].sqrt();
            screen::non_finite(pass.tasks, &self.policy, "gradient", pass.active[k % m], norm, report)?;
            report.skipped = true; // a matrix with a hole weighs nothing, whatever the policy drops
        }
        if report.skipped {
            return Ok(None);
        }
        if !lost.is_empty() || losses_again.iter().any(|loss| !loss.is_finite()) {
            // Where the look leads there are no numbers: it says nothing, and the step is the plain one.
            let Some(mut gradients) = auxiliary else { return single::weighted(&pass, &plain, report, true).map(Some) };
            let places: Vec<usize> = (0..m).collect();
            rows.keep(&places)?;
            add_own(&pass, rows.combine(None, &plain)?, heads, &plain, report, &mut gradients)?;
            return Ok(Some(gradients));
        }
        let own: Vec<f64> = (0..m * m).map(|e| joint[e / m * n + e % m]).collect();
        let gramian = if needs.gramian { Some(Gramian::new(m, own)?) } else { None };
        let joint = Gramian::new(n, joint)?;
        let losses: Vec<f64> = match needs.losses {
            true => pass.active.iter().map(|&t| means[t]).collect(),
            false => Vec::new(),
        };
        let evidence = Evidence {
            tasks: pass.active,
            losses: &losses,
            gramian: gramian.as_ref(),
            joint: Some(&joint),
            losses_again: &losses_again,
            step: pass.step,
            ..Evidence::default()
        };
        let mut weights = vec![0.0; m * (1 + needs.looks_with_rows())];
        weights[..m].fill(1.0);
        report.outcome = balancer.weigh(&evidence, &mut weights)?;
        weights.chunks_exact(m).try_for_each(|look| screen::weights(pass.active, look))?;
        report.weighed = pass.active.to_vec();
        let Some(mut gradients) = auxiliary else {
            return single::weighted(&pass, &weights[..m], report, true).map(Some);
        };
        add_own(&pass, rows.combine(None, &weights)?, heads, &weights, report, &mut gradients)?;
        report.gramian = gramian;
        Ok(Some(gradients))
    }
}

/// The combination of the rows on the shared parameters, and every task's plain gradient on its own.
fn add_own(
    pass: &Pass<'_>,
    shared: Vec<Option<Tensor>>,
    heads: Vec<Vec<Option<Tensor>>>,
    weights: &[f64],
    report: &mut StepReport,
    gradients: &mut Gradients,
) -> Result<()> {
    for (&t, &w) in pass.active.iter().zip(weights) {
        report.tasks[t].weight = w;
    }
    for (i, grad) in shared.into_iter().enumerate() {
        if let Some(grad) = grad {
            gradients.accumulate(pass.shared[i], grad)?;
        }
    }
    for (&t, own) in pass.active.iter().zip(heads) {
        for (&position, grad) in pass.owned[t].iter().zip(own) {
            if let Some(grad) = grad {
                gradients.accumulate(position, grad)?;
            }
        }
    }
    Ok(())
}

/// The looker of those who bring none.
pub(super) fn nowhere(name: &'static str) -> impl FnMut(Look) -> Result<Forward> {
    move |_| {
        Err(Error::InvalidConfig {
            what: "step",
            field: "balancer",
            expected: "used with `StepEngine::backward_looking` and a way to get further batches".into(),
            found: name.into(),
        })
    }
}

/// The losses of the step's own batch after all inner steps; the first of them has been made.
fn after_steps(
    pass: &Pass<'_>,
    weights: &[f64],
    lr: f64,
    inner_steps: u32,
    looker: &mut Looker<'_>,
) -> Result<Vec<f64>> {
    let mut positions = pass.shared.to_vec();
    pass.active.iter().for_each(|&t| positions.extend(&pass.owned[t]));
    let tensors = pass.tensors(&positions);
    for _ in 1..inner_steps {
        let (forward, _) = look_again(pass, looker)?;
        let pass = Pass { forward: &forward, ..*pass };
        let reached = || pass.active.iter().zip(weights).filter(|(t, _)| pass.reaches(**t));
        let losses: Vec<&Tensor> = reached().map(|(&t, _)| pass.loss(t)).collect();
        let factors: Vec<f64> = reached().map(|(&t, &w)| pass.factor(t, w)).collect();
        let mut grads = match losses.is_empty() {
            true => tensors.iter().map(|_| None).collect(),
            false => shim::grad_scaled(&losses, &factors, &tensors, Graph::Free)?,
        };
        reduce::list(pass.world.as_ref(), &mut grads)?;
        let _guard = tch::no_grad_guard();
        for (tensor, grad) in tensors.iter().zip(&grads) {
            if let Some(grad) = grad {
                step(tensor, grad, lr)?;
            }
        }
    }
    let _guard = tch::no_grad_guard();
    let (_, means) = look_again(pass, looker)?;
    Ok(pass.active.iter().map(|&t| means[t]).collect())
}

/// The step's own batch once more, and the means of its losses.
fn look_again(pass: &Pass<'_>, looker: &mut Looker<'_>) -> Result<(Forward, Vec<f64>)> {
    let forward = looker(Look::Again)?;
    let (report, means) = seen(pass, &forward)?;
    match pass.active.iter().find(|&&t| report.tasks[t].loss.is_none()) {
        None => Ok((forward, means)),
        Some(&t) => Err(Error::State {
            what: "further look".into(),
            reason: format!(
                "task {} has a label in the step's batch, but not in the same batch again",
                pass.tasks.get(t).map(|t| t.name.to_string()).unwrap_or_default()
            ),
        }),
    }
}

/// What the losses of a look say, over all ranks.
fn seen(pass: &Pass<'_>, forward: &Forward) -> Result<(StepReport, Vec<f64>)> {
    check_count(pass, forward)?;
    let policy = Policy { non_finite: NonFinitePolicy::DropTask, ..Policy::default() };
    let (report, means, _) = screen::look(pass.tasks, &policy, forward, pass.world.as_ref())?;
    Ok((report, means))
}

fn check_count(pass: &Pass<'_>, forward: &Forward) -> Result<()> {
    if forward.losses.len() == pass.tasks.len() {
        return Ok(());
    }
    Err(Error::Shape {
        op: "further look".into(),
        tensor: "losses",
        expected: format!("{} losses", pass.tasks.len()),
        found: vec![forward.losses.len() as i64],
    })
}

/// One row per active task of the step; zeros where the look has no label of the task.
fn add_rows(rows: &mut Rows, pass: &Pass<'_>, forward: &Forward) -> Result<()> {
    check_count(pass, forward)?;
    let (counts, ranks) = match pass.world.size() {
        1 => (forward.losses.iter().map(|loss| loss.count).collect(), false),
        _ => (seen(pass, forward)?.0.tasks.iter().map(|task| task.count).collect::<Vec<f64>>(), true),
    };
    let pass = Pass { forward, counts: &counts, ..*pass };
    // Rows of the looks before are summed already.
    let mut own = if ranks { Some(Rows::of(&pass.shared_tensors())?) } else { None };
    for (k, &t) in pass.active.iter().enumerate() {
        let rows = own.as_mut().unwrap_or(rows);
        if counts[t] > 0.0 {
            pass.backward(rows, k, &[])?;
        } else {
            rows.push(&(0..rows.columns()).map(|_| None).collect::<Vec<_>>())?;
        }
    }
    let Some(mut own) = own else { return Ok(()) };
    reduce::rows(pass.world.as_ref(), &mut own)?;
    for row in 0..own.len() {
        rows.push(&(0..own.columns()).map(|column| own.get(row, column)).collect::<Result<Vec<_>>>()?)?;
    }
    Ok(())
}

/// Parameters away from where they belong, with what is needed to bring them back.
struct Moved<'a>(Vec<(&'a Tensor, Tensor)>);

impl<'a> Moved<'a> {
    /// `theta - lr sum_i w_i g_i`, and own parameters along their task's gradient.
    fn ahead(pass: &Pass<'a>, rows: &Rows, heads: &[Vec<Option<Tensor>>], weights: &[f64], lr: f64) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let mut moved = Self(Vec::new());
        for (column, tensor) in pass.shared_tensors().into_iter().enumerate() {
            moved.keep(tensor)?;
            for (row, w) in weights.iter().enumerate() {
                if let Some(grad) = rows.get(row, column)? {
                    step(tensor, &grad, lr * w)?;
                }
            }
        }
        for ((&t, own), w) in pass.active.iter().zip(heads).zip(weights) {
            for (tensor, grad) in pass.owned_tensors(t).into_iter().zip(own) {
                if let Some(grad) = grad {
                    moved.keep(tensor)?;
                    step(tensor, grad, lr * w)?;
                }
            }
        }
        Ok(moved)
    }

    fn keep(&mut self, tensor: &'a Tensor) -> Result<()> {
        // An empty tensor of the same kind, then a copy: tch's own `copy` cannot fail, only panic.
        let mut copy = tensor.f_empty_like().op("look ahead")?;
        copy.f_copy_(tensor).op("look ahead")?;
        self.0.push((tensor, copy));
        Ok(())
    }

    fn back(self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.0
            .into_iter()
            .try_for_each(|(tensor, copy)| tensor.shallow_clone().f_copy_(&copy).map(drop).op("look ahead"))
    }
}

fn step(tensor: &Tensor, grad: &Tensor, lr: f64) -> Result<()> {
    let delta = grad.f_mul_scalar(lr).op("look ahead")?;
    tensor.shallow_clone().f_sub_(&delta).map(drop).op("look ahead")
}
