//! A walk through the choices of one epoch.

use super::{Mix, Moment};
use crate::{
    error::{Error, Result},
    rng::{Rng, Stream},
};

/// A batch of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The source.
    pub source: usize,
    /// How often it was drawn before in this epoch: its batch, if it has so many; otherwise it begins again.
    pub batch: u64,
}

/// The draws of an epoch, one a batch: an iterator that knows where it is and can be moved.
///
/// # Examples
/// ```
/// use mtl_data::mix::{Mix, MixSchedule, Moment};
///
/// let mut schedule = MixSchedule::new(&Mix::by_name("proportional")?, &[2, 6], Moment { epoch: 0, epochs: 1 }, 0)?;
/// let all: Vec<_> = schedule.by_ref().collect();
/// assert_eq!(all.iter().filter(|draw| draw.source == 0).count(), 2);
/// schedule.seek(5)?;
/// assert_eq!((schedule.position(), schedule.next()), (5, Some(all[5])));
/// # Ok::<(), mtl_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MixSchedule {
    draws: Vec<Draw>,
    position: usize,
}

impl MixSchedule {
    /// The draws of an epoch over sources that count as `n` batches each.
    ///
    /// # Errors
    /// `InvalidConfig` without a source, for one without batches, or for a setting of the mixer.
    pub fn new(mix: &Mix, n: &[u64], moment: Moment, seed: u64) -> Result<Self> {
        if n.is_empty() || n.contains(&0) {
            let found = format!("{n:?}");
            return Err(Error::config("mixer", "sources", "at least one, none without a batch", found));
        }
        let mut rng = Rng::new(seed, Stream::Task, moment.epoch);
        let choices = mix.part().choices(n, mix.part().batches(n), moment, &mut rng)?;
        let mut drawn = vec![0; n.len()];
        let draws = choices.into_iter().map(|source| {
            let batch = drawn[source];
            drawn[source] += 1;
            Draw { source, batch }
        });
        Ok(Self { draws: draws.collect(), position: 0 })
    }

    /// The batch that comes next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position as u64
    }

    /// Goes to a batch.
    ///
    /// # Errors
    /// [`Error::Position`] for one after the end.
    pub fn seek(&mut self, position: u64) -> Result<()> {
        let len = self.draws.len();
        match usize::try_from(position) {
            Ok(position) if position <= len => self.position = position,
            _ => return Err(Error::Position { what: "mix schedule", len: len as u64 + 1, found: position }),
        }
        Ok(())
    }

    /// All draws of the epoch.
    #[must_use]
    pub fn draws(&self) -> &[Draw] {
        &self.draws
    }
}

impl Iterator for MixSchedule {
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
    fn seeking_is_walking_for_every_mixer() {
        for (name, _) in Mix::ALL {
            let new = || MixSchedule::new(&Mix::by_name(name).unwrap(), &[3, 9, 1], Moment { epoch: 2, epochs: 4 }, 5);
            let schedule = new().unwrap();
            let all: Vec<_> = schedule.clone().collect();
            for at in 0..=all.len() {
                let mut sought = schedule.clone();
                sought.seek(at as u64).unwrap();
                assert_eq!(sought.position(), at as u64);
                assert_eq!(sought.collect::<Vec<_>>(), all[at..], "{name}");
            }
            for source in 0..3 {
                let batches: Vec<_> = all.iter().filter(|d| d.source == source).map(|d| d.batch).collect();
                assert_eq!(batches, (0..batches.len() as u64).collect::<Vec<_>>(), "{name}");
            }
            assert_eq!(new().unwrap().draws(), all, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_walked_is_refused() {
        let new = |n: &[u64]| MixSchedule::new(&Mix::default(), n, Moment { epoch: 0, epochs: 1 }, 0);
        assert!(new(&[]).is_err());
        assert!(new(&[2, 0]).unwrap_err().to_string().contains("found [2, 0]"));
        let e = new(&[2]).unwrap().seek(4).unwrap_err().to_string();
        assert_eq!(e, "mix schedule: expected a position below 3, found 4");
    }
}
