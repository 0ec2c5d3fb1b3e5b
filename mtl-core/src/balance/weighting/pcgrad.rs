//! PCGrad: before gradients are summed, each loses the part that opposes another one.
//!
//! ```text
//! g_i' = g_i;  for every j != i in random order:  if <g_i', g_j> < 0:  g_i' -= (<g_i', g_j> / ‖g_j‖²) g_j
//! d = sum_i g_i'
//! ```
//!
//! Done in Gramian coordinates: `g_i' = sum_j c_j g_j`, so `<g_i', g_j> = (G c)_j`. With more than two tasks the result
//! depends on the order and may still conflict.
//!
//! **Shapes**: `G: [m, m]`, weights `[m]`. `O(m³)` at worst.
//!
//! **Reference**: Yu, Kumar, Gupta, Levine, Hausman, Finn, "Gradient surgery for multi-task learning", NeurIPS 2020,
//! <https://arxiv.org/abs/2001.06782>.
//!
//! **Differs from** LibMTL (works on the full vectors, adds 1e-8 to `‖g_j‖²`, so that tiny gradients are not projected)
//! and TorchJD (equal up to the random order). Orders come from `(seed, step)`: a resumed run draws the same ones.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, scalarizer::Reduction},
    error::Result,
    rng::{Rng, derive},
    task::TaskSet,
};

/// Settings of [`PcGrad`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PcGradConfig {
    /// How the projected gradients are put together: `sum` (default, as in the paper) or `mean`.
    pub reduction: Reduction,
    /// Seed of the random orders; default 0.
    pub seed: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct PcGrad {
    config: PcGradConfig,
    order: Vec<usize>,
    products: Vec<f64>,
}

impl PcGrad {
    /// Makes the method.
    ///
    /// # Errors
    /// None: every setting is valid.
    pub fn new(config: &PcGradConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self { config: config.clone(), order: Vec::new(), products: Vec::new() })
    }
}

impl Balancer for PcGrad {
    fn name(&self) -> &'static str {
        "pcgrad"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let m = gramian.m();
        let mut draw = Rng::new(derive(self.config.seed, "pcgrad", evidence.step));
        let share = self.config.reduction.share(m);
        weights.fill(share);
        for i in 0..m {
            self.products.clear();
            self.products.extend_from_slice(gramian.row(i)); // G c for c = e_i
            self.order.clear();
            self.order.extend((0..m).filter(|&j| j != i));
            draw.shuffle(&mut self.order);
            for &j in &self.order {
                let (product, squared) = (self.products[j], gramian.diag(j));
                if product < 0.0 && squared > 0.0 {
                    let factor = product / squared;
                    weights[j] -= share * factor;
                    for (p, g) in self.products.iter_mut().zip(gramian.row(j)) {
                        *p -= factor * g;
                    }
                }
            }
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn two_conflicting_tasks_by_hand_and_twice_upgrad() {
        let rows = [[1.0, 0.0], [-2.0, 0.5]];
        let w = testing::weigh_rows("pcgrad", &rows).unwrap();
        testing::assert_close(&w, &[3.0, 1.0 + 8.0 / 17.0], 1e-14);
        let half = testing::weigh_rows("upgrad", &rows).unwrap();
        testing::assert_close(&w, &[2.0 * half[0], 2.0 * half[1]], 1e-12);
    }

    #[test]
    fn agreeing_tasks_are_summed_or_averaged() {
        let g = Gramian::of_rows(&[[1.0, 0.0], [1.0, 1.0]]);
        let weigh = |reduction| {
            let config = PcGradConfig { reduction, seed: 0 };
            testing::weigh(&mut PcGrad::new(&config, &testing::tasks(2)).unwrap(), &g, &[], 0).unwrap()
        };
        assert_eq!(weigh(Reduction::Sum), [1.0, 1.0]);
        assert_eq!(weigh(Reduction::Mean), [0.5, 0.5]);
    }

    #[test]
    fn the_order_follows_from_seed_and_step() {
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.2], [-0.7, 0.8, 0.0], [-0.6, -0.9, 0.3], [0.1, 0.4, -1.0]]);
        let weigh = |step| {
            let mut method = PcGrad::new(&PcGradConfig::default(), &testing::tasks(4)).unwrap();
            testing::weigh(&mut method, &g, &[], step).unwrap()
        };
        assert_eq!(weigh(5), weigh(5));
        assert!((1..20).any(|step| weigh(step) != weigh(0)));
    }
}
