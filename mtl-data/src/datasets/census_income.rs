//! Census-Income (KDD): 1994 and 1995 population surveys of the US Census Bureau.
//!
//! 199 523 rows for training and 99 762 for testing, 42 columns, no header. Two binary tasks, as in the MMoE paper:
//! `income` (over 50 000 dollars, 6.2 % positive) and `marital` (never married, 43 %). Their columns are not inputs, nor
//! is the instance weight; what remains are 39 categorical columns: the seven numbers among them (age, amounts of money,
//! weeks) take few values and act in steps, so each value seen at least three times gets a code of its own. On the
//! validation split that is worth 0.003 income AUROC over standardized numbers. A seeded part of the training file is
//! held out for validation; vocabularies and scales come from the rest of it alone.
//!
//! **Reference**: UCI KDD archive, "Census-Income (KDD)", CC BY 4.0; tasks: J. Ma et al., "Modeling Task Relationships in
//! Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
//! **Differs from** the paper: their numbers come from own feature handling that is not published, so levels compare
//! within one pipeline only.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{DatasetPart, Splits, dataset_dir, file};
use crate::{
    error::Result,
    kept::{Cut, Loading, Part},
    preprocess::Preprocessing,
    source::{Source, split},
    split::{Shares, Split, TableKeys},
    table::{Also, Column, CsvFormat, Faults, FittedSchema, LabelSpec, Schema, Table},
};
use mtl_core::{answer::AnswerTag, task::TaskName};

const NAME: &str = "census-income";
const TRAIN: &str = "census_income_1994_1995_train.csv";
const TEST: &str = "census_income_1994_1995_test.csv";

/// The census data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CensusIncome {
    /// The folder with both files; default `data/census-income` in the cache.
    pub dir: Option<PathBuf>,
    /// The part of the training file that is held out for validation, in `[0, 1)`; default 0.1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub validation: f64,
    /// What that part depends on; default 0.
    pub seed: u64,
    /// How that part is cut, by columns of the file; default row by row at random.
    #[serde(skip_serializing_if = "Split::is_random")]
    pub split: Split,
}

impl Default for CensusIncome {
    fn default() -> Self {
        Self { dir: None, validation: 0.1, seed: 0, split: Split::default() }
    }
}

impl CensusIncome {
    /// How the published files are written.
    pub const FORMAT: CsvFormat = CsvFormat { header: false, ..CsvFormat::DEFAULT };

    /// Reads both files.
    ///
    /// # Errors
    /// [`Error::NoFile`](crate::Error::NoFile); whatever is wrong in a file, with its place; `InvalidConfig` for a
    /// fraction out of range.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let dir = dataset_dir(self.dir.as_deref(), NAME)?;
        let schema = Self::schema()?;
        self.split.validate()?;
        let names = self.split.names();
        let read = |name: &str| {
            let path = file(&dir, name, NAME)?;
            Table::read_with(&path, &Self::FORMAT, &schema, Also::required(&names), &mut Faults::default())
        };
        let (train, test) = rayon::join(|| read(TRAIN), || read(TEST));
        let train = loading.table("train", &dir.join(TRAIN), train, true)?;
        let test = loading.table("test", &dir.join(TEST), test, false)?;
        let mut keys = TableKeys::new(&self.split, &schema, &train)?;
        keys.file("test", &test)?;
        let (learn, held_out) = match self.split.is_random() {
            // As in all runs before there were other ways: the seed of the cut is the data set's own, and nothing may be held out.
            true => {
                let (learn, held_out) = split(train.n_rows() as u64, self.validation, self.seed)?;
                keys.cut_at([&learn, &held_out, &[]]);
                (learn, held_out)
            }
            false => {
                let shares = Shares { validation: Some(self.validation), test: None };
                let [learn, held_out, _] = keys.cut(NAME, shares, self.seed)?;
                (learn, held_out)
            }
        };
        let fitted = loading.fitted(|| FittedSchema::fit(&schema, &train, &learn))?;
        let cut =
            Cut { train: Part::at(&learn), validation: Part::at(&held_out), test: Part::whole(test.n_rows() as u64) };
        let whole: Arc<dyn Source> = Arc::new(fitted.encode(&train)?);
        let test: Arc<dyn Source> = Arc::new(fitted.encode(&test)?);
        let preprocessing = Preprocessing::Table { format: Self::FORMAT, fitted };
        let (findings, dealt) = (keys.findings(), keys.dealt());
        let splits = Splits::new(&whole, learn, held_out, test, Some(preprocessing))?;
        loading.finish(Splits { findings, dealt, ..splits }, cut)
    }

    /// What the 42 columns are.
    ///
    /// # Errors
    /// None in practice: the task names are constants.
    pub fn schema() -> Result<Schema> {
        let column = |&(name, kind): &(&str, Kind)| {
            let name = name.to_owned();
            let label = |task: &str, positive: &str| -> Result<Column> {
                let label = LabelSpec::Binary { positive: vec![positive.to_owned()], negative: Vec::new() };
                Ok(Column::Label { name: name.clone(), task: Some(TaskName::new(task)?), label })
            };
            Ok(match kind {
                Kind::Text => Column::Categorical { name, min_count: 1, hash: None, buckets: None },
                Kind::Number => Column::Categorical { name, min_count: 3, hash: None, buckets: None },
                Kind::Marital => label("marital", "Never married")?,
                Kind::Income => label("income", "50000+.")?,
                Kind::Ignore => Column::Ignore { name },
            })
        };
        // Income is the last column of the file and the first task of every paper.
        let tasks = vec![TaskName::new("income")?, TaskName::new("marital")?];
        Ok(Schema { tasks, columns: COLUMNS.iter().map(column).collect::<Result<_>>()?, ..Schema::default() })
    }
}

impl DatasetPart for CensusIncome {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Self::schema()?.answers()
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Marital,
    Income,
    Ignore,
}

/// Names as in the data set's own description.
const COLUMNS: [(&str, Kind); 42] = [
    ("age", Kind::Number),
    ("class of worker", Kind::Text),
    ("detailed industry recode", Kind::Text),
    ("detailed occupation recode", Kind::Text),
    ("education", Kind::Text),
    ("wage per hour", Kind::Number),
    ("enroll in edu inst last wk", Kind::Text),
    ("marital stat", Kind::Marital),
    ("major industry code", Kind::Text),
    ("major occupation code", Kind::Text),
    ("race", Kind::Text),
    ("hispanic origin", Kind::Text),
    ("sex", Kind::Text),
    ("member of a labor union", Kind::Text),
    ("reason for unemployment", Kind::Text),
    ("full or part time employment stat", Kind::Text),
    ("capital gains", Kind::Number),
    ("capital losses", Kind::Number),
    ("dividends from stocks", Kind::Number),
    ("tax filer stat", Kind::Text),
    ("region of previous residence", Kind::Text),
    ("state of previous residence", Kind::Text),
    ("detailed household and family stat", Kind::Text),
    ("detailed household summary in household", Kind::Text),
    ("instance weight", Kind::Ignore),
    ("migration code-change in msa", Kind::Text),
    ("migration code-change in reg", Kind::Text),
    ("migration code-move within reg", Kind::Text),
    ("live in this house 1 year ago", Kind::Text),
    ("migration prev res in sunbelt", Kind::Text),
    ("num persons worked for employer", Kind::Number),
    ("family members under 18", Kind::Text),
    ("country of birth father", Kind::Text),
    ("country of birth mother", Kind::Text),
    ("country of birth self", Kind::Text),
    ("citizenship", Kind::Text),
    ("own business or self employed", Kind::Text),
    ("fill inc questionnaire for veteran's admin", Kind::Text),
    ("veterans benefits", Kind::Text),
    ("weeks worked in year", Kind::Number),
    ("year", Kind::Text),
    ("income", Kind::Income),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_published_shape() {
        let schema = CensusIncome::schema().unwrap();
        schema.validate().unwrap();
        let count = |wanted: fn(&Column) -> bool| schema.columns.iter().filter(|c| wanted(c)).count();
        assert_eq!(count(|c| matches!(c, Column::Categorical { .. })), 39);
        assert_eq!(count(|c| matches!(c, Column::Categorical { min_count: 3, .. })), 7);
        assert!(matches!(&schema.columns[24], Column::Ignore { name } if name == "instance weight"));
        let (marital, income) = (&schema.columns[7], &schema.columns[41]);
        assert!(matches!(marital, Column::Label { task: Some(task), .. } if task.as_str() == "marital"));
        assert!(matches!(income, Column::Label { task: Some(task), .. } if task.as_str() == "income"));
    }
}
