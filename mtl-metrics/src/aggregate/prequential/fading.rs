//! All of a stream, the past with ever less weight.
//!
//! Nothing is scaled: only ratios of weights count, so instead of fading the past the present weighs more and more, and any metric
//! that knows weights fades without a line of its own.
//!
//! ```text
//! weight of sample i    a^(b - i)          b: where the state began; grows
//! ```
//! Before these numbers grow out of range, a state that began later takes over. It lacks what came before its beginning, all of
//! which together weighs less than a 2^-30th by then: rows that a state of single precision weights would not see either.
//!
//! ```text
//! rows    0 ........ L ........ 2L ....... 3L          a^L = 2^-30, weights up to 2^60
//! state 0 |=========~~~~~~~~~~~|                       ~ both are fed, the older one answers
//! state 1            |=========~~~~~~~~~~~|
//! state 2                       |=========~~
//! ```

use std::collections::VecDeque;

use mtl_core::Result;

use super::{damaged, refuse};
use crate::{MetricBatch, MetricReport, MetricSet};

/// The largest logarithm of a weight: some room is left in what single precision holds, for weights of samples.
const LARGEST: f64 = 80.0;
/// What the past weighs when a state goes.
const GONE: f64 = 1.0 / (1u64 << 30) as f64;

/// Metrics over a whole stream, a sample that came `j` samples ago with the weight `factor^j` (times its own).
#[derive(Debug, Clone)]
pub struct Fading {
    empty: MetricSet,
    factor: f64,
    /// Samples after which what came before weighs nothing; `None` where nothing fades.
    life: Option<u64>,
    states: VecDeque<State>,
    /// Samples so far.
    samples: u64,
}

#[derive(Debug, Clone)]
struct State {
    began: u64,
    metrics: MetricSet,
}

impl Fading {
    /// The metrics of a set, which has seen nothing, with a factor in [0.5, 1]: 1 forgets nothing, 0.999 has a memory of about
    /// 1,000 samples.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for another factor.
    pub fn new(mut set: MetricSet, factor: f64) -> Result<Self> {
        if !(0.5..=1.0).contains(&factor) {
            return refuse("fading", "in [0.5, 1]", factor.to_string());
        }
        set.reset();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 30, far below 2^63")]
        let life = (factor < 1.0).then(|| (GONE.ln() / factor.ln()).ceil() as u64);
        let states = VecDeque::from([State { began: 0, metrics: set.clone() }]);
        Ok(Self { empty: set, factor, life, states, samples: 0 })
    }

    /// Adds the samples of a task that follow those so far; `weights` are the samples' own, `[b]`. Every task of these samples is
    /// told before [`passed`](Self::passed).
    ///
    /// # Errors
    /// As [`MetricSet::update_batch`]; a metric that knows no weights refuses them by its name, unless the factor is 1;
    /// [`mtl_core::Error::InvalidConfig`] for a batch so large that its first sample would weigh nothing.
    pub fn update_batch(
        &mut self,
        task_idx: usize,
        batch: &MetricBatch<'_>,
        n_samples: usize,
        weights: Option<&[f32]>,
    ) -> Result<()> {
        let Self { states, factor, samples, life, .. } = self;
        if life.is_none() {
            return states.iter_mut().try_for_each(|state| state.metrics.update_batch(task_idx, batch));
        }
        for state in states {
            #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
            let largest = -((*samples - state.began) as f64 + n_samples as f64) * factor.ln();
            if largest > LARGEST {
                let expected = format!("nearer to 1 for batches of {n_samples} samples");
                return refuse("fading", &expected, factor.to_string());
            }
            // In logarithms, so that a weight is a function of its sample's place alone.
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "weights are f32")]
            let growing: Vec<f32> = (0..n_samples)
                .map(|i| {
                    let age = (*samples - state.began + i as u64) as f64;
                    let own = weights.and_then(|weights| weights.get(i)).copied().unwrap_or(1.0);
                    (f64::from(own) * (-age * factor.ln()).exp()) as f32
                })
                .collect();
            state.metrics.update_batch(task_idx, &batch.with_weights(&growing))?;
        }
        Ok(())
    }

    /// Says that all tasks of `n` samples were told.
    pub fn passed(&mut self, n: u64) {
        self.samples += n;
        let Some(life) = self.life else { return };
        if self.states.back().is_some_and(|newest| self.samples - newest.began >= life) {
            // Three would be one too many: the oldest has answered until the next is old enough.
            if self.states.len() == 2 {
                self.states.pop_front();
            }
            self.states.push_back(State { began: self.samples, metrics: self.empty.clone() });
        }
    }

    /// The values so far.
    #[must_use]
    pub fn compute(&self) -> MetricReport {
        self.states.front().map_or_else(|| self.empty.compute(), |oldest| oldest.metrics.compute())
    }

    /// What was seen, as bytes.
    ///
    /// # Errors
    /// As [`MetricSet::state`].
    pub fn state(&self) -> Result<Vec<u8>> {
        let states: Vec<(u64, Vec<u8>)> =
            self.states.iter().map(|state| Ok((state.began, state.metrics.state()?))).collect::<Result<_>>()?;
        postcard::to_stdvec(&(self.factor.to_bits(), self.samples, states)).map_err(|e| damaged(e.to_string()))
    }

    /// Replaces what was seen by saved bytes. On an error nothing has changed.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] for damaged bytes, another factor, other tasks or metrics.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        type Saved = (u64, u64, Vec<(u64, Vec<u8>)>);
        let (factor, samples, saved): Saved =
            postcard::from_bytes(bytes).map_err(|_| damaged("the bytes of fading metrics are damaged"))?;
        if factor != self.factor.to_bits() || saved.is_empty() {
            return Err(damaged(format!("metrics with factor {} were saved with another", self.factor)));
        }
        let mut states = VecDeque::with_capacity(saved.len());
        for (began, bytes) in saved {
            let mut metrics = self.empty.clone();
            metrics.load_state(&bytes)?;
            if began > samples {
                return Err(damaged("fading metrics began after their last sample"));
            }
            states.push_back(State { began, metrics });
        }
        (self.states, self.samples) = (states, samples);
        Ok(())
    }
}
