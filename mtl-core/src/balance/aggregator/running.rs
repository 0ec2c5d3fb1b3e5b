//! Running gradients: one copy of the Jacobian that decays.
//!
//! Costs as much memory as the Jacobian itself, in `f32`; it belongs to the checkpoint.

use crate::{
    error::{Error, Result},
    state::{StateDict, StateValue},
};

/// One decaying gradient per task of the set and block.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    n_tasks: usize,
    blocks: Vec<Vec<f32>>, // [tasks, block size]
}

impl Running {
    pub(super) fn new(n_tasks: usize) -> Self {
        Self { n_tasks, blocks: Vec::new() }
    }

    /// The running gradient of a task in a block, zeros at first.
    pub(super) fn row(&mut self, method: &'static str, block: usize, task: usize, len: usize) -> Result<&mut [f32]> {
        while self.blocks.len() <= block {
            self.blocks.push(Vec::new());
        }
        let all = &mut self.blocks[block];
        if all.is_empty() {
            all.resize(self.n_tasks * len, 0.0);
        }
        if all.len() != self.n_tasks * len {
            return Err(Error::State {
                what: method.into(),
                reason: format!("block {block} has {len} columns, {} in earlier steps", all.len() / self.n_tasks),
            });
        }
        Ok(&mut all[task * len..(task + 1) * len])
    }

    /// The running gradient of a task in a block that [`Running::row`] has made.
    pub(super) fn get(&self, block: usize, task: usize) -> &[f32] {
        let all = &self.blocks[block];
        let len = all.len() / self.n_tasks.max(1);
        &all[task * len..(task + 1) * len]
    }

    pub(super) fn save(&self, state: &mut StateDict) {
        state.insert("blocks", StateValue::Count(self.blocks.len() as u64));
        for (k, block) in self.blocks.iter().enumerate() {
            let numbers = block.iter().map(|x| f64::from(*x)).collect();
            state.insert(&format!("block{k}"), StateValue::Numbers(numbers));
        }
    }

    pub(super) fn loaded(&self, method: &str, state: &StateDict) -> Result<Self> {
        let mut fresh = Self::new(self.n_tasks);
        for k in 0..state.count(method, "blocks")? {
            let name = format!("block{k}");
            let numbers = state.iter().find_map(|(found, value)| match value {
                StateValue::Numbers(v) if found == name && v.len() % self.n_tasks.max(1) == 0 => Some(v),
                _ => None,
            });
            let Some(numbers) = numbers else {
                let reason = format!("{name} must be numbers for {} tasks", self.n_tasks);
                return Err(Error::State { what: method.into(), reason });
            };
            #[expect(clippy::cast_possible_truncation, reason = "they were f32 when saved")]
            fresh.blocks.push(numbers.iter().map(|x| *x as f32).collect());
        }
        Ok(fresh)
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }
}
