//! What is learned from the training split: vocabularies, means, classes.
//!
//! Vocabularies and means never see a row outside the rows they are given, so a score on validation or test rows is
//! honest: a text that occurs only there is code 0, and its numbers are scaled with the training split's mean. The names
//! of classes are those of the whole training file, of the rows that were cut from it for validation and testing too:
//! which answers there can be is part of the question, and says nothing about which sample has which. A [`FittedSchema`]
//! is saved beside the model's weights, because the codes are only meaningful together with them.

use std::{borrow::Cow, collections::HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Faults, Table, TableColumn, advice, buckets,
    fields::{self, FittedField, NumberField},
    label_text::{LabelTexts, groups, sort},
    scale::{self, Scale},
    schema::{Column, LabelSpec, MissingNumber, Schema, TaskColumns, Transform},
};
use crate::{
    error::{Error, Result, quoted},
    info::{DataInfo, TaskInfo},
};
use mtl_core::{
    answer::Answer,
    input::{CategoricalField, InputSpec, Numeric},
    task::TaskName,
};

/// A schema with what was learned from the training split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedSchema {
    schema: Schema,
    columns: Vec<FittedColumn>,
}

/// What was learned for one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FittedColumn {
    /// Texts by code, minus one: `vocabulary[0]` has code 1, code 0 is every text that is not there. The most frequent
    /// comes first.
    Categorical {
        /// The texts.
        vocabulary: Vec<String>,
    },
    /// Texts by the hash of the schema's column: nothing is learned.
    Hashed,
    /// Numbers by the range in which they lie: code 1 is below the first edge, each edge begins the range above it, code 0 is a number
    /// that is missing.
    Buckets {
        /// Ascending.
        edges: Vec<f64>,
    },
    /// Several numbers: parts of a date, places of a vector.
    Fields {
        /// In the order of the inputs.
        fields: Vec<FittedField>,
    },
    /// A field of 0 and 1 for each frequent member of a set.
    Set {
        /// Those with a field, the most frequent first.
        members: Vec<String>,
        /// Edges of bins of the field that counts the others.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<f32>,
    },
    /// The scaled number is `(transformed - mean) / std`, but for `robust` and `quantile`, which see `scale.rs`.
    Numeric {
        /// Mean of the transformed numbers; their median for transform `robust`; 0 for `none` and `quantile`.
        mean: f64,
        /// Their standard deviation; for `robust` the distance of their quartiles; 1 for `none`, `quantile` and a constant column.
        std: f64,
        /// What stands for a missing number, before the transform is applied: the mean of the known ones.
        fill: f64,
        /// Edges of bins that hold about equally many of the scaled numbers: at most 49, ascending and distinct, those of a long
        /// column from 65,536 of its rows. One for a constant column, none where no number is known, and in runs of earlier
        /// versions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<f32>,
        /// For transform `quantile` the numbers at even steps from the smallest to the largest, at most 256; else none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        quantiles: Vec<f64>,
    },
    /// The labels that may occur, each in its usual spelling: for classes, in the order of their indices; empty for
    /// numbers.
    Label {
        /// The texts.
        known: Vec<String>,
    },
    /// Nothing.
    Ignored,
}

impl FittedSchema {
    /// Learns from `rows` of a table that was read with the same schema; the labels that may occur are those of all its
    /// rows.
    ///
    /// # Errors
    /// [`Error::NoRows`] without rows; [`Error::EmptyTask`] for a task without a known label in `rows`;
    /// [`Error::OneClass`] for classes of which the table holds one; [`Error::NoPositive`] when it holds none of a task's
    /// positive labels; [`Error::NoWeight`] where other rows have weights above 0, but none of `rows`;
    /// [`Schema::validate`]'s.
    pub fn fit(schema: &Schema, table: &Table, rows: &[u64]) -> Result<Self> {
        Self::fit_with(schema, table, rows, &mut Faults::default())
    }

    pub(crate) fn fit_with(schema: &Schema, table: &Table, rows: &[u64], faults: &mut Faults) -> Result<Self> {
        schema.validate()?;
        same_columns(schema, table)?;
        if rows.is_empty() {
            return Err(Error::NoRows { path: table.path().to_owned() });
        }
        let tasks = schema.tasks()?;
        let rows = Rows { table, rows };
        let columns = (0..schema.columns.len()).into_par_iter().map(|idx| fit_column(schema, &tasks, idx, &rows));
        // Collected in order first, so that of several faults the first column's is reported.
        let columns: Vec<(FittedColumn, Option<Error>)> = columns.collect();
        let mut fitted = Vec::with_capacity(columns.len());
        for (column, fault) in columns {
            fitted.push(column);
            if let Some(fault) = fault {
                faults.add(fault)?;
            }
        }
        Ok(Self { schema: schema.clone(), columns: fitted })
    }

    /// A schema whose numbers are inputs as they are, with a label column for each task: for data that comes without a file.
    ///
    /// # Errors
    /// [`FittedSchema::validate`]'s.
    pub fn of_numbers(numeric: &[String], tasks: &[TaskName]) -> Result<Self> {
        let number = |name: &String| Column::Numeric {
            name: name.clone(),
            transform: Transform::None,
            missing: MissingNumber::Refuse,
        };
        let label = |task: &TaskName| Column::Label { name: task.to_string(), task: None, label: LabelSpec::Value };
        let columns = numeric.iter().map(number).chain(tasks.iter().map(label)).collect();
        let as_is = FittedColumn::Numeric { mean: 0.0, std: 1.0, fill: 0.0, edges: Vec::new(), quantiles: Vec::new() };
        let mut fitted = vec![as_is; numeric.len()];
        fitted.resize(numeric.len() + tasks.len(), FittedColumn::Label { known: Vec::new() });
        let schema = Self { schema: Schema { columns, ..Schema::default() }, columns: fitted };
        schema.validate()?;
        Ok(schema)
    }

    /// Checks one that was read from a file: what was learned must be there for every column, of its kind, and usable.
    ///
    /// # Errors
    /// `InvalidConfig` naming the column; [`Schema::validate`]'s.
    pub fn validate(&self) -> Result<()> {
        self.schema.validate()?;
        let refuse = |expected: String, found: &str| Err(Error::config("fitted schema", "columns", expected, found));
        if self.schema.columns.len() != self.columns.len() {
            return refuse(format!("{}, one per column", self.schema.columns.len()), &self.columns.len().to_string());
        }
        for (column, fitted) in self.schema.columns.iter().zip(&self.columns) {
            let fits = match (column, fitted) {
                (Column::Categorical { hash: None, buckets: None, .. }, FittedColumn::Categorical { vocabulary }) => {
                    positions(vocabulary).len() == vocabulary.len()
                }
                (Column::Categorical { hash: Some(_), .. }, FittedColumn::Hashed) => true,
                (Column::Categorical { buckets: Some(_), .. }, FittedColumn::Buckets { edges }) => {
                    edges.iter().all(|x| x.is_finite()) && edges.is_sorted_by(|a, b| a < b)
                }
                (Column::Date { .. } | Column::Vector { .. } | Column::Set { .. }, fitted) => {
                    fields::is_sound(column, fitted)
                }
                (Column::Numeric { .. }, FittedColumn::Numeric { fill, edges, .. }) => {
                    let ascend = edges.iter().all(|x| x.is_finite()) && edges.is_sorted_by(|a, b| a < b);
                    fill.is_finite() && ascend && Scale::of(column, fitted).is_some_and(|scale| scale.is_sound())
                }
                (Column::Label { .. }, FittedColumn::Label { .. })
                | (
                    Column::Weight { .. } | Column::Group { .. } | Column::Id { .. } | Column::Ignore { .. },
                    FittedColumn::Ignored,
                ) => true,
                _ => false,
            };
            if !fits {
                return refuse(format!("what was learned for column {}", quoted(column.name())), "something else");
            }
        }
        Ok(())
    }

    /// The schema it was fitted for.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What was learned, in column order.
    #[must_use]
    pub fn columns(&self) -> &[FittedColumn] {
        &self.columns
    }

    /// What the codes of each categorical field stand for from 1 on, in the order of the inputs: texts, or ranges in words. Codes of a
    /// hash stand for nothing that could be said.
    pub fn vocabularies(&self) -> impl Iterator<Item = Cow<'_, [String]>> {
        self.columns().iter().filter_map(|column| match column {
            FittedColumn::Categorical { vocabulary } => Some(Cow::Borrowed(vocabulary.as_slice())),
            FittedColumn::Buckets { edges } => Some(Cow::Owned(buckets::names(edges))),
            FittedColumn::Hashed => Some(Cow::Borrowed(&[] as &[String])),
            FittedColumn::Numeric { .. }
            | FittedColumn::Fields { .. }
            | FittedColumn::Set { .. }
            | FittedColumn::Label { .. }
            | FittedColumn::Ignored => None,
        })
    }

    /// The number that a scaled one was before scaling and transform, for the numeric field in that place (as in
    /// [`FittedSchema::inputs`]); `None` for one that was not scaled, and beyond the last. It is as exact as the `f32` that the model saw.
    #[must_use]
    pub fn original(&self, numeric: usize, scaled: f64) -> Option<f64> {
        let plain = self.scales().map(Some).chain(self.indicators().map(|_| None));
        let mut scales = plain.chain(self.of_several().map(|field| field.scale));
        scales.nth(numeric).flatten().map(|scale| scale.back(scaled))
    }

    /// The scaled number that stands for a gap, by numeric field; `None` for one that has no gaps.
    #[must_use]
    pub fn stand_ins(&self) -> Vec<Option<f32>> {
        #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
        let stand_in = |field: NumberField<'_>| Some(field.scale?.forward(field.fill?) as f32);
        self.number_fields().map(stand_in).collect()
    }

    /// What stands for a gap, before it is scaled, by numeric field; `None` for one that has no gaps.
    #[must_use]
    pub fn fills(&self) -> Vec<Option<f64>> {
        self.number_fields().map(|field| field.fill).collect()
    }

    /// The names of the fields that say where a number is missing, in column order: they stand behind all numbers.
    pub(crate) fn indicators(&self) -> impl Iterator<Item = String> {
        let numbers = self.schema.columns.iter().filter(|column| matches!(column, Column::Numeric { .. }));
        numbers.filter_map(Column::indicator)
    }

    fn scales(&self) -> impl Iterator<Item = Scale<'_>> {
        self.schema.columns.iter().zip(&self.columns).filter_map(|(column, fitted)| Scale::of(column, fitted))
    }

    /// The fields of columns that become several.
    fn of_several(&self) -> impl Iterator<Item = NumberField<'_>> {
        self.schema.columns.iter().zip(&self.columns).flat_map(|(column, fitted)| fields::of(column, fitted))
    }

    /// All numeric fields in the order of the inputs: numbers, their indicators, the fields of columns that become several.
    fn number_fields(&self) -> impl Iterator<Item = NumberField<'_>> {
        let number = |(column, fitted): (&Column, &'_ FittedColumn)| match (column, fitted) {
            (Column::Numeric { name, missing, .. }, FittedColumn::Numeric { fill, edges, .. }) => Some(NumberField {
                name: name.clone(),
                edges: Cow::Owned(edges.clone()),
                scale: None,
                fill: (*missing != MissingNumber::Refuse).then_some(*fill),
            }),
            _ => None,
        };
        let scaled = |(field, scale)| NumberField { scale: Some(scale), ..field };
        let numbers = self.schema.columns.iter().zip(&self.columns).filter_map(number).zip(self.scales()).map(scaled);
        numbers.chain(self.indicators().map(NumberField::flag)).chain(self.of_several())
    }

    /// The inputs: an input of codes and one of numbers, as far as there are such columns, each in column order.
    #[must_use]
    pub fn inputs(&self) -> InputSpec {
        let (mut categorical, mut numeric) = (Vec::new(), Numeric::new(Vec::new()));
        for (column, fitted) in self.schema.columns.iter().zip(&self.columns) {
            let codes = match (column, fitted) {
                (_, FittedColumn::Categorical { vocabulary }) => vocabulary.len() as i64,
                (_, FittedColumn::Buckets { edges }) => edges.len() as i64 + 1,
                (Column::Categorical { hash: Some(n), .. }, FittedColumn::Hashed) => {
                    i64::try_from(*n).unwrap_or(i64::MAX)
                }
                _ => continue,
            };
            categorical.push(CategoricalField { name: column.name().to_owned(), cardinality: codes.saturating_add(1) });
        }
        for field in self.number_fields() {
            numeric.names.push(field.name);
            numeric.edges.push(field.edges.into_owned());
        }
        if numeric.edges.iter().all(Vec::is_empty) {
            numeric.edges.clear();
        }
        InputSpec::of_fields(categorical, numeric)
    }

    /// What encoders and heads need to know.
    ///
    /// # Errors
    /// Those of task names, for a schema that was not validated.
    pub fn info(&self) -> Result<DataInfo> {
        let mut info = DataInfo { inputs: self.inputs(), tasks: Vec::new() };
        for task in self.schema.tasks()? {
            let answer = self.answer(&task);
            info.tasks.push(TaskInfo { name: task.name, answer });
        }
        Ok(info)
    }

    fn answer(&self, task: &TaskColumns) -> Answer {
        let specs: Vec<_> = task.columns.iter().filter_map(|&c| Some((c, self.schema.label_spec(c)?))).collect();
        let names = || specs.iter().map(|&(c, _)| self.schema.columns[c].name().to_owned());
        match specs.first() {
            Some(&(c, LabelSpec::Class | LabelSpec::Classes(_))) => match self.columns.get(c) {
                Some(FittedColumn::Label { known }) => Answer::class(known),
                _ => Answer::class(Vec::<String>::new()),
            },
            Some((_, LabelSpec::Ordinal(grades))) => Answer::ordinal(grades),
            // One yes/no column is named by what a yes means, several by their columns.
            Some((_, LabelSpec::Binary { positive, .. })) if specs.len() == 1 => {
                Answer::multi_label([positive.join(" | ")])
            }
            Some((_, LabelSpec::Binary { .. })) => Answer::multi_label(names()),
            Some((_, LabelSpec::Value)) | None => Answer::values(names()),
        }
    }
}

/// The rows to learn from.
struct Rows<'a> {
    table: &'a Table,
    rows: &'a [u64],
}

impl Rows<'_> {
    fn indices(&self) -> impl Iterator<Item = usize> + Clone {
        self.rows.iter().filter_map(|&row| usize::try_from(row).ok())
    }

    /// How often each text occurs, by dictionary position.
    fn counts<'t>(&self, codes: &[u32], dictionary: &'t [String]) -> Vec<(&'t str, u64)> {
        count(self.indices().filter_map(|row| codes.get(row)), dictionary)
    }
}

/// How often each text occurs among `codes`, by dictionary position.
pub(crate) fn count<'c, 't>(codes: impl Iterator<Item = &'c u32>, dictionary: &'t [String]) -> Vec<(&'t str, u64)> {
    let mut counts: Vec<_> = dictionary.iter().map(|text| (text.as_str(), 0)).collect();
    for code in codes {
        if let Some((_, count)) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    counts
}

pub(crate) fn same_columns(schema: &Schema, table: &Table) -> Result<()> {
    let (expected, found) = (schema.columns.len(), table.columns().len());
    if expected == found {
        return Ok(());
    }
    Err(Error::config("table", "schema", format!("the one it was read with, of {found} columns"), expected.to_string()))
}

fn fit_column(schema: &Schema, tasks: &[TaskColumns], idx: usize, rows: &Rows<'_>) -> (FittedColumn, Option<Error>) {
    let column = &schema.columns[idx];
    match (column, &rows.table.columns()[idx]) {
        (Column::Categorical { hash: Some(_), .. }, TableColumn::Text { .. }) => (FittedColumn::Hashed, None),
        (Column::Categorical { buckets: Some(buckets), .. }, TableColumn::Numbers(values)) => {
            let known = rows.indices().filter_map(|row| values.get(row)).copied().filter(|v| !v.is_nan());
            (FittedColumn::Buckets { edges: buckets.edges(known) }, None)
        }
        (Column::Date { .. } | Column::Set { .. } | Column::Vector { .. }, values) => {
            (fields::fit(column, values, rows.indices()).unwrap_or(FittedColumn::Ignored), None)
        }
        (Column::Categorical { min_count, .. }, TableColumn::Text { codes, dictionary }) => {
            let mut counts = rows.counts(codes, dictionary);
            counts.retain(|&(_, count)| count >= (*min_count).max(1));
            counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            let vocabulary = counts.into_iter().map(|(text, _)| text.to_owned()).collect();
            (FittedColumn::Categorical { vocabulary }, None)
        }
        (Column::Numeric { transform, .. }, TableColumn::Numbers(values)) => {
            let known = rows.indices().filter_map(|row| values.get(row)).copied().filter(|v| !v.is_nan());
            (scale::fit(*transform, known), None)
        }
        (Column::Label { label, .. }, _) => {
            let task = tasks.iter().find(|task| task.columns.contains(&idx));
            let task = task.map_or_else(String::new, |task| task.name.to_string());
            let (known, fault) = fit_labels(schema, label, idx, &task, rows);
            (FittedColumn::Label { known }, fault)
        }
        (Column::Weight { name, .. }, TableColumn::Numbers(weights)) => {
            let counts = rows.indices().filter_map(|row| weights.get(row)).any(|w| *w > 0.0);
            // Where no row of the file counts, that is said once, when its rows are encoded.
            let is_fault = !counts && weights.iter().any(|w| *w > 0.0);
            let fault =
                || Error::NoWeight { path: rows.table.path().to_owned(), column: name.clone(), part: "training part" };
            (FittedColumn::Ignored, is_fault.then(fault))
        }
        _ => (FittedColumn::Ignored, None),
    }
}

/// The labels that may occur in a column, and what is wrong with them; at least one of the rows must have one.
fn fit_labels(
    schema: &Schema,
    spec: &LabelSpec,
    idx: usize,
    task: &str,
    rows: &Rows<'_>,
) -> (Vec<String>, Option<Error>) {
    let (path, column) = (rows.table.path().to_owned(), schema.columns[idx].name());
    let empty = |path| Error::EmptyTask { path, task: task.to_owned(), column: column.to_owned() };
    let (codes, dictionary) = match &rows.table.columns()[idx] {
        TableColumn::Numbers(values) => {
            let any = rows.indices().filter_map(|row| values.get(row)).any(|v| !v.is_nan());
            return (Vec::new(), (!any).then(|| empty(path)));
        }
        TableColumn::Vectors { .. } | TableColumn::Ignored => return (Vec::new(), Some(empty(path))),
        TableColumn::Text { codes, dictionary } => (codes, dictionary),
    };
    let is_label = |&(text, count): &(&str, u64)| count > 0 && !schema.is_missing(text);
    let mut of_file = count(codes.iter(), dictionary);
    of_file.retain(is_label);
    let is_empty = !rows.counts(codes, dictionary).iter().any(is_label);
    let (known, fault) = match spec {
        LabelSpec::Classes(named) | LabelSpec::Ordinal(named) => (named.clone(), None),
        LabelSpec::Binary { positive, negative } => {
            let texts = LabelTexts::new(positive);
            let found = || of_file.iter().map(|(text, _)| (*text).to_owned()).collect::<Vec<_>>();
            let fault = (!of_file.iter().any(|(text, _)| texts.find(text).is_some())).then(|| Error::NoPositive {
                path: path.clone(),
                task: task.into(),
                column: column.into(),
                label: positive.join(" | ").into(),
                advice: positive
                    .iter()
                    .map(|p| advice::near_name(p, &found()))
                    .find(|a| !a.is_empty())
                    .unwrap_or_default()
                    .into(),
                found: found(),
            });
            let mut known = if negative.is_empty() { found() } else { negative.clone() };
            // A positive label that the file happens to lack is known: the user named it.
            let unseen: Vec<_> = positive.iter().filter(|p| !known.contains(p)).cloned().collect();
            known.extend(unseen);
            known.sort();
            (known, fault)
        }
        LabelSpec::Class | LabelSpec::Value => {
            let mut classes: Vec<String> =
                groups(&of_file).iter().filter_map(|texts| texts.first()).map(|text| (*text).to_owned()).collect();
            sort(&mut classes);
            let fault = match classes.as_slice() {
                [only] => Some(Error::OneClass {
                    path: path.clone(),
                    task: task.to_owned(),
                    column: column.to_owned(),
                    label: only.clone(),
                }),
                _ => None,
            };
            (classes, fault)
        }
    };
    (known, if is_empty { Some(empty(path)) } else { fault })
}

/// Mean and standard deviation in two passes; zeros without values. Sums are of distances to the first value: a column
/// of one value has a deviation of exactly 0, and large values lose no digits.
pub(crate) fn moments(mut values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let all = values.clone();
    let Some(first) = values.next() else { return (0.0, 0.0) };
    let (sum, n) = all.clone().fold((0.0, 0.0), |(sum, n), v| (sum + (v - first), n + 1.0));
    let mean = first + sum / n;
    (mean, (all.map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Positions by text.
pub(crate) fn positions(texts: &[String]) -> HashMap<&str, usize> {
    texts.iter().enumerate().map(|(position, text)| (text.as_str(), position)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::CsvFormat;

    const SCHEMA: &str = r#"
        missing = ["?"]
        columns = [
            { name = "color", kind = "categorical" },
            { name = "size", kind = "numeric" },
            { name = "grade", kind = "label", label = "class" },
            { name = "sold", kind = "label", label = { binary = { positive = "yes" } } },
        ]"#;

    fn table(schema: &Schema, text: &str) -> Table {
        let format = CsvFormat { header: false, ..CsvFormat::default() };
        Table::parse("t.csv".as_ref(), text.as_bytes(), &format, schema).unwrap()
    }

    fn schema() -> Schema {
        toml::from_str(SCHEMA).unwrap()
    }

    #[test]
    fn only_the_given_rows_are_seen() {
        let table = table(&schema(), "red,1,9,yes\nblue,3,10,no\nblue,3,?,no\ngreen,1000,11,yes\n");
        let fitted = FittedSchema::fit(&schema(), &table, &[0, 1, 2]).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(fitted.columns()[0], FittedColumn::Categorical { vocabulary: texts(&["blue", "red"]) });
        // Which classes there are is no secret of the other rows.
        assert_eq!(fitted.columns()[2], FittedColumn::Label { known: texts(&["9", "10", "11"]) });
        let FittedColumn::Numeric { mean, std, .. } = fitted.columns()[1] else { panic!() };
        assert!((mean - 7.0 / 3.0).abs() < 1e-12 && (std - (8.0f64 / 9.0).sqrt()).abs() < 1e-12, "{mean} {std}");
        let info = fitted.info().unwrap();
        assert_eq!(info.inputs.get("categorical").unwrap().cardinalities(), [3]);
        assert_eq!(info.tasks[0].answer, Answer::class(["9", "10", "11"]));
        assert_eq!(info.tasks[1].answer, Answer::multi_label(["yes"]));
    }

    #[test]
    fn it_is_saved_and_read_back() {
        let table = table(&schema(), "red,0.1,a,yes\nblue,0.7,b,no\n");
        let fitted = FittedSchema::fit(&schema(), &table, &[0, 1]).unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<FittedSchema>(&text).unwrap(), fitted);
        fitted.validate().unwrap();
        for (from, to) in [
            (r#""vocabulary":["blue","red"]"#, r#""vocabulary":["red","red"]"#),
            (r#""std":0.3"#, r#""std":-0.3"#),
            (r#"{"label":{"known":["a","b"]}},"#, ""),
            (r#"{"label":{"known":["a","b"]}}"#, r#""ignored""#),
        ] {
            assert!(text.contains(from), "{text}");
            let bad: FittedSchema = serde_json::from_str(&text.replace(from, to)).unwrap();
            let e = bad.validate().unwrap_err().to_string();
            assert!(e.starts_with("fitted schema: columns must be"), "{e}");
        }
    }

    #[test]
    fn numbers_can_be_taken_as_they_are() {
        let task = TaskName::new("y").unwrap();
        let fitted = FittedSchema::of_numbers(&["a".into(), "b".into()], std::slice::from_ref(&task)).unwrap();
        assert_eq!(fitted.inputs(), InputSpec::table(Vec::new(), vec!["a".into(), "b".into()]));
        assert!(FittedSchema::of_numbers(&["a".into(), "a".into()], &[task]).is_err());
    }

    #[test]
    fn a_task_without_labels_is_named() {
        let table = table(&schema(), "red,1,?,yes\nblue,3,?,no\nblue,3,7,no\n");
        let e = FittedSchema::fit(&schema(), &table, &[0, 1]).unwrap_err().to_string();
        let expected = "t.csv: task grade: expected at least one known label in column \"grade\" of the training split";
        assert!(e.starts_with(expected), "{e}");
        assert!(matches!(FittedSchema::fit(&schema(), &table, &[]), Err(Error::NoRows { .. })));
    }

    #[test]
    fn a_positive_label_that_never_occurs_is_a_typo() {
        let read = table(&schema(), "red,1,a,sold\nblue,3,b,no\n");
        let e = FittedSchema::fit(&schema(), &read, &[0, 1]).unwrap_err().to_string();
        assert_eq!(
            e,
            r#"t.csv: task sold: positive label "yes" does not occur in column "sold", which holds "sold", "no""#
        );
        let e = FittedSchema::fit(&schema(), &table(&schema(), "red,1,a,?\nblue,3,b,no\n"), &[0, 1]).unwrap_err();
        assert!(matches!(e, Error::NoPositive { .. }), "{e}");
    }

    #[test]
    fn rare_texts_and_constant_numbers() {
        let mut schema = schema();
        schema.columns[0] = Column::Categorical { name: "color".into(), min_count: 2, hash: None, buckets: None };
        let table = table(&schema, "red,5,a,yes\nblue,5,b,no\nblue,5,a,no\n");
        let fitted = FittedSchema::fit(&schema, &table, &[0, 1, 2]).unwrap();
        assert_eq!(fitted.columns()[0], FittedColumn::Categorical { vocabulary: vec!["blue".into()] });
        assert_eq!(
            fitted.columns()[1],
            FittedColumn::Numeric { mean: 5.0, std: 1.0, fill: 5.0, edges: vec![0.0], quantiles: Vec::new() }
        );
    }

    #[test]
    fn a_class_in_several_spellings_has_its_usual_one() {
        let read = |labels: &[&str]| {
            let rows: String = labels.iter().map(|label| format!("red,1,{label},yes\n")).collect();
            table(&schema(), &rows)
        };
        let fit = |labels: &[&str]| {
            let table = read(labels);
            FittedSchema::fit(&schema(), &table, &(0..table.n_rows() as u64).collect::<Vec<_>>())
        };
        let classes = |labels: &[&str]| match &fit(labels).unwrap().columns()[2] {
            FittedColumn::Label { known } => known.join(" "),
            other => panic!("{other:?}"),
        };
        assert_eq!(classes(&["10.0", "9.0", "2", "2.0", "2.0", "?"]), "2.0 9.0 10.0");
        assert_eq!(classes(&["True", "False", "TRUE", "True", "01", "1"]), "01 1 False True");
        let e = fit(&["1", "1.0", "?"]).unwrap_err().to_string();
        assert!(
            e.starts_with(r#"t.csv: task grade: expected at least two classes in column "grade", found only "1""#),
            "{e}"
        );
    }

    #[test]
    fn large_numbers_keep_their_digits() {
        let values = (0..60).map(|i| 1_764_400_000_000.0 + 1000.0 * f64::from(i));
        let (mean, std) = moments(values);
        assert!(
            (mean - 1_764_400_029_500.0).abs() < 1e-3 && (std - 17_318.102_282_486_574).abs() < 1e-3,
            "{mean} {std}"
        );
        assert_eq!(moments(std::iter::repeat_n(0.1, 77)).1.to_bits(), 0);
    }
}
