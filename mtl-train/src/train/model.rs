//! A multi-task model: a sharing architecture with one head per task on top, and their parameters.
//!
//! Tasks see the inputs in one pass of the trunk. A task whose head restores hidden cells ([`Hiding`]) has a pass of its own, in which
//! they are hidden: nothing that is hidden from it reaches its features, and the others are not concerned by what is hidden. Running
//! statistics of batch normalization are the exception: as with any task, they follow all inputs that the trunk saw in training.
//!
//! An encoder may be an ensemble of `k` [members](Encoder::members): then architecture and heads see `k` rows of each sample, and it is
//! here that rows become samples again. In a loss the labels are repeated, so that every member learns from its own answer; the sum is
//! taken as one over samples, which is the mean of the members' losses. In an answer the members' decoded ones are averaged
//! ([`Prediction::mean_of_members`]). Whoever asks a model sees one answer a sample, however many members it has.

use std::cell::Cell;

use mtl_core::{
    TorchContext,
    answer::Answer,
    batch::{Batch, Inputs, Target},
    context::Cx,
    encode::{BuildEncoder, Encoder, EncoderPlan},
    input::InputSpec,
    label_stats::LabelStats,
    loss::TaskLoss,
    mode::Mode,
    params::{ParamSet, Scope},
    precision::Precision,
    prediction::Prediction,
    share::{AuxiliaryLoss, SharedFeatures, Sharing, TaskMask},
    step::Forward,
    task::TaskSet,
};
use mtl_heads::{Ask, Head, HeadConfig, HeadOutput, HeadPlace, HeadSpec, Hidden, Hiding, order};
use mtl_metrics::JointConfig;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::{
    error::{Error, Result},
    parts::{architecture::Architecture, encoder::AnyEncoder},
};

/// A network for several tasks.
#[derive(Debug)]
pub struct Model {
    params: ParamSet,
    tasks: TaskSet,
    sharing: Box<dyn Sharing>,
    heads: Vec<Box<dyn Head>>,
    /// In which order heads run: those that read others after them, and last those that hide inputs and their readers. So what the
    /// others draw of the step's random numbers does not depend on them.
    order: Vec<usize>,
    /// What it is judged by over several tasks.
    joint: Vec<JointConfig>,
}

/// The encoder of a run, which remembers whether it was what could not be built: the section that an error names; and how many members
/// it has, of which an architecture from outside may not know.
struct Blamed<'a> {
    encoder: &'a AnyEncoder,
    failed: Cell<bool>,
    /// The members of what was built.
    members: Cell<i64>,
}

impl BuildEncoder for Blamed<'_> {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> mtl_core::Result<Box<dyn Encoder>> {
        let built = self.encoder.build(scope, spec).inspect_err(|_| self.failed.set(true))?;
        self.members.set(self.members.get().max(built.members()));
        Ok(built)
    }
}

/// One forward pass.
#[derive(Debug)]
pub struct Output {
    /// What each head gives, in task order; `None` where the task has no target in the batch and was not asked.
    pub heads: Vec<Option<HeadOutput>>,
    /// Losses of the architecture itself.
    pub auxiliary: Vec<AuxiliaryLoss>,
    /// The tensors between the shared trunk and what belongs to tasks.
    pub boundary: Vec<Tensor>,
}

impl Model {
    /// Puts a model together from parts; `params` holds the parameters of all of them.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] unless there is one view and one head per task; [`mtl_core::Error::InvalidConfig`] naming the task whose
    /// answers have no mean, where there are several members; as [`order`] for heads that read each other.
    pub fn new(params: ParamSet, tasks: TaskSet, sharing: Box<dyn Sharing>, heads: Vec<Box<dyn Head>>) -> Result<Self> {
        if sharing.views().len() != tasks.len() || heads.len() != tasks.len() {
            return Err(mtl_core::Error::Shape {
                op: "model".into(),
                tensor: "heads",
                expected: format!("one view and one head for each of {} tasks", tasks.len()),
                found: vec![sharing.views().len() as i64, heads.len() as i64],
            }
            .into());
        }
        let members = sharing.members();
        if let Some(spec) = heads.iter().map(|head| head.spec()).find(|spec| members != 1 && !spec.answer.has_mean()) {
            let expected = format!("1 for task {}: several answers of {} have no mean", spec.task, spec.answer.kind());
            let (what, field, found) = ("encoder", "members", members.to_string());
            let e = mtl_core::Error::InvalidConfig { what, field, expected, found };
            return Err(Error::from(e).in_section("encoder"));
        }
        let specs: Vec<&HeadSpec> = heads.iter().map(|head| head.spec()).collect();
        let order = hiding_last(order(&specs).map_err(|e| Error::from(e).in_section("task"))?, &specs);
        Ok(Self { params, tasks, sharing, heads, order, joint: Vec::new() })
    }

    /// Builds a model from its description.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the part and the setting.
    pub fn build(config: &ModelConfig, tasks: &TaskSet, blueprint: &Blueprint<'_>) -> Result<Self> {
        Self::build_within(usize::MAX, config, tasks, blueprint)
    }

    /// As [`Model::build`], for a description that is not to be trusted: all parameters together must not hold more than
    /// `limit` numbers.
    ///
    /// # Errors
    /// As [`Model::build`].
    pub fn build_within(
        limit: usize,
        config: &ModelConfig,
        tasks: &TaskSet,
        blueprint: &Blueprint<'_>,
    ) -> Result<Self> {
        let mut params = ParamSet::new(blueprint.kind, blueprint.device, blueprint.seed).with_limit(limit);
        let at = |section: &str| {
            let section = section.to_owned();
            move |e: mtl_core::Error| Error::from(e).in_section(section)
        };
        let encoder = Blamed { encoder: &config.encoder, failed: Cell::new(false), members: Cell::new(1) };
        let plan = EncoderPlan::new(&encoder, blueprint.inputs);
        let sharing = config.sharing.build(&mut params.root(), &plan, tasks);
        let sharing = sharing.map_err(at(if encoder.failed.get() { "encoder" } else { "sharing" }))?;
        // An architecture may bring encoders of its own instead.
        if encoder.members.get() != 1 && encoder.members.get() != sharing.members() {
            let e = mtl_core::Error::InvalidConfig {
                what: "sharing",
                field: "kind",
                expected: format!("one that hands on the {} members of the encoder", encoder.members.get()),
                found: format!("{:?}, which gives features of {}", sharing.name(), sharing.members()),
            };
            return Err(at("sharing")(e));
        }
        let mut heads = Vec::with_capacity(tasks.len());
        for (idx, (task, answer)) in tasks.iter().zip(blueprint.answers).enumerate() {
            let head = config.heads.get(idx).and_then(Option::as_ref);
            let head = head.cloned().map_or_else(|| HeadConfig::default_for(answer), Ok);
            let head = head.map_err(at(&format!("task[{idx}].head")))?;
            let place = HeadPlace::in_model(params.root(), idx, &task.name, &sharing.views()[idx], answer)
                .with_labels(blueprint.labels.get(idx))
                .with_inputs(blueprint.inputs)
                .with_members(sharing.members());
            heads.push(head.build(place).map_err(at(&format!("task[{idx}].head")))?);
        }
        Self::new(params, tasks.clone(), sharing, heads)
    }

    /// The same model, judged by metrics over several of its tasks beside those of each task.
    #[must_use]
    pub fn judged_jointly(self, joint: Vec<JointConfig>) -> Self {
        Self { joint, ..self }
    }

    /// What it is judged by over several tasks.
    #[must_use]
    pub fn joint(&self) -> &[JointConfig] {
        &self.joint
    }

    /// What its heads answer, in task order.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.heads.iter().map(|head| head.spec().answer.clone()).collect()
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &ParamSet {
        &self.params
    }

    /// The tasks.
    #[must_use]
    pub fn tasks(&self) -> &TaskSet {
        &self.tasks
    }

    /// The heads, in task order.
    #[must_use]
    pub fn heads(&self) -> &[Box<dyn Head>] {
        &self.heads
    }

    /// How many networks it is at once: each sample has as many rows in what heads give, `m b + i` that of sample `i` by member `m`.
    #[must_use]
    pub fn members(&self) -> i64 {
        self.sharing.members()
    }

    /// Runs the model in the precision of `cx`; what only tasks need for which `wanted` is false is left out, heads and all.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] or [`mtl_core::Error::UnknownName`] when the inputs do not fit.
    pub fn forward(&self, inputs: &Inputs, wanted: impl Fn(usize) -> bool, cx: &Cx) -> Result<Output> {
        self.forward_given(inputs, &[], wanted, cx)
    }

    /// As [`Model::forward`]; in training, heads that ask for their target get it from `targets`, in task order, with a label a row.
    fn forward_given(
        &self,
        inputs: &Inputs,
        targets: &[Option<Target>],
        wanted: impl Fn(usize) -> bool,
        cx: &Cx,
    ) -> Result<Output> {
        let _precision = cx.precision().enter(self.params.device())?;
        let read = self.with_read(&wanted);
        let mut shared = self.shared(inputs, &read, cx)?;
        let of_members = |inputs: &Inputs| match self.members() {
            1 => Ok(None),
            k => inputs.repeat(k).map(Some),
        };
        let mut heads: Vec<Option<HeadOutput>> = self.heads.iter().map(|_| None).collect();
        for &idx in self.order.iter().filter(|&&idx| read.contains(idx)) {
            let (head, needs) = (&self.heads[idx], &self.heads[idx].spec().needs);
            let mut others = Vec::with_capacity(needs.after.len());
            for task in &needs.after {
                if let Some(out) = heads.get(self.tasks.index_of(task.as_str())?).and_then(Option::as_ref) {
                    others.push((task.clone(), out.detached()?));
                }
            }
            let apart =
                needs.hides.as_ref().map(|hiding| self.apart(idx, hiding, inputs, &mut shared, cx)).transpose()?;
            let mut ask = Ask::new(shared.of(idx)?, cx).with_others(&others);
            if let Some((_, hidden)) = &apart {
                ask = ask.with_hidden(hidden);
            }
            let seen = apart.as_ref().map_or(inputs, |(blank, _)| blank);
            let rows = if needs.inputs { of_members(seen)? } else { None };
            if needs.inputs {
                ask = ask.with_inputs(rows.as_ref().unwrap_or(seen));
            }
            if let Some(target) = targets.get(idx).and_then(Option::as_ref)
                && needs.target
                && cx.mode() == Mode::Train
            {
                ask = ask.with_target(target);
            }
            heads[idx] = Some(head.forward(&ask)?);
        }
        // What was only read is nobody's answer.
        heads.iter_mut().enumerate().filter(|(idx, _)| !wanted(*idx)).for_each(|(_, out)| *out = None);
        Ok(Output { heads, auxiliary: shared.auxiliary, boundary: shared.boundary })
    }

    /// The features of the tasks that see the inputs as they are.
    fn shared(&self, inputs: &Inputs, read: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let hides = |idx: usize| self.heads[idx].spec().needs.hides.is_some();
        let clean = TaskMask::of(self.heads.len(), |idx| read.contains(idx) && !hides(idx));
        if clean.tasks().next().is_none() && read.tasks().next().is_some() {
            let per_task = self.heads.iter().map(|_| None).collect();
            return Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary: Vec::new() });
        }
        Ok(self.sharing.forward(inputs, &clean, cx)?)
    }

    /// A pass of the trunk for one task, from which cells of the inputs are hidden: adds its features to `shared`, with the losses and
    /// the boundary of that pass. Gives the inputs that it saw, and what is hidden of its rows.
    fn apart(
        &self,
        task_idx: usize,
        hiding: &Hiding,
        inputs: &Inputs,
        shared: &mut SharedFeatures,
        cx: &Cx,
    ) -> Result<(Inputs, Hidden)> {
        let hidden = match cx.mode() {
            Mode::Train => hiding.draw(inputs)?,
            Mode::Eval => hiding.deal(inputs)?,
        };
        let blank = hiding.without(inputs, &hidden)?;
        let mut pass = self.sharing.forward(&blank, &TaskMask::of(self.heads.len(), |idx| idx == task_idx), cx)?;
        if let (Some(place), Some(features)) = (shared.per_task.get_mut(task_idx), pass.per_task.get_mut(task_idx)) {
            *place = features.take();
        }
        shared.auxiliary.append(&mut pass.auxiliary);
        shared.boundary.append(&mut pass.boundary);
        let hidden = match self.members() {
            1 => hidden,
            k => hidden.for_members(k)?,
        };
        Ok((blank, hidden))
    }

    /// The wanted tasks, and those whose heads they read.
    fn with_read(&self, wanted: impl Fn(usize) -> bool) -> TaskMask {
        let mut read: Vec<bool> = (0..self.heads.len()).map(wanted).collect();
        // Readers come last in the order, so one pass from its end reaches all that is read.
        for &idx in self.order.iter().rev() {
            if read[idx] {
                let after = &self.heads[idx].spec().needs.after;
                after
                    .iter()
                    .filter_map(|task| self.tasks.index_of(task.as_str()).ok())
                    .for_each(|other| read[other] = true);
            }
        }
        TaskMask::of(self.heads.len(), |idx| read[idx])
    }

    /// Forward and losses of one batch, in task order, with all that a step engine may want to know of the way; tasks
    /// without a target are absent. Takes the tape of `cx`.
    ///
    /// # Errors
    /// As [`Model::forward`]; [`mtl_core::Error::Label`] or [`mtl_core::Error::Shape`] naming the task when a target does
    /// not fit its head.
    pub fn losses(&self, batch: &Batch, cx: &Cx) -> Result<Forward> {
        let has_target = |idx: usize| batch.targets.get(idx).is_some_and(Option::is_some);
        let repeated = |k: i64| {
            let of_task = |target: &Option<Target>| target.as_ref().map(|target| target.repeat(k)).transpose();
            batch.targets.iter().map(of_task).collect::<mtl_core::Result<Vec<_>>>()
        };
        let repeated = match self.members() {
            1 => None,
            k => Some(repeated(k)?),
        };
        let targets = repeated.as_deref().unwrap_or(&batch.targets);
        let output = self.forward_given(&batch.inputs, targets, has_target, cx)?;
        let mut losses = Vec::with_capacity(self.heads.len());
        for ((head, out), target) in self.heads.iter().zip(&output.heads).zip(targets) {
            let loss = match (out, target) {
                (Some(out), Some(target)) if cx.precision() == Precision::F32 => head.loss(out, target),
                // Losses are computed in the kind of the parameters, whatever the forward pass was in.
                (Some(out), Some(target)) => head.loss(&out.to_kind(self.params.kind())?, target),
                _ => Ok(TaskLoss::absent()),
            };
            losses.push(self.of_samples(loss, batch.len())?);
            if let (Some(_), Some(out), Some(loss)) = (cx.world(), out, losses.last_mut())
                && !loss.is_present()
            {
                // Another rank may have labels of the task, and layers that sum over ranks in its backward pass: this rank's
                // goes through them too, with zeros.
                let run = || out.main().f_sum(self.params.kind())?.f_mul_scalar(0.0);
                *loss = TaskLoss::new(run().op("task without labels")?, 0.0);
            }
        }
        losses.resize_with(self.heads.len(), TaskLoss::absent);
        #[expect(clippy::cast_precision_loss, reason = "samples of a batch")]
        let samples = batch.len() as f64;
        let Output { auxiliary, boundary, .. } = output;
        Ok(Forward { losses, auxiliary, boundary, tape: cx.take_tape(), samples })
    }

    /// A loss over the rows of `b` samples as one over the samples: the mean of the members' sums, and what is known of the samples.
    fn of_samples(&self, loss: mtl_core::Result<TaskLoss>, b: usize) -> Result<TaskLoss> {
        if self.members() == 1 {
            return Ok(loss?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of members")]
        let members = self.members() as f64;
        let loss = loss.map_err(|e| of_a_sample(e, b as u64))?;
        let sum = loss.sum.f_mul_scalar(1.0 / members).op("mean of members")?;
        Ok(TaskLoss::new(sum, loss.count / members))
    }

    /// The fewest samples that a batch may have in training: 2 where a layer normalizes over the batch and has a single value per
    /// channel of one sample, else 1. Runs the first sample of `inputs` once, and puts running statistics back.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn least_batch(&self, inputs: &Inputs) -> Result<usize> {
        if self.params.buffers().is_empty() {
            return Ok(1); // nothing keeps statistics of batches
        }
        let _guard = tch::no_grad_guard();
        let first = Tensor::from_slice(&[0i64]).f_to_device(inputs.device()).op("first sample")?;
        let one = inputs.select(&first)?;
        let before: Vec<Tensor> = self
            .params
            .buffers()
            .iter()
            .map(|b| b.tensor().f_detach_copy().op("running statistics"))
            .collect::<mtl_core::Result<_>>()?;
        let tried = self.forward(&one, |_| true, &Cx::new(Mode::Train));
        for (buffer, before) in self.params.buffers().iter().zip(&before) {
            buffer.tensor().shallow_clone().f_copy_(before).op("running statistics")?;
        }
        match tried {
            Ok(_) => Ok(1),
            Err(Error::Core(mtl_core::Error::SingleValue { .. })) => Ok(2),
            Err(e) => Err(e),
        }
    }

    /// What every head answers, in evaluation mode and without a graph.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn predict(&self, inputs: &Inputs) -> Result<Vec<Prediction>> {
        self.predict_with(inputs, &Cx::new(Mode::Eval))
    }

    /// As [`Model::predict`], of the tasks for which `wanted` says so: a batch of one of several sources is asked of that source's tasks.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn predict_wanted(&self, inputs: &Inputs, wanted: impl Fn(usize) -> bool) -> Result<Vec<Option<Prediction>>> {
        let _guard = tch::no_grad_guard();
        let output = self.forward(inputs, wanted, &Cx::new(Mode::Eval))?;
        let mut predictions = Vec::with_capacity(self.heads.len());
        for (head, out) in self.heads.iter().zip(&output.heads) {
            predictions.push(out.as_ref().map(|out| self.answer(head.as_ref(), out)).transpose()?);
        }
        Ok(predictions)
    }

    /// As [`Model::predict`], recording what `cx` asks for.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn predict_with(&self, inputs: &Inputs, cx: &Cx) -> Result<Vec<Prediction>> {
        let _guard = tch::no_grad_guard();
        let output = self.forward(inputs, |_| true, cx)?;
        let mut predictions = Vec::with_capacity(self.heads.len());
        for (head, out) in self.heads.iter().zip(output.heads.iter().flatten()) {
            predictions.push(self.answer(head.as_ref(), out)?);
        }
        Ok(predictions)
    }

    /// What a head's output says, one answer a sample.
    fn answer(&self, head: &dyn Head, out: &HeadOutput) -> Result<Prediction> {
        let said = head.decode(out)?;
        let members = usize::try_from(self.members()).unwrap_or(1);
        said.mean_of_members(members).map_err(|reason| {
            let (expected, found) = (format!("answers that have a mean, of {members} members"), reason);
            mtl_core::Error::InvalidConfig { what: "head", field: "answer", expected, found }.into()
        })
    }

    /// The decoded answers of all tasks as tensors, one row a sample: what is exported ([`Head::answer`]).
    ///
    /// # Shapes
    /// `[b, width]` each.
    ///
    /// # Errors
    /// As [`Model::forward`] and [`Head::answer`].
    pub fn answer_tensors(&self, inputs: &Inputs) -> Result<Vec<Tensor>> {
        let output = self.forward(inputs, |_| true, &Cx::new(Mode::Eval))?;
        let answers = self.heads.iter().zip(output.heads.iter().flatten());
        answers.map(|(head, out)| self.mean_of_members(&head.answer(out)?)).collect()
    }

    /// Rows of the members' numbers as rows of samples: their mean over members, itself where there is one.
    ///
    /// # Shapes
    /// `rows`: `[k b, ..]`, result `[b, ..]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Torch`] for another number of rows.
    pub fn mean_of_members(&self, rows: &Tensor) -> Result<Tensor> {
        let run = || rows.f_unflatten(0, [self.members(), -1])?.f_mean_dim(&[0i64][..], false, None::<Kind>);
        match self.members() {
            1 => Ok(rows.shallow_clone()),
            _ => Ok(run().op("mean of members")?),
        }
    }

    /// Who owns how many parameters, and what a forward pass costs.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn summary(&self, inputs: &Inputs) -> Result<Summary> {
        let _guard = tch::no_grad_guard();
        let cx = Cx::new(Mode::Eval).with_tape();
        self.forward(inputs, |_| true, &cx)?;
        let samples = u64::try_from(inputs.batch_size().max(1)).unwrap_or(1);
        let of = |positions: &[usize]| self.params.numel_of(positions);
        Ok(Summary {
            shared: of(&self.params.shared()),
            per_task: (0..self.tasks.len()).map(|t| of(&self.params.owned_by(t))).collect(),
            multiply_adds: cx.take_tape().multiply_adds() / samples,
        })
    }
}

/// An error about a row as one about the sample that it is of, one of `b`.
fn of_a_sample(e: mtl_core::Error, b: u64) -> mtl_core::Error {
    match e {
        mtl_core::Error::Label { task, what, expected, found, sample } => {
            mtl_core::Error::Label { task, what, expected, found, sample: sample % b.max(1) }
        }
        other => other,
    }
}

/// The same order, but those that hide inputs last, and those that read them.
fn hiding_last(order: Vec<usize>, specs: &[&HeadSpec]) -> Vec<usize> {
    let mut last: Vec<usize> = Vec::new();
    let mut first = Vec::with_capacity(order.len());
    for idx in order {
        let needs = &specs[idx].needs;
        let reads_last = last.iter().any(|&other: &usize| needs.after.contains(&specs[other].task));
        if needs.hides.is_some() || reads_last { last.push(idx) } else { first.push(idx) }
    }
    first.append(&mut last);
    first
}

/// The size of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Numbers that all tasks share.
    pub shared: usize,
    /// Numbers that belong to each task.
    pub per_task: Vec<usize>,
    /// Multiply-adds of the linear and convolution layers per sample.
    pub multiply_adds: u64,
}

impl Summary {
    /// All numbers.
    #[must_use]
    pub fn total(&self) -> usize {
        self.shared + self.per_task.iter().sum::<usize>()
    }
}

/// What a model is built for: everything that is not a choice.
#[derive(Debug, Clone, Copy)]
pub struct Blueprint<'a> {
    /// What the data offers.
    pub inputs: &'a InputSpec,
    /// What is answered, in task order.
    pub answers: &'a [Answer],
    /// Statistics of the training labels, in task order; empty when weights will be loaded, which bring what was taken from them.
    pub labels: &'a [LabelStats],
    /// Kind of the parameters.
    pub kind: Kind,
    /// Where they are.
    pub device: Device,
    /// Seed of their first values.
    pub seed: u64,
}

/// The parts of a model that a config file chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// What tasks share.
    pub sharing: Architecture,
    /// Heads in task order; a missing one is the default for the task's labels.
    pub heads: Vec<Option<HeadConfig>>,
}
