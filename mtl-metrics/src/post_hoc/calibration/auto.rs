//! The method that calibrates best on samples that it was not fitted on: nothing, a temperature, or isotonic regression.
//!
//! ```text
//! loss(method) = log-loss of each fold, calibrated by the method fitted on the others        5 folds, every fifth sample
//! ```
//! The smallest loss wins, the simpler one of equals, and is then fitted on all samples. Below 100 samples isotonic regression is not tried: a
//! curve through so few is their noise.
//!
//! **Reference** M. Stone, *Cross-validatory choice and assessment of statistical predictions*, JRSS B 36, 1974.
//! **Differs from** scikit-learn, which has no such choice. Samples of weight `w` count `w` times in the loss but stay in one fold, so that
//! only here a sample of weight 2 is not to the bit two samples.

use serde::{Deserialize, Serialize};

use super::{
    CalibrationPart,
    curve::{Curve, FROM_ZERO, of_choices, of_labels},
    isotonic::IsotonicConfig,
    temperature::TemperatureConfig,
};
use crate::{
    ExactSum,
    post_hoc::evidence::{Choices, Question},
    value::OrReason,
};

const FOLDS: usize = 5;
/// Fewer samples are not cut in folds: nothing is changed.
const LEAST: usize = 2 * FOLDS;
/// Isotonic regression is tried from so many on.
const LEAST_FOR_CURVES: usize = 100;

/// Settings of the choice: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoConfig {}

/// What is tried beside nothing, the simpler first, each from a number of samples on.
const TRIED: [(&dyn CalibrationPart, usize); 2] =
    [(&TemperatureConfig { per_label: false }, LEAST), (&IsotonicConfig {}, LEAST_FOR_CURVES)];

impl CalibrationPart for AutoConfig {
    fn of_choices(&self, choices: &Choices) -> OrReason<Vec<Curve>> {
        chosen(choices.labels.len(), |part| {
            let fit = |fold: Option<usize>| match part {
                None => Ok(Vec::new()),
                Some(part) => part.of_choices(&without(choices, fold)),
            };
            let mut loss = ExactSum::default();
            for fold in 0..FOLDS {
                let curves = fit(Some(fold))?;
                for (probs, label, weight) in choices.rows().skip(fold).step_by(FOLDS) {
                    let mut probs = probs.to_vec();
                    of_choices(&curves, &mut probs);
                    loss.add(surprise(probs.get(label).copied().unwrap_or(0.0), weight));
                }
            }
            Ok((loss.value(), fit(None)?))
        })
    }

    fn of_questions(&self, questions: &[Question]) -> OrReason<Vec<Curve>> {
        let fewest = questions.iter().map(|question| question.yes.len()).min().unwrap_or(0);
        chosen(fewest, |part| {
            let fit = |fold: Option<usize>| match part {
                None => Ok(Vec::new()),
                Some(part) => part.of_questions(&questions.iter().map(|own| of_others(own, fold)).collect::<Vec<_>>()),
            };
            let mut loss = ExactSum::default();
            for fold in 0..FOLDS {
                let curves = fit(Some(fold))?;
                for (at, question) in questions.iter().enumerate() {
                    let own = curves.get(at).or(curves.first());
                    for (p, yes, weight) in question.rows().skip(fold).step_by(FOLDS) {
                        let mut p = [p];
                        of_labels(own.map(std::slice::from_ref).unwrap_or_default(), &mut p);
                        loss.add(surprise(if yes { p[0] } else { 1.0 - p[0] }, weight));
                    }
                }
            }
            Ok((loss.value(), fit(None)?))
        })
    }
}

/// The curves of the smallest loss, of nothing where there are few samples.
fn chosen(
    n: usize,
    tried: impl Fn(Option<&dyn CalibrationPart>) -> OrReason<(f64, Vec<Curve>)>,
) -> OrReason<Vec<Curve>> {
    if n < LEAST {
        return Ok(Vec::new());
    }
    let mut best = tried(None)?;
    for (part, least) in TRIED {
        if n >= least {
            let found = tried(Some(part))?;
            best = if found.0 < best.0 { found } else { best };
        }
    }
    Ok(best.1)
}

fn surprise(p: f64, weight: f32) -> f64 {
    -f64::from(weight) * p.max(FROM_ZERO).ln()
}

/// All choices but those of a fold.
fn without(choices: &Choices, fold: Option<usize>) -> Choices {
    let Some(fold) = fold else { return choices.clone() };
    let mut others = Choices { width: choices.width, ..Choices::default() };
    for (_, (probs, label, weight)) in choices.rows().enumerate().filter(|(at, _)| at % FOLDS != fold) {
        others.probs.extend_from_slice(probs);
        others.labels.push(label);
        others.weights.push(weight);
    }
    others
}

/// All answers but those of a fold.
fn of_others(question: &Question, fold: Option<usize>) -> Question {
    let Some(fold) = fold else { return question.clone() };
    let mut others = Question::default();
    for (_, (p, yes, weight)) in question.rows().enumerate().filter(|(at, _)| at % FOLDS != fold) {
        others.probs.push(p);
        others.yes.push(yes);
        others.weights.push(weight);
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` answers of which a share comes true that depends on what was said.
    fn asked(n: usize, comes_true: impl Fn(f64) -> f64) -> Question {
        let mut question = Question::default();
        for at in 0..n {
            let p = 0.05 + 0.9 * ((at * 37 % n) as f64 + 0.5) / n as f64;
            // Numbers that fill [0, 1] evenly.
            let even = (at as f64 * 0.618_033_988_749_895).fract();
            question.probs.push(p);
            question.yes.push(even < comes_true(p));
            question.weights.push(1.0);
        }
        question
    }

    #[test]
    fn each_wins_where_it_is_right() {
        let choose = |question: Question| AutoConfig {}.of_questions(&[question]).unwrap();
        assert!(choose(asked(8, |p| p)).is_empty(), "too few to choose");
        let sharper = |p: f64| p * p / (p * p + (1.0 - p) * (1.0 - p));
        assert!(matches!(choose(asked(2000, sharper))[..], [Curve::Power { temperature }] if temperature < 0.7));
        let step = |p: f64| if p < 0.7 { 0.1 } else { 0.6 };
        assert!(matches!(choose(asked(2000, step))[..], [Curve::Line { .. }]));
        let of_choices = AutoConfig {}.of_choices(&asked(2000, step).as_choices()).unwrap();
        assert!(matches!(of_choices[..], [Curve::Line { .. }, Curve::Line { .. }]));
    }
}
