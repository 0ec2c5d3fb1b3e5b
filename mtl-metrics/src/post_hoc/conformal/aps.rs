//! Adaptive sets: the most probable choices, until they hold enough probability together.
//!
//! ```text
//! s(x, k) = sum of p_j(x) over the choices that are at least as probable as k        (k's own counts, of equal ones the first comes first)
//! ```
//! Hard samples get larger sets than easy ones, which LAC does not promise.
//!
//! **Reference** Y. Romano, M. Sesia, E. J. Candès, *Classification with Valid and Adaptive Coverage*, NeurIPS 2020, equations 5 to 9.
//! **Differs from** it in not drawing a random number for each sample (`u = 1`): the same row always has the same set, sets are never
//! empty, and somewhat larger.

use serde::{Deserialize, Serialize};

use super::{ClassScore, ScorePart, Scoring};

/// Settings of adaptive sets: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApsConfig {}

impl ScorePart for ApsConfig {
    fn scoring(&self) -> Scoring<'_> {
        Scoring::Classes(self)
    }
}

impl ClassScore for ApsConfig {
    fn scores(&self, probs: &[f64], order: &[usize], scores: &mut [f64]) {
        let mut up_to = 0.0;
        for &choice in order {
            up_to += probs[choice];
            scores[choice] = up_to;
        }
    }
}
