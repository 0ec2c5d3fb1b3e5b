//! One batch of texts: what was written beside what should have been.

use mtl_core::{Error, Result};

use crate::{
    input::{MetricBatch, TokenPair},
    judged::{FromJudged, Shelf},
};

/// Hypotheses, each beside one or more references. Borrowed, and checked once.
///
/// ```
/// use mtl_metrics::text::TextPairs;
/// let pairs = TextPairs::new(&["a cat"], &["the cat"])?;
/// assert_eq!(pairs.len(), 1);
/// assert!(TextPairs::new(&["a cat"], &["the cat", "a dog"]).is_err());
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextPairs<'a> {
    hypotheses: Vec<&'a str>,
    references: Vec<&'a str>,
    /// Where the references of each text end.
    ends: Vec<usize>,
}

impl<'a> TextPairs<'a> {
    /// Texts with one reference each.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many references as hypotheses.
    pub fn new<H: AsRef<str>, R: AsRef<str>>(hypotheses: &'a [H], references: &'a [R]) -> Result<Self> {
        same_len(hypotheses.len(), references.len())?;
        Ok(Self {
            hypotheses: hypotheses.iter().map(AsRef::as_ref).collect(),
            references: references.iter().map(AsRef::as_ref).collect(),
            ends: (1..=references.len()).collect(),
        })
    }

    /// Texts with any number of references each, at least one.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many lists as hypotheses, or one of them is empty.
    pub fn with_references<H, L, R>(hypotheses: &'a [H], references: &'a [L]) -> Result<Self>
    where
        H: AsRef<str>,
        L: AsRef<[R]>,
        R: AsRef<str> + 'a,
    {
        same_len(hypotheses.len(), references.len())?;
        let (mut flat, mut ends) = (Vec::with_capacity(references.len()), Vec::with_capacity(references.len()));
        for (idx, list) in references.iter().map(AsRef::as_ref).enumerate() {
            if list.is_empty() {
                return Err(Error::Shape {
                    op: format!("texts, sample {idx}"),
                    tensor: "references",
                    expected: "at least one".into(),
                    found: vec![0],
                });
            }
            flat.extend(list.iter().map(AsRef::as_ref));
            ends.push(flat.len());
        }
        Ok(Self { hypotheses: hypotheses.iter().map(AsRef::as_ref).collect(), references: flat, ends })
    }

    /// Number of hypotheses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hypotheses.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hypotheses.is_empty()
    }

    /// A hypothesis and its references; empty ones beyond the end.
    #[must_use]
    pub fn get(&self, idx: usize) -> (&'a str, &[&'a str]) {
        let start = idx.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let references = self.ends.get(idx).and_then(|&end| self.references.get(start..end));
        (self.hypotheses.get(idx).copied().unwrap_or_default(), references.unwrap_or_default())
    }

    /// The one reference of a text.
    ///
    /// # Errors
    /// [`Error::Shape`] when it has several.
    pub(crate) fn one(&self, metric: &str, idx: usize) -> Result<(&'a str, &'a str)> {
        match self.get(idx) {
            (hypothesis, [reference]) => Ok((hypothesis, reference)),
            (_, many) => Err(Error::Shape {
                op: format!("{metric}, sample {idx}"),
                tensor: "references",
                expected: "exactly one".into(),
                found: vec![many.len() as i64],
            }),
        }
    }
}

fn same_len(hypotheses: usize, references: usize) -> Result<()> {
    if hypotheses == references {
        return Ok(());
    }
    Err(Error::Shape {
        op: "texts".into(),
        tensor: "references",
        expected: format!("[{hypotheses}], one entry per hypothesis"),
        found: vec![references as i64],
    })
}

/// Sequences of tokens as texts: the tokens' names with blanks between them. Samples that are not labeled are left out.
impl<'a> FromJudged<'a> for TextPairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (hypotheses, references) = texts(judged, metric, shelf)?;
        Self::new(hypotheses, references)
    }
}

/// What was written and what should have been, as texts.
pub(super) fn texts<'a>(
    judged: &MetricBatch<'a>,
    metric: &str,
    shelf: &'a Shelf,
) -> Result<(&'a [String], &'a [String])> {
    let names = judged.answer(metric)?.names();
    let text = |what, tokens: &[i64], row: usize| -> Result<String> {
        let mut text = String::new();
        for token in tokens {
            let name = usize::try_from(*token).ok().and_then(|token| names.get(token));
            let name = name.ok_or_else(|| judged.refuse(what, format!("in 0..{}", names.len()), token, row))?;
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(name);
        }
        Ok(text)
    };
    let (mut hypotheses, mut references) = (Vec::new(), Vec::new());
    for TokenPair { said, truth, row } in judged.sequences(metric)? {
        hypotheses.push(text("predicted token", said, row)?);
        references.push(text("label", truth, row)?);
    }
    Ok((shelf.keep(hypotheses), shelf.keep(references)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_with_their_text() {
        let references = vec![vec!["a"], vec!["b", "c"], vec!["d"]];
        let pairs = TextPairs::with_references(&["x", "y", "z"], &references).unwrap();
        assert_eq!(pairs.get(1), ("y", ["b", "c"].as_slice()));
        assert_eq!(pairs.get(2), ("z", ["d"].as_slice()));
        assert_eq!(pairs.get(3), ("", [].as_slice()));
        assert_eq!(pairs.one("wer", 0).unwrap(), ("x", "a"));
        let e = pairs.one("wer", 1).unwrap_err().to_string();
        assert_eq!(e, "wer, sample 1: references must be exactly one, found [2]");
    }

    #[test]
    fn tokens_are_read_by_their_names() {
        use mtl_core::{
            answer::{Answer, Labels},
            prediction::{Prediction, Reference},
        };
        let answer = Answer::sequence(["the", "cat", "sat"]);
        let said = Prediction::Sequence { tokens: Labels::lists(&[vec![1, 2], vec![0], vec![]]) };
        let truth = Reference::Sequence(Labels::lists(&[vec![0, 1, 2], vec![-100], vec![1]]));
        let (judged, shelf) = (MetricBatch::new(&said, &truth).of_answer(&answer), Shelf::default());
        let pairs = TextPairs::from_judged(&judged, "wer", &shelf).unwrap();
        assert_eq!(
            (pairs.len(), pairs.get(0), pairs.get(1)),
            (2, ("cat sat", ["the cat sat"].as_slice()), ("", ["cat"].as_slice()))
        );
        let e = TextPairs::from_judged(&MetricBatch::new(&said, &truth), "wer", &shelf).unwrap_err().to_string();
        assert!(e.contains("answer must be known"), "{e}");
        let said = Prediction::Sequence { tokens: Labels::lists(&[vec![3], vec![], vec![]]) };
        let judged = MetricBatch::new(&said, &truth).of_answer(&answer).with_ids(&[7, 8, 9]);
        let e = TextPairs::from_judged(&judged, "wer", &shelf).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): predicted token must be in 0..3, found 3 (sample 7)");
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let e = TextPairs::new(&["x"], &["a", "b"]).unwrap_err().to_string();
        assert_eq!(e, "texts: references must be [1], one entry per hypothesis, found [2]");
        let e = TextPairs::with_references(&["x"], &[Vec::<&str>::new()]).unwrap_err().to_string();
        assert_eq!(e, "texts, sample 0: references must be at least one, found [0]");
    }
}
