//! Child processes: cargo itself, and the package clients.
//!
//! Each call echoes its command line to stderr first, so that a reader can repeat any step by hand.
//! A program that is not installed becomes a [`Problem`] with the caller's advice; a program that ran
//! and failed is the caller's business, because only it knows whether that is exit code 1 or 2.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context, Result};

use crate::libtorch::Libtorch;
use crate::problem::Problem;

/// A cargo command in the repository, linked against the provisioned libtorch if one is given.
pub(crate) fn cargo(root: &Path, libtorch: Option<&Libtorch>) -> Command {
    // Cargo names itself in CARGO; that keeps a `+toolchain` choice for the children.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    if let Some(libtorch) = libtorch {
        command.env("LIBTORCH", libtorch.env_value());
    }
    command
}

/// Runs with inherited output; the status says how it went.
pub(crate) fn run(command: &mut Command, advice: &str) -> Result<ExitStatus> {
    echo(command);
    command.status().map_err(|error| unstartable(command, &error, advice))
}

/// Runs with stdout sent to our stderr: stdout is kept for results that scripts read.
pub(crate) fn run_aside(command: &mut Command, advice: &str) -> Result<ExitStatus> {
    command.stdout(Stdio::from(io::stderr()));
    run(command, advice)
}

/// Runs silently and returns what the program printed.
pub(crate) fn capture(command: &mut Command, advice: &str) -> Result<Output> {
    command.stdin(Stdio::null()).output().map_err(|error| unstartable(command, &error, advice))
}

/// First line of a program's stdout, if it exists and succeeds.
pub(crate) fn first_line(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(args).stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned())
}

/// Runs, passes stdout through line by line and shows each line to `watch`.
pub(crate) fn run_watched(command: &mut Command, advice: &str, mut watch: impl FnMut(&str)) -> Result<ExitStatus> {
    echo(command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| unstartable(command, &error, advice))?;
    if let Some(stdout) = child.stdout.take() {
        pass_through(BufReader::new(stdout), &mut io::stdout(), &mut watch).context("cannot pass the output on")?;
    }
    child.wait().context("cannot wait for the program")
}

/// Copies line by line. Bytes, not `lines()`: a test may print anything, and that must not stop it.
fn pass_through(mut from: impl BufRead, to: &mut impl Write, watch: &mut impl FnMut(&str)) -> io::Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        watch(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}

fn echo(command: &Command) {
    eprintln!("$ {}", display(command));
}

/// The command line as a person would type it, program by its short name.
pub(crate) fn display(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains([' ', '*', '\'', '"', '$']) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn unstartable(command: &Command, error: &io::Error, advice: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        Problem::error(format!("`{program}` is not installed"), advice)
    } else {
        Problem::error(format!("cannot start `{program}`: {error}"), advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_a_problem_with_the_callers_advice() {
        let error = capture(&mut Command::new("no-such-program-xtask"), "install it").unwrap_err();
        let problem = error.downcast_ref::<Problem>().unwrap();
        assert_eq!(problem.to_string(), "`no-such-program-xtask` is not installed");
        assert_eq!(problem.help(), "install it");
        assert_eq!(first_line("no-such-program-xtask", &[]), None);
    }

    #[test]
    fn lines_pass_unchanged_and_in_order_even_if_they_are_no_text() {
        let (mut seen, mut copy) = (Vec::new(), Vec::new());
        let bytes: &[u8] = b"a\n\xff\nlast";
        pass_through(bytes, &mut copy, &mut |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(copy, bytes);
        assert_eq!(seen, ["a\n", "\u{fffd}\n", "last"]);
    }

    #[test]
    fn the_status_of_a_watched_program_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let status = run_watched(&mut command, "", |_| {}).unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn command_lines_are_shown_short_and_quoted() {
        let mut command = Command::new("some/where/pip");
        command.args(["download", "x==1.*"]);
        assert_eq!(display(&command), "pip download 'x==1.*'");
    }
}
