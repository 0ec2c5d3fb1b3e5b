//! Python, used for two things only: it may own a libtorch already, and its pip can fetch one.
//!
//! One short probe answers everything at once. It never imports torch (that takes seconds): it asks
//! the import machinery where torch would come from and reads the version from the text of
//! `torch/version.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::problem::Problem;
use crate::process;

/// What one interpreter has to offer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Python {
    /// The interpreter, as a full path.
    pub(crate) executable: PathBuf,
    /// Its version, `3.11.7`.
    pub(crate) version: String,
    /// The version of its pip, if it has one.
    pub(crate) pip: Option<String>,
    /// Its torch package, if it has one.
    pub(crate) torch: Option<Torch>,
}

/// An installed torch package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Torch {
    /// The package folder, which has the layout of a libtorch.
    pub(crate) dir: PathBuf,
    /// Version with its build tag, `2.11.0+cpu`.
    pub(crate) version: String,
}

const PROBE: &str = r#"
import importlib.util, json, os, re, sys
def folder(name):
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        return None
    places = getattr(spec, "submodule_search_locations", None)
    return list(places)[0] if places else None
def version(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return None
    return found.group(1) if found else None
pip, torch = folder("pip"), folder("torch")
assign = r"""^__version__\s*(?::\s*\w+\s*)?=\s*['"]([^'"]+)"""
tag = version(os.path.join(torch, "version.py"), assign) if torch else None
print(json.dumps({
    "executable": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "pip": version(os.path.join(pip, "__init__.py"), assign) if pip else None,
    "torch": {"dir": torch, "version": tag} if tag else None,
}))
"#;

const INSTALL_PYTHON: &str = "install Python 3.9 or newer with pip (Debian: apt-get install python3 python3-pip)";

impl Python {
    /// The interpreter that a shell would start; none if there is none that works.
    pub(crate) fn find() -> Option<Self> {
        // In a virtual environment `python` is the right name, elsewhere it may be Python 2.
        let names: &[&str] =
            if std::env::var_os("VIRTUAL_ENV").is_some() { &["python", "python3"] } else { &["python3", "python"] };
        names.iter().find_map(|name| Self::probe(Path::new(name)))
    }

    fn probe(program: &Path) -> Option<Self> {
        // `-I` keeps the current folder and PYTHONPATH out: the checkout must not shadow modules.
        let output = process::capture(Command::new(program).args(["-I", "-c", PROBE]), "").ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// The interpreter with a pip, or advice on how to get them.
    pub(crate) fn with_pip() -> Result<Self> {
        let python = Self::find().ok_or_else(|| Problem::error("no working `python3` found", INSTALL_PYTHON))?;
        if python.pip.is_none() {
            return Err(Problem::error(
                format!("{} has no pip", python.executable.display()),
                "install pip (Debian: apt-get install python3-pip; else python3 -m ensurepip)",
            ));
        }
        Ok(python)
    }

    /// Downloads one requirement into `dest` without installing anything; returns the file.
    ///
    /// `dest` must be empty. pip's own progress bar and messages go to stderr.
    pub(crate) fn download(&self, spec: &str, flags: &[&str], dest: &Path) -> Result<PathBuf> {
        let mut command = Command::new(&self.executable);
        command
            .args(["-m", "pip", "download", "--no-deps", "--no-input"])
            .arg("--disable-pip-version-check")
            .args(flags)
            .arg("--dest")
            .arg(dest)
            .arg(spec);
        let status = process::run_aside(&mut command, INSTALL_PYTHON)?;
        if !status.success() {
            return Err(Problem::error(
                format!("pip could not download {spec}"),
                "read pip's message above; without a network copy the files from another machine \
                 and use --wheels DIR (setup) or --from DIR (data); behind a mirror set \
                 PIP_INDEX_URL; a pip older than 20.3 needs python3 -m pip install --upgrade pip",
            ));
        }
        let mut files = std::fs::read_dir(dest)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
            .with_context(|| format!("cannot list {}", dest.display()))?;
        files
            .pop()
            .filter(|_| files.is_empty())
            .with_context(|| format!("pip left no single file for {spec} in {}", dest.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip::{self, Lacking};

    #[test]
    fn probe_reads_torch_without_importing_it() {
        // A made-up package beside the interpreter's own path: importing it would raise.
        let tmp = tempfile::tempdir().unwrap();
        let torch = tmp.path().join("torch");
        std::fs::create_dir(&torch).unwrap();
        std::fs::write(torch.join("__init__.py"), "raise SystemExit(9)\n").unwrap();
        std::fs::write(torch.join("version.py"), "x = 1\n__version__ = '2.11.0+cpu'\n").unwrap();
        let script = format!("import sys; sys.path.insert(0, {:?})\n{PROBE}", tmp.path());
        let Ok(output) = process::capture(Command::new("python3").args(["-I", "-c", &script]), "") else {
            return skip::note(Lacking::Python, "python3", "there is no interpreter to probe");
        };
        let python: Python = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(python.torch, Some(Torch { dir: torch, version: "2.11.0+cpu".into() }));
    }

    #[test]
    fn a_program_that_is_no_python_is_not_one() {
        assert_eq!(Python::probe(Path::new("true")), None);
        assert_eq!(Python::probe(Path::new("no-such-python")), None);
    }
}
