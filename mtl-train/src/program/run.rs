//! A finished run, opened with its data: the flags that all verbs share which look at samples again.

use std::path::{Path, PathBuf};

use crate::{
    Result,
    monitor::console::note,
    run::{data::Reopen, dir::RunDir, session::Session},
};
use clap::Args;
use mtl_data::OnChange;

/// Where the run's data are, and what to do when they changed.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DataFlags {
    /// The folder of the data's files, where they have moved.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Look at data that changed since the run was trained, with the run's own vocabularies, classes and scales.
    #[arg(long)]
    allow_changed_data: bool,
}

impl DataFlags {
    /// The same for the library.
    pub(super) fn reopen(&self) -> Reopen {
        let on_change = match self.allow_changed_data {
            true => OnChange::Allow,
            false => OnChange::Offer("look at it as it is with --allow-changed-data"),
        };
        Reopen { data_dir: self.data_dir.clone(), on_change }
    }

    /// The run and its session; what of the data is not as it was is said on standard error.
    pub(super) fn open(&self, run: &Path) -> Result<(RunDir, Session, Vec<String>)> {
        let dir = RunDir::open(run)?;
        let config = dir.config()?;
        let reloaded = dir.reload(&config, &self.reopen())?;
        warn(&reloaded.changes);
        let session = dir.trained(&config, &reloaded.splits)?;
        Ok((dir, session, reloaded.changes))
    }
}

/// Says what of a run's data is not as it was.
pub(super) fn warn(changes: &[String]) {
    for change in changes {
        note(format_args!(
            "warning: {change}; vocabularies, classes and scales are the run's, but samples that it was trained on may be \
             among those of other splits now"
        ));
    }
}
