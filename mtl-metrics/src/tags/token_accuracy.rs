//! Token accuracy: the share of tokens (or frames) with the right class.
//!
//! ```text
//! accuracy = #{tokens with y = said} / #{tokens with known y}        over all sequences
//! ```
//!
//! **Reference** seqeval 1.2.2 `accuracy_score`, exactly. **Differs from** nothing known. **State** 16 bytes.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::pairs::TagPairs;
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 256;

/// Share of tokens with the right class.
///
/// ```
/// use mtl_metrics::{Metric, tags::{TagPairs, TokenAccuracy}};
/// let mut share = Default::default();
/// TokenAccuracy.update(&mut share, &TagPairs::new(&[[1, 2, 3]], &[[1, 0, -100]])?)?;
/// assert_eq!(TokenAccuracy.compute(&share).value, Some(0.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenAccuracy;

impl Metric for TokenAccuracy {
    type Batch<'a> = TagPairs<'a>;
    type State = Share;

    fn name(&self) -> &'static str {
        "token-accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Share, pairs: &TagPairs<'_>) -> Result<()> {
        let part: Share = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut share = Share::default();
            for idx in range {
                let (said, truth) = pairs.known(idx);
                said.iter().zip(&truth).for_each(|(said, truth)| share.add(said == truth));
            }
            Ok(share)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Share) -> MetricValue {
        MetricValue::ratio(state.hits as f64, state.n)
    }
}

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Share {
    hits: u64,
    n: u64,
}

impl Share {
    /// Counts one.
    pub fn add(&mut self, hit: bool) {
        self.n += 1;
        self.hits += u64::from(hit);
    }

    /// Those that hit.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// All.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }
}

impl MetricState for Share {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.n = self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?;
        self.hits += other.hits;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.hits <= self.n { Ok(()) } else { Err(format!("{} of {} hit", self.hits, self.n)) }
    }
}
