//! Samplers: the order of samples in an epoch, and which data set each batch comes from.
//!
//! Both are pure functions of a seed and an epoch number. Nothing carries over from one epoch to the next, so an epoch
//! can be repeated, resumed in its middle or read by several machines without saving a generator's state.
//!
//! | file | what it decides |
//! |---|---|
//! | `order.rs` | [`Order`]: the order of samples |
//! | `proportional.rs` | [`Proportional`]: every batch of every data set once, interleaved at random |
//! | `temperature.rs` | [`Temperature`]: a data set of `n` batches with probability proportional to `n^(1/T)` |
//! | `uniform.rs` | [`Uniform`]: every data set with the same probability |
//! | `round_robin.rs` | [`RoundRobin`]: one after the other |
//! | `schedule.rs` | [`TaskSchedule`]: walks through the choices and can be sought |

mod order;
mod proportional;
mod round_robin;
mod schedule;
mod temperature;
mod uniform;

pub use order::Order;
pub use proportional::Proportional;
pub use round_robin::RoundRobin;
pub use schedule::{Draw, TaskSchedule};
pub use temperature::Temperature;
pub use uniform::Uniform;

use crate::{error::Result, rng::Rng};

mtl_core::registry! {
    /// Which data set each batch comes from when tasks have data sets of their own.
    pub enum TaskSampler, what = "task sampler", part = ChooseTask {
        Proportional(Proportional) = "proportional", "every batch of every data set once per epoch, interleaved at random";
        Temperature(Temperature) = "temperature", "a data set of n batches with probability proportional to n^(1/T)";
        Uniform(Uniform) = "uniform", "every data set with the same probability";
        RoundRobin(RoundRobin) = "round-robin", "one data set after the other";
    }
}

impl Default for TaskSampler {
    fn default() -> Self {
        Self::Proportional(Proportional {})
    }
}

/// Chooses a data set for each step of an epoch.
pub trait ChooseTask: Send + Sync {
    /// The data set of each of `n_steps` steps, as an index into `n_batches`.
    ///
    /// `n_batches` holds the number of batches of each data set, at least one each; `rng` belongs to this epoch alone.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting outside its range.
    fn choices(&self, n_batches: &[u64], n_steps: u64, rng: &mut Rng) -> Result<Vec<usize>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    /// Counts choices over many epochs and compares them with the expected shares by chi-square.
    fn chi_square(sampler: &TaskSampler, n_batches: &[u64], n_steps: u64, shares: &[f64]) -> f64 {
        let (epochs, mut counts) = (200, vec![0.0; n_batches.len()]);
        for epoch in 0..epochs {
            let mut rng = Rng::new(11, Stream::Task, epoch);
            for choice in sampler.part().choices(n_batches, n_steps, &mut rng).unwrap() {
                counts[choice] += 1.0;
            }
        }
        let total = (epochs * n_steps) as f64;
        counts.iter().zip(shares).map(|(c, share)| (c - total * share).powi(2) / (total * share)).sum()
    }

    #[test]
    fn frequencies_are_as_promised() {
        let n_batches = [10, 40, 50];
        let proportional = [0.1, 0.4, 0.5];
        // Drawn without replacement, so even closer than chance over part of an epoch.
        let bound = 13.8; // 2 degrees of freedom, 99.9 %
        assert!(chi_square(&TaskSampler::default(), &n_batches, 50, &proportional) < bound);
        let roots: Vec<f64> = n_batches.iter().map(|&n| (n as f64).sqrt()).collect();
        let shares: Vec<f64> = roots.iter().map(|root| root / roots.iter().sum::<f64>()).collect();
        let temperature = |temperature| TaskSampler::Temperature(Temperature { temperature });
        assert!(chi_square(&temperature(2.0), &n_batches, 100, &shares) < bound);
        assert!(chi_square(&temperature(1.0), &n_batches, 100, &proportional) < bound);
        assert!(chi_square(&TaskSampler::Uniform(Uniform {}), &n_batches, 100, &[1.0 / 3.0; 3]) < bound);
        assert!(chi_square(&TaskSampler::RoundRobin(RoundRobin {}), &n_batches, 99, &[1.0 / 3.0; 3]) < 1e-9);
        // The bound does tell them apart.
        assert!(chi_square(&TaskSampler::Uniform(Uniform {}), &n_batches, 100, &proportional) > 100.0 * bound);
    }

    #[test]
    fn samplers_are_named_in_config_files() {
        for (name, _) in TaskSampler::ALL {
            let sampler: TaskSampler = toml::from_str(&format!("kind = {name:?}")).unwrap();
            assert_eq!((sampler.name(), &sampler), (*name, &TaskSampler::by_name(name).unwrap()));
        }
        assert!(toml::from_str::<TaskSampler>("kind = \"uniform\"\nrate = 1").is_err());
        let e = TaskSampler::by_name("unifrom").unwrap_err().to_string();
        assert!(e.starts_with(r#"unknown task sampler "unifrom", known are proportional, "#), "{e}");
    }
}
