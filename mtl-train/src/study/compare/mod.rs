//! Comparing methods honestly: the same data, the same budget, several seeds, single-task networks beside them.
//!
//! ```text
//! StudyConfig -> Plan -> cells (method or task alone, seed) -> Outcome each -> Comparison -> table, JSON, page
//!                          one run folder each, resumable       read back     statistics
//! ```
//!
//! * **Equal budgets.** All cells of a comparison have the same training settings, and the order of samples depends on the
//!   seed only: at one seed every method sees the same batches in the same order. (A balancer that learns from held-out
//!   data gives up a part of the training split for it; one that takes fresh batches makes fewer steps of them.)
//! * **True baselines.** A task alone is trained as often as the methods are, with the same seeds; delta_m is taken per
//!   seed, then averaged, so that it has an interval.
//! * **Chosen on validation.** Epochs and the recommended method are. The test split is evaluated once per cell, after its
//!   epoch has been chosen, and only reported.
//! * **Resumable.** A cell's folder is named after a fingerprint of its whole configuration. Whoever kills the program
//!   loses nothing: finished cells are read back, an interrupted one goes on from its checkpoint, and a grid that was
//!   changed trains only what is new in it.
//!
//! ```no_run
//! use mtl_train::{study::compare::{self, Plan}, config::StudyConfig};
//!
//! let study = StudyConfig::load("compare.toml".as_ref())?;
//! let splits = study.run.data.load()?;
//! let plan = Plan::new(study.run, &study.compare)?;
//! if let Some(comparison) = compare::run(&plan, &splits, "runs/compare".as_ref(), &mut ())? {
//!     assert_eq!(comparison.seeds.len(), plan.seeds.len());
//!     let text = compare::to_text(&comparison);
//! }
//! # Ok::<(), mtl_train::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `config.rs`, `by_kind.rs`, `seeds.rs` | the section `[compare]` |
//! | `plan.rs` | from the section to cells |
//! | `run.rs` | all cells, one after the other |
//! | `comparison.rs`, `analyze.rs` | the statistics |
//! | `verdict.rs` | what it says about single-task networks, in words |
//! | `text.rs`, `page.rs` | for a terminal, for a browser |

mod analyze;
mod by_kind;
mod comparison;
mod config;
mod page;
mod plan;
mod run;
mod seeds;
mod text;
mod verdict;

pub use by_kind::ByKind;
pub use comparison::{Comparison, MethodResult, MetricEstimate, RankTest, TaskColumn, Transfer};
pub use config::{CompareConfig, MethodEntry};
pub use page::page;
pub use plan::{Cell, Method, Plan, Subject};
pub use run::{Watch, cell_folder, files, run};
pub use seeds::Seeds;
pub use text::to_text;
pub(crate) use text::with_half_width;
