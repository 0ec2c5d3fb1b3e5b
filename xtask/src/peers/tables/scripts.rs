//! The scripts of the other side: written into the cache, run there, and what they found kept by their own digests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::THREADS;
use super::sets::Set;
use super::truth::{PeerLine, read_lines};
use crate::cache::{Cache, Partial};
use crate::digest;
use crate::problem::Problem;
use crate::process;

/// The scripts, written into the cache, and who runs them.
#[derive(Debug)]
pub(super) struct Scripts {
    python: PathBuf,
    data: PathBuf,
    peers: PathBuf,
    /// What one version of `data.py` made.
    pub(super) folder: PathBuf,
    /// Name of the file of what one version of `peers.py` found.
    found: String,
    /// Whether rows that test are left out, and others test in their place.
    is_dev: bool,
}

impl Scripts {
    /// Writes both.
    pub(super) fn write(cache: &Cache, python: PathBuf, is_dev: bool) -> Result<Self> {
        let root = cache.root().join("peers-tables");
        fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
        let written = |name: &str, text: &str| -> Result<(PathBuf, String)> {
            let path = root.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            let digest = digest::sha256(&path)?;
            Ok((path, digest.get(..12).unwrap_or(&digest).to_owned()))
        };
        let (data, version) = written("data.py", include_str!("data.py"))?;
        let (peers, found) = written("peers.py", include_str!("peers.py"))?;
        let folder = root.join(if is_dev { format!("{version}-dev") } else { version });
        Ok(Self { python, data, peers, folder, found: format!("peers-{found}.jsonl"), is_dev })
    }

    /// The folder of a set's files, split by a seed.
    pub(super) fn split(&self, set: Set, seed: u32, source: &Path) -> Result<PathBuf> {
        let dir = self.folder.join(set.name).join(seed.to_string());
        if !dir.is_dir() {
            let partial = Partial::begin(&dir)?;
            self.run(
                Command::new(&self.python)
                    .arg(&self.data)
                    .args([set.name, &seed.to_string()])
                    .args([source, partial.path()])
                    .args(self.is_dev.then_some("dev")),
            )?;
            partial.commit()?;
        }
        Ok(dir)
    }

    /// What the peers make of it.
    pub(super) fn peers(&self, dir: &Path) -> Result<Vec<PeerLine>> {
        let path = dir.join(&self.found);
        if !path.is_file() {
            self.run(Command::new(&self.python).arg(&self.peers).args([dir, &path]))?;
        }
        read_lines(&path)
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        // Threads that wait for work would take the processor from those that have some.
        command.env("OMP_NUM_THREADS", THREADS).env("OMP_WAIT_POLICY", "passive");
        let advice = "name an interpreter that has the packages with --python";
        if process::run_aside(command, advice)?.success() {
            return Ok(());
        }
        Err(Problem::error("a script of the peers failed", format!("read its message above; else {advice}")))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn scripts_say_how_they_are_called() {
        for (name, text) in [("data.py", include_str!("data.py")), ("peers.py", include_str!("peers.py"))] {
            assert!(text.contains(&format!("Usage: {name} ")), "{name}");
        }
    }
}
