//! A folder for every run: `runs/NAME`, then `runs/NAME-2`, `runs/NAME-3`, ...
//!
//! The program names a run's folder after its configuration file. A second run of the same file must not be refused for the
//! first one's sake, and must not touch it: it gets the next number. `--resume` without a folder goes on with the newest,
//! the one of the highest number. A folder that is given explicitly (`--run-dir`) is taken as it is.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The runs of one configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    base: PathBuf,
}

impl Numbered {
    /// The runs in `base` and in the folders named after it with a number.
    #[must_use]
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_owned() }
    }

    /// The newest run; `None` before the first.
    #[must_use]
    pub fn newest(&self) -> Option<PathBuf> {
        self.highest().map(|number| self.folder(number))
    }

    /// Makes the folder of the next run. Two processes that ask at the same time get two folders.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made.
    pub fn next(&self) -> Result<PathBuf> {
        let mut number = self.highest().map_or(1, |highest| highest + 1);
        loop {
            let folder = self.folder(number);
            let parent = folder.parent().unwrap_or("".as_ref());
            let made = fs::create_dir_all(parent).and_then(|()| fs::create_dir(&folder));
            match made {
                Ok(()) => return Ok(folder),
                // An empty folder is as good as none.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    if fs::read_dir(&folder).is_ok_and(|mut inside| inside.next().is_none()) {
                        return Ok(folder);
                    }
                    number += 1;
                }
                Err(e) => return Err(Error::io(folder, "cannot make run folder", e)),
            }
        }
    }

    fn folder(&self, number: u64) -> PathBuf {
        if number == 1 {
            return self.base.clone();
        }
        let mut name = self.base.clone().into_os_string();
        name.push(format!("-{number}"));
        name.into()
    }

    /// The highest number of a folder with a run in it.
    fn highest(&self) -> Option<u64> {
        let name = self.base.file_name()?.to_str()?;
        let parent = self.base.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref());
        let number = |entry: fs::DirEntry| -> Option<u64> {
            let rest = entry.file_name().to_str()?.strip_prefix(name)?.to_owned();
            let number = if rest.is_empty() { 1 } else { rest.strip_prefix('-')?.parse().ok().filter(|n| *n > 1)? };
            has_run(&entry.path()).then_some(number)
        };
        fs::read_dir(parent).ok()?.filter_map(|entry| number(entry.ok()?)).max()
    }
}

fn has_run(folder: &Path) -> bool {
    folder.join("config.toml").exists() || folder.join("log.jsonl").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_up_and_folders_are_never_taken_twice() {
        let place = tempfile::tempdir().unwrap();
        let base = place.path().join("runs").join("flats");
        let runs = Numbered::new(&base);
        let start = |folder: PathBuf| fs::write(folder.join("config.toml"), "").unwrap();
        assert_eq!(runs.newest(), None);
        assert_eq!(runs.next().unwrap(), base);
        assert_eq!(runs.next().unwrap(), base, "nothing is in it yet");
        start(base.clone());
        let second = runs.next().unwrap();
        assert!(second.ends_with("runs/flats-2"));
        start(second.clone());
        assert_eq!(runs.newest(), Some(second));
        // Other folders do not count; what is no run is not written over; a removed one is not taken up again.
        for other in ["flats-x", "flats2", "flats-3", "flat-9"] {
            fs::create_dir(place.path().join("runs").join(other)).unwrap();
        }
        fs::write(base.with_file_name("flats-3").join("notes.txt"), "mine").unwrap();
        fs::remove_dir_all(&base).unwrap();
        assert!(runs.next().unwrap().ends_with("runs/flats-4"));
    }
}
