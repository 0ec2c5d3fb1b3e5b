//! Steps that look at further batches.

use crate::net::{K, Net, Trunk, WEIGHTS, net};
use mtl_core::Result;
use mtl_core::balance::Balancer;
use mtl_core::balance::Evidence;
use mtl_core::balance::Look;
use mtl_core::balance::Method;
use mtl_core::balance::Needs;
use mtl_core::balance::Outcome;
use mtl_core::step::Policy;
use mtl_core::step::StepEngine;
use mtl_core::step::StepMode;
use tch::Kind;
use tch::Tensor;

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
