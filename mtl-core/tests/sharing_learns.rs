//! What each architecture is for: tasks that it learns and hard sharing of the same encoder, made as large, does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, EncoderPlan, MlpEncoderConfig},
    input::{InputSpec, Numeric, Picture},
    laws,
    mode::Mode,
    nn::{Activation, Linear},
    params::{ParamSet, Role},
    share::{FusionConfig, FusionPart, MtanConfig, SharingConfig, TaskMask},
    shim::{Graph, grad},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

struct Outcome {
    /// Mean squared error of each task on the samples to be judged by; targets have variance 1.
    errors: Vec<f64>,
    parameters: usize,
}

/// Inputs and a target `[b]` per task.
struct Samples {
    inputs: Inputs,
    targets: [Tensor; 2],
}

/// Trains with Adam, all tasks alike, and gives the errors at the end.
fn learn(
    sharing: &SharingConfig,
    encoder: &EncoderConfig,
    spec: &InputSpec,
    train: &Samples,
    test: &Samples,
) -> Outcome {
    let targets = &train.targets;
    let names: Vec<String> = (0..targets.len()).map(|t| format!("t{t}")).collect();
    let tasks = TaskSet::new(names.iter().map(|n| Task::new(n).unwrap()).collect()).unwrap();
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
    let whole = EncoderPlan::new(encoder, spec);
    let taken: Vec<&str> = spec.iter().filter(|(_, m)| (encoder.takes().accepts)(m)).map(|(name, _)| name).collect();
    let plan = match sharing {
        SharingConfig::Fusion(_) => whole,
        _ => whole.for_inputs(&taken).unwrap(),
    };
    let model = sharing.build(&mut params.root(), &plan, &tasks).unwrap();
    let heads: Vec<Linear> = (0..targets.len())
        .map(|t| {
            let (mut root, width) = (params.root(), model.views()[t].width());
            let mut place = root.sub(format!("heads.t{t}"));
            Linear::new(&mut place.role(Role::Task(t)), width, 1).unwrap()
        })
        .collect();
    let leaves: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
    let mut moments: Vec<(Tensor, Tensor)> = leaves.iter().map(|p| (p.zeros_like(), p.zeros_like())).collect();
    let losses = |samples: &Samples, mode| -> Vec<Tensor> {
        let cx = Cx::new(mode);
        let shared = model.forward(&samples.inputs, &TaskMask::all(targets.len()), &cx).unwrap();
        let loss = |(t, (head, target)): (usize, (&Linear, &Tensor))| {
            let ys = head.forward(&shared.of(t).unwrap().pooled().unwrap(), &cx).unwrap().squeeze_dim(1);
            (ys - target).square().mean(Kind::Float)
        };
        heads.iter().zip(&samples.targets).enumerate().map(loss).collect()
    };
    for step in 1..=400 {
        let losses = losses(train, Mode::Train);
        let gradients = grad(&losses, None, &leaves, Graph::Free).unwrap();
        let _guard = tch::no_grad_guard();
        for ((leaf, gradient), (m, v)) in leaves.iter().zip(gradients).zip(&mut moments) {
            let Some(g) = gradient else { continue };
            *m = &*m * 0.9 + &g * 0.1;
            *v = &*v * 0.99 + g.square() * 0.01;
            let (m, v) = (&*m / (1.0 - 0.9f64.powi(step)), &*v / (1.0 - 0.99f64.powi(step)));
            let _ = leaf.shallow_clone().subtract_(&(m / (v.sqrt() + 1e-8) * 0.02));
        }
    }
    let errors = losses(test, Mode::Eval).iter().map(|l| l.double_value(&[])).collect();
    Outcome { errors, parameters: params.numel() }
}

fn standardized(xs: &Tensor) -> Tensor {
    (xs - xs.mean(Kind::Float)) / xs.std(false)
}

fn mlp(hidden: &[i64]) -> EncoderConfig {
    EncoderConfig::Mlp(MlpEncoderConfig { hidden: hidden.to_vec(), activation: Activation::Tanh, dropout: 0.0 })
}

/// Two tasks that have nothing to do with one another, through an encoder that ends in a single number: one number cannot serve
/// both, whatever comes before it.
#[test]
fn tasks_that_fight_over_the_end_of_a_trunk_get_along_where_each_has_something_of_its_own() {
    let spec = InputSpec::table(Vec::new(), (0..4).map(|i| format!("x{i}")).collect());
    let inputs = laws::sharing::inputs(&spec, Kind::Float, 0..64).unwrap();
    let column = |j| inputs.get("numeric").unwrap().select(1, j);
    let targets = [standardized(&(column(0) + column(1))), standardized(&(column(2) - column(3)))];
    let samples = Samples { inputs, targets };
    let hard = learn(&SharingConfig::by_name("hard").unwrap(), &mlp(&[320, 1]), &spec, &samples, &samples);
    assert!(hard.errors.iter().sum::<f64>() > 0.8, "{:?}", hard.errors);
    // As wide as its stage, an attention module would be as narrow as what is fought over.
    let mtan = SharingConfig::Mtan(MtanConfig { hidden: 16 });
    let by_name = |name| SharingConfig::by_name(name).unwrap();
    for (sharing, width) in [(by_name("cross-stitch"), 16), (mtan, 16), (by_name("branch"), 64)] {
        let (own, name) = (learn(&sharing, &mlp(&[width, 1]), &spec, &samples, &samples), sharing.name());
        assert!(own.parameters <= hard.parameters, "{name}: {} parameters, hard {}", own.parameters, hard.parameters);
        let sum = |errors: &[f64]| errors.iter().sum::<f64>();
        assert!(sum(&own.errors) < 0.5 * sum(&hard.errors), "{name}: {:?}, hard {:?}", own.errors, hard.errors);
        assert!(own.errors.iter().all(|e| *e < 0.3), "{name} serves one task only: {:?}", own.errors);
    }
}

/// What the tasks want is in the picture and in the fields together; an encoder of one of them sees half.
#[test]
fn fusion_sees_what_one_input_does_not_tell() {
    let image = Picture { channels: 1, height: 4, width: 4 };
    let x = Numeric::new(vec!["x".into()]);
    let spec = InputSpec::new([("numeric", x.into()), ("image", image.into())]).unwrap();
    let samples = |rows| {
        let inputs = laws::sharing::inputs(&spec, Kind::Float, rows).unwrap();
        let x = inputs.get("numeric").unwrap().select(1, 0);
        let bright = inputs.get("image").unwrap().flatten(1, -1).mean_dim(1i64, false, Kind::Float) * 4.0;
        let targets = [(&x + &bright) * 0.5f64.sqrt(), (&x - &bright) * 0.5f64.sqrt()];
        Samples { inputs, targets }
    };
    // What is learned by heart does not count.
    let (train, test) = (samples(0..128), samples(1000..1128));
    for combine in ["concatenation", "gated"] {
        let fusion = FusionConfig {
            combine: serde_json::from_value(combine.into()).unwrap(),
            parts: vec![
                FusionPart { inputs: vec!["numeric".into()], encoder: Some(mlp(&[8])) },
                FusionPart { inputs: vec!["image".into()], encoder: None },
            ],
            width: 8,
        };
        let conv: EncoderConfig =
            serde_json::from_str(r#"{ "kind": "conv", "channels": [6], "activation": "tanh" }"#).unwrap();
        let both = learn(&SharingConfig::Fusion(fusion), &conv, &spec, &train, &test);
        let hard = SharingConfig::by_name("hard").unwrap();
        let larger: EncoderConfig =
            serde_json::from_str(r#"{ "kind": "conv", "channels": [60], "activation": "tanh" }"#).unwrap();
        for encoder in [larger, mlp(&[300])] {
            let one = learn(&hard, &encoder, &spec, &train, &test);
            assert!(one.parameters >= both.parameters, "{} and {}", one.parameters, both.parameters);
            let (one, both) = (one.errors.iter().sum::<f64>(), both.errors.iter().sum::<f64>());
            assert!(both < 0.5 * one, "{combine}: {both}, hard {one}");
        }
    }
}
