//! KID: the kernel distance between the features of said and of true samples.
//!
//! ```text
//! k(x, y) = (x . y / d + 1)^3
//! MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)          unbiased
//! KID = mean over random subsets of MMD^2; without subsets MMD^2 of all samples
//! ```
//!
//! Subsets are drawn from a seed out of the samples in sorted order, so that batches, machines and threads change
//! nothing.
//!
//! **Shapes** features `[n, d]` and `[m, d]`. **State** the features, `4 d` bytes a sample. **Cost** `subsets size^2
//! d`.
//!
//! **Reference** M. Bińkowski et al., *Demystifying MMD GANs*, ICLR 2018; torchmetrics `KernelInceptionDistance`
//! (`poly_mmd`).
//! **Differs from** torchmetrics: subsets come from our generator, sums are `f64`.

use mtl_core::{
    Result,
    metric::Direction,
    rng::{Rng, derive},
};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    chunks::map_each,
    image::features::Features,
    metric::{Metric, MetricState, refused},
    refusal::refuse,
    value::{MetricValue, OrReason},
};

/// Feature vectors of both sides. Saved and compared in sorted order.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FeatureSamples {
    d: usize,
    said: Vec<f32>,
    truth: Vec<f32>,
}

impl FeatureSamples {
    fn sorted(rows: &[f32], d: usize) -> Vec<&[f32]> {
        let mut rows: Vec<&[f32]> = rows.chunks_exact(d.max(1)).collect();
        rows.sort_by(|a, b| {
            a.iter()
                .zip(*b)
                .map(|(x, y)| x.total_cmp(y))
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        rows
    }

    fn canonical(&self) -> (usize, Vec<f32>, Vec<f32>) {
        (self.d, Self::sorted(&self.said, self.d).concat(), Self::sorted(&self.truth, self.d).concat())
    }
}

impl PartialEq for FeatureSamples {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Serialize for FeatureSamples {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Saved {
            d: usize,
            said: Vec<f32>,
            truth: Vec<f32>,
        }
        let (d, said, truth) = self.canonical();
        Saved { d, said, truth }.serialize(serializer)
    }
}

impl MetricState for FeatureSamples {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.d == 0 {
            return Ok(());
        }
        if self.d != 0 && self.d != other.d {
            return Err(format!("features of {} numbers cannot be merged with {}", self.d, other.d));
        }
        self.d = other.d;
        self.said.extend_from_slice(&other.said);
        self.truth.extend_from_slice(&other.truth);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let whole = |rows: &[f32]| rows.len().is_multiple_of(self.d.max(1)) && rows.iter().all(|x| x.abs() <= 1e15);
        let none = self.d > 0 || (self.said.is_empty() && self.truth.is_empty());
        if none && whole(&self.said) && whole(&self.truth) {
            return Ok(());
        }
        Err("its features are damaged".to_owned())
    }
}

/// Which samples are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subsets {
    /// All with all.
    #[default]
    All,
    /// So many random subsets of so many samples on each side.
    Random {
        /// Subsets; usual are 100.
        count: usize,
        /// Samples of each side; usual are 1000.
        size: usize,
        /// Of the generator.
        seed: u64,
    },
}

/// Kernel distance, unbiased, so that it may be slightly negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kid {
    subsets: Subsets,
}

impl Kid {
    /// With these subsets.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for no subset or fewer than two samples in one.
    pub fn new(subsets: Subsets) -> Result<Self> {
        match subsets {
            Subsets::Random { count, size, .. } if count == 0 || size < 2 => {
                Err(refuse("kid", "subsets", "at least 1 of at least 2 samples", format!("{count} of {size}")))
            }
            _ => Ok(Self { subsets }),
        }
    }

    /// The distance of every subset, to report a spread; of all samples without subsets.
    ///
    /// # Errors
    /// The reason when there are too few samples.
    pub fn distances(&self, state: &FeatureSamples) -> OrReason<Vec<f64>> {
        let x = FeatureSamples::sorted(&state.said, state.d);
        let y = FeatureSamples::sorted(&state.truth, state.d);
        match self.subsets {
            Subsets::All if x.len().min(y.len()) < 2 => Err("fewer than two samples on a side".to_owned()),
            Subsets::All => Ok(vec![squared_discrepancy(&x, &y)]),
            Subsets::Random { size, .. } if x.len().min(y.len()) < size => {
                Err(format!("fewer than the {size} samples of a subset on a side"))
            }
            Subsets::Random { count, size, seed } => {
                let of = |subset: usize| {
                    let mut rng = Rng::new(derive(seed, "kid", subset as u64));
                    squared_discrepancy(&draw(&x, size, &mut rng), &draw(&y, size, &mut rng))
                };
                Ok((0..count).map(of).collect())
            }
        }
    }
}

/// `size` different rows.
fn draw<'a>(rows: &[&'a [f32]], size: usize, rng: &mut Rng) -> Vec<&'a [f32]> {
    let mut rows = rows.to_vec();
    for idx in 0..size {
        #[expect(clippy::cast_possible_truncation, reason = "below a length")]
        let other = idx + (rng.next_u64() % (rows.len() - idx) as u64) as usize;
        rows.swap(idx, other);
    }
    rows.truncate(size);
    rows
}

fn squared_discrepancy(x: &[&[f32]], y: &[&[f32]]) -> f64 {
    let kernel = |a: &[f32], b: &[f32]| {
        let dot: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        (dot / a.len() as f64 + 1.0).powi(3)
    };
    // Row sums in parallel, added in order.
    let total = |from: &[&[f32]], to: &[&[f32]], same: bool| -> f64 {
        let row = |i: usize| {
            let a = from[i];
            to.iter().enumerate().filter(|(j, _)| !same || *j != i).map(|(_, b)| kernel(a, b)).sum::<f64>()
        };
        map_each(from.len(), row).into_iter().sum()
    };
    let (n, m) = (x.len() as f64, y.len() as f64);
    total(x, x, true) / (n * (n - 1.0)) + total(y, y, true) / (m * (m - 1.0)) - 2.0 * total(x, y, false) / (n * m)
}

impl Metric for Kid {
    type Batch<'a> = Features<'a>;
    type State = FeatureSamples;

    fn name(&self) -> &'static str {
        "kid"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut FeatureSamples, batch: &Features<'_>) -> Result<()> {
        // -0.0 and 0.0 are one number and would else be sorted apart.
        let rows = |rows: &[f32]| rows.iter().map(|x| x + 0.0).collect();
        let part = FeatureSamples { d: batch.d, said: rows(batch.said), truth: rows(batch.truth) };
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &FeatureSamples) -> MetricValue {
        let support = ((state.said.len() + state.truth.len()) / state.d.max(1)) as u64;
        match self.distances(state) {
            Ok(distances) => MetricValue::defined(distances.iter().sum::<f64>() / distances.len() as f64, support),
            Err(reason) => MetricValue::undefined(reason, support),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        // k(1, 1) = 8, k(0, .) = 1: within {1, 1}: 8, within {0, 0}: 1, between: 1.
        let batch = Features::new(&[1.0, 1.0], &[0.0, 0.0], 1).unwrap();
        let mut metric = Streaming::new(Kid::default());
        metric.update_batch(&batch).unwrap();
        assert_eq!(metric.compute().value, Some(7.0));
        let subset = Kid::new(Subsets::Random { count: 5, size: 2, seed: 1 }).unwrap();
        assert_eq!(subset.compute(metric.remembered()).value, Some(7.0));
        let large = Kid::new(Subsets::Random { count: 5, size: 3, seed: 1 }).unwrap();
        assert!(large.compute(metric.remembered()).value.is_none());
        assert!(Kid::new(Subsets::Random { count: 5, size: 1, seed: 1 }).is_err());
    }

    #[test]
    fn subsets_do_not_depend_on_the_order_of_arrival() {
        let rows: Vec<f32> = (0..40).map(|i| (i as f32 * 0.7).sin()).collect();
        let backwards: Vec<f32> = rows.chunks(2).rev().flatten().copied().collect();
        let kid = Kid::new(Subsets::Random { count: 3, size: 5, seed: 7 }).unwrap();
        let value = |rows: &[f32]| {
            let mut metric = Streaming::new(kid);
            metric.update_batch(&Features::new(rows, &rows[..24], 2).unwrap()).unwrap();
            metric.state().unwrap()
        };
        let mut a = Streaming::new(kid);
        a.update_batch(&Features::new(&rows, &rows[..24], 2).unwrap()).unwrap();
        let mut b = Streaming::new(kid);
        b.update_batch(&Features::new(&backwards, &rows[..24], 2).unwrap()).unwrap();
        assert_eq!((a.compute(), a.state().unwrap()), (b.compute(), b.state().unwrap()));
        assert_ne!(value(&rows), value(&backwards), "other true samples");
    }
}
