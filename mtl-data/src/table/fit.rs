//! What is learned from the training split: vocabularies, means, classes.
//!
//! Nothing here ever sees a row outside the rows it is given, so a score on validation or test rows is honest: a text
//! that occurs only there is code 0, and its numbers are scaled with the training split's mean. A [`FittedSchema`] is
//! saved beside the model's weights, because the codes are only meaningful together with them.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Table, TableColumn,
    schema::{Column, LabelSpec, MissingNumber, Schema, TaskColumns, Transform},
};
use crate::{
    error::{Error, Result, quoted},
    info::{CategoricalField, DataInfo, LabelKind, TaskInfo},
};
use mtl_core::task::TaskName;

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
    /// The scaled number is `(transformed - mean) / std`.
    Numeric {
        /// Mean of the transformed numbers; 0 for transform `none`.
        mean: f64,
        /// Their standard deviation; 1 for transform `none` and for a constant column.
        std: f64,
        /// What stands for a missing number, before the transform is applied: the mean of the known ones.
        fill: f64,
    },
    /// The labels that may occur: for classes, in the order of their indices; empty for numbers.
    Label {
        /// The texts.
        known: Vec<String>,
    },
    /// Nothing.
    Ignored,
}

impl FittedSchema {
    /// Learns from `rows` of a table that was read with the same schema.
    ///
    /// # Errors
    /// [`Error::NoRows`] without rows; [`Error::EmptyTask`] for a task without a known label in `rows`;
    /// [`Error::NoPositive`] when the table holds none of a task's positive labels; [`Schema::validate`]'s.
    pub fn fit(schema: &Schema, table: &Table, rows: &[u64]) -> Result<Self> {
        schema.validate()?;
        same_columns(schema, table)?;
        if rows.is_empty() {
            return Err(Error::NoRows { path: table.path().to_owned() });
        }
        let tasks = schema.tasks()?;
        let rows = Rows { table, rows };
        let columns = (0..schema.columns.len()).into_par_iter().map(|idx| fit_column(schema, &tasks, idx, &rows));
        // Collected in order first, so that of several faults the first column's is reported.
        let columns: Vec<Result<FittedColumn>> = columns.collect();
        Ok(Self { schema: schema.clone(), columns: columns.into_iter().collect::<Result<_>>()? })
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
        let as_is = FittedColumn::Numeric { mean: 0.0, std: 1.0, fill: 0.0 };
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
                (Column::Categorical { .. }, FittedColumn::Categorical { vocabulary }) => {
                    positions(vocabulary).len() == vocabulary.len()
                }
                (Column::Numeric { .. }, FittedColumn::Numeric { mean, std, fill }) => {
                    mean.is_finite() && fill.is_finite() && std.is_finite() && *std > 0.0
                }
                (Column::Label { .. }, FittedColumn::Label { .. }) | (Column::Ignore { .. }, FittedColumn::Ignored) => {
                    true
                }
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

    /// The number that a scaled one was before scaling and transform, for the numeric input in that place (as in
    /// [`DataInfo::numeric`]); `None` beyond the last. It is as exact as the `f32` that the model saw.
    #[must_use]
    pub fn original(&self, numeric: usize, scaled: f64) -> Option<f64> {
        let numbers = self.schema.columns.iter().zip(&self.columns).filter_map(|pair| match pair {
            (Column::Numeric { transform, .. }, FittedColumn::Numeric { mean, std, .. }) => {
                Some((transform, mean, std))
            }
            _ => None,
        });
        numbers.into_iter().nth(numeric).map(|(transform, mean, std)| transform.invert(scaled * std + mean))
    }

    /// What encoders and heads need to know.
    ///
    /// # Errors
    /// Those of task names, for a schema that was not validated.
    pub fn info(&self) -> Result<DataInfo> {
        let mut info = DataInfo::default();
        for (column, fitted) in self.schema.columns.iter().zip(&self.columns) {
            let name = column.name().to_owned();
            match fitted {
                FittedColumn::Categorical { vocabulary } => {
                    info.categorical.push(CategoricalField { name, cardinality: vocabulary.len() + 1 });
                }
                FittedColumn::Numeric { .. } => info.numeric.push(name),
                FittedColumn::Label { .. } | FittedColumn::Ignored => {}
            }
        }
        for task in self.schema.tasks()? {
            let label = self.label_kind(&task);
            info.tasks.push(TaskInfo { name: task.name, label });
        }
        Ok(info)
    }

    fn label_kind(&self, task: &TaskColumns) -> LabelKind {
        let specs: Vec<_> = task.columns.iter().filter_map(|&c| Some((c, self.schema.label_spec(c)?))).collect();
        let names = || specs.iter().map(|&(c, _)| self.schema.columns[c].name().to_owned()).collect();
        match specs.first() {
            Some(&(c, LabelSpec::Class | LabelSpec::Classes(_))) => match self.columns.get(c) {
                Some(FittedColumn::Label { known }) => LabelKind::Class { classes: known.clone() },
                _ => LabelKind::Class { classes: Vec::new() },
            },
            // One yes/no column is named by what a yes means, several by their columns.
            Some((_, LabelSpec::Binary { positive })) if specs.len() == 1 => {
                LabelKind::Binary { labels: vec![positive.join(" | ")] }
            }
            Some((_, LabelSpec::Binary { .. })) => LabelKind::Binary { labels: names() },
            _ => LabelKind::Values { names: names() },
        }
    }
}

impl Transform {
    /// The transform before scaling.
    pub(crate) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Log1pStandard => x.signum() * x.abs().ln_1p(),
            Self::Standard | Self::None => x,
        }
    }

    /// What the transform was applied to.
    pub(crate) fn invert(self, x: f64) -> f64 {
        match self {
            Self::Log1pStandard => x.signum() * x.abs().exp_m1(),
            Self::Standard | Self::None => x,
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
        let mut counts: Vec<_> = dictionary.iter().map(|text| (text.as_str(), 0)).collect();
        for code in self.indices().filter_map(|row| codes.get(row)) {
            if let Some((_, count)) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        counts
    }
}

pub(crate) fn same_columns(schema: &Schema, table: &Table) -> Result<()> {
    let (expected, found) = (schema.columns.len(), table.columns().len());
    if expected == found {
        return Ok(());
    }
    Err(Error::config("table", "schema", format!("the one it was read with, of {found} columns"), expected.to_string()))
}

fn fit_column(schema: &Schema, tasks: &[TaskColumns], idx: usize, rows: &Rows<'_>) -> Result<FittedColumn> {
    let column = &schema.columns[idx];
    match (column, &rows.table.columns()[idx]) {
        (Column::Categorical { min_count, .. }, TableColumn::Text { codes, dictionary }) => {
            let mut counts = rows.counts(codes, dictionary);
            counts.retain(|&(_, count)| count >= (*min_count).max(1));
            counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            Ok(FittedColumn::Categorical { vocabulary: counts.into_iter().map(|(text, _)| text.to_owned()).collect() })
        }
        (Column::Numeric { transform, .. }, TableColumn::Numbers(values)) => {
            let known = || rows.indices().filter_map(|row| values.get(row)).filter(|v| !v.is_nan());
            let fill = moments(known().map(|&v| f64::from(v))).0;
            let (mean, std) = match transform {
                Transform::None => (0.0, 1.0),
                _ => moments(known().map(|&v| transform.apply(f64::from(v)))),
            };
            Ok(FittedColumn::Numeric { mean, std: if std > 0.0 { std } else { 1.0 }, fill })
        }
        (Column::Label { label, .. }, _) => {
            let task = tasks.iter().find(|task| task.columns.contains(&idx));
            let task = task.map_or_else(String::new, |task| task.name.to_string());
            Ok(FittedColumn::Label { known: fit_labels(schema, label, idx, &task, rows)? })
        }
        _ => Ok(FittedColumn::Ignored),
    }
}

/// The labels that may occur in a column; at least one row must have one.
fn fit_labels(schema: &Schema, spec: &LabelSpec, idx: usize, task: &str, rows: &Rows<'_>) -> Result<Vec<String>> {
    let (path, column) = (rows.table.path().to_owned(), schema.columns[idx].name());
    let empty = |path| Err(Error::EmptyTask { path, task: task.to_owned(), column: column.to_owned() });
    match &rows.table.columns()[idx] {
        TableColumn::Numbers(values) => {
            let any = rows.indices().filter_map(|row| values.get(row)).any(|v| !v.is_nan());
            if any { Ok(Vec::new()) } else { empty(path) }
        }
        TableColumn::Text { codes, dictionary } => {
            let mut seen = rows.counts(codes, dictionary);
            seen.retain(|&(text, count)| count > 0 && !schema.is_missing(text));
            if seen.is_empty() {
                return empty(path);
            }
            let seen: Vec<_> = seen.into_iter().map(|(text, _)| text.to_owned()).collect();
            known_labels(spec, seen, dictionary).map_err(|label| Error::NoPositive {
                path,
                task: task.into(),
                column: column.into(),
                label: label.into(),
                found: dictionary.clone(),
            })
        }
        TableColumn::Ignored => empty(path),
    }
}

/// The labels that may occur; the error is the positive labels, none of which the table holds.
fn known_labels(
    spec: &LabelSpec,
    mut seen: Vec<String>,
    dictionary: &[String],
) -> std::result::Result<Vec<String>, String> {
    match spec {
        LabelSpec::Classes(classes) => Ok(classes.clone()),
        LabelSpec::Binary { positive } => {
            if !positive.iter().any(|p| dictionary.contains(p)) {
                return Err(positive.join(" | "));
            }
            // A rare positive that the training split happens to lack is known: the user named it.
            let unseen: Vec<_> = positive.iter().filter(|p| !seen.contains(p)).cloned().collect();
            seen.extend(unseen);
            seen.sort();
            Ok(seen)
        }
        LabelSpec::Class | LabelSpec::Value => {
            // "10" comes after "9" where all labels are whole numbers.
            match seen.iter().map(|text| text.parse::<i64>().ok()).collect::<Option<Vec<_>>>() {
                Some(_) => seen.sort_by_key(|text| (text.parse::<i64>().unwrap_or(0), text.clone())),
                None => seen.sort(),
            }
            Ok(seen)
        }
    }
}

/// Mean and standard deviation in two passes; zeros without values.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (sum, n) = values.clone().fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    if n < 1.0 {
        return (0.0, 0.0);
    }
    let mean = sum / n;
    (mean, (values.map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
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
        assert_eq!(fitted.columns()[2], FittedColumn::Label { known: texts(&["9", "10"]) });
        let FittedColumn::Numeric { mean, std, .. } = fitted.columns()[1] else { panic!() };
        assert!((mean - 7.0 / 3.0).abs() < 1e-12 && (std - (8.0f64 / 9.0).sqrt()).abs() < 1e-12, "{mean} {std}");
        let info = fitted.info().unwrap();
        assert_eq!(info.categorical[0].cardinality, 3);
        assert_eq!(info.tasks[0].label, LabelKind::Class { classes: texts(&["9", "10"]) });
        assert_eq!(info.tasks[1].label, LabelKind::Binary { labels: texts(&["yes"]) });
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
            (r#""std":0.29999999329447746"#, r#""std":0.0"#),
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
        assert_eq!(fitted.info().unwrap().numeric, ["a", "b"]);
        assert!(FittedSchema::of_numbers(&["y".into()], &[task]).is_err());
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
        let table = table(&schema(), "red,1,a,Yes\nblue,3,b,no\n");
        let e = FittedSchema::fit(&schema(), &table, &[0, 1]).unwrap_err().to_string();
        assert_eq!(
            e,
            r#"t.csv: task sold: positive label "yes" does not occur in column "sold", which holds "Yes", "no""#
        );
    }

    #[test]
    fn rare_texts_and_constant_numbers() {
        let mut schema = schema();
        schema.columns[0] = Column::Categorical { name: "color".into(), min_count: 2 };
        let table = table(&schema, "red,5,a,yes\nblue,5,a,no\nblue,5,a,no\n");
        let fitted = FittedSchema::fit(&schema, &table, &[0, 1, 2]).unwrap();
        assert_eq!(fitted.columns()[0], FittedColumn::Categorical { vocabulary: vec!["blue".into()] });
        assert_eq!(fitted.columns()[1], FittedColumn::Numeric { mean: 5.0, std: 1.0, fill: 5.0 });
        assert!((Transform::Log1pStandard.apply(-1.0) + 2.0f64.ln()).abs() < 1e-15);
    }
}
