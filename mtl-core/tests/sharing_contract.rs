//! Every sharing architecture of this crate, on every encoder with stages: the laws, and what a whole or a part of it is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

mod encoders;

use encoders::small;
use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, EncoderPlan, TabularEncoderConfig},
    input::{CategoricalField, InputSpec, Length, Modality, Picture, Tokens},
    laws,
    mode::Mode,
    nn::Activation,
    params::{ParamSet, Role, Scope},
    share::{
        BranchConfig, Combine, CrossStitchConfig, FusionConfig, FusionPart, HardSharing, Mmoe, MmoeConfig, MtanConfig,
        Sharing, SharingConfig, StitchUnit, TaskMask,
    },
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

fn tasks() -> TaskSet {
    TaskSet::new(["a", "b", "c"].map(|n| Task::new(n).unwrap()).into()).unwrap()
}

fn spec() -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let table = InputSpec::table(vec![field("sex", 3), field("job", 4)], vec!["age".into(), "wage".into()]);
    let image = Modality::from(Picture { channels: 2, height: 8, width: 8 });
    let text = Modality::from(Tokens { vocabulary: 6, pad: 0, unknown: Some(1), length: Length::Ragged(4) });
    InputSpec::new(table.iter().chain([("image", &image), ("text", &text)]).map(|(name, m)| (name, m.clone()))).unwrap()
}

fn takes(encoder: &EncoderConfig, input: &str) -> bool {
    (encoder.takes().accepts)(spec().get(input).unwrap())
}

/// What is read beside the picture: the columns of the table that the encoder takes, or the text; all columns for one of pictures.
fn fields(encoder: &EncoderConfig) -> &'static [&'static str] {
    match ["categorical", "numeric", "text"].map(|input| takes(encoder, input)) {
        [true, true, _] | [false, false, false] => &["categorical", "numeric"],
        [true, false, _] => &["categorical"],
        [false, true, _] => &["numeric"],
        [false, false, true] => &["text"],
    }
}

/// The inputs that the encoder takes; for fusion, which brings an encoder for the others, fields and the picture.
fn spec_for(encoder: &EncoderConfig, sharing: &SharingConfig) -> InputSpec {
    let taken = |name: &str, m: &Modality| match sharing {
        SharingConfig::Fusion(_) => name == "image" || fields(encoder).contains(&name),
        _ => (encoder.takes().accepts)(m),
    };
    InputSpec::new(spec().iter().filter(|(name, m)| taken(name, m)).map(|(name, m)| (name, m.clone()))).unwrap()
}

/// Every encoder, and one of a single layer.
fn encoders() -> Vec<EncoderConfig> {
    let mut all = encoders::all();
    let (token_width, hidden, activation) = (3, vec![6], Activation::Tanh);
    all.push(EncoderConfig::Tabular(TabularEncoderConfig { token_width, hidden, activation, ..Default::default() }));
    all
}

/// Every architecture with its defaults, and some with other settings. Fusion gets an encoder for the input that `encoder` cannot
/// take.
fn settings(encoder: &EncoderConfig) -> Vec<SharingConfig> {
    let mut all: Vec<SharingConfig> = SharingConfig::ALL
        .iter()
        .filter(|(name, _)| *name != "fusion")
        .map(|(name, _)| SharingConfig::by_name(name).unwrap())
        .collect();
    all.push(SharingConfig::Mmoe(MmoeConfig { experts: 2, hidden: vec![4], balance: 0.0, ..Default::default() }));
    all.push(SharingConfig::CrossStitch(CrossStitchConfig { unit: StitchUnit::Stage, own: 0.6 }));
    all.push(SharingConfig::Mtan(MtanConfig { hidden: 6 }));
    all.push(SharingConfig::Branch(BranchConfig { groups: vec![vec!["a".into(), "c".into()]], ..Default::default() }));
    let everyone = vec!["a".into(), "b".into(), "c".into()];
    all.push(SharingConfig::Branch(BranchConfig { groups: vec![everyone], ..Default::default() }));
    let pictures = takes(encoder, "image");
    let other = small(if pictures { "tabular" } else { "conv" });
    let part = |names: &[&str], own: bool| FusionPart {
        inputs: names.iter().map(|&n| n.to_owned()).collect(),
        encoder: own.then(|| other.clone()),
    };
    for combine in [Combine::Concatenation, Combine::Gated] {
        let parts = vec![part(fields(encoder), pictures), part(&["image"], !pictures)];
        all.push(SharingConfig::Fusion(FusionConfig { combine, width: 5, parts }));
    }
    all
}

#[test]
fn every_architecture_obeys_the_laws_on_every_encoder() {
    let tasks = tasks();
    for encoder in encoders() {
        for sharing in settings(&encoder) {
            let spec = spec_for(&encoder, &sharing);
            let plan = EncoderPlan::new(&encoder, &spec);
            let outcome = laws::sharing::check(
                &tasks,
                |scope| sharing.build(scope, &plan, &tasks),
                |kind, rows| laws::sharing::inputs(&spec, kind, rows),
            );
            assert_eq!(outcome, Ok(()), "{sharing:?} on {encoder:?}");
        }
    }
}

#[test]
fn one_task_is_enough() {
    let tasks = TaskSet::new(vec![Task::new("only").unwrap()]).unwrap();
    let encoder = small("tabular");
    for (name, _) in SharingConfig::ALL.iter().filter(|(name, _)| *name != "fusion") {
        let sharing = SharingConfig::by_name(name).unwrap();
        let spec = spec_for(&encoder, &sharing);
        let outcome = laws::sharing::check(
            &tasks,
            |scope| sharing.build(scope, &EncoderPlan::new(&encoder, &spec), &tasks),
            |kind, rows| laws::sharing::inputs(&spec, kind, rows),
        );
        assert_eq!(outcome, Ok(()), "{name}");
    }
}

#[test]
fn a_plan_builds_what_was_built_by_hand_bit_for_bit() {
    let (tasks, cx) = (tasks(), Cx::new(Mode::Train));
    let experts = MmoeConfig { experts: 3, hidden: vec![5], ..MmoeConfig::default() };
    type Hand<'a> = Box<dyn Fn(&mut Scope<'_>, &EncoderConfig) -> Box<dyn Sharing> + 'a>;
    let (experts_of, tasks_of) = (&experts, &tasks);
    let encoder_of = move |root: &mut Scope<'_>, encoder: &EncoderConfig| {
        let spec = spec_for(encoder, &SharingConfig::by_name("hard").unwrap());
        encoder.build(&mut root.sub("encoder"), &spec).unwrap()
    };
    let hard: Hand<'_> =
        Box::new(move |root, encoder| Box::new(HardSharing::new(encoder_of(root, encoder), 3).unwrap()));
    let mmoe: Hand<'_> = Box::new(move |root, encoder| {
        let encoder = encoder_of(root, encoder);
        Box::new(Mmoe::new(&mut root.sub("sharing"), encoder, tasks_of, experts_of).unwrap())
    });
    let hands = [(SharingConfig::by_name("hard").unwrap(), hard), (SharingConfig::Mmoe(experts.clone()), mmoe)];
    for encoder in encoders() {
        for (config, by_hand) in &hands {
            let spec = spec_for(&encoder, config);
            let mut sets = [ParamSet::new(Kind::Float, Device::Cpu, 9), ParamSet::new(Kind::Float, Device::Cpu, 9)];
            let [one, two] = &mut sets;
            let planned = config.build(&mut one.root(), &EncoderPlan::new(&encoder, &spec), &tasks).unwrap();
            let by_hand = by_hand(&mut two.root(), &encoder);
            assert_eq!(one.params().len(), two.params().len());
            for (a, b) in one.params().iter().zip(two.params()) {
                assert_eq!((a.name(), a.role(), a.stage()), (b.name(), b.role(), b.stage()));
                assert!(a.tensor().equal(b.tensor()), "{}", a.name());
            }
            let inputs = laws::sharing::inputs(&spec, Kind::Float, 0..4).unwrap();
            let run = |s: &dyn Sharing| s.forward(&inputs, &TaskMask::all(3), &cx).unwrap();
            let (a, b) = (run(&*planned), run(&*by_hand));
            for t in 0..3 {
                assert!(a.of(t).unwrap().newest().unwrap().equal(b.of(t).unwrap().newest().unwrap()));
            }
        }
    }
}

#[test]
fn parameter_names_are_part_of_the_file_format() {
    let (tasks, encoder) = (tasks(), small("mlp"));
    let mut names = Vec::new();
    for sharing in
        settings(&encoder).into_iter().filter(|s| !matches!(s, SharingConfig::Hard(_) | SharingConfig::Mmoe(_)))
    {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
        let spec = spec_for(&encoder, &sharing);
        sharing.build(&mut params.root(), &EncoderPlan::new(&encoder, &spec), &tasks).unwrap();
        let role = |role: Role| match role {
            Role::Shared => "shared".to_owned(),
            role => format!("{role:?}"),
        };
        let name = sharing.name();
        names.extend(params.params().iter().map(|p| format!("{name}: {} {}", p.name(), role(p.role()))));
    }
    names.sort();
    names.dedup();
    if std::env::var_os("MTL_WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sharing_names.txt");
        std::fs::write(path, names.join("\n") + "\n").unwrap();
    }
    assert_eq!(names.join("\n"), include_str!("golden/sharing_names.txt").trim_end());
}

#[test]
fn gates_mix_experts_and_say_how() {
    let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
    let encoder = EncoderConfig::by_name("mlp").unwrap();
    let plan = EncoderPlan::new(&encoder, &spec);
    let config = MmoeConfig { experts: 3, hidden: vec![5, 4], balance: 0.0, ..MmoeConfig::default() };
    let sharing = SharingConfig::Mmoe(config).build(&mut params.root(), &plan, &tasks()).unwrap();
    let xs = Tensor::from_slice(&[0.1, -0.4, 0.9, 2.0]).view([2, 2]);
    let inputs = Inputs::new(vec![("numeric".to_owned(), xs)]).unwrap();
    let cx = Cx::new(Mode::Eval).with_traces();
    let out = sharing.forward(&inputs, &TaskMask::all(3), &cx).unwrap();
    let traces = cx.take_traces();
    assert!(out.auxiliary.is_empty());
    for (t, trace) in traces.iter().enumerate() {
        let gate = trace.weights.view([2, 3]); // [b, E]
        assert!((gate.sum_dim_intlist(1i64, false, Kind::Double) - 1.0).abs().max().double_value(&[]) < 1e-12);
        let by_hand = (gate.unsqueeze(-1) * &out.boundary[1]).sum_dim_intlist(1i64, false, Kind::Double);
        let found = out.of(t).unwrap().pooled().unwrap();
        assert!((found - by_hand).abs().max().double_value(&[]) < 1e-12, "task {t}");
    }
    assert_eq!((traces[1].queries[0].as_str(), traces[1].keys[2].as_str()), ("b", "expert2"));
    let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.starts_with("sharing")).collect();
    assert_eq!(
        names,
        [
            "sharing.experts0.weight",
            "sharing.experts0.bias",
            "sharing.experts1.weight",
            "sharing.experts1.bias",
            "sharing.gates.a.weight",
            "sharing.gates.a.bias",
            "sharing.gates.b.weight",
            "sharing.gates.b.bias",
            "sharing.gates.c.weight",
            "sharing.gates.c.bias",
        ]
    );
    assert_eq!((params.owned_by(1).len(), params.get("sharing.experts1.bias").unwrap().stage()), (2, Some("experts")));
    let bad = SharingConfig::Mmoe(MmoeConfig { hidden: vec![], ..MmoeConfig::default() });
    let e = bad.build(&mut params.root().sub("bad"), &plan, &tasks()).unwrap_err().to_string();
    assert_eq!(e, "mmoe: hidden must be at least one layer, found []");
}
