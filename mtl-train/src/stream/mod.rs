//! Learning from a table without end: every row is judged before it is learned from, and nothing but the rows at hand is held.
//!
//! ```text
//! rows --TableStream--> batches --judge--> metrics of the last rows --> curve.jsonl, a point every so many rows
//!                          |                 drift of the losses     --> log.jsonl
//!                          '-----> learn (Trainer::fit_online) -----> checkpoints/, model.safetensors
//! ```
//! The step is the trainer's own: every encoder, architecture, head, balancer and optimizer works as in `mtl train`. What is
//! different is where samples come from and who judges. There are no splits: a row that was not learned from yet is a test row,
//! and becomes a training row a moment later (test-then-train, *prequential* evaluation). So each row judges once, and no row
//! judges a model that has seen it.
//!
//! Codes, scales and classes come from a finished run, whose model then goes on learning, or from the first rows, which are
//! learned from and not judged. They do not change after that.
//!
//! A run of a stream is a run's folder. Its checkpoints hold the place in the stream beside the model and the states of metrics
//! and detectors: whoever is killed goes on from there, and has the same weights and the same curve, to the bit, as one that was
//! not.
//!
//! Metrics are those of the other verbs: the primary one of each task, and what `[[task]]` and `[[joint_metric]]` name beside it.
//! Over which rows they are taken is a setting of the stream, not a part of their names: all of them are to be read at one place of
//! one curve, and a name such as `accuracy@window=1000` would mean nothing on a validation split, which has no order.
//!
//! | file | what it holds |
//! |---|---|
//! | `config.rs` | [`StreamConfig`]: the section `[stream]` |
//! | `settings.rs` | a run's settings as they hold for a stream, what it cannot have |
//! | `ready.rs` | model, trainer and stream of a run, before it has a folder |
//! | `run.rs` | [`StreamRun`]: created, resumed, run; [`examine`]: looked at before |
//! | `judge.rs` | metrics and detectors of a run: who judges, and what is saved of it |
//! | `curve.rs` | [`Point`]: the lines of `curve.jsonl` |
//! | `outcome.rs` | [`StreamOutcome`]: `stream.json` |
//! | `page.rs` | the report: the curve, drawn |
//! | [`drift`] | detectors of a change, one file each |
//!
//! **Reference** J. Gama, R. Sebastiao, P. P. Rodrigues, *On evaluating stream learning algorithms*, Machine Learning 90, 2013.

mod config;
mod curve;
pub mod drift;
mod judge;
mod outcome;
mod page;
mod ready;
mod run;
mod settings;

pub use config::StreamConfig;
pub use curve::{Point, TaskPoint};
pub use outcome::StreamOutcome;
pub use page::write_page;
pub use run::{StreamRun, StreamWatcher, examine};
pub use settings::of_a_run;

#[cfg(test)]
mod tests;
