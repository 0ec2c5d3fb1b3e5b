//! More weight for the larger losses: `w_i = m l_i^power / sum_j l_j^power`.

use mtl_core::{
    Error, Result,
    balance::{Balancer, BalancerPart, Evidence, Needs, Outcome},
    task::TaskSet,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HardestConfig {
    /// 0 is equal weights; >= 0, default 1.
    #[schemars(range(min = 0.0))]
    power: f64,
}

impl Default for HardestConfig {
    fn default() -> Self {
        Self { power: 1.0 }
    }
}

impl BalancerPart for HardestConfig {
    fn build(&self, _tasks: &TaskSet) -> Result<Box<dyn Balancer>> {
        if !(self.power >= 0.0 && self.power.is_finite()) {
            let (expected, found) = (">= 0".into(), self.power.to_string());
            return Err(Error::InvalidConfig { what: "hardest", field: "power", expected, found });
        }
        Ok(Box::new(Hardest { power: self.power }))
    }
}

#[derive(Debug)]
struct Hardest {
    power: f64,
}

impl Balancer for Hardest {
    fn name(&self) -> &'static str {
        "hardest"
    }

    fn needs(&self) -> Needs {
        Needs { losses: true, ..Needs::default() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let sizes: Vec<f64> =
            evidence.checked_losses(self.name())?.iter().map(|loss| loss.abs().max(1e-12).powf(self.power)).collect();
        let (sum, m) = (sizes.iter().sum::<f64>(), sizes.len() as f64);
        weights.iter_mut().zip(sizes).for_each(|(weight, size)| *weight = m * size / sum);
        Ok(Outcome::default())
    }
}
