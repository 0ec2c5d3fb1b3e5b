//! Every method beside a task that has nothing to say, or shouts: 200 steps of a small network through the engine.
//!
//! | the odd task | its loss |
//! |---|---|
//! | zero | exactly 0, gradient 0 |
//! | constant | 1, gradient 0 |
//! | tiny | 1e-30 times a squared error |
//! | huge | 1e30 times a squared error |
//! | absent | no label in steps 50 to 99 |
//!
//! No step may fail, every weight, gradient and parameter stays finite, and the other tasks' losses fall.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_core::{
    answer::Class,
    balance::{AggregatorConfig, BalancerConfig, Epoch, Method},
    loss::TaskLoss,
    metric::{MetricFacts, MetricName, MetricSpec},
    params::{Init, ParamSet, Role},
    shim::{AdamStep, fused_adam},
    step::{Dropped, Forward, Policy, StepEngine},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

const STEPS: u64 = 200;
const SAMPLES: i64 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    Zero,
    Constant,
    Tiny,
    Huge,
    Absent,
}

/// Two ordinary tasks and the odd one between them, on a shared layer.
struct Net {
    params: ParamSet,
    tasks: TaskSet,
    xs: Tensor,
    ys: Tensor,
    odd: Odd,
}

fn net(odd: Odd) -> Net {
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
    let _ = params.root().stage("first").param("w", &[4, 8], Init::Normal(0.5)).unwrap();
    let _ = params.root().stage("second").param("u", &[8, 8], Init::Normal(0.5)).unwrap();
    for t in 0..3 {
        let mut root = params.root();
        let mut place = root.sub(format!("heads.t{t}"));
        let _ = place.role(Role::Task(t)).param("v", &[8], Init::Normal(0.3)).unwrap();
    }
    let tasks = ["left", "odd", "right"].map(|name| Task::new(name).unwrap().judged_by(share()));
    let number = |i: i64| ((i * 37 % 23) as f32) / 11.5 - 1.0;
    let xs = Tensor::from_slice(&(0..SAMPLES * 4).map(number).collect::<Vec<_>>()).view([SAMPLES, 4]);
    let ys = Tensor::stack(&[xs.select(1, 0) + 0.5, xs.select(1, 1) * 2.0, xs.select(1, 2) - xs.select(1, 3)], 1);
    Net { params, tasks: TaskSet::new(tasks.to_vec()).unwrap(), xs, ys, odd }
}

impl Net {
    fn forward(&self, step: u64) -> Forward {
        let p = |name: &str| self.params.get(name).unwrap().tensor();
        let hidden = self.xs.matmul(p("w")).tanh().matmul(p("u")).tanh(); // [b, 8]
        let losses = (0..3).map(|t| {
            let error = hidden.matmul(p(&format!("heads.t{t}.v"))) - self.ys.select(1, t);
            let sum: Tensor = error.square().sum(Kind::Float);
            let n = SAMPLES as f64;
            match (t, self.odd) {
                (1, Odd::Zero) => TaskLoss::new(sum * 0.0, n),
                (1, Odd::Constant) => TaskLoss::new(sum * 0.0 + n, n),
                (1, Odd::Tiny) => TaskLoss::new(sum * 1e-30, n),
                (1, Odd::Huge) => TaskLoss::new(sum * 1e30, n),
                (1, Odd::Absent) if (50..100).contains(&step) => TaskLoss::absent(),
                _ => TaskLoss::new(sum, n),
            }
        });
        let hidden_for_methods = hidden.shallow_clone();
        let mut forward = Forward::from(losses.collect::<Vec<_>>());
        forward.boundary = vec![hidden_for_methods];
        forward
    }
}

fn method(name: &str, tasks: &TaskSet) -> Method {
    if let Ok(config) = AggregatorConfig::by_name(name) {
        return config.build(tasks).unwrap().into();
    }
    let mut config = BalancerConfig::by_name(name).unwrap();
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![1.0; tasks.len()];
    }
    config.build(tasks).unwrap().into()
}

/// The parameters, by AdamW as the trainer has it.
struct Adam {
    averages: Vec<Tensor>,
    squares: Vec<Tensor>,
    steps: Vec<Tensor>,
}

impl Adam {
    fn new(params: &ParamSet) -> Self {
        let zeros = || params.params().iter().map(|p| p.tensor().detach().zeros_like()).collect();
        let steps = params.params().iter().map(|_| Tensor::from(0.0f32)).collect();
        Self { averages: zeros(), squares: zeros(), steps }
    }

    fn step(&self, params: &ParamSet, gradients: &mtl_core::step::Gradients) {
        let _guard = tch::no_grad_guard();
        let (mut p, mut g, mut a, mut s, mut n) = (vec![], vec![], vec![], vec![], vec![]);
        for (i, param) in params.params().iter().enumerate() {
            if let Some(gradient) = gradients.get(i) {
                p.push(param.tensor());
                g.push(gradient);
                a.push(&self.averages[i]);
                s.push(&self.squares[i]);
                n.push(&self.steps[i]);
            }
        }
        let adamw = AdamStep { lr: 0.01, beta1: 0.9, beta2: 0.999, weight_decay: 0.0, eps: 1e-8, decoupled: true };
        fused_adam(&p, &g, &a, &s, None, &n, adamw).unwrap();
    }
}

fn is_finite(t: &Tensor) -> bool {
    t.isfinite().all().int64_value(&[]) == 1
}

/// What went wrong in 200 steps, if anything.
fn run(name: &str, odd: Odd) -> Result<(), String> {
    let net = net(odd);
    let mut engine = StepEngine::new(net.tasks.clone(), &net.params, method(name, &net.tasks), Policy::default());
    let optimizer = Adam::new(&net.params);
    let mut seen = [(0.0, 0.0); 3]; // means of the first and last ten steps
    for step in 0..STEPS {
        let forward = net.forward(step);
        let mut looker = |_| Ok(net.forward(step));
        let stepped = engine.backward_looking(&net.params, &forward, step, &mut looker);
        let (gradients, mut report) = stepped.map_err(|e| format!("step {step}: {e}"))?;
        let weights: Vec<f64> = report.tasks.iter().map(|t| t.weight).collect();
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(format!("step {step}: weights {weights:?}"));
        }
        let gradients = gradients.ok_or_else(|| format!("step {step}: no gradient"))?;
        let norm = gradients.norm().map_err(|e| e.to_string())?;
        if !norm.is_finite() {
            return Err(format!("step {step}: gradient norm {norm}, weights {weights:?}"));
        }
        optimizer.step(&net.params, &gradients);
        if let Some((param, _)) = net.params.tensors().find(|(_, t)| !is_finite(t)) {
            return Err(format!("step {step}: {param} is not finite, weights {weights:?}"));
        }
        if !optimizer.averages.iter().chain(&optimizer.squares).all(is_finite) {
            return Err(format!("step {step}: the optimizer's state is not finite, weights {weights:?}"));
        }
        if engine.method().needs().losses_after_step && !report.weighed.is_empty() {
            let after = net.forward(step).losses;
            let of = |&t: &usize| f64::try_from(after[t].mean().unwrap()).unwrap();
            let after: Vec<f64> = report.weighed.iter().map(of).collect();
            engine.method_mut().after_step(&after, &report.weighed).map_err(|e| format!("after step {step}: {e}"))?;
        }
        if step % 20 == 19 {
            let kpis = [0.3, 0.999_999, 0.6];
            engine.method_mut().epoch_end(&Epoch { index: step / 20, kpis: &kpis }).map_err(|e| e.to_string())?;
        }
        for (mean, task) in seen.iter_mut().zip(report.tasks.drain(..)) {
            let Some(loss) = task.loss else { continue };
            match step {
                0..10 => mean.0 += loss / 10.0,
                _ if step >= STEPS - 10 => mean.1 += loss / 10.0,
                _ => {}
            }
        }
    }
    for t in [0, 2] {
        let (first, last) = seen[t];
        if last >= 0.9 * first {
            return Err(format!("task {t} does not learn: {first} to {last}"));
        }
    }
    Ok(())
}

/// All methods beside that odd task.
fn all(odd: Odd) {
    let names: Vec<&str> = BalancerConfig::ALL.iter().chain(AggregatorConfig::ALL).map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 47, "{names:?}");
    let failures: Vec<String> =
        names.iter().filter_map(|name| run(name, odd).err().map(|e| format!("{name}: {e}"))).collect();
    assert!(failures.is_empty(), "{odd:?}: {} of 47 fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_method_is_stopped_by_a_solved_task() {
    all(Odd::Zero);
}

#[test]
fn no_method_is_stopped_by_a_task_without_gradient() {
    all(Odd::Constant);
}

#[test]
fn no_method_is_stopped_by_a_tiny_loss() {
    all(Odd::Tiny);
}

#[test]
fn no_method_is_stopped_by_a_huge_loss() {
    all(Odd::Huge);
}

#[test]
fn no_method_is_stopped_by_a_task_that_is_away_for_a_while() {
    all(Odd::Absent);
}

#[test]
fn a_solved_task_is_not_weighed_and_comes_back() {
    let (solved, open) = (net(Odd::Zero), net(Odd::Absent));
    let mut engine =
        StepEngine::new(solved.tasks.clone(), &solved.params, method("log", &solved.tasks), Policy::default());
    let (_, report) = engine.backward(&solved.params, &solved.forward(0), 0).unwrap();
    assert_eq!((report.active.as_slice(), report.weighed.as_slice()), ([0, 1, 2].as_slice(), [0, 2].as_slice()));
    assert_eq!(report.tasks[1].dropped, Some(Dropped::Solved));
    for t in [0, 2] {
        let (weight, loss) = (report.tasks[t].weight, report.tasks[t].loss.unwrap());
        assert!((weight * loss - 1.0).abs() < 1e-12, "the others have the weights of the method: {weight} at {loss}");
    }
    let (_, report) = engine.backward(&open.params, &open.forward(1), 1).unwrap();
    assert_eq!(report.weighed, [0, 1, 2]);
    assert!(report.tasks.iter().all(|t| t.dropped.is_none()));
    // Methods that look at no loss see it as before.
    let mut plain =
        StepEngine::new(solved.tasks.clone(), &solved.params, method("equal", &solved.tasks), Policy::default());
    let (_, report) = plain.backward(&solved.params, &solved.forward(0), 0).unwrap();
    assert_eq!((report.weighed.len(), report.tasks[1].dropped), (3, None));
}

#[test]
fn when_everything_is_solved_all_count_alike() {
    for name in ["log", "gls", "db-mtl", "gradnorm"] {
        let net = net(Odd::Absent);
        let forward = |scale: f64| {
            let losses = net.forward(0).losses.into_iter().map(|l| TaskLoss::new(l.sum * scale, l.count));
            let mut forward = Forward::from(losses.collect::<Vec<_>>());
            forward.boundary = Vec::new();
            forward
        };
        let mut engine = StepEngine::new(net.tasks.clone(), &net.params, method(name, &net.tasks), Policy::default());
        let (gradients, report) = engine.backward(&net.params, &forward(1e-14), 0).unwrap();
        assert!(report.weighed.is_empty(), "{name}");
        assert!(report.tasks.iter().all(|t| (t.weight - 1.0).abs() < 1e-15), "{name}: {:?}", report.tasks);
        let gradients = gradients.unwrap();
        assert!((0..2).all(|i| gradients.get(i).unwrap().abs().max().double_value(&[]) > 0.0), "{name} goes on");
    }
}

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
