//! Aligned-MTL: the nearest set of gradients that are orthogonal and equally long.
//!
//! ```text
//! G = V diag(lambda) V',   B = sqrt(s) V diag(lambda^-1/2) V',   w = B p
//! ```
//!
//! over the eigenvalues above `rank_tolerance` times the largest; `s` is their minimum, median or mean, `p` the preference
//! (default `1/m` each).
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`. `O(m³)`.
//!
//! **Reference**: Senushkin, Patakin, Kuznetsov, Konushin, "Independent component alignment for multi-task learning",
//! CVPR 2023, <https://arxiv.org/abs/2305.19000>.
//!
//! **Differs from** LibMTL, which calls a function that torch 2 no longer has and always raises; and from the authors and
//! TorchJD in the rank tolerance: theirs is the rounding error of the element kind, at which an eigenvalue made of noise
//! flips in and out and, as the minimum, sets the scale of everything. It can conflict.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, preference::Preference, solver::SymmetricEigen},
    error::Result,
    task::TaskSet,
};

/// Which eigenvalue sets the common length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlignedScale {
    /// The smallest.
    #[default]
    Min,
    /// The median, the lower one of an even number.
    Median,
    /// The mean: the root mean square of the singular values.
    Rmse,
}

/// Settings of [`AlignedMtl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlignedMtlConfig {
    /// `min` (default), `median` or `rmse`.
    pub scale: AlignedScale,
    /// Eigenvalues below this share of the largest count as zero; in `[0, 1)`, default 1e-10.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub rank_tolerance: f64,
    /// One number >= 0 per task, not all 0; empty (default): `1/m` each.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

impl Default for AlignedMtlConfig {
    fn default() -> Self {
        Self { scale: AlignedScale::Min, rank_tolerance: 1e-10, preference: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct AlignedMtl {
    scale: AlignedScale,
    rank_tolerance: f64,
    preference: Preference,
    shares: Vec<f64>,
    eigen: SymmetricEigen,
}

impl AlignedMtl {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a tolerance outside `[0, 1)` or a preference that does
    /// not fit.
    pub fn new(config: &AlignedMtlConfig, tasks: &TaskSet) -> Result<Self> {
        check::half_open("aligned-mtl", "rank_tolerance", config.rank_tolerance, 0.0, 1.0)?;
        Ok(Self {
            scale: config.scale,
            rank_tolerance: config.rank_tolerance,
            preference: Preference::new("aligned-mtl", &config.preference, tasks.len())?,
            shares: Vec::new(),
            eigen: SymmetricEigen::new(),
        })
    }
}

impl Balancer for AlignedMtl {
    fn name(&self) -> &'static str {
        "aligned-mtl"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        self.preference.fill(evidence.tasks, &mut self.shares);
        let outcome = self.eigen.decompose(gramian.m(), gramian.values());
        let rank = self.eigen.rank(self.rank_tolerance);
        if rank == 0 {
            weights.copy_from_slice(&self.shares);
            return Ok(outcome);
        }
        let scale = match self.scale {
            AlignedScale::Min => self.eigen.value(rank - 1),
            AlignedScale::Median => self.eigen.value(rank / 2),
            AlignedScale::Rmse => (0..rank).map(|k| self.eigen.value(k) / rank as f64).sum(),
        };
        self.eigen.apply(rank, |l| (scale / l).sqrt(), &self.shares, weights);
        outcome.accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn orthogonal_gradients_are_made_equally_long() {
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 4.0]]);
        for (scale, length) in
            [(AlignedScale::Min, 1.0), (AlignedScale::Median, 2.0), (AlignedScale::Rmse, 7f64.sqrt())]
        {
            let config = AlignedMtlConfig { scale, ..AlignedMtlConfig::default() };
            let mut method = AlignedMtl::new(&config, &testing::tasks(3)).unwrap();
            let w = testing::weigh(&mut method, &g, &[], 0).unwrap();
            testing::assert_close(&w, &[length / 3.0, length / 6.0, length / 12.0], 1e-14);
        }
    }

    #[test]
    fn a_dependent_gradient_does_not_set_the_scale() {
        let w = testing::weigh_rows("aligned-mtl", &[[1.0, 2.0], [1.0, 2.0]]).unwrap();
        // One eigenvalue is left: B is the projection on (1, 1) / sqrt(2).
        testing::assert_close(&w, &[0.5, 0.5], 1e-13);
        let config = AlignedMtlConfig { rank_tolerance: 1.0, ..AlignedMtlConfig::default() };
        assert!(AlignedMtl::new(&config, &testing::tasks(2)).is_err());
    }
}
