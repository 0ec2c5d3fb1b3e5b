//! Detectors of a change in a stream: what they watch is the loss of a task, batch by batch, before the batch is learned.
//!
//! A model that learns gets better or stays as it is; a loss that rises and stays high says that the stream is about something else
//! now. A detector says so and begins anew. Nothing is done about it: what should follow (a larger learning rate, another
//! warm-up, nothing) is its user's to decide.
//!
//! | detector | what it watches | parameters |
//! |---|---|---|
//! | `page-hinkley` | how far the loss rose above its mean, summed up | what counts as noise, how much is too much |
//! | `adwin` | whether two parts of a window have means that chance alone would not give | the chance of a false alarm |
//!
//! Another one is a file beside these and a line in the registry.

mod adwin;
mod page_hinkley;

use std::fmt::Debug;

pub use adwin::AdwinConfig;
use mtl_core::{Error, registry};
pub use page_hinkley::PageHinkleyConfig;
use serde::{Deserialize, Serialize};

registry! {
    /// A detector of changes and its settings.
    pub enum DriftConfig, what = "drift detector", part = DriftPart {
        PageHinkley(PageHinkleyConfig) = "page-hinkley", "a loss that stays above its mean, by a test of the summed excess";
        Adwin(AdwinConfig) = "adwin", "a window that shrinks where its parts differ by more than chance";
    }
}

/// What the settings of a detector say.
pub trait DriftPart: Debug + Send + Sync {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> mtl_core::Result<()>;

    /// A detector that has seen nothing.
    fn build(&self) -> Box<dyn Detector>;
}

/// A change: what the mean was before and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Mean before.
    pub before: f64,
    /// Mean after.
    pub after: f64,
}

/// Watches one number.
pub trait Detector: Debug + Send {
    /// Sees the next value, which is finite; says whether it rose for good.
    fn see(&mut self, value: f64) -> Option<Change>;

    /// Everything that later answers depend on.
    fn state(&self) -> Vec<f64>;

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// [`Error::State`] when it is of another detector.
    fn load_state(&mut self, state: &[f64]) -> mtl_core::Result<()>;
}

impl DriftConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// As [`DriftPart::validate`].
    pub fn validate(&self) -> mtl_core::Result<()> {
        self.part().validate()
    }

    /// A detector that has seen nothing.
    #[must_use]
    pub fn build(&self) -> Box<dyn Detector> {
        self.part().build()
    }
}

fn check(what: &'static str, field: &'static str, valid: bool, expected: &str, found: f64) -> mtl_core::Result<()> {
    match valid {
        true => Ok(()),
        false => Err(Error::InvalidConfig { what, field, expected: expected.into(), found: found.to_string() }),
    }
}

fn misfit(what: &str) -> Error {
    Error::State { what: what.into(), reason: "what was saved is of another detector".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise around a level, the same every time.
    fn noise(at: u64, level: f64) -> f64 {
        let unit = (mtl_core::rng::derive(7, "noise", at) >> 11) as f64 / (1u64 << 53) as f64;
        level + 0.1 * (unit - 0.5)
    }

    fn every() -> Vec<(&'static str, DriftConfig)> {
        DriftConfig::ALL.iter().map(|info| (info.0, DriftConfig::by_name(info.0).unwrap())).collect()
    }

    #[test]
    fn a_rise_is_found_soon_and_nothing_where_there_is_none() {
        for (name, config) in every() {
            config.validate().unwrap();
            let mut detector = config.build();
            // Learning: the loss falls, then stays.
            let learned = |at: u64| noise(at, 0.3 + 0.5 * (-(at as f64) / 100.0).exp());
            for at in 0..3000 {
                assert_eq!(detector.see(learned(at)), None, "{name}: a false alarm at {at}");
            }
            let found = (3000..3200).find_map(|at| detector.see(noise(at, 0.6)).map(|change| (at, change)));
            let (at, change) = found.unwrap_or_else(|| panic!("{name} found nothing"));
            assert!(at < 3100 && change.after > change.before, "{name}: {at} {change:?}");
            for at in 3200..5000 {
                assert_eq!(detector.see(noise(at, 0.6)), None, "{name}: the new level is no change, at {at}");
            }
        }
    }

    #[test]
    fn a_detector_goes_on_from_its_state() {
        for (name, config) in every() {
            let (mut whole, mut again) = (config.build(), config.build());
            for at in 0..700 {
                let value = noise(at, if at < 500 { 0.3 } else { 0.5 });
                if at == 450 {
                    again.load_state(&whole.state()).unwrap();
                }
                let found = whole.see(value);
                if at >= 450 {
                    assert_eq!(again.see(value), found, "{name} {at}");
                }
            }
            assert!(again.load_state(&[1.0]).is_err(), "{name}");
        }
    }
}
