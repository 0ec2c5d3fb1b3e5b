//! Several files of one table: which they are, and their rows one after the other.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Table, TableColumn, pattern::matches};
use crate::{
    error::{Error, Result, quoted},
    kept::Content,
};

/// One file, or several that are one table: all have the same columns, and their rows follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a path, or a list of paths")]
pub enum Files {
    /// A path. A `*` in its last part stands for any characters: all such files, by name.
    One(PathBuf),
    /// Several, in that order.
    Many(Vec<PathBuf>),
}

impl Default for Files {
    fn default() -> Self {
        Self::One(PathBuf::new())
    }
}

impl From<PathBuf> for Files {
    fn from(path: PathBuf) -> Self {
        Self::One(path)
    }
}

impl From<&str> for Files {
    fn from(path: &str) -> Self {
        Self::One(path.into())
    }
}

impl Files {
    /// Whether none is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::One(path) => path.as_os_str().is_empty(),
            Self::Many(paths) => paths.is_empty(),
        }
    }

    /// Whether it is the standard input: `-`.
    #[must_use]
    pub fn is_standard_input(&self) -> bool {
        matches!(self, Self::One(path) if path == Path::new("-"))
    }

    /// Leaves nothing of it: where files lie is no part of what a data set is.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The files, below `dir` where they are not named from the root on.
    ///
    /// # Errors
    /// [`Error::Absent`] for a pattern that no file has; [`Error::Io`] for a folder that cannot be read.
    pub(crate) fn found(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let path = match self {
            Self::One(path) => dir.join(path),
            Self::Many(paths) => return Ok(paths.iter().map(|path| dir.join(path)).collect()),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A file that is called so is that file.
        if !name.contains('*') || path.exists() {
            return Ok(vec![path]);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
            let entry = entry.map_err(|e| Error::io(folder, e))?;
            let path = entry.path();
            if matches(&name, &entry.file_name().to_string_lossy()) && path.is_file() {
                found.push(path);
            }
        }
        found.sort_unstable();
        if found.is_empty() { Err(Error::Absent { path }) } else { Ok(found) }
    }
}

impl Table {
    /// The rows of several files of one table, in that order.
    ///
    /// # Errors
    /// [`Error::NoRows`] without files; [`Error::Line`] for a file of other columns than the first.
    pub(crate) fn joined(mut tables: Vec<Self>) -> Result<Self> {
        for table in &tables {
            same_header(&tables[0], table)?;
        }
        if tables.len() < 2 {
            return tables.pop().ok_or_else(|| Error::NoRows { path: PathBuf::new() });
        }
        let path = tables[0].path.clone();
        let (mut lines, mut files, mut columns, mut also) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for table in tables {
            files.push((lines.len(), table.path));
            lines.extend(table.lines);
            columns.push(table.columns);
            also.push(table.also);
        }
        let pieces = by_place(columns);
        let columns = pieces.into_par_iter().map(join).collect();
        // A column that one of them lacks is none of the table.
        let names: Vec<String> =
            also.first().map_or_else(Vec::new, |all| all.iter().map(|(name, _)| name.clone()).collect());
        let has_all = |name: &String| also.iter().all(|of_file| of_file.iter().any(|(known, _)| known == name));
        let names: Vec<String> = names.into_iter().filter(has_all).collect();
        let of_name = |name: String| {
            let piece = |of_file: &Vec<(String, TableColumn)>| {
                of_file.iter().find(|(known, _)| *known == name).map(|(_, column)| column.clone())
            };
            let pieces = also.iter().filter_map(piece).collect();
            (name.clone(), join(pieces))
        };
        let also = names.into_iter().map(of_name).collect();
        // What each file holds was noted when it was read.
        Ok(Self { path, files, columns, also, lines, content: Content::default() })
    }
}

/// Whether both have the same columns, in whatever order.
fn same_header(first: &Table, other: &Table) -> Result<()> {
    let names = |table: &Table| {
        let mut names = table.content.columns.clone();
        names.sort_unstable();
        names
    };
    if first.content.columns == other.content.columns || names(first) == names(other) {
        return Ok(());
    }
    let lacks = |one: &Table, other: &Table| {
        one.content.columns.iter().find(|name| !other.content.columns.contains(name)).map(|name| quoted(name))
    };
    let found = match (lacks(first, other), lacks(other, first)) {
        (Some(gone), _) => format!("none called {gone}"),
        (None, Some(new)) => format!("{new} beside them"),
        (None, None) => "one of them twice".to_owned(),
    };
    let expected = format!("the columns of {}, with which it is one table", first.path.display());
    Err(Error::Line { path: other.path.clone(), line: 1, expected, found })
}

/// The pieces of each column, from the columns of each piece.
fn by_place(tables: Vec<Vec<TableColumn>>) -> Vec<Vec<TableColumn>> {
    let mut pieces: Vec<Vec<TableColumn>> = Vec::new();
    for columns in tables {
        pieces.resize_with(pieces.len().max(columns.len()), Vec::new);
        pieces.iter_mut().zip(columns).for_each(|(pieces, column)| pieces.push(column));
    }
    pieces
}

/// One column of its pieces, which are of one kind; texts keep the order in which they first appear.
fn join(pieces: Vec<TableColumn>) -> TableColumn {
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut joined: Option<TableColumn> = None;
    for piece in pieces {
        match (&mut joined, piece) {
            (Some(TableColumn::Text { codes, dictionary }), TableColumn::Text { codes: own, dictionary: texts }) => {
                let moved: Vec<u32> = texts
                    .into_iter()
                    .map(|text| match known.get(&text) {
                        Some(&code) => code,
                        None => {
                            let code = u32::try_from(dictionary.len()).unwrap_or(u32::MAX);
                            known.insert(text.clone(), code);
                            dictionary.push(text);
                            code
                        }
                    })
                    .collect();
                codes.extend(own.iter().map(|&code| moved.get(code as usize).copied().unwrap_or(u32::MAX)));
            }
            (Some(TableColumn::Numbers(all)), TableColumn::Numbers(values)) => all.extend(values),
            (Some(TableColumn::Vectors { values: all, .. }), TableColumn::Vectors { values, .. }) => all.extend(values),
            (None, piece) => {
                if let TableColumn::Text { dictionary, .. } = &piece {
                    known = (0..).zip(dictionary).map(|(code, text)| (text.clone(), code)).collect();
                }
                joined = Some(piece);
            }
            // Read with one schema, all pieces are of one kind.
            (Some(_), _) => {}
        }
    }
    joined.unwrap_or(TableColumn::Ignored)
}
