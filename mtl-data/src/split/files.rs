//! The keys of a data set's files: read, cut, and held against those of files that were cut by others.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Dealt, Keys, Known, Shares, Split, Texts};
use crate::{
    error::{Error, Result},
    finding::Finding,
    kept::Loading,
    table::{Column, Schema, Table, TableColumn},
    text::{Lines, Unit},
};

/// The keys of one split's names, part by part.
#[derive(Debug)]
struct Parts {
    split: Split,
    /// Of all samples of the training file.
    all: Keys,
    learn: Keys,
    /// Of validation and test, once these are cut or read; `None` for a file that does not say them.
    others: [Option<Keys>; 2],
    /// Which of them are cut from the training file.
    is_cut: [bool; 2],
}

impl Parts {
    fn new(split: Split, all: Keys) -> Self {
        Self { split, all, learn: Keys::default(), others: [None, None], is_cut: [false, false] }
    }

    /// Notes which samples of the training file are in which part; an empty part has files of its own.
    fn cut_at(&mut self, [learn, validation, test]: [&[u64]; 3]) {
        self.learn = self.all.of(learn);
        for (at, positions) in [validation, test].into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            self.others[at] = Some(self.all.of(positions));
            self.is_cut[at] = true;
        }
    }

    fn file(&mut self, role: &str, keys: Option<Keys>) {
        self.others[usize::from(role == "test")] = keys;
    }

    fn known(&self) -> Known<'_> {
        let [validation, test] = self.others.clone();
        Known::new(&self.split, [Some(self.learn.clone()), validation, test])
    }

    fn dealt(&self) -> Dealt {
        let groups = self.split.group.is_some().then(|| self.learn.groups().into());
        Dealt { groups, by_time: self.split.time.is_some() }
    }
}

/// What own files are asked for: nobody cuts them, so strata do not matter.
fn without_strata(split: &Split) -> Split {
    Split { stratify: Vec::new(), ..split.clone() }
}

/// The keys of a table's files.
#[derive(Debug)]
pub(crate) struct TableKeys<'a> {
    n: u64,
    schema: &'a Schema,
    parts: Parts,
    /// Columns that the schema calls groups, although nothing was asked to keep them together.
    watched: Vec<Parts>,
}

impl<'a> TableKeys<'a> {
    /// The keys of the training file, which was read with the columns that `split` names.
    ///
    /// # Errors
    /// As [`Keys::read`].
    pub(crate) fn new(split: &Split, schema: &'a Schema, train: &Table) -> Result<Self> {
        let all = Self::keys(split, schema, train)?.unwrap_or_default();
        let mut watched = Vec::new();
        for column in &schema.columns {
            if let Column::Group { name, .. } = column
                && split.group.as_ref() != Some(name)
            {
                let of = Split { group: Some(name.clone()), ..Split::default() };
                watched.push(Parts::new(of, Self::groups(schema, train, name)));
            }
        }
        Ok(Self { n: train.n_rows() as u64, schema, parts: Parts::new(split.clone(), all), watched })
    }

    /// `None` for a file that lacks one of the columns.
    fn keys(split: &Split, schema: &Schema, table: &Table) -> Result<Option<Keys>> {
        let mut texts: Vec<(&str, Texts<'_>)> = Vec::new();
        for name in split.names() {
            let Some(column) = table.texts(name) else { return Ok(None) };
            texts.push((name, column));
        }
        let fault = |name: &str, row: usize, expected: &str, found: &str| Error::Field {
            path: table.file(row).to_owned(),
            line: table.line(row),
            column: name.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        Keys::read(split, &texts, &|text| schema.is_missing(text), &fault).map(Some)
    }

    /// The groups of a column of the schema; a row without one is refused elsewhere.
    fn groups(schema: &Schema, table: &Table, name: &str) -> Keys {
        let is_it = |column: &Column| matches!(column, Column::Group { name: own, .. } if own == name);
        let place = schema.columns.iter().position(is_it);
        let Some(TableColumn::Text { codes, dictionary }) = place.and_then(|at| table.columns().get(at)) else {
            return Keys::default();
        };
        Keys::of_groups(Texts::new(codes, dictionary))
    }

    /// Cuts the training file.
    ///
    /// # Errors
    /// As [`Split::cut`].
    pub(crate) fn cut(&mut self, what: &'static str, shares: Shares, seed: u64) -> Result<[Vec<u64>; 3]> {
        let parts = self.parts.split.cut(what, self.n, &self.parts.all, shares, seed)?;
        self.cut_at([&parts[0], &parts[1], &parts[2]]);
        Ok(parts)
    }

    /// The training file was cut there; an empty part has files of its own.
    pub(crate) fn cut_at(&mut self, parts: [&[u64]; 3]) {
        self.parts.cut_at(parts);
        self.watched.iter_mut().for_each(|watched| watched.cut_at(parts));
    }

    /// A file of its own for validation or test.
    ///
    /// # Errors
    /// As [`Keys::read`].
    pub(crate) fn file(&mut self, role: &str, table: &Table) -> Result<()> {
        let keys = Self::keys(&without_strata(&self.parts.split), self.schema, table)?;
        self.parts.file(role, keys);
        for watched in &mut self.watched {
            let name = watched.split.group.clone().unwrap_or_default();
            watched.file(role, Some(Self::groups(self.schema, table, &name)));
        }
        Ok(())
    }

    /// What parts have in common that they should not.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut found = self.parts.known().findings();
        for watched in &self.watched {
            found.extend(watched.known().advising(watched.is_cut).findings());
        }
        found
    }

    /// How the training samples were dealt.
    pub(crate) fn dealt(&self) -> Dealt {
        self.parts.dealt()
    }
}

/// The keys of data sets of other files: a line a sample, in files beside them.
#[derive(Debug)]
pub(crate) struct FileKeys {
    n: u64,
    parts: Parts,
}

impl FileKeys {
    /// The keys of the training samples, of which there are `n`, from the files in `dir`; `classes` gives the label of each by number, task
    /// by task, for those that can be stratified by.
    ///
    /// # Errors
    /// As [`Keys::read`]; [`Error::Absent`] for a file that is not there, [`Error::Line`] for one with another number of lines.
    pub(crate) fn read<'t>(
        split: &Split,
        n: u64,
        dir: &Path,
        classes: impl FnOnce() -> Vec<(&'t str, Vec<u64>)>,
        loading: &mut Loading<'_>,
    ) -> Result<Self> {
        split.validate()?;
        let classes = if split.stratify.is_empty() { Vec::new() } else { classes() };
        let coded: Vec<(&str, Coded)> = classes.iter().map(|(task, labels)| (*task, coded(labels))).collect();
        if let Some(name) = split.stratify.iter().find(|name| !coded.iter().any(|(task, _)| task == name)) {
            let tasks: Vec<&str> = coded.iter().map(|(task, _)| *task).collect();
            let expected = format!("tasks of classes ({})", tasks.join(", "));
            return Err(Error::config("split", "stratify", expected, name.clone()));
        }
        let strata = coded.iter().map(|(task, (codes, texts))| (*task, Texts::new(codes, texts)));
        let all = Self::keys(split, "train", n, dir, strata.collect(), loading)?;
        Ok(Self { n, parts: Parts::new(split.clone(), all) })
    }

    fn keys(
        split: &Split,
        role: &str,
        n: u64,
        dir: &Path,
        strata: Vec<(&str, Texts<'_>)>,
        loading: &mut Loading<'_>,
    ) -> Result<Keys> {
        let mut files: Vec<(&str, Lines)> = Vec::new();
        for (what, name) in [("groups", &split.group), ("times", &split.time)] {
            let Some(name) = name else { continue };
            let path = dir.join(name);
            let lines = Lines::read(&path, Unit::Line, false);
            let lines = lines.map_err(|e| loading.unreadable(&path, crate::datasets::absent(e)))?;
            loading.admit(&format!("{role} {what}"), &path, lines.content.clone(), false)?;
            if lines.len() as u64 != n {
                let at = lines.len().min(usize::try_from(n).unwrap_or(usize::MAX));
                return Err(lines.fault(at, format!("a line a sample, {n} in all"), format!("{} lines", lines.len())));
            }
            files.push((name, lines));
        }
        let fault =
            |name: &str, at: usize, expected: &str, found: &str| match files.iter().find(|(own, _)| *own == name) {
                Some((_, lines)) => lines.fault(at, expected.to_owned(), found.to_owned()),
                None => Error::config("split", "group", expected, found),
            };
        let mut texts: Vec<(&str, Texts<'_>)> =
            files.iter().map(|(name, lines)| (*name, Texts::new(&lines.codes, &lines.words))).collect();
        texts.extend(strata);
        Keys::read(split, &texts, &str::is_empty, &fault)
    }

    /// Cuts the training samples.
    ///
    /// # Errors
    /// As [`Split::cut`].
    pub(crate) fn cut(&mut self, what: &'static str, shares: Shares, seed: u64) -> Result<[Vec<u64>; 3]> {
        let parts = self.parts.split.cut(what, self.n, &self.parts.all, shares, seed)?;
        self.parts.cut_at([&parts[0], &parts[1], &parts[2]]);
        Ok(parts)
    }

    /// Files of their own for validation or test, `n` samples; they need not say groups and times.
    ///
    /// # Errors
    /// As [`FileKeys::read`], but for a file that is not there.
    pub(crate) fn file(&mut self, role: &str, n: u64, dir: &Path, loading: &mut Loading<'_>) -> Result<()> {
        let split = without_strata(&self.parts.split);
        let paths: Vec<PathBuf> = split.names().into_iter().map(|name| dir.join(name)).collect();
        let are_there = paths.iter().all(|path| path.exists());
        let keys = are_there.then(|| Self::keys(&split, role, n, dir, Vec::new(), loading)).transpose()?;
        self.parts.file(role, keys);
        Ok(())
    }

    /// What parts have in common that they should not.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.parts.known().findings()
    }

    /// How the training samples were dealt.
    pub(crate) fn dealt(&self) -> Dealt {
        self.parts.dealt()
    }
}

/// A code for each, and the text of each code.
type Coded = (Vec<u32>, Vec<String>);

/// Numbers as texts by code.
fn coded(numbers: &[u64]) -> Coded {
    let mut known: BTreeMap<u64, u32> = BTreeMap::new();
    let mut texts = Vec::new();
    let code = |number: &u64| {
        *known.entry(*number).or_insert_with(|| {
            texts.push(number.to_string());
            u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
        })
    };
    (numbers.iter().map(code).collect(), texts)
}
