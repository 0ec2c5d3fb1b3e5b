//! The running mean is what is validated and kept, and training does not notice it.

use mtl_train::train::trainer::{EpochSummary, Observer, StepSummary, evaluate, metrics_of};

use super::run::{session, turn, weights};

#[derive(Default)]
struct Log {
    losses: Vec<Option<f64>>,
    scores: Vec<Option<f64>>,
    train: Vec<Vec<Option<f64>>>,
}

impl Observer for Log {
    fn step(&mut self, s: &StepSummary<'_>) {
        self.losses.extend(s.report.tasks.iter().map(|t| t.loss));
    }

    fn epoch(&mut self, e: &EpochSummary) {
        self.scores.push(e.score);
        self.train.push(e.train_loss.clone());
    }
}

#[test]
fn training_is_the_same_and_validation_is_of_the_mean() {
    let _turn = turn();
    let run = |train: &str| {
        let (mut session, mut log) = (session(train), Log::default());
        session.trainer.fit(&session.train, &session.validation, &mut log, None).unwrap();
        (session, log)
    };
    let ((plain, without), (mean, with)) = (run(""), run("ema = { decay = 0.9 }"));
    assert_eq!(without.losses, with.losses, "the mean must not disturb training");
    assert_ne!(without.scores, with.scores, "validation must see the mean");
    assert_ne!(weights(&plain), weights(&mean), "the mean must be kept");
    // What is left in the model is what was validated in the best epoch.
    let best = mean.trainer.history().iter().rfind(|e| e.is_best).unwrap();
    let model = mean.trainer.model();
    let again = evaluate(model, &mean.validation, &mut metrics_of(model).unwrap()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{:?}", best.validation));
}

#[test]
fn without_decay_the_mean_is_the_weights() {
    let _turn = turn();
    let fitted = |train: &str| {
        let mut session = session(train);
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        weights(&session)
    };
    assert_eq!(fitted("ema = { decay = 0.0 }"), fitted(""));
}
