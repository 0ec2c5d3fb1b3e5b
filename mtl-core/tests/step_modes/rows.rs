//! Micro-batches, and methods that look at the rows themselves.

use crate::net::{K, Trunk, distance, gram_distance, net};
use mtl_core::balance::AggregatorConfig;
use mtl_core::balance::Evidence;
use mtl_core::balance::aggregator::aggregate;
use mtl_core::step::Forward;
use mtl_core::step::Policy;
use mtl_core::step::StepEngine;
use mtl_core::step::StepMode;
use mtl_core::step::mode::representation::RepresentationConfig;
use tch::Kind;
use tch::Tensor;

#[test]
fn micro_batches_equal_their_union() {
    for gramian in [true, false] {
        let net = net(Trunk::Mlp, false, Kind::Double);
        let engine = || match gramian {
            true => net.engine(StepMode::default(), false),
            false => {
                let method = mtl_core::balance::BalancerConfig::by_name("equal").unwrap().build(&net.tasks).unwrap();
                StepEngine::new(net.tasks.clone(), &net.params, method, Policy::default())
            }
        };
        let without_auxiliary = |mut forward: Forward| {
            forward.auxiliary.clear(); // a mean over a micro-batch, not over the union
            forward
        };
        let union = engine().backward(&net.params, &without_auxiliary(net.forward()), 0).unwrap();
        let mut parts = engine();
        // Gradient methods count items, the others micro-batches, so those get equal sizes.
        let sizes = if gramian { [5, 4, 3] } else { [4, 4, 4] };
        let mut from = 0;
        for n in sizes {
            parts.accumulate(&net.params, &without_auxiliary(net.forward_rows(from, Some(n))), 0).unwrap();
            from += n;
        }
        let (gradients, report) = parts.finish(0).unwrap();
        assert!(distance(&net, &gradients.unwrap(), &union.0.unwrap()) < 1e-12, "gramian {gramian}");
        assert_eq!(report.active, union.1.active);
        for (a, b) in report.tasks.iter().zip(&union.1.tasks) {
            assert!((a.loss.unwrap() - b.loss.unwrap()).abs() < 1e-12 && a.count == b.count && a.weight == b.weight);
        }
        if gramian {
            assert!(gram_distance(&report.gramian.unwrap(), &union.1.gramian.unwrap()) < 1e-12);
        }
        assert!(parts.finish(1).unwrap().0.is_none(), "nothing is left over");
    }
}

#[test]
fn aggregators_get_the_rows_of_the_engine() {
    let net = net(Trunk::Mlp, false, Kind::Float);
    let forward = net.forward();
    let shared = net.params.shared();
    let inputs: Vec<&Tensor> = shared.iter().map(|&p| net.params.params()[p].tensor()).collect();
    let rows: Vec<Vec<Vec<f32>>> = (0..K)
        .map(|t| {
            let factor = net.tasks.get(t).unwrap().weight / forward.losses[t].count;
            let grads = Tensor::run_backward(&[&forward.losses[t].sum * factor], &inputs, true, false);
            grads.iter().map(|g| Vec::<f32>::try_from(g.reshape([-1])).unwrap()).collect()
        })
        .collect();
    let losses: Vec<f64> = (0..K)
        .map(|t| net.tasks.get(t).unwrap().weight * f64::try_from(forward.losses[t].mean().unwrap()).unwrap())
        .collect();
    for (name, _) in AggregatorConfig::ALL {
        let config = AggregatorConfig::by_name(name).unwrap();
        let mut engine =
            StepEngine::new(net.tasks.clone(), &net.params, config.build(&net.tasks).unwrap(), Policy::default());
        let mut forward = net.forward();
        forward.auxiliary.clear();
        let (gradients, report) = engine.backward(&net.params, &forward, 4).unwrap();
        let gradients = gradients.unwrap();
        let blocks: Vec<Vec<&[f32]>> =
            (0..shared.len()).map(|p| rows.iter().map(|row| row[p].as_slice()).collect()).collect();
        let mut directions: Vec<Vec<f32>> = rows[0].iter().map(|g| vec![0.0; g.len()]).collect();
        let mut method = config.build(&net.tasks).unwrap();
        let evidence = Evidence {
            tasks: &[0, 1, 2],
            losses: &losses,
            gramian: report.gramian.as_ref(),
            step: 4,
            ..Evidence::default()
        };
        aggregate(method.as_mut(), &evidence, &blocks, &mut directions).unwrap();
        for (p, direction) in shared.iter().zip(&directions) {
            let found = Vec::<f32>::try_from(gradients.get(*p).unwrap().reshape([-1])).unwrap();
            let scale = direction.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
            let worst = found.iter().zip(direction).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-4 * scale, "{name}: {worst} of {scale}");
        }
        let refused =
            StepEngine::new(net.tasks.clone(), &net.params, config.build(&net.tasks).unwrap(), Policy::default());
        let mode = StepMode::Representation(RepresentationConfig::default());
        let e = refused.with_mode(mode).unwrap().backward(&net.params, &net.forward(), 0).unwrap_err().to_string();
        assert!(e.contains(name) && e.contains("exact or batched"), "{e}");
    }
}
