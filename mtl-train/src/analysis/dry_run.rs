//! One batch through everything, before hours are spent: shapes, who owns what, what it costs, the first losses.
//!
//! A dry run builds the real session, records one training forward pass layer by layer, takes one real optimizer step
//! (balancer and clipping included) and evaluates one validation batch, score included. What would fail in the first
//! minute of a run, or at the end of its first epoch, fails here.
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
use mtl_data::{Batches, LoaderPosition, Splits};
use serde::Serialize;
use tch::Tensor;

use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    parts::metrics::SampleFacts,
    run::session::Session,
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
        let batch = first(&session.train, "train")?.to_device(session.trainer.model().params().device())?;
        let model = session.trainer.model();
        let tape = record(model, &batch, session.trainer.config().seed)?;
        let layers = layers(model, &batch, &tape);
        let activations = tape.0.iter().map(|entry| bytes(&entry.output)).sum();
        drop(tape);
        let size = model.summary(&batch.inputs)?;

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
                known: batch.targets.get(idx).and_then(Option::as_ref).map_or(0.0, |t| t.known()),
                loss: watch.losses.get(idx).copied().flatten(),
                weight: watch.weights.get(idx).copied().unwrap_or(0.0),
            })
        });
        let tasks = tasks.collect::<Result<_>>()?;
        let mut findings = session.notes();
        findings.append(&mut watch.findings);
        Ok(Self {
            batch_size: batch.len(),
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

fn first(batches: &dyn Batches, split: &'static str) -> Result<Batch> {
    let empty = || mtl_core::Error::InvalidConfig {
        what: "data",
        field: split,
        expected: "a split with at least one sample".into(),
        found: "none".into(),
    };
    let mut walk = batches.batches_from(LoaderPosition::default())?;
    walk.next().ok_or_else(|| Error::from(empty()).in_section("data"))?.map_err(Error::from)
}

/// The layers that ran in a training forward pass.
fn record(model: &Model, batch: &Batch, seed: u64) -> Result<Tape> {
    let _guard = tch::no_grad_guard();
    shim::manual_seed(derive(seed, "dry run", 0))?;
    let cx = Cx::new(Mode::Train).with_tape();
    model.forward(&batch.inputs, |_| true, &cx)?;
    Ok(cx.take_tape())
}

fn layers(model: &Model, batch: &Batch, tape: &Tape) -> Vec<Layer> {
    let samples = u64::try_from(batch.len().max(1)).unwrap_or(1);
    let inputs = batch.inputs.iter().map(|(name, input)| Layer {
        name: name.to_owned(),
        owner: "input".into(),
        shape: input.tensor().size(),
        parameters: 0,
        multiply_adds: 0,
    });
    // A layer that runs again, for inputs of which something is hidden, learns the same numbers.
    let mut before: Vec<&str> = Vec::new();
    let ran = tape.0.iter().map(|entry| {
        let again = before.contains(&entry.layer.as_str());
        before.push(&entry.layer);
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
    inputs.chain(ran).collect()
}

fn is_of(param: &str, layer: &str) -> bool {
    param.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.'))
}

fn task_name(model: &Model, task: usize) -> String {
    model.tasks().get(task).map_or_else(|| task.to_string(), |t| t.name.to_string())
}

fn score(model: &Model, validation: &dyn Batches, by: &Scoring) -> Result<Option<f64>> {
    let batch = first(validation, "validation")?.to_device(model.params().device())?;
    let mut metrics = metrics_of(model)?;
    for (idx, (prediction, target)) in model.predict(&batch.inputs)?.iter().zip(&batch.targets).enumerate() {
        if let Some(target) = target {
            let (facts, truth) = (SampleFacts::of(target)?, target.reference()?);
            metrics.update_batch(idx, &facts.judged(&batch.ids, prediction, &truth))?;
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
