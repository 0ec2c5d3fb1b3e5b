//! A mean of terms that not every number has: logarithms, deviances.
//!
//! A network may say -0.3 where only positive numbers have a logarithm. That is a fact about this evaluation, not a mistake
//! of whoever asked for the metric: the value of the output is undefined, with the reason, and whatever judges by it goes on.
//! What lay outside is counted, so that the state merges like any other.

use serde::{Deserialize, Serialize};

use crate::{
    mean::{ExactMean, Pair},
    metric::MetricState,
    value::OrReason,
};

/// A weighted mean, and how many predictions and targets had no term in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DomainMean {
    mean: ExactMean,
    predictions: Outside,
    targets: Outside,
}

/// Numbers outside a domain, such as -0.3 among numbers that must be above 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Outside {
    n: u64,
    lowest: Option<f64>,
}

/// Which numbers have a term, and the words for it.
#[derive(Debug, Clone, Copy)]
pub struct Domain {
    /// Predictions must be larger than this; `None` for any.
    pub said_above: Option<f64>,
    /// What targets must be; `None` for any.
    pub truth: Option<Bound>,
}

/// A lower bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Larger than the number.
    Above(f64),
    /// The number itself, or larger.
    AtLeast(f64),
}

impl Bound {
    fn holds(self, x: f64) -> bool {
        match self {
            Self::Above(bound) => x > bound,
            Self::AtLeast(bound) => x >= bound,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Above(bound) => format!("above {bound}"),
            Self::AtLeast(bound) => format!("at least {bound}"),
        }
    }
}

impl DomainMean {
    /// Adds the term of a pair, or counts what has none.
    pub fn add(&mut self, domain: &Domain, pair: &Pair, term: impl FnOnce(&Pair) -> f64) {
        let said_fits = domain.said_above.is_none_or(|bound| pair.said > bound);
        let truth_fits = domain.truth.is_none_or(|bound| bound.holds(pair.truth));
        if said_fits && truth_fits {
            self.mean.add_weighted(term(pair), pair.weight);
            return;
        }
        // Counted as known; it spoils the value only when it weighs something.
        self.mean.add_weighted(0.0, pair.weight);
        if pair.weight > 0.0 {
            if !said_fits {
                self.predictions.add(pair.said);
            }
            if !truth_fits {
                self.targets.add(pair.truth);
            }
        }
    }

    /// How many pairs there were.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.mean.n()
    }

    /// The mean, or why there is none: of targets first, which no model can help.
    ///
    /// # Errors
    /// The reason, with how many lay outside and the lowest of them.
    pub fn get(&self, domain: &Domain) -> OrReason<f64> {
        if let Some(bound) = domain.truth {
            self.targets.none("target", bound)?;
        }
        if let Some(bound) = domain.said_above {
            self.predictions.none("prediction", Bound::Above(bound))?;
        }
        self.mean.get()
    }
}

impl Outside {
    fn add(&mut self, x: f64) {
        self.n += 1;
        self.lowest = Some(self.lowest.map_or(x, |lowest| lowest.min(x)));
    }

    fn none(&self, what: &str, bound: Bound) -> OrReason<()> {
        match (self.n, self.lowest) {
            (0, _) | (_, None) => Ok(()),
            (1, Some(x)) => Err(format!("a {what} is not {}: {}", bound.words(), narrow(x))),
            (n, Some(x)) => Err(format!("{n} {what}s are not {}, the lowest is {}", bound.words(), narrow(x))),
        }
    }

    fn merged(self, other: Self) -> OrReason<Self> {
        Ok(Self {
            n: self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?,
            lowest: self.lowest.into_iter().chain(other.lowest).reduce(f64::min),
        })
    }

    fn check(self, n: u64) -> OrReason<()> {
        let fits = self.n <= n && (self.n > 0) == self.lowest.is_some() && self.lowest.is_none_or(f64::is_finite);
        if fits { Ok(()) } else { Err("its counts of numbers outside contradict each other".to_owned()) }
    }
}

/// The digits that a number had before it was widened.
#[expect(clippy::cast_possible_truncation, reason = "it was an f32")]
fn narrow(x: f64) -> f32 {
    x as f32
}

impl MetricState for DomainMean {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let predictions = self.predictions.merged(other.predictions)?;
        let targets = self.targets.merged(other.targets)?;
        self.mean.merge(&other.mean)?;
        (self.predictions, self.targets) = (predictions, targets);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.mean.check()?;
        self.predictions.check(self.mean.n())?;
        self.targets.check(self.mean.n())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITIVE: Domain = Domain { said_above: Some(0.0), truth: Some(Bound::AtLeast(0.0)) };

    fn of(pairs: &[(f64, f64, f32)]) -> DomainMean {
        let mut mean = DomainMean::default();
        for &(said, truth, weight) in pairs {
            mean.add(&POSITIVE, &Pair { said, truth, weight, row: 0, output: 0 }, |pair| pair.said - pair.truth);
        }
        mean
    }

    #[test]
    fn what_lies_outside_undefines_the_mean_and_says_how_much() {
        assert_eq!(of(&[(1.0, 0.0, 1.0), (3.0, 1.0, 1.0)]).get(&POSITIVE), Ok(1.5));
        let outside = of(&[(1.0, 0.0, 1.0), (-0.5, 1.0, 1.0), (0.0, 1.0, 1.0)]);
        assert_eq!(outside.get(&POSITIVE).unwrap_err(), "2 predictions are not above 0, the lowest is -0.5");
        assert_eq!(outside.n(), 3);
        assert_eq!(of(&[(-0.5, -1.0, 1.0)]).get(&POSITIVE).unwrap_err(), "a target is not at least 0: -1");
        assert_eq!(of(&[(1.0, 0.5, 1.0), (-0.5, 1.0, 0.0)]).get(&POSITIVE), Ok(0.5), "a weight of 0 spoils nothing");
    }

    #[test]
    fn states_merge_whichever_way_and_are_checked() {
        let (a, b) = (of(&[(-2.0, 1.0, 1.0)]), of(&[(-3.0, -1.0, 1.0), (1.0, 1.0, 1.0)]));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b).unwrap();
        ba.merge(&a).unwrap();
        assert_eq!(ab, ba);
        assert_eq!((ab.predictions, ab.check()), (Outside { n: 2, lowest: Some(-3.0) }, Ok(())));
        let torn = DomainMean { predictions: Outside { n: 1, lowest: None }, ..ab };
        assert!(torn.check().is_err());
    }
}
