//! The error that carries advice.
//!
//! Most of what can go wrong in this program lies outside it: no pip, no network, a full disk. Such
//! a failure is worth nothing without the next step, so [`Problem`] cannot be made without one. It
//! travels inside `anyhow::Error` (adding context keeps it findable), and `main` prints it as
//! `error: ..` and `help: ..`.

use std::fmt;

/// Something the user can mend, with how.
#[derive(Debug)]
pub(crate) struct Problem {
    what: String,
    help: String,
}

impl Problem {
    /// Makes the error: `what` in lower case without a full stop, `help` as a thing to do.
    pub(crate) fn error(what: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { what: what.into(), help: help.into() })
    }

    /// The advice.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn advice_survives_added_context() {
        let error =
            Err::<(), _>(Problem::error("no pip", "install pip")).context("while fetching libtorch").unwrap_err();
        assert_eq!(format!("{error:#}"), "while fetching libtorch: no pip");
        let problem = error.downcast_ref::<Problem>().unwrap();
        assert_eq!(problem.help(), "install pip");
    }
}
