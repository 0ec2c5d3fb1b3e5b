//! Python environments of the peers: made once, in the cache, from pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::problem::Problem;
use crate::process;
use crate::python::Python;

/// The interpreter of the environment `name`, made if the cache has none with exactly these packages.
pub(super) fn environment(cache: &Cache, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let dir = cache.root().join(name);
    let python = dir.join("bin/python");
    let done = dir.join("packages.txt");
    if fs::read_to_string(&done).is_ok_and(|text| text == packages.join("\n")) {
        return Ok(python);
    }
    let base = Python::with_pip()?;
    eprintln!("making a Python environment with {} (large, once)", packages.join(", "));
    let steps: [(&Path, Vec<&str>); 2] = [
        (&base.executable, vec!["-m", "venv", "--clear"]),
        (&python, [&["-m", "pip", "install", "--disable-pip-version-check"], packages].concat()),
    ];
    for (index, (program, words)) in steps.into_iter().enumerate() {
        let mut command = Command::new(program);
        command.args(words);
        if index == 0 {
            command.arg(&dir);
        }
        if !process::run_aside(&mut command, "install Python with venv and pip")?.success() {
            return Err(Problem::error(
                "the Python environment could not be made",
                "read the message above; or name an interpreter that has the packages with --python",
            ));
        }
    }
    fs::write(&done, packages.join("\n")).with_context(|| format!("cannot write {}", done.display()))?;
    Ok(python)
}
