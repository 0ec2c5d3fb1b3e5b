//! The deletion test: does the answer go when that goes which it is said to rest on?
//!
//! ```text
//! effect(order)  = mean over samples and steps s of change(without the first n_s parts of the order)
//! change         = p(answer) - p(answer without them)           classes and yes/no labels
//!                = |y - y without them| / standard deviation    numbers, in units of predictions on reference samples
//! gain           = effect(by attribution) - effect(at random)   paired: the same stand-ins for what is taken away
//! ```
//! An explanation that is no better than a random order has a gain of 0. The test is repeated with other random orders and
//! other stand-ins; the spread of the gain over these draws says what to make of it.
//!
//! **Reference** Petsiuk, Das and Saenko, "RISE", BMVC 2018 (deletion); Jain and Wallace, "Attention is not Explanation",
//! NAACL 2019, for why attention needs such a test.
//! **Differs from** RISE in the stand-ins (see [`super::parts`]) and in comparing with random orders instead of leaving the
//! area under the curve to stand alone.

use mtl_core::{TorchContext, batch::Inputs, rng::Rng};
use serde::Serialize;
use tch::Tensor;

use super::{
    answer::{Chosen, strengths},
    baseline::Baseline,
    parts::Parts,
};
use crate::{error::Result, train::model::Model};

/// How faithful an explanation is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Faithfulness {
    /// Effect of taking parts away in the order of the explanation; mean over draws.
    pub effect: f64,
    /// Effect of taking them away at random; mean over draws.
    pub random: f64,
    /// Mean difference.
    pub gain: f64,
    /// Standard deviation of the difference over draws.
    pub spread: f64,
    /// How many draws.
    pub draws: usize,
    /// By how much was taken away.
    pub curve: Vec<DeletionPoint>,
}

/// A point of the deletion curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeletionPoint {
    /// Share of the parts that is gone, `(0, 1]`.
    pub share: f64,
    /// Change of the answer, in the order of the explanation.
    pub effect: f64,
    /// Change of the answer, at random.
    pub random: f64,
}

/// What a test needs beside orders.
#[derive(Debug)]
pub struct DeletionTest<'a> {
    /// The model.
    pub model: &'a Model,
    /// The samples.
    pub inputs: &'a Inputs,
    /// Where stand-ins come from.
    pub reference: &'a Inputs,
    /// Means of inputs, which stand for cells of pictures.
    pub baseline: &'a Baseline,
    /// The parts.
    pub parts: &'a Parts,
    /// The answers whose change is measured, per task.
    pub answers: &'a [Option<Vec<Chosen>>],
    /// Random orders and stand-ins to try, >= 2.
    pub draws: usize,
    /// Seed of orders and stand-ins.
    pub seed: u64,
}

/// An order per sample: positions of parts, the first to go first.
pub type Orders = Vec<Vec<usize>>;

/// Most steps of a curve; each is a forward pass over the samples.
const MOST_STEPS: usize = 10;

/// Parts by falling score, `[b, parts]`.
#[must_use]
pub fn by_score(scores: &[Vec<f64>]) -> Orders {
    let order = |row: &Vec<f64>| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a])); // stable: equal scores keep the parts' order
        order
    };
    scores.iter().map(order).collect()
}

impl DeletionTest<'_> {
    /// Tests an explanation per task: `orders[e][t]` are the orders of explanation `e` for task `t`, if it has any.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn run(&self, explanations: &[Vec<Option<Orders>>]) -> Result<Vec<Vec<Option<Faithfulness>>>> {
        let n_tasks = self.answers.len();
        let samples = usize::try_from(self.inputs.batch_size()).unwrap_or(0);
        let steps = self.steps();
        let before = self.changes_base(self.inputs)?;
        let scales = self.scales()?;
        // [draw][explanation][task][step]; the random orders come last.
        let mut effects = vec![vec![vec![vec![f64::NAN; steps.len()]; n_tasks]; explanations.len() + 1]; self.draws];
        for (draw, effects) in effects.iter_mut().enumerate() {
            let mut rng = Rng::new(mtl_core::rng::derive(self.seed, "deletion", draw as u64));
            let donors = self.donors(samples, &mut rng)?;
            let random: Orders = (0..samples)
                .map(|_| {
                    let mut order: Vec<usize> = (0..self.parts.len()).collect();
                    rng.shuffle(&mut order);
                    order
                })
                .collect();
            for (step, &n_gone) in steps.iter().enumerate() {
                let mut measure = |which: usize, orders: &Orders, task: Option<usize>| -> Result<()> {
                    let gone = self.mask(orders, n_gone)?;
                    let left = self.parts.delete(self.inputs, &gone, &donors, self.baseline)?;
                    let after = self.changes_base(&left)?;
                    for t in (0..n_tasks).filter(|t| task.is_none_or(|only| only == *t)) {
                        effects[which][t][step] = change(self.answers, t, &before, &after, scales[t]);
                    }
                    Ok(())
                };
                measure(explanations.len(), &random, None)?;
                for (which, per_task) in explanations.iter().enumerate() {
                    for (task, orders) in per_task.iter().enumerate() {
                        if let Some(orders) = orders.as_ref().filter(|_| self.answers[task].is_some()) {
                            measure(which, orders, Some(task))?;
                        }
                    }
                }
            }
        }
        let shares: Vec<f64> = steps.iter().map(|n| *n as f64 / self.parts.len() as f64).collect();
        let judge = |(which, per_task): (usize, &Vec<Option<Orders>>)| {
            let one = |(t, orders): (usize, &Option<Orders>)| {
                orders.as_ref().filter(|_| self.answers[t].is_some())?;
                let of = |which: usize| effects.iter().map(|draw| draw[which][t].clone()).collect::<Vec<_>>();
                Some(summarize(&of(which), &of(explanations.len()), &shares))
            };
            per_task.iter().enumerate().map(one).collect()
        };
        Ok(explanations.iter().enumerate().map(judge).collect())
    }

    /// How many parts are gone at each step.
    fn steps(&self) -> Vec<usize> {
        let n = self.parts.len();
        let steps = n.min(MOST_STEPS);
        (1..=steps).map(|s| (s * n).div_ceil(steps)).collect()
    }

    /// `[b, parts]`: the first `n` of each order are gone.
    fn mask(&self, orders: &Orders, n: usize) -> Result<Tensor> {
        let mut gone = vec![false; orders.len() * self.parts.len()];
        for (row, order) in gone.chunks_mut(self.parts.len().max(1)).zip(orders) {
            for &part in order.iter().take(n) {
                if let Some(cell) = row.get_mut(part) {
                    *cell = true;
                }
            }
        }
        let shape = [orders.len() as i64, self.parts.len() as i64];
        let device = self.model.params().device();
        Ok(Tensor::from_slice(&gone).f_view(shape).and_then(|t| t.f_to_device(device)).op("deleted parts")?)
    }

    /// A random reference sample for each sample.
    fn donors(&self, samples: usize, rng: &mut Rng) -> Result<Inputs> {
        let n = u64::try_from(self.reference.batch_size()).unwrap_or(1).max(1);
        let rows: Vec<i64> = (0..samples).map(|_| i64::try_from(rng.below(n)).unwrap_or(0)).collect();
        let rows = Tensor::from_slice(&rows).to_device(self.model.params().device());
        Ok(self.reference.select(&rows)?)
    }

    fn changes_base(&self, inputs: &Inputs) -> Result<Vec<Vec<f64>>> {
        let predictions = self.model.predict(inputs)?;
        let of = |(prediction, answers): (_, &Option<Vec<Chosen>>)| {
            answers.as_ref().map(|answers| strengths(prediction, answers)).unwrap_or_default()
        };
        Ok(predictions.iter().zip(self.answers).map(of).collect())
    }

    /// What one unit of change is: 1 for probabilities, the spread of predictions for numbers.
    fn scales(&self) -> Result<Vec<f64>> {
        let predictions = self.model.predict(self.reference)?;
        let scale = |(prediction, answers): (&mtl_core::prediction::Prediction, &Option<Vec<Chosen>>)| {
            let Some(first) = answers.as_ref().and_then(|a| a.first()).filter(|a| a.is_number()) else { return 1.0 };
            let all = vec![*first; prediction.batch_size()];
            let spread = mean_and_deviation(&strengths(prediction, &all)).1;
            if spread > 0.0 { spread } else { 1.0 }
        };
        Ok(predictions.iter().zip(self.answers).map(scale).collect())
    }
}

fn change(answers: &[Option<Vec<Chosen>>], task: usize, before: &[Vec<f64>], after: &[Vec<f64>], scale: f64) -> f64 {
    let is_value = answers[task].as_ref().and_then(|a| a.first()).is_some_and(|a| a.is_number());
    let changes =
        before[task].iter().zip(&after[task]).map(|(b, a)| if is_value { (b - a).abs() / scale } else { b - a });
    let changes: Vec<f64> = changes.filter(|c| c.is_finite()).collect();
    mean_and_deviation(&changes).0
}

/// Mean and sample standard deviation; 0 spread for fewer than two numbers.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len();
    if n == 0 {
        return (f64::NAN, 0.0);
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 })
}

/// `[draw][step]` of both orders.
fn summarize(effects: &[Vec<f64>], random: &[Vec<f64>], shares: &[f64]) -> Faithfulness {
    let per_draw = |all: &[Vec<f64>]| -> Vec<f64> { all.iter().map(|steps| mean_and_deviation(steps).0).collect() };
    let (by_order, at_random) = (per_draw(effects), per_draw(random));
    let gains: Vec<f64> = by_order.iter().zip(&at_random).map(|(a, b)| a - b).collect();
    let (gain, spread) = mean_and_deviation(&gains);
    let at = |all: &[Vec<f64>], step: usize| {
        mean_and_deviation(&all.iter().filter_map(|steps| steps.get(step).copied()).collect::<Vec<_>>()).0
    };
    let point = |(step, share): (usize, &f64)| DeletionPoint {
        share: *share,
        effect: at(effects, step),
        random: at(random, step),
    };
    Faithfulness {
        effect: mean_and_deviation(&by_order).0,
        random: mean_and_deviation(&at_random).0,
        gain,
        spread,
        draws: gains.len(),
        curve: shares.iter().enumerate().map(point).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_by_hand() {
        let found = summarize(&[vec![0.5, 1.0], vec![0.3, 0.6]], &[vec![0.25, 1.0], vec![0.15, 0.6]], &[0.5, 1.0]);
        assert!((found.effect - 0.6).abs() < 1e-12 && (found.random - 0.5).abs() < 1e-12);
        assert!((found.gain - 0.1).abs() < 1e-12);
        assert!((found.spread - (2f64 * 0.025f64.powi(2)).sqrt()).abs() < 1e-12, "{}", found.spread);
        assert!((found.curve[0].random - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_highest_score_goes_first() {
        assert_eq!(by_score(&[vec![0.1, -3.0, 0.1, 2.0]]), [vec![3, 0, 2, 1]]);
    }
}
