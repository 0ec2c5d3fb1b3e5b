//! One scorer for all sides.
//!
//! ```text
//! yes or no   AUROC; answers that are equal count a half
//! number      1 - RRMSE: 1 - sqrt(sum (y - p)^2 / sum (y - c)^2), c: the mean of the training labels
//! classes     the share of rows whose most probable class is right
//! ```
//! All are better when more, 0 (or a half) is what an answer without a look at the inputs has, 1 is perfect. Rows have weights,
//! how often a resample holds them, so a resample needs no copy: what does not depend on weights is done once, in
//! [`Judged::new`]. This is not the arithmetic of `mtl-metrics`: the judge of a comparison belongs to neither side.

use anyhow::{Result, ensure};

use super::truth::{Answers, Kind, Task};

/// Answers to a task held against its labels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// Yes or no: rows in the order of their answers.
    Ranked(Vec<Ranked>),
    /// Numbers: squared distances.
    Squares(Vec<Square>),
    /// Classes: row, and whether it is right.
    Hits(Vec<(usize, bool)>),
}

/// A row among those with lower and higher answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ranked {
    row: usize,
    is_yes: bool,
    /// The answer is that of the row before.
    is_tied: bool,
}

/// A row's squared distance from the answer, and from the constant one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Square {
    row: usize,
    error: f64,
    constant: f64,
}

impl Judged {
    /// Rows without a label are left out.
    ///
    /// # Errors
    /// When the answers are not one for each label, or not of the task's kind.
    pub(super) fn new(task: &Task, labels: &[Option<f64>], answers: &Answers) -> Result<Self> {
        ensure!(answers.len() == labels.len(), "{}: {} answers for {} rows", task.name, answers.len(), labels.len());
        let known = labels.iter().enumerate().filter_map(|(row, label)| Some((row, (*label)?)));
        Ok(match (&task.kind, answers) {
            (Kind::YesNo { .. }, Answers::One(said)) => {
                let mut rows: Vec<(usize, f64)> = known.collect();
                rows.sort_by(|a, b| said[a.0].total_cmp(&said[b.0]));
                let before = std::iter::once(None).chain(rows.iter().map(|(row, _)| Some(said[*row])));
                let ranked = rows.iter().zip(before).map(|(&(row, label), before)| Ranked {
                    row,
                    is_yes: label > 0.5,
                    is_tied: before.is_some_and(|before| before.total_cmp(&said[row]).is_eq()),
                });
                Self::Ranked(ranked.collect())
            }
            (Kind::Number { mean }, Answers::One(said)) => {
                let square = |(row, label): (usize, f64)| Square {
                    row,
                    error: (label - said[row]).powi(2),
                    constant: (label - mean).powi(2),
                };
                Self::Squares(known.map(square).collect())
            }
            (Kind::Classes { .. }, Answers::Classes(said)) => {
                let most =
                    |row: usize| said[row].iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at);
                let is_right = |row, label: f64| most(row).is_some_and(|at| (at as f64 - label).abs() < 0.5);
                Self::Hits(known.map(|(row, label)| (row, is_right(row, label))).collect())
            }
            (Kind::YesNo { .. } | Kind::Number { .. }, Answers::Classes(_))
            | (Kind::Classes { .. }, Answers::One(_)) => {
                anyhow::bail!("{}: answers of another kind than its labels", task.name)
            }
        })
    }

    /// The score of rows that count so often; `None` where it has none: one label alone, or no row.
    pub(super) fn score(&self, weights: &[f64]) -> Option<f64> {
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        match self {
            Self::Ranked(rows) => {
                // Pairs of a yes above a no; `no` and `yes` are of the rows that are tied at present.
                let (mut pairs, mut below, mut all_yes, mut no, mut yes) = (0.0, 0.0, 0.0, 0.0, 0.0);
                for ranked in rows {
                    if !ranked.is_tied {
                        pairs += yes * (below + no / 2.0);
                        below += no;
                        all_yes += yes;
                        (no, yes) = (0.0, 0.0);
                    }
                    *(if ranked.is_yes { &mut yes } else { &mut no }) += weights[ranked.row];
                }
                pairs += yes * (below + no / 2.0);
                share(pairs, (all_yes + yes) * (below + no))
            }
            Self::Squares(rows) => {
                let sum = |of: fn(&Square) -> f64| rows.iter().map(|row| weights[row.row] * of(row)).sum::<f64>();
                share(sum(|row| row.error), sum(|row| row.constant)).map(|share| 1.0 - share.sqrt())
            }
            Self::Hits(rows) => {
                let hits: f64 = rows.iter().filter(|(_, is_right)| *is_right).map(|(row, _)| weights[*row]).sum();
                share(hits, rows.iter().map(|(row, _)| weights[*row]).sum())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(kind: Kind) -> Task {
        Task { name: "t".into(), kind, validation: Vec::new(), test: Vec::new() }
    }

    /// The score, in millionths, and that of rows written as often as their weights say.
    #[expect(clippy::cast_possible_truncation, reason = "scores of a few units")]
    fn check(kind: Kind, labels: &[Option<f64>], said: &Answers, weights: &[u32], expected: i64) {
        let task = task(kind);
        let millionths = |score: f64| (score * 1e6).round() as i64;
        let judged = Judged::new(&task, labels, said).unwrap();
        let score = judged.score(&weights.iter().map(|w| f64::from(*w)).collect::<Vec<_>>()).unwrap();
        assert_eq!(millionths(score), expected);
        let times = || weights.iter().enumerate().flat_map(|(row, n)| std::iter::repeat_n(row, *n as usize));
        let again = match said {
            Answers::One(said) => Answers::One(times().map(|row| said[row]).collect()),
            Answers::Classes(said) => Answers::Classes(times().map(|row| said[row].clone()).collect()),
        };
        let labels: Vec<Option<f64>> = times().map(|row| labels[row]).collect();
        let judged = Judged::new(&task, &labels, &again).unwrap();
        assert_eq!(millionths(judged.score(&vec![1.0; labels.len()]).unwrap()), expected, "repeated");
    }

    // The values are those of scikit-learn 1.9.1: roc_auc_score, root_mean_squared_error, accuracy_score, with sample_weight.
    #[test]
    fn scores_are_those_of_scikit_learn() {
        let yes_no = || Kind::YesNo { positive: "1".into() };
        let labels = [Some(1.0), Some(0.0), Some(1.0), Some(0.0), None, Some(0.0)];
        let said = Answers::One(vec![0.8, 0.3, 0.3, 0.9, 0.1, 0.2]);
        check(yes_no(), &labels, &said, &[1, 1, 1, 1, 1, 1], 583_333);
        check(yes_no(), &labels, &said, &[2, 1, 1, 0, 1, 3], 958_333);
        let said = Answers::One(vec![1.5, 0.0, 1.0, 0.5, 7.0, -1.0]);
        check(Kind::Number { mean: 0.5 }, &labels, &said, &[1, 1, 1, 1, 1, 1], -95_445);
        let said = Answers::Classes(vec![
            vec![0.2, 0.8],
            vec![0.4, 0.6],
            vec![0.9, 0.1],
            vec![1.0, 0.0],
            vec![0.0, 1.0],
            vec![0.7, 0.3],
        ]);
        check(Kind::Classes { classes: vec!["x".into(), "y".into()] }, &labels, &said, &[1, 1, 1, 2, 1, 1], 666_667);
    }

    #[test]
    fn what_cannot_be_judged_has_no_score() {
        let task = task(Kind::YesNo { positive: "1".into() });
        let one_label = Judged::new(&task, &[Some(1.0), None], &Answers::One(vec![0.1, 0.2])).unwrap();
        assert_eq!(one_label.score(&[1.0, 1.0]), None);
        assert!(Judged::new(&task, &[Some(1.0)], &Answers::One(Vec::new())).is_err());
        assert!(Judged::new(&task, &[Some(1.0)], &Answers::Classes(vec![vec![1.0]])).is_err());
    }
}
