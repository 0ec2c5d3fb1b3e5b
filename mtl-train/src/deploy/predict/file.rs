//! A file of samples to a file of answers.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    Predictor,
    writer::{OutputFormat, Writer},
};
use crate::{
    error::{Error, Result},
    monitor::console::STANDARD_OUTPUT,
};

/// What to answer, and where the answers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// A CSV file, a file of texts, an idx file of pictures, a folder with an idx file for each of several pictures of a sample, or `-`
    /// for rows or texts from the standard input.
    pub input: PathBuf,
    /// The source that the samples are of, for a model of several; `None` means the one that can read them.
    pub source: Option<String>,
    /// The file to write; `None` is the standard output. It appears when all answers are in it: whatever goes wrong, an
    /// older file of that name is still there.
    pub output: Option<PathBuf>,
    /// How answers are written; `None` means as the output's name says.
    pub format: Option<OutputFormat>,
    /// Samples that are answered at once, >= 1.
    pub batch_size: usize,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicted {
    /// How many samples.
    pub rows: u64,
    /// The source that they are of, where the model has several.
    pub source: Option<String>,
    /// Columns that say what samples are called, which the model knows and the file lacks.
    pub lacking_ids: Vec<String>,
}

/// Answers all samples of a file, beside what they are called where the table says so.
///
/// # Errors
/// As [`Predictor::answers`], with file, line and column; [`Error::Io`] when the output cannot be written.
pub fn predict_file(predictor: &Predictor, request: &Request) -> Result<Predicted> {
    let format = request.format.or_else(|| request.output.as_deref().map(OutputFormat::of_path)).unwrap_or_default();
    let mut answers = match &request.source {
        None => predictor.answers(&request.input, request.batch_size)?,
        Some(source) => predictor.answers_of(source, &request.input, request.batch_size)?,
    };
    let (tasks, ids) = (&answers.tasks(), &answers.id_names());
    let (source, lacking_ids) = (answers.source().map(str::to_owned), answers.lacking_ids());
    let Some(path) = &request.output else {
        let failed = |e| Error::io(STANDARD_OUTPUT, "cannot write answers", e);
        let mut writer = Writer::with_ids(io::stdout().lock(), format, ids, tasks).map_err(failed)?;
        while let Some(batch) = answers.next() {
            writer.write_called(answers.ids(), &batch?).map_err(|e| at(STANDARD_OUTPUT.as_ref(), e))?;
        }
        return Ok(Predicted { rows: writer.finish().map_err(failed)?.0, source, lacking_ids });
    };
    let failed = |e| Error::io(path, "cannot write answers", e);
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unfinished-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(dir).map_err(failed)?;
    let mut writer = Writer::with_ids(BufWriter::new(file), format, ids, tasks).map_err(failed)?;
    while let Some(batch) = answers.next() {
        writer.write_called(answers.ids(), &batch?).map_err(|e| at(path, e))?;
    }
    let (rows, buffer) = writer.finish().map_err(failed)?;
    let mut file = buffer.into_inner().map_err(|e| failed(e.into_error()))?;
    file.flush().and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    File::open(dir).and_then(|d| d.sync_all()).map_err(failed)?;
    Ok(Predicted { rows, source, lacking_ids })
}

/// A writer does not know where its stream ends: the error with that place.
fn at(path: &Path, e: Error) -> Error {
    match e {
        Error::Io { action, source, .. } => Error::io(path, action, source),
        other => other,
    }
}
