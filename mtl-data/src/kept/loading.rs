//! One pass over a data set's files: learning everything, or with the facts that a run kept.
//!
//! A data set hands every file that it reads to its `Loading`, and asks it for what would otherwise be learned. That is the
//! only place where kept facts and files meet, so no data set can forget to compare.
//!
//! ```text
//! read      every file, as soon as it is read: noted, compared, refused if it changed
//! fitted    of a table: the kept schema, else fit(..)
//! scaling   of pictures: the kept one, else measure(..)
//! texts     of texts: the kept vocabularies, else fit(..)
//! finish    the splits, with files and cut
//! ```
//! Data sets from outside have the same by other names, see `own.rs`.

use std::{
    collections::HashSet,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    Content, Cut, FilePrint, Kept, OnChange, Provenance,
    difference::{of_fits, of_texts},
};
use crate::{
    datasets::Splits,
    error::{Error, Result, quoted},
    preprocess::{Preprocessing, RawPictures},
    source::Scaling,
    table::{FittedSchema, Schema, Table},
    text::FittedTexts,
};

/// A data set being loaded.
#[derive(Debug, Default)]
pub struct Loading<'a> {
    kept: Option<(&'a Kept, OnChange)>,
    files: Vec<FilePrint>,
    /// The roles of those files.
    roles: HashSet<String>,
    changes: Vec<String>,
    other_values: Option<OtherValues>,
    is_finished: bool,
}

/// A file of the same form with other values, until what is learned from it shows what that means.
#[derive(Debug)]
struct OtherValues {
    role: String,
    path: PathBuf,
    /// What differs, in words that need no fit.
    what: String,
}

impl<'a> Loading<'a> {
    /// With what a run kept.
    pub(super) fn with(kept: &'a Kept, on_change: OnChange) -> Self {
        Self { kept: Some((kept, on_change)), ..Self::default() }
    }

    /// What a run kept of one of several sources, as if it were the run's whole data set.
    pub(crate) fn kept_of(&self, source: &str) -> Option<Kept> {
        Some(self.kept?.0.of_source(source))
    }

    /// A pass over the files of one of several sources, with what was kept of it.
    pub(crate) fn of_source<'k>(&self, kept: Option<&'k Kept>) -> Loading<'k> {
        Loading { kept: kept.zip(self.kept.map(|(_, on_change)| on_change)), ..Loading::default() }
    }

    /// What such a pass found, which is a part of this one.
    pub(crate) fn take_over(&mut self, source: &str, found: &Provenance, pass: Loading<'_>) {
        for file in &found.files {
            let role = format!("{source}: {}", file.role);
            self.roles.insert(role.clone());
            self.files.push(FilePrint { role, ..file.clone() });
        }
        self.changes.extend(pass.changes);
    }

    /// What is not as it was.
    pub(super) fn into_changes(self) -> Vec<String> {
        self.changes
    }

    /// A table that was read. `learned_from` says that columns are fitted on it, which then explain other values.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::Gone`]; `read`'s own, where nothing was kept.
    pub(crate) fn table(&mut self, role: &str, path: &Path, read: Result<Table>, learned_from: bool) -> Result<Table> {
        let table = read.map_err(|e| self.unreadable(path, e))?;
        self.admit(role, path, table.content().clone(), learned_from)?;
        Ok(table)
    }

    /// Notes what a file holds and compares it with what it held.
    ///
    /// # Errors
    /// `InvalidConfig` for a role that another file has; [`Error::Changed`].
    pub(crate) fn admit(&mut self, role: &str, path: &Path, content: Content, learned_from: bool) -> Result<()> {
        // A file is found again by its role: of two under one, the second would never be what it was.
        if !self.roles.insert(role.to_owned()) {
            let found = format!("{} twice, the second time for {}", quoted(role), path.display());
            return Err(Error::config("loading", "role", "another for every file", found));
        }
        if let Some((kept, _)) = self.kept {
            let before = kept.provenance.files.iter().find(|file| file.role == role);
            let what = match before {
                None => Some("it is new".to_owned()),
                Some(file) => file.content.difference(&content),
            };
            if let Some(what) = what {
                let values_only = before.is_some_and(|file| file.content.same_form(&content));
                match learned_from && values_only && self.other_values.is_none() {
                    true => {
                        self.other_values = Some(OtherValues { role: role.to_owned(), path: path.to_owned(), what });
                    }
                    false => self.changed(path, what)?,
                }
            }
        }
        self.files.push(FilePrint::new(role, path, content));
        Ok(())
    }

    /// The schema that the run learned with, every column by its name.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        let preprocessing = self.kept.and_then(|(kept, _)| kept.preprocessing.as_ref());
        preprocessing.and_then(Preprocessing::table).map(FittedSchema::schema)
    }

    /// What was learned of a table's columns.
    ///
    /// # Errors
    /// `fit`'s, where nothing was kept; [`Error::Changed`].
    pub(crate) fn fitted(&mut self, fit: impl FnOnce() -> Result<FittedSchema>) -> Result<FittedSchema> {
        self.learned("what was learned of the table's columns", None, |p| p.table().cloned(), fit, of_fits)
    }

    /// What was learned of texts.
    ///
    /// # Errors
    /// As [`Loading::fitted`].
    pub(crate) fn texts(&mut self, fit: impl FnOnce() -> Result<FittedTexts>) -> Result<FittedTexts> {
        self.learned("what was learned of texts", None, |p| p.texts().cloned(), fit, of_texts)
    }

    /// How the pixels of an input are scaled, which the file of that role shows.
    ///
    /// # Errors
    /// As [`Loading::fitted`].
    pub(crate) fn scaling(
        &mut self,
        input: &str,
        role: &str,
        measure: impl FnOnce() -> Result<Scaling>,
    ) -> Result<Scaling> {
        self.learned(
            "how pictures were scaled",
            Some(role),
            |p| p.pictures(input).map(RawPictures::scaling),
            measure,
            |before, now| (before != now).then(|| format!("mean of pixels {:.6} -> {:.6}", before.mean, now.mean)),
        )
    }

    /// What was kept, or what is learned now where nothing was. Of a file with other values it is said what would be learned
    /// of it: of the one with the role `of`, or of any.
    pub(super) fn learned<T>(
        &mut self,
        what: &str,
        of: Option<&str>,
        kept: impl Fn(&Preprocessing) -> Option<T>,
        learn: impl FnOnce() -> Result<T>,
        difference: impl Fn(&T, &T) -> Option<String>,
    ) -> Result<T> {
        let Some((all, _)) = self.kept else { return learn() };
        let Some(before) = all.preprocessing.as_ref().and_then(kept) else {
            return Err(Error::config("kept data", "preprocessing", what, "nothing"));
        };
        if let Some(other) = self.other_values.take_if(|other| of.is_none_or(|role| other.role == role)) {
            let fact = learn().ok().and_then(|now| difference(&before, &now));
            self.changed(&other.path, fact.unwrap_or(other.what))?;
        }
        Ok(before)
    }

    /// The splits, with where they are from. Files that changed may be cut otherwise; others may not.
    ///
    /// # Errors
    /// [`Error::Cut`].
    pub fn finish(&mut self, splits: Splits, cut: Cut) -> Result<Splits> {
        if let Some(other) = self.other_values.take() {
            self.changed(&other.path, other.what)?;
        }
        if let Some((kept, _)) = self.kept
            && self.changes.is_empty()
            && kept.provenance.cut != cut
        {
            let (expected, found) = (kept.provenance.cut.to_string(), cut.to_string());
            return Err(Error::Cut { expected, found });
        }
        self.is_finished = true;
        Ok(Splits {
            provenance: Provenance { files: std::mem::take(&mut self.files), cut, ..Provenance::default() },
            ..splits
        })
    }

    /// Refuses splits of a data set from outside that went past [`finish`](Self::finish): a run would know neither their
    /// files nor their cut.
    ///
    /// # Errors
    /// `InvalidConfig`, naming the data set.
    pub(crate) fn expect_finished(&self, dataset: &str) -> Result<()> {
        if self.is_finished {
            return Ok(());
        }
        let found = format!("those of {} past both", quoted(dataset));
        Err(Error::config("data set", "splits", "given by Loading::cut or Loading::finish", found))
    }

    /// The error for a file that could not be read: where it could be once, that is what changed.
    pub(crate) fn unreadable(&self, path: &Path, e: Error) -> Error {
        let Some((_, on_change)) = self.kept else { return e };
        match e {
            Error::NoFile { path, .. } | Error::Absent { path } => Error::Gone { path },
            Error::Io { path, source } if source.kind() == ErrorKind::NotFound => Error::Gone { path },
            // A compressed file that does not unpack is another file; a folder that may not be read is not.
            Error::Io { path, source }
                if !matches!(
                    source.kind(),
                    ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                Error::Io { path, source }
            }
            e => Error::Changed {
                path: path.to_owned(),
                what: format!("it cannot be read as it was: {e}"),
                or: or(on_change),
            },
        }
    }

    fn changed(&mut self, path: &Path, what: String) -> Result<()> {
        match self.kept {
            Some((_, OnChange::Allow)) => {
                self.changes.push(format!("{}: content changed since the run was trained ({what})", path.display()));
                Ok(())
            }
            Some((_, on_change)) => Err(Error::Changed { path: path.to_owned(), what, or: or(on_change) }),
            None => Ok(()),
        }
    }
}

/// What else can be done about a changed file, to be put after what can be done always.
fn or(on_change: OnChange) -> String {
    match on_change {
        OnChange::Offer(way) => format!(", or {way}"),
        OnChange::Refuse | OnChange::Allow => String::new(),
    }
}
