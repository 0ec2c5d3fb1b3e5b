//! Calibration: does what is said with probability `p` come true with frequency `p`?
//!
//! ```text
//! bin b = probabilities in [b/10, (b+1)/10)
//! conf_b = their mean        freq_b = share that came true        ECE = sum_b n_b / n |freq_b - conf_b|
//! interval of freq_b: Wilson, 95 %
//! ```
//! **Reference** Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (reliability diagrams, ECE); Wilson,
//! JASA 1927.

/// Bins of equal width.
const BINS: usize = 10;
/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_964;

/// One bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub(super) confidence: f64,
    pub(super) frequency: f64,
    pub(super) interval: [f64; 2],
    pub(super) n: u64,
}

/// The bins that hold something, and the expected calibration error.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reliability {
    pub(super) bins: Vec<Bin>,
    pub(super) error: f64,
}

impl Reliability {
    /// Of probabilities and whether each came true; `None` without any.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..BINS by the clamp")]
    pub(super) fn of(pairs: impl Iterator<Item = (f64, bool)>) -> Option<Self> {
        let mut sums = [(0.0, 0.0, 0_u64); BINS];
        for (p, came_true) in pairs.filter(|(p, _)| p.is_finite()) {
            let bin = (p.clamp(0.0, 1.0) * BINS as f64) as usize;
            let sum = &mut sums[bin.min(BINS - 1)];
            *sum = (sum.0 + p, sum.1 + f64::from(u8::from(came_true)), sum.2 + 1);
        }
        let total: u64 = sums.iter().map(|s| s.2).sum();
        let bin = |&(p, hits, n): &(f64, f64, u64)| {
            let count = n as f64;
            Bin { confidence: p / count, frequency: hits / count, interval: wilson(hits, count), n }
        };
        let bins: Vec<Bin> = sums.iter().filter(|s| s.2 > 0).map(bin).collect();
        let error = bins.iter().map(|b| b.n as f64 / total as f64 * (b.frequency - b.confidence).abs()).sum();
        (total > 0).then_some(Self { bins, error })
    }
}

fn wilson(hits: f64, n: f64) -> [f64; 2] {
    let (p, z2) = (hits / n, Z * Z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_by_hand() {
        let pairs = [(0.05, false), (0.15, true), (0.15, false), (1.0, true), (f64::NAN, true)];
        let found = Reliability::of(pairs.into_iter()).unwrap();
        let figures: Vec<(f64, f64, u64)> = found.bins.iter().map(|b| (b.confidence, b.frequency, b.n)).collect();
        assert_eq!(figures, [(0.05, 0.0, 1), (0.15, 0.5, 2), (1.0, 1.0, 1)]);
        assert!((found.error - (0.05 / 4.0 + 0.35 / 2.0)).abs() < 1e-12);
        assert_eq!(Reliability::of(std::iter::empty()), None);
    }

    #[test]
    fn interval_of_wilson() {
        // 8 of 10: 0.490 to 0.943 in Brown, Cai and DasGupta's tables.
        let [low, high] = wilson(8.0, 10.0);
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
        assert!(wilson(0.0, 5.0)[0].abs() < 1e-12);
    }
}
