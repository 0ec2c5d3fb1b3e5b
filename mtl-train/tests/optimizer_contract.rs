//! Every optimizer of the registry: state that survives, parameters without a gradient that stay; and each by hand in f64.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    balance::BalancerConfig,
    loss::TaskLoss,
    metric::MetricId,
    params::{Init, ParamSet, Role},
    step::{Policy, StepEngine},
    task::{Task, TaskSet},
};
use mtl_train::optim::{AdamWConfig, Optimizer, OptimizerConfig, SgdConfig};
use tch::{Device, Kind, Tensor};

const LR: f64 = 0.1;

/// A shared matrix, and one vector each of two tasks.
fn params() -> ParamSet {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 4);
    let _ = params.root().param("w", &[2, 3], Init::Normal(1.0)).unwrap();
    for t in 0..2 {
        let mut root = params.root();
        let mut place = root.sub(format!("head{t}"));
        let _ = place.role(Role::Task(t)).param("v", &[3], Init::Normal(1.0)).unwrap();
    }
    params
}

fn values(params: &ParamSet) -> Vec<Vec<f64>> {
    params.params().iter().map(|p| Vec::try_from(p.tensor().detach().reshape([-1])).unwrap()).collect()
}

/// Some steps on `sum (p - step)^2 / 2` over the shared matrix and the first task's vector: the gradient is `p - step`.
fn descend(optimizer: &mut dyn Optimizer, params: &ParamSet, steps: std::ops::Range<u64>) {
    let tasks = TaskSet::new(["a", "b"].map(|n| Task::new(n, MetricId::Rmse).unwrap()).into()).unwrap();
    let balancer = BalancerConfig::by_name("equal").unwrap().build(&tasks).unwrap();
    let mut engine = StepEngine::new(tasks, params, balancer, Policy::default());
    for step in steps {
        let half = |name: &str| -> Tensor {
            (params.get(name).unwrap().tensor() - step as f64).square().sum(Kind::Double) * 0.5
        };
        let losses = vec![TaskLoss::new(half("w") + half("head0.v"), 1.0), TaskLoss::absent()];
        let (gradients, _) = engine.backward(params, &losses.into(), step).unwrap();
        optimizer.step(params, &gradients.unwrap(), LR).unwrap();
    }
}

#[test]
fn every_state_goes_on_bit_for_bit_and_the_idle_stay() {
    for (name, _) in OptimizerConfig::ALL {
        let config = OptimizerConfig::by_name(name).unwrap();
        let (one, other) = (params(), params());
        let idle = values(&one)[2].clone();
        let mut whole = config.build().unwrap();
        descend(whole.as_mut(), &one, 0..3);
        let state = whole.state(&one);
        let saved = one.to_safetensors().unwrap();
        descend(whole.as_mut(), &one, 3..6);

        other.load_safetensors(&saved).unwrap();
        let mut resumed = config.build().unwrap();
        resumed.load_state(&other, &state).unwrap();
        descend(resumed.as_mut(), &other, 3..6);
        assert_eq!(values(&one), values(&other), "{name}");
        assert_eq!(values(&one)[2], idle, "{name}: no decay, no step without a gradient");
        assert_ne!(values(&one)[0], values(&params())[0], "{name}");
    }
}

/// The gradient of step `t` at `p`.
fn slope(p: f64, t: u64) -> f64 {
    p - t as f64
}

fn check(config: &OptimizerConfig, by_hand: impl Fn(f64, bool) -> f64) {
    let (start, params) = (values(&params()), params());
    descend(config.build().unwrap().as_mut(), &params, 0..4);
    for (which, (before, after)) in start.iter().zip(values(&params)).take(2).enumerate() {
        for (p, found) in before.iter().zip(after) {
            let expected = by_hand(*p, which == 0); // matrices decay, vectors do not
            assert!((found - expected).abs() < 1e-12, "{}: {found} and {expected}", config.name());
        }
    }
}

#[test]
fn adamw_by_hand() {
    let (wd, eps) = (0.3, 1e-8);
    let config = OptimizerConfig::AdamW(AdamWConfig { weight_decay: wd, ..AdamWConfig::default() });
    check(&config, |mut p, decays| {
        let (mut m, mut v) = (0.0, 0.0);
        for t in 0..4u64 {
            let g = slope(p, t);
            if decays {
                p -= LR * wd * p;
            }
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let k = i32::try_from(t).unwrap() + 1;
            p -= LR * (m / (1.0 - 0.9f64.powi(k))) / ((v / (1.0 - 0.999f64.powi(k))).sqrt() + eps);
        }
        p
    });
}

#[test]
fn sgd_by_hand_plain_with_momentum_and_nesterov() {
    for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
        let wd = 0.2;
        let config = OptimizerConfig::Sgd(SgdConfig { momentum, nesterov, weight_decay: wd, ..SgdConfig::default() });
        check(&config, |mut p, decays| {
            let mut buffer = 0.0;
            for t in 0..4u64 {
                let g = slope(p, t) + if decays { wd * p } else { 0.0 };
                buffer = momentum * buffer + g; // the first step fills it with the gradient
                p -= LR * if nesterov { g + momentum * buffer } else { buffer };
            }
            p
        });
    }
}
