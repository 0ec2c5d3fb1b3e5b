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

use mtl_core::{answer::AnswerTag, task::TaskName};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    buckets::Buckets,
    date::{DateFormat, DatePart},
    fields, task_name,
};
use crate::error::{Error, Result, quoted};

/// The columns of a table, and which texts mean "not known".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Texts that mean "not known" in label columns and in numeric columns that allow it; default the empty text. `mtl
    /// doctor` proposes usual ones (`NA`, `null`, `?`) that a file holds.
    /// In a categorical column they are values like any other: that something was not answered is information.
    #[serde(default = "empty_text")]
    pub missing: Vec<String>,
    /// The order of the tasks; default: in which the columns first name them. If given, it lists all of them.
    #[serde(default)]
    pub tasks: Vec<TaskName>,
    /// The columns in order. Names of inputs and of ignored columns may be patterns: a name wins over a pattern, a pattern over `*`.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Column {
    /// Texts from a vocabulary, or by a hash, or numbers by ranges: input `categorical`.
    Categorical {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
        /// Texts that occur less often in the training split count as unknown (code 0); default 1.
        #[serde(default = "one")]
        min_count: u64,
        /// So many buckets, 2 to 16777216, in place of a vocabulary: a text has the one that its hash says, and may share it. For very
        /// many texts; those that training lacks have one as well. Default none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 16_777_216))]
        hash: Option<u64>,
        /// Numbers as categories: 2 to 1000 ranges of about equally many training numbers, or a list of edges, ascending. A missing number
        /// is the category of what is not known. Default none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        buckets: Option<Buckets>,
    },
    /// Numbers: input `numeric`.
    Numeric {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
        /// How numbers are scaled.
        #[serde(default)]
        transform: Transform,
        /// What to do where the number is not known.
        #[serde(default)]
        missing: MissingNumber,
    },
    /// Dates, with a time or without: several fields of input `numeric`, named `<name> <part>`.
    Date {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
        /// How they are written: `iso` (`2024-01-31`, `2024-01-31T09:30:00Z`), `unix` (seconds), `unix-ms`, or a pattern such as
        /// `%d.%m.%Y %H:%M` (`strftime`'s letters). Default `iso`.
        #[serde(default)]
        format: DateFormat,
        /// What is asked of a date; default days, day-of-year and weekday, and hour where a training date has a time.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<DatePart>,
        /// What to do where the date is not known; `mean` is the mean day, in the middle of every circle.
        #[serde(default)]
        missing: MissingNumber,
    },
    /// Several texts in a cell: a field of 0 and 1 of input `numeric` for each frequent one, `<name>=<member>`, and `<name> others`,
    /// `ln(1 + n)` of how many others there are. A text that means "not known" is the empty set.
    Set {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
        /// What stands between members: one character. Blanks around members, quotes around them and brackets around all fall away.
        separator: char,
        /// So many members at most have a field, 1 to 10000, the most frequent of the training split; default 64.
        #[serde(default = "sixty_four")]
        #[schemars(range(min = 1, max = 10_000))]
        members: u64,
        /// Members in fewer cells of the training split have none; default 1.
        #[serde(default = "one")]
        min_count: u64,
    },
    /// Numbers in one cell, as many in each: fields of input `numeric`, `<name>[1]` and so on.
    Vector {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
        /// What stands between numbers: one character; several blanks are one. Brackets around all fall away.
        separator: char,
        /// How many numbers there are, 1 to 100000.
        #[schemars(range(min = 1, max = 100_000))]
        length: u64,
        /// How numbers are scaled, each place by itself.
        #[serde(default)]
        transform: Transform,
        /// What to do where the whole vector is not known.
        #[serde(default)]
        missing: MissingNumber,
    },
    /// The labels of a task. Several columns of kind `binary` or `value` may name one task: together they are its target.
    /// The column may be an input as well, and the labels of further tasks.
    Label {
        /// The column's name.
        name: String,
        /// The task; default the column's name, made a task name where it is none: `net income ($)` is `net_income`.
        #[serde(default)]
        task: Option<TaskName>,
        /// What the labels are.
        label: LabelSpec,
    },
    /// How much each row counts: one of weight 2 as two, one of weight 0 as none. Losses and metrics are weighted means then; a
    /// metric that knows no weights refuses them. Numbers >= 0, none missing. Not needed for prediction.
    Weight {
        /// The column's name.
        name: String,
        /// The tasks for which rows count so; default all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<TaskName>,
    },
    /// The group of each row: a query, a user, a session. Rows of one text are one group, within which metrics of rankings rank.
    /// None missing. Not needed for prediction.
    Group {
        /// The column's name.
        name: String,
        /// The tasks whose rows are grouped so; default all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<TaskName>,
    },
    /// What a row is called. It is no input and is not learned from; `mtl predict` writes it beside the answers, and a file with a
    /// header need not have it.
    Id {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
    },
    /// A column that is not read; a file with a header need not have it.
    Ignore {
        /// The column's name, or a pattern: `fp*` for all that begin so, `*` for all others.
        name: String,
    },
}

fn one() -> u64 {
    1
}

fn sixty_four() -> u64 {
    64
}

impl Column {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Categorical { name, .. }
            | Self::Numeric { name, .. }
            | Self::Date { name, .. }
            | Self::Set { name, .. }
            | Self::Vector { name, .. }
            | Self::Label { name, .. }
            | Self::Weight { name, .. }
            | Self::Group { name, .. }
            | Self::Id { name }
            | Self::Ignore { name } => name,
        }
    }

    /// Whether it is the weight or the group of a task's rows.
    fn is_of(&self, task: &TaskName) -> bool {
        match self {
            Self::Weight { tasks, .. } | Self::Group { tasks, .. } => tasks.is_empty() || tasks.contains(task),
            Self::Categorical { .. }
            | Self::Numeric { .. }
            | Self::Date { .. }
            | Self::Set { .. }
            | Self::Vector { .. }
            | Self::Label { .. }
            | Self::Id { .. }
            | Self::Ignore { .. } => false,
        }
    }

    /// Whether it is an input of the model.
    #[must_use]
    pub fn is_input(&self) -> bool {
        match self {
            Self::Categorical { .. }
            | Self::Numeric { .. }
            | Self::Date { .. }
            | Self::Set { .. }
            | Self::Vector { .. } => true,
            Self::Label { .. } | Self::Weight { .. } | Self::Group { .. } | Self::Id { .. } | Self::Ignore { .. } => {
                false
            }
        }
    }

    /// The name of the field that says where its number is missing, if there is one.
    pub(crate) fn indicator(&self) -> Option<String> {
        match self {
            Self::Numeric { name, missing: MissingNumber::Indicator, .. }
            | Self::Date { name, missing: MissingNumber::Indicator, .. }
            | Self::Vector { name, missing: MissingNumber::Indicator, .. } => Some(format!("{name} missing")),
            Self::Numeric { .. }
            | Self::Categorical { .. }
            | Self::Date { .. }
            | Self::Set { .. }
            | Self::Vector { .. }
            | Self::Label { .. }
            | Self::Weight { .. }
            | Self::Group { .. }
            | Self::Id { .. }
            | Self::Ignore { .. } => None,
        }
    }

    /// Whether it says what is to be answered, or about the answer: what a file for prediction need not have.
    pub(crate) fn is_about_answers(&self) -> bool {
        matches!(self, Self::Label { .. } | Self::Weight { .. } | Self::Group { .. })
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
    /// `u = (x - median) / (third - first quartile)`, then `u / sqrt(1 + (u / 3)^2)`: outliers come no further than 3.
    Robust,
    /// The normal score of the share of training numbers below: whatever the distribution, a normal one comes out.
    Quantile,
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
    /// As `mean`, and say so by a further field `<name> missing`, which is 1 there and 0 elsewhere.
    Indicator,
}

/// What the labels of a column are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelSpec {
    /// One of the classes that occur in the training file, in any part of it, sorted (by value if all are numbers).
    /// Equal numbers (`1`, `1.0`) are one class, so are `true`, `True` and `TRUE`.
    Class,
    /// One of these classes, at least two, in this order.
    Classes(Vec<String>),
    /// One of these grades, at least two, from the lowest to the highest: one off is better than three off.
    Ordinal(Vec<String>),
    /// Yes where the text is a positive label, no where it is any other label of the training file.
    Binary {
        /// The positive label, or a list of them.
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        positive: Vec<String>,
        /// The negative label, or a list of them: any other label is refused then. Default: all that are not positive.
        #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
        #[schemars(with = "OneOrMany")]
        negative: Vec<String>,
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
    /// [`Error::Setting`], with its place: for an empty name, a column with two roles that exclude each other, no input
    /// column, no label column, a list of labels that is empty or repeats one, or columns of one task that cannot stand
    /// side by side.
    pub fn validate(&self) -> Result<()> {
        let refuse = |place: String, expected: &str, found: String| {
            Err(Error::Setting { place: format!("schema.{place}"), expected: expected.into(), found })
        };
        for (idx, column) in self.columns.iter().enumerate() {
            let place = format!("columns[{idx}].name");
            if column.name().is_empty() {
                return refuse(place, "not empty", format!("column {} without name", idx + 1));
            }
            let same = self.columns[..idx].iter().filter(|c| c.name() == column.name());
            for other in same {
                if let Some(expected) = exclude(other, column) {
                    return refuse(place, expected, format!("{} again", quoted(column.name())));
                }
            }
        }
        for (idx, column) in self.columns.iter().enumerate() {
            if let Some((key, expected, found)) = check_settings(column) {
                return refuse(format!("columns[{idx}].{key}"), &expected, found);
            }
            let is_taken = |field: &String| self.columns.iter().any(|other| other.is_input() && other.name() == field);
            let Some(field) = fields::known_names(column).into_iter().find(is_taken) else { continue };
            if column.indicator().as_ref() == Some(&field) {
                let expected = "\"mean\" or \"refuse\" where another input has the name of its indicator";
                return refuse(format!("columns[{idx}].missing"), expected, quoted(&field));
            }
            let expected = "one of whose fields no other input has the name";
            return refuse(format!("columns[{idx}].name"), expected, quoted(&field));
        }
        if !self.columns.iter().any(Column::is_input) {
            let expected = "at least one input column (categorical, numeric, date, set or vector)";
            return refuse("columns".into(), expected, "none".into());
        }
        let tasks = self.tasks()?;
        if tasks.is_empty() {
            return refuse("columns".into(), "at least one label column", "none".into());
        }
        self.validate_sample_facts(&tasks)?;
        for (idx, column) in self.columns.iter().enumerate() {
            let Column::Id { name } = column else { continue };
            if name == "row" || tasks.iter().any(|task| task.name.as_str() == name) {
                let expected = "another than row and those of tasks, beside which it is written";
                return refuse(format!("columns[{idx}].name"), expected, quoted(name));
            }
        }
        for task in &tasks {
            let specs: Vec<_> = task.columns.iter().filter_map(|&c| Some((c, self.label_spec(c)?))).collect();
            let all = |is_kind: fn(&LabelSpec) -> bool| specs.iter().all(|(_, spec)| is_kind(spec));
            let side_by_side = all(|s| matches!(s, LabelSpec::Binary { .. })) || all(|s| matches!(s, LabelSpec::Value));
            if let (Some((last, _)), false) = (specs.last(), specs.len() == 1 || side_by_side) {
                let expected = "binary like the others, or value like the others, where several columns name one task";
                return refuse(format!("columns[{last}].label"), expected, format!("a mixture for task {}", task.name));
            }
            for (idx, spec) in specs {
                let place = |list: &str| format!("columns[{idx}].label.{list}");
                let repeated = |texts: &[String]| {
                    texts.iter().enumerate().find(|(i, t)| texts[..*i].contains(t)).map(|(_, t)| t.clone())
                };
                let (texts, list) = match spec {
                    LabelSpec::Classes(classes) => (classes.clone(), "classes"),
                    LabelSpec::Ordinal(grades) => (grades.clone(), "ordinal"),
                    LabelSpec::Binary { positive, negative } => ([positive.as_slice(), negative].concat(), "binary"),
                    LabelSpec::Class | LabelSpec::Value => continue,
                };
                if let Some(text) = repeated(&texts) {
                    return refuse(place(list), "distinct labels", format!("{} twice", quoted(&text)));
                }
                match spec {
                    LabelSpec::Classes(texts) | LabelSpec::Ordinal(texts) if texts.len() < 2 => {
                        let expected = match spec {
                            LabelSpec::Ordinal(_) => "at least two grades",
                            LabelSpec::Class | LabelSpec::Classes(_) | LabelSpec::Binary { .. } | LabelSpec::Value => {
                                "at least two classes"
                            }
                        };
                        return refuse(place(list), expected, format!("{} for task {}", texts.len(), task.name));
                    }
                    LabelSpec::Binary { positive, .. } if positive.is_empty() => {
                        return refuse(place("binary.positive"), "not empty", format!("none for task {}", task.name));
                    }
                    LabelSpec::Class
                    | LabelSpec::Classes(_)
                    | LabelSpec::Ordinal(_)
                    | LabelSpec::Binary { .. }
                    | LabelSpec::Value => {}
                }
            }
        }
        Ok(())
    }

    /// Weights and groups: of tasks that there are, one column a task.
    fn validate_sample_facts(&self, tasks: &[TaskColumns]) -> Result<()> {
        let refuse = |idx: usize, expected: String, found: String| {
            Err(Error::Setting { place: format!("schema.columns[{idx}].tasks"), expected, found })
        };
        for (idx, column) in self.columns.iter().enumerate() {
            let (Column::Weight { tasks: of, .. } | Column::Group { tasks: of, .. }) = column else { continue };
            if let Some(stranger) = of.iter().find(|name| tasks.iter().all(|task| task.name != **name)) {
                let names: Vec<_> = tasks.iter().map(|task| task.name.as_str()).collect();
                return refuse(idx, format!("tasks of the label columns ({})", names.join(", ")), stranger.to_string());
            }
            let is_weight = matches!(column, Column::Weight { .. });
            let first = |task: &&TaskColumns| {
                let own = if is_weight { self.weight_of(&task.name) } else { self.group_of(&task.name) };
                column.is_of(&task.name) && own != Some(idx)
            };
            if let Some(task) = tasks.iter().find(first) {
                let what = if is_weight { "weights" } else { "groups" };
                return refuse(
                    idx,
                    format!("of tasks without other {what}"),
                    format!("two columns for task {}", task.name),
                );
            }
        }
        Ok(())
    }

    /// The place of the column that says how much rows count for a task.
    pub(crate) fn weight_of(&self, task: &TaskName) -> Option<usize> {
        self.columns.iter().position(|column| matches!(column, Column::Weight { .. }) && column.is_of(task))
    }

    /// The place of the column that says to which group rows belong for a task.
    pub(crate) fn group_of(&self, task: &TaskName) -> Option<usize> {
        self.columns.iter().position(|column| matches!(column, Column::Group { .. }) && column.is_of(task))
    }

    /// The tasks in order; columns that cannot name a task get a name made from theirs, see `task_name`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a given order that does not list them all, and for a second label column of the same name
    /// without a task of its own.
    pub(crate) fn tasks(&self) -> Result<Vec<TaskColumns>> {
        let mut tasks: Vec<TaskColumns> = Vec::new();
        let mut unnamed = Vec::new();
        for (idx, column) in self.columns.iter().enumerate() {
            let Column::Label { name, task, .. } = column else { continue };
            let Some(task) = task.clone().or_else(|| TaskName::new(name).ok()) else {
                unnamed.push((idx, tasks.len() + unnamed.len()));
                continue;
            };
            match tasks.iter_mut().find(|t| t.name == task) {
                Some(known) if known.columns.iter().any(|&c| self.columns[c].name() == name.as_str()) => {
                    return Err(Error::Setting {
                        place: format!("schema.columns[{idx}].name"),
                        expected:
                            "of another task where a column gives the labels of several: write task = \"..\" in it"
                                .into(),
                        found: format!("labels of task {task} from column {} again", quoted(name)),
                    });
                }
                Some(known) => known.columns.push(idx),
                None => tasks.push(TaskColumns { name: task, columns: vec![idx] }),
            }
        }
        // After those that are given, so that a made name never makes another task's column its own.
        for (idx, place) in unnamed {
            let taken: Vec<_> = tasks.iter().map(|task| task.name.clone()).collect();
            let name = task_name::made(self.columns[idx].name(), &taken)?;
            tasks.insert(place.min(tasks.len()), TaskColumns { name, columns: vec![idx] });
        }
        if self.tasks.is_empty() {
            return Ok(tasks);
        }
        let place = |task: &TaskColumns| self.tasks.iter().position(|name| *name == task.name);
        let listed = tasks.iter().all(|task| place(task).is_some());
        if !listed || self.tasks.len() != tasks.len() {
            let names: Vec<_> = tasks.iter().map(|task| task.name.as_str()).collect();
            let given: Vec<_> = self.tasks.iter().map(TaskName::as_str).collect();
            return Err(Error::Setting {
                place: "schema.tasks".into(),
                expected: format!("the tasks of the label columns ({}), each once", names.join(", ")),
                found: given.join(", "),
            });
        }
        tasks.sort_by_key(place);
        Ok(tasks)
    }

    /// The tasks in order, with the kind of their answers.
    ///
    /// # Errors
    /// As [`tasks`](Self::tasks).
    pub(crate) fn answers(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        let tag = |columns: &[usize]| match columns.first().and_then(|&column| self.label_spec(column)) {
            Some(LabelSpec::Binary { .. }) => AnswerTag::MultiLabel,
            Some(LabelSpec::Value) => AnswerTag::Values,
            Some(LabelSpec::Ordinal(_)) => AnswerTag::Ordinal,
            // A task is made of its label columns, so there is one.
            Some(LabelSpec::Class | LabelSpec::Classes(_)) | None => AnswerTag::Class,
        };
        Ok(self.tasks()?.into_iter().map(|task| (task.name, tag(&task.columns))).collect())
    }

    /// The columns of a file without names: each that the schema names, once.
    pub(crate) fn own_columns(&self) -> Vec<String> {
        let is_first = |idx: usize, column: &Column| self.columns[..idx].iter().all(|c| c.name() != column.name());
        let columns = self.columns.iter().enumerate().filter(|&(idx, column)| is_first(idx, column));
        columns.map(|(_, column)| column.name().to_owned()).collect()
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
        self.missing.iter().any(|m| m == text || m == text.trim())
    }
}

/// What cannot be in the settings of one column: key, what is expected, what was found.
fn check_settings(column: &Column) -> Option<(&'static str, String, String)> {
    let beyond = |key, value: u64, from: u64, to: u64| {
        (!(from..=to).contains(&value)).then(|| (key, format!("from {from} to {to}"), value.to_string()))
    };
    let separates = |separator: char| {
        let expected = || "a character that is no letter, digit, quote or line end".to_owned();
        (separator.is_alphanumeric() || matches!(separator, '"' | '\'' | '\n' | '\r'))
            .then(|| ("separator", expected(), format!("{separator:?}")))
    };
    match column {
        Column::Categorical { hash: Some(_), buckets: Some(_), .. } => {
            Some(("buckets", "not beside hash: one is for numbers, one for texts".into(), "both".into()))
        }
        Column::Categorical { min_count, hash, buckets, .. }
            if *min_count > 1 && (hash.is_some() || buckets.is_some()) =>
        {
            let key = if hash.is_some() { "hash" } else { "buckets" };
            Some(("min_count", format!("1 beside {key}, which has no vocabulary"), min_count.to_string()))
        }
        Column::Categorical { hash: Some(n), .. } => beyond("hash", *n, 2, 1 << 24),
        Column::Categorical { buckets: Some(Buckets::Count(n)), .. } => {
            (!(2..=1000).contains(n)).then(|| ("buckets", "from 2 to 1000, or a list of edges".into(), n.to_string()))
        }
        Column::Categorical { buckets: Some(Buckets::Edges(edges)), .. } => {
            let fits = !edges.is_empty() && edges.iter().all(|x| x.is_finite()) && edges.is_sorted_by(|a, b| a < b);
            (!fits).then(|| ("buckets", "edges that are finite and ascend, at least one".into(), format!("{edges:?}")))
        }
        Column::Date { parts, .. } => {
            let again = parts.iter().enumerate().find(|(at, part)| parts[..*at].contains(part));
            again.map(|(_, part)| ("parts", "each part once".into(), format!("{part:?} twice")))
        }
        Column::Set { separator, members, .. } => {
            separates(*separator).or_else(|| beyond("members", *members, 1, 10_000))
        }
        Column::Vector { separator, length, .. } => {
            let of_number = matches!(separator, '.' | '+' | '-');
            let mark = || ("separator", "no mark of a number".to_owned(), format!("{separator:?}"));
            let separates = separates(*separator).or_else(|| of_number.then(mark));
            separates.or_else(|| beyond("length", *length, 1, 100_000))
        }
        Column::Categorical { .. }
        | Column::Numeric { .. }
        | Column::Label { .. }
        | Column::Weight { .. }
        | Column::Group { .. }
        | Column::Id { .. }
        | Column::Ignore { .. } => None,
    }
}

/// What a column of that name may be beside another of the same name; `None` if both may stand.
fn exclude(one: &Column, other: &Column) -> Option<&'static str> {
    let is_ignored = |column: &Column| matches!(column, Column::Ignore { .. });
    if is_ignored(one) || is_ignored(other) {
        return Some("a column that is not also ignored");
    }
    if let (Column::Id { .. }, Column::Id { .. }) = (one, other) {
        return Some("an id once");
    }
    (one.is_input() && other.is_input()).then_some("a column that is an input once (it may be a label beside that)")
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
    }

    #[test]
    fn tasks_and_their_answers_are_in_the_order_that_is_given() {
        let columns = r#"{ name = "kind", kind = "label", label = "class" },
            { name = "sold", kind = "label", task = "deal", label = { binary = { positive = "1" } } },
            { name = "price", kind = "label", label = "value" },
            { name = "kind", kind = "label", task = "size", label = { ordinal = ["2", "0", "1"] } }"#;
        let mut schema = schema(columns);
        schema.tasks = ["price", "kind", "deal", "size"].map(|name| TaskName::new(name).unwrap()).into();
        let found = schema.answers().unwrap();
        let found: Vec<_> = found.iter().map(|(name, tag)| (name.as_str(), *tag)).collect();
        let tags = [AnswerTag::Values, AnswerTag::Class, AnswerTag::MultiLabel, AnswerTag::Ordinal];
        assert_eq!(found, ["price", "kind", "deal", "size"].into_iter().zip(tags).collect::<Vec<_>>());
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
        assert_eq!(
            refusal(&format!("{AGE}, {AGE}")),
            r#"schema.columns[1].name must be a column that is an input once (it may be a label beside that), found "age" again"#
        );
        let ignored = r#"{ name = "age", kind = "ignore" }"#;
        assert!(
            refusal(&format!("{ignored}, {AGE}"))
                .contains("schema.columns[1].name must be a column that is not also ignored")
        );
        assert!(refusal(AGE).contains("at least one label column"));
        assert!(refusal(r#"{ name = "y", kind = "label", label = "class" }"#).contains("at least one input column"));
        assert!(refusal(r#"{ name = "", kind = "ignore" }"#).contains("column 1 without name"));
        let none = r#"{ name = "y", kind = "label", label = { classes = [] } }"#;
        assert!(
            refusal(&format!("{AGE}, {none}"))
                .starts_with("schema.columns[1].label.classes must be at least two classes")
        );
        let twice =
            r#"{ name = "y", kind = "label", label = { binary = { positive = ["a"], negative = ["b", "a"] } } }"#;
        assert!(
            refusal(&format!("{AGE}, {twice}")).starts_with("schema.columns[1].label.binary must be distinct labels")
        );
        let again =
            r#"{ name = "y", kind = "label", label = "class" }, { name = "y", kind = "label", label = "value" }"#;
        let e = refusal(&format!("{AGE}, {again}"));
        assert!(e.starts_with("schema.columns[2].name must be of another task") && e.contains("task = \"..\""), "{e}");
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
        assert_eq!(e, "schema.tasks must be the tasks of the label columns (box, c), each once, found c");
    }

    #[test]
    fn a_column_is_an_input_and_labels_of_several_tasks() {
        let schema = schema(
            r#"{ name = "item", kind = "categorical" }, { name = "item", kind = "label", label = "class" },
               { name = "item", kind = "label", task = "cup", label = { binary = { positive = "cup" } } }"#,
        );
        schema.validate().unwrap();
        let names: Vec<_> = schema.tasks().unwrap().iter().map(|t| t.name.to_string()).collect();
        assert_eq!(names, ["item", "cup"]);
    }

    #[test]
    fn columns_of_any_name_are_tasks() {
        let label = |name: &str| format!(r#"{{ name = "{name}", kind = "label", label = "value" }}"#);
        let schema = schema(&format!("{AGE}, {}, {}, {}, {}", label("a.b"), label("a/b"), label("a_b"), label("7")));
        schema.validate().unwrap();
        let tasks = schema.tasks().unwrap();
        let names: Vec<_> = tasks.iter().map(|t| (t.name.as_str(), t.columns[0])).collect();
        assert_eq!(names, [("a_b_2", 1), ("a_b_3", 2), ("a_b", 3), ("task_7", 4)]);
    }
}
