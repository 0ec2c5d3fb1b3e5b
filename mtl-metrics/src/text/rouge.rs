//! ROUGE: shared n-grams, or the longest common subsequence, of summaries and references.
//!
//! ```text
//! P = matches / units of the hypothesis    R = matches / units of the reference    F = 2 P R / (P + R)
//!
//! rouge1, rouge2 ..   units are n-grams
//! rouge-l             units are words, matches the length of the longest common subsequence (LCS)
//! rouge-lsum          the same by sentences (lines): matches of a reference sentence are the words of it that are in its
//!                     LCS with any hypothesis sentence, each occurrence once
//! ```
//!
//! Words are runs of `a`..`z` and `0`..`9` after lower-casing; [`Rouge::stemmed`] compares the stems of those longer
//! than three letters ([`porter_stem`]). A sample's value is that against the reference with the best F; the metric's
//! is the mean over samples.
//!
//! **Reference** C.-Y. Lin, *ROUGE: a package for automatic evaluation of summaries*, ACL workshop 2004,
//! <https://aclanthology.org/W04-1013>; rouge-score 0.1.2 with and without `use_stemmer`, to 1e-12.
//! **Differs from** it in nothing known. **State** 1.7 kB. **Cost** LCS by bits, O(n m / 64); `rouge-lsum` O(n m).

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    ngrams::{NgramMatcher, OrderCounts},
    pairs::TextPairs,
    porter::porter_stem,
    subsequence::{lcs_len, mark_lcs},
    words::WordIds,
};
use crate::{
    chunks::fold_chunks,
    exact_sum::ExactSum,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 64;

/// Which ROUGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RougeKind {
    /// n-grams, 1 to 9.
    N(u8),
    /// Longest common subsequence.
    L,
    /// Longest common subsequences of sentences, which are lines.
    Lsum,
}

/// Mean ROUGE F over samples, 0 to 1; [`Rouge::report`] has precision and recall.
///
/// ```
/// use mtl_metrics::{Metric, text::{Rouge, RougeKind, TextPairs}};
/// let rouge = Rouge::new(RougeKind::L)?;
/// let mut state = Default::default();
/// rouge.update(&mut state, &TextPairs::new(&["The fox jumps."], &["the quick fox jumps high"])?)?;
/// let report = rouge.report(&state).unwrap();
/// assert_eq!((report.precision, report.recall, report.f1), (1.0, 0.6, 0.7499999999999999));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rouge {
    kind: RougeKind,
    stems: bool,
    name: String,
}

impl Rouge {
    /// The ROUGE of that kind.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for n-grams outside 1 to 9.
    pub fn new(kind: RougeKind) -> Result<Self> {
        let name = match kind {
            RougeKind::N(n @ 1..=9) => format!("rouge{n}"),
            RougeKind::N(n) => {
                let expected = "n-grams of 1 to 9 words".into();
                return Err(Error::InvalidConfig { what: "rouge", field: "kind", expected, found: n.to_string() });
            }
            RougeKind::L => "rouge-l".into(),
            RougeKind::Lsum => "rouge-lsum".into(),
        };
        Ok(Self { kind, stems: false, name })
    }

    /// The same over stems of English words: `rouge1-stem`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn stemmed(kind: RougeKind) -> Result<Self> {
        let Self { name, .. } = Self::new(kind)?;
        Ok(Self { kind, stems: true, name: format!("{name}-stem") })
    }

    /// The means.
    ///
    /// # Errors
    /// The reason when there was no text.
    pub fn report(&self, state: &RougeSums) -> OrReason<RougeScores> {
        if state.texts == 0 {
            return Err("no text".into());
        }
        let mean = |sum: &ExactSum| sum.value() / state.texts as f64;
        Ok(RougeScores { precision: mean(&state.precision), recall: mean(&state.recall), f1: mean(&state.f1) })
    }

    fn score(&self, room: &mut Room, hypothesis: &str, reference: &str) -> RougeScores {
        room.ids.clear();
        room.stems = self.stems;
        match self.kind {
            RougeKind::N(n) => {
                let (reference, hypothesis) = (room.words(reference), room.words(hypothesis));
                let mut orders = [OrderCounts::default(); 9];
                let orders = &mut orders[..usize::from(n)];
                room.matcher.count(&hypothesis, &[&reference], orders);
                let last = orders.last().copied().unwrap_or_default();
                RougeScores::of_counts(last.matches, last.hypothesis, last.reference)
            }
            RougeKind::L => {
                let (reference, hypothesis) = (room.words(reference), room.words(hypothesis));
                let matches = lcs_len(&reference, &hypothesis, room.ids.len());
                RougeScores::of_counts(matches as u64, hypothesis.len() as u64, reference.len() as u64)
            }
            RougeKind::Lsum => {
                let sentences = |room: &mut Room, text: &str| -> Vec<Vec<u32>> {
                    text.split('\n').filter(|line| !line.is_empty()).map(|line| room.words(line)).collect()
                };
                let (reference, hypothesis) = (sentences(room, reference), sentences(room, hypothesis));
                let matches = summary_matches(&reference, &hypothesis, room.ids.len());
                let len = |sentences: &[Vec<u32>]| sentences.iter().map(|s| s.len() as u64).sum();
                RougeScores::of_counts(matches, len(&hypothesis), len(&reference))
            }
        }
    }
}

/// Words of reference sentences that are in the union of LCSs with all hypothesis sentences; no occurrence of a word in
/// either text counts twice.
fn summary_matches(reference: &[Vec<u32>], hypothesis: &[Vec<u32>], n_words: usize) -> u64 {
    let mut left = vec![[0_u64; 2]; n_words];
    for (side, sentences) in [reference, hypothesis].into_iter().enumerate() {
        for &word in sentences.iter().flatten() {
            left[word as usize][side] += 1;
        }
    }
    let (mut matches, mut marked) = (0, Vec::new());
    for sentence in reference {
        marked.clear();
        marked.resize(sentence.len(), false);
        for other in hypothesis {
            mark_lcs(sentence, other, &mut marked);
        }
        for (&word, _) in sentence.iter().zip(&marked).filter(|(_, marked)| **marked) {
            if let Some(both) = left.get_mut(word as usize).filter(|both| both.iter().all(|&n| n > 0)) {
                both.iter_mut().for_each(|n| *n -= 1);
                matches += 1;
            }
        }
    }
    matches
}

impl Metric for Rouge {
    type Batch<'a> = TextPairs<'a>;
    type State = RougeSums;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut RougeSums, pairs: &TextPairs<'_>) -> Result<()> {
        let part: RougeSums = fold_chunks(pairs.len(), CHUNK, |range| {
            let (mut sums, mut room) = (RougeSums::default(), Room::default());
            for idx in range {
                let (hypothesis, references) = pairs.get(idx);
                let mut best: Option<RougeScores> = None;
                for reference in references {
                    let scores = self.score(&mut room, hypothesis, reference);
                    if best.is_none_or(|best| scores.f1 > best.f1) {
                        best = Some(scores);
                    }
                }
                let best = best.unwrap_or_default();
                sums.precision.add(best.precision);
                sums.recall.add(best.recall);
                sums.f1.add(best.f1);
                sums.texts += 1;
            }
            Ok(sums)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &RougeSums) -> MetricValue {
        match self.report(state) {
            Ok(scores) => MetricValue::defined(scores.f1, state.texts),
            Err(reason) => MetricValue::undefined(reason, 0),
        }
    }
}

#[derive(Default)]
struct Room {
    ids: WordIds,
    matcher: NgramMatcher,
    stems: bool,
}

impl Room {
    fn words(&mut self, text: &str) -> Vec<u32> {
        let text = text.to_lowercase();
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let id = |word: &str| {
            if self.stems && word.len() > 3 {
                self.ids.id(porter_stem(word).as_bytes())
            } else {
                self.ids.id(word.as_bytes())
            }
        };
        text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(id).collect()
    }
}

/// Precision, recall and their harmonic mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct RougeScores {
    /// Share of the hypothesis that is in the reference.
    pub precision: f64,
    /// Share of the reference that is in the hypothesis.
    pub recall: f64,
    /// `2 P R / (P + R)`, 0 when both are.
    pub f1: f64,
}

impl RougeScores {
    /// An empty text shares nothing: 0.
    fn of_counts(matches: u64, hypothesis: u64, reference: u64) -> Self {
        let precision = matches as f64 / hypothesis.max(1) as f64;
        let recall = matches as f64 / reference.max(1) as f64;
        let f1 = if matches > 0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// Sums over samples.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RougeSums {
    precision: ExactSum,
    recall: ExactSum,
    f1: ExactSum,
    texts: u64,
}

impl MetricState for RougeSums {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.texts = self.texts.checked_add(other.texts).ok_or("a count is beyond 64 bits")?;
        self.precision.merge(&other.precision);
        self.recall.merge(&other.recall);
        self.f1.merge(&other.f1);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let possible = |sum: &ExactSum| (0.0..=self.texts as f64).contains(&sum.value());
        if [&self.precision, &self.recall, &self.f1].into_iter().all(possible) {
            Ok(())
        } else {
            Err("its sums are no sums of shares".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(kind: RougeKind, hypothesis: &str, references: &[&str]) -> RougeScores {
        let (rouge, mut state) = (Rouge::new(kind).unwrap(), RougeSums::default());
        rouge.update(&mut state, &TextPairs::with_references(&[hypothesis], &[references]).unwrap()).unwrap();
        rouge.report(&state).unwrap()
    }

    #[test]
    fn by_hand() {
        let found = scores(RougeKind::N(2), "a b c a b", &["A, b! a b"]);
        assert_eq!((found.precision, found.recall), (0.5, 2.0 / 3.0));
        // w1 w2 w6 w7 w8 and w1 w3 w8 w9 w5 together have w1 w2 w3 w5 of w1 w2 w3 w4 w5: Lin's own example.
        let found = scores(RougeKind::Lsum, "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", &["w1 w2 w3 w4 w5"]);
        assert_eq!((found.precision, found.recall), (0.4, 0.8));
        assert_eq!(scores(RougeKind::L, "x", &["", "y", "x y"]).recall.to_bits(), 0.5_f64.to_bits());
    }

    #[test]
    fn stems_agree_where_words_do_not() {
        let value = |rouge: Rouge| {
            let mut state = RougeSums::default();
            rouge.update(&mut state, &TextPairs::new(&["Hopping is"], &["he hops as"]).unwrap()).unwrap();
            rouge.compute(&state).value
        };
        let stemmed = Rouge::stemmed(RougeKind::N(1)).unwrap();
        assert_eq!(stemmed.name(), "rouge1-stem");
        assert!((value(stemmed).unwrap() - 0.4).abs() < 1e-15);
        assert_eq!(value(Rouge::new(RougeKind::N(1)).unwrap()), Some(0.0));
    }

    #[test]
    fn empty_texts_share_nothing() {
        for kind in [RougeKind::N(1), RougeKind::L, RougeKind::Lsum] {
            assert_eq!(scores(kind, "", &["a"]), RougeScores::default());
            assert_eq!(scores(kind, "?", &["\u{4f60}"]), RougeScores::default());
            let rouge = Rouge::new(kind).unwrap();
            assert_eq!(rouge.compute(&RougeSums::default()).get(), Err("no text"));
        }
        assert!(Rouge::new(RougeKind::N(0)).is_err());
    }
}
