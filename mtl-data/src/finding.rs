//! What is wrong with data, or looks wrong, without being a reason to stop.
//!
//! A refusal is an [`Error`](crate::Error); a finding is for a person to judge. Those that show up while data is loaded
//! come with the [`Splits`](crate::Splits), so that a run says them as well as a check does.

use std::fmt;

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Training would fail, or its result would mean nothing.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Where: a split, a task, a field.
    pub place: String,
    /// What it is, in one line.
    pub message: String,
}

impl Finding {
    /// Something that is probably not what was meant.
    pub fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, place: place.into(), message: message.into() }
    }

    /// Something good to know.
    pub fn note(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { level: Level::Note, place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.level, self.place, self.message)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}
