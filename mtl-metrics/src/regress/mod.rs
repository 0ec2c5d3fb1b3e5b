//! Metrics of predicted numbers.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Mae`] | mean absolute error | scikit-learn `mean_absolute_error` | 552 bytes an output | |
//! | [`Rmse`] | root mean squared error | scikit-learn `root_mean_squared_error` | 552 bytes an output | |
//! | [`R2`] | coefficient of determination | scikit-learn `r2_score` | 1.7 kB an output | constant targets are undefined |

pub mod mae;
pub mod r2;
pub mod rmse;

pub use mae::Mae;
pub use r2::R2;
pub use rmse::Rmse;
