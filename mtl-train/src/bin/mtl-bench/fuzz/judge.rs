//! What the toolkit makes of a pair, step by step as a user would go: `doctor`, configuration, data, `--dry-run`, two steps of
//! training, rows to be answered.
//!
//! A refusal is a good end. A fault is: a panic; a message of several lines (the file's line with carets aside), or one that names neither a file nor anything
//! that stands in the configuration; a number of rows other than that of an independent reader (the `csv` crate); a row
//! whose marker comes back in another place.

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use mtl_core::input::{Cells, InputSpec, Inputs, Modality};
use mtl_data::{CsvFormat, DatasetConfig, Source, Splits, table::Delimiter};
use mtl_train::{
    Error,
    analysis::{dry_run::DryRun, inspect::Examination},
    config::{ConfigSource, RunConfig},
    run::session::Session,
    train::trainer::{Flow, Observer, StepSummary},
};
use tch::Kind;

use super::pairs::Pair;

/// Where a pair's way ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Config,
    /// Not run: something in it would take more memory or time than a fuzz has.
    TooLarge,
    Data,
    Doctor,
    DryRun,
    Training,
    Rows,
    /// All the way.
    Trained,
}

/// What happened to a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) stage: Stage,
    /// What must not happen; empty for a good pair.
    pub(crate) fault: Option<String>,
    /// The refusal, for those who want to read it.
    pub(crate) message: Option<String>,
}

/// Whole numbers above this in a configuration are not built.
const LARGEST: i64 = 4096;

/// The name of a stage in the table.
pub(crate) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Config => "configuration refused",
        Stage::TooLarge => "too large to be run",
        Stage::Data => "data refused",
        Stage::Doctor => "doctor ended in a fault",
        Stage::DryRun => "dry run refused",
        Stage::Training => "training refused",
        Stage::Rows => "prediction rows refused",
        Stage::Trained => "trained two steps, rows answered",
    }
}

/// Sends the pair through everything, with its files in `folder`.
pub(crate) fn judge(pair: &Pair, folder: &Path) -> std::io::Result<Verdict> {
    fs::write(folder.join("run.toml"), &pair.config)?;
    fs::write(folder.join("train.csv"), &pair.train)?;
    fs::write(folder.join("test.csv"), &pair.test)?;
    let mut stage = Stage::Config;
    let outcome = catch_unwind(AssertUnwindSafe(|| walk(pair, folder, &mut stage)));
    Ok(match outcome {
        Ok(Ok(())) => Verdict { stage, fault: None, message: None },
        Ok(Err(End::Refused(message))) => {
            Verdict { stage, fault: unclear(&message, pair, folder), message: Some(message) }
        }
        Ok(Err(End::Fault(fault))) => Verdict { stage, fault: Some(fault), message: None },
        Err(panic) => Verdict { stage, fault: Some(format!("panic: {}", said(&*panic))), message: None },
    })
}

/// Why a way ended early.
enum End {
    Refused(String),
    Fault(String),
}

impl From<Error> for End {
    fn from(e: Error) -> Self {
        Self::Refused(e.to_string())
    }
}

impl From<mtl_data::Error> for End {
    fn from(e: mtl_data::Error) -> Self {
        Error::from(e).into()
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// What `mtl doctor` says of the pair, which must be clear too; whether it would stop a run.
fn doctor(pair: &Pair, folder: &Path) -> Result<bool, End> {
    let text = String::from_utf8_lossy(&pair.config);
    let is_large = text.parse::<toml::Table>().is_ok_and(|table| has_large(&toml::Value::Table(table)));
    let place = format!("data.dir={:?}", folder.display().to_string());
    let Ok(source) = ConfigSource::read(&folder.join("run.toml"), &[place]) else { return Ok(true) };
    if is_large {
        return Ok(true);
    }
    let examination = Examination::new(&source);
    match examination.faults.iter().find_map(|fault| unclear(&fault.to_string(), pair, folder)) {
        Some(fault) => Err(End::Fault(format!("doctor: {fault}"))),
        None => Ok(examination.is_broken()),
    }
}

fn walk(pair: &Pair, folder: &Path, stage: &mut Stage) -> Result<(), End> {
    *stage = Stage::Doctor;
    let is_broken = doctor(pair, folder)?;
    *stage = Stage::Config;
    let source = ConfigSource::read(&folder.join("run.toml"), &[])?;
    let mut config = source.config()?;
    *stage = Stage::TooLarge;
    let is_too_large =
        config.to_toml()?.parse::<toml::Table>().is_ok_and(|table| has_large(&toml::Value::Table(table)));
    if is_too_large {
        return Ok(());
    }
    *stage = Stage::Data;
    if let DatasetConfig::Csv(files) = &mut config.data {
        files.dir = Some(folder.join(files.dir.take().unwrap_or_default()));
    }
    let splits = config.data.load()?;
    *stage = Stage::DryRun;
    DryRun::new(&config, &splits)?;
    *stage = Stage::Training;
    let mut session = Session::new(&config, &splits)?;
    session.trainer.fit(&session.train, &session.validation, &mut TwoSteps(0), None)?;
    *stage = Stage::Rows;
    rows(pair, folder, &config, &splits, is_broken)?;
    *stage = Stage::Trained;
    Ok(())
}

fn has_large(value: &toml::Value) -> bool {
    match value {
        toml::Value::Integer(n) => n.unsigned_abs() > LARGEST.unsigned_abs(),
        toml::Value::Array(items) => items.len() > 64 || items.iter().any(has_large),
        toml::Value::Table(table) => table.values().any(has_large),
        _ => false,
    }
}

struct TwoSteps(u64);

impl Observer for TwoSteps {
    fn step(&mut self, _: &StepSummary<'_>) {
        self.0 += 1;
    }

    fn flow(&self) -> Flow {
        if self.0 >= 2 { Flow::Stop } else { Flow::Continue }
    }
}

/// Whether rows are as many as in the file, and in its order: in the test split, and as input of a prediction.
fn rows(pair: &Pair, folder: &Path, config: &RunConfig, splits: &Splits, is_broken: bool) -> Result<(), End> {
    let DatasetConfig::Csv(files) = &config.data else { return Ok(()) };
    if is_broken || files.test != Some("test.csv".into()) {
        return Ok(());
    }
    let Some(known) = Independent::read(&pair.test, &files.format) else { return Ok(()) };
    let positions: Vec<u64> = (0..splits.test.len()).collect();
    let in_test = marker(&*splits.test, &positions)?;
    known.compare("test split", positions.len(), &in_test).map_err(End::Fault)?;
    let Some(preprocessing) = &splits.preprocessing else { return Ok(()) };
    let (mut n, mut answered) = (0, Vec::new());
    for inputs in preprocessing.read(&folder.join("test.csv"), 5)? {
        let inputs = inputs?;
        n += usize::try_from(inputs.batch_size()).unwrap_or(0);
        answered.extend(column(&splits.test.info().inputs, &inputs));
    }
    known.compare("prediction", n, &answered).map_err(End::Fault)
}

fn marker(source: &dyn Source, positions: &[u64]) -> Result<Vec<f64>, End> {
    Ok(column(&source.info().inputs, &source.batch(positions)?.inputs))
}

/// The numbers of the column `row`; none where there is no such column.
fn column(spec: &InputSpec, inputs: &Inputs) -> Vec<f64> {
    let values = |(input, modality): (&str, &Modality)| {
        let Cells::Numbers(names) = modality.cells() else { return None };
        let at = names.iter().position(|name| name == "row")?;
        let column = inputs.get(input).ok()?.f_select(1, i64::try_from(at).ok()?).ok()?.to_kind(Kind::Double);
        Vec::<f64>::try_from(column.contiguous()).ok()
    };
    spec.iter().find_map(values).unwrap_or_default()
}

/// What another reader finds in the file.
struct Independent {
    rows: usize,
    /// Lines without anything, which a reader may count or leave out.
    blank: usize,
    /// The markers that are plain numbers, by row.
    markers: Vec<Option<f64>>,
}

impl Independent {
    /// `None` where the two readers do not speak of the same: no header, no quotes, line ends of old.
    fn read(bytes: &[u8], format: &CsvFormat) -> Option<Self> {
        let delimiter = match format.delimiter {
            Delimiter::Char(one) => u8::try_from(one).ok().filter(u8::is_ascii)?,
            Delimiter::Whitespace => return None,
        };
        let is_plain = format.header && format.quotes;
        let lone_return =
            bytes.windows(2).any(|two| two[0] == b'\r' && two[1] != b'\n') || bytes.last() == Some(&b'\r');
        if !is_plain || lone_return || bytes.contains(&0) {
            return None;
        }
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
        let header = reader.byte_headers().ok()?.clone();
        let named =
            |name: &[u8]| name.trim_ascii().strip_prefix(b"\xef\xbb\xbf").unwrap_or(name.trim_ascii()) == b"row";
        let at = header.iter().position(named);
        let (mut blank, mut markers) = (0, Vec::new());
        for record in reader.byte_records() {
            let record = record.ok()?;
            if record.iter().all(|field| field.trim_ascii().is_empty()) {
                blank += 1;
            }
            let text = at.and_then(|at| record.get(at)).map(<[u8]>::trim_ascii);
            let is_number = |text: &&[u8]| (1..4).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
            markers.push(text.filter(is_number).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()));
        }
        let lines = bytes.split(|&b| b == b'\n').filter(|line| line.trim_ascii().is_empty()).count();
        Some(Self { rows: markers.len(), blank: blank + lines, markers })
    }

    fn compare(&self, what: &str, rows: usize, found: &[f64]) -> Result<(), String> {
        if rows + self.blank < self.rows || rows > self.rows + self.blank {
            return Err(format!("{what}: {rows} rows, another reader finds {}", self.rows));
        }
        if rows != self.rows || found.len() != rows {
            return Ok(());
        }
        // Scaling is a line: what most neighbors agree on must hold for all.
        let known: Vec<(f64, f64)> = self
            .markers
            .iter()
            .zip(found)
            .filter_map(|(v, x)| Some(((*v)?, *x)))
            .filter(|(_, x)| x.is_finite())
            .collect();
        let slopes = known.windows(2).filter(|two| (two[1].0 - two[0].0).abs() > 0.5);
        let Some(slope) = median(slopes.map(|two| (two[1].1 - two[0].1) / (two[1].0 - two[0].0)).collect()) else {
            return Ok(());
        };
        let Some(offset) = median(known.iter().map(|(v, x)| x - slope * v).collect()) else { return Ok(()) };
        if slope.abs() < 1e-6 || known.len() < 6 {
            return Ok(());
        }
        let shifted = known.iter().filter(|(v, x)| ((x - offset) / slope - v).abs() > 0.4).count();
        match shifted {
            0 => Ok(()),
            n => Err(format!("{what}: {n} of {} rows are not where they were", known.len())),
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What is wrong with a message, if anything.
fn unclear(message: &str, pair: &Pair, folder: &Path) -> Option<String> {
    // Below the line there may be the line of the file, with carets.
    let lines: Vec<&str> = message.lines().collect();
    let has_excerpt = matches!(lines[..], [_, bar, _, carets] if bar.trim() == "|" && carets.ends_with('^'));
    if lines.len() != 1 && !has_excerpt {
        return Some(format!("a message of several lines: {message:?}"));
    }
    if message.contains("panic") {
        return Some(format!("a panic behind a message: {message}"));
    }
    let in_folder = folder.display().to_string();
    let config = String::from_utf8_lossy(&pair.config);
    let mut words = config.split(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).filter(|word| word.len() > 2);
    let is_named = message.contains(&in_folder) || words.any(|word| message.contains(word));
    (!is_named).then(|| format!("a message that names nothing of the user's: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str) -> Independent {
        Independent::read(text.as_bytes(), &CsvFormat::default()).unwrap()
    }

    #[test]
    fn a_slip_of_rows_is_seen() {
        let text: String = (1..=9).fold("row,a\n".into(), |text, i| format!("{text}{i},x\n"));
        let known = reader(&text);
        let scaled: Vec<f64> = (1..=9).map(|i| f64::from(i) * 0.3 - 1.2).collect();
        assert_eq!((known.rows, known.blank), (9, 1));
        known.compare("test", 9, &scaled).unwrap();
        let mut slipped = scaled.clone();
        slipped.swap(3, 4);
        assert!(known.compare("test", 9, &slipped).unwrap_err().contains("2 of 9 rows"));
        assert!(known.compare("test", 7, &scaled[..7]).unwrap_err().contains("7 rows, another reader finds 9"));
    }

    #[test]
    fn files_that_two_readers_may_read_differently_are_left_out() {
        let format = CsvFormat::default();
        assert!(Independent::read(b"row\r1\r", &format).is_none());
        assert!(Independent::read(b"row\n1\0\n", &format).is_none());
        assert!(Independent::read(b"row\n1\n", &CsvFormat { header: false, ..format }).is_none());
        assert_eq!(reader("row,a\n1,\"x\ny\"\n\n2,z\n").rows, 2);
    }

    #[test]
    fn messages_are_one_line_and_name_something() {
        let folder = Path::new("/some/where");
        let pair = Pair { config: b"batch_size = 3".to_vec(), train: Vec::new(), test: Vec::new() };
        assert_eq!(unclear("train.batch_size: expected >= 1, found 0", &pair, folder), None);
        assert!(unclear("a\nb batch_size", &pair, folder).unwrap().contains("several lines"));
        assert_eq!(
            unclear("run.toml:1: is wrong\n   |\n 1 | batch_size = 3\n   |              ^", &pair, folder),
            None
        );
        assert_eq!(unclear("/some/where/0: cannot read", &pair, folder), None);
        assert!(unclear("something is wrong", &pair, folder).unwrap().contains("names nothing"));
        assert!(unclear("batch_size: reading panicked", &pair, folder).unwrap().contains("panic"));
    }
}
