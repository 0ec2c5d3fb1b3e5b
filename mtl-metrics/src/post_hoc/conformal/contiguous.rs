//! Sets of grades without a gap: from the most probable grade outwards, the more probable neighbor first.
//!
//! ```text
//! I_1 = {top},  I_{j+1} = I_j and the more probable of its two neighbors (of equal ones the lower)
//! s(x, k) = sum of p over the first I_j that holds k
//! ```
//!
//! **Reference** C. Lu, A. N. Angelopoulos, S. Pomerantz, *Improving Trustworthiness of AI Disease Severity Rating in Medical Imaging with Ordinal
//! Conformal Prediction Sets*, MICCAI 2022, algorithm 1 (Ordinal APS).
//! **Differs from** nothing known.

use serde::{Deserialize, Serialize};

use super::{ClassScore, ScorePart, Scoring};

/// Settings of sets of grades: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContiguousConfig {}

impl ScorePart for ContiguousConfig {
    fn scoring(&self) -> Scoring<'_> {
        Scoring::Grades(self)
    }
}

impl ClassScore for ContiguousConfig {
    fn scores(&self, probs: &[f64], order: &[usize], scores: &mut [f64]) {
        let Some(&top) = order.first() else { return };
        let (mut low, mut high, mut up_to) = (top, top, probs[top]);
        scores[top] = up_to;
        while high - low + 1 < probs.len() {
            let below = low.checked_sub(1).map(|at| (at, probs[at]));
            let above = probs.get(high + 1).map(|p| (high + 1, *p));
            let next = match (below, above) {
                (Some(below), Some(above)) => {
                    if above.1 > below.1 {
                        above
                    } else {
                        below
                    }
                }
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => return,
            };
            (low, high) = (low.min(next.0), high.max(next.0));
            up_to += next.1;
            scores[next.0] = up_to;
        }
    }
}
