//! The rows of a stream in batches of a size, one block of text after the other.

use std::mem::{Discriminant, discriminant};

use mtl_core::batch::Batch;

use super::{
    super::{Faults, FittedSchema},
    BadRows, StreamOptions, UnknownLabels,
    opened::{Opened, Parsed},
    position::{Mark, StreamPosition},
};
use crate::{
    Finding,
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
    /// What was used up behind it without a row.
    skipped: Skipped,
    findings: Findings,
    is_over: bool,
}

/// Lines without a row.
#[derive(Default)]
struct Skipped {
    lines: u64,
    /// Rows that were left out.
    dropped: u64,
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
        at: &StreamPosition,
    ) -> Self {
        let (at, skipped, findings) = (at.counts(), Skipped::default(), Findings::default());
        Self { opened, fitted, tasks, options, block: None, at, skipped, findings, is_over: false }
    }

    /// The next batch and where it ends; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with a row, as the options say; those of reading.
    pub(super) fn next(&mut self) -> Result<Option<(Batch, Mark)>> {
        let size = self.options.batch_size;
        let (mut lines, mut at_hand) = (size, false);
        while !self.is_over {
            if let Some(block) = &self.block {
                let left = block.parsed.table.n_rows() - block.given;
                if left >= size {
                    return self.take(size).map(Some);
                }
                (lines, at_hand) = match block.given {
                    // Rows that were left out have to be made up for by further lines.
                    0 => (block.parsed.n_lines + size - left, true),
                    _ => (size, false),
                };
                self.let_go();
            }
            let (end, is_all) = self.opened.have_lines(lines, self.next_line(), at_hand)?;
            if self.opened.stop.is_stopped() {
                break;
            }
            let found = self.parse(end)?;
            if is_all && found < size {
                self.is_over = true;
                return self.last(found);
            }
            if found == 0 {
                (lines, at_hand) = (size, false);
            }
        }
        self.is_over = true;
        Ok(None)
    }

    /// What was found since the last call.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings.fresh)
    }

    /// The line on which pending bytes begin.
    fn next_line(&self) -> u64 {
        self.at.lines + self.skipped.lines + 1
    }

    /// Parses pending bytes into a block and gives its rows; what has none is used up.
    fn parse(&mut self, end: usize) -> Result<usize> {
        let mut parsed = self.opened.parse(end, self.next_line(), self.options.bad_rows)?;
        for fault in std::mem::take(&mut parsed.first_faults) {
            self.findings.passed_over(&fault);
        }
        let n_rows = parsed.table.n_rows();
        if n_rows == 0 {
            self.skipped.lines += parsed.n_lines as u64;
            self.skipped.dropped += parsed.dropped.len() as u64;
            self.opened.feed.consume(end);
            return Ok(0);
        }
        let mut faults = Faults::collect();
        let source = self.fitted.encode_with(&parsed.table, &mut faults)?;
        let mut unknown = faults.unknown().to_vec();
        unknown.sort_unstable();
        for fault in faults.into_errors() {
            match (fault, self.options.unknown_labels) {
                (fault @ Error::UnknownLabel { .. }, UnknownLabels::Missing) => self.findings.passed_over(&fault),
                // A block of rows that count for nothing is no file without weights.
                (Error::NoWeight { .. }, _) => {}
                (fault, _) => return Err(fault),
            }
        }
        let lines = self.next_line() - 1;
        self.block = Some(Block { source, parsed, unknown, given: 0, end: 0, lines, dropped: 0 });
        Ok(n_rows)
    }

    /// The last batch, of fewer rows than the others; none where these are too few to learn from.
    fn last(&mut self, n: usize) -> Result<Option<(Batch, Mark)>> {
        let place = self.opened.path.display().to_string();
        let least = self.options.least.max(1);
        let given = if n >= least { Some(self.take(n)?) } else { None };
        if let Some((_, mark)) = &given
            && mark.tail.last().is_some_and(|&last| last != b'\n')
        {
            let words = "has no line end, and was taken for a whole row";
            self.findings.fresh.push(Finding::note(&place, format!("line {} {words}", mark.at.lines)));
        } else if given.is_none() && n > 0 {
            let words = format!("rows at the end are left: a batch of this model has at least {least}");
            self.findings.fresh.push(Finding::warning(&place, format!("{n} {words}")));
        }
        let all = self.block.as_ref().map_or(0, |block| block.parsed.dropped.len() - block.dropped);
        let behind = self.skipped.dropped + if given.is_some() || n == 0 { all as u64 } else { 0 };
        if behind > 0 {
            let words = "rows behind the last batch could not be read, and are counted once a batch follows them";
            self.findings.fresh.push(Finding::warning(&place, format!("{behind} {words}")));
        }
        Ok(given)
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
        let dropped = block.parsed.dropped[block.dropped..].partition_point(|&line| line <= lines);
        let unknown = |row: usize| block.unknown.partition_point(|&r| r < row);
        let skipped = std::mem::take(&mut self.skipped);
        self.at.offset = self.opened.feed.offset + end as u64;
        self.at.lines = lines;
        self.at.rows += n as u64;
        self.at.batches += 1;
        self.at.passed.bad_rows += dropped as u64 + skipped.dropped;
        self.at.passed.unknown_labels += (unknown(rows.end) - unknown(rows.start)) as u64;
        self.at.passed.unknown_categories += block.source.unknown_codes(rows.clone());
        (block.given, block.end, block.lines) = (rows.end, end, lines);
        block.dropped += dropped;
        Ok((batch, Mark { at: self.at.clone(), tail: self.opened.feed.tail(end) }))
    }

    /// Uses up what was given out of the block; what is left of it is parsed again, with what follows.
    fn let_go(&mut self) {
        if let Some(block) = self.block.take() {
            self.opened.feed.consume(block.end);
        }
    }
}

/// What there is to tell; of each sort of fault the first.
#[derive(Default)]
struct Findings {
    fresh: Vec<Finding>,
    known: Vec<(Discriminant<Error>, String)>,
}

/// So many sorts of faults are told.
const TOLD: usize = 32;

impl Findings {
    fn passed_over(&mut self, fault: &Error) {
        let (place, column) = match fault {
            Error::Field { path, line, column, .. } => (format!("{}:{line}", path.display()), column.as_str()),
            Error::UnknownLabel { path, line, column, .. } => (format!("{}:{line}", path.display()), &**column),
            Error::ColumnCount { path, line, .. } => (format!("{}:{line}", path.display()), ""),
            _ => ("stream".into(), ""),
        };
        let sort = (discriminant(fault), column.to_owned());
        if self.known.contains(&sort) || self.known.len() >= TOLD {
            return;
        }
        self.known.push(sort);
        let said = fault.to_string();
        let message = said.strip_prefix(&format!("{place}: ")).unwrap_or(&said);
        let words = "passed over and counted, as will be others of its sort";
        self.fresh.push(Finding::warning(place, format!("{message} ({words})")));
    }
}

impl StreamOptions {
    /// The defaults for a size of batches: everything that is wrong is refused.
    #[must_use]
    pub fn of(batch_size: usize) -> Self {
        Self { batch_size, least: 1, bad_rows: BadRows::Refuse, unknown_labels: UnknownLabels::Refuse }
    }
}
