//! Rows that are kept, evenly spread over a file of unknown length.

use crate::table::{TableColumn, dictionary::Dictionary};

/// Rows that are kept at most, and cells of all columns together.
const ROWS: usize = 20_000;
const CELLS: usize = 2_000_000;
/// Whatever the number of columns.
const FEWEST_ROWS: usize = 500;

/// Some rows of a table: of all that came by, each `stride`-th.
#[derive(Debug, Clone)]
pub struct Sample {
    columns: Vec<SampleColumn>,
    limit: usize,
    stride: u64,
    passed: u64,
    rows: usize,
}

#[derive(Debug, Clone, Default)]
struct SampleColumn {
    codes: Vec<u32>,
    texts: Dictionary,
}

impl Sample {
    pub(super) fn new(n_columns: usize) -> Self {
        let limit = (CELLS / n_columns.max(1)).clamp(FEWEST_ROWS, ROWS);
        Self { columns: vec![SampleColumn::default(); n_columns], limit, stride: 1, passed: 0, rows: 0 }
    }

    /// Takes every so many-th of the rows of a block.
    pub(super) fn add(&mut self, block: &[TableColumn]) {
        let n_rows = block.iter().find_map(|column| match column {
            TableColumn::Text { codes, .. } => Some(codes.len()),
            TableColumn::Numbers(_) | TableColumn::Vectors { .. } | TableColumn::Ignored => None,
        });
        for row in 0..n_rows.unwrap_or(0) {
            let is_taken = self.passed.is_multiple_of(self.stride);
            self.passed += 1;
            if !is_taken {
                continue;
            }
            for (own, column) in self.columns.iter_mut().zip(block) {
                let TableColumn::Text { codes, dictionary } = column else { continue };
                let text = codes.get(row).and_then(|&code| dictionary.get(code as usize)).map_or("", String::as_str);
                // There are fewer rows than codes.
                own.codes.push(own.texts.code(text.as_bytes(), |_| true).unwrap_or(0));
            }
            self.rows += 1;
            if self.rows == self.limit {
                self.thin_out();
            }
        }
    }

    /// Leaves every second row.
    fn thin_out(&mut self) {
        for column in &mut self.columns {
            column.codes = column.codes.iter().step_by(2).copied().collect();
        }
        self.rows = self.rows.div_ceil(2);
        self.stride *= 2;
    }

    /// Rows that are kept.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column's code in each row.
    pub(super) fn codes(&self, column: usize) -> &[u32] {
        self.columns.get(column).map_or(&[], |column| column.codes.as_slice())
    }

    /// What `of` makes of the text that each of the column's codes stands for.
    pub(super) fn of_texts<T>(&self, column: usize, of: impl Fn(&str) -> T) -> Vec<T> {
        let texts = self.columns.get(column).map(|column| &column.texts);
        let text = |texts: &Dictionary, code| of(&String::from_utf8_lossy(texts.get(code)));
        texts.map_or_else(Vec::new, |texts| (0..texts.len()).map(|code| text(texts, code)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_evenly_whatever_the_blocks() {
        let block = |from: u32, to: u32| TableColumn::Text {
            codes: (0..to - from).collect(),
            dictionary: (from..to).map(|row| row.to_string()).collect(),
        };
        for size in [1, 7, 1000] {
            let mut sample = Sample { limit: 16, ..Sample::new(1) };
            let mut from = 0;
            while from < 1000 {
                let to = (from + size).min(1000);
                sample.add(&[block(from, to)]);
                from = to;
            }
            let rows = sample.of_texts(0, |text| text.parse::<u64>().unwrap());
            let found: Vec<u64> = sample.codes(0).iter().map(|&code| rows[code as usize]).collect();
            assert_eq!((sample.rows(), sample.stride), (found.len(), 128));
            assert_eq!(found, (0..1000).step_by(128).collect::<Vec<_>>(), "blocks of {size}");
        }
    }
}
