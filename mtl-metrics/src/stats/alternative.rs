//! Which outcomes count as extreme, and how a p-value was found.

use serde::{Deserialize, Serialize};

use super::normal;

/// What a test asks of a difference `ours - theirs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alternative {
    /// Is there a difference, either way?
    #[default]
    TwoSided,
    /// Is ours larger?
    Greater,
    /// Is ours smaller?
    Less,
}

impl Alternative {
    /// The same question after both systems have changed places.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::TwoSided => Self::TwoSided,
            Self::Greater => Self::Less,
            Self::Less => Self::Greater,
        }
    }

    /// Whether a difference found under chance is at least as extreme as the real one, give or take `tolerance`.
    pub(super) fn is_hit(self, chance: f64, real: f64, tolerance: f64) -> bool {
        match self {
            Self::TwoSided => chance.abs() >= real.abs() - tolerance,
            Self::Greater => chance >= real - tolerance,
            Self::Less => chance <= real + tolerance,
        }
    }

    /// The p-value when a statistic is at most, and at least, what was found with these probabilities.
    pub(super) fn of_tails(self, at_most: f64, at_least: f64) -> f64 {
        positive(match self {
            Self::TwoSided => 2.0 * at_most.min(at_least),
            Self::Greater => at_least,
            Self::Less => at_most,
        })
    }

    /// The p-value of a standard normal statistic.
    pub(super) fn of_z(self, z: f64) -> f64 {
        self.of_tails(normal::cdf(z), normal::cdf(-z))
    }
}

/// What a p-value rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// All outcomes that chance allows, counted.
    Exact,
    /// Random ones among them.
    MonteCarlo,
    /// The normal approximation.
    Normal,
    /// The chi square approximation.
    ChiSquare,
}

/// A probability in (0, 1]: what is too small for the type is its smallest number, since no data prove the impossible.
pub(super) fn positive(p: f64) -> f64 {
    p.clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides() {
        let p = |alternative: Alternative| alternative.of_z(1.959_963_984_540_054);
        assert!((p(Alternative::TwoSided) - 0.05).abs() < 1e-15);
        assert!((p(Alternative::Greater) - 0.025).abs() < 1e-15 && (p(Alternative::Less) - 0.975).abs() < 1e-15);
        assert!(Alternative::TwoSided.of_z(-60.0) > 0.0, "too small for the type, not impossible");
        assert_eq!(Alternative::TwoSided.of_tails(0.5, 1.0).to_bits(), 1f64.to_bits());
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            assert_eq!(alternative.is_hit(-2.0, -1.0, 0.0), alternative.reversed().is_hit(2.0, 1.0, 0.0));
            assert!(alternative.is_hit(1.0, 1.0, 0.0), "the real one is as extreme as itself");
        }
    }
}
