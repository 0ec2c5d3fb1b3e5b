//! A trainer's way through batches: those of an epoch, and those that only the balancer sees. On several ranks it is the way through this
//! rank's part of each.
//!
//! A step with two fresh looks uses three batches of the epoch, and is made only if there are three; one that looks at held-out data takes
//! the next held-out batch, chosen by the step's number alone, so that a resumed run sees the same ones. Both walks stay open from step to
//! step: to open one costs an order of all samples.

use std::collections::VecDeque;

use mtl_data::{Batches, LoaderPosition, Part, PartIter, Shard};
use tch::Device;

use crate::error::{Error, Result};

/// The rest of an epoch.
pub(super) struct Walk<'a> {
    parts: PartIter<'a>,
    /// Taken before they were asked for, to see whether they are there.
    ahead: VecDeque<Part>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(train: &'a dyn Batches, position: LoaderPosition, shard: Shard) -> Result<Self> {
        Ok(Self { parts: train.parts_from(position, shard)?, ahead: VecDeque::new() })
    }

    /// Whether `n` batches are left. For more than none that means to wait for them, so a stream is asked only where it has to be.
    pub(super) fn has(&mut self, n: usize) -> mtl_data::Result<bool> {
        while self.ahead.len() < n {
            match self.parts.next().transpose()? {
                Some(part) => self.ahead.push_back(part),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A part that was looked for, by how many stand before it, on a device.
    pub(super) fn peek(&mut self, at: usize, device: Device) -> Result<Option<&Part>> {
        let Some(part) = self.ahead.remove(at) else { return Ok(None) };
        self.ahead.insert(at, on(device, part)?);
        Ok(self.ahead.get(at))
    }

    /// Parts that were looked for and not taken.
    pub(super) fn n_ahead(&self) -> usize {
        self.ahead.len()
    }

    pub(super) fn next(&mut self) -> mtl_data::Result<Option<Part>> {
        match self.ahead.pop_front() {
            Some(part) => Ok(Some(part)),
            None => self.parts.next().transpose(),
        }
    }
}

/// Batches that the model does not learn from.
pub(super) struct HeldOut<'a> {
    batches: Option<&'a dyn Batches>,
    device: Device,
    shard: Shard,
    open: Option<(PartIter<'a>, LoaderPosition)>,
    /// That of a step, which may look at it more than once.
    of_step: Option<(u64, Part)>,
}

impl<'a> HeldOut<'a> {
    pub(super) fn new(batches: Option<&'a dyn Batches>, device: Device, shard: Shard) -> Self {
        Self { batches, device, shard, open: None, of_step: None }
    }

    /// This rank's part of the batch of a step.
    pub(super) fn part(&mut self, step: u64) -> Result<&Part> {
        if self.of_step.as_ref().is_none_or(|(of, _)| *of != step) {
            self.of_step = Some((step, self.take(step)?));
        }
        self.of_step.as_ref().map(|(_, part)| part).ok_or_else(|| nothing("there is no held-out data"))
    }

    fn take(&mut self, step: u64) -> Result<Part> {
        let batches = self.batches.ok_or_else(|| nothing("there is no held-out data"))?;
        let n = batches.n_batches().ok_or_else(|| nothing("held-out data must say how many batches it has"))?.max(1);
        let position = LoaderPosition { epoch: step / n, next_batch: step % n };
        if self.open.as_ref().is_none_or(|(_, at)| *at != position) {
            self.open = Some((batches.parts_from(position, self.shard)?, position));
        }
        let Some((walk, at)) = &mut self.open else { return Err(nothing("there is no held-out data")) };
        at.next_batch += 1;
        let part = walk.next().ok_or_else(|| nothing("the held-out data is empty"))?;
        on(self.device, part?)
    }
}

/// The same part on a device.
pub(super) fn on(device: Device, part: Part) -> Result<Part> {
    Ok(Part { batch: part.batch.to_device(device)?, ..part })
}

pub(super) fn nothing(reason: &str) -> Error {
    mtl_core::Error::State { what: "further look".into(), reason: reason.into() }.into()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use mtl_data::{BatchIter, DatasetConfig, Loader, LoaderConfig};

    use super::*;

    /// Counts how often an epoch is opened.
    struct Counted(Loader, AtomicU64);

    impl Batches for Counted {
        fn n_batches(&self) -> Option<u64> {
            Some(self.0.n_batches())
        }
        fn batches_from(&self, position: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.batches_from(position)
        }
    }

    fn counted() -> Counted {
        let config: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 20").unwrap();
        let source: Arc<_> = config.load().unwrap().train;
        let config = LoaderConfig { batch_size: 4, workers: 0, ..LoaderConfig::default() };
        Counted(Loader::new(source, config).unwrap(), AtomicU64::new(0))
    }

    #[test]
    fn held_out_batches_come_by_the_step_and_an_epoch_is_opened_once() {
        let data = counted();
        let alone = |step: u64| {
            let position = LoaderPosition { epoch: step / 5, next_batch: step % 5 };
            data.0.epoch_from(position).unwrap().next().unwrap().unwrap().ids
        };
        let mut held = HeldOut::new(Some(&data), Device::Cpu, Shard::default());
        for step in 0..12 {
            assert_eq!(held.part(step).unwrap().batch.ids, alone(step));
            assert_eq!(held.part(step).unwrap().batch.ids, alone(step), "a second look sees the same");
        }
        assert_eq!(data.1.load(Ordering::SeqCst), 3, "once an epoch");
        assert_eq!(held.part(3).unwrap().batch.ids, alone(3), "a sweep that is taken back begins again");
        assert!(
            HeldOut::new(None, Device::Cpu, Shard::default())
                .part(0)
                .unwrap_err()
                .to_string()
                .contains("no held-out data")
        );
    }

    #[test]
    fn batches_that_were_looked_for_are_not_lost() {
        let data = counted();
        let mut walk = Walk::new(&data, LoaderPosition::default(), Shard::default()).unwrap();
        assert!(walk.has(3).unwrap() && walk.has(5).unwrap() && !walk.has(6).unwrap());
        let ids: Vec<_> = std::iter::from_fn(|| walk.next().unwrap()).map(|part| part.batch.ids).collect();
        let expected: Vec<_> = data.0.epoch(0).unwrap().map(|batch| batch.unwrap().ids).collect();
        assert_eq!(ids, expected);
    }
}
