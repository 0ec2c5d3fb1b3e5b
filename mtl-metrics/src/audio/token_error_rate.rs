//! Token error rate: how many tokens of sequences are wrong, whatever the tokens are called.
//!
//! ```text
//! TER = (S + D + I) / (H + S + D)        hits, substitutions, deletions, insertions of a shortest alignment, over the corpus
//! ```
//! It is the word error rate where every token is one word. May exceed 1.
//!
//! **Reference** [`ErrorRate`](super::ErrorRate). **Differs from** it in nothing but what is aligned: tokens by index, so that blanks
//! in names do not count. Samples that are not labeled are left out. **State** 32 bytes.

use mtl_core::{Result, metric::Direction};

use super::{
    edits::Aligner,
    error_rate::{EditCounts, ErrorRate, Rate, Unit},
};
use crate::{
    chunks::fold_chunks,
    input::MetricBatch,
    metric::{Metric, MetricState, refused},
    text::words::WordIds,
    value::MetricValue,
};

const CHUNK: usize = 128;

/// Errors per true token, at least 0.
///
/// ```
/// use mtl_core::{answer::Labels, prediction::{Prediction, Reference}};
/// use mtl_metrics::{Metric, MetricBatch, audio::TokenErrorRate};
/// let said = Prediction::Sequence { tokens: Labels::lists(&[vec![5, 7], vec![1]]) };
/// let truth = Reference::Sequence(Labels::lists(&[vec![5, 6, 7], vec![1]]));
/// let mut counts = Default::default();
/// TokenErrorRate.update(&mut counts, &MetricBatch::new(&said, &truth))?;
/// assert_eq!(TokenErrorRate.compute(&counts).value, Some(0.25));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenErrorRate;

impl Metric for TokenErrorRate {
    type Batch<'a> = MetricBatch<'a>;
    type State = EditCounts;

    fn name(&self) -> &'static str {
        "token-error-rate"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut EditCounts, batch: &MetricBatch<'_>) -> Result<()> {
        let pairs = batch.sequences(self.name())?;
        let part: EditCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let (mut counts, mut ids, mut aligner) = (EditCounts::default(), WordIds::default(), Aligner::default());
            for pair in &pairs[range] {
                ids.clear();
                let mut tokens =
                    |tokens: &[i64]| -> Vec<u32> { tokens.iter().map(|token| ids.id(&token.to_le_bytes())).collect() };
                let (truth, said) = (tokens(pair.truth), tokens(pair.said));
                aligner.align(&truth, &said, ids.len(), &mut |edit| counts.add(edit));
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &EditCounts) -> MetricValue {
        match state.reference_len() {
            0 => MetricValue::undefined("no token in any reference", 0),
            _ => ErrorRate::new(Rate::Error, Unit::Words).compute(state),
        }
    }
}
