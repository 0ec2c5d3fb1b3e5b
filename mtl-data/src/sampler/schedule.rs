//! A walk through the choices of one epoch.

use super::TaskSampler;
use crate::{
    error::{Error, Result},
    rng::{Rng, Stream},
};

/// A batch of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The data set.
    pub source: usize,
    /// How often it was drawn before in this epoch: its batch, if it has so many; otherwise it begins again.
    pub batch: u64,
}

/// The draws of an epoch, one per step: an iterator that knows where it is and can be moved.
///
/// # Examples
/// ```
/// use mtl_data::sampler::{TaskSampler, TaskSchedule};
///
/// let mut schedule = TaskSchedule::new(&TaskSampler::by_name("proportional")?, &[2, 6], 8, 0, 0)?;
/// let all: Vec<_> = schedule.by_ref().collect();
/// assert_eq!(all.iter().filter(|draw| draw.source == 0).count(), 2);
/// schedule.seek(5)?;
/// assert_eq!((schedule.position(), schedule.next()), (5, Some(all[5])));
/// # Ok::<(), mtl_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TaskSchedule {
    draws: Vec<Draw>,
    position: usize,
}

impl TaskSchedule {
    /// The draws of `n_steps` steps of an epoch over data sets of `n_batches` batches each.
    ///
    /// # Errors
    /// `InvalidConfig` without a data set, for one without batches, or for a setting of the sampler.
    pub fn new(sampler: &TaskSampler, n_batches: &[u64], n_steps: u64, seed: u64, epoch: u64) -> Result<Self> {
        if n_batches.is_empty() || n_batches.contains(&0) {
            let found = format!("{n_batches:?}");
            return Err(Error::config("task sampler", "n_batches", "at least one data set, none empty", found));
        }
        let choices = sampler.part().choices(n_batches, n_steps, &mut Rng::new(seed, Stream::Task, epoch))?;
        let mut drawn = vec![0; n_batches.len()];
        let draws = choices.into_iter().map(|source| {
            let batch = drawn[source];
            drawn[source] += 1;
            Draw { source, batch }
        });
        Ok(Self { draws: draws.collect(), position: 0 })
    }

    /// The step that comes next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position as u64
    }

    /// Goes to a step.
    ///
    /// # Errors
    /// [`Error::Position`] for a step after the end.
    pub fn seek(&mut self, position: u64) -> Result<()> {
        let len = self.draws.len();
        match usize::try_from(position) {
            Ok(position) if position <= len => self.position = position,
            _ => return Err(Error::Position { what: "task schedule", len: len as u64 + 1, found: position }),
        }
        Ok(())
    }

    /// All draws of the epoch.
    #[must_use]
    pub fn draws(&self) -> &[Draw] {
        &self.draws
    }
}

impl Iterator for TaskSchedule {
    type Item = Draw;

    fn next(&mut self) -> Option<Draw> {
        let draw = self.draws.get(self.position).copied();
        self.position += usize::from(draw.is_some());
        draw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeking_is_walking_for_every_sampler() {
        for (name, _) in TaskSampler::ALL {
            let schedule = TaskSchedule::new(&TaskSampler::by_name(name).unwrap(), &[3, 9, 1], 20, 5, 2).unwrap();
            let all: Vec<_> = schedule.clone().collect();
            assert_eq!(all.len(), 20, "{name}");
            for at in 0..=20 {
                let mut sought = schedule.clone();
                sought.seek(at as u64).unwrap();
                assert_eq!(sought.position(), at as u64);
                assert_eq!(sought.collect::<Vec<_>>(), all[at..], "{name}");
            }
            for source in 0..3 {
                let batches: Vec<_> = all.iter().filter(|d| d.source == source).map(|d| d.batch).collect();
                assert_eq!(batches, (0..batches.len() as u64).collect::<Vec<_>>(), "{name}");
            }
            let again = TaskSchedule::new(&TaskSampler::by_name(name).unwrap(), &[3, 9, 1], 20, 5, 2).unwrap();
            assert_eq!(again.draws(), all, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_walked_is_refused() {
        let new = |n_batches: &[u64]| TaskSchedule::new(&TaskSampler::default(), n_batches, 3, 0, 0);
        assert!(new(&[]).is_err());
        assert!(new(&[2, 0]).unwrap_err().to_string().contains("found [2, 0]"));
        let e = new(&[2]).unwrap().seek(4).unwrap_err().to_string();
        assert_eq!(e, "task schedule: expected a position below 4, found 4");
    }
}
