//! The text of every public error of the trainer, as a user meets it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{fs, path::Path};

use mtl_train::{
    Error,
    config::{ConfigSource, RunConfig},
    run::{dir::RunDir, session::Session},
    train::checkpoint::CheckpointStore,
};

const GOOD: &str = r#"
[data]
kind = "synthetic-mmoe"
train = 200
validation = 50
test = 50
targets = "binary"

[encoder]
kind = "tabular"
token_width = 2
hidden = [4]

[train]
epochs = 1
batch_size = 50
"#;

/// Builds the whole run from a text and `--set` flags; the error as a program shows it.
fn refusal(text: &str, settings: &[&str]) -> String {
    let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
    #[expect(clippy::result_large_err, reason = "the source comes along to explain the error")]
    let built = || -> Result<(), (Option<ConfigSource>, Error)> {
        let source = ConfigSource::new(text, Path::new("run.toml"), &settings).map_err(|e| (None, e))?;
        let run = || -> mtl_train::Result<()> {
            let config = source.config()?;
            Session::new(&config, &config.data.load()?).map(drop)
        };
        run().map_err(|e| (Some(source.clone()), e))
    };
    match built().unwrap_err() {
        (Some(source), e) => source.explain(e).to_string(),
        (None, e) => e.to_string(),
    }
}

#[test]
fn the_key_is_shown_with_its_line_and_carets() {
    let typo = refusal(&GOOD.replace("batch_size", "bacth_size"), &[]);
    let lines: Vec<&str> = typo.lines().collect();
    assert!(lines[0].starts_with("run.toml:16: [train] key \"bacth_size\" is unknown, expected one of "), "{typo}");
    assert!(lines[0].ends_with("did you mean \"batch_size\"?"), "{typo}");
    assert_eq!(lines[1..], ["   |", "16 | bacth_size = 50", "   | ^^^^^^^^^^"]);
}

#[test]
fn what_is_wrong_in_the_file_is_located() {
    let cases: [(&str, &str, &[&str]); 13] = [
        (
            "epochs = 1",
            "epochs = 0",
            &["run.toml:15: train.epochs must be >= 1, found 0", "\n15 | epochs = 0\n   |          ^"],
        ),
        (
            "epochs = 1",
            "epochs = \"many\"",
            &["run.toml:15: train.epochs must be a whole number, >= 1, found the text \"many\"", "^^^^^^"],
        ),
        ("epochs = 1", "epochs = -1", &["run.toml:15: train.epochs must be >= 1, found -1"]),
        (
            "targets = \"binary\"",
            "targets = \"binry\"",
            &[
                "run.toml:7: data.targets: unknown \"binry\"",
                "\"values\", \"binary\", \"both\", did you mean \"binary\"?",
            ],
        ),
        (
            "kind = \"tabular\"",
            "kind = \"tabluar\"",
            &["run.toml:10: encoder.kind: unknown \"tabluar\"", "did you mean \"tabular\"?", "       ^^^^^^^^^"],
        ),
        ("kind = \"tabular\"\n", "", &["run.toml:9: encoder: key \"kind\" is missing"]),
        (
            "hidden = [4]",
            "hidden = [4, 0]",
            &["run.toml:12: encoder.hidden[1] must be >= 1, found 0", "\n12 | hidden = [4, 0]\n   |              ^"],
        ),
        ("hidden = [4]", "hidden = [4, \"x\"]", &["run.toml:12: encoder.hidden[1] must be a whole number", "^^^"]),
        ("hidden = [4]", "dropout = 1.5", &["run.toml:12: encoder.dropout must be in [0, 1), found 1.5", "^^^"]),
        (
            "[train]",
            "[balancer]\nkind = \"cagrad\"\nc = -1.0\n[train]",
            &["run.toml:16: balancer.c must be >= 0, found -1.0", "    ^^^^"],
        ),
        ("[train]", "[trian]", &["run.toml:14: section \"trian\" is unknown", "did you mean \"train\"?"]),
        (
            "[train]",
            "[[task]]\nname = \"y3-high\"\n[train]",
            &["run.toml:15: unknown task \"y3-high\", known tasks are y1-high, y2-high", "^^^^^^^^^"],
        ),
        (
            "[train]",
            "[device]\nkind = \"tpu\"\n[train]",
            &["run.toml:15: device: kind must be cpu, cuda or cuda:<index>, found \"tpu\"", "^^^^^"],
        ),
    ];
    for (old, new, parts) in cases {
        assert!(GOOD.contains(old), "{old}");
        let text = refusal(&GOOD.replace(old, new), &[]);
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }
    let e = refusal("[train]\nepochs = 1\n", &[]);
    assert!(e.starts_with("run.toml:2: section [data] is missing: write [data], kind = \"csv\""), "{e}");
}

/// What people bring along from other programs, or write into the wrong section: the line to write instead.
#[test]
fn keys_from_elsewhere_point_at_ours() {
    let cases = [
        (
            "epochs = 1",
            "epochs = 1\nlr = 0.01",
            "run.toml:16: [train] key \"lr\" is unknown: write lr = 0.01 in [train.optimizer], with kind = \"adamw\" there",
        ),
        (
            "epochs = 1",
            "max_epochs = 7",
            "run.toml:15: [train] key \"max_epochs\" is unknown: write epochs = 7 in [train]",
        ),
        (
            "epochs = 1",
            "early_stopping = true",
            "run.toml:15: [train] key \"early_stopping\" is unknown: write patience = 5 in [train]",
        ),
        ("[data]", "lr = 0.1\n[data]", "run.toml:2: key \"lr\" is unknown: write lr = 0.1 in [train.optimizer]"),
        ("[data]", "epochs = 5\n[data]", "run.toml:2: key \"epochs\" is unknown: write epochs = 5 in [train]"),
        (
            "[data]",
            "num_workers = 2\n[data]",
            "run.toml:2: key \"num_workers\" is unknown: write workers = 2 in [train]",
        ),
        (
            "[data]",
            "loss_weights = [1, 2]\n[data]",
            "run.toml:2: section \"loss_weights\" is unknown: write weight = 2.0 in a [[task]] of its own",
        ),
        ("[data]", "gpu = true\n[data]", "run.toml:2: key \"gpu\" is unknown: write kind = \"cuda\" in [device]"),
        (
            "train = 200",
            "train = 200\nval_split = 0.2",
            "is unknown of \"synthetic-mmoe\": write validation_fraction = 0.2 in [data], with kind one of \"csv\", \"idx\", \"parallel-text\" there",
        ),
        (
            "hidden = [4]",
            "hidden_size = 64",
            "[encoder] key \"hidden_size\" is unknown of \"tabular\": write hidden = 64 in [encoder]",
        ),
        (
            "hidden = [4]",
            "epochs = 3",
            "[encoder] key \"epochs\" is unknown of \"tabular\": write epochs = 3 in [train]",
        ),
        (
            "hidden = [4]",
            "channels = [4]",
            "[encoder] key \"channels\" is unknown of \"tabular\", it is a key of \"conv\"",
        ),
        (
            "epochs = 1",
            "optimizer = \"sgd\"",
            "train.optimizer must be a table, found the text \"sgd\"; write optimizer = { kind = \"sgd\" }",
        ),
        ("epochs = 1", "schedule = \"cosin\"", "write schedule = { kind = .. } with one of"),
        (
            "[data]",
            "device = \"cuda\"\n[data]",
            "run.toml:2: device must be a table, found the text \"cuda\"; write device = { kind = \"cuda\" }",
        ),
        (
            "[train]",
            "[model]\nlayers = 3\n[train]",
            "section \"model\" is unknown: write kind = \"tabular\" in [encoder]",
        ),
        (
            "[train]",
            "[scheduler]\ngamma = 3\n[train]",
            "section \"scheduler\" is unknown: write kind = \"cosine\" in [train.schedule]",
        ),
    ];
    for (old, new, part) in cases {
        let text = refusal(&GOOD.replacen(old, new, 1), &[]);
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
        assert!(text.lines().count() == 4 && text.ends_with('^'), "{text}");
    }
}

#[test]
fn an_encoder_that_is_left_out_follows_data_and_sharing() {
    let bare = GOOD.replace("[encoder]\nkind = \"tabular\"\ntoken_width = 2\nhidden = [4]\n", "");
    let config = |text: &str| RunConfig::parse(text, Path::new("run.toml")).unwrap();
    let table = config(&bare);
    assert_eq!(table.encoder, config(&format!("{bare}[encoder]\nkind = \"tabular\"\n")).encoder);
    Session::new(&table, &table.data.load().unwrap()).unwrap();
    // The resolved configuration shows what was chosen.
    assert!(table.to_toml().unwrap().contains("[encoder]\nkind = \"tabular\"\ntoken_width = 8\nhidden = [128, 64]\n"));
    let queries = config(&format!("{bare}[sharing]\nkind = \"task-query\"\n"));
    Session::new(&queries, &queries.data.load().unwrap()).unwrap();
    assert!(queries.to_toml().unwrap().contains("token_width = 32\nhidden = []\n"));
    let pictures = config("[data]\nkind = \"fashion-pairs\"\n");
    assert_eq!(pictures.encoder.name(), "conv");
}

#[test]
fn expressions_and_heads_are_located() {
    let selection = GOOD.replace("epochs = 1", "selection = \"0.5*y1-high.auroc + 0.5*y2-high.acuracy\"");
    let e = refusal(&selection, &[]);
    assert!(e.starts_with("run.toml:15: ") && e.contains("acuracy") && e.lines().count() == 4, "{e}");
    let head = format!("{GOOD}\n[[task]]\nname = \"y1-high\"\nhead = {{ kind = \"regress\" }}\n");
    let e = refusal(&head, &[]);
    assert!(e.starts_with("run.toml:20: head: kind must be \"multi-label\" for the labels of task y1-high"), "{e}");
    assert!(e.ends_with("^^^^^^^^^"), "{e}");
}

#[test]
fn flags_are_blamed_for_what_they_set() {
    let cases = [
        ("train.epohcs=3", "--set train.epohcs=3: [train] key \"epohcs\" is unknown, expected one of"),
        ("train.epochs=0", "--set train.epochs=0: train.epochs must be >= 1, found 0"),
        ("balancer.kind=upgrd", "--set balancer.kind=upgrd: balancer.kind: unknown \"upgrd\", expected one of"),
        ("trian.epochs=3", "--set trian.epochs=3: section \"trian\" is unknown"),
        ("train.epochs=[1", "--set train.epochs=[1: "),
        ("task.y1.weight=2", "--set task.y1.weight=2: the file has no [[task]] named y1"),
    ];
    for (flag, start) in cases {
        let e = refusal(GOOD, &[flag]);
        assert!(e.starts_with(start) && e.lines().count() == 1, "{e}");
    }
    // The last flag wins, and a good flag mends a bad file.
    let source = ConfigSource::new(
        GOOD.replace("epochs = 1", "epochs = 0"),
        Path::new("run.toml"),
        &["train.epochs=2".into(), "train.epochs=3".into()],
    );
    assert_eq!(source.unwrap().config().unwrap().train.epochs, Some(3));
}

#[test]
fn syntax_errors_show_the_place() {
    let e = refusal("[data\nkind = 1\n", &[]);
    assert!(e.starts_with("run.toml:1: unclosed table") && e.contains("\n1 | [data\n"), "{e}");
}

#[test]
fn files_and_steps_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let io = RunConfig::load(&dir.path().join("none.toml")).unwrap_err();
    assert!(matches!(&io, Error::Io { .. }) && io.to_string().contains("none.toml: cannot read config: "), "{io}");

    let config = RunConfig::parse(GOOD, Path::new("run.toml")).unwrap();
    let step = Error::from(mtl_core::Error::NonFinite {
        what: "loss",
        tasks: mtl_core::WhichTasks::by_name("y1-high"),
        value: f64::NAN,
    });
    assert_eq!(step.at_step(1, 7).to_string(), "epoch 2, step 7: loss of task y1-high is not finite (NaN)");

    let data = mtl_data::datasets::SyntheticMmoe { train: 0, ..Default::default() }.load();
    assert_eq!(Error::from(data.unwrap_err()).to_string(), "synthetic-mmoe: train must be >= 1, found 0");

    let setting = Error::from(mtl_core::Error::InvalidConfig {
        what: "cagrad",
        field: "c",
        expected: ">= 0".into(),
        found: "-1".into(),
    });
    let setting = setting.in_section("balancer");
    assert!(matches!(&setting, Error::Setting { section, .. } if section == "balancer"));
    assert_eq!(setting.to_string(), "cagrad: c must be >= 0, found -1");

    let root = dir.path().join("run");
    let session = Session::new(&config, &config.data.load().unwrap()).unwrap();
    let run = RunDir::create(&root, &config, session.data()).unwrap();
    fs::write(run.log(), "").unwrap();
    let checkpoint = RunDir::create(&root, &config, session.data()).unwrap_err();
    assert!(matches!(&checkpoint, Error::Checkpoint { .. }), "{checkpoint}");
    assert!(
        checkpoint
            .to_string()
            .ends_with("run: there is a run in this folder; go on with --resume, or choose another with --run-dir")
    );
    fs::write(run.root().join("checkpoints"), "a file, not a folder").unwrap();
    assert!(matches!(CheckpointStore::open(&run.checkpoints(), 2), Err(Error::Io { .. })));
}
