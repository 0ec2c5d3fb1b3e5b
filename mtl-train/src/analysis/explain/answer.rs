//! What a model answered, and how strongly.
//!
//! | prediction | the answer | its strength |
//! |---|---|---|
//! | one of `c` classes | the most probable class | its probability |
//! | one of `c` grades | the most probable grade | the expected grade, counted from 0 |
//! | yes/no labels | yes or no to the label that the model is surest of | probability of that yes or no |
//! | numbers | the first number | the number |

use mtl_core::{
    answer::{Answer, OrReason},
    prediction::{Prediction, Reference, Said, Scores, Truth},
};
use ndarray::ArrayView1;

use crate::report::decimals;

/// The answer to one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// That class.
    Class(usize),
    /// That grade.
    Grade(usize),
    /// Yes or no to that label.
    YesNo {
        /// Which label.
        label: usize,
        /// Whether the answer is yes.
        yes: bool,
    },
    /// That number.
    Value(usize),
}

/// Probabilities of classes.
pub(crate) fn softmax(scores: ArrayView1<'_, f32>, kind: Scores) -> Vec<f64> {
    if kind == Scores::Probs {
        return scores.iter().map(|p| f64::from(*p)).collect();
    }
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised: Vec<f64> = scores.iter().map(|s| f64::from(s - top).exp()).collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|r| r / sum).collect()
}

/// Probability of a yes.
pub(crate) fn sigmoid(score: f32, kind: Scores) -> f64 {
    if kind == Scores::Probs { score.into() } else { 1.0 / (1.0 + (-f64::from(score)).exp()) }
}

/// The answers to a batch.
///
/// # Errors
/// Why predictions have no such answer.
pub fn chosen(prediction: &Prediction) -> OrReason<Vec<Chosen>> {
    let top = |probs: &[f64]| probs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(idx, _)| idx);
    Ok(match prediction.said() {
        Said::OneOf { scores, kind, ordered } => {
            let chosen = if ordered { Chosen::Grade } else { Chosen::Class };
            scores.rows().into_iter().map(|row| chosen(top(&softmax(row, kind)))).collect()
        }
        Said::YesNo { scores, kind } => {
            let surest = |row: ArrayView1<'_, f32>| {
                let yes: Vec<f64> = row.iter().map(|s| sigmoid(*s, kind)).collect();
                let label = top(&yes.iter().map(|p| (p - 0.5).abs()).collect::<Vec<_>>());
                Chosen::YesNo { label, yes: yes.get(label).is_some_and(|p| *p >= 0.5) }
            };
            scores.rows().into_iter().map(surest).collect()
        }
        Said::Numbers(values) => vec![Chosen::Value(0); values.nrows()],
        Said::Tags { .. } | Said::Tokens(_) | Said::Own(_) => {
            return Err(format!("its predictions ({}) have no single answer to explain", prediction.describe()));
        }
    })
}

/// How strongly a prediction says what was answered: a probability, the expected grade, or the number; NaN where it does not.
#[must_use]
pub fn strengths(prediction: &Prediction, answers: &[Chosen]) -> Vec<f64> {
    let said = prediction.said();
    let strength = |(row, answer): (usize, &Chosen)| match *answer {
        Chosen::Class(class) => {
            let Said::OneOf { scores, kind, .. } = said else { return None };
            softmax((row < scores.nrows()).then(|| scores.row(row))?, kind).get(class).copied()
        }
        Chosen::Grade(_) => {
            let Said::OneOf { scores, kind, .. } = said else { return None };
            let probs = softmax((row < scores.nrows()).then(|| scores.row(row))?, kind);
            Some(probs.iter().enumerate().map(|(grade, p)| grade as f64 * p).sum())
        }
        Chosen::YesNo { label, yes } => {
            let Said::YesNo { scores, kind } = said else { return None };
            let p = sigmoid(*scores.get((row, label))?, kind);
            Some(if yes { p } else { 1.0 - p })
        }
        Chosen::Value(at) => {
            let Said::Numbers(values) = said else { return None };
            values.get((row, at)).map(|v| f64::from(*v))
        }
    };
    answers.iter().enumerate().map(|pair| strength(pair).unwrap_or(f64::NAN)).collect()
}

impl Chosen {
    /// Whether its strength is a number on a scale rather than a probability: changes in either direction count then.
    #[must_use]
    pub fn is_number(self) -> bool {
        match self {
            Self::Value(_) | Self::Grade(_) => true,
            Self::Class(_) | Self::YesNo { .. } => false,
        }
    }

    /// The answer in words.
    #[must_use]
    pub fn describe(&self, answer: &Answer, strength: f64) -> String {
        match self {
            Self::Class(at) | Self::Grade(at) => answer.output(*at),
            Self::YesNo { label, yes } => format!("{}{}", if *yes { "" } else { "not " }, answer.output(*label)),
            Self::Value(_) => plain(strength),
        }
    }

    /// What would have been right, in words; `None` where it is not known.
    #[must_use]
    pub fn truth(&self, reference: &Reference, row: usize, answer: &Answer) -> Option<String> {
        let name = |labels: &[i64]| Some(answer.output(usize::try_from(*labels.get(row)?).ok()?));
        match reference.truth() {
            Truth::OneOf(labels) => name(labels),
            Truth::YesNo(labels) => {
                let Self::YesNo { label: at, .. } = self else { return None };
                let value = labels.get((row, *at)).filter(|v| !v.is_nan())?;
                Some(Self::YesNo { label: *at, yes: *value > 0.5 }.describe(answer, 0.0))
            }
            Truth::Numbers(values) => {
                let Self::Value(at) = self else { return None };
                values.get((row, *at)).filter(|v| !v.is_nan()).map(|v| plain((*v).into()))
            }
            Truth::Tags(_) | Truth::Tokens(_) | Truth::Own(_) => Some(answer.label_text(reference, row)),
        }
    }
}

/// Four digits, in signs that a program can read too.
fn plain(value: f64) -> String {
    format!("{value:.*}", decimals(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn answers_by_hand() {
        let class = Prediction::Class { scores: array![[0.0, 2.0], [1.0, 0.0]], kind: Scores::Logits };
        let found = chosen(&class).unwrap();
        assert_eq!(found, [Chosen::Class(1), Chosen::Class(0)]);
        let strength = strengths(&class, &found);
        assert!((strength[0] - 1.0 / (1.0 + (-2f64).exp())).abs() < 1e-12);

        let labels = Prediction::MultiLabel { scores: array![[0.6, 0.1]], kind: Scores::Probs };
        let found = chosen(&labels).unwrap();
        assert_eq!(found, [Chosen::YesNo { label: 1, yes: false }]);
        assert!((strengths(&labels, &found)[0] - 0.9).abs() < 1e-6);
        let kind = Answer::multi_label(["old", "rich"]);
        assert_eq!(found[0].describe(&kind, 0.9), "not rich");
        let truth = Reference::MultiLabel(array![[1.0, 1.0]]);
        assert_eq!(found[0].truth(&truth, 0, &kind).unwrap(), "rich");
        assert_eq!(found[0].truth(&Reference::MultiLabel(array![[1.0, f32::NAN]]), 0, &kind), None);
    }

    #[test]
    fn grades_are_named_and_measured_on_their_scale() {
        let grades = Prediction::Ordinal { scores: array![[0.25, 0.25, 0.5]], kind: Scores::Probs };
        let found = chosen(&grades).unwrap();
        assert_eq!(found, [Chosen::Grade(2)]);
        assert!((strengths(&grades, &found)[0] - 1.25).abs() < 1e-9 && found[0].is_number());
        let answer = Answer::ordinal(["low", "mid", "high"]);
        assert_eq!(found[0].describe(&answer, 1.25), "high");
        assert_eq!(found[0].truth(&Reference::Ordinal(vec![1]), 0, &answer).unwrap(), "mid");
        let tokens = Prediction::Sequence { tokens: mtl_core::answer::Labels::lists(&[vec![0]]) };
        assert!(chosen(&tokens).unwrap_err().contains("no single answer"));
    }
}
