//! The sketched Gramian of the factored mode.

use crate::net::{Given, K, TRUNKS, Trunk, factored, gram_distance, net, noise};
use mtl_core::answer::Values;
use mtl_core::balance::Method;
use mtl_core::context::Cx;
use mtl_core::loss::TaskLoss;
use mtl_core::metric::{MetricFacts, MetricName, MetricSpec};
use mtl_core::mode::Mode;
use mtl_core::nn::Linear;
use mtl_core::params::ParamSet;
use mtl_core::step::Forward;
use mtl_core::step::Policy;
use mtl_core::step::StepEngine;
use mtl_core::step::StepMode;
use mtl_core::step::mode::factored::FactoredConfig;
use mtl_core::step::mode::factored::GramianForm;
use mtl_core::task::Task;
use mtl_core::task::TaskSet;
use tch::Device;
use tch::Kind;

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
    let tasks = TaskSet::new(["x", "y"].map(|n| Task::new(n).unwrap().judged_by(error())).into()).unwrap();
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

/// A metric of numbers.
fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}
