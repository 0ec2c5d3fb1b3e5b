//! Everything with a state of its own, stopped in the middle of an epoch and resumed from the file: the bits of the run that
//! was never interrupted.

use mtl_train::train::{
    checkpoint::CheckpointStore,
    optim::OptimizerConfig,
    schedule::ScheduleConfig,
    trainer::{EpochSummary, Flow, Observer, StepSummary},
};

use super::run::{session, turn, weights};

/// Writes down rates and norms, and stops after so many steps.
struct Log {
    stop_after: u64,
    rates: Vec<(u64, f64, Option<f64>)>,
    scores: Vec<Option<f64>>,
}

impl Log {
    fn new(stop_after: u64) -> Self {
        Self { stop_after, rates: Vec::new(), scores: Vec::new() }
    }
}

impl Observer for Log {
    fn step(&mut self, s: &StepSummary<'_>) {
        self.rates.push((s.step, s.lr, s.gradient_norm));
    }

    fn epoch(&mut self, e: &EpochSummary) {
        self.scores.push(e.score);
    }

    fn flow(&self) -> Flow {
        let last = self.rates.last().map_or(0, |r| r.0 + 1);
        if last == self.stop_after { Flow::Stop } else { Flow::Continue }
    }
}

fn check(train: &str) {
    let mut whole = session(train);
    let mut log = Log::new(u64::MAX);
    whole.trainer.fit(&whole.train, &whole.validation, &mut log, None).unwrap();
    // In the first epoch, in the third, and before the last step of the run.
    for stop_after in [2, 13, 19] {
        let dir = tempfile::tempdir().unwrap();
        let store = CheckpointStore::open(dir.path(), 1).unwrap();
        let (mut killed, mut first) = (session(train), Log::new(stop_after));
        killed.trainer.fit(&killed.train, &killed.validation, &mut first, Some(&store)).unwrap();
        drop(killed);

        let (mut resumed, mut rest) = (session(train), Log::new(u64::MAX));
        resumed.trainer.resume(store.latest().unwrap().unwrap().0).unwrap();
        resumed.trainer.fit(&resumed.train, &resumed.validation, &mut rest, None).unwrap();
        first.rates.extend(rest.rates);
        first.scores.extend(rest.scores);
        assert_eq!(first.rates, log.rates, "stopped after {stop_after}: {train}");
        assert_eq!(first.scores, log.scores, "stopped after {stop_after}: {train}");
        assert_eq!(weights(&resumed), weights(&whole), "stopped after {stop_after}: {train}");
    }
}

#[test]
fn every_optimizer() {
    let _turn = turn();
    for (name, _) in OptimizerConfig::ALL {
        check(&format!("clip_norm = 5.0\noptimizer = {{ kind = {name:?}, lr = 0.003 }}"));
    }
    check("optimizer = { kind = 'adamw', amsgrad = true }");
    check("optimizer = { kind = 'rmsprop', centered = true, momentum = 0.5 }");
    check("optimizer = { kind = 'sgd', nesterov = true }");
}

#[test]
fn every_schedule() {
    let _turn = turn();
    for (name, _) in ScheduleConfig::ALL {
        check(&format!("clip_norm = 5.0\nschedule = {{ kind = {name:?}, warmup_steps = 3 }}"));
    }
    // A score that never gets this much better: the rate drops while the run goes on.
    let plateau =
        "schedule = { kind = 'plateau', patience = 1, factor = 0.5, threshold = 10.0, threshold_mode = 'absolute' }";
    check(plateau);
    let (mut dropped, mut log) = (session(plateau), Log::new(u64::MAX));
    dropped.trainer.fit(&dropped.train, &dropped.validation, &mut log, None).unwrap();
    assert!(log.rates.last().unwrap().1 < 0.6 * log.rates[0].1, "the plateau heard nothing");
}

#[test]
fn dropout_follows_a_schedule_of_its_own() {
    let _turn = turn();
    let trained = |schedule: &str| {
        let mut run = session(schedule);
        run.trainer.fit(&run.train, &run.validation, &mut Log::new(u64::MAX), None).unwrap();
        weights(&run)
    };
    assert_eq!(trained("dropout_schedule = { kind = 'constant' }"), trained(""));
    assert_ne!(trained("dropout_schedule = { kind = 'cosine' }"), trained(""));
    check("dropout_schedule = { kind = 'cosine' }");
}

#[test]
fn mean_weights_precision_groups_and_clipping() {
    let _turn = turn();
    check("ema = { decay = 0.9 }");
    check("ema = { decay = 0.9, warmup = false }\naccumulate = 2\noptimizer = { kind = 'sgd' }");
    check("precision = 'bf16'");
    check("clip_task_norm = 0.1\nclip_norm = 0.15");
    check("groups = [{ role = 'shared', lr_factor = 0.1 }, { task = 'y1-high', lr_factor = 3.0, weight_decay = 0.2 }]");
    check(
        "ema = {}\nprecision = 'bf16'\nclip_task_norm = 0.5\nschedule = { kind = 'plateau', patience = 1 }\n\
         optimizer = { kind = 'lion', lr = 1e-3 }\naccumulate = 2",
    );
}
