//! A small network for three tasks whose batches can be run in parts, and a training run of it on one of several ranks.

use std::sync::Arc;

use mtl_core::{
    Error, Result,
    balance::{Epoch, Look, Method},
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, EncoderPlan, MlpEncoderConfig},
    features::{Features, View},
    input::{InputSpec, Numeric},
    loss::TaskLoss,
    metric::{MetricFacts, MetricName, MetricSpec},
    mode::Mode,
    nn::{Activation, BatchNorm2d, Linear},
    params::{Init, ParamSet, Role},
    rng::{Rng, derive},
    share::{MmoeConfig, SharedFeatures, Sharing, SharingConfig, TaskMask},
    step::{Forward, Policy, StepEngine, StepMode},
    task::{Task, TaskSet},
    world::{World, part},
};
use tch::{Device, Kind, Tensor};

/// Samples of a batch: parts are of different sizes for 2, 3 and 4 ranks.
pub(crate) const SAMPLES: usize = 13;
pub(crate) const STEPS: u64 = 4;
const K: usize = 3;
const FIELDS: usize = 9;
const WIDTH: i64 = 12;

/// What the tasks share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Trunk {
    /// Fully connected layers, and a scale above the boundary that all tasks read.
    Mlp,
    /// Experts with a load-balance loss, which is no sum over samples.
    Experts,
    /// Normalization over the batch.
    Norms,
}

pub(crate) const TRUNKS: [Trunk; 3] = [Trunk::Mlp, Trunk::Experts, Trunk::Norms];

#[derive(Debug)]
pub(crate) struct Net {
    trunk: Trunk,
    pub(crate) params: ParamSet,
    pub(crate) tasks: TaskSet,
    sharing: Box<dyn Sharing>,
    heads: Vec<Linear>,
    scale: Option<Tensor>,
}

/// How a run goes.
#[derive(Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) trunk: Trunk,
    pub(crate) mode: StepMode,
    pub(crate) method: &'a (dyn Fn(&TaskSet) -> Result<Method> + Sync),
    pub(crate) policy: Policy,
    pub(crate) clip: Option<f64>,
    /// Micro-batches a step.
    pub(crate) accumulate: u64,
    /// A sample whose label of the second task is no number, in the third step.
    pub(crate) odd: Option<usize>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// All parameters and buffers after the last step.
    pub(crate) weights: Vec<f32>,
    /// What was decided in every step, to the bit.
    pub(crate) decisions: Vec<String>,
}

pub(crate) fn tasks() -> TaskSet {
    let facts = MetricFacts::maximize("a share", &[mtl_core::answer::Class::NAME]).between(0.0, 1.0);
    let share = MetricSpec::new(MetricName::new("accuracy").unwrap(), facts);
    let task = |(name, weight)| Task::new(name).unwrap().judged_by(share.clone()).with_weight(weight);
    TaskSet::new([("a", 1.0), ("b", 0.5), ("c", 2.0)].map(task).into()).unwrap()
}

/// Two layers, each normalized over the batch.
#[derive(Debug)]
struct Normed {
    layers: Vec<(Linear, BatchNorm2d)>,
    views: Vec<View>,
}

impl Normed {
    fn new(params: &mut ParamSet) -> Result<Self> {
        let mut layers = Vec::new();
        for (l, width) in [FIELDS as i64, WIDTH].into_iter().enumerate() {
            let linear = Linear::new(&mut params.root().sub(format!("encoder{l}")), width, WIDTH)?;
            layers.push((linear, BatchNorm2d::new(&mut params.root().sub(format!("norm{l}")), WIDTH)?));
        }
        Ok(Self { layers, views: vec![View::Pooled { width: WIDTH }; K] })
    }
}

impl Sharing for Normed {
    fn name(&self) -> &'static str {
        "normed"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn forward(&self, inputs: &Inputs, _wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let mut z = inputs.get("x")?.shallow_clone();
        for (linear, norm) in &self.layers {
            let ys = linear.forward(&z, cx)?.view([-1, WIDTH, 1, 1]);
            z = norm.forward(&ys, cx)?.view([-1, WIDTH]).tanh();
        }
        let per_task = (0..K).map(|_| Some(Features::Pooled(z.shallow_clone()))).collect();
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary: vec![z] })
    }
}

impl Net {
    fn new(trunk: Trunk) -> Result<Self> {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 5);
        let (activation, tasks) = (Activation::Tanh, tasks());
        let encoder = EncoderConfig::Mlp(MlpEncoderConfig { hidden: vec![24, 12], activation, dropout: 0.0 });
        let input = Numeric::new((0..FIELDS).map(|i| format!("x{i}")).collect());
        let spec = InputSpec::new([("x", input.into())])?;
        let plan = EncoderPlan::new(&encoder, &spec);
        let sharing: Box<dyn Sharing> = match trunk {
            Trunk::Mlp => SharingConfig::by_name("hard")?.build(&mut params.root(), &plan, &tasks)?,
            Trunk::Experts => {
                let experts = MmoeConfig { experts: 3, hidden: vec![8], balance: 0.5, ..MmoeConfig::default() };
                SharingConfig::Mmoe(experts).build(&mut params.root(), &plan, &tasks)?
            }
            Trunk::Norms => Box::new(Normed::new(&mut params)?),
        };
        let width = sharing.views()[0].width();
        let scale = (trunk == Trunk::Mlp).then(|| params.root().sub("pool").param("scale", &[width], Init::Ones));
        let mut heads = Vec::new();
        for t in 0..K {
            let mut root = params.root();
            heads.push(Linear::new(&mut root.sub(format!("heads{t}")).role(Role::Task(t)), width, 2)?);
        }
        Ok(Self { trunk, tasks, sharing, heads, scale: scale.transpose()?, params })
    }

    /// The losses of a rank's part of a batch. Task `c` has labels for the first samples only: most ranks have none of it.
    fn forward(&self, batch: u64, odd: Option<usize>, world: &Arc<dyn World>) -> Result<Forward> {
        let part = part(SAMPLES, world.rank(), world.size());
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for sample in part.clone() {
            let mut rng = Rng::new(derive(batch, "sample", sample as u64));
            xs.extend((0..FIELDS).map(|_| rng.normal() as f32));
            ys.extend((0..2 * K).map(|j| if odd == Some(sample) && j == 2 { f32::NAN } else { rng.normal() as f32 }));
        }
        let n = part.len() as i64;
        let xs = Tensor::from_slice(&xs).view([n, FIELDS as i64]);
        let ys = Tensor::from_slice(&ys).view([n, K as i64, 2]);
        let cx = Cx::new(Mode::Train).with_tape().with_world(world);
        let inputs = Inputs::new(vec![("x".to_owned(), xs)])?;
        let shared = self.sharing.forward(&inputs, &TaskMask::all(K), &cx)?;
        let mut losses = Vec::new();
        for (t, head) in self.heads.iter().enumerate() {
            let known: Vec<i64> = match t {
                0 => (0..n).collect(),
                1 => (0..n).filter(|i| (part.start as i64 + i + batch as i64) % 3 != 0).collect(),
                _ => (0..n).filter(|i| part.start as i64 + i < 4).collect(),
            };
            let mut z = shared.of(t)?.pooled()?;
            if let Some(scale) = &self.scale {
                z = &z * scale;
            }
            let out = head.forward(&z, &cx)?;
            losses.push(match known.is_empty() {
                // Norms sum over ranks in every backward pass: a rank without labels takes part in it.
                true if self.trunk == Trunk::Norms => TaskLoss::new((z * 0.0).sum(Kind::Float), 0.0),
                true => TaskLoss::absent(),
                false => {
                    let known = Tensor::from_slice(&known);
                    let wrong = (out - ys.select(1, t as i64)).index_select(0, &known);
                    TaskLoss::new(wrong.square().sum(Kind::Float) * (0.5 + t as f64), known.size()[0] as f64)
                }
            });
        }
        let samples = part.len() as f64;
        Ok(Forward { losses, auxiliary: shared.auxiliary, boundary: shared.boundary, tape: cx.take_tape(), samples })
    }
}

impl Plan<'_> {
    pub(crate) fn engine(&self, net: &Net, world: &Arc<dyn World>) -> Result<StepEngine> {
        let method = (self.method)(&net.tasks)?;
        let mut engine = StepEngine::new(net.tasks.clone(), &net.params, method, self.policy)
            .with_mode(self.mode.clone())?
            .with_world(world.clone());
        if let Some(max) = self.clip {
            engine.clip_tasks(max)?;
        }
        engine.watch_blocks(2);
        Ok(engine)
    }

    /// Trains as a rank of `world`.
    pub(crate) fn run(&self, world: &Arc<dyn World>) -> Result<Ran> {
        let net = Net::new(self.trunk)?;
        let mut engine = self.engine(&net, world)?;
        let mut decisions = Vec::new();
        for step in 0..STEPS {
            let odd = self.odd.filter(|_| step == 2);
            let mut fresh = 100 * (step + 1);
            let mut looker = |look: Look| {
                fresh += 1;
                match look {
                    Look::Again => net.forward(step, odd, world),
                    Look::Fresh => net.forward(fresh, None, world),
                    Look::Ahead | Look::HeldOut => net.forward(fresh + 50, None, world),
                }
            };
            let (gradients, report) = match self.accumulate {
                1 => engine.backward_looking(&net.params, &net.forward(step, odd, world)?, step, &mut looker)?,
                n => {
                    for micro in 0..n {
                        engine.accumulate(&net.params, &net.forward(step + 1000 * micro, odd, world)?, step)?;
                    }
                    engine.finish(step)?
                }
            };
            let bits = |t: &mtl_core::step::TaskStep| {
                (t.loss.map(f64::to_bits), t.count.to_bits(), t.weight.to_bits(), t.clip.to_bits(), t.dropped)
            };
            let tasks: Vec<_> = report.tasks.iter().map(bits).collect();
            let gramians: Vec<u64> = report
                .gramian
                .iter()
                .chain(&report.blocks)
                .flat_map(|gramian| gramian.values().iter().map(|v| v.to_bits()))
                .collect();
            decisions
                .push(format!("{tasks:?} {:?} {:?} {} {gramians:?}", report.active, report.weighed, report.skipped));
            if let Some(gradients) = gradients {
                let _guard = tch::no_grad_guard();
                for (position, grad) in gradients.iter() {
                    let _ = net.params.params()[position].tensor().shallow_clone().f_sub_(&(grad * 0.02))?;
                }
            }
            if engine.method().needs().losses_after_step && !report.weighed.is_empty() {
                let means = engine.mean_losses(&net.forward(step, odd, world)?)?;
                let after: Vec<f64> = report.weighed.iter().map(|&t| means[t].unwrap_or(0.0)).collect();
                engine.method_mut().after_step(&after, &report.weighed)?;
            }
            if step == 1 {
                engine.method_mut().epoch_end(&Epoch { index: 0, kpis: &[0.4, 0.6, 0.5] })?;
            }
        }
        let mut weights = Vec::new();
        for (_, tensor) in net.params.tensors() {
            weights.extend(Vec::<f32>::try_from(tensor.detach().reshape([-1])).map_err(Error::from)?);
        }
        Ok(Ran { weights, decisions })
    }
}
