//! Concordance index: of two patients, how often the one predicted to live longer does; with censored data.
//!
//! ```text
//! comparable  (i, j): i's event was seen, and t_i < t_j, or t_i = t_j and j is censored
//! C           ( #{ s_i < s_j } + 1/2 #{ s_i = s_j } ) / #comparable
//! ```
//!
//! Scores `s` rise with the predicted time; give the negative of a risk. Counted exactly with a tree of prefix counts.
//!
//! **Shapes** times, seen, scores `[b]`, see [`Survival`]. **State** 9 bytes a sample. **Weights** no. **Complexity**
//! `O(n log n)`.
//!
//! **Reference** F. E. Harrell et al., *Evaluating the yield of medical tests*, 1982; lifelines `concordance_index`.
//! **Differs from** nothing known; without a comparable pair it is undefined (lifelines: an exception).

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    metric::{Metric, MetricState, refused},
    ranks::key,
    samples::in_order,
    value::{MetricValue, NO_LABEL, OrReason},
};

/// Share of comparable pairs in the right order, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CIndex;

impl Metric for CIndex {
    type Batch<'a> = Survival<'a>;
    type State = Lives;

    fn name(&self) -> &'static str {
        "c-index"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Lives, batch: &Survival<'_>) -> Result<()> {
        let mut part = Lives::default();
        part.0.extend(batch.iter());
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Lives) -> MetricValue {
        let n = state.0.len() as u64;
        match pairs(&in_order(&state.0)) {
            _ if n == 0 => MetricValue::undefined(NO_LABEL, 0),
            (_, 0) => MetricValue::undefined("no pair can be compared", n),
            (twice, comparable) => MetricValue::defined(twice as f64 / (2 * comparable) as f64, n),
        }
    }
}

/// Times until the event or until it was last known not to have come, whether it was seen, and scores.
#[derive(Debug, Clone, Copy)]
pub struct Survival<'a> {
    times: &'a [f32],
    seen: &'a [bool],
    scores: &'a [f32],
}

impl<'a> Survival<'a> {
    /// Checks lengths and numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ; [`Error::Label`] for times that are not finite, scores that are NaN.
    pub fn new(times: &'a [f32], seen: &'a [bool], scores: &'a [f32]) -> Result<Self> {
        let n = times.len();
        for (tensor, len) in [("seen", seen.len()), ("scores", scores.len())] {
            if len != n {
                let (expected, found) = (format!("[{n}], one per time"), vec![len as i64]);
                return Err(Error::Shape { op: "survival".into(), tensor, expected, found });
            }
        }
        for (row, (time, score)) in times.iter().zip(scores).enumerate() {
            let refuse = |what, expected: &str, found: f32| {
                let (task, expected) = ("(unnamed)".to_owned(), expected.to_owned());
                Err(Error::Label { task, what, expected, found: found.to_string(), sample: row as u64 })
            };
            if !time.is_finite() {
                return refuse("time", "finite", *time);
            }
            if score.is_nan() {
                return refuse("score", "a number", *score);
            }
        }
        Ok(Self { times, seen, scores })
    }

    /// `(key of the time, censored, key of the score)`: at one time, events come before the censored.
    fn iter(&self) -> impl Iterator<Item = (u32, bool, u32)> {
        let rows = self.times.iter().zip(self.seen).zip(self.scores);
        rows.map(|((&time, &seen), &score)| (key(time), !seen, key(score)))
    }
}

/// What was seen of each sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lives(#[serde(serialize_with = "sorted")] Vec<(u32, bool, u32)>);

fn sorted<S: Serializer>(lives: &[(u32, bool, u32)], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(in_order(lives))
}

impl PartialEq for Lives {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && in_order(&self.0) == in_order(&other.0)
    }
}

impl MetricState for Lives {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.0.extend_from_slice(&other.0);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let (times, scores) = (key(f32::MIN)..=key(f32::MAX), key(f32::NEG_INFINITY)..=key(f32::INFINITY));
        let good = |(time, _, score): &(u32, bool, u32)| times.contains(time) && scores.contains(score);
        if self.0.iter().all(good) { Ok(()) } else { Err("its numbers cannot be".to_owned()) }
    }
}

/// Twice the pairs in the right order, ties once; and the comparable ones. `lives` are sorted.
fn pairs(lives: &[(u32, bool, u32)]) -> (u128, u128) {
    let mut scores: Vec<u32> = lives.iter().map(|life| life.2).collect();
    scores.sort_unstable();
    scores.dedup();
    // Prefix counts of the scores of events seen so far (Fenwick).
    let mut tree = vec![0_u64; scores.len() + 1];
    let below = |tree: &[u64], mut at: usize| {
        let mut sum = 0;
        while at > 0 {
            sum += tree[at];
            at &= at - 1;
        }
        sum
    };
    let (mut twice, mut comparable, mut events) = (0_u128, 0_u128, 0_u64);
    for together in lives.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let rank = |life: &(u32, bool, u32)| scores.partition_point(|&score| score < life.2);
        for life in together {
            let rank = rank(life);
            let (lower, not_higher) = (below(&tree, rank), below(&tree, rank + 1));
            twice += u128::from(lower + not_higher);
            comparable += u128::from(events);
        }
        for life in together.iter().filter(|life| !life.1) {
            let mut at = rank(life) + 1;
            while at < tree.len() {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
            events += 1;
        }
    }
    (twice, comparable)
}

crate::judged::answers_to_come! {
    Survival<'a> => "times to event";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(CIndex);
        // Comparable: (0,1) wrong, (0,2) right, (0,3) tied, (1,2) right, (1,3) right, (3,2)? 2 is censored at 3: yes, right.
        let batch = Survival::new(&[1.0, 2.0, 3.0, 3.0], &[true, true, false, true], &[0.5, 0.1, 0.9, 0.5]).unwrap();
        metric.update_batch(&batch).unwrap();
        assert!((metric.compute().value.unwrap() - 4.5 / 6.0).abs() < 1e-15);
        metric.reset();
        metric.update_batch(&Survival::new(&[1.0, 2.0], &[false, true], &[0.0, 0.0]).unwrap()).unwrap();
        assert_eq!(metric.compute().get(), Err("no pair can be compared"));
        assert!(Survival::new(&[f32::NAN], &[true], &[0.0]).is_err() && Survival::new(&[1.0], &[], &[0.0]).is_err());
    }
}
