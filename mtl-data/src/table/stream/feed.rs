//! The bytes of a stream: read as they come, waited for where more may come.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Seek, SeekFrom, stdin},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::super::unpack::{is_packed, refuse_known};
use crate::error::{Error, Result};

/// Bytes read at a time.
const BLOCK: usize = 1 << 18;
/// How long to wait before a file is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// Waiting for a file to grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Follow {
    /// How long without a byte is the end; `None` for never.
    pub idle: Option<Duration>,
}

/// Asks a stream to end: whoever waits for rows gets none, and rows that fill no batch are left.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for it.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Bytes that were read and are not used up, and where further ones come from.
pub(super) struct Feed {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
    follow: Option<Follow>,
    /// Whether it can be read again, and may grow.
    pub(super) is_file: bool,
    scratch: Vec<u8>,
    /// Read and not used up.
    pub(super) pending: Vec<u8>,
    /// Bytes used up: where `pending` begins.
    pub(super) offset: u64,
    pub(super) is_ended: bool,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("path", &self.path).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Feed {
    /// `-` is the standard input.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotText`] for a file that is known and no text, or packed.
    pub(super) fn open(path: &Path, follow: Option<Follow>) -> Result<Self> {
        let io = |e| Error::io(path, e);
        let mut file = if path == Path::new("-") { None } else { Some(File::open(path).map_err(io)?) };
        // A named pipe is read as the standard input is: once, and to its end.
        let is_file = file.as_ref().map_or(Ok(false), |file| file.metadata().map(|file| file.is_file())).map_err(io)?;
        let bytes: Box<dyn Read + Send> = match (file.take(), is_file) {
            (None, _) => Box::new(stdin()),
            (Some(pipe), false) => Box::new(pipe),
            (Some(mut file), true) => {
                let mut head = Vec::new();
                (&mut file).take(512).read_to_end(&mut head).map_err(io)?;
                refuse_known(path, &head)?;
                refuse_packed(path, &head)?;
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                Box::new(file)
            }
        };
        let scratch = vec![0; BLOCK];
        Ok(Self {
            path: path.to_owned(),
            bytes,
            follow,
            is_file,
            scratch,
            pending: Vec::new(),
            offset: 0,
            is_ended: false,
        })
    }

    /// Reads on; false where there is no more, or where one is asked to stop.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Line`] for a file that became shorter while it was followed.
    pub(super) fn grow(&mut self, stop: &Stop) -> Result<bool> {
        let mut since: Option<Instant> = None;
        while !self.is_ended && !stop.is_stopped() {
            match self.bytes.read(&mut self.scratch) {
                Ok(0) => {
                    let Some(follow) = self.follow.filter(|_| self.is_file) else {
                        self.is_ended = true;
                        break;
                    };
                    self.same_file()?;
                    let since = *since.get_or_insert_with(Instant::now);
                    if follow.idle.is_some_and(|idle| since.elapsed() >= idle) {
                        self.is_ended = true;
                        break;
                    }
                    thread::sleep(PAUSE);
                }
                Ok(n) => {
                    self.pending.extend_from_slice(&self.scratch[..n]);
                    return Ok(true);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.path, e)),
            }
        }
        Ok(false)
    }

    /// Whether a line without a line end may be a row: not while somebody may still be writing it.
    pub(super) fn ends_rows(&self) -> bool {
        self.is_ended && !(self.follow.is_some() && self.is_file)
    }

    /// Uses up bytes.
    pub(super) fn consume(&mut self, n: usize) {
        self.pending.drain(..n);
        self.offset += n as u64;
    }

    /// Passes bytes without keeping them, but for the last `tail`, which are given back; fewer where the stream is shorter.
    ///
    /// # Errors
    /// As [`Feed::grow`].
    pub(super) fn pass(&mut self, to: u64, tail: usize, stop: &Stop) -> Result<Vec<u8>> {
        let mut last: Vec<u8> = Vec::new();
        while self.offset < to {
            if self.pending.is_empty() && !self.grow(stop)? {
                break;
            }
            let n = usize::try_from(to - self.offset).unwrap_or(usize::MAX).min(self.pending.len());
            last.extend_from_slice(&self.pending[..n]);
            last.drain(..last.len().saturating_sub(tail));
            self.consume(n);
        }
        Ok(last)
    }

    fn same_file(&self) -> Result<()> {
        let read = self.offset + self.pending.len() as u64;
        match fs::metadata(&self.path) {
            Ok(file) if file.len() < read => Err(Error::Stream {
                path: self.path.clone(),
                expected: format!("at least the {read} bytes that were read"),
                found: format!("{}: it was cut off or replaced", file.len()),
            }),
            Ok(_) => Ok(()),
            Err(e) => Err(Error::io(&self.path, e)),
        }
    }
}

fn refuse_packed(path: &Path, head: &[u8]) -> Result<()> {
    if is_packed(head) {
        let advice =
            "a position in it would be none: unpack it, or let another program do so, zcat FILE | mtl stream .. -";
        return Err(Error::NotText { path: path.to_owned(), found: "a packed file".into(), advice: advice.into() });
    }
    Ok(())
}
