//! Answers as text.
//!
//! CSV has a header; columns are named after tasks, which hold no dots:
//!
//! | task | columns |
//! |---|---|
//! | one of several classes | `task`: the most probable class; `task.class`: the probability of each |
//! | yes or no | `task.label`: the probability of each yes |
//! | numbers | `task`, or `task.name` where there are several |
//!
//! JSON lines: `{"row":0,"job":{"class":"smith","probabilities":{"clerk":0.2,"smith":0.8}},"age":{"values":{"age":31.5}}}`.
//! `row` counts samples from 0. Numbers are written with as many digits as tell them from their neighbors.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use mtl_core::prediction::{Prediction, Scores};
use mtl_data::LabelKind;
use ndarray::Array2;
use serde_json::{Map, Value, json};

use crate::{
    error::{Error, Result},
    export::TaskDescription,
};

/// How answers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Comma-separated values with a header.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl OutputFormat {
    /// The format that a file's name asks for, by its extension; CSV for any other.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jsonl" | "ndjson" | "json") => Self::Jsonl,
            _ => Self::Csv,
        }
    }
}

impl FromStr for OutputFormat {
    type Err = mtl_core::Error;
    fn from_str(name: &str) -> mtl_core::Result<Self> {
        match name {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            _ => Err(mtl_core::Error::UnknownName {
                what: "output format",
                name: name.to_owned(),
                known: vec!["csv".into(), "jsonl".into()],
            }),
        }
    }
}

/// Writes answers, batch after batch.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    format: OutputFormat,
    tasks: Vec<TaskDescription>,
    row: u64,
}

impl<W: Write> Writer<W> {
    /// A writer of answers to these tasks; writes the header.
    ///
    /// # Errors
    /// The stream's.
    pub fn new(mut out: W, format: OutputFormat, tasks: &[TaskDescription]) -> io::Result<Self> {
        if format == OutputFormat::Csv {
            let columns = tasks.iter().flat_map(columns);
            writeln!(out, "row{}", columns.fold(String::new(), |line, name| line + "," + &field(&name)))?;
        }
        Ok(Self { out, format, tasks: tasks.to_vec(), row: 0 })
    }

    /// Writes the answers for a batch, in task order.
    ///
    /// # Errors
    /// [`Error::Core`] when the answers are not those of the tasks; [`Error::Io`] when the stream fails.
    pub fn write(&mut self, answers: &[Prediction]) -> Result<()> {
        let mut matrices = Vec::with_capacity(answers.len());
        for (answer, task) in answers.iter().zip(&self.tasks) {
            let numbers = numbers(answer)?;
            if numbers.ncols() != task.label.width() {
                return Err(mtl_core::Error::Shape {
                    op: format!("task {}", task.name),
                    tensor: "answer",
                    expected: format!("[b, {}]", task.label.width()),
                    found: vec![numbers.nrows() as i64, numbers.ncols() as i64],
                }
                .into());
            }
            matrices.push(numbers);
        }
        let n_rows = matrices.first().map_or(0, |m| m.nrows());
        let mut text = String::new();
        for row in 0..n_rows {
            let answers = self.tasks.iter().zip(&matrices).map(|(task, m)| (task, m.row(row).to_vec()));
            match self.format {
                OutputFormat::Csv => {
                    let _ = write!(text, "{}", self.row);
                    for (task, numbers) in answers {
                        if let Some(class) = top(&task.label, &numbers) {
                            text.push(',');
                            text.push_str(&field(class));
                        }
                        numbers.iter().for_each(|x| {
                            let _ = write!(text, ",{x}");
                        });
                    }
                }
                OutputFormat::Jsonl => {
                    let mut object = Map::new();
                    object.insert("row".into(), json!(self.row));
                    for (task, numbers) in answers {
                        object.insert(task.name.to_string(), json_answer(&task.label, &numbers));
                    }
                    text.push_str(&Value::Object(object).to_string());
                }
            }
            text.push('\n');
            self.row += 1;
        }
        self.out.write_all(text.as_bytes()).map_err(|e| Error::io("output", "cannot write answers", e))
    }

    /// Writes what is still in memory; gives the number of rows and the stream.
    ///
    /// # Errors
    /// The stream's.
    pub fn finish(mut self) -> io::Result<(u64, W)> {
        self.out.flush()?;
        Ok((self.row, self.out))
    }
}

/// The numbers of an answer: probabilities, or values in the target's unit.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for an answer that is no row of numbers, or not decoded.
pub(super) fn numbers(answer: &Prediction) -> Result<&Array2<f32>> {
    match answer {
        Prediction::Class { scores, kind: Scores::Probs } | Prediction::MultiLabel { scores, kind: Scores::Probs } => {
            Ok(scores)
        }
        Prediction::Values { values } => Ok(values),
        other => Err(mtl_core::Error::InvalidConfig {
            what: "prediction",
            field: "answer",
            expected: "probabilities or numbers, one row a sample".into(),
            found: other.describe().into(),
        }
        .into()),
    }
}

fn columns(task: &TaskDescription) -> Vec<String> {
    let of = |names: &[String]| names.iter().map(|name| format!("{}.{name}", task.name)).collect::<Vec<_>>();
    match &task.label {
        LabelKind::Class { classes } => [vec![task.name.to_string()], of(classes)].concat(),
        LabelKind::Binary { labels } => of(labels),
        LabelKind::Values { names } if names.len() == 1 => vec![task.name.to_string()],
        LabelKind::Values { names } => of(names),
    }
}

/// The most probable class, the first of equals.
fn top<'a>(label: &'a LabelKind, probabilities: &[f32]) -> Option<&'a str> {
    let LabelKind::Class { classes } = label else { return None };
    let mut best: Option<(usize, f32)> = None;
    for (class, &p) in probabilities.iter().enumerate() {
        if best.is_none_or(|(_, most)| p > most) {
            best = Some((class, p));
        }
    }
    classes.get(best?.0).map(String::as_str)
}

fn json_answer(label: &LabelKind, numbers: &[f32]) -> Value {
    let by = |names: &[String]| -> Value { names.iter().cloned().zip(numbers.iter().map(|&x| json!(x))).collect() };
    match label {
        LabelKind::Class { classes } => json!({ "class": top(label, numbers), "probabilities": by(classes) }),
        LabelKind::Binary { labels } => json!({ "probabilities": by(labels) }),
        LabelKind::Values { names } => json!({ "values": by(names) }),
    }
}

/// A CSV field, in quotes where it must be.
fn field(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']) && text.trim() == text && !text.is_empty();
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{metric::MetricName, task::TaskName};
    use mtl_heads::{HeadConfig, TargetSpec};
    use ndarray::array;

    fn tasks() -> Vec<TaskDescription> {
        let task = |name, label| TaskDescription {
            name: TaskName::new(name).unwrap(),
            primary: MetricName::new("log-loss").unwrap(),
            label,
            head: HeadConfig::default_for(&TargetSpec::Values { values: 1 }),
        };
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        vec![
            task("job", LabelKind::Class { classes: texts(&["clerk", "a \"b\", c"]) }),
            task("rich", LabelKind::Binary { labels: texts(&["yes"]) }),
            task("age", LabelKind::Values { names: texts(&["years"]) }),
            task("box", LabelKind::Values { names: texts(&["w", "h"]) }),
        ]
    }

    fn answers() -> Vec<Prediction> {
        let kind = Scores::Probs;
        vec![
            Prediction::Class { scores: array![[0.25, 0.75], [0.5, 0.5]], kind },
            Prediction::MultiLabel { scores: array![[0.1], [1e-9]], kind },
            Prediction::Values { values: array![[31.5], [-2.0]] },
            Prediction::Values { values: array![[1.0, 2.0], [3.0, 4.0]] },
        ]
    }

    fn written(format: OutputFormat) -> String {
        let mut writer = Writer::new(Vec::new(), format, &tasks()).unwrap();
        writer.write(&answers()).unwrap();
        let (rows, bytes) = writer.finish().unwrap();
        assert_eq!(rows, 2);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn csv_by_hand() {
        let expected = "row,job,job.clerk,\"job.a \"\"b\"\", c\",rich.yes,age,box.w,box.h\n\
                        0,\"a \"\"b\"\", c\",0.25,0.75,0.1,31.5,1,2\n\
                        1,clerk,0.5,0.5,0.000000001,-2,3,4\n";
        assert_eq!(written(OutputFormat::Csv), expected);
    }

    #[test]
    fn json_lines_by_hand() {
        let text = written(OutputFormat::Jsonl);
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0]["job"],
            json!({ "class": "a \"b\", c", "probabilities": { "clerk": 0.25, "a \"b\", c": 0.75 } })
        );
        assert_eq!((&rows[1]["row"], &rows[1]["box"]), (&json!(1), &json!({ "values": { "w": 3.0, "h": 4.0 } })));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut writer = Writer::new(Vec::new(), OutputFormat::Csv, &tasks()).unwrap();
        let mut wrong = answers();
        wrong[2] = Prediction::Values { values: array![[1.0, 2.0], [3.0, 4.0]] };
        assert!(writer.write(&wrong).unwrap_err().to_string().starts_with("task age: answer must be [b, 1]"));
        wrong[2] = Prediction::Class { scores: array![[1.0], [2.0]], kind: Scores::Logits };
        assert!(writer.write(&wrong).is_err());
        assert!("xml".parse::<OutputFormat>().unwrap_err().to_string().contains("csv, jsonl"));
        assert_eq!(OutputFormat::of_path("a/b.JSONL".as_ref()), OutputFormat::Jsonl);
    }
}
