//! Parameters that are not trained: no gradient, no part in what a method sees, and the others as ever.

use crate::net::{Net, TRUNKS, factored, gram_distance, net};
use mtl_core::step::mode::batched::BatchedConfig;
use mtl_core::step::mode::factored::GramianForm;
use mtl_core::step::mode::low_memory::LowMemoryConfig;
use mtl_core::step::mode::representation::RepresentationConfig;
use mtl_core::step::{Dropped, Gradients, StepMode};
use tch::Kind;

fn modes() -> [StepMode; 6] {
    [
        StepMode::default(),
        StepMode::Batched(BatchedConfig::default()),
        StepMode::LowMemory(LowMemoryConfig::default()),
        StepMode::Representation(RepresentationConfig::default()),
        factored(GramianForm::Exact, 4, 0),
        factored(GramianForm::Sketch, 4, 0),
    ]
}

/// Those of `frozen` have no gradient, the others the one that they would have.
fn only_the_others(net: &Net, frozen: &[usize], gradients: &Gradients, all: &Gradients, what: &str) {
    for (p, param) in net.params.params().iter().enumerate() {
        let name = param.name();
        if frozen.contains(&p) {
            assert!(gradients.get(p).is_none(), "{what}: {name} has a gradient");
        } else {
            let (own, all) = (gradients.get(p).unwrap(), all.get(p).unwrap());
            let apart = (own - all).abs().max().double_value(&[]) / (1e-30 + all.abs().max().double_value(&[]));
            assert!(apart < 1e-12, "{what}: {name} differs by {apart}");
        }
    }
}

#[test]
fn a_part_of_the_trunk_and_a_head() {
    for trunk in TRUNKS {
        let net = net(trunk, true, Kind::Double);
        let (all, with_all) = net.step(StepMode::default(), false);
        // The first parameter of the trunk: of a later one the gradient of an earlier one would not even need it.
        for frozen in [vec![net.params.shared()[0]], vec![net.params.shared()[2], net.params.owned_by(1)[0]]] {
            net.params.train(&frozen, false).unwrap();
            let (_, reference) = net.step(StepMode::default(), false);
            let reference = reference.gramian.unwrap();
            assert!(
                gram_distance(&reference, with_all.gramian.as_ref().unwrap()) > 1e-6,
                "fewer parameters to agree on"
            );
            for mode in modes() {
                let what = format!("{} {trunk:?}", mode.name());
                let is_exact =
                    !matches!(mode, StepMode::Representation(_)) && mode != factored(GramianForm::Sketch, 4, 0);
                let (gradients, report) = net.step(mode, false);
                only_the_others(&net, &frozen, &gradients, &all, &what);
                assert!(!is_exact || gram_distance(&report.gramian.unwrap(), &reference) < 1e-12, "{what}");
            }
            net.params.train(&frozen, true).unwrap();
        }
    }
}

#[test]
fn the_whole_trunk() {
    for trunk in TRUNKS {
        let net = net(trunk, false, Kind::Double);
        let (all, _) = net.step(StepMode::default(), false);
        let mut frozen = net.params.shared();
        // Gates of experts lie below the boundary of what tasks own, and go on.
        net.params.train(&frozen, false).unwrap();
        for mode in modes() {
            let what = format!("{} {trunk:?}", mode.name());
            let (gradients, report) = net.step(mode, false);
            only_the_others(&net, &frozen, &gradients, &all, &what);
            assert!(report.gramian.is_none() && report.tasks.iter().all(|t| t.weight == 1.0), "{what}");
        }
        frozen.extend(net.params.owned_by(1));
        net.params.train(&frozen, false).unwrap();
        for mode in modes() {
            let what = format!("{} {trunk:?}", mode.name());
            let (gradients, report) = net.step(mode, false);
            only_the_others(&net, &frozen, &gradients, &all, &what);
            assert_eq!(report.tasks[1].dropped, Some(Dropped::NothingTrained), "{what}");
            assert!(report.tasks[1].loss.is_some(), "{what}");
        }
    }
}
