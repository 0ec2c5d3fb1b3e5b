//! How far off a share may be that was counted on a few samples.
//!
//! ```text
//! (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)        z = 1.96: 95 %
//! ```
//! **Reference** E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_964;

/// The interval of a share `p` of `n` samples.
pub(super) fn interval(p: f64, n: f64) -> [f64; 2] {
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_tables() {
        // 8 of 10: 0.490 to 0.943 in Brown, Cai and DasGupta's tables.
        let [low, high] = interval(0.8, 10.0);
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
        assert!(interval(0.0, 5.0)[0].abs() < 1e-12);
    }
}
