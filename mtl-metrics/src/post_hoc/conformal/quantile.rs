//! The quantile behind every conformal set.
//!
//! ```text
//! q = the ceil((n + 1) coverage)-th smallest of n scores        weighted: the smallest score with sum of weights up to it >= (W + 1) coverage
//! ```
//! For samples that are exchangeable with those of the future the score of the next one is at most `q` with a probability of at least
//! `coverage`, and at most `coverage + 1 / (n + 1)` without ties. With fewer than `coverage / (1 - coverage)` samples there is no such
//! score: everything would have to be in the set.
//!
//! **Reference** V. Vovk, A. Gammerman, G. Shafer, *Algorithmic Learning in a Random World*, 2005; A. N. Angelopoulos, S. Bates, *A Gentle
//! Introduction to Conformal Prediction*, arXiv 2107.07511, section 1 and appendix D.
//! **Differs from** nothing known; a weight counts a sample several times, it is no likelihood ratio (Tibshirani et al. 2019).

/// The smallest number of samples (sum of weights) for a coverage.
#[must_use]
pub fn least_samples(coverage: f64) -> f64 {
    (coverage / (1.0 - coverage) - SLACK).ceil()
}

/// `0.9 (9 + 1)` is 9, whatever rounding says.
const SLACK: f64 = 1e-9;

/// The quantile of scores with weights, which are sorted; `None` where there are too few.
pub fn quantile(scores: &mut [(f64, f32)], coverage: f64) -> Option<f64> {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = scores.iter().map(|(_, weight)| f64::from(*weight)).sum();
    let wanted = (total + 1.0) * coverage - SLACK;
    let mut up_to = 0.0;
    scores.iter().find_map(|(score, weight)| {
        up_to += f64::from(*weight);
        (up_to >= wanted).then_some(*score)
    })
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;

    fn of(scores: &[f64], coverage: f64) -> Option<f64> {
        quantile(&mut scores.iter().map(|s| (*s, 1.0)).collect::<Vec<_>>(), coverage)
    }

    #[test]
    fn by_hand() {
        // ceil(10 * 0.9) = 9-th of 9, and there is none of 8.
        let nine: Vec<f64> = (1..=9).rev().map(f64::from).collect();
        assert_eq!((of(&nine, 0.9), of(&nine[..8], 0.9)), (Some(9.0), None));
        assert_eq!((of(&nine, 0.5), of(&nine, 0.51)), (Some(5.0), Some(6.0)));
        assert_eq!((least_samples(0.9), least_samples(0.95), least_samples(0.5)), (9.0, 19.0, 1.0));
        let mut weighted = vec![(3.0, 2.0), (1.0, 1.0), (2.0, 3.0)];
        let mut twice = [3.0, 3.0, 1.0, 2.0, 2.0, 2.0].map(|score| (score, 1.0)).to_vec();
        for coverage in [0.1, 0.3, 0.5, 0.7, 0.85, 0.9] {
            assert_eq!(quantile(&mut weighted, coverage), quantile(&mut twice, coverage), "{coverage}");
        }
    }
}
