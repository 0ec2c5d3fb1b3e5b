//! Least ambiguous sets: every choice that is probable enough, whatever the others are.
//!
//! ```text
//! s(x, k) = 1 - p_k(x)
//! ```
//! The smallest sets in the mean of all with that coverage, where probabilities are right; hard samples may be covered less than easy ones.
//!
//! **Reference** M. Sadinle, J. Lei, L. Wasserman, *Least Ambiguous Set-Valued Classifiers With Bounded Error Levels*, JASA 114, 2019.
//! **Differs from** it in that the most probable choice is always in the set.

use serde::{Deserialize, Serialize};

use super::{ClassScore, ScorePart, Scoring};

/// Settings of least ambiguous sets: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LacConfig {}

impl ScorePart for LacConfig {
    fn scoring(&self) -> Scoring<'_> {
        Scoring::Classes(self)
    }
}

impl ClassScore for LacConfig {
    fn scores(&self, probs: &[f64], _order: &[usize], scores: &mut [f64]) {
        scores.iter_mut().zip(probs).for_each(|(score, p)| *score = 1.0 - p);
    }
}
