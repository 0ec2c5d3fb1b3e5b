//! The program's verbs, as a user types them: data, doctor, list, train with its flags, eval, going on with a changed
//! configuration.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{fs, path::Path, process::Command};

const CONFIG: &str = r#"
[data]
kind = "synthetic-mmoe"
train = 400
validation = 100
test = 100
targets = "binary"

[encoder]
kind = "tabular"
token_width = 2
hidden = [8]

[train]
epochs = 1
batch_size = 100

[device]
threads = 1
"#;

/// Exit code, standard output, standard error.
fn mtl(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_mtl")).current_dir(dir).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

fn done(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = mtl(dir, args);
    assert_eq!(code, 0, "{args:?}: {err}");
    out
}

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.toml"), CONFIG).unwrap();
    dir
}

#[test]
fn a_run_is_evaluated_and_goes_on_with_a_larger_budget_only() {
    let place = place();
    let dir = place.path();
    done(dir, &["train", "c.toml", "--run-dir", "run", "--set", "balancer.kind=upgrad"]);
    let resolved = fs::read_to_string(dir.join("run/config.toml")).unwrap();
    assert!(resolved.contains("kind = \"upgrad\"") && resolved.contains("epochs = 1"), "{resolved}");

    let test = done(dir, &["eval", "run", "--json"]);
    let metrics: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("run/metrics.json")).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&test).unwrap(), metrics["test"]);
    let validation = done(dir, &["eval", "run", "--split", "validation", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&validation).unwrap(), metrics["validation"]);
    assert!(done(dir, &["eval", "run"]).contains("auroc"));

    let (code, _, err) = mtl(dir, &["train", "c.toml", "--run-dir", "run", "--resume", "--set", "train.seed=9"]);
    assert_eq!(code, 2);
    let expected = "balancer.kind was \"upgrad\", is \"equal\"";
    assert!(err.contains(expected) && err.contains("train.seed was 0, is 9") && err.contains("--run-dir"), "{err}");

    // The run's own folder is a configuration: only the budget grows.
    done(dir, &["train", "run", "--resume", "--set", "train.epochs=2"]);
    let log = fs::read_to_string(dir.join("run/log.jsonl")).unwrap();
    assert_eq!(log.lines().filter(|l| l.contains("\"type\":\"epoch\"")).count(), 2, "{log}");
    assert!(fs::read_to_string(dir.join("run/config.toml")).unwrap().contains("epochs = 2"));
}

#[test]
fn tasks_of_a_run_are_held_against_each_other() {
    let place = place();
    let dir = place.path();
    done(dir, &["train", "c.toml", "--run-dir", "run"]);
    let weights = fs::read(dir.join("run/model.safetensors")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&done(dir, &["affinity", "run", "--json"])).unwrap();
    let z = |i: usize, j: usize| found["look_ahead"][i][j].as_f64().unwrap();
    // A step for a task alone lowers its own loss, and more than one for the other task does.
    assert!(z(0, 0) > 0.0 && z(1, 1) > 0.0 && z(0, 0) > z(1, 0) && z(1, 1) > z(0, 1), "{found}");
    let cosine = |i: usize, j: usize| found["conflict"]["cosine"][i][j].as_f64().unwrap();
    assert!((cosine(0, 0) - 1.0).abs() < 1e-9 && (cosine(0, 1) - cosine(1, 0)).abs() < 1e-12);
    assert!(done(dir, &["affinity", "run", "--batches", "1", "--split", "test"]).contains("(1 batches)"));
    assert_eq!(fs::read(dir.join("run/model.safetensors")).unwrap(), weights);
    let (code, _, err) = mtl(dir, &["affinity", "run", "--step", "0"]);
    assert!(code == 2 && err.contains("step must be positive, found 0"), "{err}");
}

#[test]
fn a_dry_run_shows_shapes_and_writes_nothing() {
    let place = place();
    let out = done(place.path(), &["train", "c.toml", "--dry-run"]);
    for part in ["[100, 100]", "encoder.", "heads.y1-high", "y2-high", "first loss", "parameters", "memory", "FLOP"] {
        assert!(out.contains(part), "{part:?} is missing in\n{out}");
    }
    assert!(!place.path().join("runs").exists());
    let (code, _, err) =
        mtl(place.path(), &["train", "c.toml", "--dry-run", "--set", "balancer.kind=gls", "--set", "balancer.x=1"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error: --set balancer.x=1: [balancer] key \"x\" is unknown of \"gls\""), "{err}");
}

#[test]
fn a_few_batches_are_learned_by_heart() {
    let place = place();
    let dir = place.path();
    let lr = "train.optimizer={ kind = \"adamw\", lr = 0.02 }";
    done(
        dir,
        &["train", "c.toml", "--overfit", "1", "--set", "train.epochs=60", "--set", "train.batch_size=32", "--set", lr],
    );
    let metrics: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("runs/c/metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["validation"], metrics["test"], "both are the training samples");
    assert!(fs::read_to_string(dir.join("runs/c/config.toml")).unwrap().contains("overfit_batches = 1"));
    let test = done(dir, &["eval", "runs/c"]);
    for task in ["y1-high", "y2-high"] {
        let learned = test.lines().any(|line| line.contains(task) && line.contains("1.0000"));
        assert!(learned, "the auroc of {task} on its own training samples is not 1:\n{test}");
    }
}

#[test]
fn a_run_records_its_threads_and_goes_on_with_them() {
    let place = place();
    let dir = place.path();
    let config = CONFIG.replace("[device]\nthreads = 1\n", "");
    fs::write(dir.join("d.toml"), config).unwrap();
    let train = |threads: Option<&str>, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtl"));
        command.current_dir(dir).args(["train", "d.toml", "--run-dir", "run"]).args(args);
        command.env_remove("OMP_NUM_THREADS").env_remove("MKL_NUM_THREADS");
        command.envs(threads.map(|n| ("OMP_NUM_THREADS", n)));
        let out = command.output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        fs::read_to_string(dir.join("run/config.toml")).unwrap()
    };
    let threads = |resolved: &str| -> usize {
        resolved.split("threads = ").nth(1).unwrap().lines().next().unwrap().parse().unwrap()
    };
    let processors = std::thread::available_parallelism().unwrap().get();
    let first = threads(&train(Some("2"), &[]));
    assert_eq!(first, 2.min(processors), "the user's own number");
    // Neither another environment nor the choice by the size of the work changes a run that goes on.
    let resolved = train(None, &["--resume", "--set", "train.epochs=2"]);
    assert!(threads(&resolved) == first && resolved.contains("epochs = 2"), "{resolved}");
    fs::remove_dir_all(dir.join("run")).unwrap();
    let small = train(None, &["--deterministic"]);
    let range = 1..=(processors - 1).max(1);
    assert!(range.contains(&threads(&small)), "a small model leaves one processor free: {small}");
    assert!(small.contains("deterministic = true"), "{small}");
}

#[test]
fn data_is_described_and_checked() {
    let place = place();
    let dir = place.path();
    let out = done(dir, &["data", "c.toml"]);
    assert!(out.contains("400") && out.contains("y1-high") && out.contains("x0") && out.contains("row 0"), "{out}");
    let json: serde_json::Value =
        serde_json::from_str(&done(dir, &["data", "synthetic-mmoe", "--json", "--rows", "2"])).unwrap();
    assert_eq!((json["rows"].as_array().unwrap().len(), &json["splits"][0]["samples"]), (2, &10_000.into()));
    assert_eq!(done(dir, &["doctor", "c.toml"]).trim(), "nothing found");
    // All faults at once, each with its line; findings of settings and data in the table.
    fs::write(
        dir.join("bad.toml"),
        CONFIG.replace("hidden = [8]", "hidden = [0]\ndroput = 0.1") + "[compare]\nsedes = 2\n",
    )
    .unwrap();
    let (code, out, err) = mtl(dir, &["doctor", "bad.toml", "--set", "train.batch_size=1000"]);
    assert_eq!(code, 2);
    for part in ["bad.toml:13: [encoder] key \"droput\"", "[compare] key \"sedes\"", "encoder.hidden[0] must be >= 1"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(err.contains("^^^^^^") && out.contains("train.batch_size"), "{err}{out}");
    let json: serde_json::Value =
        serde_json::from_str(&done(dir, &["doctor", "c.toml", "--json", "--set", "train.batch_size=1000"])).unwrap();
    assert_eq!((json[0]["level"].as_str(), json[0]["place"].as_str()), (Some("warning"), Some("train.batch_size")));
    let machine: serde_json::Value = serde_json::from_str(&done(dir, &["doctor", "--json"])).unwrap();
    assert!(machine["libtorch"].as_str().unwrap().starts_with("2."), "{machine}");
    let lines = done(dir, &["doctor"]);
    assert!(lines.contains("threads") && lines.contains("waiting"), "{lines}");

    let (code, _, err) = mtl(dir, &["data", "synthetic-mmoo"]);
    assert_eq!(code, 2);
    assert!(err.contains("unknown data set \"synthetic-mmoo\""), "{err}");
    let (code, _, err) = mtl(dir, &["doctor", "c.toml", "--set", "data.train=0"]);
    assert_eq!((code, err.trim()), (2, "error: --set data.train=0: data.train must be >= 1, found 0"));
}

#[test]
fn lists_are_complete() {
    let place = place();
    let all: serde_json::Value = serde_json::from_str(&done(place.path(), &["list", "--json"])).unwrap();
    let lists = [
        "architectures",
        "balancers",
        "datasets",
        "encoders",
        "heads",
        "keys",
        "metrics",
        "mixers",
        "number-embeddings",
        "optimizers",
        "schedules",
        "step-modes",
    ];
    for list in lists {
        assert!(!all[list].as_array().unwrap().is_empty(), "{list}");
    }
    let keys = done(place.path(), &["list", "keys"]);
    assert!(keys.contains("[train]") && keys.contains("epochs"), "{keys}");
    assert_eq!(done(place.path(), &["list", "keys", "--markdown"]), mtl_train::config::markdown());
}

#[test]
fn a_second_run_gets_its_own_folder() {
    let place = place();
    let dir = place.path();
    let notes = |args: &[&str]| {
        let (code, _, err) = mtl(dir, args);
        assert_eq!(code, 0, "{args:?}: {err}");
        err.lines().filter(|line| line.starts_with("note: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(notes(&["train", "c.toml"]), Vec::<String>::new());
    let first = fs::read(dir.join("runs/c/log.jsonl")).unwrap();
    assert_eq!(
        notes(&["train", "c.toml", "--set", "train.seed=1"]),
        ["note: runs/c has a run, this one goes to runs/c-2"]
    );
    assert_eq!(fs::read(dir.join("runs/c/log.jsonl")).unwrap(), first, "the first run is left alone");
    // Without a folder the newest goes on; a folder that is given is taken as it is.
    let more = ["--resume", "--set", "train.seed=1", "--set", "train.epochs=2"];
    assert_eq!(
        notes(&[&["train", "c.toml"][..], &more[..]].concat()),
        ["note: goes on with runs/c-2, the newest run of this file"]
    );
    assert!(fs::read_to_string(dir.join("runs/c-2/config.toml")).unwrap().contains("epochs = 2"));
    let (code, _, err) = mtl(dir, &["train", "c.toml", "--run-dir", "runs/c"]);
    assert!(code == 2 && err.contains("there is a run in this folder"), "{err}");
    assert_eq!(notes(&["train", "c.toml"]), ["note: runs/c-2 has a run, this one goes to runs/c-3"]);
    // Nothing is made for a run that cannot start.
    let (code, _, _) = mtl(dir, &["train", "c.toml", "--set", "encoder.hidden=[0]"]);
    assert!(code == 2 && !dir.join("runs/c-4").exists());
}

#[test]
fn a_comparison_without_a_terminal_prints_a_line_a_run() {
    let place = place();
    let dir = place.path();
    let flags = ["--balancer", "equal,upgrad", "--seeds", "1"];
    let (code, _, err) = mtl(dir, &[&["compare", "c.toml"][..], &flags[..]].concat());
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = err.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(lines.len(), 4, "{err}");
    assert!(
        lines[0].starts_with("[1/4] y1-high alone, seed 0: epoch 1 of 1, ") && lines[0].contains(" y1-high auroc 0."),
        "{err}"
    );
    assert!(lines[3].starts_with("[4/4] hard + upgrad, seed 0: ") && lines[3].contains("y2-high auroc 0."), "{err}");
    let (_, _, err) = mtl(dir, &[&["compare", "c.toml"][..], &flags[..]].concat());
    assert_eq!(err.lines().filter(|line| line.ends_with("finished before")).count(), 4, "{err}");
    // One that fails says why, and the others go on.
    let lr = ["--set", "train.optimizer.kind=sgd", "--set", "train.optimizer.lr=1e30", "--set", "train.epochs=20"];
    let (_, _, err) = mtl(dir, &[&["compare", "c.toml", "--dir", "bad"][..], &flags[..], &lr[..]].concat());
    assert!(err.contains("warning: [1/4] y1-high alone, seed 0: failed: epoch 1, step "), "{err}");
}

#[test]
fn a_divergence_names_its_place_and_what_to_try() {
    let place = place();
    let dir = place.path();
    let sgd = ["--set", "train.optimizer.kind=sgd", "--set", "data.targets=values", "--set", "train.epochs=300"];
    let flags = |lr: &'static str| [&["train", "c.toml"][..], &sgd[..], &["--set", lr][..]].concat();
    let (code, _, err) = mtl(dir, &flags("train.optimizer.lr=1e12"));
    assert_eq!(code, 1, "{err}");
    let last = err.lines().last().unwrap();
    assert!(last.starts_with("error: epoch 1, step ") && last.contains("; at learning rate "), "{err}");
    assert!(last.contains(", try --set train.optimizer.lr=1") && last.contains("--set train.clip_norm=1"), "{err}");
    assert!(last.ends_with("or a smaller scale of the labels"), "{err}");
}
