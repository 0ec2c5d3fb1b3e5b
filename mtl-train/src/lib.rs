//! Trainer, optimizers, checkpoints, reports and the `mtl` program: the top of the multi-task toolkit.
//!
//! A [`Session`] puts data, model, balancer and trainer together from a configuration; the parts can as
//! well be put together by hand:
//!
//! ```
//! use mtl_train::{RunConfig, Session};
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
//! session.fit(&mut (), None)?;
//! assert_eq!(session.trainer.step(), 3);
//! assert_eq!(session.test()?.tasks.len(), 2);
//! # Ok::<(), mtl_train::Error>(())
//! ```
//!
//! | room | holds |
//! |---|---|
//! | [`config`] | the configuration file: text, keys, checks with carets |
//! | [`parts`] | what can be named in it, by all crates and by crates of others |
//! | [`run`] | from a configuration to a run, and the folder that it lives in |
//! | [`train`] | the loop, optimizers, schedules, checkpoints: one model and how it learns |
//! | [`monitor`] | what a run tells while it goes on: terminal, JSON lines, CSV, TensorBoard |
//! | [`analysis`] | what is looked at before and after: data, costs, report, explanations |
//! | [`stream`] | tables without end: judged, then learned from, row by row |
//! | [`study`] | many runs and one answer: methods against each other, task weights by cross-validation |
//! | [`deploy`] | a trained model as a folder, and answers for raw files |
//! | [`report`] | documents as one HTML file |
//! | [`program`] | `mtl` as a function |
#![warn(missing_docs)]

pub mod analysis;
pub mod config;
pub mod deploy;
pub mod error;
pub mod monitor;
pub mod parts;
pub mod program;
pub mod report;
pub mod run;
pub mod stream;
pub mod study;
pub mod train;

pub use config::RunConfig;
pub use error::{Error, Result};
pub use parts::Parts;
pub use run::session::Session;

/// The repository's README, whose Rust is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
