//! Runs the cells of a plan one after the other and gathers what they say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mtl_data::Splits;

use super::{Cell, Comparison, Plan, analyze, page};
use crate::{
    error::{Error, Result},
    run::{
        cost::Cost,
        data::RunData,
        dir::RunDir,
        json,
        life::{Ended, Limit, Run},
        memory::PeakMemory,
        outcome::Outcome,
        session::Session,
    },
    study::files::{Files, finished},
    train::{checkpoint::write_atomic, trainer::Observer},
};

/// The files of a comparison: `cells/`, `compare.json`, `compare.html`.
#[must_use]
pub fn files(root: &Path) -> Files {
    Files::new(root, "compare")
}

/// The folder of a cell's run.
#[must_use]
pub fn cell_folder(files: &Files, cell: &Cell) -> PathBuf {
    files.root().join("cells").join(&cell.folder)
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
    fn done(&mut self, _place: [usize; 2], _cell: &Cell, _outcome: &Outcome, _cost: &Cost) {}

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
    let (files, cells) = (files(root), plan.cells(&splits.info)?);
    check(&cells, splits)?;
    let data = RunData::of(&plan.base.data, splits);
    let folders: Vec<PathBuf> = cells.iter().map(|cell| cell_folder(&files, cell)).collect();
    // All are looked at before the first is trained: a study of two kinds of data compares nothing.
    for folder in folders.iter().filter(|folder| RunDir::holds_run(folder)) {
        RunDir::open(folder)?.check_data(&data)?;
    }
    fs::create_dir_all(root).map_err(|e| Error::io(root, "cannot make folder", e))?;
    data.save(root)?;
    let mut outcomes: Vec<analyze::Ended> = Vec::with_capacity(cells.len());
    for (at, (cell, folder)) in cells.iter().zip(&folders).enumerate() {
        let place = [at + 1, cells.len()];
        if let Some(found) = finished(folder)? {
            watch.reused(place, cell);
            outcomes.push(Ok(found));
            continue;
        }
        match train(cell, folder, splits, &mut |session| watch.begin(place, cell, session)) {
            Ok(Some((outcome, cost))) => {
                watch.done(place, cell, &outcome, &cost);
                outcomes.push(Ok((outcome, cost)));
            }
            Ok(None) => return Ok(None),
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
    json::write(&files.json(), &comparison)?;
    write_atomic(&files.html(), page(&comparison).to_html().as_bytes())?;
    Ok(Some(comparison))
}

/// A cell's whole run; `None` when its watcher asked to stop.
fn train(
    cell: &Cell,
    folder: &Path,
    splits: &Splits,
    begin: &mut dyn FnMut(&Session) -> Box<dyn Observer>,
) -> Result<Option<(Outcome, Cost)>> {
    let peak = PeakMemory::start();
    let mut run = Run::enter(folder, cell.config.clone(), splits)?;
    let mut watcher = begin(run.session());
    if run.train(Limit::End, &mut *watcher)? != Ended::Finished {
        return Ok(None);
    }
    let peak = peak.megabytes(); // before the test split is read
    let outcome = run.finish(peak)?;
    run.dir().drop_checkpoints()?;
    Ok(Some((outcome, Cost::of(run.session(), peak))))
}

/// Builds every model of one seed: a typing error in the last method should not be found after a night of training.
fn check(cells: &[Cell], splits: &Splits) -> Result<()> {
    let first = cells.first().map(|cell| cell.seed);
    cells.iter().filter(|cell| Some(cell.seed) == first).try_for_each(|cell| {
        Session::new(&cell.config, splits)?;
        Ok(())
    })
}
