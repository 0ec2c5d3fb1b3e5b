//! What the columns of a table mean, as the user writes it down.
//!
//! A [`Schema`] is read from a config file. What depends on data (vocabularies, means) is not in it; fitting it on the
//! training split gives a [`FittedSchema`](super::FittedSchema).
//!
//! ```
//! # use mtl_data::Schema;
//! let schema: Schema = toml::from_str(r#"
//!     missing = ["?"]
//!     columns = [
//!         { name = "job", kind = "categorical", min_count = 2 },
//!         { name = "gains", kind = "numeric", transform = "log1p-standard" },
//!         { name = "row", kind = "ignore" },
//!         { name = "income", kind = "label", label = { binary = { positive = "50000+." } } },
//!         { name = "marital", kind = "label", task = "status", label = "class" },
//!     ]
//! "#).unwrap();
//! schema.validate().unwrap();
//! assert_eq!(schema.columns[4].name(), "marital");
//! ```

use mtl_core::task::TaskName;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result, quoted};

/// How the text of a CSV file is cut into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsvFormat {
    /// Whether the first line holds names. With names, columns are found by name, in any order, and columns that the
    /// schema does not list are skipped; without, the schema lists every column in order. Default true.
    pub header: bool,
    /// What separates fields: one ASCII character, not a quote or a line end. Default `,`.
    pub delimiter: char,
    /// Whether a field may stand in double quotes (`"a, b"`, a quote inside is doubled). Default true.
    pub quotes: bool,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self { header: true, delimiter: ',', quotes: true }
    }
}

impl CsvFormat {
    /// The delimiter as a byte.
    ///
    /// # Errors
    /// `InvalidConfig` for a delimiter that cannot separate fields.
    pub(crate) fn delimiter_byte(&self) -> Result<u8> {
        match u8::try_from(self.delimiter) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(byte),
            _ => Err(Error::config(
                "csv",
                "delimiter",
                "one ASCII character, not a quote or a line end",
                format!("{:?}", self.delimiter),
            )),
        }
    }
}

/// The columns of a table, and which texts mean "not known".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Texts that mean "not known" in label columns and in numeric columns that allow it; default the empty text.
    /// In a categorical column they are values like any other: that something was not answered is information.
    #[serde(default = "empty_text")]
    pub missing: Vec<String>,
    /// The order of the tasks; default: in which the columns first name them. If given, it lists all of them.
    #[serde(default)]
    pub tasks: Vec<TaskName>,
    /// The columns in order.
    pub columns: Vec<Column>,
}

impl Default for Schema {
    fn default() -> Self {
        Self { missing: empty_text(), tasks: Vec::new(), columns: Vec::new() }
    }
}

fn empty_text() -> Vec<String> {
    vec![String::new()]
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Column {
    /// Texts from a vocabulary: input `categorical`.
    Categorical {
        /// The column's name.
        name: String,
        /// Texts that occur less often in the training split count as unknown (code 0); default 1.
        #[serde(default = "one")]
        min_count: u64,
    },
    /// Numbers: input `numeric`.
    Numeric {
        /// The column's name.
        name: String,
        /// How numbers are scaled.
        #[serde(default)]
        transform: Transform,
        /// What to do where the number is not known.
        #[serde(default)]
        missing: MissingNumber,
    },
    /// The labels of a task. Several columns of kind `binary` or `value` may name one task: together they are its target.
    Label {
        /// The column's name.
        name: String,
        /// The task; default the column's name.
        #[serde(default)]
        task: Option<TaskName>,
        /// What the labels are.
        label: LabelSpec,
    },
    /// A column that is not read.
    Ignore {
        /// The column's name.
        name: String,
    },
}

fn one() -> u64 {
    1
}

impl Column {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Categorical { name, .. }
            | Self::Numeric { name, .. }
            | Self::Label { name, .. }
            | Self::Ignore { name } => name,
        }
    }
}

/// How the numbers of a column are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// `(x - mean) / std` of the training split.
    #[default]
    Standard,
    /// `sign(x) ln(1 + |x|)` first, then as `standard`: for amounts with a long tail.
    Log1pStandard,
    /// As it is.
    None,
}

/// What to do where a number is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissingNumber {
    /// Stop with an error that names file, line and column.
    #[default]
    Refuse,
    /// Use the training split's mean.
    Mean,
}

/// What the labels of a column are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelSpec {
    /// One of the classes that occur in the training split, sorted (as numbers if all are).
    Class,
    /// One of these classes, in this order.
    Classes(Vec<String>),
    /// Yes where the text is a positive label, no where it is any other label of the training split.
    Binary {
        /// The positive label, or a list of them.
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        positive: Vec<String>,
    },
    /// A number.
    Value,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// A task and the label columns that make up its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskColumns {
    pub(crate) name: TaskName,
    /// Positions in [`Schema::columns`].
    pub(crate) columns: Vec<usize>,
}

impl Schema {
    /// Checks names, label settings and that there is something to learn from and something to learn.
    ///
    /// # Errors
    /// `Duplicate` for a repeated column name; `InvalidConfig` for an empty name, no input column, no label column, an
    /// empty list of classes or positive labels, or columns of one task that cannot stand side by side.
    pub fn validate(&self) -> Result<()> {
        for (idx, column) in self.columns.iter().enumerate() {
            if column.name().is_empty() {
                return Err(Error::config("schema", "name", "not empty", format!("column {} without name", idx + 1)));
            }
            if self.columns[..idx].iter().any(|c| c.name() == column.name()) {
                return Err(mtl_core::Error::Duplicate { what: "column", name: column.name().to_owned() }.into());
            }
        }
        let refuse = |expected: &str, found: String| Err(Error::config("schema", "columns", expected, found));
        if !self.columns.iter().any(|c| matches!(c, Column::Categorical { .. } | Column::Numeric { .. })) {
            return refuse("at least one categorical or numeric column", "none".into());
        }
        let tasks = self.tasks()?;
        if tasks.is_empty() {
            return refuse("at least one label column", "none".into());
        }
        for task in &tasks {
            let specs: Vec<_> = task.columns.iter().filter_map(|&c| self.label_spec(c)).collect();
            let side_by_side = specs.iter().all(|s| matches!(s, LabelSpec::Binary { .. }))
                || specs.iter().all(|s| matches!(s, LabelSpec::Value));
            if specs.len() > 1 && !side_by_side {
                return refuse(
                    "all binary or all value where several name one task",
                    format!("a mixture for task {}", task.name),
                );
            }
            for spec in specs {
                let (texts, field) = match spec {
                    LabelSpec::Classes(classes) => (classes, "classes"),
                    LabelSpec::Binary { positive } => (positive, "positive"),
                    LabelSpec::Class | LabelSpec::Value => continue,
                };
                let repeated = texts.iter().enumerate().find(|(i, t)| texts[..*i].contains(t));
                if let Some((_, text)) = repeated {
                    return Err(Error::config("schema", field, "distinct", format!("{} twice", quoted(text))));
                }
                if texts.is_empty() {
                    return Err(Error::config("schema", field, "not empty", format!("none for task {}", task.name)));
                }
            }
        }
        Ok(())
    }

    /// The tasks in order.
    ///
    /// # Errors
    /// `InvalidConfig` for a column name that cannot name a task, or for a given order that does not list them all.
    pub(crate) fn tasks(&self) -> Result<Vec<TaskColumns>> {
        let mut tasks: Vec<TaskColumns> = Vec::new();
        for (idx, column) in self.columns.iter().enumerate() {
            let Column::Label { name, task, .. } = column else { continue };
            let name = task.clone().map_or_else(|| TaskName::new(name), Ok)?;
            match tasks.iter_mut().find(|t| t.name == name) {
                Some(task) => task.columns.push(idx),
                None => tasks.push(TaskColumns { name, columns: vec![idx] }),
            }
        }
        if self.tasks.is_empty() {
            return Ok(tasks);
        }
        let place = |task: &TaskColumns| self.tasks.iter().position(|name| *name == task.name);
        let listed = tasks.iter().all(|task| place(task).is_some());
        if !listed || self.tasks.len() != tasks.len() {
            let names: Vec<_> = tasks.iter().map(|task| task.name.as_str()).collect();
            let expected = format!("the tasks of the label columns ({}), each once", names.join(", "));
            let given: Vec<_> = self.tasks.iter().map(TaskName::as_str).collect();
            return Err(Error::config("schema", "tasks", expected, given.join(", ")));
        }
        tasks.sort_by_key(place);
        Ok(tasks)
    }

    /// The label settings of a column, if it is a label column.
    pub(crate) fn label_spec(&self, column: usize) -> Option<&LabelSpec> {
        match self.columns.get(column) {
            Some(Column::Label { label, .. }) => Some(label),
            _ => None,
        }
    }

    /// Whether a text means "not known".
    pub(crate) fn is_missing(&self, text: &str) -> bool {
        self.missing.iter().any(|m| m == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &str) -> Schema {
        toml::from_str(&format!("columns = [{columns}]")).unwrap()
    }

    fn refusal(columns: &str) -> String {
        schema(columns).validate().unwrap_err().to_string()
    }

    const AGE: &str = r#"{ name = "age", kind = "numeric" }"#;

    #[test]
    fn typos_are_refused() {
        for bad in [
            r#"{ name = "a", kind = "numeric", tranform = "none" }"#,
            r#"{ name = "a", kind = "number" }"#,
            r#"{ name = "a", kind = "label", label = "clas" }"#,
            r#"{ name = "a", kind = "label", label = { binary = { positives = "x" } } }"#,
            r#"{ name = "a", kind = "label", task = "a.b", label = "class" }"#,
        ] {
            assert!(toml::from_str::<Schema>(&format!("columns = [{bad}]")).is_err(), "{bad}");
        }
        assert!(toml::from_str::<Schema>("colums = []").is_err());
        assert!(toml::from_str::<CsvFormat>("headers = true").is_err());
    }

    #[test]
    fn a_schema_round_trips_through_json() {
        let schema = schema(&format!(
            r#"{AGE}, {{ name = "y", kind = "label", label = {{ binary = {{ positive = ["a", "b"] }} }} }},
               {{ name = "z", kind = "label", label = {{ classes = ["no", "yes"] }} }}"#
        ));
        schema.validate().unwrap();
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        assert!(refusal(&format!("{AGE}, {AGE}")).contains(r#"column "age" is given twice"#));
        assert!(refusal(AGE).contains("at least one label column"));
        assert!(refusal(r#"{ name = "y", kind = "label", label = "class" }"#).contains("categorical or numeric"));
        assert!(refusal(r#"{ name = "", kind = "ignore" }"#).contains("column 1 without name"));
        let none = r#"{ name = "y", kind = "label", label = { classes = [] } }"#;
        assert!(refusal(&format!("{AGE}, {none}")).contains("classes must be not empty"));
        let mixed = r#"{ name = "y", kind = "label", task = "t", label = "class" },
                       { name = "z", kind = "label", task = "t", label = "value" }"#;
        assert!(refusal(&format!("{AGE}, {mixed}")).contains("a mixture for task t"));
    }

    #[test]
    fn columns_of_one_task_stand_together() {
        let schema = schema(&format!(
            r#"{AGE}, {{ name = "x", kind = "label", task = "box", label = "value" }},
               {{ name = "c", kind = "label", label = "class" }},
               {{ name = "y", kind = "label", task = "box", label = "value" }}"#
        ));
        schema.validate().unwrap();
        let tasks = schema.tasks().unwrap();
        assert_eq!((tasks[0].name.as_str(), tasks[0].columns.as_slice()), ("box", [1, 3].as_slice()));
        assert_eq!(tasks[1].name.as_str(), "c");
        let name = |name| TaskName::new(name).unwrap();
        let turned = Schema { tasks: vec![name("c"), name("box")], ..schema.clone() };
        assert_eq!(turned.tasks().unwrap()[0].name.as_str(), "c");
        let short = Schema { tasks: vec![name("c")], ..schema };
        let e = short.validate().unwrap_err().to_string();
        assert_eq!(e, "schema: tasks must be the tasks of the label columns (box, c), each once, found c");
    }

    #[test]
    fn delimiters_are_checked() {
        let byte = |delimiter| CsvFormat { delimiter, ..CsvFormat::default() }.delimiter_byte();
        assert_eq!(byte('\t').unwrap(), b'\t');
        for bad in ['"', '\n', 'é', '→'] {
            assert!(byte(bad).unwrap_err().to_string().starts_with("csv: delimiter must be one ASCII character"));
        }
    }
}
