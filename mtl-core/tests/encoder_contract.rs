//! Every encoder of the registry: stages, views, kinds, batch independence, gradients, names.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{CategoricalField, Encoder, EncoderConfig, InputSpec},
    features::Features,
    mode::Mode,
    params::ParamSet,
    shim::{self, Graph},
};
use tch::{Device, Kind, Tensor};

fn spec() -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    InputSpec {
        categorical: vec![field("sex", 3), field("job", 5)],
        numeric: vec!["age".into(), "wage".into()],
        image: Some([1, 12, 12]),
    }
}

fn inputs(kind: Kind, rows: std::ops::Range<i64>) -> Inputs {
    let n = rows.end - rows.start;
    let codes =
        Tensor::arange_start(rows.start * 2, rows.end * 2, (Kind::Int64, Device::Cpu)).remainder(3).view([n, 2]);
    let ramp = |width: i64| {
        (Tensor::arange_start(rows.start * width, rows.end * width, (kind, Device::Cpu)) * 0.7).sin().view([n, width])
    };
    let image = ramp(144).view([n, 1, 12, 12]);
    Inputs::new(vec![("categorical".into(), codes), ("numeric".into(), ramp(2)), ("image".into(), image)]).unwrap()
}

fn each(kind: Kind, check: impl Fn(&str, &ParamSet, &dyn Encoder)) {
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(kind, Device::Cpu, 3);
        let encoder = EncoderConfig::by_name(name).unwrap().build(&mut params.root().sub("encoder"), &spec()).unwrap();
        check(name, &params, encoder.as_ref());
    }
}

fn flat(features: &Features) -> Vec<f64> {
    let parts: Vec<Tensor> =
        features.tensors().iter().map(|t| t.detach().to_kind(Kind::Double).flatten(0, -1)).collect();
    Vec::try_from(Tensor::cat(&parts, 0)).unwrap()
}

#[test]
fn stages_give_what_they_promise_and_fold_to_forward() {
    for kind in [Kind::Float, Kind::Double] {
        each(kind, |name, _, encoder| {
            let (cx, inputs) = (Cx::new(Mode::Eval), inputs(kind, 0..4));
            let mut features = encoder.embed(&inputs, &cx).unwrap();
            assert_eq!(features.view(), encoder.stages()[0].view, "{name}");
            for (idx, stage) in encoder.stages().iter().enumerate().skip(1) {
                features = encoder.advance(idx, features, &cx).unwrap();
                assert_eq!(features.view(), stage.view, "{name}, stage {}", stage.name);
            }
            assert_eq!(features.tensors()[0].kind(), kind, "{name}");
            assert_eq!(flat(&features), flat(&encoder.forward(&inputs, &cx).unwrap()), "{name}");
            let beyond = encoder.advance(encoder.stages().len(), features, &cx).unwrap_err().to_string();
            assert!(beyond.contains("unknown stage"), "{name}: {beyond}");
        });
    }
}

#[test]
fn a_sample_does_not_see_its_neighbors() {
    each(Kind::Double, |name, _, encoder| {
        let cx = Cx::new(Mode::Eval);
        let pooled = |rows| encoder.forward(&inputs(Kind::Double, rows), &cx).unwrap().pooled().unwrap();
        let (both, alone) = (pooled(0..2), Tensor::cat(&[pooled(0..1), pooled(1..2)], 0));
        assert!((both - alone).abs().max().double_value(&[]) < 1e-12, "{name}");
    });
}

#[test]
fn every_parameter_is_reached_has_a_stage_and_is_shared() {
    each(Kind::Double, |name, params, encoder| {
        let sum = encoder.forward(&inputs(Kind::Double, 0..6), &Cx::new(Mode::Train)).unwrap().pooled().unwrap();
        let all: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
        let grads = shim::grad(&[&sum.square().sum(Kind::Double)], None, &all, Graph::Free).unwrap();
        for (param, grad) in params.params().iter().zip(grads) {
            assert!(grad.is_some_and(|g| g.isfinite().all().int64_value(&[]) == 1), "{name}: {}", param.name());
            let stage = param.stage().unwrap_or_default();
            assert!(encoder.stages().iter().any(|s| s.name == stage), "{name}: {} in {stage:?}", param.name());
            assert!(param.role().owner().is_none() && param.name().starts_with("encoder."));
        }
    });
}

#[test]
fn the_tape_counts_the_layers() {
    each(Kind::Float, |name, params, encoder| {
        let count = |b| {
            let cx = Cx::new(Mode::Eval).with_tape();
            encoder.forward(&inputs(Kind::Float, 0..b), &cx).unwrap();
            cx.take_tape()
        };
        let (one, three) = (count(1), count(3));
        assert!(one.multiply_adds() > 0, "{name}");
        assert_eq!(one.multiply_adds() * 3, three.multiply_adds(), "{name}: cost is linear in the batch");
        for entry in &one.0 {
            let weight = format!("{}.weight", entry.layer);
            assert!(params.params().iter().any(|p| p.name() == weight), "{name}: {weight}");
        }
    });
}

#[test]
fn parameter_names_are_part_of_the_file_format() {
    let mut names = Vec::new();
    each(Kind::Float, |_, params, _| assert!(!params.params().is_empty()));
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        EncoderConfig::by_name(name).unwrap().build(&mut params.root().sub("encoder"), &spec()).unwrap();
        names.extend(params.tensors().map(|(tensor, _)| format!("{name}: {tensor}")));
    }
    names.sort();
    assert_eq!(names.join("\n"), include_str!("golden/encoder_names.txt").trim_end());
}

#[test]
fn inputs_that_do_not_fit_are_refused_by_name() {
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        let e = EncoderConfig::by_name(name).unwrap().build(&mut params.root(), &InputSpec::default()).unwrap_err();
        assert!(e.to_string().contains("inputs must be"), "{name}: {e}");
    }
    each(Kind::Float, |name, _, encoder| {
        let empty = Inputs::new(vec![]).unwrap();
        let e = encoder.forward(&empty, &Cx::new(Mode::Eval)).unwrap_err().to_string();
        assert!(e.contains("unknown input"), "{name}: {e}");
    });
}
