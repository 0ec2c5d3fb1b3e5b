//! The value of a policy from the log of another: IPS, self-normalized IPS, doubly robust.
//!
//! ```text
//! w_i = pi(a_i | x_i) / p_i          p_i: probability with which the logged action was taken; w_i cut at `cap`
//! IPS   = mean w_i r_i          SNIPS = sum w_i r_i / sum w_i
//! DR    = mean [ sum_a pi(a | x_i) q(x_i, a) + w_i (r_i - q(x_i, a_i)) ]
//! standard error: IPS, DR of the mean of their terms;  SNIPS sqrt(sum w_i^2 (r_i - SNIPS)^2) / sum w_i
//! effective sample size = (sum w_i)^2 / sum w_i^2
//! ```
//!
//! **Shapes** rewards, logged probabilities and `pi(a_i | x_i)` `[n]`; for DR also `q(x_i, a_i)` and `sum_a pi q`
//! `[n]`. **State** 3.9 kB.
//!
//! **Reference** A. Swaminathan, T. Joachims, *The Self-Normalized Estimator*, NeurIPS 2015; M. Dudík et al., *Doubly
//! Robust Policy Evaluation*, ICML 2011; formulas by numpy. **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    metric::{Metric, MetricState, refused},
    refusal::{check_each, refuse, same_length},
    value::{MetricValue, OrReason},
};

/// Logged decisions.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// `[n]`.
    pub rewards: &'a [f64],
    /// `[n]` probabilities with which the logged actions were taken, `(0, 1]`.
    pub logged: &'a [f64],
    /// `[n]` probabilities of the same actions under the policy to be valued, `[0, 1]`.
    pub policy: &'a [f64],
    /// Of a model of rewards, for DR: `[n]` of the logged actions, `[n]` the mean under the policy.
    pub model: Option<(&'a [f64], &'a [f64])>,
}

/// A log, checked.
#[derive(Debug, Clone, Copy)]
pub struct LogBatch<'a>(Log<'a>);

impl<'a> LogBatch<'a> {
    /// Checks a log.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for rewards that
    /// are not finite and probabilities that are none (logged ones below 1e-12 included).
    pub fn new(log: Log<'a>) -> Result<Self> {
        let n = log.rewards.len();
        same_length("log", "logged probabilities", n, log.logged.len())?;
        same_length("log", "policy probabilities", n, log.policy.len())?;
        let number = |x: f64| x.abs() <= 1e50;
        check_each("log", "rewards", "a number up to 1e50", log.rewards, number)?;
        check_each("log", "logged probabilities", "in [1e-12, 1]", log.logged, |p| (1e-12..=1.0).contains(&p))?;
        check_each("log", "policy probabilities", "in [0, 1]", log.policy, |p| (0.0..=1.0).contains(&p))?;
        if let Some((taken, mean)) = log.model {
            same_length("log", "modeled rewards", n, taken.len())?;
            same_length("log", "modeled means", n, mean.len())?;
            check_each("log", "modeled rewards", "a number up to 1e50", taken.iter().chain(mean), number)?;
        }
        Ok(Self(log))
    }
}

/// Sums over logged decisions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogSums {
    n: u64,
    /// Decisions with a model.
    modeled: u64,
    /// Of `w`, `w^2`, `w r`, `(w r)^2`, `w^2 r`, the DR term, its square.
    sums: [ExactSum; 7],
}

impl MetricState for LogSums {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let n = self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?;
        self.modeled = self.modeled.checked_add(other.modeled).ok_or("a count is beyond 64 bits")?;
        self.n = n;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, theirs)| sum.merge(theirs));
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let none = self.n > 0 || self.sums == <[ExactSum; 7]>::default();
        let positive = [0, 1, 3, 6].iter().all(|&idx: &usize| self.sums[idx].value() >= 0.0);
        if none && positive && self.modeled <= self.n {
            Ok(())
        } else {
            Err("its sums contradict each other".to_owned())
        }
    }
}

/// Which estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Estimator {
    /// Inverse propensity score.
    #[default]
    Ips,
    /// Self-normalized.
    Snips,
    /// Doubly robust; needs a model for every decision.
    DoublyRobust,
}

/// Estimated value of a policy, in units of reward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OffPolicyValue {
    estimator: Estimator,
    cap: f64,
}

/// An estimate with what says how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyEstimate {
    /// The value.
    pub value: MetricValue,
    /// Its standard error; `None` with fewer than two decisions.
    pub standard_error: Option<f64>,
    /// Decisions that the log is worth.
    pub effective_samples: Option<f64>,
}

impl OffPolicyValue {
    /// With weights cut at `cap`; infinity does not cut.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a cap that is not positive.
    pub fn new(estimator: Estimator, cap: f64) -> Result<Self> {
        if cap > 0.0 {
            Ok(Self { estimator, cap })
        } else {
            Err(refuse("off-policy value", "cap", "positive", cap.to_string()))
        }
    }

    /// The estimate with its standard error and the effective sample size.
    #[must_use]
    pub fn estimate(&self, state: &LogSums) -> PolicyEstimate {
        let n = state.n as f64;
        let [w, ww, wr, wwrr, wwr, dr, drdr] = std::array::from_fn(|idx| state.sums[idx].value());
        let of_mean =
            |sum: f64, squares: f64| (state.n > 1).then(|| ((squares - sum * sum / n).max(0.0) / (n - 1.0) / n).sqrt());
        let (value, standard_error) = match self.estimator {
            Estimator::Ips => (MetricValue::ratio(wr, state.n), of_mean(wr, wwrr)),
            Estimator::Snips if state.n > 0 && w <= 0.0 => {
                (MetricValue::undefined("the policy takes no logged action", state.n), None)
            }
            Estimator::Snips if state.n > 0 => {
                let value = wr / w;
                let square = (wwrr - 2.0 * value * wwr + value * value * ww).max(0.0);
                (MetricValue::defined(value, state.n), (state.n > 1).then(|| square.sqrt() / w))
            }
            Estimator::Snips => (MetricValue::ratio(0.0, 0), None),
            Estimator::DoublyRobust if state.modeled < state.n => {
                (MetricValue::undefined("decisions without a modeled reward", state.n), None)
            }
            Estimator::DoublyRobust => (MetricValue::ratio(dr, state.n), of_mean(dr, drdr)),
        };
        PolicyEstimate { value, standard_error, effective_samples: (ww > 0.0).then(|| w * w / ww) }
    }
}

impl Metric for OffPolicyValue {
    type Batch<'a> = LogBatch<'a>;
    type State = LogSums;

    fn name(&self) -> &'static str {
        match self.estimator {
            Estimator::Ips => "ips",
            Estimator::Snips => "snips",
            Estimator::DoublyRobust => "doubly-robust",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut LogSums, LogBatch(log): &LogBatch<'_>) -> Result<()> {
        let mut part = LogSums::default();
        for (idx, ((&r, logged), policy)) in log.rewards.iter().zip(log.logged).zip(log.policy).enumerate() {
            let w = (policy / logged).min(self.cap);
            let dr = log.model.map(|(taken, mean)| mean[idx] + w * (r - taken[idx]));
            let term = dr.unwrap_or(0.0);
            let terms = [w, w * w, w * r, w * r * (w * r), w * w * r, term, term * term];
            part.sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(term));
            part.n += 1;
            part.modeled += u64::from(dr.is_some());
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &LogSums) -> MetricValue {
        self.estimate(state).value
    }
}

crate::judged::answers_to_come! {
    LogBatch<'a> => "logged decisions";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let log = Log {
            rewards: &[1.0, 0.0, 2.0],
            logged: &[0.5, 0.5, 0.25],
            policy: &[0.5, 0.25, 0.5],
            model: Some((&[1.0, 0.0, 1.0], &[0.5, 0.5, 1.0])),
        };
        let estimate = |estimator, cap| {
            let metric = OffPolicyValue::new(estimator, cap).unwrap();
            let mut state = LogSums::default();
            metric.update(&mut state, &LogBatch::new(log).unwrap()).unwrap();
            metric.estimate(&state)
        };
        // Weights 1, 1/2, 2.
        assert_eq!(estimate(Estimator::Ips, f64::INFINITY).value.value, Some(5.0 / 3.0));
        assert_eq!(estimate(Estimator::Ips, 1.0).value.value, Some(1.0));
        assert_eq!(estimate(Estimator::Snips, f64::INFINITY).value.value, Some(5.0 / 3.5));
        assert_eq!(estimate(Estimator::DoublyRobust, f64::INFINITY).value.value, Some(4.0 / 3.0));
        assert_eq!(estimate(Estimator::Ips, 9.0).effective_samples, Some(3.5 * 3.5 / 5.25));
        assert!(LogBatch::new(Log { logged: &[0.5, 0.0, 0.5], ..log }).is_err());
        let metric = OffPolicyValue::new(Estimator::DoublyRobust, 9.0).unwrap();
        let mut state = LogSums::default();
        metric.update(&mut state, &LogBatch::new(Log { model: None, ..log }).unwrap()).unwrap();
        assert_eq!(metric.compute(&state).get(), Err("decisions without a modeled reward"));
    }
}
