//! Geometric loss strategy: the geometric mean of the losses.
//!
//! ```text
//! total = (prod_i l_i)^(1/m),   w_i = total / (m l_i)
//! ```
//!
//! Computed as `exp(mean log l)`: a product of some tens of losses would leave the range of floats.
//!
//! **Shapes**: losses, weights `[m]`.
//!
//! **Reference**: Chennupati, Sistu, Yogamani, Rawashdeh, "MultiNet++: multi-stream feature aggregation and geometric loss
//! strategy for multi-task learning", CVPR workshops 2019, <https://arxiv.org/abs/1904.08492>.
//!
//! **Differs from** LibMTL, which multiplies the losses and reports `l_i / (m prod l)` as weights: for `l = (2, 3)` it logs
//! (0.167, 0.25); the true weights are (0.612, 0.408). TorchJD's `GeometricMean` is equal.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome},
    error::Result,
    task::TaskSet,
};

/// Settings of [`Gls`]: none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GlsConfig {}

/// See the [module](self).
#[doc(alias = "geometric mean")]
#[derive(Debug)]
pub struct Gls;

impl Gls {
    /// Makes the method.
    ///
    /// # Errors
    /// None.
    pub fn new(_config: &GlsConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self)
    }
}

impl Balancer for Gls {
    fn name(&self) -> &'static str {
        "gls"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.positive_losses(self.name())?;
        let m = losses.len() as f64;
        let mean_log = losses.iter().map(|l| l.ln()).sum::<f64>() / m;
        for (w, loss) in weights.iter_mut().zip(losses) {
            *w = (mean_log - loss.ln()).exp() / m;
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn two_losses_by_hand_unlike_libmtl() {
        // LibMTL 4336804 logs (0.167, 0.25).
        let w = testing::weigh_losses(&mut Gls, &[2.0, 3.0], 0).unwrap();
        testing::assert_close(&w, &[6f64.sqrt() / 4.0, 6f64.sqrt() / 6.0], 1e-15);
    }

    #[test]
    fn many_tiny_losses_do_not_underflow() {
        let w = testing::weigh_losses(&mut Gls, &[1e-30; 40], 0).unwrap();
        testing::assert_close(&w, &[1.0 / 40.0; 40], 1e-12);
        assert!(testing::weigh_losses(&mut Gls, &[2.0, -3.0], 0).is_err());
    }
}
