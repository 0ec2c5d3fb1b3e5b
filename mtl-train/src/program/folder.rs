//! The folder of a run that a verb begins or goes on with, as its user names it.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::{Error, analysis::inspect::Finding, monitor::console::note};

#[derive(Debug, ClapArgs)]
pub(super) struct Folder {
    /// The run's folder; default `runs/NAME` after the configuration file, or `runs/NAME-2` and so on where that has a run.
    #[arg(long)]
    pub(super) run_dir: Option<PathBuf>,
    /// Go on from the newest whole checkpoint of the run's folder; without --run-dir, of the newest run of the file.
    #[arg(long)]
    pub(super) resume: bool,
}

impl Folder {
    /// The first folder for runs of a configuration file, where none is named.
    pub(super) fn of_file(config: &Path) -> PathBuf {
        Path::new("runs").join(config.file_stem().unwrap_or_default())
    }
}

/// Says what there is to say before a run begins or goes on.
pub(super) fn say(notes: &[Finding], damaged: &[Error]) {
    notes.iter().for_each(note);
    for e in damaged {
        note(format_args!("warning: {e}; going on from the checkpoint before it"));
    }
}
