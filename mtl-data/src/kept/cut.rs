//! Which samples were learned from, validated and tested on.
//!
//! The positions follow from the number of samples, the fractions and the seed, so they are not kept one by one: their
//! number and a digest show whether they are the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::content::hex;

/// The samples of all splits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// What was learned from.
    pub train: Part,
    /// What models are chosen by.
    pub validation: Part,
    /// What is reported.
    pub test: Part,
}

/// The samples of one split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// How many.
    pub samples: u64,
    /// SHA-256 of their positions in their file; `None` where the split is all of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<String>,
}

impl Part {
    /// All `samples` of a file.
    #[must_use]
    pub fn whole(samples: u64) -> Self {
        Self { samples, positions: None }
    }

    /// The samples at these positions, in this order.
    #[must_use]
    pub fn at(positions: &[u64]) -> Self {
        let mut hash = Sha256::new();
        positions.iter().for_each(|position| hash.update(position.to_le_bytes()));
        Self { samples: positions.len() as u64, positions: Some(hex(&hash.finalize())) }
    }
}

impl Cut {
    /// Splits of so many samples (train, validation, test) that are not cut from anything: generated ones, or one's own.
    #[must_use]
    pub fn whole([train, validation, test]: [u64; 3]) -> Self {
        Self { train: Part::whole(train), validation: Part::whole(validation), test: Part::whole(test) }
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.train.samples, self.validation.samples, self.test.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_their_order_count() {
        assert_eq!(Part::at(&[1, 2]), Part::at(&[1, 2]));
        assert_ne!(Part::at(&[1, 2]), Part::at(&[2, 1]));
        assert_ne!(Part::at(&[0, 1]), Part::whole(2));
        let cut = Cut { train: Part::at(&[0, 2]), validation: Part::at(&[1]), test: Part::whole(5) };
        assert_eq!(cut.to_string(), "2/1/5");
    }
}
