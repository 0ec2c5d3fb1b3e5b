//! Recall@k of embeddings: whether a query's nearest neighbors include one of its class.
//!
//! ```text
//! recall@k = mean over queries of [one of the k nearest items of the gallery has the query's class]
//! ```
//!
//! The gallery is part of the metric, queries come in batches. An item is not a neighbor of itself: a query that is in the
//! gallery names its place there. Of items at equal distance the earlier one is nearer.
//!
//! **Reference** H. Jegou et al., *Product quantization for nearest neighbor search*, PAMI 2011; K. Musgrave et al., *A
//! metric learning reality check*, ECCV 2020 (precision@1 is recall@1 here).
//! **Differs from** nothing known; a query without a class mate in the gallery is left out. **State** 32 bytes. **Cost** O(n d)
//! a query.

use std::sync::Arc;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 16;

/// What near means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// A large cosine.
    #[default]
    Cosine,
    /// A small Euclidean distance.
    Euclidean,
}

/// Vectors with their classes, `[n, d]` row by row.
#[derive(Debug, Clone, Copy)]
pub struct Embeddings<'a> {
    vectors: &'a [f32],
    classes: &'a [i64],
    d: usize,
    /// The query's own places in the gallery.
    places: Option<&'a [usize]>,
}

impl<'a> Embeddings<'a> {
    /// Vectors `[n, d]` and classes `[n]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when sizes disagree; [`Error::Label`] for a number that is not finite.
    pub fn new(vectors: &'a [f32], classes: &'a [i64], d: usize) -> Result<Self> {
        if d == 0 || classes.len().checked_mul(d) != Some(vectors.len()) {
            return Err(Error::Shape {
                op: "embeddings".into(),
                tensor: "vectors",
                expected: format!("[{}, {d}], neither width 0", classes.len()),
                found: vec![vectors.len() as i64],
            });
        }
        if let Some(at) = vectors.iter().position(|x| !x.is_finite()) {
            return Err(Error::Label {
                task: "(unnamed)".into(),
                what: "embedding",
                expected: "finite".into(),
                found: vectors[at].to_string(),
                sample: (at / d) as u64,
            });
        }
        Ok(Self { vectors, classes, d, places: None })
    }

    /// The same vectors as queries that are in the gallery, at these places.
    ///
    /// # Errors
    /// [`Error::Shape`] when there is not one place per vector.
    pub fn at(mut self, places: &'a [usize]) -> Result<Self> {
        if places.len() != self.classes.len() {
            return Err(Error::Shape {
                op: "embeddings".into(),
                tensor: "places",
                expected: format!("[{}], one per vector", self.classes.len()),
                found: vec![places.len() as i64],
            });
        }
        self.places = Some(places);
        Ok(self)
    }
}

/// Recall@k against a gallery, 0 to 1: `embedding-recall@1`.
///
/// ```
/// use mtl_metrics::{Metric, embedding::{Distance, EmbeddingRecall, Embeddings}};
/// let (vectors, classes) = ([0.0, 0.1, 5.0, 5.2, 2.0], [0, 0, 1, 1, 1]);
/// let all = Embeddings::new(&vectors, &classes, 1)?;
/// let recall = EmbeddingRecall::new(1, Distance::Euclidean, &all)?;
/// let mut hits = Default::default();
/// recall.update(&mut hits, &all.at(&[0, 1, 2, 3, 4])?)?;
/// assert_eq!(recall.compute(&hits).value, Some(0.8));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EmbeddingRecall {
    k: usize,
    distance: Distance,
    vectors: Arc<[f64]>,
    classes: Arc<[i64]>,
    d: usize,
    name: String,
}

impl EmbeddingRecall {
    /// Recall among the `k` nearest items of a gallery.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for k = 0; [`Error::Label`] for a vector of length 0 when near is a large cosine.
    pub fn new(k: usize, distance: Distance, gallery: &Embeddings<'_>) -> Result<Self> {
        if k == 0 {
            let expected = "at least 1".into();
            return Err(Error::InvalidConfig { what: "embedding recall", field: "k", expected, found: "0".into() });
        }
        let mut vectors = Vec::with_capacity(gallery.vectors.len());
        for (idx, vector) in gallery.vectors.chunks_exact(gallery.d).enumerate() {
            vectors.extend(prepared(vector, distance, idx)?);
        }
        let name = format!("embedding-recall@k={k}");
        Ok(Self { k, distance, vectors: vectors.into(), classes: gallery.classes.into(), d: gallery.d, name })
    }

    /// Whether one of the nearest is of the class; `None` when the gallery has none of it.
    fn hit(&self, query: &[f64], class: i64, own: Option<usize>) -> Option<bool> {
        let mut near: Vec<(f64, usize)> = Vec::with_capacity(self.classes.len());
        for (idx, vector) in self.vectors.chunks_exact(self.d).enumerate() {
            if own != Some(idx) {
                let pairs = query.iter().zip(vector);
                near.push(match self.distance {
                    Distance::Cosine => (-pairs.map(|(a, b)| a * b).sum::<f64>(), idx),
                    Distance::Euclidean => (pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>(), idx),
                });
            }
        }
        let is_mate = |&(_, idx): &(f64, usize)| self.classes.get(idx) == Some(&class);
        if !near.iter().any(is_mate) {
            return None;
        }
        let k = self.k.min(near.len());
        let (first, ..) = near.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let among_first = first.iter().any(is_mate);
        Some(among_first || near.get(k - 1).is_some_and(is_mate))
    }
}

/// The vector in f64, of length 1 for cosines.
fn prepared(vector: &[f32], distance: Distance, idx: usize) -> Result<Vec<f64>> {
    let mut vector: Vec<f64> = vector.iter().map(|&x| f64::from(x)).collect();
    if distance == Distance::Cosine {
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            return Err(Error::Label {
                task: "(unnamed)".into(),
                what: "length of an embedding",
                expected: "positive".into(),
                found: "0".into(),
                sample: idx as u64,
            });
        }
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    Ok(vector)
}

impl Metric for EmbeddingRecall {
    type Batch<'a> = Embeddings<'a>;
    type State = RecallCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut RecallCounts, queries: &Embeddings<'_>) -> Result<()> {
        if queries.d != self.d {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "queries",
                expected: format!("[b, {}], as the gallery", self.d),
                found: vec![queries.classes.len() as i64, queries.d as i64],
            });
        }
        let part: RecallCounts = fold_chunks(queries.classes.len(), CHUNK, |range| {
            let mut counts = RecallCounts::default();
            for idx in range {
                let vector = queries.vectors.get(idx * self.d..(idx + 1) * self.d).unwrap_or_default();
                let own = queries.places.and_then(|places| places.get(idx)).copied();
                let class = queries.classes.get(idx).copied().unwrap_or_default();
                match self.hit(&prepared(vector, self.distance, idx)?, class, own) {
                    None => counts.left_out += 1,
                    Some(hit) => {
                        counts.hits += u64::from(hit);
                        counts.n += 1;
                    }
                }
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &RecallCounts) -> MetricValue {
        let value = if state.n == 0 {
            MetricValue::undefined("no query with a class mate in the gallery", 0)
        } else {
            MetricValue::defined(state.hits as f64 / state.n as f64, state.n)
        };
        MetricValue { parts: state.n.saturating_add(state.left_out), left_out: state.left_out, ..value }
    }
}

/// Queries that found a class mate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecallCounts {
    hits: u64,
    n: u64,
    left_out: u64,
}

impl MetricState for RecallCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut counts = [self.hits, self.n, self.left_out];
        add_counts(&mut counts, &[other.hits, other.n, other.left_out])?;
        [self.hits, self.n, self.left_out] = counts;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.hits <= self.n { Ok(()) } else { Err(format!("{} of {} queries hit", self.hits, self.n)) }
    }
}

crate::judged::answers_to_come! {
    Embeddings<'a> => "embeddings";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn itself_is_no_neighbor_and_loners_are_left_out() {
        let (vectors, classes) = ([1.0, 0.0, 0.9, 0.1, 0.0, 1.0], [0, 1, 0]);
        let all = Embeddings::new(&vectors, &classes, 2).unwrap();
        let recall = |k| {
            let metric = EmbeddingRecall::new(k, Distance::Cosine, &all).unwrap();
            let mut counts = RecallCounts::default();
            metric.update(&mut counts, &all.at(&[0, 1, 2]).unwrap()).unwrap();
            metric.compute(&counts)
        };
        assert_eq!((recall(1).value, recall(1).left_out), (Some(0.0), 1));
        assert_eq!(recall(9).value, Some(1.0));
    }

    #[test]
    fn bad_vectors_are_refused() {
        assert!(Embeddings::new(&[1.0, 2.0, 3.0], &[0, 1], 2).is_err());
        assert!(Embeddings::new(&[f32::NAN], &[0], 1).is_err() && Embeddings::new(&[], &[], 0).is_err());
        let zero = Embeddings::new(&[0.0], &[0], 1).unwrap();
        assert!(EmbeddingRecall::new(1, Distance::Cosine, &zero).is_err());
        let metric = EmbeddingRecall::new(1, Distance::Euclidean, &zero).unwrap();
        assert!(EmbeddingRecall::new(0, Distance::Euclidean, &zero).is_err());
        let other = Embeddings::new(&[0.0, 1.0], &[0], 2).unwrap();
        assert!(metric.update(&mut RecallCounts::default(), &other).is_err());
    }
}
