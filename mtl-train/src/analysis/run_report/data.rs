//! What the run learned from: samples, fields, gaps, label shares, and what is wrong with them.
//!
//! Whole splits are counted where they are small. Of large ones a number of samples is looked at, evenly spread, and the page
//! says how many: a report must not cost more than the run. `mtl doctor` looks at all of them.

use std::sync::Arc;

use mtl_core::answer::CellRule;
use mtl_data::{Source, Splits, Subset};

use super::gaps;
use crate::{
    analysis::inspect::{FieldScan, Finding, LabelScan, Level, Scan, check_scanned, shortest},
    error::Result,
    report::{Align, Block, Cell, Column, Details, Heading, Note, NoteKind, Paragraph, Row, Table, count, written},
};

/// Cells (samples times columns) of a split that are looked at.
const MOST_CELLS: u64 = 1_000_000;
/// Classes whose shares are written out.
const CLASSES: usize = 6;
/// Rows of a table before it is folded.
const FEW_ROWS: usize = 8;
/// Findings listed.
const FINDINGS: usize = 20;

/// The section's blocks.
///
/// # Errors
/// What a source finds wrong while it builds batches.
pub(super) fn blocks(splits: &Splits, tasks: &[String]) -> Result<Vec<Block>> {
    if splits.sources.is_empty() {
        return of_one(splits, tasks);
    }
    let mut blocks = Vec::new();
    for source in &splits.sources {
        let own: Vec<String> = source.splits.info.tasks.iter().map(|task| task.name.to_string()).collect();
        // A source of which no task is learned is not read.
        if tasks.is_empty() || own.iter().any(|task| tasks.contains(task)) {
            blocks.push(Heading::part(&source.name).into());
            blocks.extend(of_one(&source.splits, tasks)?);
        }
    }
    Ok(blocks)
}

/// The same of a single data set.
fn of_one(splits: &Splits, tasks: &[String]) -> Result<Vec<Block>> {
    let looked_at = Splits {
        train: sampled(&splits.train)?,
        validation: sampled(&splits.validation)?,
        test: sampled(&splits.test)?,
        ..splits.clone()
    };
    let stand_ins = gaps::stand_ins(splits.fitted());
    let scan = |source: &Arc<dyn Source>| Scan::with_gaps(source, &stand_ins);
    let scans = [scan(&looked_at.train)?, scan(&looked_at.validation)?, scan(&looked_at.test)?];
    let mut blocks = vec![samples(splits, &scans).into()];
    blocks.push(fold("Labels", labels(splits, &scans, tasks)));
    blocks.extend(gaps::blocks(splits.fitted(), &scans));
    if !scans[0].fields.is_empty() {
        let table = fields(&scans[0], splits);
        let is_text = |field: &&FieldScan| matches!(field, FieldScan::Categorical { .. });
        let texts = scans[0].fields.iter().filter(is_text).count();
        let words = format!("{texts} categorical and {} numeric fields", scans[0].fields.len() - texts);
        blocks.push(Details::new(words, vec![table.into()]).into());
    }
    for (at, input) in scans[0].inputs.iter().enumerate() {
        let others = [("validation", &scans[1]), ("test", &scans[2])].into_iter().filter_map(|(name, scan)| {
            let other = scan.inputs.get(at).filter(|other| other.unknown.is_some())?;
            Some(format!(" In {name} {}.", other.found()))
        });
        let words = format!("Input {}: {}.{}", input.name, input.describe(), others.collect::<String>());
        blocks.push(Paragraph::new(words).into());
    }
    blocks.extend(findings(&check_scanned(&looked_at, &scans)?, tasks));
    Ok(blocks)
}

/// The same split, or samples evenly spread over it.
fn sampled(source: &Arc<dyn Source>) -> Result<Arc<dyn Source>> {
    let info = source.info();
    let cells = info.inputs.iter().map(|(_, modality)| modality.layout().cells().unsigned_abs());
    let width = cells.fold(info.tasks.len() as u64, u64::saturating_add).max(1);
    let most = (MOST_CELLS / width).max(1000);
    if source.len() <= most {
        return Ok(source.clone());
    }
    let positions = (0..most).map(|at| at * source.len() / most).collect();
    Ok(Arc::new(Subset::new(source.clone(), positions)?))
}

fn samples(splits: &Splits, scans: &[Scan; 3]) -> Table {
    let roles = ["to learn from", "chooses epochs and settings", "only reported"];
    let sources = [&splits.train, &splits.validation, &splits.test];
    let names = ["training", "validation", "test"];
    let row = |at: usize| {
        let looked = scans[at].samples;
        let looked = if looked == sources[at].len() { "all".to_owned() } else { count(looked) };
        Row::measured(
            names[at],
            vec![Cell::Text(count(sources[at].len())), Cell::Text(roles[at].into()), Cell::Text(looked)],
        )
    };
    Table {
        caption: "Samples".into(),
        corner: "split".into(),
        columns: vec![Column::new("samples"), Column::words("used"), Column::new("looked at below")],
        rows: (0..3).map(row).collect(),
        ..Table::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares for people")]
pub(super) fn percent(part: u64, whole: u64) -> String {
    match 100.0 * part as f64 / whole.max(1) as f64 {
        p if p > 0.0 && p < 0.1 => format!("{p:.2} %"),
        p => format!("{p:.1} %"),
    }
}

/// Label shares of training, and gaps of every split.
fn labels(splits: &Splits, scans: &[Scan; 3], tasks: &[String]) -> Table {
    let [train, others @ ..] = scans;
    let wanted = |scan: &&LabelScan| tasks.is_empty() || tasks.contains(&scan.task);
    let row = |own: &LabelScan| {
        let task = splits.info.tasks.iter().find(|t| t.name.as_str() == own.task);
        let kind = task.map_or_else(String::new, |t| t.answer.summary());
        let gaps = |scan: &LabelScan| Cell::Text(percent(scan.missing, scan.known + scan.missing));
        // Yes/no labels are counted by cell; each label has as many samples as there are.
        let yes_no = task.filter(|t| t.answer.layout().cells == CellRule::YesNo);
        let each_of = yes_no.map_or(1, |t| t.answer.names().len() as u64);
        let mut cells = vec![Cell::Text(kind), Cell::Text(shares(own, each_of)), gaps(own)];
        for other in others {
            cells.push(other.labels.iter().find(|l| l.task == own.task).map_or(Cell::Missing, gaps));
        }
        Row::measured(&own.task, cells)
    };
    let gap = |label: &str| Column { group: Some("without a label".into()), ..Column::new(label) };
    Table {
        caption: "Labels".into(),
        corner: "task".into(),
        columns: vec![
            Column::words("answer"),
            Column::prose("training labels"),
            gap("training"),
            gap("validation"),
            gap("test"),
        ],
        rows: train.labels.iter().filter(wanted).map(row).collect(),
        ..Table::default()
    }
}

/// Shares of classes, of yes to `each_of` labels, or mean and range of numbers.
fn shares(scan: &LabelScan, each_of: u64) -> String {
    let whole = scan.known / each_of.max(1);
    let mut classes: Vec<&(String, u64)> = scan.counts.iter().collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.1));
    let mut parts: Vec<String> =
        classes.iter().take(CLASSES).map(|(name, n)| format!("{name} {}", percent(*n, whole))).collect();
    if classes.len() > CLASSES {
        parts.push(format!("and {} more", classes.len() - CLASSES));
    }
    let number = |(name, [mean, low, high]): &(String, [f64; 3])| {
        let which = if scan.numbers.len() > 1 { format!("{name}: ") } else { String::new() };
        format!("{which}mean {}, from {} to {}", written(*mean), written(*low), written(*high))
    };
    parts.extend(scan.numbers.iter().take(CLASSES).map(number));
    parts.join(", ")
}

fn fields(train: &Scan, splits: &Splits) -> Table {
    let mut numeric = 0;
    let mut row = |field: &FieldScan| {
        let words = match field {
            FieldScan::Categorical { counts, .. } => {
                let used = counts.iter().skip(1).filter(|n| **n > 0).count();
                let unknown = counts.first().copied().unwrap_or(0);
                let unknown =
                    if unknown > 0 { format!(", {} unknown", percent(unknown, train.samples)) } else { String::new() };
                format!("{used} texts{unknown}")
            }
            FieldScan::Numeric { mean, min, max, not_finite, .. } => {
                let original = |x: f64| splits.fitted().and_then(|f| f.original(numeric, x)).unwrap_or(x);
                // As the file has them: ends are numbers that occur in it.
                #[expect(clippy::cast_possible_truncation, reason = "they were f32")]
                let [low, high] = [*min, *max].map(|end| shortest(end as f32, original));
                let ends = format!("from {low} to {high}");
                let middle = written(original(*mean));
                numeric += 1;
                let odd = if *not_finite > 0 { format!(", {not_finite} not finite") } else { String::new() };
                format!("{ends}, middle {middle}{odd}")
            }
        };
        let kind = if matches!(field, FieldScan::Categorical { .. }) { "categorical" } else { "numeric" };
        Row::measured(field.name(), vec![Cell::Text(kind.into()), Cell::Text(words)])
    };
    Table {
        corner: "field".into(),
        columns: vec![Column::words("kind"), Column { align: Align::Left, ..Column::new("in training") }],
        rows: train.fields.iter().map(&mut row).collect(),
        footnotes: vec![
            "Numbers as the file has them. Middle: what the mean of the scaled numbers stands for; gaps count as what stood \
             for them."
                .into(),
        ],
        ..Table::default()
    }
}

/// What the doctor says, the worst first.
fn findings(found: &[Finding], tasks: &[String]) -> Vec<Block> {
    let concerns_us = |finding: &&Finding| {
        let task = finding.place.rsplit_once("task ").map(|(_, task)| task.to_owned());
        // Gaps of labels stand in the table of labels.
        let is_known = finding.level == Level::Note && finding.message.ends_with("labels are missing");
        !is_known && task.is_none_or(|task| tasks.is_empty() || tasks.contains(&task))
    };
    let found: Vec<&Finding> = found.iter().filter(concerns_us).collect();
    if found.is_empty() {
        return vec![Note::new(NoteKind::Success, "The doctor found nothing wrong with the samples looked at.").into()];
    }
    let row = |finding: &&Finding| {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        Row::measured(level, vec![Cell::Text(finding.place.clone()), Cell::Text(finding.message.clone())])
    };
    let left_out = found.len().saturating_sub(FINDINGS);
    let more = if left_out > 0 { format!("{left_out} more: `mtl doctor` lists all.") } else { String::new() };
    let table = Table {
        caption: "What the doctor found".into(),
        corner: "level".into(),
        columns: vec![Column::words("where"), Column::prose("what")],
        rows: found.iter().take(FINDINGS).map(row).collect(),
        footnotes: if more.is_empty() { Vec::new() } else { vec![more] },
    };
    vec![fold("What the doctor found", table)]
}

/// A long table behind a line.
pub(super) fn fold(what: &str, table: Table) -> Block {
    match table.rows.len() {
        n if n > FEW_ROWS => {
            Details::new(format!("{what} ({n})"), vec![Table { caption: String::new(), ..table }.into()]).into()
        }
        _ => table.into(),
    }
}
