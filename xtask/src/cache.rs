//! The cache folder, and how anything gets into it.
//!
//! Two rules keep the cache trustworthy. A folder appears in it under its final name only when it is
//! complete: work happens in `<name>.partial`, which is renamed at the end and removed on any other
//! way out ([`Partial`]). And only one process writes at a time ([`Cache::lock`]), so a `.partial`
//! found under the lock is always the debris of a killed run and may be swept away.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::problem::Problem;
use crate::process;

/// The cache root: `$MTL_CACHE`, else `$XDG_CACHE_HOME/mtl`, else `~/.cache/mtl`.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Finds the folder; creates nothing.
    pub(crate) fn locate() -> Result<Self> {
        let root = choose_root(|name| std::env::var_os(name).map(PathBuf::from)).ok_or_else(|| {
            Problem::error(
                "no folder for the cache: MTL_CACHE, XDG_CACHE_HOME and HOME are all unset",
                "set MTL_CACHE to a folder with 2 GB free",
            )
        })?;
        // Links and child processes need a path that does not depend on the current directory.
        let root = std::path::absolute(&root).with_context(|| format!("cannot make {} absolute", root.display()))?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of data set `name`.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    /// Bytes that may still be written there, if `df` can tell.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        // The cache may not exist yet; its first existing ancestor is on the same disk.
        let place = self.root.ancestors().find(|dir| dir.is_dir())?;
        let output = process::capture(Command::new("df").arg("-Pk").arg(place), "").ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let kilobytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Waits until no other process writes to the cache; writing is allowed while the file lives.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        fs::create_dir_all(&self.root)
            .and_then(|()| File::create(&path))
            .map_err(|error| self.unwritable(&error))
            .and_then(|file| {
                match file.try_lock() {
                    Ok(()) => {}
                    Err(TryLockError::WouldBlock) => {
                        eprintln!("waiting for another `cargo xtask` that is filling the cache");
                        file.lock().context("cannot lock the cache")?;
                    }
                    Err(TryLockError::Error(error)) => return Err(self.unwritable(&error)),
                }
                Ok(file)
            })
    }

    fn unwritable(&self, error: &std::io::Error) -> anyhow::Error {
        Problem::error(
            format!("cannot write to the cache {}: {error}", self.root.display()),
            "set MTL_CACHE to a folder you may write to",
        )
    }
}

fn choose_root(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // An empty variable means unset, as everywhere in the XDG rules.
    let var = |name| var(name).filter(|value| !value.as_os_str().is_empty());
    var("MTL_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("mtl")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/mtl")))
}

/// A folder under construction; dropped without [`Partial::commit`] it disappears.
#[derive(Debug)]
pub(crate) struct Partial {
    work: PathBuf,
    target: PathBuf,
}

impl Partial {
    /// Starts an empty `<target>.partial`, removing what a killed run left there.
    pub(crate) fn begin(target: &Path) -> Result<Self> {
        let work = suffixed(target, "partial");
        remove(&work)?;
        fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
        Ok(Self { work, target: target.to_path_buf() })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.work
    }

    /// Moves the finished folder to its final name, replacing an older one.
    pub(crate) fn commit(self) -> Result<()> {
        // The old folder steps aside first and is deleted last: a reader that runs meanwhile sees
        // the old or the new one, save for the instant between two renames.
        let old = suffixed(&self.target, "old");
        remove(&old)?;
        if self.target.exists() {
            fs::rename(&self.target, &old).with_context(|| format!("cannot move {} aside", self.target.display()))?;
        }
        fs::rename(&self.work, &self.target).with_context(|| format!("cannot create {}", self.target.display()))?;
        remove(&old)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a commit the folder is gone and this does nothing. A failure here cannot be reported
        // better than the one that is already under way.
        let _ = fs::remove_dir_all(&self.work);
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_asked_in_order_and_empty_means_unset() {
        let with = |set: &'static [(&str, &str)]| {
            choose_root(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)))
        };
        const ALL: [(&str, &str); 3] = [("MTL_CACHE", "m"), ("XDG_CACHE_HOME", "x"), ("HOME", "h")];
        assert_eq!(with(&ALL), Some("m".into()));
        assert_eq!(with(&[("MTL_CACHE", ""), ("XDG_CACHE_HOME", "x")]), Some("x/mtl".into()));
        assert_eq!(with(&[("HOME", "h")]), Some("h/.cache/mtl".into()));
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn an_abandoned_folder_leaves_nothing() {
        let tmp = tempfile::tempdir().unwrap();
        let target = tmp.path().join("thing");
        let partial = Partial::begin(&target).unwrap();
        fs::write(partial.path().join("half"), "x").unwrap();
        drop(partial);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }

    #[test]
    fn commit_replaces_the_older_folder_and_sweeps_debris() {
        let tmp = tempfile::tempdir().unwrap();
        let target = tmp.path().join("thing");
        fs::create_dir_all(target.join("old-content")).unwrap();
        fs::create_dir_all(tmp.path().join("thing.partial/debris")).unwrap();
        let partial = Partial::begin(&target).unwrap();
        fs::write(partial.path().join("new"), "x").unwrap();
        partial.commit().unwrap();
        let names: Vec<_> = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["new"]);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }
}
