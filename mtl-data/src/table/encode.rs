//! A table and what was learned for its columns, to rows ready to be gathered.
//!
//! Columns are read from front to back and written row by row, a block of rows at a time so that the block stays in the
//! cache. Texts were counted once by the reader, so encoding a text is one look-up in a small array.

use ndarray::Array2;
use rayon::prelude::*;

use super::{
    Faults, FittedColumn, FittedSchema, Table, TableColumn, advice,
    buckets::{code_of_number, code_of_text},
    fields,
    fit::{positions, same_columns},
    label_text::LabelTexts,
    sample_facts::SampleFacts,
    scale::Scale,
    schema::{Column, LabelSpec, TaskColumns},
};
use crate::{
    error::{Error, Result},
    info::DataInfo,
    source::{Codes, Labels, TableSource},
};
use mtl_core::batch::MISSING_CLASS;

/// Rows written together: a block of 4096 rows of 40 columns fits the second-level cache.
const BLOCK: usize = 4096;

impl FittedSchema {
    /// All rows of a table that was read with [`FittedSchema::schema`]; sample ids are row numbers.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] for the first row whose label its task does not have; [`Error::Field`] for the first that has a
    /// weight below 0 or no group; [`Error::NoWeight`] where no row counts.
    pub fn encode(&self, table: &Table) -> Result<TableSource> {
        self.encode_with(table, &mut Faults::default())
    }

    pub(crate) fn encode_with(&self, table: &Table, faults: &mut Faults) -> Result<TableSource> {
        same_columns(self.schema(), table)?;
        let tasks = self.schema().tasks()?;
        let labels = tasks.iter().map(|task| self.labels(table, task, faults)).collect::<Result<_>>()?;
        let facts = SampleFacts::read(self.schema(), table, &tasks, faults)?;
        self.rows(table, self.info()?, labels)?.with_sample_facts(facts)
    }

    /// All rows of a table without looking at its labels: a source without tasks.
    ///
    /// # Errors
    /// `InvalidConfig` for a table that was read with another schema.
    pub fn encode_inputs(&self, table: &Table) -> Result<TableSource> {
        same_columns(self.schema(), table)?;
        self.rows(table, DataInfo { inputs: self.inputs(), tasks: Vec::new() }, Vec::new())
    }

    fn rows(&self, table: &Table, info: DataInfo, labels: Vec<Labels>) -> Result<TableSource> {
        let n_rows = table.n_rows();
        let largest = info.inputs.iter().flat_map(|(_, modality)| modality.cardinalities()).max();
        let codes = self.codes(table, n_rows, largest);
        let numeric = self.numeric(table, n_rows);
        TableSource::from_rows(info, n_rows, codes, numeric, labels)
    }

    /// Codes row by row, as narrow as the largest vocabulary allows.
    #[expect(clippy::cast_possible_truncation, reason = "codes are below the largest cardinality, which was compared")]
    fn codes(&self, table: &Table, n_rows: usize, largest: Option<i64>) -> Codes {
        let mut columns = Vec::new();
        for ((column, spec), fitted) in table.columns().iter().zip(&self.schema().columns).zip(self.columns()) {
            match (spec, column, fitted) {
                (_, TableColumn::Text { codes, dictionary }, FittedColumn::Categorical { vocabulary }) => {
                    let known = positions(vocabulary);
                    let code = |text: &String| known.get(text.as_str()).map_or(0, |&position| position as u32 + 1);
                    columns.push(Coded::Text(codes, dictionary.iter().map(code).collect()));
                }
                (
                    Column::Categorical { hash: Some(n), .. },
                    TableColumn::Text { codes, dictionary },
                    FittedColumn::Hashed,
                ) => {
                    let of_texts: Vec<u32> = dictionary.iter().map(|text| code_of_text(text, *n)).collect();
                    columns.push(Coded::Text(codes, of_texts));
                }
                (_, TableColumn::Numbers(values), FittedColumn::Buckets { edges }) => {
                    columns.push(Coded::Number(values, edges));
                }
                _ => {}
            }
        }
        let lookup = |column: &Coded<'_>, row: usize| match column {
            Coded::Text(codes, of_texts) => of_texts.get(codes[row] as usize).copied().unwrap_or(0),
            Coded::Number(values, edges) => code_of_number(edges, values[row]),
        };
        if largest.unwrap_or(0) <= i64::from(u16::MAX) + 1 {
            Codes::Narrow(by_row(n_rows, &columns, |column, row| lookup(column, row) as u16))
        } else {
            Codes::Wide(by_row(n_rows, &columns, lookup))
        }
    }

    /// Scaled numbers row by row.
    #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
    fn numeric(&self, table: &Table, n_rows: usize) -> Vec<f32> {
        let (mut columns, mut indicators) = (Vec::new(), Vec::new());
        for ((column, spec), fitted) in table.columns().iter().zip(&self.schema().columns).zip(self.columns()) {
            if let (TableColumn::Numbers(values), Some(scale), FittedColumn::Numeric { fill, .. }) =
                (column, Scale::of(spec, fitted), fitted)
            {
                columns.push(Field::Number(values, scale, scale.forward(*fill) as f32));
                indicators.extend(spec.indicator().map(|_| Field::IsMissing(values)));
            }
        }
        columns.append(&mut indicators);
        for ((column, spec), fitted) in table.columns().iter().zip(&self.schema().columns).zip(self.columns()) {
            let is_missing = |text: &str| self.schema().is_missing(text);
            columns.extend(fields::cells(spec, fitted, column, is_missing).into_iter().map(Field::OfSeveral));
        }
        by_row(n_rows, &columns, |field, row| match field {
            Field::Number(values, scale, _) if !values[row].is_nan() => scale.forward(values[row]) as f32,
            Field::Number(_, _, fill) => *fill,
            Field::IsMissing(values) => f32::from(values[row].is_nan()),
            Field::OfSeveral(cell) => cell.at(row),
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "targets are f32")]
    fn labels(&self, table: &Table, task: &TaskColumns, faults: &mut Faults) -> Result<Labels> {
        let mut columns: Vec<Vec<f32>> = Vec::new();
        for &idx in &task.columns {
            let spec = self.schema().label_spec(idx);
            let known = match self.columns().get(idx) {
                Some(FittedColumn::Label { known }) => known.as_slice(),
                _ => &[],
            };
            let mut refuse = |rows: &[usize]| {
                faults.add_unknown(rows);
                rows.first().map_or(Ok(()), |&row| faults.add(self.unknown(table, task, idx, row, known)))
            };
            match (spec, &table.columns()[idx]) {
                (
                    Some(LabelSpec::Class | LabelSpec::Classes(_) | LabelSpec::Ordinal(_)),
                    TableColumn::Text { codes, dictionary },
                ) => {
                    let classes = LabelTexts::new(known);
                    let meanings = self
                        .meanings(dictionary, |text| classes.find(text).and_then(|class| i64::try_from(class).ok()));
                    let (labels, unknown) = meanings_of_rows(codes, &meanings, MISSING_CLASS);
                    refuse(&unknown)?;
                    return Ok(Labels::indices(labels));
                }
                (Some(LabelSpec::Binary { positive, negative }), TableColumn::Text { codes, dictionary }) => {
                    let named = [positive.as_slice(), negative].concat();
                    let (named, known) = (LabelTexts::new(&named), LabelTexts::new(known));
                    let meanings = self.meanings(dictionary, |text| match named.find(text) {
                        Some(place) => Some(f32::from(place < positive.len())),
                        None => known.find(text).map(|_| 0.0),
                    });
                    let (labels, unknown) = meanings_of_rows(codes, &meanings, f32::NAN);
                    refuse(&unknown)?;
                    columns.push(labels);
                }
                (_, TableColumn::Numbers(numbers)) => columns.push(numbers.iter().map(|&x| x as f32).collect()),
                (Some(LabelSpec::Value) | None, TableColumn::Text { .. })
                | (_, TableColumn::Vectors { .. } | TableColumn::Ignored) => {}
            }
        }
        let cell = |(row, column): (usize, usize)| -> f32 { columns[column][row] };
        Ok(Labels::numbers(Array2::from_shape_fn((table.n_rows(), columns.len()), cell)))
    }

    /// What each text of a label column means.
    fn meanings<T>(&self, dictionary: &[String], label: impl Fn(&str) -> Option<T>) -> Vec<Meaning<T>> {
        let meaning = |text: &String| match label(text) {
            _ if self.schema().is_missing(text) => Meaning::Missing,
            Some(label) => Meaning::Label(label),
            None => Meaning::Unknown,
        };
        dictionary.iter().map(meaning).collect()
    }
}

/// A numeric field, and what it is made of.
enum Field<'a> {
    /// Numbers, how they are scaled, and what stands for a gap.
    Number(&'a [f64], Scale<'a>, f32),
    /// 1 where one is missing, else 0.
    IsMissing(&'a [f64]),
    /// One of several that a column becomes.
    OfSeveral(fields::Cell<'a>),
}

/// A field of codes, and what it is made of.
enum Coded<'a> {
    /// Codes of the table, and the code of the field for each of them.
    Text(&'a [u32], Vec<u32>),
    /// Numbers, and the edges of their ranges.
    Number(&'a [f64], &'a [f64]),
}

/// What a text in a label column says.
enum Meaning<T> {
    Label(T),
    Missing,
    Unknown,
}

/// One label per row, unknown ones as missing; and the rows with an unknown one.
fn meanings_of_rows<T: Copy>(codes: &[u32], meanings: &[Meaning<T>], missing: T) -> (Vec<T>, Vec<usize>) {
    let mut unknown = Vec::new();
    let label = |(row, &code): (usize, &u32)| match meanings.get(code as usize) {
        Some(Meaning::Label(label)) => *label,
        Some(Meaning::Missing) => missing,
        Some(Meaning::Unknown) | None => {
            unknown.push(row);
            missing
        }
    };
    (codes.iter().enumerate().map(label).collect(), unknown)
}

impl FittedSchema {
    fn unknown(&self, table: &Table, task: &TaskColumns, idx: usize, row: usize, known: &[String]) -> Error {
        let label = match &table.columns()[idx] {
            TableColumn::Text { codes, dictionary } => {
                codes.get(row).and_then(|&code| dictionary.get(code as usize)).cloned().unwrap_or_default()
            }
            _ => String::new(),
        };
        let advice = match self.schema().label_spec(idx) {
            _ if advice::usually_missing(&label) => {
                format!("if that means not known, {}", advice::missing_line(self.schema(), &label))
            }
            Some(LabelSpec::Classes(_)) => "these are the classes that the column names: add it there".to_owned(),
            Some(LabelSpec::Ordinal(_)) => "these are the grades that the column names: add it in its place".to_owned(),
            Some(LabelSpec::Binary { positive, negative }) => {
                let list = |texts: &[String]| texts.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>().join(", ");
                match negative.is_empty() {
                    true => format!(
                        "these are the labels of the training file: name those that mean no to allow others, \
                         label = {{ binary = {{ positive = [{}], negative = [..] }} }}",
                        list(positive)
                    ),
                    false => "these are the labels that the column names: add it to positive or negative".to_owned(),
                }
            }
            Some(LabelSpec::Class | LabelSpec::Value) | None => {
                const SHOWN: usize = 12;
                let cut = if known.len() > SHOWN { ".., " } else { "" };
                let shown: String = known.iter().take(SHOWN).map(|text| format!("{text:?}, ")).collect();
                format!(
                    "these are the classes of the training file: name all to allow others, label = {{ classes = \
                     [{shown}{cut}{label:?}] }}"
                )
            }
        };
        Error::UnknownLabel {
            path: table.file(row).to_owned(),
            line: table.line(row),
            column: self.schema().columns[idx].name().into(),
            task: task.name.as_str().into(),
            label: label.into(),
            known: known.to_vec(),
            advice: advice.into(),
        }
    }
}

/// `cell(column, row)` for all rows, row by row.
fn by_row<C: Sync, T: Copy + Default + Send>(
    n_rows: usize,
    columns: &[C],
    cell: impl Fn(&C, usize) -> T + Sync,
) -> Vec<T> {
    let width = columns.len();
    let mut cells = vec![T::default(); n_rows * width];
    if width == 0 {
        return cells;
    }
    cells.par_chunks_mut(BLOCK * width).enumerate().for_each(|(block, cells)| {
        for (at, column) in columns.iter().enumerate() {
            for (row, cells) in cells.chunks_exact_mut(width).enumerate() {
                cells[at] = cell(column, block * BLOCK + row);
            }
        }
    });
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::Source,
        table::{CsvFormat, Schema},
    };
    use mtl_core::prediction::Reference;
    use ndarray::array;

    const SCHEMA: &str = r#"
        missing = ["?"]
        columns = [
            { name = "color", kind = "categorical" },
            { name = "size", kind = "numeric", transform = "none", missing = "mean" },
            { name = "grade", kind = "label", label = "class" },
            { name = "w", kind = "label", task = "box", label = "value" },
            { name = "h", kind = "label", task = "box", label = "value" },
            { name = "hot", kind = "label", task = "tags", label = { binary = { positive = ["yes", "y"] } } },
            { name = "new", kind = "label", task = "tags", label = { binary = { positive = "1" } } },
        ]"#;

    fn read(text: &str) -> (Schema, Table) {
        let schema: Schema = toml::from_str(SCHEMA).unwrap();
        let format = CsvFormat { header: false, ..CsvFormat::default() };
        let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &format, &schema).unwrap();
        (schema, table)
    }

    #[test]
    fn rows_by_hand() {
        let (schema, train) = read("red,1,b,1,2,y,0\nblue,3,a,3,4,no,1\nblue,?,?,5,?,?,1\n");
        let fitted = FittedSchema::fit(&schema, &train, &[0, 1, 2]).unwrap();
        let (_, test) = read("pink,7,a,0.5,?,yes,0\nred,?,?,1,1,no,1\n");
        let batch = fitted.encode(&test).unwrap().batch(&[1, 0]).unwrap();
        assert_eq!(Vec::<i64>::try_from(batch.inputs.get("categorical").unwrap().view(-1)).unwrap(), [2, 0]);
        assert_eq!(Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap(), [2.0, 7.0]);
        let reference = |task: usize| batch.targets[task].as_ref().unwrap().reference().unwrap();
        assert_eq!(reference(0), Reference::Class(vec![MISSING_CLASS, 0]));
        let Reference::Values(values) = reference(1) else { panic!() };
        assert!(values.row(0) == array![1.0, 1.0] && (values[[1, 0]] - 0.5).abs() < 1e-9 && values[[1, 1]].is_nan());
        assert_eq!(reference(2), Reference::MultiLabel(array![[0.0, 1.0], [1.0, 0.0]]));
    }

    #[test]
    fn gaps_are_filled_and_told() {
        let columns = r#"{ name = "size", kind = "numeric", transform = "none", missing = "indicator" },
            { name = "w", kind = "numeric", transform = "none" }, { name = "y", kind = "label", label = "value" }"#;
        let schema: Schema = toml::from_str(&format!("missing = [\"?\"]\ncolumns = [{columns}]")).unwrap();
        let format = CsvFormat { header: false, ..CsvFormat::default() };
        let table = Table::parse("t.csv".as_ref(), b"1,5,1\n?,6,1\n3,7,1\n", &format, &schema).unwrap();
        let fitted = FittedSchema::fit(&schema, &table, &[0, 1, 2]).unwrap();
        let batch = fitted.encode(&table).unwrap().batch(&[1, 0, 2]).unwrap();
        let numbers = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
        assert_eq!(numbers, [2.0, 6.0, 1.0, 1.0, 5.0, 0.0, 3.0, 7.0, 0.0]);
        assert_eq!(fitted.stand_ins(), [Some(2.0), None, None]);
        let text = serde_json::to_string(&fitted.inputs()).unwrap();
        assert!(text.contains(r#""names":["size","w","size missing"]"#) && text.contains("[0.0,1.0]]"), "{text}");
        let taken = format!(r#"{columns}, {{ name = "size missing", kind = "numeric" }}"#);
        let taken: Schema = toml::from_str(&format!("columns = [{taken}]")).unwrap();
        let e = taken.validate().unwrap_err().to_string();
        assert!(e.starts_with("schema.columns[0].missing must be \"mean\" or \"refuse\""), "{e}");
    }

    #[test]
    fn an_unknown_label_names_file_line_column_and_what_is_known() {
        let (schema, train) = read("red,1,b,1,2,y,0\nblue,3,a,3,4,yes,1\n");
        let fitted = FittedSchema::fit(&schema, &train, &[0, 1]).unwrap();
        let refusal = |text: &str| fitted.encode(&read(text).1).unwrap_err().to_string();
        assert_eq!(
            refusal("red,1,a,1,1,y,0\n\nred,1,C,1,1,y,0\n"),
            r#"t.csv:3: column "grade": label "C" of task grade is none of "a", "b"; these are the classes of the training file: name all to allow others, label = { classes = ["a", "b", "C"] }"#
        );
        let e = refusal("red,1,a,1,1,maybe,0\n");
        assert!(e.starts_with(r#"t.csv:1: column "hot": label "maybe" of task tags is none of "#), "{e}");
        assert!(e.contains(r#"positive = ["yes", "y"], negative = [..]"#), "{e}");
        let e = refusal("red,1,N/A,1,1,y,0\n");
        assert!(e.ends_with(r#"if that means not known, write missing = ["?", "N/A"] under [data.schema]"#), "{e}");
    }

    #[test]
    fn other_spellings_of_a_label_are_that_label() {
        let (schema, train) = read("red,1,2,1,2,y,0\nblue,3,1,3,4,yes,1\n");
        let fitted = FittedSchema::fit(&schema, &train, &[0, 1]).unwrap();
        let (_, test) = read("red,1,2.0,1,1,YES,1.0\nred,1, 1.00,1,1,y,0.0\n");
        let batch = fitted.encode(&test).unwrap().batch(&[0, 1]).unwrap();
        let reference = |task: usize| batch.targets[task].as_ref().unwrap().reference().unwrap();
        assert_eq!(reference(0), Reference::Class(vec![1, 0]));
        assert_eq!(reference(2), Reference::MultiLabel(array![[1.0, 1.0], [1.0, 0.0]]));
    }
}
