//! Every architecture with every step mode, on numbers and on pictures: the exact direction, and the Gramian that is claimed.

use crate::net::{distance, factored, gram_distance, net_of};
use mtl_core::encode::EncoderConfig;
use mtl_core::share::{BranchConfig, Combine, FusionConfig, FusionPart, SharingConfig};
use mtl_core::step::StepMode;
use mtl_core::step::mode::batched::BatchedConfig;
use mtl_core::step::mode::factored::GramianForm;
use mtl_core::step::mode::low_memory::LowMemoryConfig;
use mtl_core::step::mode::representation::RepresentationConfig;
use tch::Kind;

fn settings(pictures: bool) -> Vec<SharingConfig> {
    let all = SharingConfig::ALL.iter().filter(|(name, _)| *name != "fusion");
    let mut all: Vec<SharingConfig> = all.map(|(name, _)| SharingConfig::by_name(name).unwrap()).collect();
    let groups = vec![vec!["a".to_owned(), "c".to_owned()]];
    all.push(SharingConfig::Branch(BranchConfig { groups, ..Default::default() }));
    // The input that the encoder of the network cannot take has one of its own.
    let part = |name: &str, own: bool, kind: &str| FusionPart {
        inputs: vec![name.into()],
        encoder: own.then(|| EncoderConfig::by_name(kind).unwrap()),
    };
    for combine in [Combine::Concatenation, Combine::Gated] {
        let parts = vec![part("numeric", pictures, "mlp"), part("image", !pictures, "conv")];
        all.push(SharingConfig::Fusion(FusionConfig { combine, width: 12, parts }));
    }
    all
}

#[test]
fn every_mode_has_the_exact_direction_on_every_architecture() {
    for pictures in [false, true] {
        for sharing in settings(pictures) {
            let net = net_of(&sharing, pictures, false, Kind::Double);
            let (exact, reference) = net.step(StepMode::default(), false);
            let reference = reference.gramian.unwrap();
            for mode in [
                StepMode::Batched(BatchedConfig::default()),
                StepMode::LowMemory(LowMemoryConfig::default()),
                factored(GramianForm::Exact, 4, 0),
                StepMode::Representation(RepresentationConfig::default()),
                factored(GramianForm::Sketch, 4, 0),
            ] {
                let name = format!("{} on {sharing:?}, pictures {pictures}", mode.name());
                let claims =
                    !matches!(mode, StepMode::Representation(_)) && mode != factored(GramianForm::Sketch, 4, 0);
                let (gradients, report) = net.step(mode, false);
                let gap = distance(&net, &gradients, &exact);
                assert!(gap < 1e-10, "{name}: {gap}");
                let gap = gram_distance(&report.gramian.unwrap(), &reference);
                assert!(!claims || gap < 1e-10, "{name}: Gramian {gap}");
            }
        }
    }
}
