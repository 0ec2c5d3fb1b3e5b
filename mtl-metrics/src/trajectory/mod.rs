//! Trajectories: ways that things take, and forecasts of them.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`Displacement`] | minADE@k, minFDE@k, miss rate@k | nuScenes' and Argoverse's rules by numpy | 552 bytes | both rules are named, none is silent |
//! | [`ForecastNll`] | NLL of Gaussian mixtures over ways | scipy `multivariate_normal` | 552 bytes | |
//! | [`CollisionRate`] | agents that come too near | TrajNet++'s rule by numpy | 16 bytes | every agent counts, not the first |
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

pub mod collision;
pub mod displacement;
pub mod forecasts;
pub mod likelihood;

pub use collision::{CollisionRate, Scene};
pub use displacement::{AdeOf, Displacement, MissBy};
pub use forecasts::Forecasts;
pub use likelihood::{ForecastNll, GaussianForecasts};
