//! Every optimizer of the registry: state that survives, parameters without a gradient that stay; and each by hand in f64.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    balance::BalancerConfig,
    loss::TaskLoss,
    params::{Init, ParamSet, Role},
    step::{Policy, StepEngine},
    task::{Task, TaskSet},
};
use mtl_metrics::known;
use mtl_train::train::optim::{
    AdagradConfig, AdamConfig, AdamWConfig, GroupConfig, LionConfig, Optimizer, OptimizerConfig, ParamGroups,
    RmsPropConfig, RoleName, SgdConfig,
};
use tch::{Device, Kind, Tensor};

const LR: f64 = 0.1;

fn tasks() -> TaskSet {
    TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap().judged_by(known("rmse").unwrap())).into()).unwrap()
}

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

fn engine(params: &ParamSet) -> StepEngine {
    let tasks = tasks();
    let balancer = BalancerConfig::by_name("equal").unwrap().build(&tasks).unwrap();
    StepEngine::new(tasks, params, balancer, Policy::default())
}

/// Some steps on `sum (p - step)^2 / 2` over the shared matrix and the first task's vector: the gradient is `p - step`.
fn descend(optimizer: &mut dyn Optimizer, params: &ParamSet, steps: std::ops::Range<u64>) {
    let mut engine = engine(params);
    for step in steps {
        let half = |name: &str| -> Tensor {
            (params.get(name).unwrap().tensor() - step as f64).square().sum(Kind::Double) * 0.5
        };
        let losses = vec![TaskLoss::new(half("w") + half("head0.v"), 1.0), TaskLoss::absent()];
        let (gradients, _) = engine.backward(params, &losses.into(), step).unwrap();
        optimizer.step(params, &gradients.unwrap(), LR).unwrap();
    }
}

/// Every member, and every variant that has other buffers or another step.
fn configs() -> Vec<OptimizerConfig> {
    let mut configs: Vec<_> = OptimizerConfig::ALL.iter().map(|(n, _)| OptimizerConfig::by_name(n).unwrap()).collect();
    configs.extend([
        OptimizerConfig::AdamW(AdamWConfig { amsgrad: true, ..AdamWConfig::default() }),
        OptimizerConfig::Adam(AdamConfig { amsgrad: true, weight_decay: 0.1, ..AdamConfig::default() }),
        OptimizerConfig::Sgd(SgdConfig { momentum: 0.0, ..SgdConfig::default() }),
        OptimizerConfig::Sgd(SgdConfig { nesterov: true, weight_decay: 0.1, ..SgdConfig::default() }),
        OptimizerConfig::RmsProp(RmsPropConfig { centered: true, momentum: 0.5, ..RmsPropConfig::default() }),
        OptimizerConfig::RmsProp(RmsPropConfig { momentum: 0.5, weight_decay: 0.1, ..RmsPropConfig::default() }),
        OptimizerConfig::Adagrad(AdagradConfig { lr_decay: 1e-3, weight_decay: 0.1, ..AdagradConfig::default() }),
        OptimizerConfig::Lion(LionConfig { weight_decay: 0.1, ..LionConfig::default() }),
    ]);
    configs
}

#[test]
fn every_state_goes_on_bit_for_bit_and_the_idle_stay() {
    for config in configs() {
        let name = format!("{config:?}");
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

#[test]
fn adam_by_hand_with_and_without_amsgrad() {
    let wd = 0.3;
    for amsgrad in [false, true] {
        let config = OptimizerConfig::Adam(AdamConfig { weight_decay: wd, amsgrad, ..AdamConfig::default() });
        check(&config, |mut p, decays| {
            let (mut m, mut v, mut largest) = (0.0, 0.0, 0.0f64);
            for t in 0..4u64 {
                let g = slope(p, t) + if decays { wd * p } else { 0.0 };
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                largest = largest.max(v);
                let k = i32::try_from(t).unwrap() + 1;
                let square = if amsgrad { largest } else { v } / (1.0 - 0.999f64.powi(k));
                p -= LR * (m / (1.0 - 0.9f64.powi(k))) / (square.sqrt() + 1e-8);
            }
            p
        });
    }
}

#[test]
fn rmsprop_by_hand_plain_centered_and_with_momentum() {
    let (wd, alpha, eps) = (0.2, 0.9, 1e-3);
    for (momentum, centered) in [(0.0, false), (0.7, false), (0.0, true), (0.7, true)] {
        let config = RmsPropConfig { alpha, momentum, centered, weight_decay: wd, eps, ..RmsPropConfig::default() };
        check(&OptimizerConfig::RmsProp(config), |mut p, decays| {
            let (mut square, mut mean, mut buffer) = (0.0, 0.0, 0.0);
            for t in 0..4u64 {
                let g = slope(p, t) + if decays { wd * p } else { 0.0 };
                square = alpha * square + (1.0 - alpha) * g * g;
                mean = alpha * mean + (1.0 - alpha) * g;
                let variance = if centered { square - mean * mean } else { square };
                buffer = momentum * buffer + g / (variance.sqrt() + eps);
                p -= LR * buffer;
            }
            p
        });
    }
}

#[test]
fn adagrad_by_hand() {
    let config =
        AdagradConfig { lr_decay: 0.3, weight_decay: 0.2, initial_accumulator: 0.5, ..AdagradConfig::default() };
    check(&OptimizerConfig::Adagrad(config), |mut p, decays| {
        let mut sum = 0.5;
        for t in 0..4u64 {
            let g = slope(p, t) + if decays { 0.2 * p } else { 0.0 };
            sum += g * g;
            p -= LR / (1.0 + 0.3 * t as f64) * g / (sum.sqrt() + 1e-10);
        }
        p
    });
}

#[test]
fn lion_by_hand() {
    let config = LionConfig { betas: [0.8, 0.6], weight_decay: 0.2, ..LionConfig::default() };
    check(&OptimizerConfig::Lion(config), |mut p, decays| {
        let mut momentum = 0.0;
        for t in 0..4u64 {
            let g = slope(p, t);
            if decays {
                p *= 1.0 - LR * 0.2;
            }
            p -= LR * f64::signum(0.8 * momentum + 0.2 * g);
            momentum = 0.6 * momentum + 0.4 * g;
        }
        p
    });
}

#[test]
fn groups_change_rate_and_decay_of_their_own_only() {
    let group = |role, lr_factor, weight_decay| GroupConfig {
        role: Some(role),
        lr_factor,
        weight_decay,
        ..GroupConfig::default()
    };
    for config in configs() {
        let move_of = |groups: &[GroupConfig]| {
            let params = params();
            let groups = ParamGroups::resolve(groups, &params, &tasks()).unwrap();
            descend(config.build_with(groups).unwrap().as_mut(), &params, 0..3);
            values(&params)
        };
        let (plain, start) = (move_of(&[]), values(&params()));
        let frozen = move_of(&[group(RoleName::Shared, 0.0, None)]);
        assert_eq!((&frozen[0], &frozen[1]), (&start[0], &plain[1]), "{config:?}: a factor of 0 freezes");
        let faster = move_of(&[group(RoleName::Task, 2.0, None)]);
        assert_eq!(faster[0], plain[0], "{config:?}");
        assert_ne!(faster[1], plain[1], "{config:?}");
        let decayed = move_of(&[group(RoleName::Shared, 1.0, Some(0.5))]);
        assert_ne!(decayed[0], plain[0], "{config:?}");
        assert_eq!(decayed[1], plain[1], "{config:?}");
        // Biases never decay, whatever their group says.
        assert_eq!(move_of(&[group(RoleName::Task, 1.0, Some(0.5))])[1], plain[1], "{config:?}");
    }
}

#[test]
fn every_optimizer_learns() {
    // To the minimum of a quadratic with a falling rate, large because Adagrad's falls by itself as well.
    let distance = |params: &ParamSet| values(params).iter().take(2).flatten().map(|p| p.abs()).sum::<f64>();
    for config in configs() {
        let params = params();
        let before = distance(&params);
        let mut optimizer = config.build().unwrap();
        let mut engine = engine(&params);
        for step in 0..300u64 {
            let half = |name: &str| params.get(name).unwrap().tensor().square().sum(Kind::Double) * 0.5;
            let losses = vec![TaskLoss::new(half("w") + half("head0.v"), 1.0), TaskLoss::absent()];
            let (gradients, _) = engine.backward(&params, &losses.into(), step).unwrap();
            optimizer.step(&params, &gradients.unwrap(), 0.2 * (1.0 - step as f64 / 300.0)).unwrap();
        }
        let after = distance(&params);
        assert!(after < 0.1 * before, "{config:?}: {before} to {after}");
    }
}

#[test]
fn state_of_another_model_is_refused_and_changes_nothing() {
    for config in configs() {
        let (one, mut other) = (params(), ParamSet::new(Kind::Double, Device::Cpu, 4));
        let _ = other.root().param("w", &[5], Init::Zeros).unwrap();
        let mut optimizer = config.build().unwrap();
        descend(optimizer.as_mut(), &one, 0..2);
        let state = optimizer.state(&one);
        if state.is_empty() {
            continue;
        }
        let mut fresh = config.build().unwrap();
        let e = fresh.load_state(&other, &state).unwrap_err().to_string();
        assert!(e.contains("saved state does not fit") && e.contains("[5], found [2, 3]"), "{e}");
        assert!(fresh.state(&one).is_empty());
    }
}

#[test]
fn bad_settings_are_refused_by_name() {
    for (text, expected) in [
        ("kind = 'adamw'\nlr = 0", "adamw: lr must be positive, found 0"),
        ("kind = 'adam'\nbetas = [0.9, 1.0]", "adam: betas must be in [0, 1), found 1"),
        ("kind = 'adam'\nweight_decay = -1", "adam: weight_decay must be >= 0, found -1"),
        ("kind = 'adamw'\neps = 0", "adamw: eps must be positive, found 0"),
        ("kind = 'sgd'\nmomentum = 0\nnesterov = true", "sgd: momentum must be positive with nesterov, found 0"),
        ("kind = 'rmsprop'\nalpha = 1.5", "rmsprop: alpha must be in [0, 1), found 1.5"),
        ("kind = 'rmsprop'\nmomentum = -0.1", "rmsprop: momentum must be in [0, 1), found -0.1"),
        ("kind = 'adagrad'\nlr_decay = nan", "adagrad: lr_decay must be >= 0, found NaN"),
        ("kind = 'adagrad'\ninitial_accumulator = -1", "adagrad: initial_accumulator must be >= 0, found -1"),
        ("kind = 'lion'\nlr = inf", "lion: lr must be positive, found inf"),
        ("kind = 'lion'\nbetas = [-0.1, 0.9]", "lion: betas must be in [0, 1), found -0.1"),
    ] {
        let config: OptimizerConfig = toml::from_str(text).unwrap();
        assert_eq!(config.build().unwrap_err().to_string(), expected);
    }
}
