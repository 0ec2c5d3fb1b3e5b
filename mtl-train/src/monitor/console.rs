//! The one door through which the program prints.
//!
//! `println!` and `eprintln!` panic when nobody reads any more (`mtl list keys | head -1`, a terminal that went away, a full
//! disk). What must happen then depends on what is printed, so there are three ways to print and no other:
//!
//! | what | where | nobody reads |
//! |---|---|---|
//! | [`out`] | standard output | an error: what was asked for cannot be given; a closed pipe ends the program quietly |
//! | [`tell`] | standard output | nothing happens: the verb's work is in files (`train`, `compare`, `export`) |
//! | [`note`] | standard error | nothing happens |
//!
//! A verb whose product is its output hands the error of [`out`] up; `main` asks [`is_closed_pipe`] and ends with
//! [`CLOSED_PIPE`], without a word, as programs do that the system ends for writing to a closed pipe.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use crate::error::{Error, Result};

/// What errors call the standard output.
pub const STANDARD_OUTPUT: &str = "standard output";

/// The exit code of a program whose reader went away, as shells show it: 128 + SIGPIPE.
pub const CLOSED_PIPE: u8 = 141;

/// Prints a line that was asked for.
///
/// # Errors
/// [`Error::Io`] when the standard output cannot be written.
pub fn out(text: impl Display) -> Result<()> {
    line(&mut io::stdout().lock(), &text).map_err(|e| Error::io(STANDARD_OUTPUT, "cannot write", e))
}

/// Prints a line on the standard output that may get lost.
pub fn tell(text: impl Display) {
    let _ = line(&mut io::stdout().lock(), &text);
}

/// Prints a line on the standard error; it may get lost.
pub fn note(text: impl Display) {
    let _ = line(&mut io::stderr().lock(), &text);
}

/// Whether whoever read the standard output has seen enough: `mtl predict .. | head`.
#[must_use]
pub fn is_closed_pipe(e: &Error) -> bool {
    matches!(e, Error::Io { path, source, .. }
        if source.kind() == ErrorKind::BrokenPipe && path.as_os_str() == STANDARD_OUTPUT)
}

/// Whole lines at once: another process that writes to the same terminal cannot cut into them.
fn line(to: &mut impl Write, text: &impl Display) -> io::Result<()> {
    to.write_all(format!("{text}\n").as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_standard_output_is_a_quiet_end() {
        let e = |path: &str, kind| Error::io(path, "cannot write", io::Error::from(kind));
        assert!(is_closed_pipe(&e(STANDARD_OUTPUT, ErrorKind::BrokenPipe)));
        assert!(!is_closed_pipe(&e(STANDARD_OUTPUT, ErrorKind::StorageFull)));
        assert!(!is_closed_pipe(&e("answers.csv", ErrorKind::BrokenPipe)));
    }
}
