//! Approximate randomization: do two systems differ on a metric of the whole corpus, such as BLEU or WER?
//!
//! ```text
//! a_i, b_i   counts of our and their output of sentence i (edits and words, n-gram matches, ..)
//! D  = f(sum a_i) - f(sum b_i)
//! D* = the same after each a_i, b_i have changed places with probability 1/2
//! p  = (c + 1) / (R + 1)                    c of R draws with D* as extreme as D
//! ```
//!
//! A corpus metric is no mean over sentences, so there is no difference per sentence to flip; but its counts add, and if
//! nothing tells the systems apart, each sentence's outputs could as well have come from the other. Only sums are formed
//! anew, the texts are read once. Sentences on which the counts agree are set aside.
//!
//! **Reference**: E. W. Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989; S. Riezler, J. T. Maxwell, "On Some
//! Pitfalls in Automatic Evaluation and Significance Testing for MT", ACL workshop, 2005; the paired test (AR) of sacreBLEU.
//! **Differs from** sacreBLEU: a draw exactly as extreme as the real difference counts (p never too small, as in Noreen); a
//! draw on which the metric is not defined counts as extreme, and is reported; two equal outputs are not defined instead of
//! p = 1 / (R + 1).

use mtl_core::{Result, rng::Rng};
use serde::{Deserialize, Serialize};

use super::{Alternative, Draws, draws::Coins};
use crate::{
    metric::{Metric, Streaming},
    refusal::{LARGEST, refuse, same_length},
    value::OrReason,
};

const WHAT: &str = "approximate randomization";

/// The outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApproximateRandomization {
    /// Sentences.
    pub n: usize,
    /// Those on which the counts differ.
    pub differing: usize,
    /// The metric of ours and of theirs; undefined where the metric is.
    pub values: OrReason<[f64; 2]>,
    /// How likely so extreme a difference is by chance, in (0, 1]; undefined with the values, or when no sentence differs.
    pub p: OrReason<f64>,
    /// Draws on which the metric was not defined, counted as extreme.
    pub undefined_draws: usize,
}

impl ApproximateRandomization {
    /// The test on counts `[n][K]` of two systems; `statistic` makes a metric of summed counts.
    ///
    /// ```
    /// use mtl_metrics::stats::{Alternative, ApproximateRandomization, Draws};
    /// // [edits, words] of each sentence, and WER:
    /// let wer = |&[edits, words]: &[u64; 2]| Ok(edits as f64 / words as f64);
    /// let (ours, theirs) = ([[1, 10], [0, 8], [2, 12], [1, 9]], [[3, 10], [2, 8], [4, 12], [2, 9]]);
    /// let test = ApproximateRandomization::new(&ours, &theirs, wer, Alternative::Less, Draws::default())?;
    /// assert_eq!(test.values, Ok([4.0 / 39.0, 11.0 / 39.0]));
    /// assert!((test.p.unwrap() - 1.0 / 16.0).abs() < 0.01); // of 2^4 exchanges only the real one is as good
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths; [`mtl_core::Error::InvalidConfig`] for counts whose sum
    /// exceeds 64 bits, a number of draws out of range, and a statistic that is no number up to 1e100.
    pub fn new<const K: usize>(
        ours: &[[u64; K]],
        theirs: &[[u64; K]],
        statistic: impl Fn(&[u64; K]) -> OrReason<f64> + Send + Sync,
        alternative: Alternative,
        draws: Draws,
    ) -> Result<Self> {
        same_length(WHAT, "theirs", ours.len(), theirs.len())?;
        // Whatever changes places, no sum exceeds that of all.
        let mut all = [0_u64; K];
        for row in ours.iter().chain(theirs) {
            for (column, (sum, count)) in all.iter_mut().zip(row).enumerate() {
                let more = || refuse(WHAT, "counts", "of a sum below 2^64", format!("more in column {column}"));
                *sum = sum.checked_add(*count).ok_or_else(more)?;
            }
        }
        let add = |sums: &mut [u64; K], row: &[u64; K]| sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        let mut alike = [0; K];
        let mut pairs = Vec::new();
        for (a, b) in ours.iter().zip(theirs) {
            if a == b { add(&mut alike, a) } else { pairs.push((a, b)) }
        }
        let values = |coins: Option<&mut Coins<'_>>| {
            let mut sums = [alike; 2];
            exchange(&pairs, coins, |[a, b]| {
                let [first, second] = &mut sums;
                add(first, a);
                add(second, b);
                Ok(())
            })?;
            Ok([statistic(&sums[0])?, statistic(&sums[1])?])
        };
        run(ours.len(), pairs.len(), values, alternative, draws)
    }

    /// The test on one metric a sentence, for each of two systems: what it remembers is what changes places. Takes `n` merges a
    /// draw; [`new`](Self::new) is faster where counts are at hand.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`mtl_core::Error::State`] for metrics that do not merge.
    pub fn of_states<M: Metric>(
        ours: &[Streaming<M>],
        theirs: &[Streaming<M>],
        alternative: Alternative,
        draws: Draws,
    ) -> Result<Self> {
        same_length(WHAT, "theirs", ours.len(), theirs.len())?;
        let mut alike = ours.first().map(|first| Streaming::new(first.metric().clone()));
        let mut all = alike.clone();
        let mut pairs = Vec::new();
        for (a, b) in ours.iter().zip(theirs) {
            if let (Some(alike), Some(all)) = (&mut alike, &mut all) {
                all.merge(a)?;
                all.merge(b)?;
                if a.remembered() == b.remembered() { alike.merge(a)? } else { pairs.push((a, b)) }
            }
        }
        let values = |coins: Option<&mut Coins<'_>>| {
            let Some(alike) = &alike else { return Err("no sentence".to_owned()) };
            let (mut first, mut second) = (alike.clone(), alike.clone());
            exchange(&pairs, coins, |[a, b]| first.merge(a).and_then(|()| second.merge(b)).map_err(|e| e.to_string()))?;
            let value = |metric: &Streaming<M>| metric.compute().get().map_err(str::to_owned);
            Ok([value(&first)?, value(&second)?])
        };
        run(ours.len(), pairs.len(), values, alternative, draws)
    }
}

/// Calls `add` with each pair, in its order or the other way round, as the coins say.
fn exchange<'a, T>(
    pairs: &[(&'a T, &'a T)],
    mut coins: Option<&mut Coins<'_>>,
    mut add: impl FnMut([&'a T; 2]) -> OrReason<()>,
) -> OrReason<()> {
    pairs.iter().try_for_each(|(a, b)| {
        let exchanged = coins.as_deref_mut().is_some_and(Coins::toss);
        add(if exchanged { [*b, *a] } else { [*a, *b] })
    })
}

/// The test, given the metrics of both systems as they are, and after exchanges by random coins.
fn run(
    n: usize,
    differing: usize,
    values: impl Fn(Option<&mut Coins<'_>>) -> OrReason<[f64; 2]> + Send + Sync,
    alternative: Alternative,
    draws: Draws,
) -> Result<ApproximateRandomization> {
    let undefined = |values, reason: &str| ApproximateRandomization {
        n,
        differing,
        values,
        p: Err(reason.to_owned()),
        undefined_draws: 0,
    };
    if n == 0 {
        return Ok(undefined(Err("no sentence".to_owned()), "no sentence"));
    }
    let check = |values: [f64; 2]| match values.into_iter().find(|value| value.is_nan() || value.abs() > LARGEST) {
        Some(odd) => Err(refuse(WHAT, "statistic", "a number up to 1e100", odd.to_string())),
        None => Ok(values),
    };
    let [a, b] = match values(None) {
        Ok(values) => check(values)?,
        Err(reason) => return Ok(undefined(Err(reason.clone()), &reason)),
    };
    if differing == 0 {
        return Ok(undefined(Ok([a, b]), "the counts of no sentence differ"));
    }
    // What rounding can make of differences that are equal.
    let (real, tolerance) = (a - b, 1e-13 * (a.abs() + b.abs()));
    let outcomes = draws.outcomes(WHAT, || (), |(), rng: &mut Rng| values(Some(&mut Coins::new(rng))))?;
    let (mut hits, mut undefined_draws) = (0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(values) => {
                let [a, b] = check(values)?;
                hits += usize::from(alternative.is_hit(a - b, real, tolerance));
            }
            Err(_) => undefined_draws += 1,
        }
    }
    let p = Ok(draws.p_value(hits + undefined_draws));
    Ok(ApproximateRandomization { n, differing, values: Ok([a, b]), p, undefined_draws })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{ErrorRate, Rate, Unit},
        text::TextPairs,
    };

    fn wer(&[edits, words]: &[u64; 2]) -> OrReason<f64> {
        if words == 0 { Err("no word".to_owned()) } else { Ok(edits as f64 / words as f64) }
    }

    fn test(ours: &[[u64; 2]], theirs: &[[u64; 2]], alternative: Alternative) -> Result<ApproximateRandomization> {
        ApproximateRandomization::new(ours, theirs, wer, alternative, Draws { n: 20_000, seed: 1 })
    }

    #[test]
    fn all_exchanges_by_hand() {
        // Edits differ by 1, 2 and -3: five of the eight exchanges have a sum of 0 or more, the real one being 0.
        let (ours, theirs) = ([[3, 9], [4, 9], [0, 9], [5, 9]], [[2, 9], [2, 9], [3, 9], [5, 9]]);
        let found = test(&ours, &theirs, Alternative::Greater).unwrap();
        assert_eq!((found.n, found.differing, found.values), (4, 3, Ok([12.0 / 36.0; 2])));
        assert!((found.p.unwrap() - 0.625).abs() < 0.015);
        assert_eq!(test(&ours, &theirs, Alternative::TwoSided).unwrap().p, Ok(1.0));
    }

    #[test]
    fn states_change_places_as_counts_do() {
        let rate = ErrorRate::new(Rate::Error, Unit::Words);
        let one = |said: &str, meant: &str| {
            let mut metric = Streaming::new(rate);
            metric.update_batch(&TextPairs::new(&[said], &[meant]).unwrap()).unwrap();
            metric
        };
        let ours = [one("a b c", "a b c"), one("a x", "a b"), one("k l m", "k l m")];
        let theirs = [one("a b x", "a b c"), one("y x", "a b"), one("k l m", "k l m")];
        let draws = Draws { n: 999, seed: 2 };
        let by_states = ApproximateRandomization::of_states(&ours, &theirs, Alternative::Less, draws).unwrap();
        let (ours, theirs) = ([[0, 3], [1, 2], [0, 3]], [[1, 3], [2, 2], [0, 3]]);
        let by_counts = ApproximateRandomization::new(&ours, &theirs, wer, Alternative::Less, draws).unwrap();
        assert_eq!(by_states, by_counts);
        assert!((by_states.p.unwrap() - 0.25).abs() < 0.05, "both or none exchanged: one of four is as good");
    }

    #[test]
    fn undefined_and_refused() {
        let reason =
            |ours: &[[u64; 2]], theirs: &[[u64; 2]]| test(ours, theirs, Alternative::Less).unwrap().p.unwrap_err();
        assert_eq!(reason(&[], &[]), "no sentence");
        assert_eq!(reason(&[[1, 2]], &[[1, 2]]), "the counts of no sentence differ");
        assert_eq!(reason(&[[1, 0]], &[[0, 0]]), "no word");
        // Exchanged as a whole, both remain defined; exchanged in part, all words come to one side.
        let part = test(&[[1, 2], [1, 0]], &[[1, 0], [0, 2]], Alternative::TwoSided).unwrap();
        assert!(part.undefined_draws > 9000 && part.undefined_draws < 11_000, "{part:?}");
        let e = |ours: &[[u64; 2]], theirs: &[[u64; 2]]| test(ours, theirs, Alternative::Less).unwrap_err().to_string();
        assert_eq!(e(&[[0, 1]], &[]), "approximate randomization: theirs must be of length 1, found [0]");
        assert!(e(&[[u64::MAX, 1]], &[[1, 1]]).contains("counts must be of a sum below 2^64"));
        let nan = |_: &[u64; 1]| Ok(f64::NAN);
        let e = ApproximateRandomization::new(&[[1]], &[[2]], nan, Alternative::Less, Draws::default()).unwrap_err();
        assert_eq!(e.to_string(), "approximate randomization: statistic must be a number up to 1e100, found NaN");
    }
}
