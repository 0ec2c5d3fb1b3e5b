//! The samples that the model gets most wrong: mislabeled ones, odd ones, and those that nobody thought of.
//!
//! | answers | loss of a sample |
//! |---|---|
//! | classes | `-ln p(label)` |
//! | yes/no labels | mean of `-ln p(label)` over the known ones |
//! | numbers | mean of `|prediction - label|` over the known ones |

use mtl_data::LabelKind;

use super::{
    details::names,
    outputs::{Answers, TaskOutputs},
};
use crate::report::{Align, Cell, Column, Row, Table};

/// Samples listed.
const LISTED: usize = 10;
/// Labels or numbers of a sample that are written out.
const WRITTEN: usize = 4;
/// A probability of 0 counts as this, so that such samples compare.
const SMALLEST: f64 = 1e-30;

/// The worst samples of a task, the worst first.
pub(super) fn table(label: &LabelKind, outputs: &TaskOutputs) -> Table {
    let losses = losses(&outputs.answers);
    let mut order: Vec<usize> = (0..losses.len()).filter(|row| losses[*row].is_finite()).collect();
    order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    order.truncate(LISTED);
    let row = |&at: &usize| {
        let (truth, said) = in_words(label, &outputs.answers, at);
        let id = outputs.ids.get(at).map_or_else(String::new, u64::to_string);
        Row::measured(id, vec![Cell::Text(truth), Cell::Text(said), Cell::from(losses[at])])
    };
    let what = match outputs.answers {
        Answers::Values { .. } => "loss: absolute error",
        _ => "loss: negative logarithm of the probability of the truth",
    };
    let left = |label: &str| Column { align: Align::Left, ..Column::new(label) };
    Table {
        caption: format!("Worst of {} samples", outputs.ids.len()),
        corner: "sample".into(),
        columns: vec![left("truth"), left("prediction"), Column::new("loss")],
        rows: order.iter().map(row).collect(),
        footnotes: vec![format!("Samples by their id in the data set; {what}.")],
    }
}

fn losses(answers: &Answers) -> Vec<f64> {
    let surprise = |p: f64| -p.max(SMALLEST).ln();
    match answers {
        Answers::Classes { probs, labels } => {
            let loss = |(row, label): (&[f64], &usize)| row.get(*label).map_or(f64::NAN, |p| surprise(*p));
            probs.iter().zip(labels).map(loss).collect()
        }
        Answers::YesNo { probs, labels } => {
            let loss = |p: f64, y: f64| surprise(if y > 0.5 { p } else { 1.0 - p });
            probs.iter().zip(labels.iter()).map(|(p, y)| mean_of_known(p, y, loss)).collect()
        }
        Answers::Values { predicted, labels } => {
            predicted.iter().zip(labels.iter()).map(|(p, y)| mean_of_known(p, y, |p, y| (p - y).abs())).collect()
        }
        Answers::Other(_) => Vec::new(),
    }
}

fn mean_of_known(predicted: &[f64], labels: &[f64], loss: impl Fn(f64, f64) -> f64) -> f64 {
    let known: Vec<f64> =
        predicted.iter().zip(labels).filter(|(_, y)| !y.is_nan()).map(|(p, y)| loss(*p, *y)).collect();
    if known.is_empty() { f64::NAN } else { known.iter().sum::<f64>() / known.len() as f64 }
}

/// Truth and prediction of a sample.
fn in_words(label: &LabelKind, answers: &Answers, at: usize) -> (String, String) {
    match answers {
        Answers::Classes { probs, labels } => {
            let names = names(label, probs.width());
            let row = probs.iter().nth(at).unwrap_or_default();
            let top = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class);
            let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
            let p = row.get(top).copied().unwrap_or(f64::NAN);
            (labels.get(at).map_or_else(String::new, |l| name(*l)), format!("{} ({p:.3})", name(top)))
        }
        Answers::YesNo { probs, labels } => {
            let names = names(label, probs.width());
            let (said, truth) = (probs.iter().nth(at).unwrap_or_default(), labels.iter().nth(at).unwrap_or_default());
            // The labels that were most wrong come first.
            let mut order: Vec<usize> =
                (0..names.len()).filter(|l| truth.get(*l).is_some_and(|y| !y.is_nan())).collect();
            order.sort_by(|&a, &b| (said[b] - truth[b]).abs().total_cmp(&(said[a] - truth[a]).abs()));
            order.truncate(WRITTEN);
            let written = |of: &dyn Fn(usize) -> String| order.iter().map(|l| of(*l)).collect::<Vec<_>>().join(", ");
            let yes = |l: usize| format!("{}{}", if truth[l] > 0.5 { "" } else { "not " }, names[l]);
            (written(&yes), written(&|l| format!("{} ({:.3})", names[l], said[l])))
        }
        Answers::Values { predicted, labels } => {
            let written =
                |row: &[f64]| row.iter().take(WRITTEN).map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(", ");
            let (said, truth) = (predicted.iter().nth(at), labels.iter().nth(at));
            (written(truth.unwrap_or_default()), written(said.unwrap_or_default()))
        }
        Answers::Other(_) => (String::new(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::outputs::Rows;
    use super::*;

    fn rows(values: &[&[f64]]) -> Rows {
        let mut rows = Rows::default();
        values.iter().for_each(|row| rows.push(row.iter().copied()));
        rows
    }

    #[test]
    fn the_worst_sample_comes_first() {
        let answers = Answers::Classes { probs: rows(&[&[0.9, 0.1], &[0.2, 0.8], &[0.4, 0.6]]), labels: vec![0, 0, 1] };
        let outputs = TaskOutputs { ids: vec![10, 11, 12], answers };
        let label = LabelKind::Class { classes: ["cat", "dog"].map(String::from).to_vec() };
        let table = table(&label, &outputs);
        assert_eq!(table.rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["11", "12", "10"]);
        assert_eq!(table.rows[0].cells[..2], [Cell::from("cat"), Cell::from("dog (0.800)")]);
        assert_eq!(table.rows[0].cells[2], Cell::from(-(0.2f64.ln())));
    }

    #[test]
    fn unknown_labels_do_not_count() {
        let answers = Answers::YesNo { probs: rows(&[&[0.9, 0.5]]), labels: rows(&[&[0.0, f64::NAN]]) };
        assert!((losses(&answers)[0] + 0.1f64.ln()).abs() < 1e-12);
        let label = LabelKind::Binary { labels: ["old", "rich"].map(String::from).to_vec() };
        assert_eq!(in_words(&label, &answers, 0), ("not old".into(), "old (0.900)".into()));
        let numbers = Answers::Values { predicted: rows(&[&[1.0, 5.0]]), labels: rows(&[&[3.0, f64::NAN]]) };
        assert_eq!(losses(&numbers), [2.0]);
    }
}
