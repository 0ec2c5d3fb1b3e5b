//! What modes claim to share with the exact one.

use crate::net::{K, TRUNKS, Trunk, distance, factored, gram_distance, net};
use mtl_core::balance::Gramian;
use mtl_core::step::StepMode;
use mtl_core::step::mode::batched::BatchedConfig;
use mtl_core::step::mode::factored::GramianForm;
use mtl_core::step::mode::low_memory::LowMemoryConfig;
use mtl_core::step::mode::representation::RepresentationConfig;
use tch::Kind;
use tch::Tensor;

#[test]
fn modes_that_claim_the_exact_gramian_have_it() {
    for trunk in TRUNKS {
        for above in [false, true] {
            let net = net(trunk, above, Kind::Double);
            let (exact, reference) = net.step(StepMode::default(), false);
            let reference = reference.gramian.unwrap();
            assert!((0..K).any(|i| reference.cosine(i, (i + 1) % K) < 0.0), "some tasks conflict");
            for mode in [
                StepMode::Batched(BatchedConfig::default()),
                StepMode::LowMemory(LowMemoryConfig::default()),
                factored(GramianForm::Exact, 4, 0),
            ] {
                let name = format!("{} {trunk:?} above {above}", mode.name());
                let (gradients, report) = net.step(mode, false);
                assert!(distance(&net, &gradients, &exact) < 1e-12, "{name}");
                assert!(gram_distance(&report.gramian.unwrap(), &reference) < 1e-12, "{name}");
                assert!(report.gramian_error.is_none_or(|e| e == 0.0), "{name}");
            }
        }
    }
}

#[test]
fn modes_with_another_gramian_still_have_the_exact_direction() {
    for trunk in TRUNKS {
        for above in [false, true] {
            let net = net(trunk, above, Kind::Double);
            let (exact, _) = net.step(StepMode::default(), false);
            for mode in [StepMode::Representation(RepresentationConfig::default()), factored(GramianForm::Sketch, 4, 0)]
            {
                let name = format!("{} {trunk:?} above {above}", mode.name());
                assert!(distance(&net, &net.step(mode, false).0, &exact) < 1e-12, "{name}");
            }
        }
    }
}

#[test]
fn the_representation_gramian_is_that_of_the_features() {
    let net = net(Trunk::Mlp, false, Kind::Double);
    let (_, report) = net.step(StepMode::Representation(RepresentationConfig::default()), false);
    let forward = net.forward();
    let rows: Vec<Vec<f64>> = (0..K)
        .map(|t| {
            let factor = net.tasks.get(t).unwrap().weight / forward.losses[t].count;
            let g = Tensor::run_backward(&[&forward.losses[t].sum * factor], &[&forward.boundary[0]], true, false);
            Vec::<f64>::try_from(g[0].reshape([-1])).unwrap()
        })
        .collect();
    assert!(gram_distance(&report.gramian.unwrap(), &Gramian::of_rows(&rows)) < 1e-12);
}

#[test]
fn single_precision_agrees_too() {
    for trunk in TRUNKS {
        let net = net(trunk, false, Kind::Float);
        let (exact, reference) = net.step(StepMode::default(), false);
        let reference = reference.gramian.unwrap();
        for mode in [StepMode::Batched(BatchedConfig::default()), factored(GramianForm::Exact, 4, 0)] {
            let (gradients, report) = net.step(mode.clone(), false);
            assert!(distance(&net, &gradients, &exact) < 1e-5, "{}", mode.name());
            assert!(gram_distance(&report.gramian.unwrap(), &reference) < 1e-6, "{}", mode.name());
        }
    }
}

#[test]
fn blocks_have_weights_of_their_own_in_every_mode_with_rows() {
    for trunk in TRUNKS {
        let net = net(trunk, true, Kind::Double);
        let (exact, reference) = net.step(StepMode::default(), true);
        for mode in [StepMode::Batched(BatchedConfig::default()), factored(GramianForm::Exact, 4, 0)] {
            let (gradients, report) = net.step(mode.clone(), true);
            assert!(distance(&net, &gradients, &exact) < 1e-12, "{}", mode.name());
            assert_eq!(report.blocks.len(), reference.blocks.len());
            for (a, b) in report.blocks.iter().zip(&reference.blocks) {
                assert!(gram_distance(a, b) < 1e-12, "{}", mode.name());
            }
        }
        let mode = StepMode::LowMemory(LowMemoryConfig::default());
        let e = net.engine(mode, true).backward(&net.params, &net.forward(), 0).unwrap_err().to_string();
        assert_eq!(
            e,
            "step: mode must be exact, batched or factored for a method that weighs parameter blocks, found low-memory"
        );
    }
}

#[test]
fn blocks_are_watched_every_so_many_steps() {
    let net = net(Trunk::Mlp, true, Kind::Double);
    let mut engine = net.engine(StepMode::default(), false);
    engine.watch_blocks(2);
    assert_eq!(engine.block_names(), ["layer0", "layer1", "other"]);
    for step in 0..4 {
        let (_, report) = engine.backward(&net.params, &net.forward(), step).unwrap();
        assert_eq!(report.blocks.len(), if step % 2 == 0 { 3 } else { 0 });
    }
}
