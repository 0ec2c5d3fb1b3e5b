//! Every encoder of the registry: stages, views, kinds, batch independence, gradients, names.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    context::Cx,
    encode::{Encoder, EncoderConfig},
    features::Features,
    input::{
        CategoricalField, Custom, CustomModality, Input, InputSpec, Inputs, Layout, Length, Modality, ModalityKind,
        Numbers, Picture, Set, Signal, Tokens,
    },
    mode::Mode,
    params::ParamSet,
    shim::{self, Graph},
};
use tch::{Device, Kind, Tensor};

/// What a config's encoder takes of a table with a picture.
fn spec(config: &EncoderConfig) -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let table = InputSpec::table(vec![field("sex", 3), field("job", 5)], vec!["age".into(), "wage".into()]);
    let image = Modality::from(Picture { channels: 1, height: 12, width: 12 });
    let text = Modality::from(Tokens { vocabulary: 5, pad: 0, unknown: Some(1), length: Length::Ragged(4) });
    let all = table.iter().chain([("image", &image), ("text", &text)]);
    let taken = all.filter(|(_, modality)| (config.takes().accepts)(modality));
    InputSpec::new(taken.map(|(name, modality)| (name, modality.clone()))).unwrap()
}

fn inputs(kind: Kind, rows: std::ops::Range<i64>) -> Inputs {
    let n = rows.end - rows.start;
    let codes =
        Tensor::arange_start(rows.start * 2, rows.end * 2, (Kind::Int64, Device::Cpu)).remainder(3).view([n, 2]);
    let ramp = |width: i64| {
        (Tensor::arange_start(rows.start * width, rows.end * width, (kind, Device::Cpu)) * 0.7).sin().view([n, width])
    };
    let image = ramp(144).view([n, 1, 12, 12]);
    let all = vec![("categorical", codes), ("numeric", ramp(2)), ("image", image)];
    let mut all: Vec<(String, Input)> = all.into_iter().map(|(name, t)| (name.to_owned(), t.into())).collect();
    let words =
        Tensor::arange_start(rows.start * 3, rows.end * 3, (Kind::Int64, Device::Cpu)).remainder(4).view([n, 3]);
    let lengths: Vec<i64> = vec![3; usize::try_from(n).unwrap()];
    all.push(("text".to_owned(), Input::ragged(words + 1, &lengths, 1).unwrap()));
    Inputs::new(all).unwrap()
}

fn each(kind: Kind, check: impl Fn(&str, &ParamSet, &dyn Encoder)) {
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(kind, Device::Cpu, 3);
        let config = EncoderConfig::by_name(name).unwrap();
        let encoder = config.build(&mut params.root().sub("encoder"), &spec(&config)).unwrap();
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
            assert!(params.params().iter().any(|p| p.name().starts_with(&weight)), "{name}: {weight}");
        }
    });
}

#[test]
fn parameter_names_are_part_of_the_file_format() {
    let mut names = Vec::new();
    each(Kind::Float, |_, params, _| assert!(!params.params().is_empty()));
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        let config = EncoderConfig::by_name(name).unwrap();
        config.build(&mut params.root().sub("encoder"), &spec(&config)).unwrap();
        names.extend(params.tensors().map(|(tensor, _)| format!("{name}: {tensor}")));
    }
    names.sort();
    assert_eq!(names.join("\n"), include_str!("golden/encoder_names.txt").trim_end());
}

/// A modality that no encoder of ours knows.
#[derive(Debug)]
struct Smell;

impl ModalityKind for Smell {
    fn describe(&self) -> String {
        "smell of 2 molecules".into()
    }
    fn meaning(&self) -> String {
        "concentrations".into()
    }
    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(2)] }
    }
    fn cells(&self) -> mtl_core::input::Cells<'_> {
        mtl_core::input::Cells::Whole
    }
}

impl CustomModality for Smell {
    fn name(&self) -> &'static str {
        "smell"
    }
    fn settings(&self) -> serde_json::Value {
        serde_json::json!({})
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn every_input_is_taken_or_refused_by_name() {
    let field = CategoricalField { name: "sex".into(), cardinality: 3 };
    let samples: Vec<Modality> = InputSpec::table(vec![field], vec!["age".into()])
        .iter()
        .map(|(_, modality)| modality.clone())
        .chain([
            Picture { channels: 1, height: 12, width: 12 }.into(),
            Tokens { vocabulary: 7, pad: 0, unknown: None, length: Length::Ragged(5) }.into(),
            Signal { channels: 2, rate: None, length: Length::Fixed(6) }.into(),
            Set { width: 3, length: Length::Ragged(4) }.into(),
            Custom::new(Smell).into(),
        ])
        .collect();
    assert_eq!(samples.len(), Modality::ALL.len());
    for (name, _) in EncoderConfig::ALL {
        let config = EncoderConfig::by_name(name).unwrap();
        let build = |inputs: &[(&str, &Modality)]| {
            let spec = InputSpec::new(inputs.iter().map(|(name, modality)| (*name, (*modality).clone()))).unwrap();
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
            let encoder = config.build(&mut params.root(), &spec).map_err(|e| e.to_string())?;
            let features = encoder.forward(&spec.example(3).unwrap(), &Cx::new(Mode::Eval)).unwrap();
            assert_eq!(features.pooled().unwrap().size()[0], 3);
            Ok::<_, String>(params.params().len())
        };
        let (taken, refused): (Vec<&Modality>, Vec<_>) = samples.iter().partition(|m| (config.takes().accepts)(m));
        assert!(!taken.is_empty() && !refused.is_empty(), "{name}");
        for modality in &taken {
            let alone = build(&[("mine", modality)]).unwrap();
            match build(&[("one", modality), ("two", modality)]) {
                // A second input is neither refused nor left out: the network is another, larger or wider.
                Ok(both) => assert!(both >= alone && config.takes().at_most >= 2, "{name}: {modality:?}"),
                Err(e) => assert!(e.contains("found 2: one (") && config.takes().at_most == 1, "{name}: {e}"),
            }
        }
        for modality in refused {
            for inputs in [vec![("mine", modality)], vec![("own", taken[0]), ("mine", modality)]] {
                let e = build(&inputs).unwrap_err();
                let takes = config.takes();
                let expected = format!("{}: inputs must be {}, found ", takes.encoder, takes.what);
                assert_eq!(e, format!("{expected}input mine: {}", modality.describe()), "{name}");
            }
        }
        let e = build(&[]).unwrap_err();
        assert!(e.contains("inputs must be") && e.ends_with("found none"), "{name}: {e}");
    }
}

#[test]
fn a_batch_without_an_input_is_refused_by_name() {
    each(Kind::Float, |name, _, encoder| {
        let e = encoder.forward(&Inputs::default(), &Cx::new(Mode::Eval)).unwrap_err().to_string();
        assert!(e.contains("unknown input"), "{name}: {e}");
    });
}

#[test]
fn several_inputs_of_a_modality_are_side_by_side() {
    let numbers = |inputs: &[(&str, &[&str])]| {
        let modality = |names: &[&str]| {
            Modality::from(mtl_core::input::Numeric { names: names.iter().map(|n| (*n).to_owned()).collect() })
        };
        InputSpec::new(inputs.iter().map(|(name, columns)| (*name, modality(columns)))).unwrap()
    };
    let (whole, parts) = (numbers(&[("numeric", &["a", "b", "c"])]), numbers(&[("x", &["a"]), ("y", &["b", "c"])]));
    let xs = Tensor::arange(12, (Kind::Double, Device::Cpu)).view([4, 3]).sin();
    let cut = vec![("x".to_owned(), xs.narrow(1, 0, 1)), ("y".to_owned(), xs.narrow(1, 1, 2))];
    let run = |spec: &InputSpec, inputs: &Inputs| {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let encoder = EncoderConfig::by_name("mlp").unwrap().build(&mut params.root(), spec).unwrap();
        encoder.forward(inputs, &Cx::new(Mode::Eval)).unwrap().pooled().unwrap()
    };
    let one = run(&whole, &Inputs::new(vec![("numeric".to_owned(), xs)]).unwrap());
    assert_eq!(one, run(&parts, &Inputs::new(cut).unwrap()));
}
