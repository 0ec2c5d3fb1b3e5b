//! Getting wheels: from a folder the user named, from an earlier try, or through pip.
//!
//! A finished download is kept in `<cache>/downloads` until the whole set-up has succeeded, so a run
//! that breaks at the last package does not fetch the big one again. The archives whose digests are
//! known are checked against them here, whatever their way onto the machine; pip has checked the rest
//! against its index.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::{Cache, Partial};
use crate::digest;
use crate::manifest::Source;
use crate::problem::Problem;
use crate::python::Python;

use super::VERSION;
use super::wheel::Requirement;

/// Digests of the wheels that set-up fetches on x86-64 Linux, verified when this was written.
const PINS: [(&str, &str); 4] = [
    (
        "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    ),
    ("cuda_toolkit-13.0.2-py2.py3-none-any.whl", "b198824cf2f54003f50d64ada3a0f184b42ca0846c1c94192fa269ecd97a66eb"),
    (
        "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    ),
    (
        "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    ),
];

/// The C++ libraries do not depend on the Python version, so one fixed version is asked for: any
/// Python with a pip will do, and the file (hence its digest) is the same everywhere.
const PIP_FLAGS: [&str; 3] = ["--only-binary=:all:", "--python-version", "3.11"];

/// Fetches wheels and remembers what it fetched.
#[derive(Debug)]
pub(crate) struct Fetcher<'a> {
    downloads: PathBuf,
    wheels: Option<&'a Path>,
    python: Option<Python>,
    sources: Vec<Source>,
}

impl<'a> Fetcher<'a> {
    /// A fetcher that looks into `wheels` first.
    pub(crate) fn new(cache: &Cache, wheels: Option<&'a Path>) -> Self {
        Self { downloads: cache.root().join("downloads"), wheels, python: None, sources: Vec::new() }
    }

    /// The requirement for torch itself, pinned to the one version.
    pub(crate) fn torch() -> Requirement {
        Requirement::pinned("torch", VERSION)
    }

    /// The wheel for `requirement`, verified.
    pub(crate) fn wheel(&mut self, requirement: &Requirement) -> Result<PathBuf> {
        if let Some(dir) = self.wheels
            && let Some(path) = find(dir, requirement)
        {
            eprintln!("  using {}", path.display());
            return self.accept(path, false);
        }
        if let Some(path) = find(&self.downloads, requirement) {
            eprintln!("  using {} from an earlier try", name_of(&path));
            return self.accept(path, true);
        }
        let path = self.download(&requirement.spec())?;
        self.accept(path, true)
    }

    /// What was used, for the manifest.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Deletes the downloaded archives; call when what they held is safely unpacked.
    pub(crate) fn clear(&self) -> Result<()> {
        if self.downloads.is_dir() {
            fs::remove_dir_all(&self.downloads)
                .with_context(|| format!("cannot remove {}", self.downloads.display()))?;
        }
        Ok(())
    }

    fn download(&mut self, spec: &str) -> Result<PathBuf> {
        let python = match self.python.take() {
            Some(python) => python,
            None => Python::with_pip()?,
        };
        // pip writes into a folder of its own, so that a broken file never looks like a finished one.
        let work = Partial::begin(&self.downloads.join("pip"))?;
        let file = python.download(spec, &PIP_FLAGS, work.path())?;
        self.python = Some(python);
        let target = self.downloads.join(name_of(&file));
        fs::rename(&file, &target).with_context(|| format!("cannot keep {}", target.display()))?;
        Ok(target)
    }

    fn accept(&mut self, path: PathBuf, ours: bool) -> Result<PathBuf> {
        let name = name_of(&path);
        let sha256 = digest::sha256(&path)?;
        if let Err(error) = check_pin(&name, &sha256) {
            if ours {
                // Otherwise the next try would trip over the same file.
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            return Err(error);
        }
        self.sources.push(Source { name, sha256: Some(sha256) });
        Ok(path)
    }
}

fn check_pin(name: &str, found: &str) -> Result<()> {
    match PINS.iter().find(|(pinned, _)| *pinned == name) {
        Some((_, expected)) if *expected != found => Err(Problem::error(
            format!("{name} has sha256 {found}, expected {expected}"),
            "the file is damaged or not the published one: try again, or use another mirror",
        )),
        _ => Ok(()),
    }
}

fn find(dir: &Path, requirement: &Requirement) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| requirement.matches_file(&name_of(path)))
        .collect();
    // Folder order is arbitrary; of several fitting wheels take always the same.
    found.sort();
    found.pop()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_known_digest_passes_for_a_known_name() {
        let (name, sha256) = PINS[0];
        assert!(check_pin(name, sha256).is_ok());
        assert!(check_pin(name, &sha256.replace('7', "8")).is_err());
        assert!(check_pin("nvidia_new-1-py3-none-any.whl", "whatever").is_ok());
    }

    #[test]
    fn torch_pin_is_for_the_pinned_version() {
        assert!(Fetcher::torch().matches_file(PINS[0].0));
    }

    #[test]
    fn a_forged_wheel_in_the_users_folder_is_refused_and_kept() {
        let tmp = tempfile::tempdir().unwrap();
        let forged = tmp.path().join(PINS[0].0);
        fs::write(&forged, "not torch").unwrap();
        let mut fetcher = Fetcher {
            downloads: tmp.path().join("downloads"),
            wheels: Some(tmp.path()),
            python: None,
            sources: Vec::new(),
        };
        let error = fetcher.wheel(&Fetcher::torch()).unwrap_err();
        assert!(error.to_string().contains("sha256"), "{error}");
        assert!(forged.exists() && fetcher.sources().is_empty());
    }

    #[test]
    fn a_damaged_download_is_removed() {
        let tmp = tempfile::tempdir().unwrap();
        let damaged = tmp.path().join(PINS[0].0);
        fs::write(&damaged, "half").unwrap();
        let mut fetcher =
            Fetcher { downloads: tmp.path().to_path_buf(), wheels: None, python: None, sources: Vec::new() };
        assert!(fetcher.wheel(&Fetcher::torch()).is_err());
        assert!(!damaged.exists());
    }
}
