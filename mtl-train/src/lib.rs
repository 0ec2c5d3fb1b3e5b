//! Trainer, optimizers, checkpoints, reports and the `mtl` program: the top of the multi-task toolkit.
//!
//! A [`Session`](session::Session) puts data, model, balancer and trainer together from a configuration; the parts can as
//! well be put together by hand:
//!
//! ```
//! use mtl_train::{config::RunConfig, session::Session};
//!
//! let config = RunConfig::parse(
//!     r#"
//!     data    = { kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "binary" }
//!     encoder = { kind = "tabular", token_width = 2, hidden = [8] }
//!     train   = { epochs = 1, batch_size = 100, selection = "0.7*y1-high.auroc + 0.3*y2-high.auroc" }
//!     "#,
//!     "example".as_ref(),
//! )?;
//! let mut session = Session::new(&config, &config.data.load()?)?;
//! session.trainer.fit(&session.train, &session.validation, &mut (), None)?;
//! assert_eq!(session.trainer.step(), 3);
//! assert_eq!(session.test()?.tasks.len(), 2);
//! # Ok::<(), mtl_train::Error>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`session`], [`plan`] | from a configuration to a run; to its model alone, without samples |
//! | [`trainer`] | the loop, evaluation, selection, observers |
//! | [`constant`] | what answers without inputs are worth |
//! | [`model`] | sharing plus heads |
//! | [`architecture`], [`encoder`], [`method`] | what all crates register, by name |
//! | [`optim`], [`schedule`], [`ema`] | optimizers with state and parameter groups; learning rates over time; mean weights |
//! | [`checkpoint`] | one atomic file per checkpoint |
//! | [`config`] | the configuration file |
//! | [`dry_run`] | one batch through everything: shapes, parameters, costs |
//! | [`inspect`], [`machine`] | what is in the data and wrong with it; what the program runs on |
//! | [`intervals`] | how far off a figure of the test split may be |
//! | [`threads`] | how many work inside operations |
//! | [`run_dir`], [`run_data`], [`run_number`], [`interrupt`] | a run's folder; what it remembers of its data; the next one's; Ctrl-C |
//! | [`compare`] | methods against each other and against single-task networks: grid, seeds, statistics |
//! | [`cv_weights`] | task weights by cross-validation on the training split |
//! | [`parts`], [`program`] | parts from outside that configurations can name; the program as a function |
//! | [`console`] | the one door through which the program prints |
//! | [`divergence`] | losses that run away, and what to try |
//! | [`runlog`], [`progress`] | JSON lines, CSV, TensorBoard; bars and lines on a terminal |
//! | `tui` (feature `tui`) | a dashboard in the terminal |
//! | [`export`] | a trained model as a folder: safetensors, TorchScript, model card |
//! | [`predict`] | answers for raw files, from a package, a run or a TorchScript file |
//! | [`report`] | documents as one HTML file |
//! | [`run_report`], [`explain`], [`affinity`] | the report of a run; what its answers rest on; which tasks help each other |
#![warn(missing_docs)]

pub mod affinity;
pub mod architecture;
pub mod checkpoint;
pub mod compare;
pub mod config;
pub mod console;
pub mod constant;
pub mod cv_weights;
pub mod divergence;
pub mod dry_run;
pub mod ema;
pub mod encoder;
pub mod error;
pub mod explain;
pub mod export;
pub mod inspect;
pub mod interrupt;
pub mod intervals;
pub mod machine;
pub mod method;
pub mod metrics;
pub mod model;
pub mod optim;
pub mod parts;
pub mod plan;
pub mod predict;
pub mod program;
pub mod progress;
pub mod report;
pub mod run_data;
pub mod run_dir;
pub mod run_number;
pub mod run_report;
pub mod runlog;
pub mod schedule;
mod sealed_json;
pub mod self_supervised;
pub mod session;
pub mod threads;
pub mod trainer;
#[cfg(feature = "tui")]
pub mod tui;
mod union;

pub use error::{Error, Result};
pub use parts::Parts;

/// The repository's README, whose Rust is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
