//! What a reader of a run wants to know of its circumstances.

use mtl_data::{Origin, Splits};
use serde::{Deserialize, Serialize};

use crate::{config::RunConfig, run::session::Session, train::model::Model};

/// The circumstances of a run: the `run` line of its log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    /// Version of the program.
    pub version: String,
    /// Operating system and processor, `linux x86_64`.
    pub platform: String,
    /// Processor cores that the system offers.
    pub cores: usize,
    /// Threads inside operations.
    pub threads: i64,
    /// Ranks that train together; 0 in logs of older runs, which had one.
    pub ranks: usize,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// Whether only reproducible operations are allowed.
    pub deterministic: bool,
    /// Seed of the run.
    pub seed: u64,
    /// Numbers in the model.
    pub parameters: usize,
    /// Task names in task order.
    pub tasks: Vec<String>,
    /// How each task's labels are turned into what is learned, in task order: `standard: center 214.1, scale 193.2`; `null` where
    /// they are taken as they are.
    pub targets: Vec<Option<String>>,
    /// `real` or `synthetic`.
    pub data: String,
    /// Samples to learn from.
    pub train_samples: u64,
    /// Samples that models are chosen by.
    pub validation_samples: u64,
}

impl RunFacts {
    /// The facts of a session that is about to start.
    #[must_use]
    pub fn of(config: &RunConfig, splits: &Splits, session: &Session) -> Self {
        let samples = (session.train.source().len(), session.validation.source().len());
        Self::of_model(config, session.trainer.model(), splits.origin, samples, session.ranks())
    }

    /// The same of a model, with the numbers of samples that it trains and is validated on, and of ranks.
    #[must_use]
    pub(crate) fn of_model(
        config: &RunConfig,
        model: &Model,
        origin: Origin,
        (train_samples, validation_samples): (u64, u64),
        ranks: usize,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            threads: tch::get_num_threads().into(),
            ranks,
            device: config.device.kind.clone(),
            deterministic: config.device.deterministic,
            seed: config.train.seed,
            parameters: model.params().numel(),
            tasks: model.tasks().names().map(ToString::to_string).collect(),
            // A head that cannot be read now fails in the first step, which says so.
            targets: model.heads().iter().map(|head| head.describe_target().unwrap_or_default()).collect(),
            data: match origin {
                Origin::Real => "real".into(),
                Origin::Synthetic => "synthetic".into(),
            },
            train_samples,
            validation_samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_older_logs_are_read_with_gaps() {
        let old = r#"{"seed":3,"threads":2,"device":"cpu","parameters":10,"tasks":["a"],"type":"run"}"#;
        let facts: RunFacts = serde_json::from_str(old).unwrap();
        assert_eq!((facts.seed, facts.tasks.len(), facts.version.as_str()), (3, 1, ""));
    }
}
