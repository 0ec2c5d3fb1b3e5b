//! The contract of a sharing architecture, over every member of the registry, on tables and on pictures.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

use mtl_attention::{AttentionConfig, AttentionSummary, TaskQueryConfig};
use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{CategoricalField, ConvEncoderConfig, EncoderConfig, InputSpec, MlpEncoderConfig, TabularEncoderConfig},
    features::View,
    mode::Mode,
    params::ParamSet,
    share::Sharing,
    shim::{Graph, grad},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

fn tasks() -> TaskSet {
    TaskSet::new(["income", "age", "work"].map(|n| Task::new(n).unwrap()).to_vec()).unwrap()
}

fn spec() -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    InputSpec {
        categorical: vec![field("sex", 3), field("region", 5)],
        numeric: vec!["hours".into()],
        image: Some([1, 12, 8]),
    }
}

fn table() -> EncoderConfig {
    EncoderConfig::Tabular(TabularEncoderConfig { token_width: 8, hidden: vec![], ..Default::default() })
}

fn pictures() -> EncoderConfig {
    EncoderConfig::Conv(ConvEncoderConfig { channels: vec![4, 8], ..Default::default() })
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
    let encoder = encoder.build(&mut root.sub("encoder"), &spec()).unwrap();
    let sharing = config.build(&mut root.sub("sharing"), encoder, &tasks()).unwrap();
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
    sharing.forward(inputs, cx).unwrap().per_task.iter().map(|f| f.pooled().unwrap()).collect()
}

fn gap(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs().max().double_value(&[])).fold(0.0, f64::max)
}

#[test]
fn features_are_as_announced_deterministic_and_per_sample() {
    for config in settings() {
        for encoder in [table(), pictures()] {
            for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::Double, 1e-12)] {
                let (_params, sharing) = build(&config, &encoder, kind, 1);
                let cx = Cx::new(Mode::Eval);
                let shared = sharing.forward(&inputs(0..4, kind), &cx).unwrap();
                let views: Vec<View> = shared.per_task.iter().map(|f| f.view()).collect();
                assert_eq!(views, sharing.views());
                let all: Vec<Tensor> = shared.per_task.iter().map(|f| f.pooled().unwrap()).collect();
                assert!(all.iter().all(|f| f.kind() == kind && f.size()[0] == 4));
                assert_eq!(all, run(&*sharing, &inputs(0..4, kind), &cx), "two evaluations, bit for bit");
                let (a, b) = (run(&*sharing, &inputs(0..2, kind), &cx), run(&*sharing, &inputs(2..4, kind), &cx));
                let joined: Vec<Tensor> = a.iter().zip(&b).map(|(a, b)| Tensor::cat(&[a, b], 0)).collect();
                assert!(gap(&all, &joined) < tolerance, "{config:?}");
            }
        }
    }
}

#[test]
fn each_task_reaches_the_shared_parameters_and_its_own_only() {
    for config in settings() {
        for encoder in [table(), pictures()] {
            let (params, sharing) = build(&config, &encoder, Kind::Double, 1);
            let leaves: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
            let shared = sharing.forward(&inputs(0..4, Kind::Double), &Cx::new(Mode::Train)).unwrap();
            let boundary: Vec<&Tensor> = shared.boundary.iter().collect();
            for (task_idx, features) in shared.per_task.iter().enumerate() {
                let out = features.pooled().unwrap().square().sum(Kind::Double);
                let grads = grad(&[&out], None, &leaves, Graph::Keep).unwrap();
                for (p, g) in params.params().iter().zip(&grads) {
                    let largest = g.as_ref().map_or(0.0, |g| g.abs().max().double_value(&[]));
                    match p.role().owner() {
                        // All queries go through one call, so those of other tasks may get zeros, but nothing else.
                        Some(owner) if owner != task_idx => assert!(largest == 0.0, "{}", p.name()),
                        _ => assert!(g.is_some() && largest.is_finite(), "{}", p.name()),
                    }
                }
                // What flows through the boundary is all that reaches the trunk.
                let cut = grad(&[&out], None, &boundary, Graph::Keep).unwrap().into_iter().map(Option::unwrap);
                let cut: Vec<Tensor> = cut.collect();
                for &position in &params.shared() {
                    let through = grad(&boundary, Some(&cut), &[leaves[position]], Graph::Keep).unwrap().remove(0);
                    let direct = grads[position].as_ref().unwrap();
                    let gap = (through.unwrap() - direct).abs().max().double_value(&[]);
                    assert!(gap < 1e-10, "{}: {gap}", params.params()[position].name());
                }
            }
        }
    }
}

#[test]
fn saved_parameters_give_the_same_bits() {
    for config in settings() {
        let ((a, from), (b, to)) = (build(&config, &table(), Kind::Float, 1), build(&config, &table(), Kind::Float, 2));
        let (inputs, cx) = (inputs(0..4, Kind::Float), Cx::new(Mode::Eval));
        assert_ne!(run(&*from, &inputs, &cx), run(&*to, &inputs, &cx));
        b.load_safetensors(&a.to_safetensors().unwrap()).unwrap();
        assert_eq!(run(&*from, &inputs, &cx), run(&*to, &inputs, &cx));
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
        let encoder = encoder.build(&mut root.sub("encoder"), &spec()).unwrap();
        config.build(&mut root.sub("sharing"), encoder, &tasks()).unwrap_err().to_string()
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
