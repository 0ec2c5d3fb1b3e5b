//! One batch through everything, before hours are spent: shapes, who owns what, what it costs, the first losses.
//!
//! A dry run builds the real session, records one training forward pass layer by layer, takes one real optimizer step
//! (balancer and clipping included) and evaluates one validation batch, score included; where there are several sources it
//! passes a batch of each. What would fail in the first minute of a run, or at the end of its first epoch, fails here.
//!
//! Costs: multiply-adds are counted on the layers that ran (two floating-point operations each); a backward pass costs
//! about twice a forward pass. Memory is the sum of what is certain to be held at once: weights, gradients, the
//! optimizer's state, layer outputs kept for the backward pass, and a row of shared gradients per task where the balancer
//! looks at gradients (step modes that avoid the rows need less). All but the outputs, which are of the batch, every rank has for itself.
//! libtorch's own temporaries are on top of it.

use mtl_core::{
    batch::Batch,
    context::{Cx, Tape},
    mode::Mode,
    params::Role,
    rng::derive,
    shim,
    state::{StateDict, StateValue},
};
use mtl_data::{Batches, Loader, LoaderPosition, Splits};
use serde::Serialize;
use tch::{Device, Tensor};

use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    parts::metrics::SampleFacts,
    run::{session::Session, sources},
    train::{
        model::{Model, Summary},
        trainer::{Flow, LeftOut, Observer, Scoring, StepSummary, metrics_of},
    },
};

/// What a dry run found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryRun {
    /// Samples in the batch.
    pub batch_size: usize,
    /// Batches an epoch.
    pub batches_per_epoch: u64,
    /// Inputs, layers in the order in which they ran, and heads.
    pub layers: Vec<Layer>,
    /// The tasks in order.
    pub tasks: Vec<TaskRow>,
    /// Parameters and multiply-adds.
    pub size: Summary,
    /// What its user should know: losses of very different size, a rest that is no batch of its own.
    pub findings: Vec<Finding>,
    /// Bytes.
    pub memory: Memory,
    /// The norm of the first gradient, where clipping measures it.
    pub gradient_norm: Option<f64>,
    /// What the validation batch scores by the run's selection; `None` where the batch leaves a metric undefined.
    pub score: Option<f64>,
    /// What selection leaves out in every epoch, since the validation labels do not define it.
    pub left_out: Vec<LeftOut>,
    /// Seconds of the optimizer step, data reading included.
    pub seconds: f64,
}

/// One input, layer or head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Its name: the prefix of its parameters.
    pub name: String,
    /// `input`, `shared`, or the task it belongs to.
    pub owner: String,
    /// The shape of what it gives, the batch first.
    pub shape: Vec<i64>,
    /// Numbers it learns.
    pub parameters: usize,
    /// Multiply-adds per sample.
    pub multiply_adds: u64,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskRow {
    /// Its name.
    pub task: String,
    /// Its head.
    pub head: &'static str,
    /// What the head reads, and what it gives, in words.
    pub input: String,
    /// See `input`.
    pub output: String,
    /// Parameters of its own.
    pub own: usize,
    /// Parameters that it shares with all tasks.
    pub shared: usize,
    /// How its labels are turned into what is learned; `None` where they are taken as they are.
    pub target: Option<String>,
    /// Known labels in the batch.
    pub known: f64,
    /// Mean loss of the untrained model; `None` when the batch has no label of the task.
    pub loss: Option<f64>,
    /// The balancer's first weight.
    pub weight: f64,
}

/// An estimate, in bytes; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Parameters and buffers.
    pub weights: usize,
    /// One gradient per parameter.
    pub gradients: usize,
    /// What the optimizer keeps.
    pub optimizer: usize,
    /// Outputs of layers for one batch.
    pub activations: usize,
    /// One row of shared gradients per task; 0 where the balancer does not look at gradients.
    pub task_rows: usize,
}

impl Memory {
    /// All together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.weights + self.gradients + self.optimizer + self.activations + self.task_rows
    }
}

impl DryRun {
    /// Runs it.
    ///
    /// # Errors
    /// Whatever would stop the run, with its place.
    pub fn new(config: &RunConfig, splits: &Splits) -> Result<Self> {
        Self::of(&mut Session::new(config, splits)?)
    }

    /// The first step of a session that has not started; it has made that step afterwards.
    ///
    /// # Errors
    /// As [`DryRun::new`].
    pub fn of(session: &mut Session) -> Result<Self> {
        let model = session.trainer.model();
        let (mut layers, mut sizes, mut untrained) = (Vec::new(), Vec::new(), vec![None; model.tasks().len()]);
        let batches = firsts(&session.train, "train", model.params().device())?;
        for batch in &batches {
            let tape = record(model, batch, session.trainer.config().seed)?;
            add_layers(&mut layers, model, batch, &tape);
            sizes.push(tape.0.iter().map(|entry| bytes(&entry.output)).sum::<usize>());
            // The first step is of one source; the losses of the others' tasks are told all the same.
            if batches.len() > 1 {
                add_losses(&mut untrained, model, batch)?;
            }
        }
        let together = session.train.per_step() > 1;
        let activations = if together { sizes.iter().sum() } else { sizes.into_iter().max().unwrap_or(0) };
        let size = model.summary(&batches[0].inputs)?; // of parameters, which it counts whatever the inputs are

        let mut watch = FirstStep::default();
        let clock = std::time::Instant::now();
        session.fit(&mut watch, None)?;
        let seconds = clock.elapsed().as_secs_f64();

        let model = session.trainer.model();
        let params = model.params();
        let width = params.params().first().map_or(4, |p| p.tensor().kind().elt_size_in_bytes());
        let rows = if watch.looked_at_gradients { model.tasks().len() } else { 0 };
        let ranks = session.ranks();
        let memory = Memory {
            weights: ranks * params.tensors().map(|(_, t)| bytes(t)).sum::<usize>(),
            gradients: ranks * params.params().iter().map(|p| bytes(p.tensor())).sum::<usize>(),
            optimizer: ranks * state_bytes(&session.trainer.checkpoint()?.optimizer),
            activations,
            task_rows: ranks * rows * size.shared * width,
        };
        let tasks = model.tasks().iter().zip(model.heads()).enumerate().map(|(idx, (task, head))| {
            let spec = head.spec();
            Ok(TaskRow {
                task: task.name.to_string(),
                head: spec.kind,
                input: spec.input.describe(),
                output: spec.output.clone(),
                target: head.describe_target()?,
                own: size.per_task.get(idx).copied().unwrap_or(0),
                shared: size.shared,
                known: batches.iter().filter_map(|b| b.targets.get(idx)?.as_ref()).map(|t| t.known()).sum(),
                loss: watch.losses.get(idx).copied().flatten().or(untrained[idx]),
                weight: watch.weights.get(idx).copied().unwrap_or(0.0),
            })
        });
        let tasks = tasks.collect::<Result<_>>()?;
        let mut findings = session.notes();
        findings.append(&mut watch.findings);
        Ok(Self {
            batch_size: batches[0].len(),
            batches_per_epoch: session.train.n_batches(),
            layers,
            tasks,
            findings,
            memory,
            gradient_norm: watch.gradient_norm,
            score: session.trainer.scoring().map_or(Ok(None), |by| score(model, &session.validation, by))?,
            left_out: session.trainer.scoring().map(|by| by.left_out().to_vec()).unwrap_or_default(),
            size,
            seconds,
        })
    }
}

/// The first batch of a split, or the first of each source; at least one.
fn firsts(loader: &Loader, split: &'static str, device: Device) -> Result<Vec<Batch>> {
    let loader = sources::side_by_side(loader)?;
    let walk = loader.batches_from(LoaderPosition::default())?;
    let each = walk.take(usize::try_from(loader.per_step()).unwrap_or(1));
    let found = each.map(|batch| Ok(batch?.to_device(device)?)).collect::<Result<Vec<_>>>()?;
    if found.is_empty() {
        let (what, field) = ("data", split);
        let (expected, found) = ("a split with at least one sample".into(), "none".into());
        let e = mtl_core::Error::InvalidConfig { what, field, expected, found };
        return Err(Error::from(e).in_section("data"));
    }
    Ok(found)
}

/// Whether a batch has labels of a task: one of several sources has those of its own tasks alone.
fn has_target(batch: &Batch) -> impl Fn(usize) -> bool + '_ {
    |task| batch.targets.get(task).is_some_and(Option::is_some)
}

/// The layers that ran in a training forward pass.
fn record(model: &Model, batch: &Batch, seed: u64) -> Result<Tape> {
    let _guard = tch::no_grad_guard();
    shim::manual_seed(derive(seed, "dry run", 0))?;
    let cx = Cx::new(Mode::Train).with_tape();
    model.forward(&batch.inputs, has_target(batch), &cx)?;
    Ok(cx.take_tape())
}

/// Adds the mean losses of a batch's tasks.
fn add_losses(all: &mut [Option<f64>], model: &Model, batch: &Batch) -> Result<()> {
    let _guard = tch::no_grad_guard();
    for (known, loss) in all.iter_mut().zip(model.losses(batch, &Cx::new(Mode::Eval))?.losses) {
        if loss.is_present() {
            *known = Some(f64::try_from(&loss.mean()?).map_err(mtl_core::Error::from)?);
        }
    }
    Ok(())
}

/// Adds what ran on a batch to what ran on those before it.
fn add_layers(all: &mut Vec<Layer>, model: &Model, batch: &Batch, tape: &Tape) {
    let samples = u64::try_from(batch.len().max(1)).unwrap_or(1);
    let inputs = batch.inputs.iter().map(|(name, input)| Layer {
        name: name.to_owned(),
        owner: "input".into(),
        shape: input.tensor().size(),
        parameters: 0,
        multiply_adds: 0,
    });
    // A layer that runs again, for inputs of which something is hidden or for those of another source, learns the same numbers.
    let mut before: Vec<String> = all.iter().map(|layer| layer.name.clone()).collect();
    let ran = tape.0.iter().map(|entry| {
        let again = before.contains(&entry.layer);
        before.push(entry.layer.clone());
        let own: Vec<_> = model.params().params().iter().filter(|p| is_of(p.name(), &entry.layer)).collect();
        let owner = own.iter().find_map(|p| match p.role() {
            Role::Shared => None,
            Role::Gate(task) => Some(format!("gate of {}", task_name(model, task))),
            role => role.owner().map(|task| task_name(model, task)),
        });
        Layer {
            name: entry.layer.clone(),
            owner: owner.unwrap_or_else(|| "shared".into()),
            shape: entry.output.size(),
            parameters: if again { 0 } else { own.iter().map(|p| p.tensor().numel()).sum() },
            multiply_adds: entry.multiply_adds / samples,
        }
    });
    let added: Vec<Layer> = inputs.chain(ran).collect();
    all.extend(added);
}

fn is_of(param: &str, layer: &str) -> bool {
    param.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.'))
}

fn task_name(model: &Model, task: usize) -> String {
    model.tasks().get(task).map_or_else(|| task.to_string(), |t| t.name.to_string())
}

fn score(model: &Model, validation: &Loader, by: &Scoring) -> Result<Option<f64>> {
    let mut metrics = metrics_of(model)?;
    for batch in firsts(validation, "validation", model.params().device())? {
        let predictions = model.predict_wanted(&batch.inputs, has_target(&batch))?;
        for (idx, (prediction, target)) in predictions.iter().zip(&batch.targets).enumerate() {
            if let (Some(prediction), Some(target)) = (prediction, target) {
                let (facts, truth) = (SampleFacts::of(target)?, target.reference()?);
                metrics.update_batch(idx, &facts.judged(&batch.ids, prediction, &truth))?;
            }
        }
    }
    let scored = by.score(&metrics.compute())?;
    // A whole split may define what one batch does not.
    Ok(scored.score.filter(|_| scored.left_out.len() == by.left_out().len()))
}

fn bytes(t: &Tensor) -> usize {
    t.numel() * t.kind().elt_size_in_bytes()
}

fn state_bytes(state: &StateDict) -> usize {
    let of = |value: &StateValue| match value {
        StateValue::Numbers(numbers) => numbers.len() * 8,
        StateValue::Tensor(t) => bytes(t),
        _ => 8,
    };
    state.iter().map(|(_, value)| of(value)).sum()
}

/// Keeps what the first step says, and asks to stop after it.
#[derive(Debug, Default)]
struct FirstStep {
    done: bool,
    losses: Vec<Option<f64>>,
    weights: Vec<f64>,
    gradient_norm: Option<f64>,
    looked_at_gradients: bool,
    findings: Vec<Finding>,
}

impl Observer for FirstStep {
    fn noticed(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }

    fn step(&mut self, step: &StepSummary<'_>) {
        self.done = true;
        self.losses = step.report.tasks.iter().map(|t| t.loss).collect();
        self.weights = step.report.tasks.iter().map(|t| t.weight).collect();
        self.gradient_norm = step.gradient_norm;
        self.looked_at_gradients = step.report.gramian.is_some();
    }

    fn flow(&self) -> Flow {
        if self.done { Flow::Stop } else { Flow::Continue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dry(sharing: &str, balancer: &str) -> DryRun {
        let text = format!(
            r#"
            data     = {{ kind = "synthetic-mmoe", train = 100, validation = 50, test = 50, targets = "both" }}
            encoder  = {{ kind = "tabular", token_width = 2, hidden = [4] }}
            sharing  = {sharing}
            balancer = {{ kind = "{balancer}" }}
            train    = {{ batch_size = 32, clip_norm = 1.0, selection = "y1-high.auroc + y2-high.auroc" }}
            "#
        );
        let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
        DryRun::new(&config, &config.data.load().unwrap()).unwrap()
    }

    #[test]
    fn a_dry_run_counts_what_there_is() {
        let run = dry("{ kind = \"hard\" }", "upgrad");
        assert_eq!((run.batch_size, run.batches_per_epoch, run.tasks.len()), (32, 4, 4));
        assert!(run.layers.iter().all(|l| l.shape.first() == Some(&32)), "{:?}", run.layers);
        assert_eq!(run.layers[0].owner, "input");
        // Every head is one linear layer on 4 features: 4 weights and a bias.
        assert!(run.tasks.iter().all(|t| t.own == 5 && t.known > 0.0 && t.loss.is_some()), "{:?}", run.tasks);
        assert_eq!(run.memory.weights, 4 * (run.size.total() + 4), "centers and scales of two number targets too");
        assert_eq!(run.memory.optimizer / (4 * run.size.total()), 2, "two moments of AdamW");
        assert_eq!(run.memory.task_rows, 4 * 4 * run.size.shared);
        assert!(run.score.is_some() && run.gradient_norm.is_some());
        // An untrained yes/no head is near ln 2.
        assert!((run.tasks[2].loss.unwrap() - 2f64.ln()).abs() < 0.3, "{:?}", run.tasks);
        let layers: usize = run.layers.iter().map(|l| l.parameters).sum();
        assert!(layers > 0 && layers <= run.size.total());
    }

    #[test]
    fn gates_and_losses_only_are_told_apart() {
        let run = dry("{ kind = \"mmoe\", experts = 2, hidden = [3] }", "equal");
        assert_eq!(run.memory.task_rows, 0);
        assert!(run.layers.iter().any(|l| l.owner.starts_with("gate of ")), "{:?}", run.layers);
    }
}
