//! Successive halving: many candidates for a short time, few for a long one.
//!
//! ```text
//! rounds      e, e eta, e eta^2, .., E          epochs at which candidates are judged; the last is the whole budget
//! survivors   the better ceil(n / eta) of n
//! ```

use mtl_core::metric::Direction;

/// The epochs at which candidates are judged: from `first`, times `eta` each, up to `total`. One round for `eta = 1`.
///
/// ```
/// use mtl_train::study::cv_weights::rounds;
/// assert_eq!(rounds(10, 1, 3), [1, 3, 9, 10]);
/// assert_eq!(rounds(9, 1, 3), [1, 3, 9]);
/// assert_eq!(rounds(10, 1, 1), [10]);
/// assert_eq!(rounds(4, 6, 2), [4]);
/// ```
#[must_use]
pub fn rounds(total: u64, first: u64, eta: u64) -> Vec<u64> {
    let mut rounds = Vec::new();
    let mut epochs = first.max(1);
    while eta > 1 && epochs < total {
        rounds.push(epochs);
        epochs = epochs.saturating_mul(eta);
    }
    rounds.push(total);
    rounds
}

/// The positions of the better `ceil(n / eta)` scores in their first order; ties keep the earlier one, and a missing score
/// is worst.
#[must_use]
pub fn survivors(scores: &[Option<f64>], eta: u64, direction: Direction) -> Vec<usize> {
    let mut order = by_score(scores, direction);
    let keep = (scores.len() as u64).div_ceil(eta.max(1));
    order.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    order.sort_unstable();
    order
}

/// All positions, the best score first.
pub(super) fn by_score(scores: &[Option<f64>], direction: Direction) -> Vec<usize> {
    let key = |at: usize| match (scores.get(at).copied().flatten().filter(|s| !s.is_nan()), direction) {
        (None, _) => f64::INFINITY,
        (Some(score), Direction::Maximize) => -score,
        (Some(score), Direction::Minimize) => score,
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_part_stays() {
        let scores = [Some(0.5), None, Some(0.9), Some(0.7), Some(0.9), Some(f64::NAN), Some(0.1)];
        assert_eq!(survivors(&scores, 3, Direction::Maximize), [2, 3, 4]);
        assert_eq!(survivors(&scores, 3, Direction::Minimize), [0, 3, 6]);
        assert_eq!(survivors(&scores, 7, Direction::Maximize), [2], "the earlier of equals");
        assert_eq!(survivors(&scores, 1, Direction::Maximize).len(), 7);
        assert_eq!(survivors(&[], 3, Direction::Maximize), Vec::<usize>::new());
    }
}
