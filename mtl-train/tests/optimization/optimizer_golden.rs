//! Every optimizer against `torch.optim` over 20 steps, with a parameter whose task is absent now and then
//! (`tests/golden/make_optim_golden.py`).

use std::collections::BTreeMap;

use mtl_core::{
    balance::BalancerConfig,
    loss::TaskLoss,
    params::{Init, ParamSet, Role},
    step::{Policy, StepEngine},
    task::{Task, TaskSet},
};
use mtl_metrics::known;
use mtl_train::train::optim::{GroupConfig, OptimizerConfig, ParamGroups};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Golden {
    versions: BTreeMap<String, String>,
    steps: usize,
    start: BTreeMap<String, Vec<f64>>,
    grads: Vec<BTreeMap<String, Option<Vec<f64>>>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: OptimizerConfig,
    groups: Vec<GroupConfig>,
    trace: Vec<BTreeMap<String, Vec<f64>>>,
}

fn values(params: &ParamSet, name: &str) -> Vec<f64> {
    Vec::try_from(params.get(name).unwrap().tensor().detach().to_kind(Kind::Double).reshape([-1])).unwrap()
}

/// The largest error over all steps, relative to the size of the values.
fn error(golden: &Golden, case: &Case, kind: Kind) -> f64 {
    let mut params = ParamSet::new(kind, Device::Cpu, 0);
    let _ = params.root().param("w", &[3, 2], Init::Zeros).unwrap();
    let _ = params.root().role(Role::Task(0)).param("v", &[3], Init::Zeros).unwrap();
    let like = |name: &str, values: &[f64]| {
        let tensor = params.get(name).unwrap().tensor();
        Tensor::from_slice(values).to_kind(kind).view_as(tensor)
    };
    let start: Vec<(String, Tensor)> = golden.start.iter().map(|(n, v)| (n.clone(), like(n, v))).collect();
    params.load_tensors(&start).unwrap();
    let tasks =
        TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap().judged_by(known("rmse").unwrap())).into()).unwrap();
    let groups = ParamGroups::resolve(&case.groups, &params, &tasks).unwrap();
    let mut optimizer = case.config.build_with(groups).unwrap();
    let balancer = BalancerConfig::by_name("equal").unwrap().build(&tasks).unwrap();
    let mut engine = StepEngine::new(tasks, &params, balancer, Policy::default());
    let mut worst: f64 = 0.0;
    for (step, (grads, expected)) in golden.grads.iter().zip(&case.trace).enumerate() {
        // A linear loss has the gradient that is wanted.
        let loss = |name: &str| match grads.get(name).and_then(Option::as_ref) {
            Some(grad) => TaskLoss::new((params.get(name).unwrap().tensor() * like(name, grad)).sum(kind), 1.0),
            None => TaskLoss::absent(),
        };
        let (gradients, _) = engine.backward(&params, &vec![loss("v"), loss("w")].into(), step as u64).unwrap();
        optimizer.step(&params, &gradients.unwrap(), case.config.lr()).unwrap();
        for (name, expected) in expected {
            for (found, expected) in values(&params, name).iter().zip(expected) {
                worst = worst.max((found - expected).abs() / (1.0 + expected.abs()));
            }
        }
    }
    worst
}

#[test]
fn twenty_steps_are_those_of_torch_optim() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/optimizers.json")).unwrap();
    assert_eq!(golden.versions["torch"], "2.11.0");
    assert!(golden.steps == 20 && golden.grads.len() == 20);
    for case in &golden.cases {
        assert_eq!(case.trace.len(), 20, "{}", case.name);
        let (double, float) = (error(&golden, case, Kind::Double), error(&golden, case, Kind::Float));
        assert!(double < 1e-12, "{} in f64: {double:e}", case.name);
        // The fused Adagrad and Lion's sign amplify what f32 rounds off gradients near 0.
        assert!(float < 2e-5, "{} in f32: {float:e}", case.name);
    }
    for (name, _) in OptimizerConfig::ALL {
        assert!(golden.cases.iter().any(|case| case.config.name() == *name), "{name} has no golden values");
    }
}
