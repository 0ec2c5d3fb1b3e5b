//! How a test says that it did not run, and how `cargo xtask test` hears of it.
//!
//! libtest has no word for a test that finds out while it runs that it lacks something: it returns early and counts as passed.
//! Such a test leaves a [`Note`] first: one line in the file that [`FILE`] names, from which `cargo xtask test` counts it as
//! skipped and names it, and one on stderr past libtest's capture, for whoever runs plain `cargo test`.
//!
//! Test programs of all crates include this file by its path, because no crate of the workspace exists for tests alone:
//!
//! ```text
//! #[path = "../../xtask/src/skip.rs"]
//! mod skip;
//! ```
#![allow(dead_code, reason = "tests write notes, xtask reads them")]
#![allow(clippy::panic, reason = "a note that gets lost would be a skipped test that counts as passed")]

use std::{
    env, fmt,
    fs::OpenOptions,
    io::{self, Write},
    panic::Location,
    thread,
};

/// The environment variable with the path of the file of notes.
pub(crate) const FILE: &str = "MTL_SKIPPED";

/// What sort of thing is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// A data set.
    Data,
    /// A browser that opens pages.
    Browser,
    /// An interpreter of Python.
    Python,
    /// A file that only some operating systems have.
    System,
    /// A compiler of another version.
    Compiler,
}

impl Lacking {
    const ALL: [Self; 5] = [Self::Data, Self::Browser, Self::Python, Self::System, Self::Compiler];

    /// Its name on command lines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Browser => "browser",
            Self::Python => "python",
            Self::System => "system",
            Self::Compiler => "compiler",
        }
    }
}

/// That a test did not run, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// What sort of thing it lacks.
    pub(crate) lacking: Lacking,
    /// Which one: `census-income`.
    pub(crate) what: String,
    /// The test's name.
    pub(crate) test: String,
    /// File and line in which it gave up.
    pub(crate) place: String,
    /// Why, or what to do about it.
    pub(crate) reason: String,
}

impl Note {
    /// The line of the file, fields apart by tabs.
    pub(crate) fn line(&self) -> String {
        let fields = [self.lacking.name(), &self.what, &self.test, &self.place, &self.reason];
        fields.map(|field| field.replace(['\t', '\n'], " ")).join("\t") + "\n"
    }

    /// The note of a line; `None` for a line that is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [lacking, what, test, place, reason] = fields[..] else { return None };
        let lacking = Lacking::ALL.into_iter().find(|kind| kind.name() == lacking)?;
        let [what, test, place, reason] = [what, test, place, reason].map(str::to_owned);
        Some(Self { lacking, what, test, place, reason })
    }

    /// Whether one of these words, a sort of thing or a thing, allows it.
    pub(crate) fn is_allowed(&self, words: &[String]) -> bool {
        words.iter().any(|word| word == self.lacking.name() || *word == self.what)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lacking, what, test, place, reason } = self;
        write!(f, "skipped: {test} ({place}): no {what} ({}): {reason}", lacking.name())
    }
}

/// Notes that the test which calls this does not run, or not all of it; the test then returns.
///
/// # Panics
/// When the note cannot be written: the test fails instead of passing unseen.
#[track_caller]
pub(crate) fn note(lacking: Lacking, what: &str, reason: &str) {
    let place = Location::caller();
    // libtest runs a test in a thread of its name, unless it runs them one by one.
    let test = thread::current().name().unwrap_or("main").to_owned();
    let place = format!("{}:{}", place.file(), place.line());
    let note = Note { lacking, what: what.to_owned(), test, place, reason: reason.to_owned() };
    let _ = writeln!(io::stderr(), "{note}");
    if let Some(path) = env::var_os(FILE) {
        // One write of one line: notes of programs that run side by side do not mix.
        let file = OpenOptions::new().create(true).append(true).open(&path);
        if let Err(e) = file.and_then(|mut file| file.write_all(note.line().as_bytes())) {
            panic!("{FILE}: cannot write {}: {e}", path.display());
        }
    }
}
