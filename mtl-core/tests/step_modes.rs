//! Every step mode against the exact one, on encoders with linear and convolution layers, in f64.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    Result,
    balance::{AggregatorConfig, Balancer, Evidence, Gramian, Look, Method, Needs, Outcome, aggregator::aggregate},
    batch::Inputs,
    context::Cx,
    encode::{ConvEncoderConfig, EncoderConfig, InputSpec, MlpEncoderConfig},
    loss::TaskLoss,
    metric::MetricId,
    mode::Mode,
    nn::Linear,
    params::{Init, ParamSet, Role},
    rng::Rng,
    share::{AuxiliaryLoss, MmoeConfig, Sharing, SharingConfig},
    step::{
        Forward, Gradients, Policy, StepEngine, StepMode, StepReport,
        mode::{
            batched::BatchedConfig,
            factored::{FactoredConfig, GramianForm},
            low_memory::LowMemoryConfig,
            representation::RepresentationConfig,
        },
    },
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

const K: usize = 3;
const WEIGHTS: [f64; K] = [0.3, 2.0, 1.25];

/// Fixed weights of a Gramian method, per block when asked.
#[derive(Debug)]
struct Given {
    blocks: bool,
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
struct Net {
    params: ParamSet,
    tasks: TaskSet,
    sharing: Box<dyn Sharing>,
    heads: Vec<Linear>,
    above: Option<Tensor>,
    inputs: Inputs,
    kind: Kind,
}

fn noise(shape: &[i64], kind: Kind) -> Tensor {
    let mut rng = Rng::new(shape.len() as u64);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::from_slice(&values).view(shape).to_kind(kind)
}

/// What the tasks share.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trunk {
    Mlp,
    Conv,
    Experts,
}

const TRUNKS: [Trunk; 3] = [Trunk::Mlp, Trunk::Conv, Trunk::Experts];

fn net(trunk: Trunk, above: bool, kind: Kind) -> Net {
    let mut params = ParamSet::new(kind, Device::Cpu, 5);
    let (encoder, spec, inputs) = if trunk == Trunk::Conv {
        let spec = InputSpec { image: Some([2, 8, 8]), ..InputSpec::default() };
        let config = ConvEncoderConfig { channels: vec![6, 10], ..ConvEncoderConfig::default() };
        (EncoderConfig::Conv(config), spec, vec![("image".to_owned(), noise(&[7, 2, 8, 8], kind))])
    } else {
        let spec = InputSpec { numeric: (0..9).map(|i| format!("x{i}")).collect(), ..InputSpec::default() };
        let config = MlpEncoderConfig { hidden: vec![24, 20], ..MlpEncoderConfig::default() };
        (EncoderConfig::Mlp(config), spec, vec![("numeric".to_owned(), noise(&[12, 9], kind))])
    };
    let encoder = encoder.build(&mut params.root().sub("encoder"), &spec).unwrap();
    let tasks = ["a", "b", "c"].map(|n| Task::new(n, MetricId::Rmse).unwrap());
    let tasks = TaskSet::new(tasks.into_iter().zip([1.0, 0.5, 2.0]).map(|(t, w)| t.with_weight(w)).collect()).unwrap();
    let experts = MmoeConfig { experts: 3, hidden: vec![14, 12], ..MmoeConfig::default() };
    let (sharing, width) = match trunk {
        Trunk::Mlp => (SharingConfig::by_name("hard").unwrap(), 20),
        Trunk::Conv => (SharingConfig::by_name("hard").unwrap(), 10),
        Trunk::Experts => (SharingConfig::Mmoe(experts), 12),
    };
    let sharing = sharing.build(&mut params.root().sub("sharing"), encoder, &tasks).unwrap();
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
    fn forward(&self) -> Forward {
        self.forward_rows(0, None)
    }

    /// The losses over some rows of the batch.
    fn forward_rows(&self, from: i64, n: Option<i64>) -> Forward {
        let cx = Cx::new(Mode::Train).with_tape();
        let shared = self.sharing.forward(&self.inputs, &cx).unwrap();
        let (mut losses, mut auxiliary) = (Vec::new(), Vec::new());
        for (t, head) in self.heads.iter().enumerate() {
            let mut z = shared.per_task[t].pooled().unwrap();
            if let Some(scale) = &self.above {
                z *= scale;
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
        Forward { losses, auxiliary, boundary: shared.boundary, tape: cx.take_tape() }
    }

    fn engine(&self, mode: StepMode, blocks: bool) -> StepEngine {
        let method = Method::from(Box::new(Given { blocks }));
        StepEngine::new(self.tasks.clone(), &self.params, method, Policy::default()).with_mode(mode).unwrap()
    }

    fn step(&self, mode: StepMode, blocks: bool) -> (Gradients, StepReport) {
        let (gradients, report) = self.engine(mode, blocks).backward(&self.params, &self.forward(), 3).unwrap();
        (gradients.unwrap(), report)
    }
}

fn factored(gramian: GramianForm, rank: i64, seed: u64) -> StepMode {
    StepMode::Factored(FactoredConfig { gramian, rank, seed, tolerance: f64::INFINITY })
}

/// The largest difference of any gradient, relative to the largest gradient of that parameter.
fn distance(net: &Net, a: &Gradients, b: &Gradients) -> f64 {
    (0..net.params.params().len())
        .map(|p| {
            let (x, y) = (a.get(p).unwrap(), b.get(p).unwrap());
            (x - y).abs().max().double_value(&[]) / (1e-30 + y.abs().max().double_value(&[]))
        })
        .fold(0.0, f64::max)
}

fn gram_distance(a: &Gramian, b: &Gramian) -> f64 {
    let norm = |f: &dyn Fn(usize, usize) -> f64| {
        (0..K).flat_map(|i| (0..K).map(move |j| (i, j))).map(|(i, j)| f(i, j).powi(2)).sum::<f64>().sqrt()
    };
    norm(&|i, j| a.get(i, j) - b.get(i, j)) / norm(&|i, j| b.get(i, j))
}

#[test]
fn modes_that_claim_the_exact_gramian_have_it() {
    for trunk in TRUNKS {
        for above in [false, true] {
            let net = net(trunk, above, Kind::Double);
            let (exact, reference) = net.step(StepMode::default(), false);
            let reference = reference.gramian.unwrap();
            assert!((0..K).any(|i| reference.cosine(i, (i + 1) % K) < 0.0), "some tasks conflict");
            for mode in [
                StepMode::Batched(BatchedConfig::default()),
                StepMode::LowMemory(LowMemoryConfig::default()),
                factored(GramianForm::Exact, 4, 0),
            ] {
                let name = format!("{} {trunk:?} above {above}", mode.name());
                let (gradients, report) = net.step(mode, false);
                assert!(distance(&net, &gradients, &exact) < 1e-12, "{name}");
                assert!(gram_distance(&report.gramian.unwrap(), &reference) < 1e-12, "{name}");
                assert!(report.gramian_error.is_none_or(|e| e == 0.0), "{name}");
            }
        }
    }
}

#[test]
fn modes_with_another_gramian_still_have_the_exact_direction() {
    for trunk in TRUNKS {
        for above in [false, true] {
            let net = net(trunk, above, Kind::Double);
            let (exact, _) = net.step(StepMode::default(), false);
            for mode in [StepMode::Representation(RepresentationConfig::default()), factored(GramianForm::Sketch, 4, 0)]
            {
                let name = format!("{} {trunk:?} above {above}", mode.name());
                assert!(distance(&net, &net.step(mode, false).0, &exact) < 1e-12, "{name}");
            }
        }
    }
}

#[test]
fn the_representation_gramian_is_that_of_the_features() {
    let net = net(Trunk::Mlp, false, Kind::Double);
    let (_, report) = net.step(StepMode::Representation(RepresentationConfig::default()), false);
    let forward = net.forward();
    let rows: Vec<Vec<f64>> = (0..K)
        .map(|t| {
            let factor = net.tasks.get(t).unwrap().weight / forward.losses[t].count;
            let g = Tensor::run_backward(&[&forward.losses[t].sum * factor], &[&forward.boundary[0]], true, false);
            Vec::<f64>::try_from(g[0].reshape([-1])).unwrap()
        })
        .collect();
    assert!(gram_distance(&report.gramian.unwrap(), &Gramian::of_rows(&rows)) < 1e-12);
}

#[test]
fn single_precision_agrees_too() {
    for trunk in TRUNKS {
        let net = net(trunk, false, Kind::Float);
        let (exact, reference) = net.step(StepMode::default(), false);
        let reference = reference.gramian.unwrap();
        for mode in [StepMode::Batched(BatchedConfig::default()), factored(GramianForm::Exact, 4, 0)] {
            let (gradients, report) = net.step(mode.clone(), false);
            assert!(distance(&net, &gradients, &exact) < 1e-5, "{}", mode.name());
            assert!(gram_distance(&report.gramian.unwrap(), &reference) < 1e-6, "{}", mode.name());
        }
    }
}

#[test]
fn blocks_have_weights_of_their_own_in_every_mode_with_rows() {
    for trunk in TRUNKS {
        let net = net(trunk, true, Kind::Double);
        let (exact, reference) = net.step(StepMode::default(), true);
        for mode in [StepMode::Batched(BatchedConfig::default()), factored(GramianForm::Exact, 4, 0)] {
            let (gradients, report) = net.step(mode.clone(), true);
            assert!(distance(&net, &gradients, &exact) < 1e-12, "{}", mode.name());
            assert_eq!(report.blocks.len(), reference.blocks.len());
            for (a, b) in report.blocks.iter().zip(&reference.blocks) {
                assert!(gram_distance(a, b) < 1e-12, "{}", mode.name());
            }
        }
        let mode = StepMode::LowMemory(LowMemoryConfig::default());
        let e = net.engine(mode, true).backward(&net.params, &net.forward(), 0).unwrap_err().to_string();
        assert_eq!(
            e,
            "step: mode must be exact, batched or factored for a method that weighs parameter blocks, found low-memory"
        );
    }
}

#[test]
fn blocks_are_watched_every_so_many_steps() {
    let net = net(Trunk::Mlp, true, Kind::Double);
    let mut engine = net.engine(StepMode::default(), false);
    engine.watch_blocks(2);
    assert_eq!(engine.block_names(), ["layer0", "layer1", "other"]);
    for step in 0..4 {
        let (_, report) = engine.backward(&net.params, &net.forward(), step).unwrap();
        assert_eq!(report.blocks.len(), if step % 2 == 0 { 3 } else { 0 });
    }
}

#[test]
fn the_sketch_is_unbiased_and_knows_its_error() {
    const RUNS: u64 = 400;
    for trunk in TRUNKS {
        let net = net(trunk, false, Kind::Double);
        let reference = net.step(StepMode::default(), false).1.gramian.unwrap();
        let (mut mean, mut errors, mut estimates) = (vec![vec![0.0; K]; K], 0.0, 0.0);
        for seed in 0..RUNS {
            let report = net.step(factored(GramianForm::Sketch, 4, seed), false).1;
            let gramian = report.gramian.unwrap();
            for (i, row) in mean.iter_mut().enumerate() {
                row.iter_mut().enumerate().for_each(|(j, m)| *m += gramian.get(i, j) / RUNS as f64);
            }
            errors += gram_distance(&gramian, &reference).powi(2) / RUNS as f64;
            estimates += report.gramian_error.unwrap().powi(2) / RUNS as f64;
        }
        let scale = (0..K).map(|i| reference.diag(i)).fold(0.0, f64::max);
        let error = errors.sqrt();
        for (i, row) in mean.iter().enumerate() {
            for (j, m) in row.iter().enumerate() {
                let off = (m - reference.get(i, j)).abs() / scale;
                assert!(off < 4.0 * error / (RUNS as f64).sqrt() + 1e-12, "{trunk:?}: [{i}, {j}] off by {off}");
            }
        }
        assert!(error > 1e-6, "{trunk:?}: the sketch should be rough at rank 4, error {error}");
        let ratio = estimates.sqrt() / error;
        assert!((0.6..1.8).contains(&ratio), "{trunk:?}: estimated over true error {ratio}");
    }
}

#[test]
fn a_rough_sketch_falls_back_to_the_exact_gramian() {
    let net = net(Trunk::Mlp, false, Kind::Double);
    let reference = net.step(StepMode::default(), false).1.gramian.unwrap();
    let mode = StepMode::Factored(FactoredConfig { rank: 4, tolerance: 1e-9, ..FactoredConfig::default() });
    let (_, report) = net.step(mode, false);
    assert_eq!(report.gramian_error, Some(0.0));
    assert!(gram_distance(&report.gramian.unwrap(), &reference) < 1e-12);
    let bad = StepMode::Factored(FactoredConfig { rank: 2, ..FactoredConfig::default() });
    assert_eq!(bad.validate().unwrap_err().to_string(), "factored step: rank must be >= 4, found 2");
}

#[test]
fn a_layer_that_runs_twice_is_exact_in_factored_mode() {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
    let layer = Linear::new(&mut params.root().sub("loop"), 6, 6).unwrap();
    let tasks = TaskSet::new(["x", "y"].map(|n| Task::new(n, MetricId::Rmse).unwrap()).into()).unwrap();
    let step = |mode: StepMode| {
        let cx = Cx::new(Mode::Train).with_tape();
        let once = layer.forward(&noise(&[5, 6], Kind::Double), &cx).unwrap().tanh();
        let twice = layer.forward(&once, &cx).unwrap();
        let losses = vec![
            TaskLoss::new((&twice - 1.0).square().sum(Kind::Double), 5.0),
            TaskLoss::new((twice + 1.0).square().sum(Kind::Double), 5.0),
        ];
        let forward = Forward { losses, tape: cx.take_tape(), ..Forward::default() };
        let method = Method::from(Box::new(Given { blocks: false }));
        let mut engine = StepEngine::new(tasks.clone(), &params, method, Policy::default()).with_mode(mode).unwrap();
        engine.backward(&params, &forward, 0).unwrap()
    };
    let (exact, reference) = step(StepMode::default());
    let (gradients, report) = step(factored(GramianForm::Sketch, 4, 0));
    for p in 0..2 {
        let (a, b) = (gradients.as_ref().unwrap().get(p).unwrap(), exact.as_ref().unwrap().get(p).unwrap());
        assert!((a - b).abs().max().double_value(&[]) < 1e-12);
    }
    let (g, r) = (report.gramian.unwrap(), reference.gramian.unwrap());
    assert!((g.get(0, 1) - r.get(0, 1)).abs() < 1e-12 * r.diag(0));
}

#[test]
fn micro_batches_equal_their_union() {
    for gramian in [true, false] {
        let net = net(Trunk::Mlp, false, Kind::Double);
        let engine = || match gramian {
            true => net.engine(StepMode::default(), false),
            false => {
                let method = mtl_core::balance::BalancerConfig::by_name("equal").unwrap().build(&net.tasks).unwrap();
                StepEngine::new(net.tasks.clone(), &net.params, method, Policy::default())
            }
        };
        let without_auxiliary = |mut forward: Forward| {
            forward.auxiliary.clear(); // a mean over a micro-batch, not over the union
            forward
        };
        let union = engine().backward(&net.params, &without_auxiliary(net.forward()), 0).unwrap();
        let mut parts = engine();
        // Gradient methods count items, the others micro-batches, so those get equal sizes.
        let sizes = if gramian { [5, 4, 3] } else { [4, 4, 4] };
        let mut from = 0;
        for n in sizes {
            parts.accumulate(&net.params, &without_auxiliary(net.forward_rows(from, Some(n))), 0).unwrap();
            from += n;
        }
        let (gradients, report) = parts.finish(0).unwrap();
        assert!(distance(&net, &gradients.unwrap(), &union.0.unwrap()) < 1e-12, "gramian {gramian}");
        assert_eq!(report.active, union.1.active);
        for (a, b) in report.tasks.iter().zip(&union.1.tasks) {
            assert!((a.loss.unwrap() - b.loss.unwrap()).abs() < 1e-12 && a.count == b.count && a.weight == b.weight);
        }
        if gramian {
            assert!(gram_distance(&report.gramian.unwrap(), &union.1.gramian.unwrap()) < 1e-12);
        }
        assert!(parts.finish(1).unwrap().0.is_none(), "nothing is left over");
    }
}

#[test]
fn aggregators_get_the_rows_of_the_engine() {
    let net = net(Trunk::Mlp, false, Kind::Float);
    let forward = net.forward();
    let shared = net.params.shared();
    let inputs: Vec<&Tensor> = shared.iter().map(|&p| net.params.params()[p].tensor()).collect();
    let rows: Vec<Vec<Vec<f32>>> = (0..K)
        .map(|t| {
            let factor = net.tasks.get(t).unwrap().weight / forward.losses[t].count;
            let grads = Tensor::run_backward(&[&forward.losses[t].sum * factor], &inputs, true, false);
            grads.iter().map(|g| Vec::<f32>::try_from(g.reshape([-1])).unwrap()).collect()
        })
        .collect();
    let losses: Vec<f64> = (0..K)
        .map(|t| net.tasks.get(t).unwrap().weight * f64::try_from(forward.losses[t].mean().unwrap()).unwrap())
        .collect();
    for (name, _) in AggregatorConfig::ALL {
        let config = AggregatorConfig::by_name(name).unwrap();
        let mut engine =
            StepEngine::new(net.tasks.clone(), &net.params, config.build(&net.tasks).unwrap(), Policy::default());
        let mut forward = net.forward();
        forward.auxiliary.clear();
        let (gradients, report) = engine.backward(&net.params, &forward, 4).unwrap();
        let gradients = gradients.unwrap();
        let blocks: Vec<Vec<&[f32]>> =
            (0..shared.len()).map(|p| rows.iter().map(|row| row[p].as_slice()).collect()).collect();
        let mut directions: Vec<Vec<f32>> = rows[0].iter().map(|g| vec![0.0; g.len()]).collect();
        let mut method = config.build(&net.tasks).unwrap();
        let evidence = Evidence {
            tasks: &[0, 1, 2],
            losses: &losses,
            gramian: report.gramian.as_ref(),
            step: 4,
            ..Evidence::default()
        };
        aggregate(method.as_mut(), &evidence, &blocks, &mut directions).unwrap();
        for (p, direction) in shared.iter().zip(&directions) {
            let found = Vec::<f32>::try_from(gradients.get(*p).unwrap().reshape([-1])).unwrap();
            let scale = direction.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
            let worst = found.iter().zip(direction).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-4 * scale, "{name}: {worst} of {scale}");
        }
        let refused =
            StepEngine::new(net.tasks.clone(), &net.params, config.build(&net.tasks).unwrap(), Policy::default());
        let mode = StepMode::Representation(RepresentationConfig::default());
        let e = refused.with_mode(mode).unwrap().backward(&net.params, &net.forward(), 0).unwrap_err().to_string();
        assert!(e.contains(name) && e.contains("exact or batched"), "{e}");
    }
}

/// Looks at a fresh batch and ahead, and weighs every row.
#[derive(Debug)]
struct Looking;

impl Balancer for Looking {
    fn name(&self) -> &'static str {
        "looking"
    }
    fn needs(&self) -> Needs {
        Needs { looks: &[Look::Fresh, Look::Ahead], ..Needs::gramian() }
    }
    fn inner_lr(&self) -> f64 {
        0.05
    }
    fn current_weights(&self, _: &[usize], weights: &mut [f64]) {
        weights.copy_from_slice(&WEIGHTS);
    }
    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        assert_eq!((weights.len(), weights[0], weights[K]), (3 * K, 1.0, 0.0));
        let joint = evidence.joint.unwrap();
        assert_eq!(joint.m(), 3 * K);
        for i in 0..K {
            for j in 0..K {
                assert_eq!(joint.get(i, j), evidence.gramian.unwrap().get(i, j));
                // The fresh batch of this test is the step's own, so its rows are the same.
                assert!((joint.get(i, K + j) - joint.get(i, j)).abs() <= 1e-12 * joint.diag(i).max(joint.diag(j)));
            }
            assert!((joint.diag(2 * K + i) - joint.diag(i)).abs() > 1e-9 * joint.diag(i), "ahead is elsewhere");
        }
        weights.fill(0.0);
        weights[2 * K + 1] = 1.0;
        Ok(Outcome::default())
    }
}

#[test]
fn further_looks_see_other_batches_and_leave_the_parameters_alone() {
    let net = net(Trunk::Mlp, false, Kind::Double);
    let bits = |net: &Net| -> Vec<Vec<f64>> {
        net.params.params().iter().map(|p| Vec::try_from(p.tensor().detach().reshape([-1])).unwrap()).collect()
    };
    let before = bits(&net);
    let engine = || StepEngine::new(net.tasks.clone(), &net.params, Method::from(Box::new(Looking)), Policy::default());
    let mut asked = Vec::new();
    let mut ahead = Vec::new();
    let mut looker = |look: Look| {
        asked.push(look);
        if look == Look::Ahead {
            ahead = bits(&net);
        }
        Ok(net.forward())
    };
    let mut forward = net.forward();
    forward.auxiliary.clear();
    let (gradients, _) = engine().backward_looking(&net.params, &forward, 0, &mut looker).unwrap();
    assert_eq!(asked, [Look::Fresh, Look::Ahead]);
    assert_eq!(bits(&net), before, "to the last bit");
    // Ahead is one plain step away, with the method's weights on the shared part.
    let (plain, _) = {
        let mut forward = net.forward();
        forward.auxiliary.clear();
        net.engine(StepMode::default(), false).backward(&net.params, &forward, 0).unwrap()
    };
    let plain = plain.unwrap();
    for p in net.params.shared() {
        let grad = Vec::<f64>::try_from(plain.get(p).unwrap().reshape([-1])).unwrap();
        for ((a, b), g) in ahead[p].iter().zip(&before[p]).zip(grad) {
            assert!((a - (b - 0.05 * g)).abs() < 1e-12);
        }
    }
    // The whole weight is on the second task's row ahead: its gradient at the moved parameters.
    net.params
        .load_tensors(
            &net.params
                .params()
                .iter()
                .zip(&ahead)
                .map(|(p, values)| (p.name().to_owned(), Tensor::from_slice(values).view(p.tensor().size().as_slice())))
                .collect::<Vec<_>>(),
        )
        .unwrap();
    let moved = net.forward();
    let factor = net.tasks.get(1).unwrap().weight / moved.losses[1].count;
    let shared: Vec<&Tensor> = net.params.shared().iter().map(|&p| net.params.params()[p].tensor()).collect();
    let expected = Tensor::run_backward(&[&moved.losses[1].sum * factor], &shared, false, false);
    for (&p, expected) in net.params.shared().iter().zip(expected) {
        let found = gradients.as_ref().unwrap().get(p).unwrap();
        assert!((found - expected).abs().max().double_value(&[]) < 1e-12);
    }
    let e = engine().backward(&net.params, &net.forward(), 0).unwrap_err().to_string();
    assert!(e.contains("backward_looking"), "{e}");
}

#[test]
fn double_sampling_weighs_the_third_batch_in_one_pass() {
    let net = net(Trunk::Mlp, false, Kind::Double);
    let method = mtl_core::balance::BalancerConfig::by_name("modo").unwrap().build(&net.tasks).unwrap();
    let mut engine = StepEngine::new(net.tasks.clone(), &net.params, method, Policy::default());
    let mut forward = net.forward();
    forward.auxiliary.clear();
    let (gradients, report) = engine.backward_looking(&net.params, &forward, 0, &mut |_| Ok(net.forward())).unwrap();
    let weights: Vec<f64> = report.tasks.iter().map(|t| t.weight).collect();
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && weights.iter().all(|w| *w > 0.0), "{weights:?}");
    let first = net.params.shared()[0];
    let expected: Tensor = (0..K)
        .map(|t| {
            let forward = net.forward();
            let objective = &forward.losses[t].sum * (net.tasks.get(t).unwrap().weight / forward.losses[t].count);
            Tensor::run_backward(&[objective], &[net.params.params()[first].tensor()], false, false).remove(0)
                * weights[t]
        })
        .sum();
    let found = gradients.unwrap();
    assert!((found.get(first).unwrap() - expected).abs().max().double_value(&[]) < 1e-12);
}
