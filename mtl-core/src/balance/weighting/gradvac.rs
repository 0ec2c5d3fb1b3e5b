//! GradVac: gradients are turned towards each other until their cosines reach what is usual for the pair.
//!
//! PCGrad acts only on conflicts and aims at a cosine of 0; GradVac keeps a running cosine of every pair as its aim.
//!
//! ```text
//! for every i, for every j != i in random order, with phi = cos(g_i', g_j) and the running cosine rho_ij:
//!   if phi < rho_ij:  g_i' += ‖g_i'‖ (rho sqrt(1 - phi²) - phi sqrt(1 - rho²)) / (‖g_j‖ sqrt(1 - rho²)) g_j
//!   rho_ij = (1 - beta) rho_ij + beta phi
//! d = sum_i g_i'
//! ```
//!
//! This is the whole-model form; `kind = "per-block"` around it gives the paper's per-layer form.
//!
//! **Shapes**: `G: [m, m]`, `rho: [tasks, tasks]` (state), weights `[m]`. `O(m³)`.
//!
//! **Reference**: Wang, Tsvetkov, Firat, Cao, "Gradient vaccine: investigating and improving multi-task optimization in
//! massively multilingual models", ICLR 2021, <https://arxiv.org/abs/2010.05874>.
//!
//! **Differs from** LibMTL and TorchJD: decay 0.01 as in the paper's experiments (theirs 0.5); no epsilon of 1e-8 on lengths; a pair
//! whose running cosine is 1 is left alone instead of dividing 0 by 0; the running cosines are state.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    rng::{Rng, derive},
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`GradVac`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradVacConfig {
    /// Share of the newest cosine in the running ones; in `[0, 1]`, default 0.01. With 0 it is PCGrad.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub beta: f64,
    /// Seed of the random orders; default 0.
    pub seed: u64,
}

impl Default for GradVacConfig {
    fn default() -> Self {
        Self { beta: 0.01, seed: 0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct GradVac {
    config: GradVacConfig,
    n_tasks: usize,
    rho: Vec<f64>, // [tasks, tasks]
    order: Vec<usize>,
    products: Vec<f64>,
    coefficients: Vec<f64>,
}

impl GradVac {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a `beta` outside `[0, 1]`.
    pub fn new(config: &GradVacConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("gradvac", "beta", config.beta, 0.0, 1.0)?;
        let n_tasks = tasks.len();
        let (order, products, coefficients) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { config: config.clone(), n_tasks, rho: vec![0.0; n_tasks * n_tasks], order, products, coefficients })
    }
}

impl Balancer for GradVac {
    fn name(&self) -> &'static str {
        "gradvac"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let m = gramian.m();
        let mut draw = Rng::new(derive(self.config.seed, "gradvac", evidence.step));
        weights.fill(0.0);
        for i in 0..m {
            self.products.clear();
            self.products.extend_from_slice(gramian.row(i)); // G c
            self.coefficients.clear();
            self.coefficients.resize(m, 0.0); // c
            self.coefficients[i] = 1.0;
            self.order.clear();
            self.order.extend((0..m).filter(|&j| j != i));
            draw.shuffle(&mut self.order);
            for &j in &self.order {
                let square: f64 = self.coefficients.iter().zip(&self.products).map(|(c, p)| c * p).sum();
                let (length, other) = (square.max(0.0).sqrt(), gramian.norm(j));
                if length <= 0.0 || other <= 0.0 {
                    continue;
                }
                let phi = (self.products[j] / length / other).clamp(-1.0, 1.0);
                let rho = &mut self.rho[evidence.tasks[i] * self.n_tasks + evidence.tasks[j]];
                let room = (1.0 - *rho * *rho).max(0.0).sqrt();
                if phi < *rho && room > 1e-8 {
                    let step = length * (*rho * (1.0 - phi * phi).max(0.0).sqrt() - phi * room) / (other * room);
                    self.coefficients[j] += step;
                    for (p, g) in self.products.iter_mut().zip(gramian.row(j)) {
                        *p += step * g;
                    }
                }
                *rho = (1.0 - self.config.beta) * *rho + self.config.beta * phi;
            }
            for (w, c) in weights.iter_mut().zip(&self.coefficients) {
                *w += c;
            }
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("rho", StateValue::Numbers(self.rho.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.rho = state.numbers(self.name(), "rho", self.rho.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        self.rho.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn the_first_step_is_pcgrad_for_two_tasks() {
        let rows = [[1.0, 0.0], [-2.0, 0.5]];
        let w = testing::weigh_rows("gradvac", &rows).unwrap();
        testing::assert_close(&w, &testing::weigh_rows("pcgrad", &rows).unwrap(), 1e-14);
    }

    #[test]
    fn a_pair_is_turned_to_its_running_cosine() {
        let config = GradVacConfig { beta: 1.0, seed: 0 };
        let mut method = GradVac::new(&config, &testing::tasks(2)).unwrap();
        testing::weigh(&mut method, &Gramian::of_rows(&[[1.0, 1.0], [1.0, 0.0]]), &[], 0).unwrap();
        // Running cosines are now 1/sqrt(2); orthogonal rows get there: g_1' = (1, 0) + (0, 1) and the other way round.
        let w = testing::weigh(&mut method, &Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]), &[], 1).unwrap();
        testing::assert_close(&w, &[2.0, 2.0], 1e-12);
        assert!(GradVac::new(&GradVacConfig { beta: 1.5, seed: 0 }, &testing::tasks(2)).is_err());
    }

    #[test]
    fn parallel_gradients_make_no_nan_unlike_libmtl() {
        let mut method = GradVac::new(&GradVacConfig { beta: 1.0, seed: 0 }, &testing::tasks(2)).unwrap();
        for step in 0..5 {
            let w = testing::weigh(&mut method, &Gramian::of_rows(&[[1.0, 2.0], [2.0, 4.0]]), &[], step).unwrap();
            assert_eq!(w, [1.0, 1.0]);
        }
    }
}
