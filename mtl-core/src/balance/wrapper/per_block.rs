//! One copy of a method per parameter block: each layer, or group of layers, settles its own conflicts.
//!
//! ```text
//! for every block b:  w_b = weights of copy b for the Gramian of block b;   d_b = sum_i w_b[i] g_i restricted to b
//! ```
//!
//! The engine defines the blocks (parameters, stages or groups) and keeps their order.
//!
//! **Shapes**: one `G: [m, m]` per block, weights `[blocks, m]`; state: that of every copy.
//!
//! **Reference**: the per-layer forms of GradVac (Wang et al., ICLR 2021) and MetaBalance (He et al., WWW 2022).
//!
//! **Differs from** LibMTL (GradVac only, on slices of one long vector).

use serde::{Deserialize, Serialize};

use super::nested::nested;
use crate::{
    balance::{Balancer, BalancerConfig, Epoch, Evidence, Needs, Outcome, check, weighting::GradVacConfig},
    error::{Error, Result},
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`PerBlock`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerBlockConfig {
    /// The method to copy: one that looks at the Gramian; default `gradvac`.
    pub weigh: Box<BalancerConfig>,
}

impl Default for PerBlockConfig {
    fn default() -> Self {
        Self { weigh: Box::new(BalancerConfig::GradVac(GradVacConfig::default())) }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct PerBlock {
    config: BalancerConfig,
    tasks: TaskSet,
    whole: Box<dyn Balancer>,
    copies: Vec<Box<dyn Balancer>>,
}

impl PerBlock {
    /// Builds the inner method once, to check it.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an inner method that does not look at the Gramian, or whose settings are wrong.
    pub fn new(config: &PerBlockConfig, tasks: &TaskSet) -> Result<Self> {
        let whole = config.weigh.build(tasks).map_err(|e| e.inside("weigh"))?;
        if !whole.needs().gramian || whole.needs().blocks || !whole.needs().looks.is_empty() {
            return check::refuse("per-block", "weigh", "a method that looks at the Gramian", whole.name());
        }
        Ok(Self { config: (*config.weigh).clone(), tasks: tasks.clone(), whole, copies: Vec::new() })
    }

    fn grow(&mut self, blocks: usize) -> Result<()> {
        while self.copies.len() < blocks {
            self.copies.push(self.config.build(&self.tasks)?);
        }
        Ok(())
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Box<dyn Balancer>> {
        std::iter::once(&mut self.whole).chain(&mut self.copies)
    }
}

impl Balancer for PerBlock {
    fn name(&self) -> &'static str {
        "per-block"
    }

    fn needs(&self) -> Needs {
        Needs { blocks: true, ..self.whole.needs() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        self.whole.weigh(evidence, weights)
    }

    fn weigh_blocks(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let blocks = evidence.checked_blocks(self.name())?;
        let m = evidence.tasks.len();
        if weights.len() != blocks.len() * m {
            return check::refuse("per-block", "weights", format!("[{}, {m}]", blocks.len()), weights.len());
        }
        self.grow(blocks.len())?;
        let mut outcome = Outcome::default();
        for ((copy, block), w) in self.copies.iter_mut().zip(blocks).zip(weights.chunks_exact_mut(m.max(1))) {
            let evidence = Evidence { gramian: Some(block), blocks: &[], ..*evidence };
            outcome = outcome.and(copy.weigh(&evidence, w)?);
        }
        Ok(outcome)
    }

    fn after_step(&mut self, losses: &[f64], tasks: &[usize]) -> Result<()> {
        self.all().try_for_each(|copy| copy.after_step(losses, tasks))
    }

    fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        self.all().try_for_each(|copy| copy.epoch_end(epoch))
    }

    fn state(&self) -> StateDict {
        if self.whole.state().is_empty() {
            return StateDict::new(); // a method without state has none per block either
        }
        let count = self.copies.len();
        let mut state = StateDict::new().with("blocks", StateValue::Count(count as u64));
        state.nest("whole", self.whole.state());
        for (k, copy) in self.copies.iter().enumerate() {
            state.nest(&format!("block{k}"), copy.state());
        }
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        if self.whole.state().is_empty() {
            return Ok(());
        }
        let count = state.count("per-block", "blocks")?;
        let Some(count) = usize::try_from(count).ok().filter(|c| *c < 1 << 20) else {
            return Err(Error::State { what: "per-block".into(), reason: format!("{count} blocks") });
        };
        let mut fresh = Self::new(&PerBlockConfig { weigh: Box::new(self.config.clone()) }, &self.tasks)?;
        fresh.grow(count)?;
        fresh.whole.load_state(&nested(state, "whole"))?;
        for (k, copy) in fresh.copies.iter_mut().enumerate() {
            copy.load_state(&nested(state, &format!("block{k}")))?;
        }
        *self = fresh;
        Ok(())
    }

    fn reset(&mut self) {
        self.copies.clear();
        self.whole.reset();
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing, weighting::UpGradConfig};

    #[test]
    fn every_block_gets_its_own_weights_and_memory() {
        let tasks = testing::tasks(2);
        let weigh = Box::new(BalancerConfig::UpGrad(UpGradConfig::default()));
        let mut method = PerBlock::new(&PerBlockConfig { weigh }, &tasks).unwrap();
        let blocks = [Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]), Gramian::of_rows(&[[1.0, 0.0], [-2.0, 0.5]])];
        let mut w = [0.0; 4];
        let evidence = Evidence { tasks: &[0, 1], blocks: &blocks, ..Evidence::default() };
        method.weigh_blocks(&evidence, &mut w).unwrap();
        testing::assert_close(&w, &[0.5, 0.5, 1.5, 0.5 * (1.0 + 8.0 / 17.0)], 1e-13);
        assert!(method.weigh_blocks(&evidence, &mut [0.0; 3]).is_err());
        let scalarizer = Box::new(BalancerConfig::by_name("dwa").unwrap());
        assert!(PerBlock::new(&PerBlockConfig { weigh: scalarizer }, &tasks).is_err());
    }

    #[test]
    fn the_memory_of_every_copy_is_saved() {
        let tasks = testing::tasks(2);
        let mut method = PerBlock::new(&PerBlockConfig::default(), &tasks).unwrap();
        let blocks = [Gramian::of_rows(&[[1.0, 0.5], [0.4, 1.0]]), Gramian::of_rows(&[[1.0, 0.0], [-2.0, 0.5]])];
        let weigh = |method: &mut PerBlock, step| {
            let mut w = [0.0; 4];
            let evidence = Evidence { tasks: &[0, 1], blocks: &blocks, step, ..Evidence::default() };
            method.weigh_blocks(&evidence, &mut w).unwrap();
            w
        };
        weigh(&mut method, 0);
        let mut other = PerBlock::new(&PerBlockConfig::default(), &tasks).unwrap();
        other.load_state(&method.state()).unwrap();
        assert_eq!(weigh(&mut other, 1), weigh(&mut method, 1));
    }
}
