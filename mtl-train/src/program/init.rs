//! `mtl init`: a configuration file for a table that nobody has described yet.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    Error, Result,
    config::draft::{TableFiles, draft},
    monitor::console::{note, out},
};
use clap::Args as ClapArgs;
use mtl_data::table::survey::{Candidate, Proposal, Survey};

use super::table::table;

/// Candidates that are shown.
const SHOWN: usize = 12;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The table, as text (CSV and its kin or JSON lines, compressed or not): what is learned from. Further files are for validation or for
    /// testing, which their names have to say (`test`, `valid`, `val`, `dev`).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The columns to be answered, separated by commas; `y*` for all that begin so. Once for each where a name holds a comma.
    #[arg(long, value_name = "COLUMN,..")]
    targets: Vec<String>,
    /// A file for validation.
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,
    /// A file for testing.
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// The first line holds no names: columns are called c1, c2 and so on.
    #[arg(long)]
    no_header: bool,
    /// Where to write; default the name of the table with `.toml`, here.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    /// Print what was found as JSON and write no file.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let files = files(args)?;
    let path = args.out.clone().unwrap_or_else(|| default_out(&files.train));
    // Looking at a large table takes a while: what can be refused before is.
    if !args.json && !args.force && path.exists() {
        return Err(refuse(
            "out",
            "a file that is not there yet, or --force to write over it",
            &path.display().to_string(),
        ));
    }
    let survey = Survey::read(&files.all(), args.no_header.then_some(false))?;
    let Some(targets) = targets(args, &survey)? else { return Ok(ExitCode::from(2)) };
    let proposal = survey.propose(&targets)?;
    if args.json {
        out(format_args!("{:#}", serde_json::json!(proposal)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = draft(&proposal, &files, &command(&files, &targets))?;
    fs::write(&path, text).map_err(|e| Error::io(&path, "cannot write", e))?;
    say(&proposal, &path)?;
    Ok(ExitCode::SUCCESS)
}

/// Which file is for what.
fn files(args: &Args) -> Result<TableFiles> {
    let mut files =
        TableFiles { validation: args.validation.clone(), test: args.test.clone(), ..TableFiles::default() };
    let mut rest = args.files.iter();
    // At least one, as the arguments were parsed.
    if let Some(train) = rest.next() {
        files.train.clone_from(train);
    }
    for path in rest {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
        let says = |known: &[&str]| words.iter().any(|word| known.contains(word));
        let place = match (says(&["test", "testing"]), says(&["valid", "validation", "val", "dev"])) {
            (true, false) => &mut files.test,
            (false, true) => &mut files.validation,
            _ => {
                let expected = "a file whose name says test or valid; or --test FILE, --validation FILE";
                return Err(refuse("files", expected, &path.display().to_string()));
            }
        };
        if let Some(other) = place.replace(path.clone()) {
            let found = format!("{} and {}", other.display(), path.display());
            return Err(refuse("files", "one for each part", &found));
        }
    }
    Ok(files)
}

/// `flats.csv.gz` makes `flats.toml`.
fn default_out(train: &Path) -> PathBuf {
    let name = train.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let endings = [".gz", ".zst", ".csv", ".tsv", ".txt", ".data", ".dat", ".jsonl", ".ndjson", ".json"];
    let stem = endings.iter().fold(name.as_str(), |name, ending| name.strip_suffix(ending).unwrap_or(name));
    PathBuf::from(format!("{}.toml", if stem.is_empty() { "run" } else { stem }))
}

/// The columns to be answered: those that were named, else the one whose name says so; `None`, said, where a person has to choose.
fn targets(args: &Args, survey: &Survey) -> Result<Option<Vec<String>>> {
    if !args.targets.is_empty() {
        let is_column = |text: &str| survey.columns.iter().any(|column| column.name() == text);
        let parts = |text: &String| match is_column(text) {
            true => vec![text.clone()],
            false => text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
        };
        return Ok(Some(args.targets.iter().flat_map(parts).collect()));
    }
    let candidates = survey.candidates();
    let named: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.is_named).collect();
    if let [only] = named.as_slice() {
        note(format_args!("note: the target is {:?}, by its name; --targets names others", only.column));
        return Ok(Some(vec![only.column.clone()]));
    }
    if candidates.is_empty() {
        return Err(refuse(
            "targets",
            "the columns to be answered (--targets COLUMN,..)",
            "none, and no column that looks like one",
        ));
    }
    if args.json {
        out(format_args!("{:#}", serde_json::json!({ "candidates": candidates })))?;
    } else {
        let mut shown = table(&["column", "could be a target"], 2);
        for candidate in candidates.iter().take(SHOWN) {
            shown.add_row([&candidate.column, &candidate.reason]);
        }
        out(&shown)?;
    }
    let more = candidates.len().saturating_sub(SHOWN);
    let more = if more > 0 && !args.json { format!(", and {more} more") } else { String::new() };
    note(format_args!("error: what is to be answered? name it: --targets COLUMN,.. (candidates above{more})"));
    Ok(None)
}

/// The command that makes the same file again.
fn command(files: &TableFiles, targets: &[String]) -> String {
    let word = |text: &str| match text.contains(|c: char| c.is_whitespace() || "\"'$&;|<>()*?,`\\".contains(c)) {
        true => format!("'{text}'"),
        false => text.to_owned(),
    };
    let mut words = vec!["mtl init".to_owned(), word(&files.train.to_string_lossy())];
    for (flag, file) in [("--validation", &files.validation), ("--test", &files.test)] {
        words.extend(file.iter().map(|file| format!("{flag} {}", word(&file.to_string_lossy()))));
    }
    if targets.iter().any(|target| target.contains(',')) {
        words.extend(targets.iter().map(|target| format!("--targets {}", word(target))));
    } else {
        words.push(format!("--targets {}", word(&targets.join(","))));
    }
    words.join(" ")
}

/// What was written, and what a person should look at.
fn say(proposal: &Proposal, path: &Path) -> Result<()> {
    let inputs = proposal.columns.iter().filter(|column| column.entry.is_input()).count();
    let left_out = proposal.columns.len() - inputs - proposal.targets.len();
    let rows = if proposal.is_whole { proposal.rows.to_string() } else { format!("more than {}", proposal.rows) };
    out(format_args!("{rows} rows, {inputs} inputs, {left_out} columns left out"))?;
    for target in &proposal.targets {
        out(format_args!("answer {}: {}", target.column, target.reason))?;
    }
    let doubtful: Vec<_> = proposal.columns.iter().filter(|column| column.is_doubtful).collect();
    if !doubtful.is_empty() {
        let mut shown = table(&["look at", "seems", "because"], 3);
        for column in doubtful.iter().take(SHOWN) {
            shown.add_row([column.entry.name(), column.kind.words(), &column.reason]);
        }
        out(&shown)?;
        if doubtful.len() > SHOWN {
            out(format_args!("and {} more, marked with ? in the file", doubtful.len() - SHOWN))?;
        }
    }
    proposal.notes.iter().try_for_each(|about| out(format_args!("note: {about}")))?;
    let path = path.display();
    out(format_args!("wrote {path}; next: mtl doctor {path}, mtl train {path}"))
}

/// One line that names the argument.
fn refuse(key: &'static str, expected: &str, found: &str) -> Error {
    mtl_core::Error::InvalidConfig { what: "init", field: key, expected: expected.into(), found: found.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_its_file() {
        for (train, out) in [
            ("a/flats.csv.gz", "flats.toml"),
            ("x.data", "x.toml"),
            ("t", "t.toml"),
            (".csv", "run.toml"),
            ("a.b.csv", "a.b.toml"),
        ] {
            assert_eq!(default_out(train.as_ref()), PathBuf::from(out), "{train}");
        }
    }
}
