//! Trains every model on every seed, by the comparison of the library, and gathers what the report shows beyond it.

use std::path::Path;

use mtl_attention::AttentionSummary;
use mtl_core::{context::Cx, mode::Mode};
use mtl_data::{DatasetConfig, Origin, Splits};
use mtl_metrics::RocCurve;
use mtl_train::{
    Error, Result,
    analysis::run_report::History,
    monitor::progress::Progress,
    run::{dir::RunDir, session::Session},
    study::{
        Files,
        compare::{self, Cell, Plan, Subject, Watch},
    },
    train::trainer::{EpochSummary, Observer, evaluate, metrics_of},
};

use crate::{
    models::{ABOUT, plan},
    summary::{ModelSummary, Summary},
};

/// What the page shows of one model beyond the table; curves and maps are of the first seed.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) tasks: Vec<String>,
    /// Epochs per run: one run for all tasks, or one per task.
    pub(crate) histories: Vec<Vec<EpochSummary>>,
    pub(crate) roc: Vec<(String, RocCurve)>,
    pub(crate) attention: Vec<AttentionSummary>,
}

const ROC_POINTS: usize = 300;

pub(crate) fn compare(
    data: &DatasetConfig,
    (epochs, seeds): (u64, u64),
    only: Option<&str>,
    out: &Path,
    summary: &mut Summary,
) -> Result<Vec<Detail>> {
    eprintln!("reading {}", data.name());
    let splits = data.load()?;
    summary.dataset = Some(data.name());
    summary.source = Some(match splits.origin {
        Origin::Real => "real",
        Origin::Synthetic => "synthetic",
    });
    let plan = plan(data, &splits.info, epochs, seeds, only)?;
    // A folder that goes again: timings of an earlier program must not be read back.
    std::fs::create_dir_all(out).map_err(|e| Error::io(out, "cannot make report folder", e))?;
    let folder = tempfile::tempdir_in(out).map_err(|e| Error::io(out, "cannot make a folder for runs", e))?;
    let Some(comparison) = compare::run(&plan, &splits, folder.path(), &mut Terminal)? else { return Ok(Vec::new()) };
    summary.models = comparison.methods.iter().map(|m| ModelSummary::new(m, &comparison.tasks)).collect();
    details(&plan, &splits, &compare::files(folder.path()))
}

/// Shows on standard error what is being trained.
struct Terminal;

impl Watch for Terminal {
    fn begin(&mut self, _place: [usize; 2], cell: &Cell, session: &Session) -> Box<dyn Observer> {
        let total = session.total_steps();
        Box::new(Progress::new(&cell.title, session.trainer.model().tasks(), total))
    }

    fn failed(&mut self, _place: [usize; 2], cell: &Cell, error: &Error) {
        eprintln!("warning: {}: {error}", cell.title);
    }
}

/// Curves and maps of the first seed's runs, in the order of the table.
fn details(plan: &Plan, splits: &Splits, files: &Files) -> Result<Vec<Detail>> {
    let tasks: Vec<String> = plan.tasks(&splits.info).into_iter().map(|task| task.name).collect();
    let detail = |name: &str| Detail {
        name: name.to_owned(),
        about: ABOUT.iter().find(|(n, _)| *n == name).map_or("", |(_, about)| *about).to_owned(),
        tasks: tasks.clone(),
        ..Default::default()
    };
    let mut details: Vec<Detail> =
        plan.baseline.iter().chain(&plan.methods).map(|method| detail(&method.name)).collect();
    let first = plan.seeds.first().copied();
    for cell in plan.cells(&splits.info)?.iter().filter(|cell| Some(cell.seed) == first) {
        let folder = compare::cell_folder(files, cell);
        if !RunDir::holds_run(&folder) {
            continue;
        }
        let dir = RunDir::open(&folder)?;
        if !dir.weights().exists() {
            continue;
        }
        let place = match cell.subject {
            Subject::Alone(_) => 0,
            Subject::Method(at) => at + usize::from(plan.baseline.is_some()),
        };
        let Some(detail) = details.get_mut(place) else { continue };
        let session = dir.trained(&cell.config, splits)?;
        detail.histories.push(History::read(&dir.log())?.epochs);
        detail.roc.extend(roc(&session)?);
        detail.attention.extend(attention(&session)?);
    }
    Ok(details)
}

fn roc(session: &Session) -> Result<Vec<(String, RocCurve)>> {
    let model = session.trainer.model();
    let mut metrics = metrics_of(model)?;
    evaluate(model, session.test_loader(), &mut metrics)?;
    let mut curves = Vec::new();
    for (task_idx, task) in model.tasks().iter().enumerate() {
        if let Some(Ok(curve)) = metrics.roc_curves(task_idx, ROC_POINTS).into_iter().next() {
            curves.push((task.name.to_string(), curve));
        }
    }
    Ok(curves)
}

/// Mean attention maps over the first batches of the test split; empty for models without attention.
fn attention(session: &Session) -> Result<Vec<AttentionSummary>> {
    const BATCHES: usize = 4;
    let mut summaries: Vec<AttentionSummary> = Vec::new();
    for batch in session.test_loader().epoch(0)?.take(BATCHES) {
        let batch = batch?;
        let cx = Cx::new(Mode::Eval).with_traces();
        session.trainer.model().predict_with(&batch.inputs, &cx)?;
        for (idx, trace) in cx.take_traces().iter().enumerate() {
            match summaries.get_mut(idx) {
                Some(summary) => summary.add(trace)?,
                None => summaries.push(AttentionSummary::new(trace)?),
            }
        }
    }
    Ok(summaries)
}
