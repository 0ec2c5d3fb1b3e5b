//! Checks of what set-up and `data` use and make: Python, pip, libtorch, data sets, the index.

use std::path::Path;
use std::process::Command;

use super::Finding;
use crate::cache::Cache;
use crate::data::{self, SETS, State};
use crate::libtorch::{self, VERSION};
use crate::manifest::Manifest;
use crate::process;
use crate::python::Python;

/// The interpreter.
pub(super) fn python(python: Option<&Python>, needed: bool) -> Finding {
    match python {
        Some(python) => Finding::ok("python", format!("{} at {}", python.version, python.executable.display())),
        None => Finding::lack(
            "python",
            needed,
            "fetches libtorch and Census-Income: install python3 and pip (Debian: python3 python3-pip)",
        ),
    }
}

/// Its pip, and its torch if it has one.
pub(super) fn pip(python: Option<&Python>, needed: bool) -> Finding {
    let pip = python.and_then(|python| Some((python.pip.as_ref()?, &python.torch)));
    match pip {
        Some((pip, None)) => Finding::ok("pip", pip),
        Some((pip, Some(torch))) => Finding::ok("pip", format!("{pip}; this Python has torch {}", torch.version)),
        None => {
            Finding::lack("pip", needed, "fetches libtorch and Census-Income (Debian: apt-get install python3-pip)")
        }
    }
}

/// The libtorch that a build would use: version, files, and every digest in its manifest.
pub(super) fn libtorch(root: &Path) -> Finding {
    const ITEM: &str = "libtorch";
    if std::env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return Finding::warn(
            ITEM,
            "LIBTORCH_USE_PYTORCH is set, so torch-sys asks Python and ignores .libtorch",
            "unset LIBTORCH_USE_PYTORCH; set-up finds the torch of Python by itself",
        );
    }
    if let Some(dir) = libtorch::chosen_by_user(&libtorch::link_of(root)) {
        return match libtorch::inspect(&dir) {
            Ok(layout) => Finding::ok(ITEM, format!("{} at {} (LIBTORCH)", layout.version, dir.display())),
            Err(fault) => Finding::fail(
                ITEM,
                format!("LIBTORCH is {}, but {fault}", dir.display()),
                format!("unset LIBTORCH, or point it at libtorch {VERSION}"),
            ),
        };
    }
    let found = match libtorch::current(root) {
        Ok(found) => found,
        Err(fault) => return Finding::fail(ITEM, fault, "cargo xtask setup"),
    };
    let variant = if found.layout.cuda { "CUDA" } else { "CPU" };
    let what = format!("{} ({variant}) at {}", found.layout.version, found.dir.display());
    let mend = format!("remove {} and run `cargo xtask setup`", found.dir.display());
    if let Some(libs) = libtorch::unresolved(&found.dir, "libtorch_cpu.so") {
        return Finding::fail(ITEM, format!("{what}: the loader misses {libs}"), mend);
    }
    match Manifest::load(&found.dir) {
        Ok(None) => Finding::ok(ITEM, format!("{what}, not set up by us: no checksums")),
        Ok(Some(manifest)) => match manifest.content_fault(&found.dir) {
            Ok(None) => Finding::ok(ITEM, format!("{what}, checksums of {} files right", manifest.files.len())),
            Ok(Some(fault)) => Finding::fail(ITEM, format!("{what}: {fault}"), mend),
            Err(error) => Finding::fail(ITEM, format!("{what}: {error:#}"), mend),
        },
        Err(error) => Finding::fail(ITEM, format!("{what}: {error:#}"), mend),
    }
}

/// One finding a data set.
pub(super) fn data(cache: &Cache) -> Vec<Finding> {
    SETS.iter()
        .map(|set| {
            let dir = cache.data(set.name);
            let fetch = format!("cargo xtask data {}", set.name);
            let fault = match data::state(cache, set) {
                // Fetched on demand, so its absence is the normal state of a fresh machine.
                State::Absent => return Finding::ok(set.name, format!("not fetched yet: {fetch}")),
                State::Damaged(fault) => Some(fault),
                State::Ready => data::expected(&dir, set)
                    .and_then(|manifest| manifest.content_fault(&dir))
                    .unwrap_or_else(|error| Some(format!("{error:#}"))),
            };
            match fault {
                None => Finding::ok(set.name, format!("{}, checksums right", dir.display())),
                Some(fault) => Finding::fail(
                    set.name,
                    format!("{}: {fault}", dir.display()),
                    format!("remove the folder and run `{fetch}`"),
                ),
            }
        })
        .collect()
}

/// Whether pip reaches an index that offers the right torch. The only check that uses the network.
pub(super) fn index(python: Option<&Python>) -> Finding {
    const ITEM: &str = "package index";
    let Some(python) = python else {
        return Finding::fail(ITEM, "no Python to ask with", "install python3 with pip");
    };
    let mut command = Command::new(&python.executable);
    command.args(["-m", "pip", "index", "versions", "torch", "--python-version", "3.11"]);
    command.args(["--only-binary=:all:", "--retries", "1", "--disable-pip-version-check"]);
    let Ok(output) = process::capture(&mut command, "") else {
        return Finding::fail(ITEM, "pip cannot be started", "install pip");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if text.split([' ', ',', '(', ')', '\n']).any(|word| libtorch::plain_version(word) == VERSION) {
        Finding::ok(ITEM, format!("reachable, offers torch {VERSION}"))
    } else if output.status.success() {
        Finding::fail(
            ITEM,
            format!("reachable, but does not offer torch {VERSION}"),
            "use another index (PIP_INDEX_URL), or `cargo xtask setup --wheels DIR`",
        )
    } else {
        // pip warns of each broken connection and then ends with a line that hides the cause.
        let message = String::from_utf8_lossy(&output.stderr);
        let cause = message
            .lines()
            .find(|line| line.contains("onnection"))
            .or_else(|| message.lines().rfind(|line| !line.trim().is_empty()))
            .unwrap_or("pip gave no message");
        Finding::fail(
            ITEM,
            format!("not reachable: {cause}"),
            "check the network and pip's settings; offline: `cargo xtask setup --wheels DIR`",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::python::Torch;

    #[test]
    fn missing_python_is_a_failure_only_while_it_is_needed() {
        for (needed, verdict) in [(false, Verdict::Warn), (true, Verdict::Fail)] {
            for finding in [python(None, needed), pip(None, needed)] {
                assert_eq!(finding.verdict, verdict, "{}", finding.item);
                assert!(finding.advice.unwrap().contains("pip"));
            }
        }
        assert_eq!(index(None).verdict, Verdict::Fail);
    }

    #[test]
    fn pip_reports_the_torch_beside_it() {
        let mut found =
            Python { executable: "python3".into(), version: "3.11.7".into(), pip: Some("23.2".into()), torch: None };
        assert_eq!(pip(Some(&found), true).found, "23.2");
        found.torch = Some(Torch { dir: "t".into(), version: "2.9.0".into() });
        assert!(pip(Some(&found), true).found.contains("torch 2.9.0"));
        found.pip = None;
        assert_eq!(pip(Some(&found), true).verdict, Verdict::Fail);
    }
}
