//! Some samples of a source, and the cut between training and validation.

use std::sync::Arc;

use mtl_core::batch::{Batch, Target};

use super::{Source, SourcePart, indices};
use crate::{
    error::{Error, Result},
    info::DataInfo,
    rng::{Rng, Stream},
};

/// The samples of `source` at `positions`; batches keep the ids of `source`.
#[derive(Clone)]
pub struct Subset {
    source: Arc<dyn Source>,
    positions: Vec<u64>,
    parts: Vec<SourcePart>,
}

impl Subset {
    /// A view of some samples, in any order; of a source of several [parts](Source::parts) those of the first come first, and so on.
    ///
    /// # Errors
    /// [`Error::Position`] for a position that `source` does not have; `InvalidConfig` for a sample behind those of a later part.
    pub fn new(source: Arc<dyn Source>, positions: Vec<u64>) -> Result<Self> {
        let len = source.len();
        if let Some(&found) = positions.iter().find(|&&position| position >= len) {
            return Err(Error::Position { what: "subset", len, found });
        }
        let parts = some_of(source.parts(), &positions)?;
        Ok(Self { source, positions, parts })
    }

    fn inner(&self, positions: &[u64]) -> Result<Vec<u64>> {
        let indices = indices("subset", self.len(), positions)?;
        Ok(indices.into_iter().map(|index| self.positions[index]).collect())
    }
}

impl Source for Subset {
    fn info(&self) -> &DataInfo {
        self.source.info()
    }

    fn len(&self) -> u64 {
        self.positions.len() as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        self.source.batch(&self.inner(positions)?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        self.source.targets(&self.inner(positions)?)
    }

    fn parts(&self) -> Vec<SourcePart> {
        self.parts.clone()
    }
}

/// What is left of parts; one that keeps no sample is none.
fn some_of(parts: Vec<SourcePart>, positions: &[u64]) -> Result<Vec<SourcePart>> {
    let (mut left, mut start) = (Vec::with_capacity(parts.len()), 0);
    for part in parts {
        let own =
            positions[start..].iter().take_while(|&&at| (part.start..part.start + part.len).contains(&at)).count();
        if own > 0 {
            left.push(SourcePart { start: start as u64, len: own as u64, ..part });
        }
        start += own;
    }
    // Without parts nothing has been looked at.
    match positions.get(start).filter(|_| !left.is_empty()) {
        None => Ok(left),
        Some(found) => Err(Error::config(
            "subset",
            "positions",
            "part after part of the source",
            format!("{found} behind a later one"),
        )),
    }
}

impl std::fmt::Debug for Subset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subset({} of {})", self.positions.len(), self.source.len())
    }
}

/// Cuts `0..n` into training and validation positions, both ascending: a random `fraction` of them validates.
///
/// At least one sample trains, and at least one validates unless `fraction` is 0. The cut depends on `n`, `fraction` and
/// `seed` only.
///
/// # Errors
/// `InvalidConfig` unless `fraction` is in `[0, 1)` and leaves something to train on.
pub fn split(n: u64, fraction: f64, seed: u64) -> Result<(Vec<u64>, Vec<u64>)> {
    let refuse = |expected: &str, found: String| Err(Error::config("split", "validation", expected, found));
    if !(0.0..1.0).contains(&fraction) {
        return refuse("a fraction in [0, 1)", fraction.to_string());
    }
    if n == 0 || (n == 1 && fraction > 0.0) {
        return refuse("0 when there are fewer than 2 samples", format!("{fraction} of {n}"));
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of n"
    )]
    let held_out = if fraction > 0.0 { ((n as f64 * fraction).round() as u64).clamp(1, n - 1) } else { 0 };
    let mut positions: Vec<u64> = (0..n).collect();
    Rng::new(seed, Stream::Split, n).shuffle(&mut positions);
    let mut train = positions.split_off(usize::try_from(held_out).unwrap_or(0));
    train.sort_unstable();
    positions.sort_unstable();
    Ok((train, positions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_partition_and_repeats() {
        let (train, validation) = split(1000, 0.1, 7).unwrap();
        assert_eq!((train.len(), validation.len()), (900, 100));
        let mut all = [train.clone(), validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert!(train.is_sorted() && validation.is_sorted());
        assert_eq!(split(1000, 0.1, 7).unwrap(), (train, validation.clone()));
        assert_ne!(split(1000, 0.1, 8).unwrap().1, validation);
    }

    #[test]
    fn borders() {
        assert_eq!(split(5, 0.0, 0).unwrap(), (vec![0, 1, 2, 3, 4], vec![]));
        assert_eq!(split(2, 0.001, 0).unwrap().1.len(), 1);
        assert_eq!(split(2, 0.999, 0).unwrap().0.len(), 1);
        for (n, fraction) in [(0, 0.0), (1, 0.5), (10, 1.0), (10, -0.1), (10, f64::NAN)] {
            let e = split(n, fraction, 0).unwrap_err().to_string();
            assert!(e.starts_with("split: validation must be"), "{e}");
        }
    }
}
