//! Bounds on single tasks' gradients: what comes out, what methods see, and that nothing else changes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    answer::Class,
    balance::{AggregatorConfig, BalancerConfig, Method, Space},
    loss::TaskLoss,
    metric::{MetricFacts, MetricName, MetricSpec},
    params::{Init, ParamSet, Role},
    shim::{self, Graph},
    step::{Gradients, Policy, StepEngine, StepReport},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

const N: usize = 3;
/// Between the tasks' norms: the second is far above, the third below.
const MAX: f64 = 2.0;

/// Three tasks of very different gradients over two shared parameters in two stages, and one own parameter each.
fn params() -> ParamSet {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
    let _ = params.root().stage("one").param("w", &[3, 4], Init::Normal(1.0)).unwrap();
    let _ = params.root().stage("two").param("b", &[4], Init::Normal(1.0)).unwrap();
    for t in 0..N {
        let _ = params.root().sub(format!("t{t}")).role(Role::Task(t)).param("v", &[4], Init::Normal(1.0)).unwrap();
    }
    params
}

fn tasks(weights: &[f64]) -> TaskSet {
    let task = |(name, w): (&str, &f64)| Task::new(name).unwrap().judged_by(share()).with_weight(*w);
    TaskSet::new(["a", "b", "c"].into_iter().zip(weights).map(task).collect()).unwrap()
}

fn losses(params: &ParamSet, present: &[usize]) -> Vec<TaskLoss> {
    let p = |name: &str| params.get(name).unwrap().tensor();
    let values: Vec<f64> = (0..15).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect();
    let xs = Tensor::from_slice(&values).view([5, 3]);
    let loss = |t: usize| {
        let hidden = (xs.matmul(p("w")) + p("b")).tanh();
        let out = hidden.matmul(p(&format!("t{t}.v")));
        let sum: Tensor = (out - t as f64).square().sum(Kind::Double) * [1.0, 50.0, 0.05][t];
        TaskLoss::new(sum, 5.0)
    };
    (0..N).map(|t| if present.contains(&t) { loss(t) } else { TaskLoss::absent() }).collect()
}

fn step(method: Method, weights: &[f64], max: Option<f64>, present: &[usize]) -> (Gradients, StepReport) {
    let params = params();
    let mut engine = StepEngine::new(tasks(weights), &params, method, Policy::default());
    if let Some(max) = max {
        engine.clip_tasks(max).unwrap();
    }
    let (gradients, report) = engine.backward(&params, &losses(&params, present).into(), 7).unwrap();
    (gradients.unwrap(), report)
}

fn balancer(name: &str) -> Method {
    let mut config = BalancerConfig::by_name(name).unwrap();
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![1.0; N]; // the one setting without a default
    }
    config.build(&tasks(&[1.0; N])).unwrap().into()
}

fn values(gradients: &Gradients) -> Vec<Option<Vec<f64>>> {
    let numbers = |g: &Tensor| Vec::try_from(g.to_kind(Kind::Double).reshape([-1])).unwrap();
    (0..2 + N).map(|p| gradients.get(p).map(numbers)).collect()
}

fn near(a: &[Option<Vec<f64>>], b: &[Option<Vec<f64>>], tolerance: f64) -> bool {
    let size = |list: &[Option<Vec<f64>>]| list.iter().flatten().flatten().map(|v| v.abs()).fold(0.0, f64::max);
    let same = |(x, y): (&Option<Vec<f64>>, &Option<Vec<f64>>)| match (x, y) {
        (Some(x), Some(y)) => x.iter().zip(y).all(|(x, y)| (x - y).abs() <= tolerance * size(a)),
        (x, y) => x.is_none() && y.is_none(),
    };
    a.iter().zip(b).all(same)
}

/// Per task: its gradient for every parameter, and its norm, from autograd alone.
fn rows() -> Vec<(Vec<Option<Tensor>>, f64)> {
    let params = params();
    let tensors: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
    let losses = losses(&params, &[0, 1, 2]);
    let row = |loss: &TaskLoss| {
        let grads = shim::grad_scaled(&[&loss.sum], &[1.0 / loss.count], &tensors, Graph::Keep).unwrap();
        let square: f64 = grads.iter().flatten().map(|g| g.square().sum(Kind::Double).double_value(&[])).sum();
        (grads, square.sqrt())
    };
    losses.iter().map(row).collect()
}

#[test]
fn every_task_is_bounded_over_shared_and_own_parameters() {
    let rows = rows();
    let factors: Vec<f64> = rows.iter().map(|(_, norm)| (MAX / norm).min(1.0)).collect();
    assert!(factors[1] < 0.1 && factors[2] == 1.0, "{factors:?}");
    // Methods that look at losses only: they get rows for it.
    for method in [balancer("equal"), balancer("fixed")] {
        let (gradients, report) = step(method, &[1.0; N], Some(MAX), &[0, 1, 2]);
        let expected: Vec<Option<Vec<f64>>> = (0..2 + N)
            .map(|p| {
                let scaled = rows.iter().zip(&factors).filter_map(|((grads, _), d)| grads[p].as_ref().map(|g| g * *d));
                scaled.reduce(|a, b| a + b).map(|g| Vec::try_from(g.reshape([-1])).unwrap())
            })
            .collect();
        let found = values(&gradients);
        assert!(near(&found, &expected, 1e-12), "{found:?}\n{expected:?}");
        for (task, d) in report.tasks.iter().zip(&factors) {
            assert!((task.clip - d).abs() < 1e-12 && (task.weight - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn methods_see_the_bounded_gradients() {
    // Scaling the tasks' objectives by the factors is the same, for whoever sees gradients only.
    let factors: Vec<f64> = rows().iter().map(|(_, norm)| (MAX / norm).min(1.0)).collect();
    let mut tested = 0;
    for (name, _) in BalancerConfig::ALL {
        let needs = balancer(name).needs();
        let gradients_only = needs.gramian && !needs.losses && needs.looks.is_empty();
        if !gradients_only || needs.space != Space::Parameters || needs.losses_after_step {
            continue;
        }
        let (clipped, report) = step(balancer(name), &[1.0; N], Some(MAX), &[0, 1, 2]);
        let (scaled, reference) = step(balancer(name), &factors, None, &[0, 1, 2]);
        assert!(near(&values(&clipped), &values(&scaled), 1e-7), "{name}");
        let [a, b] = [&report, &reference].map(|r| r.gramian.as_ref().unwrap().values().to_vec());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-10 * (1.0 + a.abs())), "{name}: {a:?} {b:?}");
        tested += 1;
    }
    assert!(tested >= 10, "only {tested} methods were tested");
    for (name, _) in AggregatorConfig::ALL {
        let method = || -> Method { AggregatorConfig::by_name(name).unwrap().build(&tasks(&[1.0; N])).unwrap().into() };
        if method().needs().losses {
            continue;
        }
        let clipped = step(method(), &[1.0; N], Some(MAX), &[0, 1, 2]).0;
        let scaled = step(method(), &factors, None, &[0, 1, 2]).0;
        assert!(near(&values(&clipped), &values(&scaled), 1e-5), "{name}"); // aggregators work in f32
    }
}

#[test]
fn a_loose_bound_changes_no_bit_and_single_tasks_are_bounded() {
    let loose = step(balancer("upgrad"), &[1.0; N], Some(1e6), &[0, 1, 2]).0;
    let free = step(balancer("upgrad"), &[1.0; N], None, &[0, 1, 2]).0;
    assert_eq!(values(&loose), values(&free));
    let single = step(balancer("upgrad"), &[1.0; N], Some(MAX), &[1]).0;
    let norm = values(&single).iter().flatten().flatten().map(|v| v * v).sum::<f64>().sqrt();
    assert!((norm - MAX).abs() < 1e-12, "{norm}");
}

#[test]
fn accumulated_micro_batches_are_bounded_once_together() {
    for name in ["equal", "upgrad", "uncertainty"] {
        let params = params();
        let mut engine = StepEngine::new(tasks(&[1.0; N]), &params, balancer(name), Policy::default());
        engine.clip_tasks(MAX).unwrap();
        for _ in 0..2 {
            engine.accumulate(&params, &losses(&params, &[0, 1, 2]).into(), 7).unwrap();
        }
        let (gradients, report) = engine.finish(7).unwrap();
        let (whole, _) = step(balancer(name), &[1.0; N], Some(MAX), &[0, 1, 2]);
        assert!(near(&values(&gradients.unwrap()), &values(&whole), 1e-10), "{name}");
        assert!(report.tasks[1].clip < 0.1, "{name}");
    }
}

#[test]
fn bad_bounds_and_methods_that_look_further_are_refused() {
    let params = params();
    for max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut engine = StepEngine::new(tasks(&[1.0; N]), &params, balancer("equal"), Policy::default());
        let e = engine.clip_tasks(max).unwrap_err().to_string();
        assert!(e.starts_with("task clipping: max_norm must be positive, found"), "{e}");
    }
    for name in ["modo", "sdmgrad", "auto-lambda", "moml"] {
        let mut engine = StepEngine::new(tasks(&[1.0; N]), &params, balancer(name), Policy::default());
        let e = engine.clip_tasks(1.0).unwrap_err().to_string();
        assert!(e.contains("without further looks") && e.ends_with(name), "{e}");
    }
}

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
