//! MGDA-UB: MGDA on the gradients with respect to the shared representation.
//!
//! One backward pass per head and a single one through the trunk: as cheap as equal weights when heads are small. The
//! objective is an upper bound of MGDA's; where the trunk's Jacobian has full rank, stationary points are the same.
//!
//! ```text
//! w = argmin { w' G w : w >= 0, sum_i w_i = 1 },   G[i, j] = <dl_i / dz, dl_j / dz>
//! ```
//!
//! **Shapes**: `G: [m, m]` in representation space, `w: [m]`.
//!
//! **Reference**: Sener, Koltun, "Multi-task learning as multi-objective optimization", NeurIPS 2018,
//! <https://arxiv.org/abs/1810.04650>.
//!
//! **Differs from** LibMTL (`rep_grad`), which sums the representation gradients over the batch first; and as
//! [`Mgda`] does.

use serde::{Deserialize, Serialize};

use super::{Mgda, MgdaConfig, MgdaNormalization};
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, Space},
    error::Result,
    task::TaskSet,
};

/// Settings of [`MgdaUb`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MgdaUbConfig {
    /// `none` (default), `l2`, `loss` or `loss-l2`, as in [`MgdaConfig`].
    pub normalization: MgdaNormalization,
}

/// See the [module](self).
#[derive(Debug)]
pub struct MgdaUb(Mgda);

impl MgdaUb {
    /// Makes the method.
    ///
    /// # Errors
    /// None: every setting is valid.
    pub fn new(config: &MgdaUbConfig, tasks: &TaskSet) -> Result<Self> {
        Mgda::new(&MgdaConfig { normalization: config.normalization }, tasks).map(Self)
    }
}

impl Balancer for MgdaUb {
    fn name(&self) -> &'static str {
        "mgda-ub"
    }

    fn needs(&self) -> Needs {
        Needs { space: Space::Representation, ..self.0.needs() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        self.0.weigh(evidence, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn it_is_mgda_in_another_space() {
        let rows = [[1.0, 0.0], [0.0, 2.0]];
        assert_eq!(testing::weigh_rows("mgda-ub", &rows).unwrap(), testing::weigh_rows("mgda", &rows).unwrap());
        let method = MgdaUb::new(&MgdaUbConfig::default(), &testing::tasks(2)).unwrap();
        assert_eq!(method.needs().space, Space::Representation);
    }
}
