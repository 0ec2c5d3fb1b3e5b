//! Every encoder of the registry obeys the public laws: over table fields, over an image, over both, over two of a kind, and
//! over inputs of any length.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_attention::{AttentionEncoderConfig, TransformerEncoder, TransformerEncoderConfig};
use mtl_core::{
    context::Cx,
    encode::Encoder,
    input::{CategoricalField, InputSpec, Inputs, Length, Modality, Picture, Set, Signal, Tokens},
    laws,
    mode::Mode,
    params::ParamSet,
};
use tch::{Device, Kind, Tensor};

fn picture() -> Modality {
    Picture { channels: 2, height: 8, width: 12 }.into()
}

fn words(length: Length) -> Modality {
    Tokens { vocabulary: 9, pad: 0, unknown: None, length }.into()
}

/// A table, a picture, both; two pictures and two texts in one sample; a signal and a set.
fn specs() -> Vec<InputSpec> {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let table = InputSpec::table(vec![field("sex", 3), field("job", 5)], vec!["age".into()]);
    let both = table.iter().map(|(name, modality)| (name, modality.clone())).chain([("image", picture())]);
    let both = InputSpec::new(both).unwrap();
    let twice = InputSpec::new([
        ("left", picture()),
        ("question", words(Length::Ragged(5))),
        ("right", picture()),
        ("answer", words(Length::Fixed(3))),
    ]);
    let sound = Signal { channels: 2, rate: None, length: Length::Ragged(10) };
    let loose =
        InputSpec::new([("sound", sound.into()), ("objects", Set { width: 3, length: Length::Ragged(4) }.into())]);
    vec![table, InputSpec::new([("image", picture())]).unwrap(), both, twice.unwrap(), loose.unwrap()]
}

/// Some of seven samples, floats of that kind.
fn inputs(spec: &InputSpec, kind: Kind, rows: std::ops::Range<i64>) -> Inputs {
    let rows = Tensor::arange_start(rows.start, rows.end, (Kind::Int64, Device::Cpu));
    let some = spec.example(7).unwrap().select(&rows).unwrap();
    some.map(|_, t| Ok(if t.is_floating_point() { t.to_kind(kind) } else { t.shallow_clone() })).unwrap()
}

fn each(kind: Kind, check: impl Fn(&str, &InputSpec, &ParamSet, &dyn Encoder)) {
    for (name, _) in AttentionEncoderConfig::ALL {
        for spec in specs() {
            let mut params = ParamSet::new(kind, Device::Cpu, 3);
            let config = AttentionEncoderConfig::by_name(name).unwrap();
            let encoder = config.build(&mut params.root().sub("encoder"), &spec).unwrap();
            check(&format!("{name} over {}", spec.describe()), &spec, &params, encoder.as_ref());
        }
    }
}

/// Every encoder of the registry, small.
fn small(name: &str) -> AttentionEncoderConfig {
    match AttentionEncoderConfig::by_name(name).unwrap() {
        AttentionEncoderConfig::Transformer(config) => AttentionEncoderConfig::Transformer(TransformerEncoderConfig {
            width: 6,
            heads: 2,
            blocks: 2,
            hidden: 5,
            ..config
        }),
    }
}

#[test]
fn every_encoder_obeys_the_laws_over_any_inputs() {
    for (name, _) in AttentionEncoderConfig::ALL {
        for spec in specs() {
            assert_eq!(laws::encoder::check(&small(name), &spec), Ok(()), "{name} over {}", spec.describe());
        }
    }
}

#[test]
fn every_linear_layer_is_on_the_tape_once() {
    each(Kind::Double, |name, spec, params, encoder| {
        let cx = Cx::new(Mode::Train).with_tape();
        encoder.forward(&inputs(spec, Kind::Double, 0..3), &cx).unwrap();
        let mut layers: Vec<String> = cx.take_tape().0.into_iter().map(|e| e.layer).collect();
        let ran = layers.len();
        layers.sort();
        layers.dedup();
        assert_eq!(layers.len(), ran, "{name}: the factored step covers layers that run once");
        let matrices = params.params().iter().filter(|p| p.name().ends_with(".weight") && p.tensor().dim() == 2);
        let tables = ["categorical", "numeric", "embedding"];
        let linear = matrices.filter(|p| !tables.iter().any(|table| p.name().contains(table))).count();
        assert_eq!(ran, linear, "{name}: every linear layer is on the tape");
    });
}

#[test]
fn patches_are_read_row_by_row() {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
    let config = TransformerEncoderConfig { width: 4, heads: 1, hidden: 4, ..Default::default() };
    let encoder = TransformerEncoder::new(&mut params.root(), &specs()[1], &config).unwrap();
    let image = Tensor::zeros([1, 2, 8, 12], (Kind::Double, Device::Cpu));
    let _ = image.narrow(2, 4, 4).narrow(3, 8, 4).fill_(1.0); // the last patch of the second row
    let run = |image: &Tensor| {
        let inputs = Inputs::new(vec![("image".to_owned(), image.shallow_clone())]).unwrap();
        encoder.embed(&inputs, &Cx::new(Mode::Eval)).unwrap().into_tokens().unwrap()
    };
    let (tokens, empty) = (run(&image), run(&image.zeros_like()));
    let moved = (&tokens.xs - &empty.xs).abs().amax([0i64, 2].as_slice(), false);
    assert_eq!(Vec::<bool>::try_from(moved.gt(0.0)).unwrap(), [false, false, false, false, false, true]);
    assert_eq!(tokens.names.unwrap().last().map(String::as_str), Some("r1c2"));
}

#[test]
fn settings_out_of_range_are_named() {
    let refusal = |config: TransformerEncoderConfig, spec: &InputSpec| {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
        TransformerEncoder::new(&mut params.root(), spec, &config).unwrap_err().to_string()
    };
    let base = TransformerEncoderConfig::default;
    assert!(
        refusal(base(), &InputSpec::default())
            .contains("fields of a table, pictures, texts, signals or sets, found none")
    );
    let e = refusal(TransformerEncoderConfig { patch: 5, ..base() }, &specs()[1]);
    assert_eq!(e, "transformer encoder: patch must be >= 1 and a divisor of the image's 8x12, found 5");
    assert!(refusal(TransformerEncoderConfig { blocks: 0, ..base() }, &specs()[0]).contains("blocks must be >= 1"));
    assert!(refusal(TransformerEncoderConfig { heads: 3, ..base() }, &specs()[0]).contains("heads must be"));
}

#[test]
fn padding_changes_nothing() {
    for spec in &specs()[3..] {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
        let config = TransformerEncoderConfig { width: 8, heads: 2, hidden: 8, blocks: 2, ..Default::default() };
        let encoder = TransformerEncoder::new(&mut params.root(), spec, &config).unwrap();
        let cx = Cx::new(Mode::Eval);
        let pooled = |inputs: &Inputs| encoder.forward(inputs, &cx).unwrap().pooled().unwrap();
        // Sample 3 is shorter than the batch; other numbers behind its end must not matter.
        let batch = inputs(spec, Kind::Double, 0..4);
        let spoilt = batch.map(|name, t| {
            let Some(mask) = batch.input(name)?.pad_mask()? else { return Ok(t.shallow_clone()) };
            let axis = batch.input(name)?.ragged_axis().unwrap();
            let mask = match (axis, t.dim()) {
                (1, 3) => mask.unsqueeze(2),
                (2, 3) => mask.unsqueeze(1),
                _ => mask,
            };
            Ok(t.masked_fill(&mask, 5))
        });
        let spoilt = spoilt.unwrap();
        assert!(spec.check_values(&spoilt).is_err(), "something was changed");
        let (clean, dirty) = (pooled(&batch), pooled(&spoilt));
        let whole_frames = spec.iter().all(|(_, modality)| modality.name() != "signal");
        // A stretch that a signal ends inside holds some of its padding, which is 0 by contract.
        let rows = if whole_frames { clean.size()[0] } else { 1 };
        assert!(
            (clean.narrow(0, 0, rows) - dirty.narrow(0, 0, rows)).abs().max().double_value(&[]) < 1e-12,
            "{spec:?}"
        );
    }
}

#[test]
fn two_inputs_of_a_modality_have_parameters_of_their_own() {
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
    TransformerEncoder::new(&mut params.root(), &specs()[3], &TransformerEncoderConfig::default()).unwrap();
    let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.starts_with("tokens.")).collect();
    for name in ["patches.left.positions", "patches.right.positions", "words.question.positions"] {
        assert!(names.contains(&format!("tokens.{name}").as_str()), "{name}: {names:?}");
    }
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
    TransformerEncoder::new(&mut params.root(), &specs()[2], &TransformerEncoderConfig::default()).unwrap();
    let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.starts_with("tokens.")).collect();
    let expected =
        ["categorical.weight", "numeric.weight", "numeric.bias", "patches.linear.weight", "patches.linear.bias"];
    let expected: Vec<String> =
        expected.iter().chain(&["patches.positions"]).map(|name| format!("tokens.{name}")).collect();
    assert_eq!(names, expected, "one of each: names of checkpoints stay");
}
