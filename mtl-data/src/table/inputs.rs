//! Rows to predict for: a file read block by block, without labels.
//!
//! Columns are found as in training, by name where there is a header, by position where there is none; columns of labels,
//! weights and groups may be missing, ids, and ignored ones. A block is about a megabyte, so that a file of any size costs the
//! memory of one; a row's codes and numbers do not depend on how the file was cut.
//!
//! Answers stand beside lines, so each line is a row: in a file of one column an empty line is a row whose value is
//! missing, in one of several columns it is refused unless only such lines follow.

use std::{
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    Faults, FittedSchema, ReadRows, Table, TableColumn, Told, chunk, find,
    format::CsvFormat,
    header::{FirstRow, LONGEST_ROW},
    parse::{Blank, Layout, OnFault, Plan},
    plans,
    schema::Column,
    text::TextReader,
};
use crate::{
    error::{Error, Result},
    kept::Content,
    source::TableSource,
};

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// The rows of a table, encoded, a block at a time: an iterator of sources without tasks.
pub struct InputRows<R: Read> {
    fitted: FittedSchema,
    path: PathBuf,
    reader: TextReader<R>,
    format: CsvFormat,
    delimiter: u8,
    /// The columns of the file.
    names: Vec<String>,
    plans: Vec<Plan>,
    /// Where in the file each column of the schema stands, if it is read.
    places: Vec<Option<usize>>,
    /// What rows are called: the names of columns of the schema that the file has, with their places there.
    ids: Vec<(String, usize)>,
    /// What the rows of the block given last are called, by these columns.
    block_ids: Vec<TableColumn>,
    pending: Vec<u8>,
    block: usize,
    line: u64,
    /// The first of the blank lines just before, which are faults if a row follows.
    blank: Option<u64>,
    n_rows: u64,
    failed: bool,
}

impl<R: Read> std::fmt::Debug for InputRows<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InputRows").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl FittedSchema {
    /// The rows of a file, without their labels.
    ///
    /// # Errors
    /// As [`FittedSchema::parse_inputs`]; [`Error::Io`] when the file cannot be opened.
    pub fn read_inputs(&self, path: &Path, format: &CsvFormat) -> Result<InputRows<File>> {
        self.parse_inputs(path, File::open(path).map_err(|e| Error::io(path, e))?, format)
    }

    /// The rows of a text that comes from anywhere; `path` is what errors call it. Errors of rows come from the iterator:
    /// those of [`Table::read`] but for labels, which are not looked at.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::MissingColumn`], [`Error::ColumnCount`] or [`Error::Field`] for what is wrong in the
    /// header or, without one, in the first row; [`Error::Io`].
    pub fn parse_inputs<R: Read>(&self, path: &Path, reader: R, format: &CsvFormat) -> Result<InputRows<R>> {
        self.parse_blocks(path, reader, format, BLOCK)
    }

    pub(super) fn parse_blocks<R: Read>(
        &self,
        path: &Path,
        reader: R,
        format: &CsvFormat,
        block: usize,
    ) -> Result<InputRows<R>> {
        self.validate()?;
        format.validate()?;
        let mut rows = InputRows {
            fitted: self.clone(),
            path: path.to_owned(),
            reader: TextReader::open(path, reader, *format)?,
            format: *format,
            delimiter: format.delimiter_byte()?,
            names: Vec::new(),
            plans: Vec::new(),
            places: Vec::new(),
            ids: Vec::new(),
            block_ids: Vec::new(),
            pending: Vec::new(),
            block,
            line: 1,
            blank: None,
            n_rows: 0,
            failed: false,
        };
        rows.lay_out(format.header)?;
        Ok(rows)
    }
}

impl<R: Read> InputRows<R> {
    /// Finds the columns, by the header or by the first row.
    fn lay_out(&mut self, has_header: bool) -> Result<()> {
        let row = FirstRow::read(&self.path, &mut self.reader, &mut self.pending, &self.format, self.block)?;
        let first = row.fields;
        let at = if has_header && first.is_ok() { row.end } else { 0 };
        // The header of JSON lines stands in no line of theirs.
        self.line += if at > 0 && !self.reader.is_json() { row.lines } else { 0 };
        let text = self.pending.drain(..at).collect::<Vec<u8>>();
        let columns = &self.fitted.schema().columns;
        if has_header {
            self.names = first?;
            let place = |column: &Column| match column {
                column if column.is_input() => {
                    find(&self.path, column.name(), &self.names, &text, &self.format).map(Some)
                }
                _ => Ok(None),
            };
            self.places = columns.iter().map(place).collect::<Result<_>>()?;
        } else {
            // A column that is an input as well stands in the file whether labels, weights and groups do or not.
            let schema = self.fitted.schema();
            let own = schema.own_columns();
            let is_label =
                |name: &String| schema.columns.iter().filter(|c| c.name() == name).all(Column::is_about_answers);
            let n_labels = own.iter().filter(|name| is_label(name)).count();
            // Whatever is wrong in the first row is said, with its place, when it is read as a row.
            let unlabeled = first.is_ok_and(|fields| fields.len() + n_labels == own.len());
            self.names = own.into_iter().filter(|name| !(unlabeled && is_label(name))).collect();
            let place = |column: &Column| match column {
                column if column.is_about_answers() => None,
                _ => self.names.iter().position(|name| name == column.name()),
            };
            self.places = columns.iter().map(place).collect();
        }
        self.plans = plans(self.fitted.schema(), &self.places, self.names.len());
        for column in &self.fitted.schema().columns {
            let Column::Id { name } = column else { continue };
            if let Some(at) = self.names.iter().position(|known| known == name) {
                self.plans.get_mut(at).into_iter().for_each(|plan| *plan = Plan::Text);
                self.ids.push((name.clone(), at));
            }
        }
        Ok(())
    }

    /// The columns that say what rows are called, as far as the file has them.
    pub fn id_names(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(|(name, _)| name.as_str())
    }

    /// Those of the schema that the file lacks.
    pub fn lacking_ids(&self) -> impl Iterator<Item = &str> {
        let all = self.fitted.schema().columns.iter().filter(|column| matches!(column, Column::Id { .. }));
        all.map(Column::name).filter(|name| self.id_names().all(|known| known != *name))
    }

    /// What some rows of the block given last are called, column by column.
    #[must_use]
    pub fn ids(&self, rows: Range<usize>) -> Vec<Vec<String>> {
        let of_column = |column: &TableColumn| match column {
            TableColumn::Text { codes, dictionary } => {
                let text = |&code: &u32| dictionary.get(code as usize).cloned().unwrap_or_default();
                codes.get(rows.clone()).unwrap_or_default().iter().map(text).collect()
            }
            // Its plan is text.
            TableColumn::Numbers(_) | TableColumn::Vectors { .. } | TableColumn::Ignored => Vec::new(),
        };
        self.block_ids.iter().map(of_column).collect()
    }

    fn next_block(&mut self) -> Result<Option<TableSource>> {
        let mut size = self.block;
        loop {
            self.reader.fill(&mut self.pending, size)?;
            let end = match chunk::last_row_end(&self.pending, self.format.quotes) {
                _ if self.reader.is_ended() => self.pending.len(),
                Some(end) => end,
                None if size <= LONGEST_ROW => {
                    size *= 2;
                    continue;
                }
                None => {
                    return Err(Error::Field {
                        path: self.path.clone(),
                        line: self.line,
                        column: self.names.first().cloned().unwrap_or_default(),
                        expected: format!("a row of at most {LONGEST_ROW} bytes"),
                        found: "a longer one (is a quote never closed?)".into(),
                    });
                }
            };
            if end == 0 {
                return if self.n_rows == 0 { Err(Error::NoRows { path: self.path.clone() }) } else { Ok(None) };
            }
            let table = self.table(end)?;
            self.pending.drain(..end);
            if table.n_rows() > 0 {
                self.n_rows += table.n_rows() as u64;
                return self.fitted.encode_inputs(&table).map(Some);
            }
        }
    }

    /// The rows in the first `end` bytes; none where all lines are blank.
    fn table(&mut self, end: usize) -> Result<Table> {
        const PIECE: usize = 1 << 18;
        let schema = self.fitted.schema();
        let layout = Layout {
            plans: self.plans.clone(),
            delimiter: self.delimiter,
            quotes: self.format.quotes,
            missing: &schema.missing,
            columns: &schema.columns,
            numbers: self.format.numbers(),
            blank: if self.names.len() == 1 { Blank::Row } else { Blank::Refuse },
            on_fault: OnFault::Stop,
        };
        let told = Told { path: &self.path, names: &self.names, schema, format: &self.format };
        let (body, stop) = (&self.pending[..end], &mut Faults::default());
        let read = ReadRows::parse(&told, body, self.line, &layout, PIECE, &mut self.blank, stop)?;
        let column = |(idx, place): (usize, &Option<usize>)| match read.column_of(idx, *place, &told) {
            (column, None) => Ok(column),
            (_, Some(fault)) => Err(fault),
        };
        let columns = self.places.iter().enumerate().map(column).collect::<Result<_>>()?;
        self.block_ids = self.ids.iter().map(|(_, at)| read.column_at(Some(*at))).collect();
        self.line = read.next_line;
        // A block has no content of its own to compare.
        let (path, files, content) = (self.path.clone(), Vec::new(), Content::default());
        Ok(Table { path, files, columns, also: Vec::new(), lines: read.lines, content })
    }
}

impl<R: Read> Iterator for InputRows<R> {
    type Item = Result<TableSource>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let block = self.next_block();
        self.failed = block.is_err();
        block.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::Source, table::Schema};

    const SCHEMA: &str = r#"
        missing = ["?"]
        columns = [
            { name = "color", kind = "categorical" },
            { name = "grade", kind = "label", label = "class" },
            { name = "size", kind = "numeric", missing = "mean" },
            { name = "id", kind = "id" },
        ]"#;
    const TRAIN: &str = "red,a,1,0\nblue,b,3,1\n\"two\nlines\",a,?,2\n";

    fn format(header: bool) -> CsvFormat {
        CsvFormat { header, ..CsvFormat::default() }
    }

    fn fitted() -> FittedSchema {
        let schema: Schema = toml::from_str(SCHEMA).unwrap();
        let table = Table::parse("t.csv".as_ref(), TRAIN.as_bytes(), &format(false), &schema).unwrap();
        FittedSchema::fit(&schema, &table, &[0, 1, 2]).unwrap()
    }

    /// Codes and numbers of all rows, or the first error.
    fn rows(text: &str, header: bool, block: usize) -> Result<(Vec<i64>, Vec<f32>)> {
        let (mut codes, mut numbers) = (Vec::new(), Vec::new());
        for source in fitted().parse_blocks("p.csv".as_ref(), text.as_bytes(), &format(header), block)? {
            let source = source?;
            let batch = source.batch(&(0..source.len()).collect::<Vec<_>>())?;
            assert!(batch.targets.is_empty());
            codes.extend(Vec::<i64>::try_from(batch.inputs.get("categorical")?.view(-1)).unwrap());
            numbers.extend(Vec::<f32>::try_from(batch.inputs.get("numeric")?.view(-1)).unwrap());
        }
        Ok((codes, numbers))
    }

    #[test]
    fn rows_read_as_in_training_whatever_the_block() {
        let table = Table::parse("t.csv".as_ref(), TRAIN.as_bytes(), &format(false), fitted().schema()).unwrap();
        let source = fitted().encode(&table).unwrap();
        let batch = source.batch(&[0, 1, 2]).unwrap();
        let codes = Vec::<i64>::try_from(batch.inputs.get("categorical").unwrap().view(-1)).unwrap();
        let numbers = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
        let named = "\u{feff}\nsize,other,color\n1,x,red\n3,x,blue\n?,\"a\nb\",\"two\nlines\"\n \n\n";
        for block in [1, 7, 30, 1000] {
            assert_eq!(rows(TRAIN, false, block).unwrap(), (codes.clone(), numbers.clone()), "{block}");
            assert_eq!(rows(named, true, block).unwrap(), (codes.clone(), numbers.clone()), "{block}");
            // Without the label's column, a text that training never saw.
            let (found, _) = rows("pink,1,0\nblue,2,0\n", false, block).unwrap();
            assert_eq!(found, [0, codes[1]]);
        }
    }

    #[test]
    fn ids_come_with_their_rows_where_the_file_has_them() {
        let ids = |text: &str, header, block| {
            let mut rows = fitted().parse_blocks("p.csv".as_ref(), text.as_bytes(), &format(header), block).unwrap();
            let lacking: Vec<String> = rows.lacking_ids().map(str::to_owned).collect();
            let mut found: Vec<Vec<String>> = vec![Vec::new(); rows.id_names().count()];
            while let Some(source) = rows.next() {
                let n = usize::try_from(source.unwrap().len()).unwrap();
                found.iter_mut().zip(rows.ids(0..n)).for_each(|(all, some)| all.extend(some));
            }
            (found, lacking)
        };
        for block in [1, 30, 1000] {
            let named = "size,color,id\n1,red,007\n3,blue,\"a,b\"\n5,red,\n";
            assert_eq!(ids(named, true, block), (vec![vec!["007".into(), "a,b".into(), String::new()]], vec![]));
            assert_eq!(ids("red,1,x\nblue,2,y\n", false, block).0, [["x", "y"]]);
            assert_eq!(ids("size,color\n1,red\n", true, block), (vec![], vec!["id".to_owned()]));
        }
    }

    #[test]
    fn errors_name_file_line_and_column() {
        for block in [1, 10, 1000] {
            let refusal = |text: &str, header| rows(text, header, block).unwrap_err().to_string();
            assert_eq!(
                refusal("color,size\nred,1\nred,x\n", true),
                r#"p.csv:3: column "size": expected a finite number, found "x""#
            );
            for text in ["color,size\nred,1\n\n \nred,1\n", "color,size\nred,1\n\nred,x\n", "color,size\nred,1\n\n,,,"]
            {
                let e = refusal(text, true);
                assert!(e.starts_with("p.csv:3: expected 2 columns, found an empty line (every line is a row"), "{e}");
            }
            assert!(refusal("\nred,a,1,0\n", false).starts_with("p.csv:1: expected 4 columns, found an empty line"));
            assert_eq!(refusal("color\nred\n", true), r#"p.csv:1: expected a column named "size", found "color""#);
            assert_eq!(refusal("red,a,1,0\nred,a,1\n", false), "p.csv:2: expected 4 columns, found 3");
            assert_eq!(refusal("red,1\n", false), "p.csv:1: expected 4 columns, found 2");
            assert_eq!(refusal("", false), "p.csv: expected at least one row of data, found none");
            assert_eq!(refusal("color,size\n \n", true), "p.csv: expected at least one row of data, found none");
            let e = refusal("color,size\nred,1\n\"red,1\n", true);
            assert!(e.starts_with(r#"p.csv:3: column "color": expected a closing quote"#), "{e}");
        }
        let mut rows = fitted().parse_blocks("p.csv".as_ref(), &b"a,b,x,c\na,b,1,c\n"[..], &format(false), 9).unwrap();
        assert!(rows.next().unwrap().is_err() && rows.next().is_none());
    }

    #[test]
    fn a_row_without_end_is_refused() {
        let text = format!("color,size\n\"{}", "red,1\n".repeat(LONGEST_ROW / 2));
        let e = rows(&text, true, BLOCK).unwrap_err().to_string();
        assert!(e.starts_with("p.csv:2: column \"color\": expected a row of at most"), "{e}");
    }

    #[test]
    fn every_line_of_one_column_is_a_row() {
        let schema: Schema = toml::from_str(
            r#"missing = [""]
            columns = [{ name = "x", kind = "numeric", transform = "none", missing = "mean" },
                       { name = "y", kind = "label", label = "value" }]"#,
        )
        .unwrap();
        for header in [true, false] {
            let head = if header { "x,y\n" } else { "" };
            let text = format!("{head}1,0\n3,1\n");
            let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &format(header), &schema).unwrap();
            let fitted = FittedSchema::fit(&schema, &table, &[0, 1]).unwrap();
            let head = if header { "x\n" } else { "" };
            let text = format!("{head}5\n\n \r\n7\n\n");
            for block in [1, 3, 1000] {
                let mut numbers = Vec::new();
                for source in fitted.parse_blocks("p".as_ref(), text.as_bytes(), &format(header), block).unwrap() {
                    let source = source.unwrap();
                    let batch = source.batch(&(0..source.len()).collect::<Vec<_>>()).unwrap();
                    numbers.extend(Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap());
                }
                assert_eq!(numbers, [5.0, 2.0, 2.0, 7.0, 2.0], "{header} {block}");
            }
        }
    }
}
