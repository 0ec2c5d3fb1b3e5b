//! A stream as batches: read, parsed and encoded in a thread of its own, a few batches ahead.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use mtl_core::batch::Batch;

use super::{
    super::{CsvFormat, FittedSchema},
    StreamOptions,
    feed::{Follow, Stop},
    opened::Opened,
    position::{Mark, StreamPosition},
    reader::Reader,
};
use crate::{
    Finding,
    error::{Error, Result},
    loader::{BatchIter, Batches, LoaderPosition, PartIter, Shard},
};

/// Batches that wait for whoever learns from them.
const AHEAD: usize = 8;
/// How long to wait for a batch before one looks whether to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Rows of a table as batches of a size, in the order in which they come.
///
/// There is one epoch, and whoever asks for another gets it again. A file can be walked more than once; the standard input
/// once, from where it stands. What the ids of a batch count are rows of the stream.
///
/// # Examples
/// ```
/// use mtl_data::{Batches, CsvFormat, LoaderPosition, Schema, table::stream::{BadRows, Opened, Stop, StreamOptions, TableStream}};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.csv");
/// std::fs::write(&path, "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n")?;
/// let schema: Schema = toml::from_str(
///     r#"columns = [{ name = "x", kind = "numeric" }, { name = "y", kind = "label", label = "class" }]"#,
/// )?;
/// let mut opened = Opened::new(&path, &CsvFormat::default(), &schema, None, Stop::default())?;
/// let warm_up = opened.warm_up(3, BadRows::Refuse)?; // scales and classes of the first three rows
/// let stream = TableStream::new(opened, warm_up.fitted, StreamOptions::of(2), None)?;
/// let sizes: Result<Vec<usize>, _> =
///     stream.batches_from(LoaderPosition::default())?.map(|batch| Ok::<_, mtl_data::Error>(batch?.len())).collect();
/// assert_eq!(sizes?, [2, 2, 1]);
/// assert_eq!(stream.position(2).map(|at| (at.rows, at.lines)), Some((4, 5))); // of 4 rows and the header
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TableStream {
    again: Again,
    fitted: FittedSchema,
    options: StreamOptions,
    /// Which tasks targets are of, in order; all of the schema's for `None`.
    tasks: Option<Vec<usize>>,
    start: StreamPosition,
    /// The names of the stream's columns.
    columns: Vec<String>,
    /// What the first walk reads.
    opened: Mutex<Option<Opened>>,
    seen: Arc<Mutex<Seen>>,
    stop: Stop,
}

/// What it takes to open a stream again.
#[derive(Debug)]
struct Again {
    path: PathBuf,
    format: CsvFormat,
    follow: Option<Follow>,
    is_file: bool,
}

/// What readers have told.
#[derive(Debug, Default)]
struct Seen {
    /// The ends of the batches that somebody may ask for, in order.
    marks: VecDeque<Mark>,
    /// What its user should know, not told yet.
    findings: Vec<Finding>,
}

impl Seen {
    fn mark(&self, batches: u64) -> Option<&Mark> {
        let first = self.marks.front()?.at.batches;
        self.marks.get(usize::try_from(batches.checked_sub(first)?).ok()?)
    }
}

impl TableStream {
    /// The stream from `start` on, which an earlier one [gave](Self::position); from its first row for `None`.
    ///
    /// # Errors
    /// [`Error::Stream`] for a stream that is not the one of that position; `InvalidConfig` for a batch size of 0.
    pub fn new(
        mut opened: Opened,
        fitted: FittedSchema,
        options: StreamOptions,
        start: Option<&StreamPosition>,
    ) -> Result<Self> {
        if options.batch_size == 0 {
            return Err(Error::config("stream", "batch_size", ">= 1", "0"));
        }
        if let Some(start) = start {
            start.enter(&mut opened)?;
        }
        let columns = opened.names().to_vec();
        let again = Again {
            path: opened.path.clone(),
            format: opened.format,
            follow: opened.follow,
            is_file: opened.can_be_read_again(),
        };
        let start = start.cloned().unwrap_or_else(|| opened.first.clone());
        let stop = opened.stop.clone();
        let first = Mark { at: start.counts(), tail: Vec::new() };
        let seen = Seen { marks: VecDeque::from([first]), findings: Vec::new() };
        let (opened, seen) = (Mutex::new(Some(opened)), Arc::new(Mutex::new(seen)));
        Ok(Self { again, fitted, options, tasks: None, start, columns, opened, seen, stop })
    }

    /// The same with the targets of these tasks alone, by their places in the schema's list, in that order.
    #[must_use]
    pub fn of_tasks(self, tasks: Vec<usize>) -> Self {
        Self { tasks: Some(tasks), ..self }
    }

    /// Where the batch of that number ends, the batches before `start` included; `None` for one that was not read yet, or is
    /// [forgotten](Self::forget).
    #[must_use]
    pub fn position(&self, batches: u64) -> Option<StreamPosition> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if batches == self.start.batches {
            return Some(self.start.clone());
        }
        seen.mark(batches).map(|mark| mark.position(&self.columns))
    }

    /// The same without the digest of what stands before: for those who only count.
    #[must_use]
    pub fn counts(&self, batches: u64) -> Option<StreamPosition> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.mark(batches).map(|mark| mark.at.clone())
    }

    /// Says that nobody will ask for positions before that batch.
    pub fn forget(&self, batches: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.marks.len() > 1 && seen.marks.front().is_some_and(|mark| mark.at.batches < batches) {
            seen.marks.pop_front();
        }
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// What its user should know and was not told yet: what was passed over, the first of each sort, with its line; what is left at
    /// the end.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).findings)
    }

    /// A reader that stands at a batch, or before one that is in front of it by so many.
    fn reader(&self, batch: u64) -> Result<(Reader, u64)> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (opened, at) = match (opened.take(), batch >= self.start.batches) {
            (Some(opened), true) => (opened, self.start.clone()),
            (unused, _) => {
                *opened = unused;
                if !self.again.is_file {
                    let found = format!("a walk from batch {batch} on, after it began at {}", self.start.batches);
                    return Err(Error::config("stream", "standard input", "read once, from where it stands", found));
                }
                let Again { path, format, follow, .. } = &self.again;
                let mut opened = Opened::new(path, format, self.fitted.schema(), *follow, self.stop.clone())?;
                match batch >= self.start.batches {
                    true => {
                        self.start.enter(&mut opened)?;
                        (opened, self.start.clone())
                    }
                    false => {
                        let first = opened.first.clone();
                        (opened, first)
                    }
                }
            }
        };
        let ahead = batch - at.batches;
        Ok((Reader::new(opened, self.fitted.clone(), self.tasks.clone(), self.options, &at), ahead))
    }
}

impl Batches for TableStream {
    fn n_batches(&self) -> Option<u64> {
        None
    }

    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        let (reader, ahead) = self.reader(position.next_batch)?;
        let (sender, batches) = sync_channel(AHEAD);
        let seen = Arc::clone(&self.seen);
        let path = self.again.path.clone();
        // Nobody waits for this thread: it ends once it finds that nobody listens, or is asked to stop.
        thread::Builder::new()
            .name("stream".into())
            .spawn(move || read(reader, ahead, &sender, &seen))
            .map_err(|e| Error::io(&path, e))?;
        Ok(Box::new(Walk { batches, stop: &self.stop, is_over: false }))
    }

    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        refuse_ranks(shard)?;
        Ok(Box::new(self.batches_from(position)?.map(move |batch| shard.cut(batch?))))
    }

    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        refuse_ranks(shard)?;
        self.batches_from(LoaderPosition::default())
    }
}

/// Each rank would read for itself, and what one of them reads from a pipe the others never see.
fn refuse_ranks(shard: Shard) -> Result<()> {
    match shard.size {
        0 | 1 => Ok(()),
        n => Err(Error::config("device", "ranks", "1, as a stream is read once", n.to_string())),
    }
}

/// Reads on until the end, an error, or until nobody listens.
fn read(mut reader: Reader, ahead: u64, sender: &SyncSender<Result<Batch>>, seen: &Mutex<Seen>) {
    for number in 0.. {
        let next = reader.next();
        let findings = reader.take_findings();
        if !findings.is_empty() {
            seen.lock().unwrap_or_else(PoisonError::into_inner).findings.extend(findings);
        }
        let batch = match next {
            Ok(None) => return,
            Err(e) => {
                _ = sender.send(Err(e));
                return;
            }
            Ok(Some(_)) if number < ahead => continue,
            Ok(Some((batch, mark))) => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                // Another walk may have been here before.
                if seen.marks.back().is_some_and(|last| last.at.batches + 1 == mark.at.batches) {
                    seen.marks.push_back(mark);
                }
                batch
            }
        };
        if sender.send(Ok(batch)).is_err() {
            return;
        }
    }
}

struct Walk<'a> {
    batches: Receiver<Result<Batch>>,
    stop: &'a Stop,
    is_over: bool,
}

impl Iterator for Walk<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over && !self.stop.is_stopped() {
            match self.batches.recv_timeout(PATIENCE) {
                Ok(batch) => {
                    self.is_over = batch.is_err();
                    return Some(batch);
                }
                Err(RecvTimeoutError::Disconnected) => self.is_over = true,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        None
    }
}
