//! Answers as text.
//!
//! CSV has a header; columns are named after tasks, which hold no dots. Which there are says the task's
//! [`Answer`](mtl_core::answer::Answer):
//!
//! | task | columns |
//! |---|---|
//! | one of several classes | `task`: the most probable class; `task.class`: the probability of each |
//! | one of several grades | `task`: the most probable grade; `task.grade`: the probability of each |
//! | yes or no | `task.label`: the probability of each yes |
//! | numbers | `task`, or `task.name` where there are several |
//! | numbers by a distribution | the same, each followed by its parameters (`task.mean`) and quantiles (`task.q0.05`) |
//! | tags, a sequence | `task`: the words, separated by blanks |
//!
//! Behind them stands what was fitted to the answers ([`PostHoc::columns`](mtl_metrics::post_hoc::PostHoc::columns)): sets, intervals,
//! decisions, rejections.
//!
//! JSON lines: `{"row":0,"job":{"class":"smith","probabilities":{"clerk":0.2,"smith":0.8}},"age":{"values":{"age":31.5}}}`.
//! `row` counts samples from 0. Numbers are written with as many digits as tell them from their neighbors.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use mtl_core::{answer::Written, prediction::Prediction};
use serde_json::{Map, Value, json};

use crate::{
    deploy::export::TaskDescription,
    error::{Error, Result},
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
    /// The columns that say what samples are called.
    ids: Vec<String>,
    tasks: Vec<TaskDescription>,
    row: u64,
}

impl<W: Write> Writer<W> {
    /// A writer of answers to these tasks; writes the header.
    ///
    /// # Errors
    /// The stream's.
    pub fn new(out: W, format: OutputFormat, tasks: &[TaskDescription]) -> io::Result<Self> {
        Self::with_ids(out, format, &[], tasks)
    }

    /// The same, of samples that are called something, in columns of these names.
    ///
    /// # Errors
    /// The stream's.
    pub fn with_ids(mut out: W, format: OutputFormat, ids: &[String], tasks: &[TaskDescription]) -> io::Result<Self> {
        if format == OutputFormat::Csv {
            let columns = ids.iter().cloned().chain(tasks.iter().flat_map(columns));
            writeln!(out, "row{}", columns.fold(String::new(), |line, name| line + "," + &field(&name)))?;
        }
        Ok(Self { out, format, ids: ids.to_vec(), tasks: tasks.to_vec(), row: 0 })
    }

    /// Writes the answers for a batch, in task order.
    ///
    /// # Errors
    /// As [`write_called`](Self::write_called).
    pub fn write(&mut self, answers: &[Prediction]) -> Result<()> {
        self.write_called(&[], answers)
    }

    /// The same, with what its samples are called: for each column of ids a text a sample.
    ///
    /// # Errors
    /// [`Error::Core`] when the answers are not those of the tasks, or not all samples are called something; [`Error::Io`] when the
    /// stream fails.
    pub fn write_called(&mut self, ids: &[Vec<String>], answers: &[Prediction]) -> Result<()> {
        for (answer, task) in answers.iter().zip(&self.tasks) {
            let (expected, found) = (task.answer.shape(), answer.axes());
            if expected.len() != found.len() || expected.iter().zip(&found).any(|(e, f)| *e >= 0 && e != f) {
                let axes: String =
                    expected.iter().map(|n| if *n < 0 { ", ..".into() } else { format!(", {n}") }).collect();
                return Err(mtl_core::Error::Shape {
                    op: format!("task {}", task.name),
                    tensor: "answer",
                    expected: format!("[b{axes}]"),
                    found: [answer.batch_size() as i64].into_iter().chain(found).collect(),
                }
                .into());
            }
        }
        let n_rows = answers.first().map_or(0, Prediction::batch_size);
        if ids.len() != self.ids.len() || ids.iter().any(|column| column.len() != n_rows) {
            let expected = format!("{} columns of {n_rows} texts", self.ids.len());
            let found = format!("{} of {:?}", ids.len(), ids.iter().map(Vec::len).collect::<Vec<_>>());
            return Err(mtl_core::Error::InvalidConfig { what: "prediction", field: "ids", expected, found }.into());
        }
        let mut text = String::new();
        for row in 0..n_rows {
            let pairs = self.tasks.iter().zip(answers);
            match self.format {
                OutputFormat::Csv => {
                    let _ = write!(text, "{}", self.row);
                    for column in ids {
                        text.push(',');
                        text.push_str(&field(&column[row]));
                    }
                    for (task, answer) in pairs {
                        let put = &mut |written: Written<'_>| match written {
                            Written::Text(word) => {
                                text.push(',');
                                text.push_str(&field(word));
                            }
                            Written::Number(x) => {
                                let _ = write!(text, ",{x}");
                            }
                        };
                        let beside = |put: &mut dyn FnMut(Written<'_>)| match &task.post_hoc {
                            None => Ok(()),
                            Some(fit) => fit.write(&task.answer, answer, row, put),
                        };
                        let written = task.answer.write(answer, row, put).and_then(|()| beside(put));
                        written.map_err(|reason| refused(task, reason))?;
                    }
                }
                OutputFormat::Jsonl => {
                    let mut object = Map::new();
                    object.insert("row".into(), json!(self.row));
                    for (name, column) in self.ids.iter().zip(ids) {
                        object.insert(name.clone(), json!(column[row]));
                    }
                    for (task, answer) in pairs {
                        let mut value = task.answer.json(answer, row).map_err(|reason| refused(task, reason))?;
                        if let Some(fit) = &task.post_hoc {
                            let added = fit.add_json(&task.answer, answer, row, &mut value);
                            added.map_err(|reason| refused(task, reason))?;
                        }
                        object.insert(task.name.to_string(), value);
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

/// Why an answer cannot be written.
fn refused(task: &TaskDescription, reason: String) -> Error {
    let expected = format!("what task {} answers, decoded", task.name);
    mtl_core::Error::InvalidConfig { what: "prediction", field: "answer", expected, found: reason }.into()
}

fn columns(task: &TaskDescription) -> Vec<String> {
    let name = |column: Option<String>| match column {
        Some(column) => format!("{}.{column}", task.name),
        None => task.name.to_string(),
    };
    task.columns().into_iter().map(name).collect()
}

/// A CSV field, in quotes where it must be.
fn field(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']) && text.trim() == text && !text.is_empty();
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        answer::{Answer, AnswerTag, Cells, Labels},
        metric::MetricName,
        prediction::Scores,
        task::TaskName,
    };
    use mtl_heads::HeadConfig;
    use ndarray::array;

    fn tasks() -> Vec<TaskDescription> {
        let task = |name, answer| TaskDescription {
            name: TaskName::new(name).unwrap(),
            primary: MetricName::new("log-loss").unwrap(),
            head: HeadConfig::default_of(AnswerTag::Values).unwrap(),
            answer,
            post_hoc: None,
        };
        vec![
            task("job", Answer::class(["clerk", "a \"b\", c"])),
            task("rich", Answer::multi_label(["yes"])),
            task("age", Answer::values(["years"])),
            task("box", Answer::values(["w", "h"])),
            task("size", Answer::ordinal(["low", "high"])),
            task("words", Answer::tags(["o", "b"])),
            task("said", Answer::sequence(["hi", "you"])),
        ]
    }

    fn answers() -> Vec<Prediction> {
        let kind = Scores::Probs;
        vec![
            Prediction::Class { scores: array![[0.25, 0.75], [0.5, 0.5]], kind },
            Prediction::MultiLabel { scores: array![[0.1], [1e-9]], kind },
            Prediction::Values { values: array![[31.5], [-2.0]] },
            Prediction::Values { values: array![[1.0, 2.0], [3.0, 4.0]] },
            Prediction::Ordinal { scores: array![[0.25, 0.75], [1.0, 0.0]], kind },
            Prediction::Tags {
                scores: Labels::ragged(Cells::Number(vec![0.5, 0.25, 0.0, 1.0]), vec![0, 2, 2], &[2]).unwrap(),
                kind,
                path: None,
            },
            Prediction::Sequence { tokens: Labels::lists(&[vec![1], vec![0, 1]]) },
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
        let expected = "row,job,job.clerk,\"job.a \"\"b\"\", c\",rich.yes,age,box.w,box.h,size,size.low,\
                        size.high,words,said\n\
                        0,\"a \"\"b\"\", c\",0.25,0.75,0.1,31.5,1,2,high,0.25,0.75,o b,you\n\
                        1,clerk,0.5,0.5,0.000000001,-2,3,4,low,1,0,\"\",hi you\n";
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
        assert_eq!(rows[0]["size"], json!({ "grade": "high", "probabilities": { "low": 0.25, "high": 0.75 } }));
        assert_eq!((&rows[0]["words"], &rows[1]["words"]), (&json!({ "tags": ["o", "b"] }), &json!({ "tags": [] })));
        assert_eq!(rows[1]["said"], json!({ "tokens": ["hi", "you"] }));
        assert_eq!((&rows[1]["row"], &rows[1]["box"]), (&json!(1), &json!({ "values": { "w": 3.0, "h": 4.0 } })));
    }

    #[test]
    fn what_samples_are_called_stands_beside_their_numbers() {
        let written = |format| {
            let (names, called) = (["user".to_owned()], [vec!["007".to_owned(), "a,b".to_owned()]]);
            let mut writer = Writer::with_ids(Vec::new(), format, &names, &tasks()[2..3]).unwrap();
            let ages = [answers().swap_remove(2)];
            writer.write_called(&called, &ages).unwrap();
            let e = writer.write(&ages).unwrap_err().to_string();
            assert!(e.contains("ids must be 1 columns of 2 texts, found 0 of []"), "{e}");
            String::from_utf8(writer.finish().unwrap().1).unwrap()
        };
        assert_eq!(written(OutputFormat::Csv), "row,user,age\n0,007,31.5\n1,\"a,b\",-2\n");
        let row: Value = serde_json::from_str(written(OutputFormat::Jsonl).lines().nth(1).unwrap()).unwrap();
        assert_eq!((&row["row"], &row["user"]), (&json!(1), &json!("a,b")));
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
