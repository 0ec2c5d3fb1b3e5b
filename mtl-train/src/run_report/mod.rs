//! The report of a run: one HTML file, made of the run's folder and of the trained model on validation data.
//!
//! ```text
//! RUN/log.jsonl      --> History  --> curves, weights, conflict, cost          history.rs, training.rs, cost.rs
//! RUN/metrics.json   --> Outcome  --> validation and test of the chosen epoch
//! model + validation --> outputs  --> ROC, PR, calibration, confusion,         outputs.rs, details.rs, worst.rs
//!                                     residuals, worst samples
//!                    --> explain  --> attention, attribution, deletion test    crate::explain
//! ```
//! The test split appears only with the numbers that a finished run wrote down, and is not read again: whoever looks at
//! this page while choosing has not looked at the test data. A run that has not finished gets a report too; it says so, and
//! shows the best epoch so far.

mod cost;
mod details;
mod history;
mod outputs;
mod ranking;
mod reliability;
mod training;
mod worst;

use std::path::PathBuf;

pub use history::{ConstantOutcome, History, Outcome, StepLine};
use mtl_data::kept::Reloaded;
use mtl_metrics::MetricReport;
pub use outputs::{Answers, Rows, TaskOutputs, outputs};

use crate::{
    checkpoint::{Checkpoint, CheckpointStore, write_atomic},
    config::RunConfig,
    error::{Error, Result},
    explain::{self, ExplainOptions, Samples},
    report::{
        Align, Cell, Column, Details, Document, Heading, KeyValue, KeyValueStyle, KeyValues, Note, NoteKind, Paragraph,
        Row, Table,
    },
    run_data::Reopen,
    run_dir::RunDir,
    session::Session,
    trainer::Choice,
};

/// Samples whose answers are explained in the report, points of their integrated gradients, random orders of their deletion
/// test, and forward passes of that test: a report must not cost more than the run. `mtl explain` does more.
const EXPLAINED: usize = 48;
const STEPS: u32 = 16;
const DRAWS: usize = 5;
const PASSES: usize = 300;

/// Writes the report of a run from its folder: reads its data again, loads its model. What of the data is not as it was,
/// if that is allowed, stands first on the page and is given back.
///
/// # Errors
/// [`Error::Io`] when the folder holds no run or cannot be written; whatever is wrong with its configuration or data.
pub fn write(dir: &RunDir, how: &Reopen) -> Result<(PathBuf, Vec<String>)> {
    let config = dir.config()?;
    let Reloaded { splits, changes } = dir.reload(&config, how)?;
    let session = trained(dir, &config, &splits)?;
    Ok((write_page(dir, &config, session.as_ref(), &changes)?, changes))
}

/// Writes the report of a run whose model is at hand: what `mtl train` does at its end.
///
/// # Errors
/// [`Error::Io`] when the log cannot be read or the report cannot be written.
pub fn write_with(dir: &RunDir, config: &RunConfig, session: Option<&Session>) -> Result<PathBuf> {
    write_page(dir, config, session, &[])
}

fn write_page(dir: &RunDir, config: &RunConfig, session: Option<&Session>, changes: &[String]) -> Result<PathBuf> {
    let history = History::read(&dir.log())?;
    let outcome = Outcome::read(dir)?;
    let name = dir.root().file_name().map_or_else(|| "Run".into(), |n| n.to_string_lossy().into_owned());
    let mut page = document(&name, config, &history, outcome.as_ref(), session)?;
    let notes = changes.iter().map(|change| Note::new(NoteKind::Caution, change.clone()).into());
    page.blocks.splice(..0, notes);
    write_atomic(&dir.report(), page.to_html().as_bytes())?;
    Ok(dir.report())
}

/// The model of the best epoch: that of a finished run, or the best one in the newest whole checkpoint of another; `None`
/// before the first checkpoint.
fn trained(dir: &RunDir, config: &RunConfig, splits: &mtl_data::Splits) -> Result<Option<Session>> {
    if dir.weights().exists() {
        return dir.trained(config, splits).map(Some);
    }
    let found = match dir.checkpoints().exists() {
        true => CheckpointStore::open(&dir.checkpoints(), usize::MAX)?.latest()?,
        false => None,
    };
    let Some((Checkpoint { params, best, .. }, _)) = found else { return Ok(None) };
    let session = Session::new(config, splits)?;
    session.trainer.model().params().load_tensors(if best.is_empty() { &params } else { &best })?;
    Ok(Some(session))
}

/// The report as a document.
///
/// # Errors
/// The model's and the data's own errors. What a model cannot be asked (no parts to explain) is a note in the report.
pub fn document(
    name: &str,
    config: &RunConfig,
    history: &History,
    outcome: Option<&Outcome>,
    session: Option<&Session>,
) -> Result<Document> {
    let facts = &history.facts;
    let mut doc = Document::new(name);
    doc.subtitle = format!(
        "{} \u{b7} {} \u{b7} {} \u{b7} {} training samples \u{b7} seed {}",
        config.data.name(),
        config.sharing.name(),
        config.balancer.name(),
        cost::grouped(facts.train_samples),
        facts.seed
    );
    doc.push(tiles(history, outcome));
    if facts.data == "synthetic" {
        doc.push(Note::new(NoteKind::Caution, "Synthetic data from a generator: no figure here is about real data."));
    }
    match outcome {
        Some(outcome) => {
            let choice = choice(config, history, Some(outcome));
            let what = choice.as_ref().map_or_else(String::new, |choice| format!("Of {}. ", choice.sentence()));
            let kind = match choice.is_some_and(|choice| !choice.chosen) {
                true => NoteKind::Caution,
                false => NoteKind::Info,
            };
            doc.push(Note::new(
                kind,
                format!(
                    "{what}Test numbers are those that the finished run wrote down and had no say in anything; everything \
                     else on this page is about training and validation data."
                ),
            ));
        }
        None => doc.push(Note::new(
            NoteKind::Caution,
            format!(
                "This run has not finished: {} epochs are done, and there are no test numbers. Curves and models are \
                 those of its best epoch so far.",
                history.epochs.len()
            ),
        )),
    }
    doc.push(Heading::section("Results"));
    doc.push(results(history, outcome));
    doc.push(Heading::section("Training"));
    doc.blocks.extend(training::curves(history));
    doc.blocks.extend(training::optimization(history));
    doc.blocks.extend(training::conflict(history));
    let mut size = None;
    match session {
        Some(session) => {
            validation(&mut doc, session)?;
            explanation(&mut doc, session)?;
            let positions: Vec<u64> = (0..session.validation.source().len().min(8)).collect();
            let model = session.trainer.model();
            let batch = session.validation.source().batch(&positions)?.to_device(model.params().device())?;
            size = Some(cost::size(model, &batch.inputs)?);
        }
        None => doc.push(Note::new(NoteKind::Caution, "There is no model yet: the run has written no checkpoint.")),
    }
    doc.push(Heading::section("Cost"));
    doc.blocks.extend(cost::blocks(history, size.as_ref()));
    doc.push(Heading::section("Environment and configuration"));
    doc.push(environment(history));
    doc.push(Details::new("Configuration", vec![KeyValues::list(settings(config)?).into()]));
    Ok(doc)
}

/// Which epoch the page tells of, and on what grounds.
fn choice(config: &RunConfig, history: &History, outcome: Option<&Outcome>) -> Option<Choice> {
    let written = outcome.and_then(|outcome| outcome.selection.clone());
    written.or_else(|| Choice::by(&config.train.selection, &history.epochs))
}

/// The metrics on validation of the epoch that counts.
fn chosen<'a>(history: &'a History, outcome: Option<&'a Outcome>) -> Option<&'a MetricReport> {
    outcome
        .and_then(|o| o.validation.as_ref())
        .or_else(|| history.best().or(history.epochs.last()).map(|e| &e.validation))
}

fn tiles(history: &History, outcome: Option<&Outcome>) -> KeyValues {
    let mut items = Vec::new();
    for (t, task) in chosen(history, outcome).iter().flat_map(|r| &r.tasks).enumerate().take(4) {
        let Some(primary) = task.metrics.first() else { continue };
        let test = outcome.and_then(|o| o.test.tasks.get(t)).and_then(|t| t.metrics.first());
        items.push(KeyValue {
            key: format!("{}: {}", task.task, primary.metric),
            value: format!("{:.4}", primary.outcome),
            remark: test.map_or_else(|| "on validation".into(), |t| format!("on validation, test {:.4}", t.outcome)),
        });
    }
    if let Some(best) = history.best() {
        items.push(KeyValue {
            key: "chosen epoch".into(),
            value: (best.epoch + 1).to_string(),
            remark: format!(
                "of {}, score {}",
                best.epochs,
                best.score.map_or("undefined".into(), |s| format!("{s:.4}"))
            ),
        });
    }
    KeyValues { items, style: KeyValueStyle::Tiles }
}

fn results(history: &History, outcome: Option<&Outcome>) -> Table {
    let mut rows = Vec::new();
    for task in chosen(history, outcome).iter().flat_map(|r| &r.tasks) {
        for (at, entry) in task.metrics.iter().enumerate() {
            let number = |value: Option<f64>| value.map_or(Cell::Missing, |v| Cell::number(v, 4));
            let test = outcome.and_then(|o| o.test.entry(task.task.as_str(), &entry.metric).ok());
            let name = if at == 0 { task.task.to_string() } else { String::new() };
            let cells = vec![
                Cell::Text(entry.metric.clone()),
                number(entry.outcome.value),
                number(test.and_then(|t| t.outcome.value)),
            ];
            rows.push(Row::measured(name, cells));
        }
    }
    let left = |label: &str| Column { align: Align::Left, ..Column::new(label) };
    Table {
        caption: "Chosen epoch".into(),
        corner: "task".into(),
        columns: vec![left("metric"), Column::new("validation"), Column::new("test")],
        rows,
        ..Table::default()
    }
}

fn validation(doc: &mut Document, session: &Session) -> Result<()> {
    let (tasks, read) = outputs(session.trainer.model(), &session.validation)?;
    let info = session.validation.source().info();
    doc.push(Heading::section("Answers on validation"));
    let all = session.validation.source().len();
    if read < all {
        let words = format!("Curves and lists below are of the first {read} of {all} validation samples.");
        doc.push(Note::new(NoteKind::Info, words));
    }
    for (task, outputs) in info.tasks.iter().zip(&tasks) {
        doc.blocks.extend(details::task(task.name.as_str(), &task.label, outputs));
    }
    Ok(())
}

fn explanation(doc: &mut Document, session: &Session) -> Result<()> {
    doc.push(Heading::section("What answers rest on"));
    // Ten steps a draw, one pass at random and at most two explanations a task in each.
    let draws = PASSES / (10 * (1 + 2 * session.trainer.model().tasks().len()));
    let options = ExplainOptions {
        samples: Samples::Random(EXPLAINED),
        steps: STEPS,
        draws: draws.clamp(2, DRAWS),
        ..ExplainOptions::default()
    };
    match explain::explain(session.trainer.model(), session.validation.source(), &options) {
        Ok(found) => {
            doc.push(Paragraph::new(format!(
                "{} validation samples. Parts of their input are taken away in the order of each explanation, and at \
                 random; an explanation is worth its gain. `mtl explain` shows single samples.",
                found.samples.len()
            )));
            doc.blocks.extend(explain::blocks(&found));
        }
        // Inputs or heads that explanations do not know are no reason to go without a report.
        Err(Error::Core(e @ (mtl_core::Error::InvalidConfig { .. } | mtl_core::Error::Shape { .. }))) => {
            doc.push(Note::new(NoteKind::Info, format!("Nothing could be explained: {e}.")));
        }
        Err(e) => return Err(e),
    }
    Ok(())
}

fn environment(history: &History) -> KeyValues {
    let f = &history.facts;
    KeyValues::list([
        ("program", format!("mtl {}", f.version)),
        ("platform", format!("{}, {} cores", f.platform, f.cores)),
        ("device", format!("{}, {} threads inside operations", f.device, f.threads)),
        ("seed", f.seed.to_string()),
        ("data", format!("{}, {} training and {} validation samples", f.data, f.train_samples, f.validation_samples)),
        ("parameters", cost::grouped(f.parameters as u64)),
    ])
}

/// Every setting with its whole name: `train.optimizer.lr`.
fn settings(config: &RunConfig) -> Result<Vec<(String, String)>> {
    let text = config.to_toml()?;
    let table: toml::Table = toml::from_str(&text).map_err(|e| Error::Config {
        path: "resolved config".into(),
        line: 0,
        message: e.message().to_owned(),
        excerpt: String::new(),
    })?;
    let mut found = Vec::new();
    flatten("", &toml::Value::Table(table), &mut found);
    Ok(found)
}

fn flatten(name: &str, value: &toml::Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| flatten(&below(key), value, found)),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            list.iter().enumerate().for_each(|(at, value)| flatten(&below(&at.to_string()), value, found));
        }
        plain => found.push((name.to_owned(), plain.to_string())),
    }
}

#[cfg(test)]
mod tests;
