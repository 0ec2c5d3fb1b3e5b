//! Public contracts: laws that every part of a kind obeys, to be run over one's own.
//!
//! A law is a function, not a macro of tests: a user's crate calls `check` in one test and reads which laws are broken, and how.
//! Laws of heads live in `mtl-heads`, laws of metrics in `mtl-metrics`.

pub mod sharing;

use std::fmt;

use crate::error::Result;

/// A law that something breaks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The law's name, as in its module's list.
    pub law: &'static str,
    /// What was found.
    pub found: String,
}

/// All laws that something breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BrokenLaws(pub Vec<Broken>);

impl fmt::Display for BrokenLaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|b| format!("{}: {}", b.law, b.found)).collect();
        write!(f, "{} laws broken: {}", lines.len(), lines.join("; "))
    }
}

impl BrokenLaws {
    /// Adds what a law found; an error on the way breaks it as well.
    pub fn note(&mut self, law: &'static str, outcome: Result<Option<String>>) {
        match outcome {
            Ok(None) => {}
            Ok(Some(found)) => self.0.push(Broken { law, found }),
            Err(e) => self.0.push(Broken { law, found: e.to_string() }),
        }
    }

    /// Whether none is broken.
    ///
    /// # Errors
    /// Itself, when one is.
    pub fn verdict(self) -> std::result::Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}
