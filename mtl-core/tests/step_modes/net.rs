//! A small network for three tasks, and how far two steps are apart.

use mtl_core::Result;
use mtl_core::answer::Values;
use mtl_core::balance::Balancer;
use mtl_core::balance::Evidence;
use mtl_core::balance::Gramian;
use mtl_core::balance::Method;
use mtl_core::balance::Needs;
use mtl_core::balance::Outcome;
use mtl_core::batch::Inputs;
use mtl_core::context::Cx;
use mtl_core::encode::ConvEncoderConfig;
use mtl_core::encode::EncoderConfig;
use mtl_core::encode::EncoderPlan;
use mtl_core::encode::MlpEncoderConfig;
use mtl_core::input::{InputSpec, Numeric, Picture};
use mtl_core::loss::TaskLoss;
use mtl_core::metric::{MetricFacts, MetricName, MetricSpec};
use mtl_core::mode::Mode;
use mtl_core::nn::Linear;
use mtl_core::params::Init;
use mtl_core::params::ParamSet;
use mtl_core::params::Role;
use mtl_core::rng::Rng;
use mtl_core::share::AuxiliaryLoss;
use mtl_core::share::MmoeConfig;
use mtl_core::share::Sharing;
use mtl_core::share::SharingConfig;
use mtl_core::share::TaskMask;
use mtl_core::step::Forward;
use mtl_core::step::Gradients;
use mtl_core::step::Policy;
use mtl_core::step::StepEngine;
use mtl_core::step::StepMode;
use mtl_core::step::StepReport;
use mtl_core::step::mode::factored::FactoredConfig;
use mtl_core::step::mode::factored::GramianForm;
use mtl_core::task::Task;
use mtl_core::task::TaskSet;
use tch::Device;
use tch::Kind;
use tch::Tensor;

pub(crate) const K: usize = 3;
pub(crate) const WEIGHTS: [f64; K] = [0.3, 2.0, 1.25];

/// Fixed weights of a Gramian method, per block when asked.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) blocks: bool,
}

impl Balancer for Given {
    fn name(&self) -> &'static str {
        "given"
    }
    fn needs(&self) -> Needs {
        Needs { blocks: self.blocks, ..Needs::gramian() }
    }
    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        weights.iter_mut().zip(evidence.tasks).for_each(|(w, &t)| *w = WEIGHTS[t]);
        Ok(Outcome::default())
    }
    fn weigh_blocks(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let m = evidence.tasks.len();
        for (k, w) in weights.iter_mut().enumerate() {
            *w = (k / m + 1) as f64 * WEIGHTS[evidence.tasks[k % m]];
        }
        Ok(Outcome::default())
    }
}

/// A trunk, a linear head per task, and optionally a shared projection above the boundary.
pub(crate) struct Net {
    pub(crate) params: ParamSet,
    pub(crate) tasks: TaskSet,
    pub(crate) sharing: Box<dyn Sharing>,
    pub(crate) heads: Vec<Linear>,
    pub(crate) above: Option<Tensor>,
    pub(crate) inputs: Inputs,
    pub(crate) kind: Kind,
}

pub(crate) fn noise(shape: &[i64], kind: Kind) -> Tensor {
    let mut rng = Rng::new(shape.len() as u64);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::from_slice(&values).view(shape).to_kind(kind)
}

/// What the tasks share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Trunk {
    Mlp,
    Conv,
    Experts,
}

pub(crate) const TRUNKS: [Trunk; 3] = [Trunk::Mlp, Trunk::Conv, Trunk::Experts];

pub(crate) fn net(trunk: Trunk, above: bool, kind: Kind) -> Net {
    let experts = MmoeConfig { experts: 3, hidden: vec![14, 12], ..MmoeConfig::default() };
    let sharing = match trunk {
        Trunk::Mlp | Trunk::Conv => SharingConfig::by_name("hard").unwrap(),
        Trunk::Experts => SharingConfig::Mmoe(experts),
    };
    net_of(&sharing, trunk == Trunk::Conv, above, kind)
}

/// A network of that architecture, on pictures or on numbers; both inputs are there.
pub(crate) fn net_of(sharing: &SharingConfig, pictures: bool, above: bool, kind: Kind) -> Net {
    let mut params = ParamSet::new(kind, Device::Cpu, 5);
    let b = if pictures { 7 } else { 12 };
    let fields = Numeric::new((0..9).map(|i| format!("x{i}")).collect());
    let image = Picture { channels: 2, height: 8, width: 8 };
    let spec = InputSpec::new([("numeric", fields.into()), ("image", image.into())]).unwrap();
    let inputs = vec![("numeric".to_owned(), noise(&[b, 9], kind)), ("image".to_owned(), noise(&[b, 2, 8, 8], kind))];
    let encoder = match pictures {
        true => EncoderConfig::Conv(ConvEncoderConfig { channels: vec![6, 10], ..ConvEncoderConfig::default() }),
        false => EncoderConfig::Mlp(MlpEncoderConfig { hidden: vec![24, 20], ..MlpEncoderConfig::default() }),
    };
    // Only fusion reads both: an encoder refuses what it does not take.
    let whole = EncoderPlan::new(&encoder, &spec);
    let plan = match sharing {
        SharingConfig::Fusion(_) => whole,
        _ => whole.for_inputs(&[if pictures { "image" } else { "numeric" }]).unwrap(),
    };
    let tasks = ["a", "b", "c"].map(|n| Task::new(n).unwrap().judged_by(error()));
    let tasks = TaskSet::new(tasks.into_iter().zip([1.0, 0.5, 2.0]).map(|(t, w)| t.with_weight(w)).collect()).unwrap();
    let sharing = sharing.build(&mut params.root(), &plan, &tasks).unwrap();
    let width = sharing.views()[0].width();
    let above = above.then(|| params.root().sub("pool").param("scale", &[width], Init::Normal(1.0)).unwrap());
    let mut heads = Vec::new();
    for t in 0..K {
        let mut root = params.root();
        let mut place = root.sub(format!("heads{t}"));
        heads.push(Linear::new(&mut place.role(Role::Task(t)), width, 2).unwrap());
    }
    Net { params, tasks, sharing, heads, above, inputs: Inputs::new(inputs).unwrap(), kind }
}

impl Net {
    pub(crate) fn forward(&self) -> Forward {
        self.forward_rows(0, None)
    }

    /// The losses over some rows of the batch.
    pub(crate) fn forward_rows(&self, from: i64, n: Option<i64>) -> Forward {
        let cx = Cx::new(Mode::Train).with_tape();
        let shared = self.sharing.forward(&self.inputs, &TaskMask::all(K), &cx).unwrap();
        let (mut losses, mut auxiliary) = (Vec::new(), Vec::new());
        for (t, head) in self.heads.iter().enumerate() {
            let mut z = shared.of(t).unwrap().pooled().unwrap();
            if let Some(scale) = &self.above {
                z = &z * scale; // not in place: the graph needs it
            }
            let out = head.forward(&z, &cx).unwrap();
            let b = out.size()[0];
            let target = noise(&[b, 2], self.kind) * (t as f64 + 0.5) * if t == 1 { -1.0 } else { 1.0 };
            let n = n.unwrap_or(b);
            let sum = (out - target).narrow(0, from, n).square().sum(self.kind);
            losses.push(TaskLoss::new(sum, n as f64));
            auxiliary.push(AuxiliaryLoss { name: "decay", loss: z.narrow(0, from, n).square().mean(self.kind) * 0.1 });
        }
        auxiliary.truncate(1);
        auxiliary.extend(shared.auxiliary);
        Forward { losses, auxiliary, boundary: shared.boundary, tape: cx.take_tape(), samples: 0.0 }
    }

    pub(crate) fn engine(&self, mode: StepMode, blocks: bool) -> StepEngine {
        let method = Method::from(Box::new(Given { blocks }));
        StepEngine::new(self.tasks.clone(), &self.params, method, Policy::default()).with_mode(mode).unwrap()
    }

    pub(crate) fn step(&self, mode: StepMode, blocks: bool) -> (Gradients, StepReport) {
        let (gradients, report) = self.engine(mode, blocks).backward(&self.params, &self.forward(), 3).unwrap();
        (gradients.unwrap(), report)
    }
}

pub(crate) fn factored(gramian: GramianForm, rank: i64, seed: u64) -> StepMode {
    StepMode::Factored(FactoredConfig { gramian, rank, seed, tolerance: f64::INFINITY })
}

/// The largest difference of any gradient, relative to the largest gradient of that parameter.
pub(crate) fn distance(net: &Net, a: &Gradients, b: &Gradients) -> f64 {
    (0..net.params.params().len())
        .map(|p| {
            let (x, y) = (a.get(p).unwrap(), b.get(p).unwrap());
            (x - y).abs().max().double_value(&[]) / (1e-30 + y.abs().max().double_value(&[]))
        })
        .fold(0.0, f64::max)
}

pub(crate) fn gram_distance(a: &Gramian, b: &Gramian) -> f64 {
    let norm = |f: &dyn Fn(usize, usize) -> f64| {
        (0..K).flat_map(|i| (0..K).map(move |j| (i, j))).map(|(i, j)| f(i, j).powi(2)).sum::<f64>().sqrt()
    };
    norm(&|i, j| a.get(i, j) - b.get(i, j)) / norm(&|i, j| b.get(i, j))
}

/// A metric of numbers.
fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}
