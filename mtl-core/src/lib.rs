//! The heart of the multi-task toolkit: tasks, encoders, sharing architectures, task gradients, balancing.
//!
//! Everything here works in your own training loop. The shortest way in is the [step engine](step): forward once, hand
//! over the losses, get one gradient per parameter, with the tasks balanced by any of the [methods](balance).
//!
#![cfg_attr(feature = "torch", doc = "```")]
#![cfg_attr(not(feature = "torch"), doc = "```ignore")]
//! use mtl_core::{
//!     balance::BalancerConfig, loss::TaskLoss, params::{Init, ParamSet},
//!     step::{Policy, StepEngine}, task::{Task, TaskSet},
//! };
//! use tch::{Device, Kind, Tensor};
//!
//! let tasks = TaskSet::new(vec![Task::new("near")?, Task::new("far")?])?;
//! let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
//! let w = params.root().param("w", &[2], Init::Zeros)?;
//! let mut engine = StepEngine::new(tasks.clone(), &params, BalancerConfig::by_name("upgrad")?.build(&tasks)?, Policy::default());
//!
//! // Two tasks that disagree about the first coordinate.
//! let goals = [Tensor::from_slice(&[1.0, 1.0]), Tensor::from_slice(&[-3.0, 1.0])];
//! let losses: Vec<TaskLoss> = goals.iter().map(|goal| TaskLoss::new((&w - goal).square().sum(Kind::Double), 1.0)).collect();
//! let (gradients, report) = engine.backward(&params, &losses.into(), 0)?;
//! let gradients = gradients.ok_or("no task is present")?;
//!
//! assert!(report.gramian.ok_or("no gramian")?.cosine(0, 1) < 0.0);
//! // Neither task gets worse along UPGrad's direction; the plain sum would push `near` back.
//! let direction = Vec::<f64>::try_from(gradients.get(0).ok_or("no gradient")?)?;
//! for gradient in [[-2.0, -2.0], [6.0, -2.0]] {
//!     assert!(gradient[0] * direction[0] + gradient[1] * direction[1] >= -1e-9);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without the feature `torch` (on unless you say `default-features = false`) what remains needs no libtorch: [`balance`] from
//! losses or a Gramian to weights, [`task`], [`metric`], [`prediction`], [`label_stats`], [`rng`], [`state`], [`laws::balancer`]. `mtl-metrics` is
//! built on that.
//!
//! | module | holds |
//! |---|---|
//! | [`task`], [`answer`], [`metric`], [`input`], [`batch`], [`prediction`], [`distribution`], [`loss`], [`features`], [`label_stats`] | the vocabulary that all crates share |
//! | [`nn`], [`encode`], [`share`] | layers, encoders in named stages and their plans, sharing architectures |
//! | [`laws`] | public contracts, for parts of one's own |
//! | [`params`] | parameters with names, roles, stages; safetensors |
//! | [`balance`], [`step`] | who says how much; from losses to gradients |
//! | [`context`], [`mode`], [`precision`] | how a forward pass runs and what it records |
//! | [`world`] | ranks: trainers that take a step together, each on its part of the batch |
//! | [`rng`], [`state`], [`registry`](mod@registry), [`error`], [`nearest`] | seeds, saved state, lists of members, the error type, what a misspelt name may mean |
//! | [`shim`] | what tch lacks; the only `unsafe` |
#![warn(missing_docs)]

pub mod answer;
pub mod balance;
#[cfg(feature = "torch")]
pub mod batch;
#[cfg(feature = "torch")]
pub mod context;
pub mod distribution;
#[cfg(feature = "torch")]
pub mod encode;
pub mod error;
#[cfg(feature = "torch")]
pub mod features;
#[cfg(feature = "torch")]
pub mod input;
pub mod label_stats;
pub mod laws;
#[cfg(feature = "torch")]
pub mod loss;
pub mod metric;
pub mod mode;
pub mod nearest;
#[cfg(feature = "torch")]
pub mod nn;
#[cfg(feature = "torch")]
pub mod params;
#[cfg(feature = "torch")]
pub mod precision;
pub mod prediction;
pub mod registry;
pub mod rng;
#[cfg(feature = "torch")]
pub mod share;
#[cfg(feature = "torch")]
pub mod shim;
pub mod state;
#[cfg(feature = "torch")]
pub mod step;
pub mod task;
#[cfg(feature = "torch")]
pub mod world;

#[cfg(feature = "torch")]
pub use error::TorchContext;
pub use error::{Error, Result, WhichTasks};
