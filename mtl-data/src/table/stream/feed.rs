//! The bytes of a stream: read as they come, waited for where more may come.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read, Seek, SeekFrom, stdin},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    super::unpack::{is_packed, refuse_known},
    position::TAIL,
};
use crate::error::{Error, Result};

/// Bytes read of a file at a time.
const BLOCK: usize = 1 << 18;
/// The same of a pipe, whose system rarely holds more.
const PIPED: usize = 1 << 16;
/// Blocks of a pipe that wait for whoever parses them.
const AHEAD: usize = 4;
/// How long to wait before a file is looked at again, or one looks whether to stop.
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

/// Where bytes come from.
enum Bytes {
    /// Can be read again, and may grow.
    File(File),
    /// Read in a thread of its own: nobody can give up a read from a pipe in which nothing comes.
    Pipe(Receiver<io::Result<Vec<u8>>>),
}

/// Bytes that were read and are not used up, and where further ones come from.
pub(super) struct Feed {
    path: PathBuf,
    bytes: Bytes,
    follow: Option<Follow>,
    scratch: Vec<u8>,
    /// Read and not used up.
    pub(super) pending: Vec<u8>,
    /// The last bytes that were used up.
    behind: Vec<u8>,
    /// Bytes used up: where `pending` begins.
    pub(super) offset: u64,
    is_ended: bool,
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
        let bytes = if path == Path::new("-") {
            piped(stdin()).map_err(io)?
        } else {
            let mut file = File::open(path).map_err(io)?;
            // A named pipe is read as the standard input is: once, and to its end.
            if file.metadata().map_err(io)?.is_file() {
                let mut head = Vec::new();
                (&mut file).take(512).read_to_end(&mut head).map_err(io)?;
                refuse_known(path, &head)?;
                refuse_packed(path, &head)?;
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                Bytes::File(file)
            } else {
                piped(file).map_err(io)?
            }
        };
        let scratch = vec![0; if matches!(bytes, Bytes::File(_)) { BLOCK } else { 0 }];
        let (pending, behind) = (Vec::new(), Vec::new());
        Ok(Self { path: path.to_owned(), bytes, follow, scratch, pending, behind, offset: 0, is_ended: false })
    }

    /// Whether it can be read again, and may grow.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.bytes, Bytes::File(_))
    }

    /// Reads on; false where there is no more, or where one is asked to stop.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Stream`] for a file that was cut off or replaced while it was followed.
    pub(super) fn grow(&mut self, stop: &Stop) -> Result<bool> {
        let mut since: Option<Instant> = None;
        while !self.is_ended && !stop.is_stopped() {
            match &mut self.bytes {
                Bytes::File(file) => match file.read(&mut self.scratch) {
                    Ok(0) => match self.follow {
                        Some(follow) => {
                            self.same_file()?;
                            let since = since.get_or_insert_with(Instant::now);
                            self.is_ended = follow.idle.is_some_and(|idle| since.elapsed() >= idle);
                            thread::sleep(if self.is_ended { Duration::ZERO } else { PAUSE });
                        }
                        None => self.is_ended = true,
                    },
                    Ok(n) => {
                        self.pending.extend_from_slice(&self.scratch[..n]);
                        return Ok(true);
                    }
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(Error::io(&self.path, e)),
                },
                Bytes::Pipe(blocks) => match blocks.recv_timeout(PAUSE) {
                    Ok(block) => {
                        self.pending.extend_from_slice(&block.map_err(|e| Error::io(&self.path, e))?);
                        return Ok(true);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => self.is_ended = true,
                },
            }
        }
        Ok(false)
    }

    /// Whether a line without a line end may be a row: not while somebody may still be writing it.
    pub(super) fn ends_rows(&self) -> bool {
        self.is_ended && !(self.follow.is_some() && self.is_file())
    }

    /// Uses up bytes.
    pub(super) fn consume(&mut self, n: usize) {
        self.behind = self.tail(n);
        self.pending.drain(..n);
        self.offset += n as u64;
    }

    /// The bytes before a place in what is pending, as many as a position looks back on; all there are where these are fewer.
    pub(super) fn tail(&self, end: usize) -> Vec<u8> {
        let behind = self.behind.len().saturating_sub(TAIL.saturating_sub(end));
        [&self.behind[behind..], &self.pending[end.saturating_sub(TAIL)..end]].concat()
    }

    /// Passes bytes up to a place; gives how many there are up to it, which is less where the stream is shorter.
    ///
    /// # Errors
    /// As [`Feed::grow`].
    pub(super) fn go_to(&mut self, to: u64, stop: &Stop) -> Result<u64> {
        if let Bytes::File(file) = &mut self.bytes {
            let io = |e| Error::io(&self.path, e);
            let length = file.metadata().map_err(io)?.len();
            // Nor is a file waited for that has lost what it had.
            if length < to {
                return Ok(length);
            }
            let from = to.saturating_sub(TAIL as u64);
            if from > self.offset + self.pending.len() as u64 {
                file.seek(SeekFrom::Start(from)).map_err(io)?;
                (self.offset, self.pending, self.behind) = (from, Vec::new(), Vec::new());
            }
        }
        while self.offset < to {
            if self.pending.is_empty() && !self.grow(stop)? {
                break;
            }
            self.consume(usize::try_from(to - self.offset).unwrap_or(usize::MAX).min(self.pending.len()));
        }
        Ok(self.offset)
    }

    fn same_file(&self) -> Result<()> {
        let Bytes::File(file) = &self.bytes else { return Ok(()) };
        let read = self.offset + self.pending.len() as u64;
        let (own, found) = (file.metadata(), fs::metadata(&self.path));
        let (own, found) = (own.map_err(|e| Error::io(&self.path, e))?, found.map_err(|e| Error::io(&self.path, e))?);
        let refuse = |found: String| {
            let expected = format!("the file of which {read} bytes were read, to grow");
            Err(Error::Stream { path: self.path.clone(), expected, found })
        };
        match (is_same(&own, &found), found.len() < read) {
            (false, _) => refuse("another file of that name: it was replaced".into()),
            (true, true) => refuse(format!("{} bytes: it was cut off", found.len())),
            (true, false) => Ok(()),
        }
    }
}

#[cfg(unix)]
fn is_same(own: &Metadata, found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (own.dev(), own.ino()) == (found.dev(), found.ino())
}

/// Where files have no number, one that was replaced is known by its length.
#[cfg(not(unix))]
fn is_same(_own: &Metadata, _found: &Metadata) -> bool {
    true
}

fn piped(mut pipe: impl Read + Send + 'static) -> io::Result<Bytes> {
    let (sender, blocks) = sync_channel(AHEAD);
    // Nobody waits for this thread, which may hang in its read to the end of the process.
    thread::Builder::new().name("pipe".into()).spawn(move || {
        let mut block = vec![0; PIPED];
        loop {
            let read = match pipe.read(&mut block) {
                Ok(0) => return,
                Ok(n) => Ok(block[..n].to_vec()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => Err(e),
            };
            let is_over = read.is_err();
            if sender.send(read).is_err() || is_over {
                return;
            }
        }
    })?;
    Ok(Bytes::Pipe(blocks))
}

fn refuse_packed(path: &Path, head: &[u8]) -> Result<()> {
    if is_packed(head) {
        let advice = "a position in it would be none: unpack it, or let another program do so, zcat FILE | mtl stream .. --input -";
        return Err(Error::NotText { path: path.to_owned(), found: "a packed file".into(), advice: advice.into() });
    }
    Ok(())
}
