//! A configuration as programs take it: a file and `--set` flags.

use std::path::{Path, PathBuf};

use crate::{Result, config::ConfigSource, monitor::console::note};
use clap::Args;

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Settings {
    /// Sets a key over the file, typed like TOML: `--set balancer.kind=upgrad --set task.income.weight=2`. A table that the
    /// file leaves out starts as the default one.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// The folder of the data's files: short for `--set data.dir=DIR`, or for the key that a data set of your own has for it.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

impl Settings {
    /// The file with the settings over it; says what they changed beside the keys that they name.
    pub(super) fn read(&self, path: &Path) -> Result<ConfigSource> {
        let source = ConfigSource::read_in(path, &self.set, self.data_dir.as_deref())?;
        source.notes().iter().for_each(|about| note(format_args!("note: {about}")));
        Ok(source)
    }
}

/// The configuration file of a run folder, or the file itself.
pub(super) fn config_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("config.toml") } else { path.to_owned() }
}
