//! ADWIN: a window over the losses that grows while they look alike and drops its older part when they do not.
//!
//! ```text
//! W = W0 W1:  |mean W0 - mean W1| > sqrt(2/m s^2 ln(2/d)) + 2/(3m) R ln(2/d)      m = 1 / (1/n0 + 1/n1), d = confidence / ln n
//! ```
//! `s^2` is the variance of the window, `R` the range of its values. The window is kept as buckets of 1, 2, 4, .. values, at most
//! [`PER_SIZE`] of a size, so that a window of n values takes `O(log n)` memory; cuts are tried between buckets.
//!
//! **Reference** A. Bifet, R. Gavalda, *Learning from time-changing data with adaptive windowing*, SDM 2007. **Differs from** the
//! paper in values of any range (the paper's lie in [0, 1]), in cutting where parts differ most, in looking every 8th value as MOA
//! does (its 32 are of single samples), and in telling of rises alone: after a fall, which is learning, the older part is dropped
//! without a word.

use serde::{Deserialize, Serialize};

use super::{Change, Detector, DriftPart, check, misfit};

/// Buckets of a size before two of them become one of the next.
const PER_SIZE: usize = 5;
/// Values between two looks.
const EVERY: u64 = 8;
/// The fewest values of a part.
const LEAST: f64 = 8.0;

/// Settings of ADWIN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdwinConfig {
    /// The chance of a false alarm at a look, in `(0, 1)`; default 0.0001.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub confidence: f64,
}

impl Default for AdwinConfig {
    fn default() -> Self {
        Self { confidence: 1e-4 }
    }
}

impl DriftPart for AdwinConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        let inside = self.confidence > 0.0 && self.confidence < 1.0;
        check("adwin", "confidence", inside, "in (0, 1)", self.confidence)
    }

    fn build(&self) -> Box<dyn Detector> {
        Box::new(Adwin { config: *self, buckets: Vec::new(), seen: 0 })
    }
}

#[derive(Debug)]
struct Adwin {
    config: AdwinConfig,
    /// The newest last; sizes never grow towards it.
    buckets: Vec<Bucket>,
    seen: u64,
}

/// Some values in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    n: f64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    spread: f64,
    lowest: f64,
    highest: f64,
}

impl Bucket {
    const NONE: Self = Self { n: 0.0, mean: 0.0, spread: 0.0, lowest: f64::INFINITY, highest: f64::NEG_INFINITY };

    fn and(self, other: Self) -> Self {
        let n = self.n + other.n;
        if n <= 0.0 {
            return Self::NONE;
        }
        let off = other.mean - self.mean;
        Self {
            n,
            mean: self.mean + off * other.n / n,
            spread: self.spread + other.spread + off * off * self.n * other.n / n,
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
        }
    }
}

impl Adwin {
    fn add(&mut self, value: f64) {
        self.buckets.push(Bucket { n: 1.0, mean: value, spread: 0.0, lowest: value, highest: value });
        // Two buckets of a size become one of the next, the oldest first.
        let mut end = self.buckets.len();
        while end > 0 {
            let size = self.buckets[end - 1].n;
            let of_size =
                self.buckets[..end].iter().rev().take_while(|bucket| bucket.n.to_bits() == size.to_bits()).count();
            let first = end - of_size;
            if of_size <= PER_SIZE {
                break;
            }
            let joined = self.buckets[first].and(self.buckets[first + 1]);
            drop(self.buckets.splice(first..first + 2, [joined]));
            end = first + 1;
        }
    }

    /// The buckets of the older part where the window is to be cut, and both parts: where they differ most beyond their bound. At the first
    /// place that would do a rest of the older values stays, too few to be told from the newer ones today, and is a change again tomorrow.
    fn cut(&self) -> Option<(usize, Bucket, Bucket)> {
        let all = self.buckets.iter().fold(Bucket::NONE, |all, bucket| all.and(*bucket));
        if all.n < 2.0 * LEAST {
            return None;
        }
        let chance = (2.0 * all.n.ln() / self.config.confidence).ln();
        let (variance, range) = (all.spread / all.n, all.highest - all.lowest);
        let (mut old, mut best, mut farthest) = (Bucket::NONE, None, 1.0);
        for (at, bucket) in self.buckets.iter().enumerate() {
            old = old.and(*bucket);
            let new = self.buckets[at + 1..].iter().fold(Bucket::NONE, |all, bucket| all.and(*bucket));
            if old.n < LEAST || new.n < LEAST {
                continue;
            }
            let m = 1.0 / (1.0 / old.n + 1.0 / new.n);
            let bound = (2.0 / m * variance * chance).sqrt() + 2.0 / (3.0 * m) * range * chance;
            let far = (old.mean - new.mean).abs() / bound;
            if far > farthest {
                (best, farthest) = (Some((at + 1, old, new)), far);
            }
        }
        best
    }
}

impl Detector for Adwin {
    fn see(&mut self, value: f64) -> Option<Change> {
        self.add(value);
        self.seen += 1;
        if !self.seen.is_multiple_of(EVERY) {
            return None;
        }
        let mut found = None;
        while let Some((buckets, old, new)) = self.cut() {
            self.buckets.drain(..buckets);
            if new.mean > old.mean {
                found.get_or_insert(Change { before: old.mean, after: new.mean });
            }
        }
        found
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of batches")]
    fn state(&self) -> Vec<f64> {
        let mut state = vec![self.seen as f64];
        for Bucket { n, mean, spread, lowest, highest } in &self.buckets {
            state.extend([n, mean, spread, lowest, highest]);
        }
        state
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of batches")]
    fn load_state(&mut self, state: &[f64]) -> mtl_core::Result<()> {
        let Some((seen, buckets)) = state.split_first() else { return Err(misfit("adwin")) };
        let sound = seen.fract() == 0.0 && *seen >= 0.0 && buckets.len().is_multiple_of(5);
        if !sound || buckets.is_empty() && *seen > 0.0 {
            return Err(misfit("adwin"));
        }
        self.seen = *seen as u64;
        self.buckets = buckets
            .chunks_exact(5)
            .map(|b| Bucket { n: b[0], mean: b[1], spread: b[2], lowest: b[3], highest: b[4] })
            .collect();
        Ok(())
    }
}
