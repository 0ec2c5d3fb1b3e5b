//! Public contracts: laws that every part of a kind obeys, to be run over one's own.
//!
//! A law is a function, not a macro of tests: a user's crate calls `check` in one test and reads which laws are broken, and how.
//! All of them speak in [`BrokenLaws`], and each is shown to be able to fail by a part that is wrong on purpose (`tests/*laws_catch.rs`).
//!
//! | laws of | where | needs libtorch |
//! |---|---|---|
//! | encoders | `encoder` | yes |
//! | sharing architectures | `sharing` | yes |
//! | balancing methods | `balancer` | no |
//! | heads | `mtl_heads::laws` | yes |
//! | sources of samples | `mtl_data::laws::source` | yes |
//! | metrics | `mtl_metrics::laws` | no |

pub mod balancer;
#[cfg(feature = "torch")]
mod differences;
#[cfg(feature = "torch")]
pub mod encoder;
#[cfg(feature = "torch")]
mod rows;
#[cfg(feature = "torch")]
pub mod sharing;
#[cfg(feature = "torch")]
mod tensors;

use std::fmt;

#[cfg(feature = "torch")]
use tch::Kind;

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

/// Judges a part in f64 and in f32. Where it cannot be made, that breaks the law `first`, and nothing else is looked at.
#[cfg(feature = "torch")]
fn in_both_kinds<S>(
    first: &'static str,
    make: impl Fn(Kind) -> Result<S, crate::error::Error>,
    judge: impl Fn(Kind, &S, &mut BrokenLaws),
) -> Result<(), BrokenLaws> {
    let mut broken = BrokenLaws(Vec::new());
    for kind in [Kind::Double, Kind::Float] {
        match make(kind) {
            Ok(subject) => judge(kind, &subject, &mut broken),
            Err(e) => broken.note(first, Err(e)),
        }
    }
    broken.verdict()
}

impl BrokenLaws {
    /// Adds what a law found; an error on the way breaks it as well.
    pub fn note<E: fmt::Display>(&mut self, law: &'static str, outcome: Result<Option<String>, E>) {
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
    pub fn verdict(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The names of the broken laws, in the order in which they were looked at, each once.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for Broken { law, .. } in &self.0 {
            if !names.contains(law) {
                names.push(law);
            }
        }
        names
    }
}
