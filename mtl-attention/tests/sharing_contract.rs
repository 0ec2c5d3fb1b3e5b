//! The contract of a sharing architecture, over every member of the registry, on tables and on pictures.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

#[path = "../../mtl-core/tests/encoders/mod.rs"]
mod encoders;

use mtl_attention::{
    AttentionConfig, AttentionEncoderConfig, AttentionSummary, TaskQueryConfig, TransformerEncoderConfig,
};
use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{BuildEncoder, ConvEncoderConfig, EncoderConfig, EncoderPlan, MlpEncoderConfig, TabularEncoderConfig},
    input::{CategoricalField, InputSpec, Length, Modality, Picture, Tokens},
    laws,
    mode::Mode,
    params::{ParamSet, Scope},
    share::{Combine, FusionConfig, Sharing, SharingConfig, TaskMask},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

fn tasks() -> TaskSet {
    TaskSet::new(["income", "age", "work"].map(|n| Task::new(n).unwrap()).to_vec()).unwrap()
}

/// A table with a picture.
fn everything() -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let table = InputSpec::table(vec![field("sex", 3), field("region", 5)], vec!["hours".into()]);
    let image = Modality::from(Picture { channels: 1, height: 12, width: 8 });
    let all = table.iter().chain([("image", &image)]);
    InputSpec::new(all.map(|(name, modality)| (name, modality.clone()))).unwrap()
}

/// What an encoder takes of it.
fn spec(encoder: &EncoderConfig) -> InputSpec {
    let everything = everything();
    let taken = everything.iter().filter(|(_, modality)| (encoder.takes().accepts)(modality));
    InputSpec::new(taken.map(|(name, modality)| (name, modality.clone()))).unwrap()
}

fn table() -> EncoderConfig {
    EncoderConfig::Tabular(TabularEncoderConfig { token_width: 8, hidden: vec![], ..Default::default() })
}

fn pictures() -> EncoderConfig {
    EncoderConfig::Conv(ConvEncoderConfig { channels: vec![4, 8], ..Default::default() })
}

fn transformer() -> AttentionEncoderConfig {
    AttentionEncoderConfig::Transformer(TransformerEncoderConfig {
        width: 8,
        heads: 2,
        blocks: 2,
        hidden: 6,
        ..Default::default()
    })
}

fn inputs(rows: std::ops::Range<i64>, kind: Kind) -> Inputs {
    let (start, b) = (rows.start, rows.end - rows.start);
    let codes = Tensor::arange(8, (Kind::Int64, Device::Cpu)).remainder(3).view([4, 2]);
    let numeric = Tensor::arange(4, (kind, Device::Cpu)).view([4, 1]) - 1.5;
    let image = Tensor::arange(4 * 96, (kind, Device::Cpu)).remainder(13).view([4, 1, 12, 8]) / 13.0;
    let inputs = [("categorical", codes), ("numeric", numeric), ("image", image)];
    Inputs::new(inputs.into_iter().map(|(n, t)| (n.to_owned(), t.narrow(0, start, b))).collect()).unwrap()
}

fn build(config: &AttentionConfig, encoder: &EncoderConfig, kind: Kind, seed: u64) -> (ParamSet, Box<dyn Sharing>) {
    let mut params = ParamSet::new(kind, Device::Cpu, seed);
    let mut root = params.root();
    let spec = spec(encoder);
    let sharing = config.build(&mut root, &EncoderPlan::new(encoder, &spec), &tasks()).unwrap();
    (params, sharing)
}

fn settings() -> Vec<AttentionConfig> {
    let mut all: Vec<_> = AttentionConfig::ALL.iter().map(|(n, _)| AttentionConfig::by_name(n).unwrap()).collect();
    all.push(AttentionConfig::TaskQuery(TaskQueryConfig {
        width: 12,
        queries: 2,
        heads: 3,
        blocks: 1,
        token_hidden: 16,
        features: 10,
        task_hidden: 16,
        dropout: 0.3,
        ..Default::default()
    }));
    all.push(AttentionConfig::TaskQuery(TaskQueryConfig { token_hidden: 16, position_grid: 0, ..Default::default() }));
    all
}

fn run(sharing: &dyn Sharing, inputs: &Inputs, cx: &Cx) -> Vec<Tensor> {
    let shared = sharing.forward(inputs, &TaskMask::all(3), cx).unwrap();
    shared.per_task.iter().flatten().map(|f| f.pooled().unwrap()).collect()
}

fn gap(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs().max().double_value(&[])).fold(0.0, f64::max)
}

/// Laws compare passes, so there is no dropout.
fn obeys(what: &str, spec: &InputSpec, build: impl Fn(&mut Scope<'_>, &TaskSet) -> mtl_core::Result<Box<dyn Sharing>>) {
    let tasks = tasks();
    let rows = |kind, rows| laws::sharing::inputs(spec, kind, rows);
    assert_eq!(laws::sharing::check(&tasks, |scope| build(scope, &tasks), rows), Ok(()), "{what}");
}

/// Everything, and a text.
fn with_text() -> InputSpec {
    let text = Modality::from(Tokens { vocabulary: 6, pad: 0, unknown: Some(1), length: Length::Ragged(4) });
    let everything = everything();
    let all = everything.iter().chain([("text", &text)]);
    InputSpec::new(all.map(|(name, modality)| (name, modality.clone()))).unwrap()
}

/// On every encoder that gives tokens or maps: those of the core crate's registry, a table field by field, and ours. One that gives a
/// single vector has nothing to attend to, and is refused.
#[test]
fn every_attention_architecture_obeys_the_laws_on_tokens_and_maps() {
    let (tasks, text) = (tasks(), with_text());
    let ours = encoders::all().into_iter().chain([table()]).map(|encoder| {
        let taken = text.iter().filter(|(_, modality)| (encoder.takes().accepts)(modality));
        let spec = InputSpec::new(taken.map(|(name, modality)| (name, modality.clone()))).unwrap();
        (Box::new(encoder) as Box<dyn BuildEncoder>, spec)
    });
    let all: Vec<_> = ours.chain([(Box::new(transformer()) as Box<dyn BuildEncoder>, everything())]).collect();
    for config in settings() {
        let config = match config {
            AttentionConfig::TaskQuery(c) => AttentionConfig::TaskQuery(TaskQueryConfig { dropout: 0.0, ..c }),
        };
        let mut attended = 0;
        for (which, (encoder, spec)) in all.iter().enumerate() {
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
            match config.build(&mut params.root(), &EncoderPlan::new(encoder.as_ref(), spec), &tasks) {
                Err(e) => assert!(e.to_string().contains("found pooled"), "{config:?} on encoder {which}: {e}"),
                Ok(_) => {
                    attended += 1;
                    obeys(&format!("{config:?} on encoder {which}"), spec, |scope, tasks| {
                        config.build(scope, &EncoderPlan::new(encoder.as_ref(), spec), tasks)
                    });
                }
            }
        }
        assert!(attended >= 5, "{config:?}: a table, pictures twice, texts and the transformer, found {attended}");
    }
}

/// The architectures of the core crate on the encoder of this one.
#[test]
fn every_architecture_of_layers_obeys_the_laws_on_the_transformer() {
    let (spec, encoder) = (everything(), transformer());
    let mut all: Vec<SharingConfig> =
        SharingConfig::ALL.iter().map(|(n, _)| SharingConfig::by_name(n).unwrap()).collect();
    all.push(SharingConfig::Fusion(FusionConfig { combine: Combine::Gated, width: 5, parts: Vec::new() }));
    for config in all {
        obeys(&format!("{config:?}"), &spec, |scope, tasks| {
            config.build(scope, &EncoderPlan::new(&encoder, &spec), tasks)
        });
    }
}

#[test]
fn maps_are_named_and_change_nothing() {
    for config in settings() {
        for (encoder, first) in [(table(), "sex"), (pictures(), "r0c0")] {
            let (_params, sharing) = build(&config, &encoder, Kind::Double, 1);
            let inputs = inputs(0..4, Kind::Double);
            let cx = Cx::new(Mode::Eval).with_traces();
            let traced = run(&*sharing, &inputs, &cx);
            assert!(gap(&traced, &run(&*sharing, &inputs, &Cx::new(Mode::Eval))) < 1e-12);
            let summaries = AttentionSummary::of_all(&cx.take_traces()).unwrap();
            let (names, table) = summaries.last().unwrap().by_task();
            assert_eq!(names, ["income", "age", "work"]);
            assert_eq!(summaries.last().unwrap().keys()[0], first);
            assert!(table.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
        }
    }
}

#[test]
fn parameter_names_are_part_of_the_file_format() {
    let config = AttentionConfig::TaskQuery(TaskQueryConfig {
        width: 4,
        blocks: 1,
        token_hidden: 6,
        task_hidden: 5,
        ..Default::default()
    });
    let (params, _) = build(&config, &pictures(), Kind::Float, 1);
    let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.starts_with("sharing")).collect();
    let mut expected: Vec<String> = [
        "project.weight",
        "project.bias",
        "positions.grid",
        "block0.norm.weight",
        "block0.norm.bias",
        "block0.attention.q.weight",
        "block0.attention.q.bias",
        "block0.attention.k.weight",
        "block0.attention.k.bias",
        "block0.attention.v.weight",
        "block0.attention.v.bias",
        "block0.attention.out.weight",
        "block0.attention.out.bias",
        "block0.feed_forward.norm.weight",
        "block0.feed_forward.norm.bias",
        "block0.feed_forward.up.weight",
        "block0.feed_forward.up.bias",
        "block0.feed_forward.down.weight",
        "block0.feed_forward.down.bias",
        "norm.weight",
        "norm.bias",
    ]
    .map(|n| format!("sharing.{n}"))
    .to_vec();
    let tasks = ["income", "age", "work"];
    expected.extend(tasks.map(|t| format!("sharing.tasks.{t}.queries")));
    for task in tasks {
        let own = ["merge.weight", "merge.bias", "norm.weight", "norm.bias"];
        expected.extend(own.map(|n| format!("sharing.tasks.{task}.{n}")));
        let layer = ["norm.weight", "norm.bias", "up.weight", "up.bias", "down.weight", "down.bias"];
        expected.extend(layer.map(|n| format!("sharing.tasks.{task}.feed_forward.{n}")));
    }
    assert_eq!(names, expected);
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    let refusal = |text: &str, encoder: EncoderConfig| {
        let config: AttentionConfig = toml::from_str(text).unwrap();
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let mut root = params.root();
        let spec = spec(&encoder);
        config.build(&mut root, &EncoderPlan::new(&encoder, &spec), &tasks()).unwrap_err().to_string()
    };
    let pooled = refusal("kind = \"task-query\"", EncoderConfig::Mlp(MlpEncoderConfig::default()));
    assert!(pooled.contains("`hidden = []`") && pooled.ends_with("found pooled [b, 64]"), "{pooled}");
    for (text, expected) in [
        ("queries = 0", "task-query sharing: queries must be >= 1, found 0"),
        ("heads = 0", "task-query sharing: heads must be >= 1, found 0"),
        ("width = -1", "task-query sharing: width must be >= 0, found -1"),
        ("features = 0", "task-query sharing: features must be >= 1, found 0"),
        ("task_hidden = -1", "task-query sharing: task_hidden must be >= 0, found -1"),
        ("position_grid = -1", "task-query sharing: position_grid must be >= 0, found -1"),
        ("blocks = 1", "task-query sharing: token_hidden must be >= 1, found 0"),
        ("dropout = 1.0", "dropout: rate must be in [0, 1), found 1"),
        ("blocks = 1\ntoken_hidden = 8\nblock_heads = 3", "heads must be >= 1 and a divisor of the inner width 8"),
    ] {
        let found = refusal(&format!("kind = \"task-query\"\n{text}"), table());
        assert!(found.contains(expected), "{found}");
    }
    assert!(toml::from_str::<AttentionConfig>("kind = \"task-query\"\nqueris = 2").is_err());
    for config in settings() {
        let back: AttentionConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(back, config);
    }
}
