//! The samples that the model gets most wrong: mislabeled ones, odd ones, and those that nobody thought of.
//!
//! | answers | loss of a sample |
//! |---|---|
//! | classes | `-ln p(label)` |
//! | yes/no labels | mean of `-ln p(label)` over the known ones |
//! | numbers | mean of `|prediction - label|` over the known ones |
//! | tags | `-ln p(tags)`, over the known ones |
//!
//! Each is shown as the user knows it: what was missed in words, and the fields of the sample with the texts and numbers of
//! its file. Whoever has to find out why needs the sample, not its loss.

use std::collections::BTreeMap;

use mtl_core::answer::Answer;
use mtl_data::{Source, Splits};

use super::{
    MANY_TASKS,
    evaluation::{TaskEvaluation, Worst, names},
    gaps,
    outputs::{Judged, Outputs, SMALLEST, Tagged, TaskOutputs},
};
use crate::{
    analysis::inspect,
    error::Result,
    report::{Cell, Column, Row, Table, TaggedLine, TaggedText, TaggedWord, written},
};

/// Samples listed.
const LISTED: usize = 10;
/// The same where there are many tasks.
const LISTED_OF_MANY: usize = 5;
/// Labels or numbers of a sample that are written out.
const WRITTEN: usize = 4;
/// Fields of a sample that are written out.
const MOST_FIELDS: usize = 24;
/// The fields of those samples that are listed, by their position in the split.
#[derive(Debug, Default)]
pub(super) struct Fields {
    listed: usize,
    of: BTreeMap<u64, Vec<(String, String)>>,
}

impl Fields {
    /// Reads the worst samples of all tasks; none where samples have no fields.
    pub(super) fn read(outputs: &Outputs, source: &dyn Source, splits: Option<&Splits>) -> Result<Self> {
        let listed = if outputs.tasks.len() > MANY_TASKS { LISTED_OF_MANY } else { LISTED };
        let mut positions: Vec<u64> = outputs
            .tasks
            .iter()
            .flat_map(|task| worst(task, listed).into_iter().filter_map(|row| task.positions.get(row).copied()))
            .collect();
        positions.sort_unstable();
        positions.dedup();
        let fitted = splits.and_then(Splits::fitted);
        let preprocessing = splits.and_then(|splits| splits.preprocessing.as_ref());
        let mut fields = inspect::fields(source, preprocessing, &positions)?;
        gaps::mark(fitted, &mut fields);
        Ok(Self { listed, of: positions.into_iter().zip(fields).collect() })
    }

    /// Those of a row of a task's outputs, where it is listed.
    fn of_row(&self, outputs: &TaskOutputs, row: usize) -> Option<&Vec<(String, String)>> {
        outputs.positions.get(row).and_then(|position| self.of.get(position))
    }
}

/// Rows by falling loss.
fn worst(outputs: &TaskOutputs, listed: usize) -> Vec<usize> {
    let losses = losses(&outputs.answers);
    let mut order: Vec<usize> = (0..losses.len()).filter(|row| losses[*row].is_finite()).collect();
    order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    order.truncate(listed);
    order
}

/// The worst samples of a task, the worst first.
pub(super) fn listed(answer: &Answer, outputs: &TaskOutputs, fields: &Fields) -> Vec<Worst> {
    let losses = losses(&outputs.answers);
    let sample = |at: usize| {
        let what = match &outputs.answers {
            Judged::Tags(samples) => samples.get(at).map_or_else(String::new, |sample| {
                tags_in_words(answer, sample, &words_of(fields.of_row(outputs, at), sample))
            }),
            answers => in_words(answer, answers, at),
        };
        Some(Worst { id: *outputs.ids.get(at)?, loss: *losses.get(at)?, what })
    };
    worst(outputs, fields.listed).into_iter().filter_map(sample).collect()
}

/// A table of them, with the fields of each.
pub(super) fn table(found: &TaskEvaluation, outputs: &TaskOutputs, fields: &Fields) -> Table {
    let of = |sample: &Worst| fields.of_row(outputs, outputs.ids.iter().position(|id| *id == sample.id)?);
    let has_fields = found.worst.iter().filter_map(of).any(|fields| !fields.is_empty());
    let n_fields = found.worst.iter().filter_map(of).map(Vec::len).max().unwrap_or(0);
    let row = |sample: &Worst| {
        let mut cells = vec![Cell::Text(sample.what.clone()), Cell::measured(sample.loss)];
        if has_fields {
            let shown = of(sample).into_iter().flatten().take(MOST_FIELDS);
            let shown: Vec<String> = shown.map(|(name, value)| format!("{name}: {value}")).collect();
            cells.push(Cell::Text(shown.join(" \u{b7} ")));
        }
        Row::measured(sample.id.to_string(), cells)
    };
    let what = match outputs.answers {
        Judged::Values { .. } => "loss: absolute error",
        Judged::Classes { .. } | Judged::YesNo { .. } | Judged::Tags(_) => {
            "loss: negative logarithm of the probability of the truth"
        }
        Judged::Other(_) => "no losses of such answers are known",
    };
    let mut columns = vec![Column::prose("what happened"), Column::new("loss")];
    let mut footnotes = vec![format!("Samples by their id in the data set (the row of a table, from 0); {what}.")];
    if has_fields {
        columns.push(Column::prose("fields"));
        let more = n_fields.saturating_sub(MOST_FIELDS);
        let more = if more > 0 { format!(" {more} further fields are left out.") } else { String::new() };
        footnotes.push(format!("Fields as the file has them.{more}"));
    }
    Table {
        caption: format!("Worst of {} samples", found.samples),
        corner: "sample".into(),
        columns,
        rows: found.worst.iter().map(row).collect(),
        footnotes,
    }
}

/// The worst samples of a task of tags, word for word; `None` for other tasks, and where there are no words to show.
pub(super) fn tagged(answer: &Answer, outputs: &TaskOutputs, fields: &Fields) -> Option<TaggedText> {
    let Judged::Tags(samples) = &outputs.answers else { return None };
    let line = |row: usize| -> Option<TaggedLine> {
        let sample = samples.get(row)?;
        let words = words_of(fields.of_row(outputs, row), sample);
        if words.is_empty() {
            return None;
        }
        let tags = sample.said.iter().zip(&sample.truth);
        let word = |(text, (said, truth)): (&str, (&usize, &Option<usize>))| TaggedWord {
            text: text.to_owned(),
            truth: truth.map(|tag| answer.output(tag)),
            said: answer.output(*said),
        };
        let words = words.into_iter().zip(tags).map(word).collect();
        Some(TaggedLine { name: outputs.ids.get(row).map_or_else(String::new, u64::to_string), words })
    };
    let texts: Vec<TaggedLine> = worst(outputs, fields.listed).into_iter().filter_map(line).collect();
    let caption = "The samples with the largest loss, by their id in the data set, the worst first. A word that the vocabulary does \
                   not have is [unknown].";
    (!texts.is_empty()).then(|| TaggedText {
        title: "Worst texts, word for word".into(),
        texts,
        caption: caption.into(),
    })
}

/// The words that a sample's tags belong to: those of the first field that has as many.
fn words_of<'a>(fields: Option<&'a Vec<(String, String)>>, sample: &Tagged) -> Vec<&'a str> {
    let texts = fields.into_iter().flatten().map(|(_, text)| text.split(' ').collect::<Vec<_>>());
    texts.into_iter().find(|words| words.len() == sample.said.len()).unwrap_or_default()
}

/// What happened to a sample of tags: how many are wrong, and the first of them.
fn tags_in_words(answer: &Answer, sample: &Tagged, words: &[&str]) -> String {
    let known = sample.truth.iter().flatten().count();
    let tags = sample.said.iter().zip(&sample.truth).enumerate();
    let wrong: Vec<(usize, usize, usize)> =
        tags.filter_map(|(at, (said, truth))| truth.filter(|t| t != said).map(|t| (at, *said, t))).collect();
    if wrong.is_empty() {
        return format!("all {known} tags right, but not sure");
    }
    let one = |&(at, said, truth): &(usize, usize, usize)| {
        let word = words.get(at).map_or_else(|| format!("item {}", at + 1), |word| format!("{word:?}"));
        format!("{word}: truth {}, said {}", answer.output(truth), answer.output(said))
    };
    let more = wrong.len().saturating_sub(WRITTEN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let listed: Vec<String> = wrong.iter().take(WRITTEN).map(one).collect();
    format!("{} of {known} tags wrong: {}{more}", wrong.len(), listed.join("; "))
}

fn losses(answers: &Judged) -> Vec<f64> {
    let surprise = |p: f64| -p.max(SMALLEST).ln();
    match answers {
        Judged::Classes { probs, labels } => {
            let loss = |(row, label): (&[f64], &usize)| row.get(*label).map_or(f64::NAN, |p| surprise(*p));
            probs.iter().zip(labels).map(loss).collect()
        }
        Judged::YesNo { probs, labels } => {
            let loss = |p: f64, y: f64| surprise(if y > 0.5 { p } else { 1.0 - p });
            probs.iter().zip(labels.iter()).map(|(p, y)| mean_of_known(p, y, loss)).collect()
        }
        Judged::Values { predicted, labels } => {
            predicted.iter().zip(labels.iter()).map(|(p, y)| mean_of_known(p, y, |p, y| (p - y).abs())).collect()
        }
        Judged::Tags(samples) => samples.iter().map(|sample| sample.loss).collect(),
        Judged::Other(_) => Vec::new(),
    }
}

fn mean_of_known(predicted: &[f64], labels: &[f64], loss: impl Fn(f64, f64) -> f64) -> f64 {
    let known: Vec<f64> =
        predicted.iter().zip(labels).filter(|(_, y)| !y.is_nan()).map(|(p, y)| loss(*p, *y)).collect();
    if known.is_empty() { f64::NAN } else { known.iter().sum::<f64>() / known.len() as f64 }
}

/// Three decimals, and never a certainty that there is not.
fn probability(p: f64) -> String {
    match p {
        p if p > 0.0 && p < 0.0005 => "less than 0.001".into(),
        p if (0.9995..1.0).contains(&p) => "more than 0.999".into(),
        p => format!("{p:.3}"),
    }
}

/// What happened to a sample.
fn in_words(answer: &Answer, answers: &Judged, at: usize) -> String {
    match answers {
        Judged::Classes { probs, labels } => {
            let names = names(answer, probs.width());
            let row = probs.iter().nth(at).unwrap_or_default();
            let top = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class);
            let truth = labels.get(at).copied().unwrap_or(top);
            let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
            let p = |class: usize| probability(row.get(class).copied().unwrap_or(f64::NAN));
            if truth == top {
                return format!("right, but not sure: {} with {}", name(truth), p(top));
            }
            format!("truth {}, said {} with {} ({} with {})", name(truth), name(top), p(top), name(truth), p(truth))
        }
        Judged::YesNo { probs, labels } => {
            let names = names(answer, probs.width());
            let (said, truth) = (probs.iter().nth(at).unwrap_or_default(), labels.iter().nth(at).unwrap_or_default());
            // The labels that were most wrong come first.
            let mut order: Vec<usize> =
                (0..names.len().min(said.len())).filter(|l| truth.get(*l).is_some_and(|y| !y.is_nan())).collect();
            order.sort_by(|&a, &b| (said[b] - truth[b]).abs().total_cmp(&(said[a] - truth[a]).abs()));
            order.truncate(WRITTEN);
            let words = |l: &usize| {
                let (name, p) = (&names[*l], probability(said[*l]));
                match (truth[*l] > 0.5, said[*l] >= 0.5) {
                    (true, false) => format!("missed: truth {name}, said not {name} ({name} with {p})"),
                    (false, true) => format!("false alarm: truth not {name}, said {name} with {p}"),
                    (true, true) => format!("right, but not sure: {name} with {p}"),
                    (false, false) => format!("right, but not sure: not {name} ({name} with {p})"),
                }
            };
            order.iter().map(words).collect::<Vec<_>>().join("; ")
        }
        Judged::Values { predicted, labels } => {
            let names = names(answer, predicted.width());
            let (said, truth) =
                (predicted.iter().nth(at).unwrap_or_default(), labels.iter().nth(at).unwrap_or_default());
            let known = said.iter().zip(truth).zip(&names).filter(|((_, y), _)| !y.is_nan());
            let words = |((p, y), name): ((&f64, &f64), &String)| {
                let which = if said.len() > 1 { format!("{name}: ") } else { String::new() };
                let way = if p > y { "high" } else { "low" };
                format!("{which}truth {}, said {}: {} too {way}", written(*y), written(*p), written((p - y).abs()))
            };
            known.take(WRITTEN).map(words).collect::<Vec<_>>().join("; ")
        }
        Judged::Tags(_) | Judged::Other(_) => String::new(),
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
    fn the_worst_sample_comes_first_with_its_fields() {
        let answers = Judged::Classes { probs: rows(&[&[0.9, 0.1], &[0.2, 0.8], &[0.4, 0.6]]), labels: vec![0, 0, 1] };
        let (ids, positions) = (vec![10, 11, 12], vec![0, 1, 2]);
        let outputs = TaskOutputs { ids, positions, answers, confusion: mtl_metrics::ConfusionMatrix::default() };
        let label = Answer::class(["cat", "dog"]);
        let field = |value: &str| vec![("color".to_owned(), value.to_owned())];
        let fields = Fields { listed: 2, of: [(1, field("red")), (2, field("blue"))].into() };
        let found = TaskEvaluation { worst: listed(&label, &outputs, &fields), ..TaskEvaluation::default() };
        let table = table(&found, &outputs, &fields);
        assert_eq!(table.rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["11", "12"]);
        assert_eq!(table.rows[0].cells[0], Cell::from("truth cat, said dog with 0.800 (cat with 0.200)"));
        assert_eq!(table.rows[0].cells[1..], [Cell::number(-(0.2f64.ln()), 3), Cell::from("color: red")]);
        assert_eq!(table.rows[1].cells[0], Cell::from("right, but not sure: dog with 0.600"));
    }

    #[test]
    fn tags_are_shown_with_their_words() {
        let sample =
            |said: &[usize], truth: &[Option<usize>], loss| Tagged { said: said.into(), truth: truth.into(), loss };
        let answers = Judged::Tags(vec![
            sample(&[0, 0], &[Some(0), Some(0)], 0.1),
            sample(&[0, 1, 0], &[Some(0), Some(0), Some(1)], 3.0),
            sample(&[1], &[None], 0.0),
        ]);
        let (ids, positions) = (vec![10, 11, 12], vec![0, 1, 2]);
        let outputs = TaskOutputs { ids, positions, answers, confusion: mtl_metrics::ConfusionMatrix::default() };
        let label = Answer::tags(["O", "B-city"]);
        let text = |words: &str| vec![("text".to_owned(), words.to_owned())];
        let fields = Fields { listed: 2, of: [(0, text("fly home")), (1, text("fly to rome"))].into() };
        let block = tagged(&label, &outputs, &fields).unwrap();
        assert_eq!(block.texts.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["11", "10"]);
        let rome = &block.texts[0].words[2];
        assert_eq!((rome.text.as_str(), rome.truth.as_deref(), rome.said.as_str()), ("rome", Some("B-city"), "O"));
        let found = TaskEvaluation { worst: listed(&label, &outputs, &fields), ..TaskEvaluation::default() };
        let table = table(&found, &outputs, &fields);
        let words = "2 of 3 tags wrong: \"to\": truth O, said B-city; \"rome\": truth B-city, said O";
        assert_eq!(table.rows[0].cells[0], Cell::from(words));
        assert_eq!(table.rows[1].cells[0], Cell::from("all 2 tags right, but not sure"));
        assert_eq!(table.rows[0].cells[2], Cell::from("text: fly to rome"));
        let unnamed = Fields { listed: 2, of: BTreeMap::new() };
        assert!(tagged(&label, &outputs, &unnamed).is_none());
    }

    #[test]
    fn a_missed_yes_reads_as_missed() {
        let answers =
            Judged::YesNo { probs: rows(&[&[0.03], &[0.97], &[0.000_01]]), labels: rows(&[&[1.0], &[0.0], &[1.0]]) };
        let label = Answer::multi_label(["Y"]);
        assert_eq!(in_words(&label, &answers, 0), "missed: truth Y, said not Y (Y with 0.030)");
        assert_eq!(in_words(&label, &answers, 1), "false alarm: truth not Y, said Y with 0.970");
        assert_eq!(in_words(&label, &answers, 2), "missed: truth Y, said not Y (Y with less than 0.001)");
    }

    #[test]
    fn unknown_labels_do_not_count() {
        let answers = Judged::YesNo { probs: rows(&[&[0.9, 0.5]]), labels: rows(&[&[0.0, f64::NAN]]) };
        assert!((losses(&answers)[0] + 0.1f64.ln()).abs() < 1e-12);
        let label = Answer::multi_label(["old", "rich"]);
        assert_eq!(in_words(&label, &answers, 0), "false alarm: truth not old, said old with 0.900");
        let numbers = Judged::Values { predicted: rows(&[&[1.0, 5.0]]), labels: rows(&[&[3.0, f64::NAN]]) };
        assert_eq!(losses(&numbers), [2.0]);
        let label = Answer::values(["size", "age"]);
        assert_eq!(in_words(&label, &numbers, 0), "size: truth 3.000, said 1.000: 2.000 too low");
    }
}
