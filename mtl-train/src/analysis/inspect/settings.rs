//! Settings that are right by themselves and do not fit the data's size or each other.
//!
//! | check | level |
//! |---|---|
//! | a batch larger than the training split; warm-up that lasts the whole run | warning |
//! | patience that cannot run out; accumulation over more batches than an epoch has | warning |
//! | tasks of the data that are not learned; checkpoints that are never due | note |

use mtl_data::Splits;

use super::{Finding, Level};
use crate::{config::RunConfig, run::session::Session};

/// Compares the settings of a run that can be started with its data.
pub(super) fn check(config: &RunConfig, splits: &Splits, session: &Session) -> Vec<Finding> {
    let train = &config.train;
    let (samples, batches) = (session.train.source().len(), session.train.n_batches());
    let (steps, rounds) = (session.total_steps(), session.total_rounds());
    let mut found = Vec::new();
    let mut add = |level, place: &str, message| found.push(Finding { level, place: place.to_owned(), message });
    if train.batch_size as u64 > samples {
        let message = format!("{} is more than the {samples} training samples: an epoch is one step", train.batch_size);
        add(Level::Warning, "train.batch_size", message);
    }
    let warmup = train.schedule.warmup_steps();
    if warmup >= steps {
        let message = format!("{warmup} of {steps} steps: the learning rate is never reached");
        add(Level::Warning, "train.schedule.warmup_steps", message);
    }
    if let Some(patience) = train.patience.filter(|patience| *patience >= rounds) {
        let message = format!("{patience} {}s of {rounds}: the run never ends early", train.validate_every.noun());
        add(Level::Warning, "train.patience", message);
    }
    if train.accumulate > batches {
        let message = format!("{} batches of {batches} in an epoch: a step takes what there is", train.accumulate);
        add(Level::Warning, "train.accumulate", message);
    }
    if let Some(every) = train.checkpoint_every.filter(|every| *every > steps) {
        let message = format!("every {every} steps of {steps}: checkpoints are written at the end of epochs only");
        add(Level::Note, "train.checkpoint_every", message);
    }
    let learned = session.trainer.model().tasks();
    let left: Vec<&str> = splits.info.tasks.iter().map(|task| task.name.as_str()).collect();
    let left: Vec<&str> = left.into_iter().filter(|name| !learned.names().any(|n| n.as_str() == *name)).collect();
    if !left.is_empty() {
        add(Level::Note, "task", format!("the data has tasks that are not learned: {}", left.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_held_against_each_other() {
        let found = |train: &str| {
            let text = format!(
                "data = {{ kind = \"synthetic-mmoe\", train = 100, validation = 20, test = 20 }}\n\
                 task = [{{ name = \"y2\" }}]\nencoder = {{ kind = \"tabular\", token_width = 2, hidden = [4] }}\n\
                 [train]\nepochs = 2\n{train}"
            );
            let config = RunConfig::parse(&text, "x.toml".as_ref()).unwrap();
            let splits = config.data.load().unwrap();
            let session = Session::new(&config, &splits).unwrap();
            let found = check(&config, &splits, &session);
            found.iter().map(|f| format!("{}: {}", f.place, f.message)).collect::<Vec<_>>()
        };
        let left_out = "task: the data has tasks that are not learned: y1";
        assert_eq!(found("batch_size = 50"), [left_out]);
        let all = found(
            "batch_size = 200\npatience = 2\naccumulate = 3\ncheckpoint_every = 9\n\
             schedule = { kind = \"cosine\", warmup_steps = 2 }",
        );
        assert_eq!(
            all,
            [
                "train.batch_size: 200 is more than the 100 training samples: an epoch is one step",
                "train.schedule.warmup_steps: 2 of 2 steps: the learning rate is never reached",
                "train.patience: 2 epochs of 2: the run never ends early",
                "train.accumulate: 3 batches of 1 in an epoch: a step takes what there is",
                "train.checkpoint_every: every 9 steps of 2: checkpoints are written at the end of epochs only",
                left_out,
            ]
        );
    }
}
