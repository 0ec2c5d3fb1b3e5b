//! The laws over every head of the registry, in several settings and on every view; and what the registry refuses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests and benches may panic")]

use mtl_core::{
    answer::{Answer, Cells, Labels, numbered},
    batch::Target,
    context::Cx,
    distribution::Support,
    features::{Features, View},
    input::InputSpec,
    label_stats::{LabelStats, Numbers, Spread},
    mode::Mode,
    params::ParamSet,
    shim::{Graph, grad},
    task::TaskName,
};
use mtl_heads::{Ask, HeadConfig, HeadPlace, laws};
use tch::{Device, Kind, Tensor};

/// Answers of the one kind that the head learns, few and more.
fn answers(head: &HeadConfig) -> [Answer; 2] {
    let all = [
        [Answer::class(numbered(2)), Answer::class(numbered(4))],
        [Answer::multi_label(numbered(1)), Answer::multi_label(numbered(3))],
        [Answer::ordinal(numbered(2)), Answer::ordinal(numbered(4))],
        [Answer::values(numbered(1)), Answer::values(numbered(2))],
        [Answer::sequence(numbered(1)), Answer::sequence(numbered(4))],
        [Answer::tags(["O", "B-x"]), Answer::tags(["O", "B-x", "I-x", "B-y"])],
    ];
    let view = View::Tokens { width: 12 };
    let is_learned = |pair: &[Answer; 2]| match refusal(head, &view, &pair[1]) {
        Some(e) if e.starts_with("head: kind must be ") => false,
        Some(e) => panic!("{head:?} for {:?}: {e}", pair[1]),
        None => true,
    };
    let [learned] = all.into_iter().filter(is_learned).collect::<Vec<_>>().try_into().unwrap();
    learned
}

/// The features that a head can be built on: all, or tokens where it says so.
fn views(head: &HeadConfig) -> Vec<View> {
    let all = [View::Pooled { width: 12 }, View::Tokens { width: 12 }, View::Pyramid { channels: vec![3, 12] }];
    let answer = &answers(head)[1];
    let is_taken = |view: &View| match refusal(head, view, answer) {
        Some(e) if e.contains(" head: features must be tokens ") => false,
        Some(e) => panic!("{head:?} on {view:?}: {e}"),
        None => true,
    };
    all.into_iter().filter(is_taken).collect()
}

/// Why a head is not built there.
fn refusal(head: &HeadConfig, view: &View, answer: &Answer) -> Option<String> {
    let (task, inputs) = (TaskName::new("demo").unwrap(), InputSpec::table(Vec::new(), answer.names().to_vec()));
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
    let place = HeadPlace::new(params.root(), &task, view, answer).with_inputs(&inputs);
    head.build(place).err().map(|e| e.to_string())
}

/// A head with default settings, as far as there are any.
fn by_name(name: &str) -> HeadConfig {
    match name {
        "funnel" => toml::from_str("kind = \"funnel\"\nafter = \"before\"").unwrap(),
        name => HeadConfig::by_name(name).unwrap(),
    }
}

fn obeys(head: &HeadConfig, view: &View, target: &Answer) {
    let task = TaskName::new("demo").unwrap();
    let known = stats(head, target);
    for stats in [None, known.as_ref()] {
        // What one head restores, the others do not look at.
        let inputs = InputSpec::table(Vec::new(), target.names().to_vec());
        let drawn = if is_of_counts(head) { laws::counts } else { laws::unit_values };
        let outcome = laws::check_on(
            &inputs,
            |scope| head.build(HeadPlace::new(scope, &task, view, target).with_labels(stats).with_inputs(&inputs)),
            drawn,
        );
        assert!(outcome.is_ok(), "{head:?} on {view:?} for {target:?}: {}", outcome.unwrap_err());
    }
}

/// Whether numbers are drawn as counts for it.
fn is_of_counts(head: &HeadConfig) -> bool {
    matches!(head, HeadConfig::Likelihood(config) if config.family.density().support() == Support::Counts)
}

/// Statistics of labels as the laws draw numbers; `None` for others.
fn stats(head: &HeadConfig, target: &Answer) -> Option<LabelStats> {
    if let Answer::Sequence(sequence) = target {
        let lengths = Numbers { known: 3, missing: 0, spread: Spread::of(&mut [1.0, 3.0, 0.0]) };
        return Some(LabelStats::Items { counts: vec![1; sequence.tokens.len()], missing: 0, lengths });
    }
    if matches!(target, Answer::Ordinal(_)) {
        return Some(LabelStats::Class { counts: (1..=target.width() as u64).collect(), missing: 3 });
    }
    let Answer::Values(values) = target else { return None };
    let drawn = |i: u32| if is_of_counts(head) { f64::from(i % 6) } else { f64::from(i) / 50.0 - 1.0 };
    let spread = Spread::of(&mut (0..101).map(drawn).collect::<Vec<_>>());
    Some(LabelStats::Values { outputs: vec![Numbers { known: 101, missing: 0, spread }; values.names.len()] })
}

#[test]
fn every_head_obeys_the_laws_with_default_settings() {
    for (name, _) in HeadConfig::ALL {
        let head = by_name(name);
        for target in answers(&head) {
            obeys(&head, &views(&head)[0], &target);
        }
    }
}

#[test]
fn every_head_obeys_the_laws_on_tokens_and_maps() {
    for (name, _) in HeadConfig::ALL {
        let head = by_name(name);
        for view in views(&head).iter().skip(1) {
            obeys(&head, view, &answers(&head)[1]);
        }
    }
}

#[test]
fn every_head_obeys_the_laws_with_other_settings() {
    let settings = [
        "kind = \"class\"\nhidden = [16]\nactivation = \"tanh\"\nlabel_smoothing = 0.1\nclass_weights = [1.0, 2.0, 0.5, 1.0]",
        "kind = \"class\"\nclass_weights = \"balanced\"\nfocal = { gamma = 1.0 }\nlogit_adjustment = 0.5",
        "kind = \"multi-label\"\nhidden = [16]\nactivation = \"gelu\"\npos_weights = [3.0]",
        "kind = \"multi-label\"\nclass_weights = \"effective-number\"\nfocal = { alpha = 0.25 }\nlogit_adjustment = 1.0",
        "kind = \"funnel\"\nafter = \"before\"\nhidden = [16]\nactivation = \"gelu\"",
        "kind = \"ordinal\"\nhidden = [16]\nactivation = \"silu\"\nloss = \"cumulative-link\"",
        "kind = \"ordinal\"\nloss = \"corn\"\nclass_weights = { kind = \"balanced\", power = 0.5 }",
        "kind = \"likelihood\"\nfamily = \"laplace\"\nhidden = [16]\nactivation = \"silu\"\ncenter = [0.5]\nscale = [2.0, 0.1]",
        "kind = \"likelihood\"\nfamily = \"student-t\"\nlevels = []",
        "kind = \"likelihood\"\nfamily = \"poisson\"",
        "kind = \"likelihood\"\nfamily = \"negative-binomial\"\nhidden = [16]\nlevels = [0.1, 0.9]",
        "kind = \"quantile\"\nhidden = [16]\nlevels = [0.1, 0.5, 0.9]\ntransform = \"log1p\"",
        "kind = \"quantile\"\nlevels = [0.5]\ntransform = \"quantile\"",
        "kind = \"regress\"\nhidden = [16]\nactivation = \"silu\"\nloss = \"l1\"\ncenter = [0.5]\nscale = [2.0, 0.1]",
        "kind = \"regress\"\nloss = { huber = { delta = 0.3 } }",
        "kind = \"regress\"\ntransform = \"log1p\"",
        "kind = \"regress\"\ntransform = \"quantile\"",
        "kind = \"regress\"\ntransform = \"none\"",
        "kind = \"masked-reconstruction\"\nhidden = [16]\nvisible = true\nshare = 0.7",
        "kind = \"gru-decoder\"\nwidth = 12\nembedding = 3\nlabel_smoothing = 0.05\nbeam = 3\nlength_normalization = 0.5",
        "kind = \"tags\"\nhidden = [16]\nactivation = \"tanh\"\nlabel_smoothing = 0.1",
        "kind = \"crf\"\nhidden = [16]\nactivation = \"gelu\"",
    ];
    for text in settings {
        let head: HeadConfig = toml::from_str(text).unwrap();
        obeys(&head, &views(&head)[0], &answers(&head)[1]);
        let back: HeadConfig = toml::from_str(&toml::to_string(&head).unwrap()).unwrap();
        assert_eq!(back, head);
    }
}

/// A class of weight 2 is as if each of its rows were there twice: sum, count and every gradient, weights of samples and gaps in between.
#[test]
fn a_class_weight_is_its_rows_that_many_times() {
    let view = View::Pooled { width: 3 };
    let task = TaskName::new("demo").unwrap();
    let (grades, classes, labels) =
        (Answer::ordinal(numbered(3)), Answer::class(numbered(3)), Answer::multi_label(numbered(1)));
    let cases = [
        ("kind = \"class\"", &classes, "[2.0, 1.0, 3.0]"),
        ("kind = \"class\"\nhidden = [5]\nlabel_smoothing = 0.2", &classes, "[2.0, 1.0, 3.0]"),
        ("kind = \"class\"\nfocal = {}\nlogit_adjustment = 0.7", &classes, "[2.0, 1.0, 3.0]"),
        ("kind = \"multi-label\"", &labels, "[2.0, 3.0]"),
        ("kind = \"multi-label\"\nfocal = { gamma = 1.5 }", &labels, "[2.0, 3.0]"),
        ("kind = \"ordinal\"", &grades, "[2.0, 1.0, 3.0]"),
        ("kind = \"ordinal\"\nloss = \"cumulative-link\"", &grades, "[2.0, 1.0, 3.0]"),
        ("kind = \"ordinal\"\nloss = \"corn\"", &grades, "[2.0, 1.0, 3.0]"),
    ];
    let xs = Tensor::from_slice(&(0..24).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect::<Vec<_>>()).view([8, 3]);
    let cells: [i64; 8] = [0, 1, 2, -100, 1, 0, 2, 2];
    for (text, answer, weights) in cases {
        let yes_no = matches!(answer, Answer::MultiLabel(_));
        let times = |cell: i64| match (cell, yes_no) {
            (0, _) => 2,
            (1, false) => 1,
            _ => 3,
        };
        let labels_of = |rows: &[usize]| match yes_no {
            true => {
                let cell = |&row: &usize| if cells[row] < 0 { f32::NAN } else { f32::from(cells[row] > 0) };
                Labels::dense(Cells::Number(rows.iter().map(cell).collect()), rows.len(), &[1]).unwrap()
            }
            false => Labels::dense(Cells::Index(rows.iter().map(|&r| cells[r]).collect()), rows.len(), &[]).unwrap(),
        };
        // A sample of weight 2 besides, and one that counts for nothing.
        let weight = |row: usize| [1.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0f32][row];
        let pass = |text: &str, rows: &[usize]| {
            let head: HeadConfig = toml::from_str(text).unwrap();
            let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
            let head = head.build(HeadPlace::new(params.root(), &task, &view, answer)).unwrap();
            let at = Tensor::from_slice(&rows.iter().map(|&r| r as i64).collect::<Vec<_>>());
            let features = Features::Pooled(xs.index_select(0, &at));
            let out = head.forward(&Ask::new(&features, &Cx::new(Mode::Train))).unwrap();
            let weights: Vec<f32> = rows.iter().map(|&r| weight(r)).collect();
            let target = Target::new("demo", answer, &labels_of(rows)).unwrap().with_weights("demo", &weights).unwrap();
            let loss = head.loss(&out, &target).unwrap();
            let leaves: Vec<&Tensor> = params.params().iter().map(mtl_core::params::Param::tensor).collect();
            let grads = grad(&[&loss.sum], None, &leaves, Graph::Free).unwrap();
            let flat = grads.iter().flatten().flat_map(|g| Vec::<f64>::try_from(g.reshape([-1])).unwrap());
            (loss.sum.double_value(&[]), loss.count, flat.collect::<Vec<_>>())
        };
        let all: Vec<usize> = (0..8).collect();
        let repeated: Vec<usize> = all.iter().flat_map(|&row| vec![row; times(cells[row])]).collect();
        let (weighted, plain) = (pass(&format!("{text}\nclass_weights = {weights}"), &all), pass(text, &repeated));
        assert_eq!(weighted.1.to_bits(), plain.1.to_bits(), "{text}");
        assert!((weighted.0 - plain.0).abs() < 1e-12, "{text}: {} {}", weighted.0, plain.0);
        assert!(!weighted.2.is_empty() && weighted.2.len() == plain.2.len());
        assert!(weighted.2.iter().zip(&plain.2).all(|(a, b)| (a - b).abs() < 1e-12), "{text}");
    }
}

#[test]
fn the_registry_refuses_what_cannot_work() {
    let task = TaskName::new("income").unwrap();
    let view = View::Pooled { width: 4 };
    let refusal = |text: &str, target: &Answer| {
        let head: HeadConfig = toml::from_str(text).unwrap();
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let e = head.build(HeadPlace::new(params.root(), &task, &view, target)).unwrap_err();
        e.to_string()
    };
    let (classes, labels, values) =
        (Answer::class(numbered(3)), Answer::multi_label(numbered(2)), Answer::values(numbered(2)));
    let cases = [
        ("kind = \"class\"", labels.clone(), "head: kind must be \"multi-label\" for the labels of task income"),
        ("kind = \"class\"", Answer::class(numbered(1)), "class head: classes must be >= 2, found 1"),
        (
            "kind = \"class\"\nlabel_smoothing = 1.0",
            classes.clone(),
            "class head: label_smoothing must be in [0, 1), found 1",
        ),
        (
            "kind = \"class\"\nclass_weights = [1.0, 2.0]",
            classes.clone(),
            "class head: class_weights must be none, one or 3",
        ),
        ("kind = \"class\"\nhidden = [0]", classes.clone(), "must be >= 1"),
        ("kind = \"class\"\ndropout = 1.0", classes.clone(), "dropout: rate must be in [0, 1), found 1"),
        ("kind = \"multi-label\"\npos_weights = [0.0]", labels.clone(), "multi-label head: pos_weights must be"),
        (
            "kind = \"multi-label\"\npos_weights = [2.0]\nclass_weights = [1.0, 2.0]",
            labels.clone(),
            "multi-label head: class_weights must be left out where there are pos_weights, which say the same, found both",
        ),
        (
            "kind = \"class\"\nfocal = { alpha = 0.25 }",
            classes.clone(),
            "class head: focal.alpha must be left out with more than two classes",
        ),
        (
            "kind = \"class\"\nfocal = {}\nlabel_smoothing = 0.1",
            classes.clone(),
            "label_smoothing must be 0 with focal",
        ),
        ("kind = \"class\"\nlogit_adjustment = -1.0", classes.clone(), "logit_adjustment must be > 0, found -1"),
        ("kind = \"multi-label\"", Answer::multi_label(numbered(0)), "labels must be >= 1, found 0"),
        (
            "kind = \"regress\"\nscale = [-1.0]",
            values.clone(),
            "regress head: scale must be none, one or 2 numbers, each > 0",
        ),
        ("kind = \"regress\"\ncenter = [nan]", values.clone(), "regress head: center must be"),
        (
            "kind = \"regress\"\nloss = { huber = { delta = 0.0 } }",
            values.clone(),
            "loss.huber.delta must be > 0, found 0",
        ),
        ("kind = \"ordinal\"", Answer::ordinal(numbered(1)), "ordinal head: grades must be >= 2, found 1"),
        (
            "kind = \"likelihood\"\nfamily = \"poisson\"\nscale = [2.0]",
            values.clone(),
            "likelihood head: scale must be none: counts are neither moved nor divided (poisson), found [2.0]",
        ),
        (
            "kind = \"likelihood\"\nlevels = [0.9, 0.1]",
            values.clone(),
            "likelihood head: levels must be rising within (0, 1), found [0.9, 0.1]",
        ),
        ("kind = \"likelihood\"", classes.clone(), "head: kind must be \"class\" for the labels of task income"),
        (
            "kind = \"quantile\"\nlevels = [0.1, 0.9]",
            values.clone(),
            "quantile head: levels must be rising within (0, 1), with 0.5",
        ),
        ("kind = \"regress\"", Answer::tags(numbered(3)), "head: kind must be \"tags\" for the labels of task income"),
        (
            "kind = \"regress\"",
            Answer::sequence(numbered(3)),
            "head: kind must be \"gru-decoder\" for the labels of task income",
        ),
        ("kind = \"tags\"", Answer::tags(numbered(3)), "tags head: features must be tokens [b, l, d] for task income"),
        ("kind = \"crf\"", Answer::tags(numbered(1)), "crf head: tags must be >= 2, found 1"),
        ("kind = \"regress\"", Answer::values(numbered(0)), "values must be >= 1, found 0"),
    ];
    for (text, target, expected) in cases {
        let found = refusal(text, &target);
        assert!(found.contains(expected), "{text}: {found}");
    }
    for text in ["kind = \"clas\"", "kind = \"class\"\nhiden = [3]", "kind = \"regress\"\nloss = \"l3\""] {
        assert!(toml::from_str::<HeadConfig>(text).is_err(), "{text}");
    }
    assert!(
        HeadConfig::by_name("clas")
            .unwrap_err()
            .to_string()
            .contains(&HeadConfig::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
    );
}

#[test]
fn parameter_names_and_roles_are_part_of_the_file_format() {
    let head: HeadConfig = toml::from_str("kind = \"class\"\nhidden = [8, 4]").unwrap();
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
    let task = TaskName::new("income").unwrap();
    let (view, target) = (View::Pooled { width: 16 }, Answer::class(numbered(3)));
    head.build(HeadPlace::in_model(params.root(), 1, &task, &view, &target)).unwrap();
    let names: Vec<_> = params.params().iter().map(|p| format!("{} {:?}", p.name(), p.tensor().size())).collect();
    assert_eq!(
        names,
        [
            "heads.income.hidden.0.weight [8, 16]",
            "heads.income.hidden.0.bias [8]",
            "heads.income.hidden.1.weight [4, 8]",
            "heads.income.hidden.1.bias [4]",
            "heads.income.out.weight [3, 4]",
            "heads.income.out.bias [3]",
        ]
    );
    assert_eq!(params.owned_by(1).len(), 6);
}
