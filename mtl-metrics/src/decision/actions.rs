//! Decisions with known values: agreement with an expert and regret.
//!
//! ```text
//! top-k agreement = share of states whose expert action is among the k highest scores (first among equals)
//! regret          = mean over states of  max_a value(a) - value(argmax score)
//! ```
//!
//! **Shapes** scores `[n, a]`; expert actions `[n]`; values `[n, a]`. An action that is not allowed has score `-inf`;
//! its value does not count.
//! **State** two counts; 552 bytes.
//!
//! **Reference** scikit-learn `top_k_accuracy_score` (agreement; ties there go to the last action, here to the first);
//! T. Lattimore, C. Szepesvári, *Bandit Algorithms*, 2020, ch. 4. **Differs from** nothing else known.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::{MetricBatch, ScoreBatch},
    judged::{FromJudged, Shelf},
};
use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::{check_each, refuse, same_length},
    value::MetricValue,
};

/// Scores of the actions in `n` states.
#[derive(Debug, Clone, Copy)]
struct Scores<'a> {
    scores: &'a [f64],
    n_actions: usize,
}

impl<'a> Scores<'a> {
    fn new(scores: &'a [f64], n_states: usize, n_actions: usize) -> Result<Self> {
        if n_actions == 0 {
            return Err(refuse("decisions", "actions", "1 or more", "0"));
        }
        same_length("decisions", "scores", n_states.saturating_mul(n_actions), scores.len())?;
        let expected = "a number up to 1e100, or -inf for an action that is not allowed";
        let fits = |x: f64| x.abs() <= 1e100 || x <= f64::NEG_INFINITY;
        check_each("decisions", "scores", expected, scores, fits)?;
        match scores.chunks_exact(n_actions).position(|row| row.iter().all(|x| x.is_infinite())) {
            None => Ok(Self { scores, n_actions }),
            Some(state) => Err(refuse("decisions", "scores", "of an allowed action", format!("none in state {state}"))),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &'a [f64]> {
        self.scores.chunks_exact(self.n_actions)
    }
}

/// Scores beside the actions of an expert.
#[derive(Debug, Clone, Copy)]
pub struct ExpertBatch<'a> {
    scores: Scores<'a>,
    expert: &'a [usize],
}

impl<'a> ExpertBatch<'a> {
    /// Scores `[n, a]`, expert actions `[n]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists that do not fit together, [`mtl_core::Error::InvalidConfig`] for NaN
    /// scores, states without an allowed action, and expert actions that are out of range or not allowed.
    pub fn new(scores: &'a [f64], expert: &'a [usize], n_actions: usize) -> Result<Self> {
        let scores = Scores::new(scores, expert.len(), n_actions)?;
        let allowed = |row: &[f64], action: usize| row.get(action).is_some_and(|x| x.is_finite());
        match scores.rows().zip(expert).position(|(row, &action)| !allowed(row, action)) {
            None => Ok(Self { scores, expert }),
            Some(state) => {
                let expected = format!("allowed ones in 0..{n_actions}");
                Err(refuse("decisions", "expert actions", expected, format!("{} in state {state}", expert[state])))
            }
        }
    }
}

/// Share of states in which the expert's action is among the `k` best, `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopAction {
    k: usize,
    name: String,
}

impl TopAction {
    /// `top-action@k`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for `k` of 0.
    pub fn new(k: usize) -> Result<Self> {
        if k == 0 {
            return Err(refuse("top action", "k", "1 or more", "0"));
        }
        Ok(Self { k, name: format!("top-action@k={k}") })
    }
}

impl Metric for TopAction {
    type Batch<'a> = ExpertBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &ExpertBatch<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        for (row, &action) in batch.scores.rows().zip(batch.expert) {
            let own = row[action];
            let before = row.iter().enumerate().filter(|&(idx, &x)| x > own || (x >= own && idx < action)).count();
            part.add(f64::from(u8::from(before < self.k)));
        }
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

/// Scores beside the values of all actions.
#[derive(Debug, Clone, Copy)]
pub struct ValuedBatch<'a> {
    scores: Scores<'a>,
    values: &'a [f64],
}

impl<'a> ValuedBatch<'a> {
    /// Scores and values `[n, a]`.
    ///
    /// # Errors
    /// As [`ExpertBatch::new`]; [`mtl_core::Error::InvalidConfig`] for values that are not finite.
    pub fn new(scores: &'a [f64], values: &'a [f64], n_actions: usize) -> Result<Self> {
        let scores = Scores::new(scores, values.len() / n_actions.max(1), n_actions)?;
        same_length("decisions", "values", scores.scores.len(), values.len())?;
        check_each("decisions", "values", "a number up to 1e100", values, |x| x.abs() <= 1e100)?;
        Ok(Self { scores, values })
    }
}

/// Mean loss of value against the best action, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regret;

impl Metric for Regret {
    type Batch<'a> = ValuedBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "regret"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &ValuedBatch<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        for (scores, values) in batch.scores.rows().zip(batch.values.chunks_exact(batch.scores.n_actions)) {
            let (mut chosen, mut best) = ((f64::NEG_INFINITY, 0.0), f64::NEG_INFINITY);
            for (&score, &value) in scores.iter().zip(values).filter(|(score, _)| score.is_finite()) {
                if score > chosen.0 {
                    chosen = (score, value);
                }
                best = best.max(value);
            }
            part.add(best - chosen.1);
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

/// Classes as actions; the expert's is the label.
impl<'a> FromJudged<'a> for ExpertBatch<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let ScoreBatch::Class { scores, kind, labels } = judged.scores(metric)? else {
            return Err(judged.unfit(metric, "class scores with class labels"));
        };
        let (mut kept, mut expert) = (Vec::new(), Vec::new());
        for (row, (scores, &label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
            let Some(action) = judged.class(label, scores.len(), row)? else { continue };
            expert.push(action);
            for &score in scores {
                kept.push(f64::from(judged.score(score, kind, row)?));
            }
        }
        Self::new(shelf.keep(kept), shelf.keep(expert), scores.n_cols())
    }
}

/// Numbers as the scores of actions beside the values of these.
impl<'a> FromJudged<'a> for ValuedBatch<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        let wide = |numbers: &[f32]| shelf.keep(numbers.iter().copied().map(f64::from).collect());
        Self::new(wide(known.said), wide(known.truth), known.n_cols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    const NO: f64 = f64::NEG_INFINITY;

    #[test]
    fn by_hand() {
        let scores = [1.0, 1.0, 0.0, 0.0, NO, 5.0];
        let share = |k| {
            let mut metric = Streaming::new(TopAction::new(k).unwrap());
            metric.update_batch(&ExpertBatch::new(&scores, &[1, 2], 3).unwrap()).unwrap();
            metric.compute().value
        };
        assert_eq!((share(1), share(2)), (Some(0.5), Some(1.0)));
        let mut regret = Streaming::new(Regret);
        regret.update_batch(&ValuedBatch::new(&scores, &[3.0, 7.0, 0.0, 2.0, 99.0, 1.0], 3).unwrap()).unwrap();
        assert_eq!(regret.compute().value, Some(2.5));
    }

    #[test]
    fn decisions_that_cannot_be_are_refused() {
        assert!(ExpertBatch::new(&[0.0, NO], &[1], 2).is_err() && ExpertBatch::new(&[0.0, 1.0], &[2], 2).is_err());
        let e = ExpertBatch::new(&[NO, NO], &[0], 2).unwrap_err().to_string();
        assert_eq!(e, "decisions: scores must be of an allowed action, found none in state 0");
        assert!(ValuedBatch::new(&[0.0, f64::NAN], &[0.0, 0.0], 2).is_err() && ValuedBatch::new(&[], &[], 0).is_err());
    }
}
