//! The exact step against its floor, and the fused optimizer against tch's.
//!
//! The floor is what no exact method can avoid: one forward pass and one backward pass per task. Both variants run in
//! turn on the same model and batch, and the ratio is the median of the pairs' ratios, so that a busy moment of the
//! machine hits both.

use std::time::Instant;

use mtl_core::{
    balance::BalancerConfig,
    batch::{Batch, Inputs, Target},
    context::Cx,
    encode::{CategoricalField, ConvEncoderConfig, EncoderConfig, InputSpec, MlpEncoderConfig, TabularEncoderConfig},
    loss::TaskLoss,
    metric::MetricId,
    mode::Mode,
    rng::Rng,
    shim::{self, AdamWStep, Graph},
    step::{Policy, StepEngine},
    task::{Task, TaskSet},
};
use mtl_heads::TargetSpec;
use mtl_train::{
    Result,
    architecture::Architecture,
    model::{Blueprint, Model, ModelConfig},
};
use ndarray::Array2;
use tch::{Device, Kind, Tensor, nn, nn::OptimizerConfig as _};

use crate::summary::{OptimizerRatio, StepRatio, Summary};

struct Case {
    name: &'static str,
    encoder: EncoderConfig,
    inputs: InputSpec,
    batch: i64,
}

pub(crate) fn measure(thorough: bool, summary: &mut Summary) -> Result<()> {
    let counts: &[usize] = if thorough { &[2, 3, 8] } else { &[2] };
    for case in cases() {
        for &tasks in counts {
            eprintln!("timing the step: {}, {tasks} tasks", case.name);
            summary.step.push(ratio(&case, tasks, if thorough { 8.0 } else { 2.0 })?);
        }
    }
    Ok(())
}

fn cases() -> Vec<Case> {
    let numeric = |n: usize| (0..n).map(|i| format!("x{i}")).collect();
    let field = |i: i64| CategoricalField { name: format!("c{i}"), cardinality: 5 + i };
    vec![
        Case {
            name: "mlp 64-64-64",
            encoder: EncoderConfig::Mlp(MlpEncoderConfig { hidden: vec![64, 64, 64], ..Default::default() }),
            inputs: InputSpec { numeric: numeric(64), ..Default::default() },
            batch: 256,
        },
        Case {
            name: "tabular 39 fields 128-64",
            encoder: EncoderConfig::Tabular(TabularEncoderConfig::default()),
            inputs: InputSpec { categorical: (0..32).map(field).collect(), numeric: numeric(7), image: None },
            batch: 1024,
        },
        Case {
            name: "conv 16-32-64 on 36x36",
            encoder: EncoderConfig::Conv(ConvEncoderConfig::default()),
            inputs: InputSpec { image: Some([1, 36, 36]), ..Default::default() },
            batch: 64,
        },
    ]
}

fn ratio(case: &Case, n_tasks: usize, seconds: f64) -> Result<StepRatio> {
    let tasks: Vec<Task> =
        (0..n_tasks).map(|t| Task::new(&format!("t{t}"), MetricId::Rmse)).collect::<mtl_core::Result<_>>()?;
    let tasks = TaskSet::new(tasks)?;
    let targets = vec![TargetSpec::Values { values: 1 }; n_tasks];
    let blueprint =
        Blueprint { inputs: &case.inputs, targets: &targets, kind: Kind::Float, device: Device::Cpu, seed: 1 };
    let config =
        ModelConfig { encoder: case.encoder.clone(), sharing: Architecture::by_name("hard")?, heads: Vec::new() };
    let model = Model::build(&config, &tasks, &blueprint)?;
    let batch = batch(case, n_tasks)?;
    let balancer = BalancerConfig::by_name("upgrad")?.build(&tasks)?;
    let mut engine = StepEngine::new(tasks, model.params(), balancer, Policy::default());

    let mut floors = Vec::new();
    let mut ratios = Vec::new();
    let start = Instant::now();
    // The first rounds fill caches and grow buffers.
    for round in 0u64.. {
        let floor = timed(|| floor(&model, &batch))?;
        let step = timed(|| {
            let forward = model.losses(&batch, &Cx::new(Mode::Train))?;
            engine.backward(model.params(), &forward, round)?;
            Ok(())
        })?;
        if round >= 3 {
            floors.push(floor);
            ratios.push(step / floor);
        }
        if round >= 20 && start.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    Ok(StepRatio {
        model: case.name,
        tasks: n_tasks,
        mode: "exact",
        floor_ms: median(&mut floors) * 1e3,
        ratio_to_floor: median(&mut ratios),
    })
}

/// Forward and one backward pass per task over the shared and the task's own parameters; gradients are dropped.
fn floor(model: &Model, batch: &Batch) -> Result<()> {
    let losses = model.losses(batch, &Cx::new(Mode::Train))?.losses;
    let params = model.params();
    let n = losses.len();
    for (t, loss) in losses.iter().enumerate() {
        let positions = params.shared().into_iter().chain(params.owned_by(t));
        let inputs: Vec<&Tensor> = positions.map(|p| params.params()[p].tensor()).collect();
        let TaskLoss { sum, .. } = loss;
        std::hint::black_box(shim::grad(&[sum], None, &inputs, if t + 1 < n { Graph::Keep } else { Graph::Free })?);
    }
    Ok(())
}

fn batch(case: &Case, n_tasks: usize) -> Result<Batch> {
    let mut rng = Rng::new(7);
    let b = case.batch;
    let rows = usize::try_from(b).unwrap_or(0);
    let mut inputs = Vec::new();
    if !case.inputs.categorical.is_empty() {
        let mut codes = Vec::new();
        for _ in 0..rows {
            for field in &case.inputs.categorical {
                codes.push(i64::try_from(rng.below(field.cardinality.unsigned_abs())).unwrap_or(0));
            }
        }
        inputs.push(("categorical".to_owned(), Tensor::from_slice(&codes).view([b, -1])));
    }
    let mut normal = |shape: &[i64]| {
        let n: i64 = shape.iter().product();
        #[expect(clippy::cast_possible_truncation, reason = "random input")]
        let values: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
        Tensor::from_slice(&values).view(shape)
    };
    if !case.inputs.numeric.is_empty() {
        inputs.push(("numeric".to_owned(), normal(&[b, i64::try_from(case.inputs.numeric.len()).unwrap_or(0)])));
    }
    if let Some([c, h, w]) = case.inputs.image {
        inputs.push(("image".to_owned(), normal(&[b, c, h, w])));
    }
    let values = Array2::from_shape_fn((rows, 1), |(r, _)| if r % 2 == 0 { 1.0 } else { -1.0 });
    let targets: Vec<Option<Target>> = (0..n_tasks)
        .map(|t| Target::values(&format!("t{t}"), values.view()).map(Some))
        .collect::<mtl_core::Result<_>>()?;
    Ok(Batch::new(Inputs::new(inputs)?, targets, (0..b.unsigned_abs()).collect())?)
}

/// 10 M parameters in 100 tensors, tch's AdamW and the fused step in turn.
pub(crate) fn optimizer(rounds: usize) -> Result<OptimizerRatio> {
    eprintln!("timing the optimizer");
    let store = nn::VarStore::new(Device::Cpu);
    let mut params = Vec::new();
    for i in 0..100 {
        let p = store.root().var(&format!("p{i}"), &[250, 400], nn::Init::Uniform { lo: -0.1, up: 0.1 });
        let g = p.ones_like() * 1e-3;
        shim::set_grad(&p, Some(&g))?;
        params.push(p.detach().copy());
    }
    let mut tch_adamw = nn::AdamW::default().build(&store, 1e-3).map_err(mtl_core::Error::from)?;
    let like = |f: fn(&Tensor) -> Tensor| params.iter().map(f).collect::<Vec<_>>();
    let (grads, ms, vs) = (like(|p| p.ones_like() * 1e-3), like(Tensor::zeros_like), like(Tensor::zeros_like));
    let steps = like(|_| Tensor::zeros([0i64; 0], tch::kind::FLOAT_CPU));
    fn refs(list: &[Tensor]) -> Vec<&Tensor> {
        list.iter().collect()
    }
    let numbers = AdamWStep { lr: 1e-3, beta1: 0.9, beta2: 0.999, weight_decay: 0.01, eps: 1e-8 };
    let (mut slow, mut fast, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 2 {
        let a = timed(|| {
            tch_adamw.step();
            Ok(())
        })?;
        let b = timed(|| {
            Ok(shim::fused_adamw(&refs(&params), &refs(&grads), &refs(&ms), &refs(&vs), &refs(&steps), numbers)?)
        })?;
        if round >= 2 {
            slow.push(a);
            fast.push(b);
            ratios.push(a / b);
        }
    }
    Ok(OptimizerRatio {
        tch_ms: median(&mut slow) * 1e3,
        fused_ms: median(&mut fast) * 1e3,
        fused_adamw_speedup: median(&mut ratios),
    })
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
