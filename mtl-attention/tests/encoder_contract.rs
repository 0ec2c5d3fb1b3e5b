//! Every encoder of the registry, over table fields, over an image, and over both.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_attention::{AttentionEncoderConfig, TransformerEncoder, TransformerEncoderConfig};
use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{CategoricalField, Encoder, InputSpec},
    mode::Mode,
    params::ParamSet,
    shim::{Graph, grad},
};
use tch::{Device, Kind, Tensor};

fn specs() -> Vec<InputSpec> {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let table = InputSpec {
        categorical: vec![field("sex", 3), field("job", 5)],
        numeric: vec!["age".into()],
        ..InputSpec::default()
    };
    let image = InputSpec { image: Some([2, 8, 12]), ..InputSpec::default() };
    vec![table.clone(), image.clone(), InputSpec { image: image.image, ..table }]
}

fn inputs(kind: Kind, rows: std::ops::Range<i64>) -> Inputs {
    let n = rows.end - rows.start;
    let codes = Tensor::arange_start(rows.start * 2, rows.end * 2, (Kind::Int64, Device::Cpu)).remainder(3);
    let ramp =
        |w: i64| (Tensor::arange_start(rows.start * w, rows.end * w, (kind, Device::Cpu)) * 0.7).sin().view([n, w]);
    let all = [("categorical", codes.view([n, 2])), ("numeric", ramp(1)), ("image", ramp(192).view([n, 2, 8, 12]))];
    Inputs::new(all.into_iter().map(|(name, t)| (name.to_owned(), t)).collect()).unwrap()
}

fn each(kind: Kind, check: impl Fn(&str, &ParamSet, &dyn Encoder)) {
    for (name, _) in AttentionEncoderConfig::ALL {
        for spec in specs() {
            let mut params = ParamSet::new(kind, Device::Cpu, 3);
            let config = AttentionEncoderConfig::by_name(name).unwrap();
            let encoder = config.build(&mut params.root().sub("encoder"), &spec).unwrap();
            check(name, &params, encoder.as_ref());
        }
    }
}

#[test]
fn stages_give_what_they_promise_and_samples_are_independent() {
    for kind in [Kind::Float, Kind::Double] {
        each(kind, |name, _, encoder| {
            let cx = Cx::new(Mode::Eval);
            let mut features = encoder.embed(&inputs(kind, 0..2), &cx).unwrap();
            for (idx, stage) in encoder.stages().iter().enumerate() {
                if idx > 0 {
                    features = encoder.advance(idx, features, &cx).unwrap();
                }
                assert_eq!(features.view(), stage.view, "{name}, stage {}", stage.name);
            }
            let pooled = |rows| encoder.forward(&inputs(kind, rows), &cx).unwrap().pooled().unwrap();
            let alone = Tensor::cat(&[pooled(0..1), pooled(1..2)], 0);
            assert!((pooled(0..2) - alone).abs().max().double_value(&[]) < 1e-5, "{name}");
            assert!(encoder.advance(encoder.stages().len(), features, &cx).is_err(), "{name}");
        });
    }
}

#[test]
fn every_parameter_is_reached_and_has_a_stage_and_layers_run_once() {
    each(Kind::Double, |name, params, encoder| {
        let cx = Cx::new(Mode::Train).with_tape();
        let sum = encoder.forward(&inputs(Kind::Double, 0..3), &cx).unwrap().pooled().unwrap();
        // The norm at the end makes sums of squares constant, so the loss weighs the entries.
        let weights = Tensor::arange(sum.size()[1], (Kind::Double, Device::Cpu)).cos();
        let all: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
        let grads = grad(&[&(sum * weights).square().sum(Kind::Double)], None, &all, Graph::Free).unwrap();
        for (param, grad) in params.params().iter().zip(grads) {
            assert!(grad.is_some_and(|g| g.isfinite().all().int64_value(&[]) == 1), "{name}: {}", param.name());
            assert!(encoder.stages().iter().any(|s| Some(s.name.as_str()) == param.stage()), "{}", param.name());
        }
        let mut layers: Vec<String> = cx.take_tape().0.into_iter().map(|e| e.layer).collect();
        let ran = layers.len();
        layers.sort();
        layers.dedup();
        assert_eq!(layers.len(), ran, "{name}: the factored step covers layers that run once");
        let matrices = params.params().iter().filter(|p| p.name().ends_with(".weight") && p.tensor().dim() == 2);
        let linear = matrices.filter(|p| !p.name().contains("categorical") && !p.name().contains("numeric")).count();
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
        let inputs = Inputs::new(vec![("image".into(), image.shallow_clone())]).unwrap();
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
    assert!(refusal(base(), &InputSpec::default()).contains("table fields or an image"));
    let e = refusal(TransformerEncoderConfig { patch: 5, ..base() }, &specs()[1]);
    assert_eq!(e, "transformer encoder: patch must be >= 1 and a divisor of the image's 8x12, found 5");
    assert!(refusal(TransformerEncoderConfig { blocks: 0, ..base() }, &specs()[0]).contains("blocks must be >= 1"));
    assert!(refusal(TransformerEncoderConfig { heads: 3, ..base() }, &specs()[0]).contains("heads must be"));
}
