//! The section `[compare]`.

use serde::{Deserialize, Serialize};

use super::{ByKind, Seeds};
use crate::{
    error::Result,
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
};

/// What varies in a comparison: every sharing with every balancer, and methods that are spelled out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompareConfig {
    /// Sharing architectures, by name or as tables; none means the run's own.
    pub sharing: Vec<ByKind<Architecture>>,
    /// Balancers, by name or as tables; none means the run's own.
    pub balancer: Vec<ByKind<MethodConfig>>,
    /// Further methods, as `[[compare.method]]`; without lists above, they are the whole comparison.
    pub method: Vec<MethodEntry>,
    /// Seeds per method: how many, counted from the run's own, or a list; at least one, default 3.
    pub seeds: Seeds,
    /// Whether every task is also trained alone, with the same seeds; default true.
    pub baselines: bool,
    /// Level of the intervals, in (0, 1); default 0.95.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub level: f64,
    /// Error rate of the test of ranks, in (0, 1); default 0.05.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub alpha: f64,
}

/// A method that differs from the run in more than one place, or deserves a name of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodEntry {
    /// Its name in tables.
    pub name: String,
    /// Its encoder; default the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<ByKind<AnyEncoder>>,
    /// What its tasks share; default as in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<ByKind<Architecture>>,
    /// How its tasks are balanced; default as in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<ByKind<MethodConfig>>,
}

impl Default for CompareConfig {
    fn default() -> Self {
        Self {
            sharing: Vec::new(),
            balancer: Vec::new(),
            method: Vec::new(),
            seeds: Seeds::Count(3),
            baselines: true,
            level: 0.95,
            alpha: 0.05,
        }
    }
}

impl CompareConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let check = |field, valid: bool, expected: &str, found: String| match valid {
            true => Ok(()),
            false => Err(mtl_core::Error::InvalidConfig { what: "compare", field, expected: expected.into(), found }),
        };
        let seeds = self.seeds.from(0);
        let repeated = seeds.iter().enumerate().find(|(at, seed)| seeds[..*at].contains(seed));
        check("seeds", !seeds.is_empty(), "at least one", "none".into())?;
        check("seeds", repeated.is_none(), "different", format!("{} twice", repeated.map_or(0, |(_, s)| *s)))?;
        check("level", self.level > 0.0 && self.level < 1.0, "in (0, 1)", self.level.to_string())?;
        Ok(check("alpha", self.alpha > 0.0 && self.alpha < 1.0, "in (0, 1)", self.alpha.to_string())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused() {
        let refused = |config: CompareConfig| config.validate().unwrap_err().to_string();
        let default = CompareConfig::default;
        assert!(default().validate().is_ok());
        let e = refused(CompareConfig { seeds: Seeds::List(vec![1, 2, 1]), ..default() });
        assert_eq!(e, "compare: seeds must be different, found 1 twice");
        assert!(refused(CompareConfig { seeds: Seeds::Count(0), ..default() }).contains("at least one"));
        assert!(refused(CompareConfig { level: 1.0, ..default() }).contains("level must be in (0, 1)"));
        assert!(refused(CompareConfig { alpha: f64::NAN, ..default() }).contains("alpha"));
    }
}
