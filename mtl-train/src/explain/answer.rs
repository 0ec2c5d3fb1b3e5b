//! What a model answered, and how strongly.
//!
//! | prediction | the answer | its strength |
//! |---|---|---|
//! | one of `c` classes | the most probable class | its probability |
//! | yes/no labels | yes or no to the label that the model is surest of | probability of that yes or no |
//! | numbers | the first number | the number |

use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_data::LabelKind;
use ndarray::ArrayView1;

use crate::report::decimals;

/// The answer to one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// That class.
    Class(usize),
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

/// The answers to a batch; `None` for predictions that have no such answer.
#[must_use]
pub fn answers(prediction: &Prediction) -> Option<Vec<Answer>> {
    let top = |probs: &[f64]| probs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(idx, _)| idx);
    Some(match prediction {
        Prediction::Class { scores, kind } => {
            scores.rows().into_iter().map(|row| Answer::Class(top(&softmax(row, *kind)))).collect()
        }
        Prediction::MultiLabel { scores, kind } => {
            let surest = |row: ArrayView1<'_, f32>| {
                let yes: Vec<f64> = row.iter().map(|s| sigmoid(*s, *kind)).collect();
                let label = top(&yes.iter().map(|p| (p - 0.5).abs()).collect::<Vec<_>>());
                Answer::YesNo { label, yes: yes.get(label).is_some_and(|p| *p >= 0.5) }
            };
            scores.rows().into_iter().map(surest).collect()
        }
        Prediction::Values { values } => vec![Answer::Value(0); values.nrows()],
        _ => return None,
    })
}

/// How strongly a prediction says what was answered: a probability, or the number; NaN where it does not.
#[must_use]
pub fn strengths(prediction: &Prediction, answers: &[Answer]) -> Vec<f64> {
    let strength = |(row, answer): (usize, &Answer)| match (prediction, *answer) {
        (Prediction::Class { scores, kind }, Answer::Class(class)) if row < scores.nrows() => {
            softmax(scores.row(row), *kind).get(class).copied().unwrap_or(f64::NAN)
        }
        (Prediction::MultiLabel { scores, kind }, Answer::YesNo { label, yes }) => {
            let p = scores.get((row, label)).map_or(f64::NAN, |s| sigmoid(*s, *kind));
            if yes { p } else { 1.0 - p }
        }
        (Prediction::Values { values }, Answer::Value(at)) => values.get((row, at)).map_or(f64::NAN, |v| f64::from(*v)),
        _ => f64::NAN,
    };
    answers.iter().enumerate().map(strength).collect()
}

impl Answer {
    /// The answer in words.
    #[must_use]
    pub fn describe(&self, label: &LabelKind, strength: f64) -> String {
        let name = |names: &[String], idx: usize| names.get(idx).cloned().unwrap_or_else(|| idx.to_string());
        match (self, label) {
            (Self::Class(class), LabelKind::Class { classes }) => name(classes, *class),
            (Self::YesNo { label: idx, yes }, LabelKind::Binary { labels }) => {
                format!("{}{}", if *yes { "" } else { "not " }, name(labels, *idx))
            }
            (Self::Value(_), _) => plain(strength),
            (Self::Class(idx) | Self::YesNo { label: idx, .. }, _) => idx.to_string(),
        }
    }

    /// What would have been right, in words; `None` where it is not known.
    #[must_use]
    pub fn truth(&self, reference: &Reference, row: usize, label: &LabelKind) -> Option<String> {
        match (self, reference) {
            (Self::Class(_), Reference::Class(labels)) => {
                let class = usize::try_from(*labels.get(row)?).ok()?;
                Some(Self::Class(class).describe(label, 0.0))
            }
            (Self::YesNo { label: at, .. }, Reference::MultiLabel(labels)) => {
                let value = labels.get((row, *at)).filter(|v| !v.is_nan())?;
                Some(Self::YesNo { label: *at, yes: *value > 0.5 }.describe(label, 0.0))
            }
            (Self::Value(at), Reference::Values(values)) => {
                values.get((row, *at)).filter(|v| !v.is_nan()).map(|v| plain((*v).into()))
            }
            _ => None,
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
        let found = answers(&class).unwrap();
        assert_eq!(found, [Answer::Class(1), Answer::Class(0)]);
        let strength = strengths(&class, &found);
        assert!((strength[0] - 1.0 / (1.0 + (-2f64).exp())).abs() < 1e-12);

        let labels = Prediction::MultiLabel { scores: array![[0.6, 0.1]], kind: Scores::Probs };
        let found = answers(&labels).unwrap();
        assert_eq!(found, [Answer::YesNo { label: 1, yes: false }]);
        assert!((strengths(&labels, &found)[0] - 0.9).abs() < 1e-6);
        let kind = LabelKind::Binary { labels: vec!["old".into(), "rich".into()] };
        assert_eq!(found[0].describe(&kind, 0.9), "not rich");
        let truth = Reference::MultiLabel(array![[1.0, 1.0]]);
        assert_eq!(found[0].truth(&truth, 0, &kind).unwrap(), "rich");
        assert_eq!(found[0].truth(&Reference::MultiLabel(array![[1.0, f32::NAN]]), 0, &kind), None);
    }
}
