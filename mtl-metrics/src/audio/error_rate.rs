//! WER and its relatives: how many words or characters of a transcript are wrong.
//!
//! ```text
//! H hits, S substitutions, D deletions, I insertions of a shortest alignment, summed over the corpus
//!
//! WER, CER = (S + D + I) / (H + S + D)          of words, of characters; per reference unit, may exceed 1
//! MER      = (S + D + I) / (H + S + D + I)      match error rate
//! WIP      = H / (H + S + D) * H / (H + S + I)  word information preserved
//! WIL      = 1 - WIP                            word information lost
//! ```
//!
//! Words are split at white space; characters are those between the first and the last that is no white space.
//!
//! **Reference** A. Morris et al., *From WER and RIL to MER and WIL*, Interspeech 2004; jiwer 4.0, counts exactly.
//! **Differs from** jiwer: without a reference unit rates are not defined (it gives the number of insertions as WER, and 0
//! or 1 for the others); a single tab or line end separates words (for jiwer only blanks and runs of white space do).
//! **State** 32 bytes. **Cost** O(n m / 64) a text.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::edits::{Aligner, Edit};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, add_counts, refused},
    text::{
        TextPairs,
        words::{WordIds, is_space, words},
    },
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 128;

/// What is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Words, split at white space.
    #[default]
    Words,
    /// Characters.
    Characters,
}

/// Which rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// Errors per reference unit: WER or CER.
    Error,
    /// Errors per step of the alignment: MER.
    Match,
    /// Information lost: WIL.
    Lost,
    /// Information preserved: WIP.
    Preserved,
}

/// An error rate of transcripts. All of them share one state.
///
/// ```
/// use mtl_metrics::{Metric, audio::{ErrorRate, Rate, Unit}, text::TextPairs};
/// let wer = ErrorRate::new(Rate::Error, Unit::Words);
/// let mut counts = Default::default();
/// wer.update(&mut counts, &TextPairs::new(&["the cat sat mat"], &["the cat sat on the mat"])?)?;
/// assert_eq!((counts.hits, counts.substitutions, counts.deletions, counts.insertions), (4, 0, 2, 0));
/// assert_eq!((wer.name(), wer.compute(&counts).value), ("wer", Some(2.0 / 6.0)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRate {
    rate: Rate,
    unit: Unit,
}

impl ErrorRate {
    /// That rate over those units.
    #[must_use]
    pub fn new(rate: Rate, unit: Unit) -> Self {
        Self { rate, unit }
    }

    /// The steps of the alignment of one text, in order.
    #[must_use]
    pub fn align(&self, hypothesis: &str, reference: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        Room::default().align(self.unit, hypothesis, reference, &mut |edit| edits.push(edit));
        edits.reverse();
        edits
    }
}

impl Metric for ErrorRate {
    type Batch<'a> = TextPairs<'a>;
    type State = EditCounts;

    fn name(&self) -> &'static str {
        match (self.rate, self.unit) {
            (Rate::Error, Unit::Words) => "wer",
            (Rate::Error, Unit::Characters) => "cer",
            (Rate::Match, Unit::Words) => "mer",
            (Rate::Match, Unit::Characters) => "mer-char",
            (Rate::Lost, Unit::Words) => "wil",
            (Rate::Lost, Unit::Characters) => "wil-char",
            (Rate::Preserved, Unit::Words) => "wip",
            (Rate::Preserved, Unit::Characters) => "wip-char",
        }
    }

    fn direction(&self) -> Direction {
        if self.rate == Rate::Preserved { Direction::Maximize } else { Direction::Minimize }
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if self.rate == Rate::Error { f64::INFINITY } else { 1.0 })
    }

    fn update(&self, state: &mut EditCounts, pairs: &TextPairs<'_>) -> Result<()> {
        let part: EditCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let (mut counts, mut room) = (EditCounts::default(), Room::default());
            for idx in range {
                let (hypothesis, reference) = pairs.one(self.name(), idx)?;
                room.align(self.unit, hypothesis, reference, &mut |edit| counts.add(edit));
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &EditCounts) -> MetricValue {
        let (hits, reference, hypothesis) = (state.hits as f64, state.reference_len(), state.hypothesis_len());
        if reference == 0 {
            return MetricValue::undefined("no word or character in any reference", 0);
        }
        let preserved = || if hypothesis == 0 { 0.0 } else { hits / reference as f64 * (hits / hypothesis as f64) };
        let errors = state.errors() as f64;
        let value = match self.rate {
            Rate::Error => errors / reference as f64,
            Rate::Match => errors / (errors + hits),
            Rate::Lost => 1.0 - preserved(),
            Rate::Preserved => preserved(),
        };
        MetricValue::defined(value, reference)
    }
}

#[derive(Default)]
struct Room {
    ids: WordIds,
    aligner: Aligner,
    hypothesis: Vec<u32>,
    reference: Vec<u32>,
}

impl Room {
    fn align(&mut self, unit: Unit, hypothesis: &str, reference: &str, step: &mut impl FnMut(Edit)) {
        self.ids.clear();
        for (tokens, text) in [(&mut self.reference, reference), (&mut self.hypothesis, hypothesis)] {
            tokens.clear();
            match unit {
                Unit::Words => tokens.extend(words(text).map(|word| self.ids.id(word.as_bytes()))),
                Unit::Characters => {
                    let id = |c: char| self.ids.id(c.encode_utf8(&mut [0; 4]).as_bytes());
                    tokens.extend(text.trim_matches(is_space).chars().map(id));
                }
            }
        }
        self.aligner.align(&self.reference, &self.hypothesis, self.ids.len(), step);
    }
}

/// The steps of all alignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditCounts {
    /// Equal units.
    pub hits: u64,
    /// Wrong units.
    pub substitutions: u64,
    /// Missing units.
    pub deletions: u64,
    /// Units too many.
    pub insertions: u64,
}

impl EditCounts {
    pub(super) fn add(&mut self, edit: Edit) {
        match edit {
            Edit::Hit => self.hits += 1,
            Edit::Substitution => self.substitutions += 1,
            Edit::Deletion => self.deletions += 1,
            Edit::Insertion => self.insertions += 1,
        }
    }

    /// The edit distance: substitutions, deletions and insertions.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.substitutions.saturating_add(self.deletions).saturating_add(self.insertions)
    }

    /// Units of all references.
    #[must_use]
    pub fn reference_len(&self) -> u64 {
        self.hits.saturating_add(self.substitutions).saturating_add(self.deletions)
    }

    /// Units of all hypotheses.
    #[must_use]
    pub fn hypothesis_len(&self) -> u64 {
        self.hits.saturating_add(self.substitutions).saturating_add(self.insertions)
    }
}

impl MetricState for EditCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut counts = [self.hits, self.substitutions, self.deletions, self.insertions];
        add_counts(&mut counts, &[other.hits, other.substitutions, other.deletions, other.insertions])?;
        [self.hits, self.substitutions, self.deletions, self.insertions] = counts;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rate: ErrorRate, hypothesis: &str, reference: &str) -> EditCounts {
        let mut counts = EditCounts::default();
        rate.update(&mut counts, &TextPairs::new(&[hypothesis], &[reference]).unwrap()).unwrap();
        counts
    }

    #[test]
    fn by_hand() {
        let words = |rate| ErrorRate::new(rate, Unit::Words);
        let state = counts(words(Rate::Error), " a  x c d\te ", "a b c\nd");
        assert_eq!(state, EditCounts { hits: 3, substitutions: 1, deletions: 0, insertions: 1 });
        let value = |rate| words(rate).compute(&state).value.unwrap();
        assert_eq!((value(Rate::Error), value(Rate::Match)), (0.5, 0.4));
        assert!((value(Rate::Preserved) - 0.45).abs() < 1e-15 && (value(Rate::Lost) - 0.55).abs() < 1e-15);
        let state = counts(ErrorRate::new(Rate::Error, Unit::Characters), "\u{e9}a b", " eab ");
        assert_eq!(state, EditCounts { hits: 2, substitutions: 1, deletions: 0, insertions: 1 });
    }

    #[test]
    fn silence() {
        let wer = ErrorRate::new(Rate::Error, Unit::Words);
        assert!(wer.compute(&counts(wer, "a", "")).get().is_err());
        let wip = ErrorRate::new(Rate::Preserved, Unit::Words);
        assert_eq!(wip.compute(&counts(wip, "", "a")).value, Some(0.0));
        assert_eq!(wer.align("a b", "a"), [Edit::Hit, Edit::Insertion]);
        let two = [["a", "b"]];
        let pairs = TextPairs::with_references(&["a"], &two).unwrap();
        assert!(wer.update(&mut EditCounts::default(), &pairs).is_err());
    }
}
