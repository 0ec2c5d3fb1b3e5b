//! A state of one record per image, video or sequence.
//!
//! Detection ranks all detections of a data set together, so its records have to be kept until the value is read. They
//! are kept by id, which makes the state independent of the order of arrival and gives ties between images one order.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{metric::MetricState, value::OrReason};

/// Records by id. An id may come once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keyed<V>(BTreeMap<u64, V>);

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Keyed<V> {
    /// Adds the record of `id`.
    ///
    /// # Errors
    /// The reason, when there is one already.
    pub fn insert(&mut self, id: u64, record: V) -> OrReason<()> {
        match self.0.entry(id) {
            Entry::Occupied(_) => Err(twice(id)),
            Entry::Vacant(place) => {
                place.insert(record);
                Ok(())
            }
        }
    }

    /// How many ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records, ids rising.
    pub fn records(&self) -> impl Iterator<Item = &V> {
        self.0.values()
    }

    /// Takes over the records of `other`.
    ///
    /// # Errors
    /// The reason, when an id is in both. Nothing has changed then.
    pub fn absorb(&mut self, mut other: Self) -> OrReason<()> {
        self.disjoint(&other)?;
        self.0.append(&mut other.0);
        Ok(())
    }

    fn disjoint(&self, other: &Self) -> OrReason<()> {
        let (few, many) = if self.len() < other.len() { (self, other) } else { (other, self) };
        match few.0.keys().find(|id| many.0.contains_key(id)) {
            Some(&id) => Err(twice(id)),
            None => Ok(()),
        }
    }
}

impl<V> MetricState for Keyed<V>
where
    V: MetricState + Serialize + DeserializeOwned,
{
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.disjoint(other)?;
        self.0.extend(other.0.iter().map(|(&id, record)| (id, record.clone())));
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.0.values().try_for_each(V::check)
    }
}

fn twice(id: u64) -> String {
    format!("id {id} is there twice")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::ImageMatches as Count;

    #[test]
    fn an_id_comes_once() {
        let mut a = Keyed::<Count>::default();
        a.insert(7, Count::default()).unwrap();
        assert_eq!(a.insert(7, Count::default()).unwrap_err(), "id 7 is there twice");
        let mut b = Keyed::default();
        b.insert(3, Count::default()).unwrap();
        a.merge(&b).unwrap();
        assert_eq!((a.len(), a.is_empty()), (2, false));
        assert!(a.merge(&b).is_err() && a.absorb(b).is_err() && a.len() == 2);
    }
}
