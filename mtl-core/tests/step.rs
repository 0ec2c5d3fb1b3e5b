//! The step engine against flat references in f64: rows, Gramian, combination, head rule, policies.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    Error, Result,
    answer::Values,
    balance::{Balancer, BalancerConfig, Evidence, Needs, Outcome},
    loss::TaskLoss,
    metric::{MetricFacts, MetricName, MetricSpec},
    params::{Init, ParamSet, Role},
    share::AuxiliaryLoss,
    shim::{self, Graph, Rows},
    step::{Dropped, Forward, NonFinitePolicy, Policy, StepEngine, ZeroGradientPolicy},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

/// Weights as given, on the path asked for.
#[derive(Debug)]
struct Given {
    weights: Vec<f64>,
    gramian: bool,
}

impl Balancer for Given {
    fn name(&self) -> &'static str {
        "given"
    }
    fn needs(&self) -> Needs {
        Needs { gramian: self.gramian, ..Needs::default() }
    }
    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        for (w, &t) in weights.iter_mut().zip(evidence.tasks) {
            *w = self.weights[t];
        }
        Ok(Outcome::default())
    }
}

/// Three tasks over two shared parameters and one own parameter each.
struct Net {
    params: ParamSet,
    tasks: TaskSet,
    xs: Tensor,
}

const COUNTS: [f64; 3] = [4.0, 2.0, 5.0];

fn net() -> Net {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
    let _ = params.root().param("w", &[3, 4], Init::Normal(1.0)).unwrap();
    let _ = params.root().param("b", &[4], Init::Normal(1.0)).unwrap();
    for t in 0..3 {
        let _ = params
            .root()
            .sub("heads")
            .sub(format!("t{t}"))
            .role(Role::Task(t))
            .param("v", &[4], Init::Normal(1.0))
            .unwrap();
    }
    let tasks = ["a", "b", "c"].map(|n| Task::new(n).unwrap().judged_by(error()));
    let tasks = TaskSet::new(tasks.into_iter().zip([1.0, 0.5, 2.0]).map(|(t, w)| t.with_weight(w)).collect()).unwrap();
    let values: Vec<f64> = (0..15).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect();
    Net { params, tasks, xs: Tensor::from_slice(&values).view([5, 3]) }
}

impl Net {
    fn p(&self, name: &str) -> &Tensor {
        self.params.get(name).unwrap().tensor()
    }

    fn loss(&self, t: usize) -> TaskLoss {
        let hidden = (self.xs.matmul(self.p("w")) + self.p("b")).tanh();
        let out = hidden.matmul(self.p(&format!("heads.t{t}.v")));
        let sum: Tensor = (out - t as f64).square().sum(Kind::Double);
        TaskLoss::new(sum, COUNTS[t])
    }

    fn losses(&self) -> Vec<TaskLoss> {
        (0..3).map(|t| self.loss(t)).collect()
    }

    /// Gradient of one task's objective by tch's own call, for every parameter.
    fn reference(&self, t: usize) -> Vec<Tensor> {
        let objective = &self.loss(t).sum * (self.tasks.get(t).unwrap().weight / COUNTS[t]);
        let all: Vec<&Tensor> = self.params.params().iter().map(|p| p.tensor()).collect();
        let grads = Tensor::run_backward(&[objective], &all, false, false);
        grads.into_iter().zip(all).map(|(g, p)| if g.defined() { g } else { p.zeros_like() }).collect()
    }

    fn engine(&self, balancer: Box<dyn Balancer>, policy: Policy) -> StepEngine {
        StepEngine::new(self.tasks.clone(), &self.params, balancer, policy)
    }
}

fn close(a: &Tensor, b: &Tensor, tolerance: f64) -> bool {
    (a - b).abs().max().double_value(&[]) <= tolerance * (1.0 + b.abs().max().double_value(&[]))
}

#[test]
fn one_pass_and_rows_agree_and_heads_follow_the_plain_gradient() {
    let net = net();
    let weights = vec![0.3, 2.0, 1.25];
    for gramian in [false, true] {
        let mut engine = net.engine(Box::new(Given { weights: weights.clone(), gramian }), Policy::default());
        let (gradients, report) = engine.backward(&net.params, &net.losses().into(), 0).unwrap();
        let gradients = gradients.unwrap();
        let rows: Vec<Vec<Tensor>> = (0..3).map(|t| net.reference(t)).collect();
        for shared in 0..2 {
            let expected: Tensor = rows.iter().zip(&weights).map(|(row, w)| &row[shared] * *w).sum();
            assert!(close(gradients.get(shared).unwrap(), &expected, 1e-12), "gramian {gramian}");
        }
        for t in 0..3 {
            assert!(close(gradients.get(2 + t).unwrap(), &rows[t][2 + t], 1e-12), "head {t}, gramian {gramian}");
        }
        assert_eq!(report.tasks.iter().map(|t| t.weight).collect::<Vec<_>>(), weights);
        assert_eq!(report.gramian.is_some(), gramian);
        if let Some(g) = report.gramian {
            for i in 0..3 {
                for j in 0..3 {
                    let expected: f64 =
                        (0..2).map(|p| (&rows[i][p] * &rows[j][p]).sum(Kind::Double).double_value(&[])).sum();
                    assert!((g.get(i, j) - expected).abs() <= 1e-12 * expected.abs().max(1.0));
                }
            }
        }
    }
}

#[test]
fn one_task_is_plain_descent_for_every_balancer() {
    let net = net();
    let plain = net.reference(1);
    for (name, _) in BalancerConfig::ALL {
        let balancer = match BalancerConfig::by_name(name).unwrap().build(&net.tasks) {
            Ok(balancer) => balancer,
            Err(Error::InvalidConfig { .. }) => continue, // needs settings that have no default, such as fixed weights
            Err(e) => panic!("{name}: {e}"),
        };
        let mut engine = net.engine(balancer, Policy::default());
        let losses = vec![TaskLoss::absent(), net.loss(1), TaskLoss::absent()];
        let (gradients, report) = engine.backward(&net.params, &losses.into(), 0).unwrap();
        let gradients = gradients.unwrap();
        assert!((0..2).all(|p| close(gradients.get(p).unwrap(), &plain[p], 1e-12)), "{name}");
        assert!(gradients.get(2).is_none() && gradients.get(3).is_some() && gradients.get(4).is_none(), "{name}");
        assert_eq!(report.tasks[0].dropped, Some(Dropped::Absent));
        assert_eq!(report.active, [1]);
    }
}

/// Another weight in every block: the block's index plus one, times the task's.
#[derive(Debug)]
struct ByBlock;

impl Balancer for ByBlock {
    fn name(&self) -> &'static str {
        "by-block"
    }
    fn needs(&self) -> Needs {
        Needs { gramian: true, blocks: true, ..Needs::default() }
    }
    fn weigh(&mut self, _: &Evidence<'_>, _: &mut [f64]) -> Result<Outcome> {
        panic!("the engine asks by block")
    }
    fn weigh_blocks(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let whole = evidence.gramian.unwrap();
        for i in 0..3 {
            let sum: f64 = evidence.blocks.iter().map(|b| b.diag(i)).sum();
            assert!((sum - whole.diag(i)).abs() <= 1e-12 * whole.diag(i), "blocks sum to the whole");
        }
        for (k, w) in weights.iter_mut().enumerate() {
            *w = (k / 3 + 1) as f64 * [0.5, 1.0, 2.0][k % 3];
        }
        Ok(Outcome::default())
    }
}

#[test]
fn each_stage_is_a_block_with_weights_of_its_own() {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
    let (a, b) = {
        let mut root = params.root();
        let a = root.stage("first").param("a", &[3], Init::Normal(1.0)).unwrap();
        (a, root.stage("second").param("b", &[2], Init::Normal(1.0)).unwrap())
    };
    let net = net();
    let losses: Vec<TaskLoss> = [1.0, 2.0, 5.0]
        .map(|c| TaskLoss::new((&a * c).square().sum(Kind::Double) + (&b * c).sin().sum(Kind::Double), 1.0))
        .into();
    let rows: Vec<Vec<Tensor>> = losses
        .iter()
        .zip([1.0, 0.5, 2.0])
        .map(|(l, w)| Tensor::run_backward(&[&l.sum * w], &[&a, &b], true, false))
        .collect();
    let mut engine = StepEngine::new(net.tasks.clone(), &params, Box::new(ByBlock), Policy::default());
    let gradients = engine.backward(&params, &losses.into(), 0).unwrap().0.unwrap();
    for block in 0..2 {
        let factor = (block + 1) as f64;
        let expected: Tensor = rows.iter().zip([0.5, 1.0, 2.0]).map(|(row, w)| &row[block] * (w * factor)).sum();
        assert!(close(gradients.get(block).unwrap(), &expected, 1e-12));
    }
}

#[test]
fn nothing_present_is_no_step() {
    let net = net();
    let mut engine = net.engine(Box::new(Given { weights: vec![1.0; 3], gramian: true }), Policy::default());
    let losses = (0..3).map(|_| TaskLoss::absent()).collect::<Vec<_>>();
    assert!(engine.backward(&net.params, &losses.into(), 0).unwrap().0.is_none());
    let two = (0..2).map(|_| TaskLoss::absent()).collect::<Vec<_>>();
    assert!(engine.backward(&net.params, &two.into(), 0).is_err());
}

#[test]
fn a_vanishing_gradient_does_not_freeze_the_others() {
    let net = net();
    let flat = |loss: TaskLoss| TaskLoss::new(loss.sum * 0.0, loss.count);
    for (policy, dropped) in [(ZeroGradientPolicy::Drop, Some(Dropped::ZeroGradient)), (ZeroGradientPolicy::Keep, None)]
    {
        let policy = Policy { zero_gradient: policy, ..Policy::default() };
        let balancer = BalancerConfig::by_name("mgda").unwrap().build(&net.tasks).unwrap();
        let losses = vec![net.loss(0), flat(net.loss(1)), net.loss(2)];
        let (gradients, report) = net.engine(balancer, policy).backward(&net.params, &losses.into(), 0).unwrap();
        assert_eq!(report.tasks[1].dropped, dropped);
        let moves = gradients.unwrap().get(0).unwrap().abs().max().double_value(&[]) > 1e-6;
        assert_eq!(moves, dropped.is_some(), "MGDA stops when a zero row is kept, and only then");
    }
}

#[test]
fn non_finite_losses_follow_the_policy() {
    let net = net();
    let broken = || vec![net.loss(0), TaskLoss::new(net.loss(1).sum * f64::NAN, 2.0), net.loss(2)];
    let run = |non_finite, gramian| {
        let policy = Policy { non_finite, ..Policy::default() };
        net.engine(Box::new(Given { weights: vec![1.0; 3], gramian }), policy).backward(
            &net.params,
            &broken().into(),
            3,
        )
    };
    for gramian in [false, true] {
        let e = run(NonFinitePolicy::Stop, gramian).unwrap_err().to_string();
        assert_eq!(e, "loss of task b is not finite (NaN)");
        let (gradients, report) = run(NonFinitePolicy::SkipStep, gramian).unwrap();
        assert!(gradients.is_none() && report.skipped);
        let (gradients, report) = run(NonFinitePolicy::DropTask, gramian).unwrap();
        let gradients = gradients.unwrap();
        assert_eq!(report.tasks[1].dropped, Some(Dropped::NonFiniteLoss));
        assert!(gradients.get(3).is_none());
        assert!(gradients.iter().all(|(_, g)| g.isfinite().all().int64_value(&[]) == 1));
    }
}

#[test]
fn a_gradient_that_is_not_finite_names_its_task() {
    let net = net();
    // A finite loss with an infinite slope: sqrt at 0.
    let spike = || TaskLoss::new((net.p("w") * 0.0).sqrt().sum(Kind::Double), 1.0);
    let run = |non_finite| {
        let policy = Policy { non_finite, ..Policy::default() };
        let losses = vec![net.loss(0), spike(), net.loss(2)];
        net.engine(Box::new(Given { weights: vec![1.0; 3], gramian: true }), policy).backward(
            &net.params,
            &losses.into(),
            0,
        )
    };
    assert!(run(NonFinitePolicy::Stop).unwrap_err().to_string().starts_with("gradient of task b is not finite"));
    let (gradients, report) = run(NonFinitePolicy::DropTask).unwrap();
    assert_eq!(report.tasks[1].dropped, Some(Dropped::NonFiniteGradient));
    assert_eq!(report.active, [0, 2]);
    assert!(gradients.unwrap().iter().all(|(_, g)| g.isfinite().all().int64_value(&[]) == 1));
}

#[test]
fn auxiliary_losses_are_added_as_they_are() {
    let net = net();
    for gramian in [false, true] {
        let run = |aux: Vec<AuxiliaryLoss>| {
            let balancer = Box::new(Given { weights: vec![0.5; 3], gramian });
            net.engine(balancer, Policy::default())
                .backward(&net.params, &Forward { losses: net.losses(), auxiliary: aux, ..Forward::default() }, 0)
                .unwrap()
                .0
                .unwrap()
        };
        let (without, with) =
            (run(vec![]), run(vec![AuxiliaryLoss { name: "decay", loss: net.p("w").square().sum(Kind::Double) }]));
        let expected: Tensor = without.get(0).unwrap() + net.p("w") * 2.0;
        assert!(close(with.get(0).unwrap(), &expected, 1e-12));
        assert!(close(with.get(2).unwrap(), without.get(2).unwrap(), 1e-12));
    }
}

#[test]
fn one_gradient_tensor_for_two_parameters_is_not_scaled_twice() {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
    let (a, b) =
        (params.root().param("a", &[3], Init::Ones).unwrap(), params.root().param("b", &[3], Init::Ones).unwrap());
    let tasks = TaskSet::new(["x", "y"].map(|n| Task::new(n).unwrap().judged_by(error())).into()).unwrap();
    // The engine hands the same tensor to both inputs of an addition.
    let losses = || [1.0, 10.0].map(|c| TaskLoss::new(((&a + &b) * c).sum(Kind::Double), 1.0));
    for gramian in [false, true] {
        let balancer = Box::new(Given { weights: vec![2.0, 3.0], gramian });
        let mut engine = StepEngine::new(tasks.clone(), &params, balancer, Policy::default());
        let mut gradients = engine.backward(&params, &Vec::from(losses()).into(), 0).unwrap().0.unwrap();
        for p in 0..2 {
            assert_eq!(Vec::<f64>::try_from(gradients.get(p).unwrap()).unwrap(), [32.0; 3], "gramian {gramian}");
        }
        let norm = gradients.clip_norm(1.0).unwrap();
        assert!((norm - 32.0 * 6f64.sqrt()).abs() < 1e-9);
        assert!((gradients.norm().unwrap() - 1.0).abs() < 1e-9);
        gradients.write_to(&params).unwrap();
        assert!(close(&a.grad(), gradients.get(0).unwrap(), 0.0));
    }
}

#[test]
fn gradients_take_cotangents_and_tell_unused_inputs() {
    let x = Tensor::from_slice(&[1.0, 2.0]).set_requires_grad(true);
    let unused = Tensor::from_slice(&[1.0]).set_requires_grad(true);
    let y = x.square();
    let cotangent = Tensor::from_slice(&[1.0, 10.0]);
    let g = shim::grad(&[&y], Some(std::slice::from_ref(&cotangent)), &[&x, &unused], Graph::Keep).unwrap();
    assert_eq!(Vec::<f64>::try_from(g[0].as_ref().unwrap()).unwrap(), [2.0, 40.0]);
    assert!(g[1].is_none());
    let wrong = [Tensor::from_slice(&[1.0])];
    let e = shim::grad(&[&y], Some(&wrong), &[&x], Graph::Keep).unwrap_err().to_string();
    assert!(e.starts_with("gradient: cotangent 0 has shape [1], its output [2]"), "{e}");
    assert!(
        shim::grad(&[&y], None, &[&cotangent], Graph::Keep).unwrap_err().to_string().contains("does not require grad")
    );
    let second = shim::grad(&[&y.sum(Kind::Double)], None, &[&x], Graph::Create).unwrap();
    let h = shim::grad(&[second[0].as_ref().unwrap()], None, &[&x], Graph::Free).unwrap();
    assert_eq!(Vec::<f64>::try_from(h[0].as_ref().unwrap()).unwrap(), [2.0, 2.0]);
    shim::grad(&[&y], None, &[&x], Graph::Free).unwrap();
    let e = shim::grad(&[&y], None, &[&x], Graph::Free).unwrap_err().to_string();
    assert_eq!(e.lines().count(), 1, "{e}");
}

#[test]
fn the_gramian_has_the_same_bits_for_any_number_of_threads() {
    let rows: Vec<Vec<Option<Tensor>>> = (0..3)
        .map(|t| {
            let long = Tensor::arange(300_001, (Kind::Float, Device::Cpu)) * (0.37 + f64::from(t));
            let matrix =
                (Tensor::arange(700, (Kind::Float, Device::Cpu)) * (1.1 + f64::from(t))).cos().view([20, 35]).tr();
            vec![Some(long.sin()), if t == 1 { None } else { Some(matrix) }]
        })
        .collect();
    let mut bits = Vec::new();
    for threads in [1, 2, 4] {
        tch::set_num_threads(threads);
        let mut kept = Rows::given(2).unwrap();
        rows.iter().for_each(|row| kept.push(row).unwrap());
        let gram = kept.gramian(None).unwrap();
        bits.push(gram.iter().map(|g| g.to_bits()).collect::<Vec<_>>());
    }
    assert!(bits.windows(2).all(|w| w[0] == w[1]));
    let flat = |t: usize, p: usize| rows[t][p].as_ref().map(|r| r.to_kind(Kind::Double));
    let by_hand = (flat(0, 0).unwrap() * flat(2, 0).unwrap()).sum(Kind::Double).double_value(&[])
        + (flat(0, 1).unwrap() * flat(2, 1).unwrap()).sum(Kind::Double).double_value(&[]);
    assert!((f64::from_bits(bits[0][2]) - by_hand).abs() <= 1e-12 * by_hand.abs().max(1.0));
}

/// A metric of numbers.
fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}
