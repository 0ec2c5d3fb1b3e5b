//! Who is better, and whether that is more than chance.
//!
//! Every seed has two trained sides and a test part. Two sides are compared by the mean over seeds of the difference of their
//! scores, and of a set by the mean over its tasks of that. The interval is a bootstrap over the rows of the *table*: a
//! resample holds each row so and so often, in all seeds that test on it, for both sides and all tasks, so pairs stay pairs
//! and a row that tests in three seeds is no three rows. It says how the difference would move with other rows. Seeds are not
//! drawn: with five of them an interval over seeds (t, four degrees of freedom) is so wide that nearly all is even, and
//! test parts that overlap would count twice. So this interval is the narrower one, the one that tells losses from ties.
//!
//! ```text
//! better   the whole interval (2.5 to 97.5 %) is above 0
//! worse    the whole interval is below 0, or our side has no answers
//! even     0 is inside
//! ```

use std::fmt;

use super::score::Judged;

/// Resamples of the rows.
const RESAMPLES: usize = 1000;

/// What one seed has of both sides.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    /// Where each test row stands in the whole table.
    pub(super) rows: &'a [usize],
    /// For each task.
    pub(super) ours: Vec<&'a Judged>,
    /// For each task.
    pub(super) theirs: Vec<&'a Judged>,
}

/// A difference, ours minus theirs, with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Better,
    Even,
    Worse,
}

impl Difference {
    /// Of a value and what it is in resamples, which are put in order; `None` where nothing could be scored.
    fn new(value: Option<f64>, mut resampled: Vec<f64>) -> Option<Self> {
        resampled.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let place = |share: f64| (share * resampled.len().saturating_sub(1) as f64).round() as usize;
        let at = |share: f64| resampled.get(place(share)).copied();
        Some(Self { value: value?, low: at(0.025)?, high: at(0.975)? })
    }

    pub(super) fn verdict(&self) -> Verdict {
        match () {
            () if self.low > 0.0 => Verdict::Better,
            () if self.high < 0.0 => Verdict::Worse,
            () => Verdict::Even,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Better => "better",
            Self::Even => "even",
            Self::Worse => "worse",
        })
    }
}

/// The differences of `n_tasks` tasks, and that of the set: the mean over its tasks.
pub(super) fn compare(pairs: &[Pair<'_>], n_tasks: usize) -> (Vec<Option<Difference>>, Option<Difference>) {
    let n_rows = pairs.iter().flat_map(|pair| pair.rows).max().map_or(0, |last| last + 1);
    let mut tests = vec![false; n_rows];
    pairs.iter().flat_map(|pair| pair.rows).for_each(|row| tests[*row] = true);
    // Only rows that test somewhere are drawn.
    let drawn: Vec<usize> = (0..n_rows).filter(|row| tests[*row]).collect();
    let mut random = SplitMix(0);
    let values = differences(pairs, n_tasks, &vec![1.0; n_rows]);
    let (mut tasks, mut sets) = (vec![Vec::new(); n_tasks], Vec::new());
    for _ in 0..RESAMPLES {
        let mut counts = vec![0.0; n_rows];
        drawn.iter().for_each(|_| counts[drawn[random.below(drawn.len())]] += 1.0);
        let resampled = differences(pairs, n_tasks, &counts);
        sets.extend(mean(resampled.iter().copied().flatten()));
        tasks.iter_mut().zip(resampled).for_each(|(of, value): (&mut Vec<f64>, _)| of.extend(value));
    }
    let set = Difference::new(mean(values.iter().copied().flatten()), sets);
    (values.into_iter().zip(tasks).map(|(value, resampled)| Difference::new(value, resampled)).collect(), set)
}

/// The mean difference of each task over the seeds in which both sides can be scored, if rows count so often.
fn differences(pairs: &[Pair<'_>], n_tasks: usize, counts: &[f64]) -> Vec<Option<f64>> {
    let mut found = vec![Vec::new(); n_tasks];
    for pair in pairs {
        let weights: Vec<f64> = pair.rows.iter().map(|row| counts[*row]).collect();
        for ((ours, theirs), of) in pair.ours.iter().zip(&pair.theirs).zip(&mut found) {
            of.extend(ours.score(&weights).zip(theirs.score(&weights)).map(|(ours, theirs)| ours - theirs));
        }
    }
    found.into_iter().map(|values: Vec<f64>| mean(values.into_iter())).collect()
}

/// Of nothing it is nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

/// Steele, Lea and Flood (2014): the same resamples on every machine, without a crate for them.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        usize::try_from((u128::from(z) * n as u128) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::tables::truth::{Answers, Kind, Task};

    /// A side that is off by so much on each of the rows, whose labels are 1 and -1 in turn.
    fn side(off: impl Fn(usize) -> f64, rows: usize) -> Judged {
        let task =
            Task { name: "t".into(), kind: Kind::Number { mean: 0.0 }, validation: Vec::new(), test: Vec::new() };
        let label = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
        let said = Answers::One((0..rows).map(|row| label(row) + off(row)).collect());
        let labels: Vec<Option<f64>> = (0..rows).map(|row| Some(label(row))).collect();
        Judged::new(&task, &labels, &said).unwrap()
    }

    fn verdict(ours: &Judged, theirs: &Judged, rows: &[usize]) -> (Verdict, Difference) {
        let pairs: Vec<Pair<'_>> = (0..2).map(|_| Pair { rows, ours: vec![ours], theirs: vec![theirs] }).collect();
        let (tasks, set) = compare(&pairs, 1);
        assert_eq!(tasks, [set]);
        let found = set.unwrap();
        (found.verdict(), found)
    }

    #[test]
    fn a_difference_on_all_rows_is_one_and_on_a_few_it_is_none() {
        let rows: Vec<usize> = (0..60).map(|row| 3 * row).collect();
        let (small, large) = (side(|_| 0.1, 60), side(|row| 0.3 + 0.001 * row as f64, 60));
        let (better, found) = verdict(&small, &large, &rows);
        assert_eq!((better, verdict(&large, &small, &rows).0), (Verdict::Better, Verdict::Worse));
        assert!(found.low > 0.2 && found.high < 0.3 && (found.value - 0.23).abs() < 0.01, "{found:?}");
        let mixed = side(|row| if row % 3 == 0 { 0.12 } else { 0.08 }, 60);
        assert_eq!(verdict(&small, &mixed, &rows).0, Verdict::Even);
        assert_eq!(verdict(&small, &small, &rows).1, Difference { value: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn a_row_of_two_seeds_is_one_row() {
        // The same interval, whether two seeds test on the same rows or one does: seeing a row again is no news.
        let (a, b) = (side(|row| 0.1 * (row % 7) as f64, 40), side(|row| 0.1 * (row % 5) as f64, 40));
        let rows: Vec<usize> = (0..40).collect();
        let one = compare(&[Pair { rows: &rows, ours: vec![&a], theirs: vec![&b] }], 1);
        assert_eq!(verdict(&a, &b, &rows).1, one.1.unwrap());
    }

    #[test]
    fn what_cannot_be_scored_has_no_difference() {
        assert_eq!(compare(&[], 2), (vec![None, None], None));
    }
}
