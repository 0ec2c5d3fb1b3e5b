//! Which distribution is said of each number of a task, before any is: known from a head's settings.

use serde::{Deserialize, Serialize};

use super::Family;
use crate::{
    answer::OrReason,
    error::{Error, Result},
};

/// How far two levels of quantiles may be apart and be the same: the rounding of `(1 - 0.9) / 2`.
const SAME_LEVEL: f64 = 1e-9;

/// What is said of each of a task's numbers in place of one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// A distribution of a family, by its parameters.
    Family {
        /// The family.
        family: Family,
        /// The levels of the quantiles that are written beside the parameters.
        levels: Vec<f64>,
    },
    /// Quantiles, which rise.
    Quantiles {
        /// Their levels; 0.5 is one of them.
        levels: Vec<f64>,
    },
}

impl Form {
    /// The levels of a setting of quantiles, checked: rising within (0, 1), and where a median is needed with 0.5.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] in the name of `what`.
    pub fn check_levels(what: &'static str, levels: &[f64], median: bool) -> Result<()> {
        let rising = levels.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = levels.iter().all(|&level| level > 0.0 && level < 1.0);
        if rising && inside && (!median || at(levels, 0.5).is_some()) {
            return Ok(());
        }
        let rule = if median { "rising within (0, 1), with 0.5, which is the answer" } else { "rising within (0, 1)" };
        Err(Error::InvalidConfig { what, field: "levels", expected: rule.into(), found: format!("{levels:?}") })
    }

    /// How many numbers say it, of one output.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Family { family, .. } => family.density().parameters().len(),
            Self::Quantiles { levels } => levels.len(),
        }
    }

    /// The levels of the quantiles that it tells or that are written.
    #[must_use]
    pub fn levels(&self) -> &[f64] {
        match self {
            Self::Family { levels, .. } | Self::Quantiles { levels } => levels,
        }
    }

    /// What it is, in words: `a gaussian distribution`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Family { family, .. } => format!("a {family} distribution"),
            Self::Quantiles { levels } => format!("quantiles {}", list(levels)),
        }
    }

    /// What the numbers of an exported tensor are, of outputs of those names.
    #[must_use]
    pub fn meaning(&self, names: &[String]) -> String {
        let numbers = match self {
            Self::Family { family, .. } => {
                let parameters: Vec<&str> = family.density().parameters().iter().map(|(name, _)| *name).collect();
                format!("{} of {}", parameters.join(", "), self.describe())
            }
            Self::Quantiles { .. } => self.describe(),
        };
        format!("{numbers}, for each of {}", names.join(", "))
    }

    /// The one number of an output that stands for all: the mean, of quantiles the median.
    #[must_use]
    pub fn point(&self, p: &[f64]) -> f64 {
        match self {
            Self::Family { family, .. } => family.density().mean(p),
            Self::Quantiles { levels } => at(levels, 0.5).and_then(|at| p.get(at).copied()).unwrap_or(f64::NAN),
        }
    }

    /// A quantile of an output.
    ///
    /// # Errors
    /// Why it does not tell that of this level.
    pub fn quantile(&self, p: &[f64], level: f64) -> OrReason<f64> {
        match self {
            Self::Family { family, .. } => Ok(match family.density().refused(p) {
                None => family.density().quantile(p, level),
                // What a network that has diverged says is written as what it is.
                Some(_) => f64::NAN,
            }),
            Self::Quantiles { levels } => at(levels, level)
                .and_then(|at| p.get(at).copied())
                .ok_or_else(|| format!("{} do not tell that of {}", self.describe(), short(level))),
        }
    }

    /// The numbers by which an output is written: parameters by name, then quantiles.
    pub(crate) fn written(&self) -> Vec<String> {
        let parameters = match self {
            Self::Family { family, .. } => family.density().parameters(),
            Self::Quantiles { .. } => &[],
        };
        let parameters = parameters.iter().map(|(name, _)| (*name).to_owned());
        parameters.chain(self.levels().iter().map(|level| format!("q{}", short(*level)))).collect()
    }

    /// The columns of a written answer of outputs of those names: what stands for all, then the numbers of
    /// the distribution.
    #[must_use]
    pub fn columns(&self, names: &[String]) -> Vec<Option<String>> {
        let written = self.written();
        let several = names.len() != 1;
        let of = |name: &String| -> Vec<Option<String>> {
            let point = std::iter::once(several.then(|| name.clone()));
            let inner = written.iter().map(|what| Some(if several { format!("{name}.{what}") } else { what.clone() }));
            point.chain(inner).collect()
        };
        names.iter().flat_map(of).collect()
    }
}

/// The position of a level.
fn at(levels: &[f64], level: f64) -> Option<usize> {
    levels.iter().position(|own| (own - level).abs() < SAME_LEVEL)
}

/// A level as it was meant: 0.05 where rounding left 0.04999999999999999.
fn short(level: f64) -> f64 {
    let rounded = (level / SAME_LEVEL).round() * SAME_LEVEL;
    format!("{rounded:.9}").parse().unwrap_or(level)
}

fn list(levels: &[f64]) -> String {
    levels.iter().map(|level| short(*level).to_string()).collect::<Vec<_>>().join(", ")
}
