//! Distinct-n: how much a generator repeats itself.
//!
//! ```text
//! distinct-n = #{different n-grams of all texts} / #{n-grams of all texts}
//! ```
//!
//! **Reference** J. Li et al., *A diversity-promoting objective function for neural conversation models*, NAACL 2016,
//! <https://arxiv.org/abs/1510.03055>.
//! **Differs from** nothing known. **State** 16 bytes per different n-gram (the head of its SHA-256): sets of n-grams merge,
//! numbers of them do not.

use std::collections::BTreeSet;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    pairs::texts,
    tokenize::{Buffers, Tokenizer},
};
use crate::{
    chunks::fold_chunks,
    input::MetricBatch,
    judged::{FromJudged, Shelf},
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 256;

/// Share of n-grams that are new, above 0 up to 1. A batch is a list of texts.
///
/// ```
/// use mtl_metrics::{Metric, text::{DistinctN, Tokenizer}};
/// let distinct = DistinctN::new(2, Tokenizer::None)?;
/// let mut grams = Default::default();
/// distinct.update(&mut grams, &vec!["i do not know", "i do not care"])?;
/// assert_eq!(distinct.compute(&grams).value, Some(4.0 / 6.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DistinctN {
    n: usize,
    tokenizer: Tokenizer,
    name: String,
}

impl DistinctN {
    /// Distinct-n over the tokens of a tokenizer.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for n outside 1 to 16.
    pub fn new(n: usize, tokenizer: Tokenizer) -> Result<Self> {
        if !(1..=16).contains(&n) {
            let expected = "1 to 16".into();
            return Err(Error::InvalidConfig { what: "distinct", field: "n", expected, found: n.to_string() });
        }
        let name = match tokenizer {
            Tokenizer::None => format!("distinct-{n}"),
            other => format!("distinct-{n}-{}", other.name()),
        };
        Ok(Self { n, tokenizer, name })
    }
}

impl Metric for DistinctN {
    type Batch<'a> = Vec<&'a str>;
    type State = NgramSet;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut NgramSet, texts: &Vec<&str>) -> Result<()> {
        let part: NgramSet = fold_chunks(texts.len(), CHUNK, |range| {
            let (mut set, mut buffers) = (NgramSet::default(), Buffers::default());
            for text in texts.get(range).unwrap_or_default() {
                let mut tokens: Vec<Vec<u8>> = Vec::new();
                self.tokenizer.for_each_token(text, &mut buffers, |token| tokens.push(token.to_vec()));
                for gram in tokens.windows(self.n) {
                    set.grams.insert(digest(gram));
                    set.total += 1;
                }
            }
            Ok(set)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &NgramSet) -> MetricValue {
        if state.total == 0 {
            return MetricValue::undefined(format!("no text of {} words", self.n), 0);
        }
        MetricValue::ratio(state.grams.len() as f64, state.total)
    }
}

/// Words are kept apart by a byte that no UTF-8 text has.
fn digest(gram: &[Vec<u8>]) -> u128 {
    let mut hasher = Sha256::new();
    for word in gram {
        hasher.update(word);
        hasher.update([0xff]);
    }
    hasher.finalize().iter().take(16).fold(0, |head, &byte| head << 8 | u128::from(byte))
}

/// The different n-grams seen, by digest, and how many there were in all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NgramSet {
    grams: BTreeSet<u128>,
    total: u64,
}

impl MetricState for NgramSet {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.total = self.total.checked_add(other.total).ok_or("a count is beyond 64 bits")?;
        self.grams.extend(&other.grams);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let fits = self.grams.len() as u64 <= self.total && (self.grams.is_empty() == (self.total == 0));
        if fits { Ok(()) } else { Err(format!("{} different n-grams of {}", self.grams.len(), self.total)) }
    }
}

/// What was predicted for samples that are labeled, as texts.
impl<'a> FromJudged<'a> for Vec<&'a str> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (said, _) = texts(judged, metric, shelf)?;
        Ok(said.iter().map(String::as_str).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_run_together() {
        let distinct = DistinctN::new(2, Tokenizer::None).unwrap();
        let mut set = NgramSet::default();
        distinct.update(&mut set, &vec!["ab c", "a bc", "ab c", "x", ""]).unwrap();
        assert_eq!(distinct.compute(&set).value, Some(2.0 / 3.0));
        assert_eq!(distinct.compute(&NgramSet::default()).get(), Err("no text of 2 words"));
        assert!(DistinctN::new(0, Tokenizer::None).is_err());
        assert_eq!(DistinctN::new(1, Tokenizer::Char).unwrap().name(), "distinct-1-char");
    }
}
