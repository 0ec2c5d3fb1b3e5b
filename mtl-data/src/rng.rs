//! Random numbers that stay the same: across versions, thread counts and machines.
//!
//! Data order is part of an experiment, so it must not change when a dependency is updated. This file is the whole
//! generator: SplitMix64 spreads a key (a seed and what it is used for) over 256 bits of state, xoshiro256++ draws from
//! it. Every use names its own key, so streams never overlap by accident and no draw depends on how many were made
//! elsewhere: the order of epoch 7 is a function of `(seed, 7)`, whoever asks and whenever.
//!
//! ```text
//! key    = mix(mix(mix(seed) ^ stream) ^ counter)          mix = the finalizer of SplitMix64
//! state  = 4 draws of SplitMix64(key)
//! draw   = rotl(s0 + s3, 23) + s0                          xoshiro256++
//! ```
//!
//! Integer draws are bit-equal everywhere. [`Rng::normal`] uses `ln` and `cos` of the platform, which may differ in the
//! last bit between systems.
//!
//! **Reference**: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021;
//! D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29(1), 2019.

/// What a stream of random numbers is used for; part of its key, so that uses never share numbers.
///
/// The numbers are part of the order that seeds stand for: append, never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// The order of samples in an epoch.
    Order = 1,
    /// Which data set each batch comes from.
    Task = 2,
    /// The cut between training and validation.
    Split = 3,
    /// Which pictures are composed.
    Pairs = 4,
    /// Generated inputs and labels.
    Synthetic = 5,
    /// Which fold of a cross-validation a sample is in.
    Folds = 6,
    /// Which rows of a long column show where its numbers lie.
    Quantiles = 7,
    /// Which rows an epoch has, where a sampler says.
    Sampler = 8,
    /// Rows made between others.
    Smote = 9,
}

/// xoshiro256++, seeded by key.
#[derive(Debug, Clone)]
pub struct Rng {
    s: [u64; 4],
}

/// The finalizer of SplitMix64: a bijection of 64 bits in which every input bit moves every output bit.
#[must_use]
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Rng {
    /// The generator of `(seed, stream, counter)`, such as the order of epoch `counter`.
    #[must_use]
    pub fn new(seed: u64, stream: Stream, counter: u64) -> Self {
        let mut key = mix(mix(mix(seed) ^ stream as u64) ^ counter);
        let mut draw = || {
            key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(key)
        };
        Self { s: [draw(), draw(), draw(), draw()] }
    }

    /// 64 random bits.
    #[expect(clippy::should_implement_trait, reason = "a generator has no end, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        let s = &mut self.s;
        let drawn = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        drawn
    }

    /// A number in `[0, n)`, each equally likely (rejection, no modulo bias); 0 for `n = 0`.
    #[expect(clippy::cast_possible_truncation, reason = "the high and the low half of a 128-bit product")]
    pub fn below(&mut self, n: u64) -> u64 {
        let mut product = u128::from(self.next()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A draw from the standard normal distribution (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A uniformly random order of the items (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_pinned() {
        // SplitMix64 from 0 begins with this number (its authors' reference code).
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        // xoshiro256++ from state 1, 2, 3, 4 (the reference code's well-known test vector).
        let mut rng = Rng { s: [1, 2, 3, 4] };
        let drawn: Vec<_> = (0..4).map(|_| rng.next()).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn streams_and_counters_differ() {
        let mut first: Vec<u64> = Vec::new();
        for seed in 0..4 {
            for stream in [Stream::Order, Stream::Task, Stream::Split, Stream::Pairs, Stream::Synthetic, Stream::Folds]
            {
                first.extend((0..4).map(|counter| Rng::new(seed, stream, counter).next()));
            }
        }
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 4 * 6 * 4);
    }

    #[test]
    fn below_is_uniform_and_total() {
        let mut rng = Rng::new(1, Stream::Order, 0);
        assert_eq!((rng.below(0), rng.below(1)), (0, 0));
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[usize::try_from(rng.below(7)).unwrap()] += 1;
        }
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi2 < 22.5, "{counts:?}"); // 6 degrees of freedom, 99.9 %
    }

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let mut rng = Rng::new(2, Stream::Synthetic, 0);
        let xs: Vec<_> = (0..100_000).map(|_| rng.normal()).collect();
        let mean = xs.iter().sum::<f64>() / 1e5;
        let var = xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.015 && (var - 1.0).abs() < 0.02, "{mean} {var}");
    }

    #[test]
    fn every_order_of_four_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for counter in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            Rng::new(3, Stream::Order, counter).shuffle(&mut items);
            *counts.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi2: f64 = counts.values().map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi2 < 49.7, "{chi2}"); // 23 degrees of freedom, 99.9 %
    }
}
