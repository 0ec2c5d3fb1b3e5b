//! Every encoder of the registry: the public laws, names of parameters, which inputs are taken and which refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod encoders;

use mtl_core::{
    context::Cx,
    encode::{Adapters, EncoderConfig, MlpEncoderConfig, TabmEncoderConfig, TabularEncoderConfig},
    input::{
        CategoricalField, Custom, CustomModality, InputSpec, Inputs, Layout, Length, Modality, ModalityKind, Numbers,
        Numeric, Picture, Set, Signal, Tokens,
    },
    laws,
    mode::Mode,
    nn::{Activation, NumberEmbeddingConfig},
    params::ParamSet,
    registry::ByKind,
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

#[test]
fn every_encoder_obeys_the_laws() {
    for config in encoders::all() {
        assert_eq!(laws::encoder::check(&config, &spec(&config)), Ok(()), "{}", config.name());
    }
    let mini = tabm(2, Adapters::First);
    assert_eq!(laws::encoder::check(&mini, &spec(&mini)), Ok(()));
}

fn tabm(members: i64, adapters: Adapters) -> EncoderConfig {
    let EncoderConfig::Tabm(small) = encoders::small("tabm") else { panic!() };
    EncoderConfig::Tabm(TabmEncoderConfig { members, adapters, ..small })
}

/// Scales as they may be after training: each member is the network of fully connected layers whose weights are the scaled ones.
#[test]
fn a_member_is_a_network_of_scaled_weights() {
    let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into(), "z".into()]);
    let inputs = laws::encoder::inputs(&spec, Kind::Double, 0..5).unwrap();
    let cx = Cx::new(Mode::Eval);
    let build = |config: &EncoderConfig| {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let encoder = config.build(&mut params.root(), &spec).unwrap();
        (params, encoder)
    };
    let mlp = EncoderConfig::Mlp(MlpEncoderConfig { hidden: vec![4, 3], activation: Activation::Tanh, dropout: 0.0 });
    for (members, adapters) in [(3, Adapters::All), (3, Adapters::First), (1, Adapters::All)] {
        let (ensemble, encoder) = build(&tabm(members, adapters));
        let _guard = tch::no_grad_guard();
        for (place, param) in ensemble.params().iter().enumerate() {
            let t = param.tensor();
            let values = Tensor::arange(t.numel() as i64, (Kind::Double, Device::Cpu)).view(t.size().as_slice());
            t.shallow_clone().copy_(&(values * 0.9 + place as f64).sin());
        }
        let found = encoder.forward(&inputs, &cx).unwrap().pooled().unwrap();
        assert_eq!((encoder.members(), found.size()), (members, vec![members * 5, 3]));
        for member in 0..members {
            let (single, network) = build(&mlp);
            for layer in ["layer0", "layer1"] {
                let own = |name: &str| ensemble.get(&format!("{layer}.{name}")).ok().map(|param| param.tensor());
                let of_member = |t: &Tensor| t.get(if t.size()[0] == 1 { 0 } else { member });
                let mut weight = own("weight").unwrap().shallow_clone();
                if let Some(r) = own("scale_in") {
                    weight = of_member(r) * weight; // not in place: it is the ensemble's own
                }
                if let Some(s) = own("scale_out") {
                    weight = of_member(s).unsqueeze(1) * weight;
                }
                let bias = own("bias").unwrap();
                let bias = if bias.dim() == 3 { of_member(bias).view(-1) } else { bias.shallow_clone() };
                for (name, value) in [("weight", weight), ("bias", bias)] {
                    single.get(&format!("{layer}.0.{name}")).unwrap().tensor().shallow_clone().copy_(&value);
                }
            }
            let expected = network.forward(&inputs, &cx).unwrap().pooled().unwrap();
            let gap = (found.narrow(0, member * 5, 5) - expected).abs().max().double_value(&[]);
            assert!(gap < 1e-14, "member {member} of {members}, {adapters:?}: {gap}");
        }
    }
}

#[test]
fn every_embedding_of_numbers_keeps_them() {
    let field = CategoricalField { name: "sex".into(), cardinality: 3 };
    let numbers = Numeric::new(vec!["age".into(), "wage".into()]);
    let numbers = numbers.with_edges(vec![vec![-1.5, -0.2, 0.1, 1.0], vec![-0.5, 0.75]]).unwrap();
    let spec = InputSpec::of_fields(vec![field], numbers);
    let EncoderConfig::Tabular(small) = encoders::small("tabular") else { panic!() };
    for (name, _) in NumberEmbeddingConfig::ALL {
        let numbers = NumberEmbeddingConfig::by_name(name).unwrap();
        let config = EncoderConfig::Tabular(TabularEncoderConfig { numbers: numbers.clone(), ..small.clone() });
        assert_eq!(laws::encoder::check(&config, &spec), Ok(()), "{name}");
        let EncoderConfig::Tabm(ensemble) = tabm(2, Adapters::All) else { panic!() };
        // Wide enough for rectified vectors not to be all dead.
        let config =
            EncoderConfig::Tabm(TabmEncoderConfig { token_width: 8, numbers: Some(ByKind(numbers)), ..ensemble });
        assert_eq!(laws::encoder::check(&config, &spec), Ok(()), "{name} of an ensemble");
    }
}

#[test]
fn parameter_names_are_part_of_the_file_format() {
    let mut names = Vec::new();
    for (name, _) in EncoderConfig::ALL {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        let config = EncoderConfig::by_name(name).unwrap();
        config.build(&mut params.root().sub("encoder"), &spec(&config)).unwrap();
        names.extend(params.tensors().map(|(tensor, _)| format!("{name}: {tensor}")));
    }
    names.sort();
    if std::env::var_os("MTL_WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/encoder_names.txt");
        std::fs::write(path, names.join("\n") + "\n").unwrap();
    }
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
            assert_eq!(features.pooled().unwrap().size()[0], 3 * encoder.members());
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
fn several_inputs_of_a_modality_are_side_by_side() {
    let numbers = |inputs: &[(&str, &[&str])]| {
        let modality = |names: &[&str]| {
            Modality::from(mtl_core::input::Numeric::new(names.iter().map(|n| (*n).to_owned()).collect()))
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
