//! Your own CSV files.
//!
//! ```toml
//! [data]
//! kind = "csv"
//! train = "train.csv.gz"     # validation and test are cut from it unless they have files of their own
//! [data.format]
//! delimiter = ";"            # or "whitespace"
//! decimal = ","
//! encoding = "windows-1252"
//! [data.schema]
//! missing = ["", "?"]
//! columns = [
//!     { name = "age", kind = "numeric" },
//!     { name = "job", kind = "categorical" },
//!     { name = "income", kind = "label", label = { binary = { positive = "high" } } },
//! ]
//! ```

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use mtl_core::{answer::AnswerTag, task::TaskName};
use serde::{Deserialize, Serialize};

use super::{DatasetPart, Splits, absent, located};
use crate::{
    error::{Error, Result},
    kept::{Cut, Loading, Part},
    preprocess::Preprocessing,
    source::{Source, Subset},
    split::{Shares, Split, TableKeys},
    table::{
        Also, CsvFormat, Faults, Files, FittedSchema, Schema, Table, column_names, look,
        stream::{Follow, Opened, Stop},
    },
};

/// CSV files and what their columns mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsvFiles {
    /// The folder that relative paths start from; one that is not here is looked for in `MTL_DATA_DIR`; default the current one.
    pub dir: Option<PathBuf>,
    /// The training file; required. Several of one header are one table: a list of paths, or a path with `*` in its last part, which is all
    /// such files by name.
    pub train: Files,
    /// A file for validation, or several; default: a part of the training file.
    pub validation: Option<Files>,
    /// A file for testing, or several; default: a part of the training file.
    pub test: Option<Files>,
    /// The part of the training file that validates when there is no validation file, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation_fraction: f64,
    /// The part of the training file that tests when there is no test file, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub test_fraction: f64,
    /// What those parts depend on; default 0.
    pub seed: u64,
    /// How those parts are cut: whole groups, by time, with equal shares; default row by row at random.
    #[serde(skip_serializing_if = "Split::is_random")]
    pub split: Split,
    /// How text is cut into fields.
    pub format: CsvFormat,
    /// What the columns mean.
    pub schema: Schema,
}

impl Default for CsvFiles {
    fn default() -> Self {
        Self {
            dir: None,
            train: Files::default(),
            validation: None,
            test: None,
            validation_fraction: 0.1,
            test_fraction: 0.1,
            seed: 0,
            split: Split::default(),
            format: CsvFormat::default(),
            schema: Schema::default(),
        }
    }
}

impl CsvFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// `InvalidConfig` without a training file or for a fraction out of range; [`Error::Absent`] for a file that is not
    /// there; whatever is wrong in a file or in the schema, with its place.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    /// Opens the training file as a stream, of which nothing is loaded; `-` is the standard input.
    ///
    /// # Errors
    /// `InvalidConfig` without a training file; as [`Opened::new`].
    pub fn stream(&self, follow: Option<Follow>, stop: Stop) -> Result<Opened> {
        if self.train.is_empty() {
            return Err(Error::config("csv", "train", "the path of a file, or - for the standard input", "none"));
        }
        let path = match self.train.is_standard_input() {
            true => PathBuf::from("-"),
            false => match self.train.found(&located(self.dir.as_deref())).map_err(absent)?.as_slice() {
                [only] => only.clone(),
                several => {
                    let expected = "one file as a stream, or - for the standard input, to which cat writes several";
                    return Err(Error::config("csv", "train", expected, several.len().to_string()));
                }
            },
        };
        Opened::new(&path, &self.format, &self.schema, follow, stop).map_err(absent)
    }

    /// Reads what can be read, and says all that is wrong: rows that cannot be cut are left out, fields that their column
    /// cannot hold and labels that no task has are missing. `None` where nothing can be read.
    #[must_use]
    pub fn examine(&self) -> (Option<Splits>, Vec<Error>) {
        DatasetPart::examine(self, &mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.read_all(loading, &mut Faults::default())
    }

    fn read_all(&self, loading: &mut Loading<'_>, faults: &mut Faults) -> Result<Splits> {
        if self.train.is_empty() {
            return Err(Error::config("csv", "train", "the path of a file", "none"));
        }
        self.format.validate().map_err(|e| e.inside("format"))?;
        self.split.validate()?;
        let names = self.split.names();
        let schema = self.schema_of_file(loading)?;
        let train = self.read("train", &self.train, &schema, Also::required(&names), loading, faults)?;
        let shares = Shares {
            validation: self.validation.is_none().then_some(self.validation_fraction),
            test: self.test.is_none().then_some(self.test_fraction),
        };
        let mut keys = TableKeys::new(&self.split, &schema, &train)?;
        let [learn, validation, test] = keys.cut("csv", shares, self.seed)?;

        let fitted = loading.fitted(|| FittedSchema::fit_with(&schema, &train, &learn, faults))?;
        let whole: Arc<dyn Source> = Arc::new(fitted.encode_with(&train, faults)?);
        let mut others = Vec::new();
        let mut other = |role, path: &Option<Files>, positions: Vec<u64>| -> Result<(Arc<dyn Source>, Part)> {
            let Some(path) = path else {
                let part = Part::at(&positions);
                return Ok((Arc::new(Subset::new(whole.clone(), positions)?), part));
            };
            let source: Arc<dyn Source> = match self.read(role, path, &schema, Also::welcome(&names), loading, faults) {
                Ok(table) => {
                    keys.file(role, &table)?;
                    let source = fitted.encode_with(&table, faults)?;
                    others.push(table);
                    Arc::new(source)
                }
                // A check goes on with the other files.
                Err(e) => {
                    faults.add(e)?;
                    Arc::new(Subset::new(whole.clone(), Vec::new())?)
                }
            };
            let part = Part::whole(source.len());
            Ok((source, part))
        };
        let (validation, validation_part) = other("validation", &self.validation, validation)?;
        let (test, test_part) = other("test", &self.test, test)?;
        let cut = Cut { train: Part::at(&learn), validation: validation_part, test: test_part };
        let mut findings = look(&fitted, &train, &learn, &others.iter().collect::<Vec<_>>())?;
        findings.extend(keys.findings());
        let dealt = keys.dealt();
        let preprocessing = Preprocessing::Table { format: self.format, fitted };
        let splits = Splits::new(&whole, learn, Vec::new(), test, Some(preprocessing))?;
        loading.finish(Splits { validation, findings, dealt, ..splits }, cut)
    }

    /// The schema with every column by its name: patterns are about the columns of the training file, of a run those that it was
    /// trained on.
    fn schema_of_file(&self, loading: &Loading<'_>) -> Result<Cow<'_, Schema>> {
        if !self.schema.has_patterns() {
            return Ok(Cow::Borrowed(&self.schema));
        }
        if let Some(kept) = loading.schema() {
            return Ok(Cow::Owned(kept.clone()));
        }
        // What does not depend on a file is said first.
        self.schema.validate()?;
        if !self.format.header {
            return self.schema.without_header().map(Cow::Borrowed);
        }
        let files = self.train.found(&located(self.dir.as_deref())).map_err(absent)?;
        let first = files.first().ok_or_else(|| Error::config("csv", "train", "the path of a file", "none"))?;
        let names = column_names(first, &self.format).map_err(absent)?;
        self.schema.for_columns(&names).map(Cow::Owned)
    }

    fn read(
        &self,
        role: &str,
        files: &Files,
        schema: &Schema,
        also: Also<'_>,
        loading: &mut Loading<'_>,
        faults: &mut Faults,
    ) -> Result<Table> {
        let mut tables = Vec::new();
        for (at, path) in files.found(&located(self.dir.as_deref())).map_err(absent)?.iter().enumerate() {
            let table = Table::read_with(path, &self.format, schema, also, faults).map_err(absent);
            let of_file = if at == 0 { role.to_owned() } else { format!("{role} {}", at + 1) };
            tables.push(loading.table(&of_file, path, table, role == "train")?);
        }
        Table::joined(tables)
    }
}

impl DatasetPart for CsvFiles {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        self.schema.answers()
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }

    fn examine(&self, loading: &mut Loading<'_>) -> (Option<Splits>, Vec<Error>) {
        let mut faults = Faults::collect();
        let splits = self.read_all(loading, &mut faults);
        let mut errors = faults.into_errors();
        (splits.map_err(|e| errors.push(e)).ok(), errors)
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }

    fn forget_places(&mut self) {
        let files = [Some(&mut self.train), self.validation.as_mut(), self.test.as_mut()];
        files.into_iter().flatten().for_each(Files::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatasetConfig, Kept, OnChange};
    use std::{fs, path::Path};

    const SCHEMA: &str = r#"columns = [
        { name = "x", kind = "numeric", transform = "none" },
        { name = "y", kind = "label", label = "class" },
    ]"#;

    fn config(dir: &Path) -> CsvFiles {
        let schema = toml::from_str(SCHEMA).unwrap();
        CsvFiles { dir: Some(dir.to_owned()), train: "train.csv".into(), schema, ..CsvFiles::default() }
    }

    #[test]
    fn parts_of_one_file_are_disjoint_and_complete() {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..100).map(|i| format!("{i},{}\n", i % 3)).collect();
        fs::write(dir.path().join("train.csv"), format!("x,y\n{rows}")).unwrap();
        let splits = config(dir.path()).load().unwrap();
        let ids = |source: &Arc<dyn Source>| {
            let all: Vec<u64> = (0..source.len()).collect();
            source.batch(&all).unwrap().ids
        };
        let (train, validation, test) = (ids(&splits.train), ids(&splits.validation), ids(&splits.test));
        assert_eq!((train.len(), validation.len(), test.len()), (81, 9, 10));
        let mut all = [train, validation, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn files_of_their_own_are_used_whole() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("train.csv"), "y,x\na,1\nb,2\n").unwrap();
        fs::write(dir.path().join("v.csv"), "x,y\n3,b\n").unwrap();
        fs::write(dir.path().join("t.csv"), "x,other,y\n4,?,a\n5,?,b\n").unwrap();
        let config = CsvFiles { validation: Some("v.csv".into()), test: Some("t.csv".into()), ..config(dir.path()) };
        let splits = config.load().unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (2, 1, 2));
        fs::write(dir.path().join("t.csv"), "x,y\n4,c\n").unwrap();
        let e = config.load().unwrap_err().to_string();
        let expected = r#"t.csv:2: column "y": label "c" of task y is none of "a", "b"; these are the classes of the training file: name all to allow others, label = { classes = ["a", "b", "c"] }"#;
        assert!(e.ends_with(expected), "{e}");
    }

    #[test]
    fn several_files_are_one_table() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let rows = |from: usize, to: usize| {
            (from..to).map(|i| format!("{i},{}\n", ["a", "b", "c"][i * 2 / 25])).collect::<String>()
        };
        write("all.csv", &format!("x,y\n{}", rows(0, 30)));
        write("part-1.csv", &format!("x,y\n{}", rows(0, 13)));
        let turned: String = (13..30).map(|i| format!("{},{i}\n", ["a", "b", "c"][i * 2 / 25])).collect();
        write("part-2.csv", &format!("y,x\n{turned}"));
        write("t.csv", "x,y\n4,a\n");
        let of = |train: Files| CsvFiles { train, test: Some("t.csv".into()), ..config(dir.path()) };
        let all = of("all.csv".into()).load().unwrap();
        let listed = of(Files::Many(vec!["part-1.csv".into(), "part-2.csv".into()]));
        for parts in [listed.clone(), of("part-*.csv".into())] {
            let splits = parts.load().unwrap();
            assert_eq!((splits.fitted(), splits.train.len()), (all.fitted(), all.train.len()));
            let batch = |splits: &Splits| splits.validation.batch(&[0, 1, 2]).unwrap();
            assert_eq!(batch(&splits).inputs.get("numeric").unwrap(), batch(&all).inputs.get("numeric").unwrap());
            let label = |splits: &Splits| batch(splits).targets[0].as_ref().unwrap().reference().unwrap();
            assert_eq!(label(&splits), label(&all));
            let files: Vec<_> = splits.provenance.files.iter().map(|f| (f.role.clone(), f.name.clone())).collect();
            let expected = [("train", "part-1.csv"), ("train 2", "part-2.csv"), ("test", "t.csv")];
            assert_eq!(files, expected.map(|(role, name)| (role.to_owned(), name.to_owned())));
        }
        let kept = Kept::of(&DatasetConfig::Csv(listed.clone()), &listed.load().unwrap());
        write("part-2.csv", &format!("y,x\n{}", turned.replace("c,29", "c,28")));
        let e = kept.load(&DatasetConfig::Csv(listed.clone()), OnChange::Refuse).unwrap_err().to_string();
        assert!(e.contains("part-2.csv: ") && e.contains("changed"), "{e}");
        let refusal = |text: &str| {
            write("part-2.csv", text);
            listed.load().unwrap_err().to_string()
        };
        assert!(refusal("y,x\na,1\nb,?\n").contains("part-2.csv:3: column \"x\": expected a finite number"));
        let e = refusal("x,y,z\n1,a,2\n");
        assert!(e.contains("part-2.csv:1: expected the columns of ") && e.ends_with("found \"z\" beside them"), "{e}");
        let e = of("piece-*.csv".into()).load().unwrap_err().to_string();
        assert!(e.contains("piece-*.csv: there is no such file"), "{e}");
        let mut stream = of("part-*.csv".into());
        let e = stream.stream(None, Stop::default()).unwrap_err().to_string();
        assert!(e.contains("one file as a stream") && e.ends_with("found 2"), "{e}");
        stream.train = "all.csv".into();
        stream.stream(None, Stop::default()).unwrap();
        let read: CsvFiles = toml::from_str("train = [\"a.csv\", \"b.csv\"]").unwrap();
        assert_eq!(read.train, Files::Many(vec!["a.csv".into(), "b.csv".into()]));
    }

    #[test]
    fn a_check_says_all_that_is_wrong_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..30)
            .map(|i| format!("{},{}\n", if i == 7 { "?".into() } else { i.to_string() }, ["a", "b"][i % 2]))
            .collect();
        fs::write(dir.path().join("train.csv"), format!("x,y\n{rows}1\n")).unwrap();
        fs::write(dir.path().join("v.csv"), "x,y\n3,c\n4,a\n5,d\n").unwrap();
        fs::write(dir.path().join("t.csv"), "z,y\n3,c\n").unwrap();
        let config = CsvFiles { validation: Some("v.csv".into()), test: Some("t.csv".into()), ..config(dir.path()) };
        let (splits, errors) = config.examine();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        for (e, part) in errors.iter().zip(["train.csv:9", "train.csv:32", "v.csv:2", "t.csv:1"]) {
            assert!(e.contains(part), "{errors:#?}");
        }
        assert_eq!(errors.len(), 4, "{errors:#?}");
        let splits = splits.unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (30, 3, 0));
        assert_eq!(config.load().unwrap_err().to_string(), errors[0]);
        let (splits, errors) = CsvFiles { train: "none.csv".into(), ..config }.examine();
        assert!(splits.is_none() && errors.len() == 1);
        let e = errors[0].to_string();
        assert!(e.contains("none.csv: there is no such file") && e.contains("MTL_DATA_DIR"), "{e}");
    }

    #[test]
    fn patterns_are_about_the_columns_of_the_training_file() {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..40).map(|i| format!("{i},{},{},k{}\n", i % 5, i % 2, i % 3)).collect();
        fs::write(dir.path().join("train.csv"), format!("x1,x2,y,town\n{rows}")).unwrap();
        fs::write(dir.path().join("t.csv"), "town,y,x2,x3,x1\nk1,0,1,?,2\n").unwrap();
        let with = |columns: &str| {
            let schema = toml::from_str(&format!("columns = [{columns}]")).unwrap();
            CsvFiles { schema, test: Some("t.csv".into()), ..config(dir.path()) }
        };
        let y = r#"{ name = "y", kind = "label", label = "class" }"#;
        let short =
            with(&format!(r#"{{ name = "x*", kind = "numeric" }}, {{ name = "*", kind = "categorical" }}, {y}"#));
        let long = with(&format!(
            r#"{{ name = "x1", kind = "numeric" }}, {{ name = "x2", kind = "numeric" }},
               {{ name = "town", kind = "categorical" }}, {y}"#
        ));
        let (of_short, of_long) = (short.load().unwrap(), long.load().unwrap());
        assert_eq!(of_short.fitted(), of_long.fitted());
        let [short_rows, long_rows] = [&of_short, &of_long].map(|splits| splits.test.batch(&[0]).unwrap().inputs);
        for input in ["numeric", "categorical"] {
            assert_eq!(short_rows.get(input).unwrap(), long_rows.get(input).unwrap(), "{input}");
        }
        let e = with(&format!(r#"{{ name = "z*", kind = "numeric" }}, {y}"#)).load().unwrap_err().to_string();
        assert!(e.starts_with("schema.columns[0].name must be a pattern of columns that the training file has"), "{e}");
        let no_header = CsvFiles { format: CsvFormat { header: false, ..CsvFormat::default() }, ..short.clone() };
        assert!(no_header.load().unwrap_err().to_string().contains("a file without a header"));
        let (splits, errors) = CsvFiles { train: "none.csv".into(), ..short }.examine();
        assert!(splits.is_none() && errors[0].to_string().contains("there is no such file"), "{errors:?}");
    }

    #[test]
    fn settings_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let e = CsvFiles::default().load().unwrap_err().to_string();
        assert_eq!(e, "csv: train must be the path of a file, found none");
        fs::write(dir.path().join("train.csv"), "x,y\n1,a\n2,b\n3,a\n").unwrap();
        let bad = CsvFiles { test_fraction: 1.5, ..config(dir.path()) };
        assert_eq!(bad.load().unwrap_err().to_string(), "csv: test_fraction must be a fraction in (0, 1), found 1.5");
    }
}
