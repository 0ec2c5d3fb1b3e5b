//! Tag accuracy: the share of items (tokens, frames) with the right tag.
//!
//! ```text
//! accuracy = #{items with y = said} / #{items with known y}        over all sequences
//! ```
//! With weights of samples an item counts by its sample's.
//!
//! **Reference** seqeval 1.2.2 `accuracy_score`, exactly. **Differs from** nothing known. **State** two counts.

use mtl_core::{Result, metric::Direction};

use super::pairs::TagPairs;
use crate::{
    chunks::fold_chunks,
    class::accuracy::Hits,
    metric::{Metric, MetricState, refused},
    value::MetricValue,
};

const CHUNK: usize = 256;

/// Share of items with the right tag.
///
/// ```
/// use mtl_metrics::{Metric, tags::{TagAccuracy, TagPairs}};
/// let mut hits = Default::default();
/// TagAccuracy.update(&mut hits, &TagPairs::new(&[[1, 2, 3]], &[[1, 0, -100]])?)?;
/// assert_eq!(TagAccuracy.compute(&hits).value, Some(0.5));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TagAccuracy;

impl Metric for TagAccuracy {
    type Batch<'a> = TagPairs<'a>;
    type State = Hits;

    fn name(&self) -> &'static str {
        "tag-accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, pairs: &TagPairs<'_>) -> Result<()> {
        let part: Hits = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut hits = Hits::default();
            for idx in range {
                let ((said, truth), weight) = (pairs.known(idx), pairs.weight(idx));
                said.iter().zip(&truth).for_each(|(said, truth)| hits.add(said == truth, weight));
            }
            Ok(hits)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        state.value()
    }
}
