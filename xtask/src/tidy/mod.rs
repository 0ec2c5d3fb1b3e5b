//! `cargo xtask tidy`: the rules of this repository that no compiler knows.
//!
//! Every rule is one function over text in [`rules`], [`crates`], [`kinds`] or [`new_things`], tested on bad input right there.
//! This file walks the tree and prints what they say, in the `path:line: message` form that editors
//! understand. Complaints fail the check; warnings are shown and let it pass. The tree is walked
//! without git, so that the rules also hold for files not yet added; what the root's `.gitignore`
//! anchors with a slash is skipped.

mod crates;
mod kinds;
mod lexer;
mod new_things;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{Outcome, repo};

/// Arguments of `tidy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Check this tree instead of the repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// Something a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Complaint {
    /// Line counted from 1; none for a whole file.
    line: Option<usize>,
    /// Whether the check still passes.
    warning: bool,
    /// What is wrong, and what would be right.
    message: String,
}

impl Complaint {
    fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), warning: false, message: message.into() }
    }

    fn file(message: impl Into<String>) -> Self {
        Self { line: None, warning: false, message: message.into() }
    }

    fn warning(message: impl Into<String>) -> Self {
        Self { line: None, warning: true, message: message.into() }
    }
}

/// A text file of the tree.
#[derive(Debug)]
struct SourceFile {
    /// Path below the root, with forward slashes.
    path: String,
    text: String,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = match &args.root {
        Some(root) => root.clone(),
        None => repo::root()?,
    };
    Ok(if check(&root)? { Outcome::Good } else { Outcome::Failed })
}

/// Checks the tree at `root`, prints what is wrong and says whether it passes.
pub(crate) fn check(root: &Path) -> Result<bool> {
    let files = read_tree(root)?;
    let mut found: Vec<(String, Complaint)> = Vec::new();
    for file in &files {
        let complaints = rules::ALL.iter().flat_map(|rule| rule(file));
        found.extend(complaints.map(|complaint| (file.path.clone(), complaint)));
    }
    found.extend(rules::changelog(&files).map(|complaint| ("CHANGELOG.md".to_owned(), complaint)));
    found.extend(new_things::table(&files).into_iter().map(|complaint| (new_things::PAGE.to_owned(), complaint)));
    for (path, complaint) in &found {
        let place = complaint.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
        let kind = if complaint.warning { "warning: " } else { "" };
        println!("{place}: {kind}{}", complaint.message);
    }
    let failures = found.iter().filter(|(_, complaint)| !complaint.warning).count();
    let warnings = found.len() - failures;
    println!("tidy: {} files, {failures} complaints, {warnings} warnings", files.len());
    Ok(failures == 0)
}

/// All text files below `root`, in a fixed order.
fn read_tree(root: &Path) -> Result<Vec<SourceFile>> {
    let ignored = ignored_at_root(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default());
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let dir = root.join(&folder);
        let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", dir.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if name == ".git" || ignored.contains(&path) {
                continue;
            }
            // Links are not followed: what they lead to is not part of the tree.
            let kind = entry.file_type().with_context(|| format!("cannot read {path}"))?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                files.push(SourceFile { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Names that `.gitignore` anchors to the root, and the build folder in any case.
fn ignored_at_root(gitignore: &str) -> Vec<String> {
    gitignore
        .lines()
        .filter_map(|line| line.trim().strip_prefix('/'))
        .map(|name| name.trim_end_matches('/').to_owned())
        .chain(["target".to_owned(), ".libtorch".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_folders_links_and_binary_files_are_not_read() {
        let tmp = tempfile::tempdir().unwrap();
        for dir in ["target", "runs", "a/target"] {
            fs::create_dir_all(tmp.path().join(dir)).unwrap();
            fs::write(tmp.path().join(dir).join("x.rs"), "//! x\n").unwrap();
        }
        fs::write(tmp.path().join(".gitignore"), "/runs/\n*.tmp\n").unwrap();
        fs::write(tmp.path().join("binary"), [0xff, 0xfe, 0x00]).unwrap();
        let files = read_tree(tmp.path()).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".gitignore", "a/target/x.rs"]);
    }

    #[test]
    fn this_repository_is_tidy_in_this_crate() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for mut file in read_tree(here).unwrap() {
            file.path = format!("xtask/{}", file.path);
            let complaints: Vec<Complaint> = rules::ALL.iter().flat_map(|rule| rule(&file)).collect();
            assert!(complaints.is_empty(), "{}: {complaints:?}", file.path);
        }
    }
}
