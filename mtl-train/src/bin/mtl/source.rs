//! A configuration as programs take it: a file and `--set` flags.

use std::path::{Path, PathBuf};

use clap::Args;
use mtl_train::{Result, config::ConfigSource};

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Settings {
    /// Sets a key over the file, typed like TOML: `--set balancer.kind=upgrad --set train.epochs=3`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Settings {
    /// The file with the settings over it; says which keys fell away because another kind was chosen.
    pub(crate) fn read(&self, path: &Path) -> Result<ConfigSource> {
        let source = ConfigSource::read(path, &self.set)?;
        for dropped in source.dropped() {
            eprintln!("note: {dropped} of {} belongs to the kind that --set replaced and is left out", path.display());
        }
        Ok(source)
    }
}

/// The configuration file of a run folder, or the file itself.
pub(crate) fn config_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("config.toml") } else { path.to_owned() }
}
