//! `cargo xtask doctor`: what this machine has, what is missing, and what to do about it.
//!
//! Each check is one function that returns a [`Finding`]: an item, a verdict, what was found, and for
//! anything but `ok` the next step. `fail` means that the workspace cannot be built or tested; `warn`
//! that something works less well than it could. Nothing is changed, and nothing leaves the machine
//! unless `--online` asks for it.

mod machine;
mod parts;

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cache::Cache;
use crate::python::Python;
use crate::{Outcome, repo};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Also ask the package index whether it can be reached
    #[arg(long)]
    online: bool,
}

/// How good an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One checked item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    item: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(item: &'static str, found: impl Into<String>) -> Self {
        Self { item, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    fn warn(item: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { item, verdict: Verdict::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    /// A lack that is a failure only if the thing is `needed` on this machine.
    fn lack(item: &'static str, needed: bool, advice: impl Into<String>) -> Self {
        if needed { Self::fail(item, "none", advice) } else { Self::warn(item, "none", advice) }
    }

    fn fail(item: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { item, verdict: Verdict::Fail, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Runs all checks.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let findings = examine(&root, args.online);
    if args.json {
        let text = serde_json::to_string_pretty(&findings).context("cannot encode the findings")?;
        println!("{text}");
    } else {
        print!("{}", render(&findings));
    }
    Ok(outcome(&findings))
}

fn examine(root: &Path, online: bool) -> Vec<Finding> {
    let python = Python::find();
    let libtorch = parts::libtorch(root);
    // Python is there to fetch things: without it a machine that has libtorch still works.
    let needed = libtorch.verdict == Verdict::Fail;
    let mut findings = vec![
        machine::rust(root),
        machine::compiler(),
        parts::python(python.as_ref(), needed),
        parts::pip(python.as_ref(), needed),
        machine::c_library(),
        machine::threads(),
        machine::memory(),
    ];
    match Cache::locate() {
        Ok(cache) => {
            findings.push(machine::disk(&cache));
            findings.push(libtorch);
            findings.extend(parts::data(&cache));
        }
        Err(error) => {
            findings.push(Finding::fail("cache", format!("{error:#}"), "set MTL_CACHE to a folder"));
            findings.push(libtorch);
        }
    }
    findings.push(machine::cuda(root));
    if online {
        findings.push(parts::index(python.as_ref()));
    }
    findings
}

fn render(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.item.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        text += &format!("{verdict}  {:<width$}  {}\n", finding.item, finding.found);
        if let Some(advice) = &finding.advice {
            text += &format!("      {:<width$}  -> {advice}\n", "");
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (fails, warns) = (count(Verdict::Fail), count(Verdict::Warn));
    text += &match (fails, warns) {
        (0, 0) => "everything is in place\n".to_owned(),
        (0, warns) => format!("ready, with {warns} thing(s) worth a look\n"),
        (fails, _) => format!("{fails} thing(s) must be mended first\n"),
    };
    text
}

fn outcome(findings: &[Finding]) -> Outcome {
    if findings.iter().any(|finding| finding.verdict == Verdict::Fail) { Outcome::Environment } else { Outcome::Good }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_decides_and_warnings_do_not() {
        let good = Finding::ok("a", "1");
        let warn = Finding::warn("b", "2", "look");
        let fail = Finding::fail("c", "3", "mend it");
        assert_eq!(outcome(&[good.clone(), warn.clone()]), Outcome::Good);
        assert_eq!(outcome(&[good, warn, fail]), Outcome::Environment);
    }

    #[test]
    fn every_failure_shows_its_advice() {
        let text = render(&[Finding::ok("rust", "1.95"), Finding::fail("pip", "none", "install")]);
        assert_eq!(
            text,
            "ok    rust  1.95\nfail  pip   none\n            -> install\n\
             1 thing(s) must be mended first\n"
        );
    }

    #[test]
    fn json_has_stable_keys() {
        let text = serde_json::to_string(&Finding::warn("disk", "1 GB", "free some")).unwrap();
        assert_eq!(text, r#"{"item":"disk","verdict":"warn","found":"1 GB","advice":"free some"}"#);
    }
}
