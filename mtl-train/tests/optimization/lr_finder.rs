//! The learning-rate range test: finds a rate that trains, leaves nothing behind.

use std::process::Command;

use mtl_train::train::trainer::LrFinderConfig;

use super::run::{everything, session, try_session, turn, weights};

#[test]
fn nothing_is_left_behind_at_the_start_and_in_the_middle() {
    let _turn = turn();
    // State everywhere: balancer, moments, mean weights, a schedule that listens, micro-batches.
    let train = "accumulate = 2\nema = {}\nschedule = { kind = 'plateau' }\noptimizer = { kind = 'adam' }";
    let config = LrFinderConfig { steps: 20, ..LrFinderConfig::default() };
    let (mut plain, mut searched) = (session(train), session(train));
    let before = everything(&searched);
    searched.trainer.find_lr(&searched.train, &config).unwrap();
    assert_eq!(everything(&searched), before);
    for session in [&mut plain, &mut searched] {
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
    }
    assert_eq!(weights(&searched), weights(&plain));
    let after = everything(&searched);
    searched.trainer.find_lr(&searched.train, &config).unwrap();
    assert_eq!(everything(&searched), after);
}

#[test]
fn the_suggestion_trains_and_ten_thousand_times_less_does_not() {
    let _turn = turn();
    let loss = |lr: f64| {
        let mut session =
            session(&format!("optimizer = {{ kind = 'sgd', lr = {lr:e} }}\nschedule = {{ kind = 'constant' }}"));
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        session.trainer.history().last().unwrap().train_loss.iter().flatten().sum::<f64>()
    };
    let mut found = session("optimizer = { kind = 'sgd' }");
    let config = LrFinderConfig { min_lr: 1e-6, max_lr: 1e3, ..LrFinderConfig::default() };
    let sweep = found.trainer.find_lr(&found.train, &config).unwrap();
    let lr = sweep.suggestion.unwrap();
    assert!((1e-4..10.0).contains(&lr), "{lr}");
    assert_eq!(sweep.task_suggestions.len(), 2);
    assert!(sweep.points.windows(2).all(|w| w[0].lr < w[1].lr));
    assert!(loss(lr) < 0.98 * loss(lr * 1e-4), "{lr}: {} and {}", loss(lr), loss(lr * 1e-4));
}

#[test]
fn a_sweep_into_the_absurd_ends_early_without_an_error() {
    let _turn = turn();
    let mut session = try_session("equal", "optimizer = { kind = 'sgd' }").unwrap();
    let config = LrFinderConfig { min_lr: 1.0, max_lr: 1e30, steps: 40, ..LrFinderConfig::default() };
    let before = weights(&session);
    let sweep = session.trainer.find_lr(&session.train, &config).unwrap();
    assert!(sweep.diverged && sweep.points.len() < 40, "{} points", sweep.points.len());
    assert_eq!(weights(&session), before);
}

#[test]
fn the_program_prints_a_table_and_writes_nothing() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let text = "data = { kind = 'synthetic-mmoe', train = 300, validation = 100, test = 100, targets = 'binary' }\n\
                encoder = { kind = 'tabular', token_width = 2, hidden = [8] }\n";
    std::fs::write(dir.path().join("c.toml"), text).unwrap();
    let mut mtl = Command::new(env!("CARGO_BIN_EXE_mtl"));
    let out = mtl.current_dir(dir.path()).args(["train", "c.toml", "--find-lr"]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(
        text.contains("suggestion: lr = ") && text.contains("<- steepest") && text.contains("y1-high alone"),
        "{text}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing but the configuration");
}
