//! The report of a run: one HTML file, made of the run's folder and of the trained model on validation data.
//!
//! ```text
//! RUN/log.jsonl      --> History  --> curves, weights, conflict, cost          history.rs, training.rs, cost.rs
//! RUN/metrics.json   --> Outcome  --> validation and test of the chosen epoch, results.rs
//!                                     intervals, constant answers
//! data               --> Scan     --> samples, gaps, label shares, findings    data.rs
//! model + validation --> outputs  --> Evaluation: ROC, PR, calibration,        outputs.rs, evaluation.rs, worst.rs;
//!                                     confusion, residuals, worst samples      drawn in details.rs
//!                    --> explain  --> attention, attribution, deletion test    crate::analysis::explain
//! ```
//! Of up to four tasks everything stands in the open, sorted by what it is. Of more there is a table of results to begin with,
//! whose rows lead to one folded part a task that holds all of it; what many tasks share is drawn by its median and its ends.
//!
//! The test split appears only with the numbers that a finished run wrote down, and is not read again: whoever looks at
//! this page while choosing has not looked at the test data. A run that has not finished gets a report too; it says so, and
//! shows the best epoch so far.

mod cost;
mod data;
mod details;
mod evaluation;
mod gaps;
mod history;
mod outputs;
mod overview;
mod post_hoc;
mod results;
mod sampled;
mod sources;
mod training;
mod wilson;
mod worst;

use std::{path::PathBuf, sync::Arc};

pub use evaluation::{
    Calibration, CalibrationBin, Confusion, Evaluation, GradesOff, Ranking, Rankings, ResidualBar, ResidualGroup,
    Residuals, TaskEvaluation, Worst,
};
pub use history::{History, StepLine};
use mtl_data::{Source, Splits, kept::Reloaded, source::PartOf};
pub use outputs::{Judged, Outputs, Rows, TaskOutputs, outputs};
use results::FEW_TASKS;
use worst::Fields;

use crate::{
    analysis::explain::{self, ExplainOptions, Samples},
    config::RunConfig,
    error::{Error, Result},
    report::{Block, Columns, Details, Document, Heading, KeyValues, Note, NoteKind, Paragraph, count},
    run::{data::Reopen, dir::RunDir, outcome::Outcome, session::Session},
    train::{
        checkpoint::{Checkpoint, CheckpointStore, write_atomic},
        trainer::Choice,
    },
};

/// Samples whose answers are explained in the report, points of their integrated gradients, random orders of their deletion
/// test, and forward passes of that test: a report must not cost more than the run. `mtl explain` does more.
const EXPLAINED: usize = 48;
const STEPS: u32 = 16;
const DRAWS: usize = 5;
const PASSES: usize = 300;
/// More tasks than this get fewer charts and shorter lists each.
const MANY_TASKS: usize = 24;

/// Writes the report of a run from its folder: reads its data again, loads its model. What of the data is not as it was,
/// if that is allowed, stands first on the page and is given back.
///
/// # Errors
/// [`Error::Io`] when the folder holds no run or cannot be written; whatever is wrong with its configuration or data.
pub fn write(dir: &RunDir, how: &Reopen) -> Result<(PathBuf, Vec<String>)> {
    let config = dir.config()?;
    let Reloaded { splits, changes } = dir.reload(&config, how)?;
    let session = trained(dir, &config, &splits)?;
    Ok((write_page(dir, &config, Some(&splits), session.as_ref(), &changes)?, changes))
}

/// Writes the report of a run whose data and model are at hand: what `mtl train` does at its end.
///
/// # Errors
/// [`Error::Io`] when the log cannot be read or the report cannot be written.
pub fn write_with(
    dir: &RunDir,
    config: &RunConfig,
    splits: Option<&Splits>,
    session: Option<&Session>,
) -> Result<PathBuf> {
    write_page(dir, config, splits, session, &[])
}

fn write_page(
    dir: &RunDir,
    config: &RunConfig,
    splits: Option<&Splits>,
    session: Option<&Session>,
    changes: &[String],
) -> Result<PathBuf> {
    let history = History::read(&dir.log())?;
    let mut outcome = Outcome::read(dir)?;
    let mut seen = session.map(|session| Seen::of(session, splits)).transpose()?;
    // What is said on the page of a finished run is what the run wrote down; of data that are not the run's own it is not.
    if let (Some(outcome), Some(seen), []) = (&mut outcome, &mut seen, changes) {
        match &outcome.answers {
            Some(answers) => seen.evaluation = answers.with_curves_of(&seen.evaluation),
            None => {
                outcome.answers = Some(seen.evaluation.clone());
                outcome.write(dir)?;
            }
        }
    }
    let name = dir.root().file_name().map_or_else(|| "Run".into(), |n| n.to_string_lossy().into_owned());
    let mut page = page(&name, config, &history, outcome.as_ref(), splits, session.zip(seen.as_ref()))?;
    let notes = changes.iter().map(|change| Note::new(NoteKind::Caution, change.clone()).into());
    page.blocks.splice(..0, notes);
    write_atomic(&dir.report(), page.to_html().as_bytes())?;
    Ok(dir.report())
}

/// What a model says to validation: one pass.
struct Seen {
    outputs: Outputs,
    fields: Fields,
    evaluation: Evaluation,
}

impl Seen {
    fn of(session: &Session, splits: Option<&Splits>) -> Result<Self> {
        let (source, model) = (session.validation.source(), session.trainer.model());
        let outputs = outputs(model, &session.validation)?;
        let fields = Fields::read(&outputs, source, splits)?;
        let tasks = source.info().tasks.iter().map(|task| (task.name.as_str(), &task.answer));
        let evaluation = Evaluation::of(tasks, &outputs, &fields);
        Ok(Self { outputs, fields, evaluation })
    }
}

/// The model of the best epoch: that of a finished run, or the best one in the newest whole checkpoint of another; `None`
/// before the first checkpoint.
fn trained(dir: &RunDir, config: &RunConfig, splits: &Splits) -> Result<Option<Session>> {
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
    splits: Option<&Splits>,
    session: Option<&Session>,
) -> Result<Document> {
    let seen = session.map(|session| Seen::of(session, splits)).transpose()?;
    page(name, config, history, outcome, splits, session.zip(seen.as_ref()))
}

fn page(
    name: &str,
    config: &RunConfig,
    history: &History,
    outcome: Option<&Outcome>,
    splits: Option<&Splits>,
    answering: Option<(&Session, &Seen)>,
) -> Result<Document> {
    let facts = &history.facts;
    let mut doc = Document::new(name);
    doc.subtitle = format!(
        "{} \u{b7} {} \u{b7} {} \u{b7} {} training samples \u{b7} seed {}",
        config.data.name(),
        config.sharing.name(),
        config.balancer.name(),
        count(facts.train_samples),
        facts.seed
    );
    let choice = choice(config, history, outcome);
    doc.push(results::tiles(history, outcome, choice.as_ref()));
    if facts.data == "synthetic" {
        doc.push(Note::new(NoteKind::Caution, "Synthetic data from a generator: no figure here is about real data."));
    }
    match outcome {
        Some(_) => {
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
                "This run has not finished: {} {noun}s are done, and there are no test numbers. Curves and models are \
                 those of its best {noun} so far.",
                history.epochs.len(),
                noun = history.noun()
            ),
        )),
    }
    doc.push(Heading::section("Results"));
    doc.blocks.extend(results::blocks(history, outcome));
    doc.blocks.extend(post_hoc::blocks(outcome));
    if let Some(splits) = splits {
        doc.push(Heading::section("Data"));
        if let Some((session, _)) = answering {
            doc.blocks.extend(sources::drawn(session, history, outcome)?);
        }
        doc.blocks.extend(sampled::blocks(outcome));
        doc.blocks.extend(data::blocks(splits, &facts.tasks)?);
    }
    let is_few = facts.tasks.len() <= FEW_TASKS;
    doc.push(Heading::section("Training"));
    doc.blocks.extend(if is_few { training::curves(history) } else { overview::curves(history) });
    doc.blocks.extend(training::optimization(history));
    doc.blocks.extend(training::conflict(history));
    let mut size = None;
    let mut answers = Vec::new();
    if let Some((session, seen)) = answering {
        answers = validation(&mut doc, session, seen);
    }
    tasks(&mut doc, history, outcome, answers, is_few);
    match answering {
        Some((session, _)) => {
            explanation(&mut doc, session)?;
            let source = session.validation.source();
            // Of several sources the first is measured, as a step is of one.
            let samples = source.parts().first().map_or_else(|| source.len(), |part| part.len);
            let positions: Vec<u64> = (0..samples.min(8)).collect();
            let model = session.trainer.model();
            let batch = source.batch(&positions)?.to_device(model.params().device())?;
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

/// The address of a task's part of the page.
fn task_address(task: usize) -> String {
    format!("task-{}", task + 1)
}

/// What the model says to validation, a list of blocks a task.
fn validation(doc: &mut Document, session: &Session, seen: &Seen) -> Vec<Vec<Block>> {
    let source = session.validation.source();
    if seen.evaluation.samples < source.len() {
        let words = format!(
            "Lists of samples are of the first {} of {} validation samples.",
            seen.evaluation.samples,
            source.len()
        );
        doc.push(Note::new(NoteKind::Info, words));
    }
    let tasks = source.info().tasks.iter().zip(&seen.evaluation.tasks).zip(&seen.outputs.tasks);
    tasks.map(|((task, found), own)| details::task(&task.answer, found, own, &seen.fields)).collect()
}

/// Every task's answers; of many tasks all that belongs to one behind a line.
fn tasks(doc: &mut Document, history: &History, outcome: Option<&Outcome>, answers: Vec<Vec<Block>>, is_few: bool) {
    let mut answers = answers.into_iter();
    if is_few {
        if answers.len() > 0 {
            doc.push(Heading::section("Answers on validation"));
        }
        for (name, blocks) in history.facts.tasks.iter().zip(answers) {
            doc.push(Heading::part(name));
            doc.blocks.extend(blocks);
        }
        return;
    }
    doc.push(Heading::section("Task by task"));
    let mut folds: Vec<Block> = Vec::new();
    for (at, name) in history.facts.tasks.iter().enumerate() {
        let (curves, further) = training::of_task(history, at);
        let mut blocks: Vec<Block> = results::of_task(history, outcome, at).into_iter().collect();
        // Of very many tasks the primary metric must do: the page is to be sent by mail.
        let further = if history.facts.tasks.len() > MANY_TASKS { Vec::new() } else { further };
        blocks.push(Columns { blocks: [curves, further].concat(), min_width: 300 }.into());
        blocks.extend(answers.next().unwrap_or_default());
        folds.push(Details::new(name, blocks).at(task_address(at)).into());
    }
    doc.blocks.extend(Details::around("tasks", folds));
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
    let source = session.validation.source();
    match &source.parts()[..] {
        [] => explained(doc, session, source, &options)?,
        parts => {
            for part in parts {
                doc.push(Heading::part(&part.name));
                let own: Arc<dyn Source> = Arc::new(PartOf::new(source.clone(), &part.name)?);
                explained(doc, session, &own, &options)?;
            }
        }
    }
    Ok(())
}

fn explained(doc: &mut Document, session: &Session, source: &Arc<dyn Source>, options: &ExplainOptions) -> Result<()> {
    match explain::explain(session.trainer.model(), source, options) {
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
    let of = |what: &str, n: u64| format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" });
    let ranks = if f.ranks > 1 { format!("{} ranks, each with ", f.ranks) } else { String::new() };
    KeyValues::list([
        ("program", format!("mtl {}", f.version)),
        ("platform", format!("{}, {}", f.platform, of("core", f.cores as u64))),
        ("device", format!("{}, {ranks}{} inside operations", f.device, of("thread", f.threads.unsigned_abs()))),
        ("seed", f.seed.to_string()),
        (
            "data",
            format!(
                "{}, {} training and {} validation samples",
                f.data,
                count(f.train_samples),
                count(f.validation_samples)
            ),
        ),
        ("parameters", count(f.parameters as u64)),
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
