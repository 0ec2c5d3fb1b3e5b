//! Page-Hinkley test: the loss lies above its mean for longer than noise explains.
//!
//! ```text
//! z_t = (x_t - mean_t) / deviation_t         mean and deviation of the values before, the older the less they count
//! m_t = m_(t-1) + z_t - tolerance,   M_t = min m         alarm when m_t - M_t > threshold
//! ```
//! **Reference** E. S. Page, *Continuous inspection schemes*, Biometrika 41, 1954; D. Hinkley, *Inference about the change-point
//! from cumulative sum tests*, Biometrika 58, 1971. **Differs from** the usual form (as in MOA and river) in counting in standard
//! deviations, so that the settings mean the same for every loss, and in a mean that forgets, since a model that learns
//! gets better.

use serde::{Deserialize, Serialize};

use super::{Change, Detector, DriftPart, check, misfit};

/// Settings of the Page-Hinkley test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkleyConfig {
    /// Standard deviations above the mean that are still noise, >= 0; default 0.5.
    #[schemars(range(min = 0.0))]
    pub tolerance: f64,
    /// The sum of standard deviations that is an alarm, > 0; default 30.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub threshold: f64,
    /// Batches that mean and deviation look back on, >= 2; default 500.
    #[schemars(range(min = 2))]
    pub memory: u64,
    /// Batches before the first alarm, >= 2; default 30.
    #[schemars(range(min = 2))]
    pub least: u64,
}

impl Default for PageHinkleyConfig {
    fn default() -> Self {
        Self { tolerance: 0.5, threshold: 30.0, memory: 500, least: 30 }
    }
}

impl DriftPart for PageHinkleyConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        let Self { tolerance, threshold, memory, least } = *self;
        let check = |field, valid, expected, found| check("page-hinkley", field, valid, expected, found);
        check("tolerance", tolerance >= 0.0 && tolerance.is_finite(), ">= 0", tolerance)?;
        check("threshold", threshold > 0.0 && threshold.is_finite(), "> 0", threshold)?;
        #[expect(clippy::cast_precision_loss, reason = "shown to people")]
        let (m, l) = (memory as f64, least as f64);
        check("memory", memory >= 2, ">= 2", m)?;
        check("least", least >= 2, ">= 2", l)
    }

    fn build(&self) -> Box<dyn Detector> {
        Box::new(PageHinkley { config: *self, seen: Seen::default() })
    }
}

#[derive(Debug)]
struct PageHinkley {
    config: PageHinkleyConfig,
    seen: Seen,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    n: f64,
    mean: f64,
    variance: f64,
    sum: f64,
    lowest: f64,
    /// Mean of the values since the sum was lowest, and how many they are.
    above: f64,
    n_above: f64,
}

impl Detector for PageHinkley {
    #[expect(clippy::cast_precision_loss, reason = "counts of batches")]
    fn see(&mut self, value: f64) -> Option<Change> {
        let Self { config, seen } = self;
        if seen.n >= config.least as f64 && seen.variance > 0.0 {
            seen.sum += (value - seen.mean) / seen.variance.sqrt() - config.tolerance;
            if seen.sum < seen.lowest {
                (seen.lowest, seen.above, seen.n_above) = (seen.sum, 0.0, 0.0);
            } else {
                seen.n_above += 1.0;
                seen.above += (value - seen.above) / seen.n_above;
            }
            if seen.sum - seen.lowest > config.threshold {
                let change = Change { before: seen.mean, after: seen.above };
                *seen = Seen::default();
                return Some(change);
            }
        }
        seen.n += 1.0;
        let share = 1.0 / seen.n.min(config.memory as f64);
        let off = value - seen.mean;
        seen.mean += share * off;
        seen.variance = (1.0 - share) * (seen.variance + share * off * off);
        None
    }

    fn state(&self) -> Vec<f64> {
        let Seen { n, mean, variance, sum, lowest, above, n_above } = self.seen;
        vec![n, mean, variance, sum, lowest, above, n_above]
    }

    fn load_state(&mut self, state: &[f64]) -> mtl_core::Result<()> {
        let &[n, mean, variance, sum, lowest, above, n_above] = state else { return Err(misfit("page-hinkley")) };
        self.seen = Seen { n, mean, variance, sum, lowest, above, n_above };
        Ok(())
    }
}
