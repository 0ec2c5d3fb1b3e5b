//! Runs the cells of a plan one after the other and gathers what they say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mtl_data::Splits;

use super::{Cell, CellDir, Comparison, Limit, Outcome, Plan, analyze, cell::write_json, memory::PeakMemory, page};
use crate::{
    checkpoint::write_atomic,
    error::{Error, Result},
    run_data::RunData,
    session::Session,
    trainer::Observer,
};

/// The files of a comparison.
///
/// | file | holds |
/// |---|---|
/// | `cells/` | a folder per run |
/// | `data.json` | what was fitted on the data, see [`crate::run_data`] |
/// | `compare.json` | the [`Comparison`] |
/// | `compare.html` | the same for people |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// The files below a folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder of a cell.
    #[must_use]
    pub fn cell(&self, cell: &Cell) -> CellDir {
        CellDir::new(self.root.join("cells").join(&cell.folder))
    }

    /// `compare.json`.
    #[must_use]
    pub fn json(&self) -> PathBuf {
        self.root.join("compare.json")
    }

    /// `compare.html`.
    #[must_use]
    pub fn html(&self) -> PathBuf {
        self.root.join("compare.html")
    }
}

/// Someone who watches a comparison. Every hook does nothing unless overridden.
pub trait Watch {
    /// Before a cell trains (or goes on); gives who watches that run, and may ask it to stop.
    fn begin(&mut self, _place: [usize; 2], _cell: &Cell, _session: &Session) -> Box<dyn Observer> {
        Box::new(())
    }

    /// A cell had finished before and is read back.
    fn reused(&mut self, _place: [usize; 2], _cell: &Cell) {}

    /// A cell has been trained and tested.
    fn done(&mut self, _place: [usize; 2], _cell: &Cell, _outcome: &Outcome) {}

    /// A cell could not be trained; the others go on.
    fn failed(&mut self, _place: [usize; 2], _cell: &Cell, _error: &Error) {}
}

/// Nobody watches.
impl Watch for () {}

/// Runs all cells that are not finished, below `root`, and compares; `None` when a watcher asked to stop. Call it again to
/// go on.
///
/// Places given to the watcher are `[number, of so many]`, from 1.
///
/// # Errors
/// What is wrong with any method's settings, before the first is trained; [`Error::Checkpoint`] when a run below `root` was
/// trained on other data; [`Error::Io`] when a file cannot be written. What else stops a single run is no error: it is in the
/// comparison, and is tried again at the next call.
pub fn run(plan: &Plan, splits: &Splits, root: &Path, watch: &mut dyn Watch) -> Result<Option<Comparison>> {
    let (files, cells) = (Files::new(root), plan.cells(&splits.info)?);
    check(&cells, splits)?;
    let data = RunData::of(&plan.base.data, splits);
    // All are looked at before the first is trained: a study of two kinds of data compares nothing.
    cells.iter().try_for_each(|cell| files.cell(cell).check_data(&data))?;
    fs::create_dir_all(root).map_err(|e| Error::io(root, "cannot make folder", e))?;
    data.save(root)?;
    let mut outcomes: Vec<std::result::Result<Outcome, String>> = Vec::with_capacity(cells.len());
    for (at, cell) in cells.iter().enumerate() {
        let (place, dir) = ([at + 1, cells.len()], files.cell(cell));
        if let Some(outcome) = dir.outcome()? {
            watch.reused(place, cell);
            outcomes.push(Ok(outcome));
            continue;
        }
        let peak = PeakMemory::start();
        let mut begin = |session: &Session| watch.begin(place, cell, session);
        match dir.train(&cell.config, splits, Limit::End, &mut begin) {
            Ok((session, true)) => {
                let peak = peak.megabytes(); // before the test split is read
                let outcome = dir.finish(&session, peak)?;
                watch.done(place, cell, &outcome);
                outcomes.push(Ok(outcome));
            }
            Ok((_, false)) => return Ok(None),
            // What is wrong with the folder is wrong for all that follow.
            Err(error @ (Error::Io { .. } | Error::Checkpoint { .. })) => return Err(error),
            // A step that failed, or data that this run cannot use: no label of its only task in validation.
            Err(error) => {
                watch.failed(place, cell, &error);
                outcomes.push(Err(error.to_string()));
            }
        }
    }
    let comparison = analyze::analyze(plan, splits, &cells, &outcomes)?;
    write_json(&files.json(), &comparison)?;
    write_atomic(&files.html(), page(&comparison).to_html().as_bytes())?;
    Ok(Some(comparison))
}

/// Builds every model of one seed: a typing error in the last method should not be found after a night of training.
fn check(cells: &[Cell], splits: &Splits) -> Result<()> {
    let first = cells.first().map(|cell| cell.seed);
    cells.iter().filter(|cell| Some(cell.seed) == first).try_for_each(|cell| {
        Session::new(&cell.config, splits)?;
        Ok(())
    })
}
