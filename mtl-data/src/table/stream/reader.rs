//! The rows of a stream in batches of a size, one block of text after the other.

use mtl_core::batch::Batch;

use super::{
    super::{Faults, FittedSchema},
    BadRows, StreamOptions, UnknownLabels,
    opened::{Opened, Parsed},
    position::{Mark, StreamPosition, TAIL},
};
use crate::{
    error::{Error, Result},
    source::{Source, TableSource},
};

/// Reads batches.
pub(super) struct Reader {
    opened: Opened,
    fitted: FittedSchema,
    tasks: Option<Vec<usize>>,
    options: StreamOptions,
    block: Option<Block>,
    /// The end of the last batch.
    at: StreamPosition,
    /// The first of each fault that was passed over, once told.
    first_faults: Vec<Error>,
    is_over: bool,
}

/// A parsed block, partly given out. Its bytes are pending until it is used up.
struct Block {
    source: TableSource,
    parsed: Parsed,
    /// Rows with unknown labels, in order; one as often as it has some.
    unknown: Vec<usize>,
    /// Rows given out.
    given: usize,
    /// Where the last row given out ends, in pending bytes; and how many lines were passed there.
    end: usize,
    lines: u64,
    /// Rows that were left out before that.
    dropped: usize,
}

impl Reader {
    /// Goes on at a position, which the feed has reached.
    pub(super) fn new(
        opened: Opened,
        fitted: FittedSchema,
        tasks: Option<Vec<usize>>,
        options: StreamOptions,
        at: StreamPosition,
    ) -> Self {
        Self { opened, fitted, tasks, options, block: None, at, first_faults: Vec::new(), is_over: false }
    }

    /// The next batch and where it ends; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with a row, as the options say; those of reading.
    pub(super) fn next(&mut self) -> Result<Option<(Batch, Mark)>> {
        let mut lines = self.options.batch_size;
        while !self.is_over {
            if let Some(block) = &self.block {
                let left = block.parsed.table.n_rows() - block.given;
                if left >= self.options.batch_size {
                    return self.take(self.options.batch_size).map(Some);
                }
                // Rows that were left out have to be made up for by further lines.
                if block.given == 0 {
                    lines += self.options.batch_size - left;
                }
                self.let_go();
            }
            let (end, is_all) = self.opened.have_lines(lines)?;
            if self.opened.stop.is_stopped() {
                break;
            }
            let block = self.parse(end)?;
            let found = block.as_ref().map_or(0, |block| block.parsed.table.n_rows());
            self.block = block;
            if is_all && found < self.options.batch_size {
                self.is_over = true;
                return match found >= self.options.least.max(1) {
                    true => self.take(found).map(Some),
                    false => Ok(None),
                };
            }
            if self.block.is_none() {
                // Blank lines only.
                lines += self.options.batch_size;
            }
        }
        self.is_over = true;
        Ok(None)
    }

    /// The first of each fault that was passed over since the last call.
    pub(super) fn take_faults(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.first_faults)
    }

    fn parse(&mut self, end: usize) -> Result<Option<Block>> {
        let Some(mut parsed) = self.opened.parse(end, self.at.lines + 1, self.options.bad_rows)? else {
            return Ok(None);
        };
        let mut faults = Faults::collect();
        let source = self.fitted.encode_with(&parsed.table, &mut faults)?;
        let mut unknown = faults.unknown().to_vec();
        unknown.sort_unstable();
        let mut first = std::mem::take(&mut parsed.first_faults);
        for fault in faults.into_errors() {
            match (fault, self.options.unknown_labels) {
                (fault @ Error::UnknownLabel { .. }, UnknownLabels::Missing) => first.push(fault),
                // A block of rows that count for nothing is no file without weights.
                (Error::NoWeight { .. }, _) => {}
                (fault, _) => return Err(fault),
            }
        }
        self.first_faults.extend(first);
        let lines = self.at.lines;
        Ok(Some(Block { source, parsed, unknown, given: 0, end: 0, lines, dropped: 0 }))
    }

    /// The next `n` rows of the block, which has them.
    fn take(&mut self, n: usize) -> Result<(Batch, Mark)> {
        let Some(block) = &mut self.block else { return Err(Error::NoRows { path: self.opened.path.clone() }) };
        let rows = block.given..block.given + n;
        let positions: Vec<u64> = rows.clone().map(|row| row as u64).collect();
        let mut batch = block.source.batch(&positions)?;
        batch.ids.iter_mut().zip(self.at.rows..).for_each(|(id, row)| *id = row);
        if let Some(tasks) = &self.tasks {
            batch.targets = tasks.iter().map(|&task| batch.targets.get_mut(task).and_then(Option::take)).collect();
        }
        let last = block.parsed.table.line(rows.end - 1);
        let (end, lines) = self.opened.row_end(block.end, block.lines + 1, last);
        let before = |line: &&u64| **line <= lines;
        let dropped = block.parsed.dropped.iter().skip(block.dropped).take_while(before).count();
        let unknown = |row: usize| block.unknown.partition_point(|&r| r < row);
        self.at.offset = self.opened.feed.offset + end as u64;
        self.at.lines = lines;
        self.at.rows += n as u64;
        self.at.batches += 1;
        self.at.passed.bad_rows += dropped as u64;
        self.at.passed.unknown_labels += (unknown(rows.end) - unknown(rows.start)) as u64;
        self.at.passed.unknown_categories += block.source.unknown_codes(rows.clone());
        (block.given, block.end, block.lines) = (rows.end, end, lines);
        block.dropped += dropped;
        let tail = self.opened.feed.pending[end.saturating_sub(TAIL)..end].to_vec();
        Ok((batch, Mark { at: self.at.clone(), tail }))
    }

    /// Uses up what was given out of the block; what is left of it is parsed again, with what follows.
    fn let_go(&mut self) {
        if let Some(block) = self.block.take() {
            self.opened.feed.consume(block.end);
        }
    }
}

impl StreamOptions {
    /// The defaults for a size of batches: everything that is wrong is refused.
    #[must_use]
    pub fn of(batch_size: usize) -> Self {
        Self { batch_size, least: 1, bad_rows: BadRows::Refuse, unknown_labels: UnknownLabels::Refuse }
    }
}
