//! What data sets from outside ask of a [`Loading`].

use std::{fs::File, io::Read, path::Path, sync::Arc};

use serde::de::DeserializeOwned;

use super::{Content, Cut, Loading, Part, difference::of_settings};
use crate::{
    datasets::Splits,
    error::{Error, Result},
    preprocess::{CustomPreprocessing, Preprocessing},
    source::{Source, Subset},
    table::Unpacked,
};

impl Loading<'_> {
    /// The text of a file, unpacked where it is compressed by gzip or zstd. `role` says which of the data set's files it is;
    /// each has its own.
    ///
    /// # Errors
    /// [`Error::Io`]; `InvalidConfig` for a role that another file has; [`Error::Encoding`] for what is no UTF-8;
    /// [`Error::Changed`] or [`Error::Gone`] for a file that is not what a run learned from.
    pub fn text(&mut self, role: &str, path: &Path) -> Result<String> {
        let bytes = read(path, |file| Ok(Box::new(Unpacked::open(path, file)?)));
        let text = bytes.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|e| {
                let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
                let line = 1 + valid.iter().filter(|b| **b == b'\n').count() as u64;
                Error::Encoding { path: path.to_owned(), line, encoding: "UTF-8".into() }
            })
        });
        let text = text.map_err(|e| self.unreadable(path, e))?;
        let content = Content { rows: text.lines().count() as u64, ..Content::of_bytes(text.as_bytes()) };
        self.admit(role, path, content, true)?;
        Ok(text)
    }

    /// The bytes of a file, as they are. `role` says which of the data set's files it is.
    ///
    /// # Errors
    /// As [`text`](Self::text), except for the encoding.
    pub fn bytes(&mut self, role: &str, path: &Path) -> Result<Vec<u8>> {
        let bytes = read(path, |file| Ok(Box::new(file))).map_err(|e| self.unreadable(path, e))?;
        self.admit(role, path, Content::of_bytes(&bytes), true)?;
        Ok(bytes)
    }

    /// What is learned of the training samples: what `learn` says, or what the run knows that is loaded again.
    ///
    /// # Errors
    /// `learn`'s, where nothing was kept; `InvalidConfig` when what was kept is something else; [`Error::Changed`] for a file that
    /// would teach something else.
    pub fn learn<P: CustomPreprocessing + DeserializeOwned>(&mut self, learn: impl FnOnce() -> Result<P>) -> Result<P> {
        self.learned(
            "what this data set learns",
            None,
            |p| P::deserialize(p.custom()?.settings()).ok(),
            learn,
            |before, now| of_settings(&before.settings(), &now.settings()),
        )
    }

    /// The splits of one source of real samples: those at these positions (train, validation, test).
    ///
    /// # Errors
    /// [`Error::Position`] for one that the source does not have; as [`finish`](Self::finish).
    pub fn cut(
        &mut self,
        source: impl Source + 'static,
        positions: [Vec<u64>; 3],
        preprocessing: Option<Preprocessing>,
    ) -> Result<Splits> {
        let whole: Arc<dyn Source> = Arc::new(source);
        let [train, validation, test] = positions;
        let cut = Cut { train: Part::at(&train), validation: Part::at(&validation), test: Part::at(&test) };
        let test = Arc::new(Subset::new(whole.clone(), test)?);
        self.finish(Splits::new(&whole, train, validation, test, preprocessing)?, cut)
    }
}

/// All that a reader of the file gives.
fn read(path: &Path, open: impl FnOnce(File) -> Result<Box<dyn Read>>) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut bytes = Vec::new();
    open(file)?.read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    Ok(bytes)
}
