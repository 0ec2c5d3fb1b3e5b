//! The last blocks of a stream.

use std::collections::VecDeque;

use mtl_core::Result;

use super::{damaged, refuse};
use crate::{MetricBatch, MetricReport, MetricSet};

/// Metrics over the last blocks of a stream. How many samples a block has is the caller's business.
#[derive(Debug, Clone)]
pub struct Windowed {
    empty: MetricSet,
    /// The newest last: that is the one which is filled.
    blocks: VecDeque<MetricSet>,
    window: usize,
}

impl Windowed {
    /// The metrics of a set, which has seen nothing, over the last `window` blocks, the one that is being filled included.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a window of 0.
    pub fn new(mut set: MetricSet, window: usize) -> Result<Self> {
        if window == 0 {
            return refuse("window", ">= 1 block", "0".into());
        }
        set.reset();
        Ok(Self { blocks: VecDeque::from([set.clone()]), empty: set, window })
    }

    /// Adds samples of a task to the newest block.
    ///
    /// # Errors
    /// As [`MetricSet::update_batch`].
    pub fn update_batch(&mut self, task_idx: usize, batch: &MetricBatch<'_>) -> Result<()> {
        self.blocks.back_mut().map_or(Ok(()), |block| block.update_batch(task_idx, batch))
    }

    /// Begins a new block; the oldest leaves the window.
    pub fn begin_block(&mut self) {
        let mut fresh = match self.blocks.len() >= self.window {
            true => self.blocks.pop_front().unwrap_or_else(|| self.empty.clone()),
            false => self.empty.clone(),
        };
        fresh.reset();
        self.blocks.push_back(fresh);
    }

    /// The values over the window.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] when blocks cannot be joined: their samples are of different kinds.
    pub fn compute(&self) -> Result<MetricReport> {
        let mut all = self.empty.clone();
        self.blocks.iter().try_for_each(|block| all.merge(block))?;
        Ok(all.compute())
    }

    /// What was seen, as bytes.
    ///
    /// # Errors
    /// As [`MetricSet::state`].
    pub fn state(&self) -> Result<Vec<u8>> {
        let blocks: Vec<Vec<u8>> = self.blocks.iter().map(MetricSet::state).collect::<Result<_>>()?;
        postcard::to_stdvec(&(self.window as u64, blocks)).map_err(|e| damaged(e.to_string()))
    }

    /// Replaces what was seen by saved bytes. On an error nothing has changed.
    ///
    /// # Errors
    /// [`mtl_core::Error::State`] for damaged bytes, another window, other tasks or metrics.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        let (window, states): (u64, Vec<Vec<u8>>) =
            postcard::from_bytes(bytes).map_err(|_| damaged("the bytes of a window are damaged"))?;
        if window != self.window as u64 || states.is_empty() || states.len() > self.window {
            return Err(damaged(format!("a window of {} blocks was saved as one of {window}", self.window)));
        }
        let mut blocks = VecDeque::with_capacity(states.len());
        for state in states {
            let mut block = self.empty.clone();
            block.load_state(&state)?;
            blocks.push_back(block);
        }
        self.blocks = blocks;
        Ok(())
    }
}
