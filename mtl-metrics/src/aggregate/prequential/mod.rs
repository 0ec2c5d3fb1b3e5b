//! Metrics of a stream: each batch is predicted first and learned from afterwards (*prequential*), and the past counts less.
//!
//! ```text
//! window of k blocks   metric over the samples of the last k blocks, exactly: their states are merged
//! fading factor a      metric over all samples so far, the one that came j samples ago with the weight a^j
//! ```
//! | | works for | memory |
//! |---|---|---|
//! | [`Windowed`] | every metric: a state is all that a block has to leave behind | k states |
//! | [`Fading`] | every metric that knows weights of samples; the others refuse them by name | 2 states |
//!
//! Both hold a [`MetricSet`](crate::MetricSet), so all metrics of all tasks see the same samples. With `a = 1`, and with a window
//! that holds everything, both are the plain metric.
//!
//! A stream has an order, so unlike everything else in this crate these two do not merge. What they have seen is bytes, to go on
//! from.
//!
//! **Reference** J. Gama, R. Sebastiao, P. P. Rodrigues, *On evaluating stream learning algorithms*, Machine Learning 90,
//! 2013. **Differs from** the paper, which fades sums of losses and counts: weights of samples are the same for those (a
//! fading mean is a weighted mean), and give every other weighted metric its meaning too. The window moves by blocks instead of
//! by single samples, so that a state a block is enough.

mod fading;
mod window;

pub use fading::Fading;
pub use window::Windowed;

use mtl_core::{Error, Result};

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "prequential", field, expected: expected.into(), found })
}

fn damaged(reason: impl Into<String>) -> Error {
    Error::State { what: "prequential metrics".into(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
