//! The step engine: losses in, gradients out.

use std::sync::Arc;

use super::{
    Dropped, Forward, Gradients, NonFinitePolicy, Policy, StepMode, StepReport,
    accumulate::Pending,
    clip::{self, TaskClip},
    direction,
    looks::{self, Looker},
    mode::{Collected, TaskGradients, representation::RepresentationConfig},
    pass::{Pass, Screened},
    reduce, screen, single,
};
use crate::{
    balance::{Evidence, Gramian, Method, Needs, Space},
    error::{Error, Result, TorchContext, WhichTasks},
    loss::TaskLoss,
    params::ParamSet,
    task::TaskSet,
    world::{self, World},
};

/// Turns task losses into one gradient per parameter, by the rules of the [module](super).
#[derive(Debug)]
pub struct StepEngine {
    pub(super) tasks: TaskSet,
    pub(super) policy: Policy,
    pub(super) method: Method,
    pub(super) mode: StepMode,
    pub(super) layout: Arc<Layout>,
    watch: u64,
    pub(super) clip: Option<TaskClip>,
    pub(super) pending: Option<Pending>,
    pub(super) world: Arc<dyn World>,
}

/// Which of the parameters that are trained belong to whom; constant over an engine's life.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) n_params: usize,
    /// Positions of the shared parameters.
    pub(super) shared: Vec<usize>,
    /// Positions of each task's own.
    pub(super) owned: Vec<Vec<usize>>,
    /// All indices into `shared`: the one block of methods that do not look at blocks.
    whole: Vec<Vec<usize>>,
    /// Indices into `shared` per stage.
    stages: Vec<Vec<usize>>,
    stage_names: Vec<String>,
}

impl StepEngine {
    /// An engine for the parameters of one model, whose set must be complete by now.
    #[must_use]
    pub fn new(tasks: TaskSet, params: &ParamSet, method: impl Into<Method>, policy: Policy) -> Self {
        let layout = Arc::new(Layout::new(params, tasks.len()));
        let (method, mode) = (method.into(), StepMode::default());
        Self { layout, tasks, policy, method, mode, watch: 0, clip: None, pending: None, world: world::alone() }
    }

    /// The same engine, computing task gradients in another way.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range.
    pub fn with_mode(mut self, mode: StepMode) -> Result<Self> {
        mode.validate()?;
        self.mode = mode;
        Ok(self)
    }

    /// The same engine, as one of several ranks: each runs its part of the batch, and all get the gradients, weights and reports of the
    /// whole ([`crate::world`]). Every rank makes the same calls, with methods in the same state.
    #[must_use]
    pub fn with_world(mut self, world: Arc<dyn World>) -> Self {
        self.join(world);
        self
    }

    /// As [`StepEngine::with_world`], for an engine in use, between two steps.
    pub fn join(&mut self, world: Arc<dyn World>) {
        self.world = world;
    }

    /// The ranks that step together.
    #[must_use]
    pub fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// The mean loss of every task over the parts of all ranks, before the user's weight; `None` for absent tasks.
    ///
    /// # Errors
    /// [`Error::Torch`] for a loss that cannot be read; [`Error::Ranks`].
    pub fn mean_losses(&self, forward: &Forward) -> Result<Vec<Option<f64>>> {
        if self.world.size() == 1 {
            let mean = |loss: &TaskLoss| loss.mean().and_then(|mean| f64::try_from(&mean).op("read loss"));
            return forward.losses.iter().map(|loss| loss.is_present().then(|| mean(loss)).transpose()).collect();
        }
        let policy = Policy { non_finite: NonFinitePolicy::DropTask, ..self.policy };
        let (report, _, _) = screen::look(&self.tasks, &policy, forward, self.world.as_ref())?;
        Ok(report.tasks.iter().map(|task| task.loss).collect())
    }

    /// Puts the Gramian of every parameter block into the report of every `every`-th step, where the mode has gradients per
    /// block; 0, as at first, for never.
    pub fn watch_blocks(&mut self, every: u64) {
        self.watch = every;
    }

    /// Bounds the gradient of every task, shared and own parameters together, before the method sees it; every step then
    /// takes one backward pass per task, also where the method looks at losses only. Single tasks are bounded as well.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `max_norm` is positive, and for methods with further looks ([`Needs::looks`]).
    pub fn clip_tasks(&mut self, max_norm: f64) -> Result<()> {
        let clip = TaskClip::new(max_norm)?;
        if !self.method.needs().looks.is_empty() {
            return Err(Error::InvalidConfig {
                what: "step",
                field: "balancer",
                expected: "one without further looks when task gradients are clipped".into(),
                found: self.method.name().into(),
            });
        }
        self.clip = Some(clip);
        Ok(())
    }

    /// The names of the blocks: the stages of the shared parameters, in order.
    #[must_use]
    pub fn block_names(&self) -> &[String] {
        &self.layout.stage_names
    }

    /// Whether the forward pass must record its layers ([`Cx::with_tape`](crate::context::Cx::with_tape)).
    #[must_use]
    pub fn wants_tape(&self) -> bool {
        self.mode.wants_tape()
    }

    /// The balancing method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The method, to load its state or tell it of the end of an epoch.
    pub fn method_mut(&mut self) -> &mut Method {
        &mut self.method
    }

    /// The gradients of one step, counted from 0. Frees the graph of the losses.
    ///
    /// `None` when there is nothing to learn from: no task present, or the policy skips the step.
    ///
    /// # Errors
    /// [`Error::NonFinite`] naming the task, when the policy says stop; [`Error::Shape`] when there are not as many
    /// losses as tasks; [`Error::InvalidConfig`] when the mode cannot serve the method; whatever the method gives.
    pub fn backward(
        &mut self,
        params: &ParamSet,
        forward: &Forward,
        step: u64,
    ) -> Result<(Option<Gradients>, StepReport)> {
        let mut nowhere = looks::nowhere(self.method.name());
        self.backward_looking(params, forward, step, &mut nowhere)
    }

    /// As [`StepEngine::backward`], for methods that look further ([`Needs::looks`]): `looker` runs the model on the next
    /// batch of the kind asked for.
    ///
    /// # Errors
    /// As [`StepEngine::backward`]; whatever `looker` gives.
    pub fn backward_looking(
        &mut self,
        params: &ParamSet,
        forward: &Forward,
        step: u64,
        looker: &mut Looker<'_>,
    ) -> Result<(Option<Gradients>, StepReport)> {
        let stepped = self.one_step(params, forward, step, looker);
        stepped.map_err(|e| self.tasks.named(e))
    }

    fn one_step(
        &mut self,
        params: &ParamSet,
        forward: &Forward,
        step: u64,
        looker: &mut Looker<'_>,
    ) -> Result<(Option<Gradients>, StepReport)> {
        self.check(params, forward)?;
        let needs = self.method.needs_at(step);
        let (mut report, means, share) = screen::look(&self.tasks, &self.policy, forward, self.world.as_ref())?;
        if report.skipped || report.active.is_empty() {
            return Ok((None, report));
        }
        screen::solved(&self.policy, needs, &means, &mut report);
        let (layout, tasks, world) = (self.layout.clone(), self.tasks.clone(), self.world.clone());
        let screened = Screened::new(&report, share);
        let pass = Pass::new(params, &tasks, forward, &layout, &screened, &world, step);
        // A method decides on shared parameters; where none is trained there is nothing to decide.
        if layout.shared.is_empty() {
            let weights = vec![1.0; report.active.len()];
            return Ok((Some(single::weighted(&pass, &weights, &mut report, true)?), report));
        }
        if !needs.looks.is_empty() && report.active.len() > 1 {
            let gradients = self.looked(pass, needs, &means, looker, &mut report)?;
            return Ok((gradients, report));
        }
        if self.clip.is_none() && (!needs.gramian || report.active.len() < 2) {
            let weights = self.weigh_losses(&means, step, &mut report)?;
            return Ok((Some(single::weighted(&pass, &weights, &mut report, true)?), report));
        }
        let mut gradients = single::auxiliary(&pass)?;
        if !forward.auxiliary.is_empty() {
            reduce::gradients(world.as_ref(), &mut gradients)?;
        }
        // A method that asks for features gets them in any mode: its weights mean nothing else.
        let mode = match needs.space {
            Space::Representation => StepMode::Representation(RepresentationConfig::default()),
            Space::Parameters => self.mode.clone(),
        };
        let mut collected = mode.collect(pass)?;
        reduce::heads(world.as_ref(), &mut collected.heads)?;
        let gradients = self.resolve(collected, gradients, &means, needs, step, &mut report)?;
        Ok((gradients, report))
    }

    /// The error for a step whose combined gradient is not finite; `report` says who took part.
    #[must_use]
    pub fn not_finite(&self, report: &StepReport, norm: f64) -> Error {
        let tasks = WhichTasks::at(report.active.clone());
        self.tasks.named(Error::NonFinite { what: "gradient", tasks, value: norm })
    }

    pub(super) fn check(&self, params: &ParamSet, forward: &Forward) -> Result<()> {
        if forward.losses.len() == self.tasks.len() && params.params().len() == self.layout.n_params {
            return Ok(());
        }
        Err(Error::Shape {
            op: "step".into(),
            tensor: "losses",
            expected: format!("{} losses over {} parameters", self.tasks.len(), self.layout.n_params),
            found: vec![forward.losses.len() as i64, params.params().len() as i64],
        })
    }

    /// Weights of the active tasks from their losses; ones for a single task.
    pub(super) fn weigh_losses(&mut self, means: &[f64], step: u64, report: &mut StepReport) -> Result<Vec<f64>> {
        let mut weights = vec![1.0; report.active.len()];
        let asked = screen::unsolved(report);
        if let (Method::Weights(balancer), true) = (&mut self.method, asked.len() > 1) {
            let tasks: Vec<usize> = asked.iter().map(|&k| report.active[k]).collect();
            let losses: Vec<f64> = tasks.iter().map(|&t| means[t]).collect();
            let evidence = Evidence { tasks: &tasks, losses: &losses, step, ..Evidence::default() };
            let mut found = vec![1.0; asked.len()];
            report.outcome = balancer.weigh(&evidence, &mut found)?;
            screen::weights(&tasks, &found)?;
            self.policy.quieten(&losses, &mut found);
            asked.iter().zip(found).for_each(|(&k, w)| weights[k] = w);
            report.weighed = tasks;
        }
        Ok(weights)
    }

    /// From task gradients to the step's: policy, method, combination.
    pub(super) fn resolve(
        &mut self,
        mut collected: Collected<'_>,
        mut gradients: Gradients,
        means: &[f64],
        needs: Needs,
        step: u64,
        report: &mut StepReport,
    ) -> Result<Option<Gradients>> {
        let mut values = collected.shared.gramian()?;
        let Some(keep) = screen::rows(&self.tasks, &self.policy, &values, report)? else { return Ok(None) };
        let mut clips = self.clip.map(|clip| clip.factors(&values, &collected.heads, report)).transpose()?;
        // Own parameters follow their task also when its shared gradient vanishes, but not when it is not finite.
        for (&t, own) in report.active.iter().zip(collected.heads) {
            if report.tasks[t].dropped != Some(Dropped::NonFiniteGradient) {
                for (&position, grad) in self.layout.owned[t].iter().zip(own) {
                    if let Some(grad) = grad {
                        gradients.accumulate(position, grad)?;
                    }
                }
            }
        }
        let m = report.active.len();
        if keep.len() < m {
            collected.shared.keep(&keep)?;
            report.active = keep.iter().map(|&k| report.active[k]).collect();
            clips = clips.map(|clips| keep.iter().map(|&k| clips[k]).collect());
            values =
                keep.iter().flat_map(|&i| keep.iter().map(move |&j| (i, j))).map(|(i, j)| values[i * m + j]).collect();
        }
        report.gramian_error = collected.shared.error_estimate();
        if !keep.is_empty() {
            let gramian = clip::scaled(Gramian::new(keep.len(), values)?, clips.as_deref())?;
            let shared = collected.shared.as_mut();
            self.combine(shared, &gramian, clips.as_deref(), means, needs, step, report, &mut gradients)?;
            report.gramian = Some(gramian);
        }
        Ok(Some(gradients))
    }

    #[expect(clippy::too_many_arguments, reason = "the last stage of one computation, split off for its length")]
    fn combine(
        &mut self,
        shared: &mut dyn TaskGradients,
        gramian: &Gramian,
        clips: Option<&[f64]>,
        means: &[f64],
        needs: Needs,
        step: u64,
        report: &mut StepReport,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let layout = self.layout.clone();
        let mut out = |i: usize, grad| gradients.accumulate(layout.shared[i], grad);
        let m = report.active.len();
        let watched = self.watch > 0 && step.is_multiple_of(self.watch);
        if needs.blocks || (watched && m > 1 && shared.has_blocks()) {
            let gram = |block: &Vec<usize>| clip::scaled(Gramian::new(m, shared.block_gramian(block)?)?, clips);
            report.blocks = layout.stages.iter().map(gram).collect::<Result<_>>()?;
        }
        // Methods that look at no gradient come here when gradients are clipped, and see what they always see.
        let losses: Vec<f64> = match needs.losses || !needs.gramian {
            true => report.active.iter().map(|&t| means[t]).collect(),
            false => Vec::new(),
        };
        let evidence = Evidence {
            tasks: &report.active,
            losses: &losses,
            gramian: needs.gramian.then_some(gramian),
            blocks: if needs.blocks { &report.blocks } else { &[] },
            step,
            ..Evidence::default()
        };
        let blocks = if needs.blocks { &layout.stages } else { &layout.whole };
        let mut weights = vec![1.0; m * blocks.len()];
        // Solved tasks have no row any more, unless all of them are.
        let asked = m > 1 && report.active.iter().all(|&t| report.tasks[t].dropped.is_none());
        if asked {
            report.weighed.clone_from(&report.active);
        }
        match &mut self.method {
            Method::Direction(aggregator) if asked => {
                let name = aggregator.name();
                let rows = shared.rows().ok_or_else(|| Error::InvalidConfig {
                    what: "step",
                    field: "mode",
                    expected: format!("exact or batched for {name}, which looks at every gradient"),
                    found: self.mode.name().into(),
                })?;
                for (row, &factor) in clips.into_iter().flatten().enumerate() {
                    rows.scale(row, factor)?;
                }
                report.outcome = direction::aggregate(aggregator.as_mut(), &evidence, rows, &mut out)?;
                report.active.iter().for_each(|&t| report.tasks[t].weight = 1.0);
                return Ok(());
            }
            Method::Weights(balancer) if asked => {
                report.outcome = match needs.blocks {
                    true => balancer.weigh_blocks(&evidence, &mut weights)?,
                    false => balancer.weigh(&evidence, &mut weights)?,
                };
                weights.chunks_exact(m).try_for_each(|block| screen::weights(&report.active, block))?;
            }
            _ => {}
        }
        for (k, &t) in report.active.iter().enumerate() {
            let sum: f64 = weights.chunks_exact(m).map(|block| block[k]).sum();
            #[expect(clippy::cast_precision_loss, reason = "a model has few stages")]
            let mean = sum / blocks.len().max(1) as f64;
            report.tasks[t].weight = mean;
        }
        if let Some(clips) = clips {
            weights.chunks_exact_mut(m).flat_map(|block| block.iter_mut().zip(clips)).for_each(|(w, d)| *w *= d);
        }
        blocks.iter().zip(weights.chunks_exact(m)).try_for_each(|(block, w)| shared.combine(block, w, &mut out))
    }
}

impl Layout {
    fn new(params: &ParamSet, n_tasks: usize) -> Self {
        let trained = |mut positions: Vec<usize>| {
            positions.retain(|&at| params.params()[at].is_trained());
            positions
        };
        let shared = trained(params.shared());
        let mut stages: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
        for (i, &position) in shared.iter().enumerate() {
            let stage = params.params()[position].stage();
            match stages.iter_mut().find(|(s, _)| *s == stage) {
                Some((_, block)) => block.push(i),
                None => stages.push((stage, vec![i])),
            }
        }
        Self {
            n_params: params.params().len(),
            whole: vec![(0..shared.len()).collect()],
            owned: (0..n_tasks).map(|t| trained(params.owned_by(t))).collect(),
            stage_names: stages.iter().map(|(s, _)| s.unwrap_or("other").to_owned()).collect(),
            stages: stages.into_iter().map(|(_, block)| block).collect(),
            shared,
        }
    }
}
