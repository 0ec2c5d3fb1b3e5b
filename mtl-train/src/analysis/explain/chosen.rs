//! Which samples are explained.

use mtl_core::{
    batch::Batch,
    rng::{Rng, derive},
};
use mtl_data::Source;

use crate::error::Result;

/// Some samples of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// So many, drawn without repetition; all of them when there are no more.
    Random(usize),
    /// Those of these ids, in this order.
    Ids(Vec<u64>),
}

/// Samples read at once when ids are looked up.
const CHUNK: u64 = 1024;

impl Samples {
    /// The samples as a batch on the CPU.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for none, or for an id that the source does not have; the data's own errors.
    pub fn batch(&self, source: &dyn Source, seed: u64) -> Result<Batch> {
        let positions = match self {
            Self::Random(n) => draw(source.len(), *n, derive(seed, "samples", 0)),
            Self::Ids(ids) => find(source, ids)?,
        };
        if positions.is_empty() {
            let found = format!("{self:?} of {} samples", source.len());
            let expected = "at least one sample".into();
            return Err(mtl_core::Error::InvalidConfig { what: "explain", field: "samples", expected, found }.into());
        }
        Ok(source.batch(&positions)?)
    }
}

/// `n` different positions below `len`, rising (Floyd's method).
fn draw(len: u64, n: usize, seed: u64) -> Vec<u64> {
    let n = (n as u64).min(len);
    let mut rng = Rng::new(seed);
    let mut chosen = std::collections::BTreeSet::new();
    for top in len - n..len {
        let candidate = rng.below(top + 1);
        if !chosen.insert(candidate) {
            chosen.insert(top);
        }
    }
    chosen.into_iter().collect()
}

fn find(source: &dyn Source, ids: &[u64]) -> Result<Vec<u64>> {
    let mut found: Vec<Option<u64>> = vec![None; ids.len()];
    let mut start = 0;
    while start < source.len() && found.iter().any(Option::is_none) {
        let positions: Vec<u64> = (start..source.len().min(start + CHUNK)).collect();
        for (position, id) in positions.iter().zip(source.batch(&positions)?.ids) {
            for (slot, _) in found.iter_mut().zip(ids).filter(|(_, wanted)| **wanted == id) {
                slot.get_or_insert(*position);
            }
        }
        start += CHUNK;
    }
    let missing = found.iter().zip(ids).find(|(slot, _)| slot.is_none()).map(|(_, id)| *id);
    if let Some(id) = missing {
        let expected = "ids of samples of this split".into();
        let found = format!("{id}, which is none");
        return Err(mtl_core::Error::InvalidConfig { what: "explain", field: "ids", expected, found }.into());
    }
    Ok(found.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_data::DatasetConfig;

    #[test]
    fn positions_are_different_and_depend_on_the_seed() {
        let one = draw(1000, 50, 1);
        assert_eq!(one.len(), 50);
        assert!(one.windows(2).all(|w| w[0] < w[1]) && one.last() < Some(&1000));
        assert_ne!(one, draw(1000, 50, 2));
        assert_eq!(draw(3, 50, 1), [0, 1, 2]);
        assert!(draw(0, 5, 1).is_empty());
    }

    #[test]
    fn ids_are_found_or_named() {
        let config: DatasetConfig =
            toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 10\nvalidation = 10\ntest = 10").unwrap();
        let splits = config.load().unwrap();
        let source = splits.validation.as_ref();
        let all = source.batch(&[0, 1, 2, 3]).unwrap().ids;
        let batch = Samples::Ids(vec![all[3], all[1]]).batch(source, 0).unwrap();
        assert_eq!(batch.ids, [all[3], all[1]]);
        let e = Samples::Ids(vec![all[0], 999_999]).batch(source, 0).unwrap_err().to_string();
        assert!(e.contains("999999, which is none"), "{e}");
        assert!(Samples::Ids(Vec::new()).batch(source, 0).is_err());
    }
}
