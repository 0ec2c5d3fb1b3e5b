//! Texts to answer: a line a sample, a block at a time, so that a file of any size costs the memory of one block.
//!
//! Where samples have several texts they stand in one line, separated by tabs, in the order of the inputs.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use mtl_core::input::Inputs;

use super::{
    FittedTexts, Vocabulary,
    lines::{BLANKS, BLANKS_OF_SEVERAL, text_of, without_mark, words},
};
use crate::{
    error::{Error, Result},
    source::Texts,
    table::unpack::Unpacked,
};

/// A file's samples, without labels.
pub(crate) struct RawTexts<R: Read> {
    fitted: FittedTexts,
    path: PathBuf,
    reader: BufReader<Unpacked<R>>,
    line: u64,
}

impl<R: Read> RawTexts<R> {
    /// # Errors
    /// [`Error::NotText`], [`Error::Io`].
    pub(crate) fn open(fitted: &FittedTexts, path: &Path, reader: R) -> Result<Self> {
        let reader = BufReader::new(Unpacked::open(path, reader)?);
        Ok(Self { fitted: fitted.clone(), path: path.to_owned(), reader, line: 0 })
    }

    /// The next `n` samples, fewer at the end of the file; `None` behind it.
    ///
    /// # Errors
    /// [`Error::Line`] with the place of what is no text; [`Error::NoRows`] for a file without a line.
    pub(crate) fn take(&mut self, n: usize) -> Result<Option<Inputs>> {
        let mut texts: Vec<Texts> = self.fitted.inputs.iter().map(|_| Texts::default()).collect();
        let mut bytes = Vec::new();
        let first = self.line;
        let blanks = if texts.len() > 1 { BLANKS_OF_SEVERAL } else { BLANKS };
        while self.line - first < n as u64 {
            bytes.clear();
            let read = self.reader.read_until(b'\n', &mut bytes).map_err(|e| Error::io(&self.path, e))?;
            if read == 0 {
                break;
            }
            self.line += 1;
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let line = if self.line == 1 { without_mark(line) } else { line };
            let line = text_of(&self.path, self.line, line, blanks)?;
            let lower = self.fitted.lowercase.then(|| line.to_lowercase());
            self.add(lower.as_deref().unwrap_or(line), &mut texts)?;
        }
        match (self.line - first, self.line) {
            (0, 0) => Err(Error::NoRows { path: self.path.clone() }),
            (0, _) => Ok(None),
            _ => {
                let named = self.fitted.inputs.iter().zip(&texts);
                let inputs = named.map(|(input, texts)| Ok((input.name.clone(), texts.all()?)));
                Ok(Some(Inputs::new(inputs.collect::<Result<Vec<_>>>()?)?))
            }
        }
    }

    fn add(&self, line: &str, texts: &mut [Texts]) -> Result<()> {
        let fault = |expected: String, found: String| {
            Err(Error::Line { path: self.path.clone(), line: self.line, expected, found })
        };
        let parts: Vec<&str> = if texts.len() > 1 { line.split('\t').collect() } else { vec![line] };
        if parts.len() != texts.len() {
            let names: Vec<&str> = self.fitted.inputs.iter().map(|input| input.name.as_str()).collect();
            let expected = format!("{} texts separated by tabs ({})", texts.len(), names.join(", "));
            return fault(expected, parts.len().to_string());
        }
        for ((part, input), texts) in parts.into_iter().zip(&self.fitted.inputs).zip(texts) {
            let ids: Vec<u32> = words(part).map(|word| input.vocabulary.id(word)).collect();
            if ids.is_empty() {
                return fault(format!("words of {}", input.name), "none".into());
            }
            if let Some((expected, found)) = self.fitted.too_long(ids.len()) {
                return fault(expected, found);
            }
            debug_assert!(!ids.contains(&Vocabulary::PAD));
            texts.push(&ids);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::FittedText;

    fn fitted(names: &[&str]) -> FittedTexts {
        let vocabulary = Vocabulary::new(vec!["fly".into(), "rome".into()]).unwrap();
        let text = |name: &&str| FittedText { name: (*name).to_owned(), vocabulary: vocabulary.clone() };
        FittedTexts { lowercase: true, max_length: 3, inputs: names.iter().map(text).collect(), tasks: Vec::new() }
    }

    #[test]
    fn lines_come_in_order_and_blocks() {
        let mut raw = RawTexts::open(&fitted(&["text"]), "p".as_ref(), &b"Fly to Rome\nrome\nfly"[..]).unwrap();
        let ids = |inputs: Inputs| Vec::<i64>::try_from(inputs.get("text").unwrap().view([-1])).unwrap();
        assert_eq!(ids(raw.take(2).unwrap().unwrap()), [2, 1, 3, 3, 0, 0]);
        assert_eq!(ids(raw.take(2).unwrap().unwrap()), [2]);
        assert!(raw.take(2).unwrap().is_none() && raw.take(2).unwrap().is_none());
        let mut two = RawTexts::open(&fitted(&["q", "a"]), "p".as_ref(), &b"fly\trome rome\n"[..]).unwrap();
        let inputs = two.take(9).unwrap().unwrap();
        assert_eq!(inputs.get("a").unwrap().size(), [1, 2]);
    }

    #[test]
    fn what_is_no_sample_is_refused_with_its_line() {
        let refusal = |names: &[&str], text: &[u8]| {
            let mut raw = RawTexts::open(&fitted(names), "p".as_ref(), text).unwrap();
            raw.take(9).unwrap_err().to_string()
        };
        assert!(refusal(&["text"], b"fly\n\nfly\n").starts_with("p:2: expected a sample, found an empty line"));
        assert!(refusal(&["text"], b"fly\na b c d\n").starts_with("p:2: expected at most 3 words, found 4 (raise"));
        assert_eq!(refusal(&["q", "a"], b"fly\n"), "p:1: expected 2 texts separated by tabs (q, a), found 1");
        assert_eq!(refusal(&["q", "a"], b"fly\t \trome\n"), "p:1: expected 2 texts separated by tabs (q, a), found 3");
        // A tab at the end of a line ends a text, and so does one at its beginning.
        assert_eq!(refusal(&["q", "a"], b"fly\t \r\n"), "p:1: expected words of a, found none");
        assert_eq!(refusal(&["q", "a"], b"\tfly\n"), "p:1: expected words of q, found none");
        assert_eq!(refusal(&["q", "a"], b"fly\trome\t\n"), "p:1: expected 2 texts separated by tabs (q, a), found 3");
        assert!(refusal(&["text"], b"fly\n\t\n").starts_with("p:2: expected a sample, found an empty line"));
        assert_eq!(refusal(&["text"], b""), "p: expected at least one row of data, found none");
        assert!(refusal(&["text"], b"\xff\n").starts_with("p:1: expected text in UTF-8"));
    }
}
