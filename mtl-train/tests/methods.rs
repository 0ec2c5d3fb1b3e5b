//! Every balancing method, step mode and architecture trains a small model through the session, and goes on exactly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use mtl_train::{
    config::RunConfig,
    parts::{architecture::Architecture, method::MethodConfig},
    run::session::Session,
};

fn run(balancer: &str, sharing: &str, extra: &str) -> mtl_train::Result<Session> {
    run_on("[12]", balancer, sharing, extra)
}

fn run_on(hidden: &str, balancer: &str, sharing: &str, extra: &str) -> mtl_train::Result<Session> {
    let text = format!(
        r#"
        data     = {{ kind = "synthetic-mmoe", train = 600, targets = "binary", correlation = 0.5 }}
        encoder  = {{ kind = "mlp", hidden = {hidden} }}
        sharing  = {sharing}
        balancer = {balancer}
        train    = {{ epochs = 2, batch_size = 60, seed = 1, workers = 0{extra} }}
        "#
    );
    let config = RunConfig::parse(&text, Path::new("test"))?;
    let splits = config.data.load()?;
    let mut session = Session::new(&config, &splits)?;
    session.trainer.fit(&session.train, &session.validation, &mut (), None)?;
    Ok(session)
}

fn balancer(name: &str, n_tasks: usize) -> String {
    match name {
        "fixed" => {
            format!(r#"{{ kind = "fixed", weights = {:?} }}"#, (1..=n_tasks).map(|w| w as f64).collect::<Vec<_>>())
        }
        name => format!(r#"{{ kind = "{name}" }}"#),
    }
}

/// A table of six numbers and five questions about them, of which some want opposite things of the shared layer: as many tasks
/// as the most demanding method asks for (Krum and the trimmed mean leave some out).
fn five_tasks() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut state = 7u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    let questions = [
        [1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [1.0, -1.0, 0.0, 0.0, 0.5, 0.0],
        [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, -1.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, -1.0, 1.0, 1.0],
    ];
    let mut text = String::from("x0,x1,x2,x3,x4,x5,t0,t1,t2,t3,t4\n");
    for _ in 0..800 {
        let xs: Vec<f64> = (0..6).map(|_| draw()).collect();
        let answers = questions.map(|q| q.iter().zip(&xs).map(|(w, x)| w * x).sum::<f64>() > 0.0);
        let xs = xs.iter().map(|x| format!("{x:.4}"));
        let cells: Vec<String> = xs.chain(answers.map(|yes| u8::from(yes).to_string())).collect();
        text += &(cells.join(",") + "\n");
    }
    std::fs::write(dir.path().join("train.csv"), text).unwrap();
    dir
}

/// A run of the method, and how many rows the training split has.
fn run_five(dir: &Path, name: &str) -> mtl_train::Result<(Session, u64)> {
    let column = |kind: &str, n| (0..n).map(|i| kind.replace('#', &i.to_string())).collect::<Vec<_>>().join(", ");
    let inputs = column(r##"{ name = "x#", kind = "numeric" }"##, 6);
    let labels = column(r##"{ name = "t#", kind = "label", label = { binary = { positive = "1" } } }"##, 5);
    let text = format!(
        r#"
        data     = {{ kind = "csv", dir = {dir:?}, train = "train.csv", validation_fraction = 0.125, test_fraction = 0.125, schema = {{ columns = [{inputs}, {labels}] }} }}
        encoder  = {{ kind = "mlp", hidden = [12] }}
        balancer = {}
        train    = {{ epochs = 4, batch_size = 60, seed = 1, workers = 0, optimizer = {{ kind = "adamw", lr = 1e-2 }} }}
        device   = {{ threads = 1 }}
        "#,
        balancer(name, 5)
    );
    let config = RunConfig::parse(&text, Path::new("test"))?;
    let splits = config.data.load()?;
    let mut session = Session::new(&config, &splits)?;
    session.trainer.fit(&session.train, &session.validation, &mut (), None)?;
    Ok((session, splits.train.len()))
}

#[test]
fn every_method_trains_five_tasks() {
    let place = five_tasks();
    let mut wrong = Vec::new();
    for (name, _) in MethodConfig::all() {
        let (session, n_rows) = run_five(place.path(), name).unwrap_or_else(|e| panic!("{name}: {e}"));
        let history = session.trainer.history();
        assert_eq!(history.len(), 4, "{name}");
        assert!(history.iter().all(|e| e.score.is_some_and(f64::is_finite)), "{name}");
        for task in 0..5 {
            let losses: Vec<f64> = history.iter().map(|epoch| epoch.train_loss[task].unwrap()).collect();
            // One of the first epoch is a mean over weights that were still falling.
            if losses[3] > 0.95 * losses[0] {
                wrong.push(format!("{name}: the loss of task {task} went {losses:.3?}"));
            }
        }
        // Three batches a step for double sampling; a fifth of the rows is held out for those that look ahead.
        let steps = match name {
            "modo" | "sdmgrad" => 4 * (session.train.n_batches() / 3),
            _ => 4 * session.train.n_batches(),
        };
        assert_eq!(session.trainer.step(), steps, "{name}");
        let held_out = if ["auto-lambda", "moml", "forum"].contains(&name) { 0.2 } else { 0.0 };
        let (expected, rows) = (n_rows as f64 * (1.0 - held_out), session.train.source().len() as f64);
        assert!((rows - expected).abs() <= 1.0, "{name}: {rows} of {n_rows} rows");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_step_mode_and_architecture_trains_alike() {
    // Task queries want tokens, fusion two inputs; branches want two stages.
    for (sharing, _) in Architecture::all().filter(|(n, _)| !["task-query", "fusion"].contains(n)) {
        let sharing = format!(r#"{{ kind = "{sharing}" }}"#);
        let score = |mode: &str| {
            let extra = format!(r#", step_mode = {{ kind = "{mode}" }}"#);
            let session = run_on("[12, 8]", &balancer("upgrad", 2), &sharing, &extra).unwrap();
            session.trainer.history().last().unwrap().train_loss.clone()
        };
        let exact = score("exact");
        for mode in ["factored", "batched", "low-memory", "representation"] {
            let found = score(mode);
            for (a, b) in exact.iter().zip(&found) {
                let (a, b) = (a.unwrap(), b.unwrap());
                let tolerance = if mode == "representation" { 0.1 } else { 1e-2 };
                assert!((a - b).abs() < tolerance * a, "{sharing}, {mode}: {a} and {b}");
            }
        }
    }
}

#[test]
fn conflicts_are_told_as_a_whole_and_by_block() {
    let session = run(&balancer("upgrad", 2), r#"{ kind = "mmoe" }"#, ", statistics_every = 3").unwrap();
    let epoch = session.trainer.history().last().unwrap();
    assert_eq!(epoch.conflict.cosine.len(), 2);
    let names: Vec<&str> = epoch.blocks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["layer0", "experts"]);
    assert!(epoch.blocks.iter().all(|(_, c)| c.cosine[0][1].abs() <= 1.0 && c.magnitude[0][1] > 0.0));
    let never = run(&balancer("upgrad", 2), r#"{ kind = "mmoe" }"#, ", statistics_every = 0").unwrap();
    assert!(never.trainer.history()[0].blocks.is_empty());
}

#[test]
fn accumulation_counts_steps_and_refuses_what_it_cannot_do() {
    let session = run(&balancer("upgrad", 2), r#"{ kind = "hard" }"#, ", accumulate = 4").unwrap();
    assert_eq!(session.trainer.step(), 2 * 3, "ten batches in groups of four");
    let refusal =
        |name: &str, extra: &str| run(&balancer(name, 2), r#"{ kind = "hard" }"#, extra).unwrap_err().to_string();
    assert!(refusal("famo", ", accumulate = 2").contains("accumulate must be 1 for famo"));
    assert!(refusal("modo", ", accumulate = 2").contains("accumulate must be 1 for modo"));
    assert!(refusal("moml", ", held_out = 1.5").contains("held_out must be in (0, 1), found 1.5"));
    let e = refusal("upgrad", r#", step_mode = { kind = "factored", rank = 1 }"#);
    assert!(e.contains("rank must be >= 4, found 1"), "{e}");
}
