//! Places: 1 for the best, ties share the mean of theirs.

use mtl_core::metric::Direction;

/// The rank of every value, from 1 for the best; equal values share the mean of the places that they take together. NaN is
/// worst.
///
/// ```
/// use mtl_core::metric::Direction;
/// use mtl_metrics::stats::ranks;
/// assert_eq!(ranks(&[0.8, 0.9, 0.8, 0.7], Direction::Maximize), [2.5, 1.0, 2.5, 4.0]);
/// assert_eq!(ranks(&[0.8, 0.9, 0.7], Direction::Minimize), [2.0, 3.0, 1.0]);
/// ```
#[must_use]
pub fn ranks(values: &[f64], direction: Direction) -> Vec<f64> {
    // Adding 0 leaves one zero of the two; in the total order NaN is beyond infinity.
    let key = |value: f64| match direction {
        _ if value.is_nan() => f64::NAN,
        Direction::Maximize => -value + 0.0,
        Direction::Minimize => value + 0.0,
    };
    let mut order: Vec<(usize, f64)> = values.iter().map(|v| key(*v)).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()) {
        #[expect(clippy::cast_precision_loss, reason = "a count of methods")]
        let shared = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for (at, _) in tied {
            if let Some(rank) = ranks.get_mut(*at) {
                *rank = shared;
            }
        }
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_zeros_of_both_signs_and_nan() {
        assert_eq!(ranks(&[0.0, -0.0, 1.0], Direction::Maximize), [2.5, 2.5, 1.0]);
        assert_eq!(ranks(&[f64::NAN, 3.0, f64::NEG_INFINITY], Direction::Maximize), [3.0, 1.0, 2.0]);
        assert_eq!(ranks(&[f64::NAN, f64::INFINITY, f64::NAN], Direction::Minimize), [2.5, 1.0, 2.5]);
        assert_eq!(ranks(&[1.0; 3], Direction::Minimize), [2.0; 3]);
        assert!(ranks(&[], Direction::Minimize).is_empty());
    }
}
