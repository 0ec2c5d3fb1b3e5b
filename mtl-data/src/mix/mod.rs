//! Mixing: which source each batch of an epoch comes from, when tasks have data sets of their own.
//!
//! ```text
//! n_i   batches that source i counts as                       all that it has, unless the configuration says otherwise
//! p_i   its share of the epoch's batches, sum_i p_i = 1       what a mixer decides, of all n and of the epoch
//! ```
//! A source that is drawn more often than it has batches begins again in a new order; one that is drawn less often leaves a random part of
//! itself to other epochs. An epoch is as many batches as all sources count together, unless the mixer says otherwise
//! ([`MixPart::batches`]).
//!
//! Choices are a pure function of a seed and an epoch number: nothing carries over, so an epoch can be repeated, resumed in its middle or
//! read by several ranks without saving a generator's state.
//!
//! | file | what it decides | p_i |
//! |---|---|---|
//! | `proportional.rs` | [`Proportional`]: every batch once, interleaved at random | `n_i / sum n` |
//! | `temperature.rs` | [`Temperature`]: small sources more often than their size | `n_i^(1/T) / sum n^(1/T)` |
//! | `annealed.rs` | [`Annealed`]: first by size, later more and more alike | `n_i^a / sum n^a`, `a` falls |
//! | `uniform.rs` | [`Uniform`]: all alike, at random | `1 / k` |
//! | `round_robin.rs` | [`RoundRobin`]: one after the other | `1 / k` |
//! | `joint.rs` | [`Joint`]: a batch of each in every step | `1 / k` |
//! | `schedule.rs` | [`MixSchedule`]: walks through the choices and can be sought | |
//!
//! What every mixer owes is [`laws::mix`](crate::laws::mix).
//!
//! **Reference** C. Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR 2020, section
//! 3.5.2 (examples-proportional with a limit, temperature, equal); A. Stickland and I. Murray, "BERT and PALs", ICML 2019, section 4.1
//! (annealed).

mod annealed;
mod joint;
mod proportional;
mod round_robin;
mod schedule;
mod temperature;
mod uniform;

pub use annealed::Annealed;
pub use joint::Joint;
pub use proportional::Proportional;
pub use round_robin::RoundRobin;
pub use schedule::{Draw, MixSchedule};
pub use temperature::Temperature;
pub use uniform::Uniform;

use crate::{
    error::{Error, Result},
    rng::Rng,
};

mtl_core::registry! {
    /// Which source each batch comes from when tasks have data sets of their own.
    pub enum Mix, what = "mixer", part = MixPart {
        Proportional(Proportional) = "proportional", "every batch of every source once per epoch, interleaved at random";
        Temperature(Temperature) = "temperature", "a source of n batches with probability proportional to n^(1/T)";
        Annealed(Annealed) = "annealed", "with probability proportional to n^a, where a falls from epoch to epoch";
        Uniform(Uniform) = "uniform", "every source with the same probability";
        RoundRobin(RoundRobin) = "round-robin", "one source after the other";
        Joint(Joint) = "joint", "a batch of each source in every step, so that gradients of all tasks meet";
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self::Proportional(Proportional::default())
    }
}

/// Which epoch it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Counted from 0.
    pub epoch: u64,
    /// How many there will be; 0 where nobody knows.
    pub epochs: u64,
}

/// Chooses a source for each batch of an epoch.
///
/// `n` holds the number of batches that each source counts as, at least one each, for at least one source.
pub trait MixPart: Send + Sync {
    /// Checks the settings, which need no source for that.
    ///
    /// # Errors
    /// `InvalidConfig` for one outside its range.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Which share of the epoch's batches comes from each source; they add up to 1.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting outside its range, or for what it does not know of the moment.
    fn shares(&self, n: &[u64], moment: Moment) -> Result<Vec<f64>>;

    /// The source of each of the first `n_batches` batches of an epoch, as an index into `n`; `rng` belongs to this epoch alone. Each is
    /// drawn by the shares, unless overridden.
    ///
    /// # Errors
    /// As [`shares`](Self::shares).
    fn choices(&self, n: &[u64], n_batches: u64, moment: Moment, rng: &mut Rng) -> Result<Vec<usize>> {
        let mut end = 0.0;
        let ends: Vec<f64> = self
            .shares(n, moment)?
            .iter()
            .map(|share| {
                end += share;
                end
            })
            .collect();
        let last = ends.len().saturating_sub(1);
        Ok((0..n_batches)
            .map(|_| {
                let at = rng.uniform() * end;
                ends.partition_point(|&end| end <= at).min(last)
            })
            .collect())
    }

    /// How many batches an epoch has; as many as all sources count together, unless overridden.
    fn batches(&self, n: &[u64]) -> u64 {
        n.iter().sum()
    }

    /// How many batches, one after the other, are one step together; 1 unless overridden.
    fn per_step(&self, _sources: usize) -> u64 {
        1
    }
}

/// Checks a number of batches beyond which a source is no larger.
fn check_limit(limit: Option<u64>) -> Result<()> {
    if limit == Some(0) { Err(Error::config("mixer", "limit", ">= 1", "0")) } else { Ok(()) }
}

/// Shares in proportion to some sizes.
fn proportional_to(sizes: impl Iterator<Item = f64>) -> Vec<f64> {
    let sizes: Vec<f64> = sizes.collect();
    let all: f64 = sizes.iter().sum();
    sizes.into_iter().map(|size| size / all).collect()
}

/// The same share for each.
fn alike(n: &[u64]) -> Vec<f64> {
    proportional_to(n.iter().map(|_| 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixers_are_named_in_config_files() {
        for (name, _) in Mix::ALL {
            let mix: Mix = toml::from_str(&format!("kind = {name:?}")).unwrap();
            assert_eq!((mix.name(), &mix), (*name, &Mix::by_name(name).unwrap()));
        }
        assert!(toml::from_str::<Mix>("kind = \"uniform\"\nrate = 1").is_err());
        let e = Mix::by_name("unifrom").unwrap_err().to_string();
        assert!(e.starts_with(r#"unknown mixer "unifrom", known are proportional, "#), "{e}");
    }

    #[test]
    fn shares_by_hand() {
        let moment = Moment { epoch: 0, epochs: 3 };
        let shares = |text: &str, moment| toml::from_str::<Mix>(text).unwrap().part().shares(&[4, 16, 80], moment);
        let near = |found: Vec<f64>, expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} is not {expected:?}");
        };
        near(shares("kind = \"proportional\"", moment).unwrap(), [0.04, 0.16, 0.8]);
        near(shares("kind = \"proportional\"\nlimit = 20", moment).unwrap(), [0.1, 0.4, 0.5]);
        near(shares("kind = \"temperature\"\ntemperature = 1.0", moment).unwrap(), [0.04, 0.16, 0.8]);
        let roots = [2.0, 4.0, 4.0].map(|root| root / 10.0);
        near(shares("kind = \"temperature\"\ntemperature = 2.0\nlimit = 16", moment).unwrap(), roots);
        near(shares("kind = \"uniform\"", moment).unwrap(), [1.0 / 3.0; 3]);
        let last = Moment { epoch: 2, epochs: 3 };
        near(shares("kind = \"annealed\"", moment).unwrap(), [0.04, 0.16, 0.8]);
        near(shares("kind = \"annealed\"\nto = 0.0", last).unwrap(), [1.0 / 3.0; 3]);
        let all = 2.0 + 4.0 + 80f64.sqrt();
        let half = Moment { epoch: 1, epochs: 3 };
        near(shares("kind = \"annealed\"\nto = 0.0", half).unwrap(), [2.0 / all, 4.0 / all, 80f64.sqrt() / all]);
        let e = shares("kind = \"annealed\"", Moment { epoch: 0, epochs: 0 }).unwrap_err().to_string();
        assert!(e.contains("a run whose number of epochs is known"), "{e}");
    }

    #[test]
    fn an_epoch_of_joint_steps_is_as_long_as_the_longest_source() {
        let joint = Mix::by_name("joint").unwrap();
        assert_eq!((joint.part().batches(&[3, 7, 1]), joint.part().per_step(3)), (21, 3));
        assert_eq!(Mix::default().part().batches(&[3, 7, 1]), 11);
    }
}
