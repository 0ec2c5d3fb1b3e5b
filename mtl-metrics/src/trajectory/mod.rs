//! Trajectories and decisions.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`Displacement`] | minADE@k, minFDE@k, miss rate@k | nuScenes' and Argoverse's rules by numpy | 552 bytes | both rules are named, none is silent |
//! | [`ForecastNll`] | NLL of Gaussian mixtures over ways | scipy `multivariate_normal` | 552 bytes | |
//! | [`CollisionRate`] | agents that come too near | TrajNet++'s rule by numpy | 16 bytes | every agent counts, not the first |
//! | [`TopAction`] | expert action among the k best | scikit-learn `top_k_accuracy_score` | 552 bytes | ties go to the first action |
//! | [`Regret`] | value lost against the best action | numpy | 552 bytes | |
//! | [`OffPolicyValue`] | IPS, SNIPS, DR with standard error, effective samples | numpy | 3.9 kB | |
//! | [`WinRate`] | points over games, Wilson's interval | statsmodels' formula | 40 bytes a pair | |
//! | [`Elo`] | ratings of maximum likelihood with interval | scipy `minimize` | 40 bytes a pair | independent of the order of games |
//! | [`MakespanGap`] | relative gap to the best schedules | numpy | 560 bytes | a share, not percent |
//!
//! ```
//! use mtl_metrics::{Streaming, trajectory::{AdeOf, Displacement, Forecasts}};
//! let truth = [[0.0, 0.0], [1.0, 0.0]];
//! let ways = [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.5]];
//! let forecasts = Forecasts::new(&ways, &[0.7, 0.3], &truth, [1, 2, 2])?;
//! let mut ade = Streaming::new(Displacement::ade(5, AdeOf::Best)?);
//! ade.update_batch(&forecasts)?;
//! assert_eq!(ade.compute().value, Some(0.25));
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod actions;
pub mod collision;
pub mod displacement;
pub mod forecasts;
pub mod games;
pub mod likelihood;
pub mod makespan;
pub mod off_policy;

pub use actions::{ExpertBatch, Regret, TopAction, ValuedBatch};
pub use collision::{CollisionRate, Scene};
pub use displacement::{AdeOf, Displacement, MissBy};
pub use forecasts::Forecasts;
pub use games::{Elo, Games, Interval, Outcome, Results, WinRate};
pub use likelihood::{ForecastNll, GaussianForecasts};
pub use makespan::{MakespanGap, Makespans};
pub use off_policy::{Estimator, Log, LogBatch, OffPolicyValue, PolicyEstimate};
