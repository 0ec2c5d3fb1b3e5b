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

fn balancer(name: &str) -> String {
    match name {
        "fixed" => r#"{ kind = "fixed", weights = [1.0, 2.0] }"#.to_owned(),
        name => format!(r#"{{ kind = "{name}" }}"#),
    }
}

#[test]
fn every_method_trains() {
    for (name, _) in MethodConfig::all() {
        let session = match run(&balancer(name), r#"{ kind = "hard" }"#, "") {
            Ok(session) => session,
            // Krum and the trimmed mean need more tasks than two.
            Err(e) if e.to_string().contains("task") && ["krum", "trimmed-mean"].contains(&name) => continue,
            Err(e) => panic!("{name}: {e}"),
        };
        let history = session.trainer.history();
        assert_eq!(history.len(), 2, "{name}");
        assert!(history.iter().all(|e| e.score.is_some_and(f64::is_finite)), "{name}");
        // Three batches a step for double sampling; a fifth of the rows is held out for those that look ahead.
        let steps = match name {
            "modo" | "sdmgrad" => 2 * (session.train.n_batches() / 3),
            _ => 2 * session.train.n_batches(),
        };
        assert_eq!(session.trainer.step(), steps, "{name}");
        let rows = if ["auto-lambda", "moml", "forum"].contains(&name) { 480 } else { 600 };
        assert_eq!(session.train.source().len(), rows, "{name}");
    }
}

#[test]
fn every_step_mode_and_architecture_trains_alike() {
    // Task queries want tokens, fusion two inputs; branches want two stages.
    for (sharing, _) in Architecture::all().filter(|(n, _)| !["task-query", "fusion"].contains(n)) {
        let sharing = format!(r#"{{ kind = "{sharing}" }}"#);
        let score = |mode: &str| {
            let extra = format!(r#", step_mode = {{ kind = "{mode}" }}"#);
            let session = run_on("[12, 8]", &balancer("upgrad"), &sharing, &extra).unwrap();
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
    let session = run(&balancer("upgrad"), r#"{ kind = "mmoe" }"#, ", statistics_every = 3").unwrap();
    let epoch = session.trainer.history().last().unwrap();
    assert_eq!(epoch.conflict.cosine.len(), 2);
    let names: Vec<&str> = epoch.blocks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["layer0", "experts"]);
    assert!(epoch.blocks.iter().all(|(_, c)| c.cosine[0][1].abs() <= 1.0 && c.magnitude[0][1] > 0.0));
    let never = run(&balancer("upgrad"), r#"{ kind = "mmoe" }"#, ", statistics_every = 0").unwrap();
    assert!(never.trainer.history()[0].blocks.is_empty());
}

#[test]
fn accumulation_counts_steps_and_refuses_what_it_cannot_do() {
    let session = run(&balancer("upgrad"), r#"{ kind = "hard" }"#, ", accumulate = 4").unwrap();
    assert_eq!(session.trainer.step(), 2 * 3, "ten batches in groups of four");
    let refusal =
        |name: &str, extra: &str| run(&balancer(name), r#"{ kind = "hard" }"#, extra).unwrap_err().to_string();
    assert!(refusal("famo", ", accumulate = 2").contains("accumulate must be 1 for famo"));
    assert!(refusal("modo", ", accumulate = 2").contains("accumulate must be 1 for modo"));
    assert!(refusal("moml", ", held_out = 1.5").contains("held_out must be in (0, 1), found 1.5"));
    let e = refusal("upgrad", r#", step_mode = { kind = "factored", rank = 1 }"#);
    assert!(e.contains("rank must be >= 4, found 1"), "{e}");
}
