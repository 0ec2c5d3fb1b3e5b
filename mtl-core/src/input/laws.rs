//! What holds for every modality: examples pass checks, files read back, lengths travel, padding is what the mask says.

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::*;
use crate::error::Error;

/// A grid of cells that a user's crate might bring: `[b, side, side]` of whole numbers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Board {
    side: i64,
}

impl ModalityKind for Board {
    fn describe(&self) -> String {
        format!("board of {0} x {0}", self.side)
    }
    fn meaning(&self) -> String {
        "pieces".into()
    }
    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Whole, axes: vec![Length::Fixed(self.side); 2] }
    }
    fn cardinalities(&self) -> Vec<i64> {
        vec![3]
    }
    fn cells(&self) -> Cells<'_> {
        Cells::Whole
    }
}

impl CustomModality for Board {
    fn name(&self) -> &'static str {
        "board"
    }
    fn settings(&self) -> Value {
        json!({ "side": self.side })
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// At least one of every modality, each form of length among them.
fn each() -> Vec<Modality> {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let all: Vec<Modality> = vec![
        Categorical { fields: vec![field("sex", 3), field("job", 5)] }.into(),
        Numeric::new(vec!["age".into(), "wage".into()]).into(),
        Picture { channels: 2, height: 3, width: 4 }.into(),
        Tokens { vocabulary: 7, pad: 6, unknown: None, length: Length::Ragged(5) }.into(),
        Tokens { vocabulary: 7, pad: 0, unknown: None, length: Length::Fixed(5) }.into(),
        Signal { channels: 2, rate: Some(8.5), length: Length::Ragged(4) }.into(),
        Signal { channels: 1, rate: None, length: Length::Fixed(4) }.into(),
        Set { width: 3, length: Length::Ragged(4) }.into(),
        Set { width: 3, length: Length::Fixed(2) }.into(),
        Custom::new(Board { side: 3 }).into(),
    ];
    for (name, about) in Modality::ALL {
        assert!(!about.is_empty() && all.iter().any(|m| m.name() == *name), "modality {name} has no sample here");
    }
    all
}

fn spec(modality: &Modality) -> InputSpec {
    InputSpec::new([("x", modality.clone())]).unwrap()
}

#[test]
fn examples_pass_the_checks_and_repeat() {
    for modality in each() {
        let spec = spec(&modality);
        spec.validate().unwrap();
        let (made, again) = (spec.example(7).unwrap(), spec.example(7).unwrap());
        spec.check_values(&made).unwrap();
        assert_eq!(made.get("x").unwrap(), again.get("x").unwrap(), "{modality:?}");
        spec.check_values(&spec.example(0).unwrap()).unwrap();
        assert!(!modality.describe().is_empty() && !modality.meaning().is_empty());
    }
}

#[test]
fn files_read_back() {
    register::<Board>("board", "a grid of pieces").unwrap();
    for modality in each() {
        let spec = spec(&modality);
        let text = serde_json::to_string(&spec).unwrap();
        let read: InputSpec = serde_json::from_str(&text).unwrap();
        assert_eq!(read, spec, "{text}");
        read.validate().unwrap();
        read.check_values(&spec.example(3).unwrap()).unwrap();
        let more = text.replacen("\"kind\"", "\"surplus\":1,\"kind\"", 1);
        assert!(serde_json::from_str::<InputSpec>(&more).is_err(), "{more}");
    }
}

#[test]
fn lengths_travel_and_padding_is_what_the_mask_says() {
    for modality in each() {
        let (spec, made) = (spec(&modality), spec(&modality).example(6).unwrap());
        let order = [5i64, 0, 3];
        let some = made.select(&Tensor::from_slice(&order)).unwrap().to_device(Device::Cpu).unwrap();
        spec.check_values(&some).unwrap();
        let (whole, part) = (made.input("x").unwrap(), some.input("x").unwrap());
        assert_eq!(whole.ragged_axis(), modality.layout().ragged_axis(), "{modality:?}");
        let Some(lengths) = whole.lengths() else {
            assert!(part.pad_mask().unwrap().is_none());
            continue;
        };
        let all = Vec::<i64>::try_from(lengths).unwrap();
        let found = Vec::<i64>::try_from(part.lengths().unwrap()).unwrap();
        assert_eq!(found, order.map(|at| all[usize::try_from(at).unwrap()]), "{modality:?}");
        let mask = part.pad_mask().unwrap().unwrap();
        let kept = mask.logical_not().sum_dim_intlist(&[1i64][..], false, Kind::Int64);
        assert_eq!(Vec::<i64>::try_from(kept).unwrap(), found, "{modality:?}");
        let padding = part.tensor().masked_select(&part.pad_mask_over().unwrap().unwrap());
        assert!(padding.numel() > 0 && padding.ne(modality.padding()).any().int64_value(&[]) == 0, "{modality:?}");
        // Whatever else stands there is found.
        let spoilt = some.map(|_, t| Ok(t.ones_like() * ((modality.padding() + 1) % 6))).unwrap();
        assert!(spec.check_values(&spoilt).unwrap_err().to_string().contains("beyond a length"), "{modality:?}");
    }
}

#[test]
fn values_out_of_range_are_found() {
    for modality in each() {
        let (spec, made) = (spec(&modality), spec(&modality).example(4).unwrap());
        let limits = modality.cardinalities();
        let Some(most) = limits.iter().max() else { continue };
        for bad in [-1, *most] {
            let changed = made.map(|_, t| {
                let changed = t.copy();
                let _ = changed.flatten(0, -1).get(0).fill_(bad);
                Ok(changed)
            });
            let e = spec.check_values(&changed.unwrap()).unwrap_err().to_string();
            assert!(e.starts_with("input x: values must be in 0..") && e.ends_with(&format!("found {bad}")), "{e}");
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_by_name() {
    let refusal = |modality: Modality| spec(&modality).validate().unwrap_err().to_string();
    let huge = i64::MAX;
    for modality in [
        Modality::from(Picture { channels: 0, height: 1, width: 1 }),
        Picture { channels: huge, height: huge, width: huge }.into(),
        Numeric::new(Vec::new()).into(),
        Set { width: -1, length: Length::Fixed(1) }.into(),
        Tokens { vocabulary: 5, pad: 0, unknown: None, length: Length::Ragged(0) }.into(),
    ] {
        let e = refusal(modality);
        assert!(e.starts_with("input x: sizes must be"), "{e}");
    }
    assert!(
        refusal(Tokens { vocabulary: 5, pad: 5, unknown: None, length: Length::Fixed(1) }.into())
            .contains("vocabulary")
    );
    for id in [5, -1, 0] {
        let e = refusal(Tokens { vocabulary: 5, pad: 0, unknown: Some(id), length: Length::Fixed(1) }.into());
        assert!(
            e.ends_with(&format!("the id of unknown tokens must be in 0..5 and not the padding, found {id}")),
            "{e}"
        );
    }
    let still = Signal { channels: 1, rate: Some(0.0), length: Length::Fixed(1) };
    assert!(refusal(still.into()).ends_with("rate must be > 0 and finite, found 0"));
    let none = Categorical { fields: vec![CategoricalField { name: "a".into(), cardinality: 0 }] };
    assert!(refusal(none.into()).ends_with("fields must be of cardinality 1 to 2^31, as of a, found 0"));
}

#[test]
fn a_modality_from_outside_needs_its_program() {
    let read = |name: &str, settings: Value| {
        let custom = json!({ "kind": "custom", "name": name, "settings": settings });
        let spec = serde_json::from_value::<InputSpec>(json!([{ "name": "x", "modality": custom }]));
        spec.map_err(|e| e.to_string())
    };
    let e = read("smell", json!({})).unwrap_err();
    assert!(e.starts_with(r#"unknown modality "smell", known are "#), "{e}");
    register::<Board>("board", "a grid of pieces").unwrap();
    register::<Board>("board", "a grid of pieces").unwrap();
    assert!(registered().contains(&("board", "a grid of pieces")) && Modality::all().contains(&registered()[0]));
    let spec = read("board", json!({ "side": 2 })).unwrap();
    spec.validate().unwrap();
    let Modality::Custom(custom) = spec.get("x").unwrap() else { panic!() };
    assert_eq!(custom.downcast::<Board>().unwrap().side, 2);
    let e = read("board", json!({ "sides": 2 })).unwrap_err();
    assert!(e.starts_with("modality board: saved state does not fit: unknown field `sides`"), "{e}");
    // A name of ours is taken; a type that calls itself otherwise is not read back as another.
    assert!(matches!(register::<Board>("picture", ""), Err(Error::Duplicate { .. })));
    register::<Board>("plank", "the same under a name that it does not know").unwrap();
    assert!(read("plank", json!({ "side": 2 })).unwrap_err().ends_with(r#"it calls itself "board""#));
}
