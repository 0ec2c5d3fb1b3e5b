//! How well clusters agree with classes, whatever they are called.
//!
//! ```text
//! I  = sum_ij n_ij / n ln(n n_ij / (a_i b_j))      mutual information; a, b: sizes of classes and clusters, H their entropies
//!
//! NMI          I / mean(H_class, H_cluster)        arithmetic mean
//! homogeneity  I / H_class      completeness  I / H_cluster      V-measure  their harmonic mean (= NMI)
//! ARI          (S - E) / (M - E)    S = sum_ij C(n_ij, 2), E = A B / C(n, 2), M = (A + B) / 2, A = sum_i C(a_i, 2), B alike
//! accuracy     share of samples in the cluster that its class is matched with, one to one, as well as can be
//! ```
//!
//! **Reference** scikit-learn `normalized_mutual_info_score`, `homogeneity_completeness_v_measure`,
//! `adjusted_rand_score`, to 1e-12; L. Hubert and P. Arabie, *Comparing partitions*, 1985; accuracy: scipy
//! `linear_sum_assignment` of the contingency matrix.
//! **Differs from** scikit-learn: NMI of two partitions of one part each is not defined (1 there), nor is homogeneity with one
//! class (1 there), completeness with one cluster (1 there), the ARI of such partitions or of one sample (1 there).
//! **State** 24 bytes a pair that occurs. **Cost** accuracy O(k^3) in the larger number of names.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    assignment::best_assignment,
    contingency::{Assignments, Contingency},
};
use crate::{
    metric::Metric,
    value::{MetricValue, OrReason},
};

/// The most classes or clusters that are matched with each other.
const MAX_MATCHED: usize = 4096;

/// A measure of agreement.
///
/// ```
/// use mtl_metrics::{Metric, cluster::{Agreement, Assignments}};
/// let mut counts = Default::default();
/// Agreement::Accuracy.update(&mut counts, &Assignments::new(&[0, 0, 1, 1], &[7, 7, 7, 3])?)?;
/// assert_eq!(Agreement::Accuracy.compute(&counts).value, Some(0.75));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// Normalized mutual information, 0 to 1.
    Nmi,
    /// Whether clusters hold one class only, 0 to 1.
    Homogeneity,
    /// Whether classes lie in one cluster only, 0 to 1.
    Completeness,
    /// Harmonic mean of both, 0 to 1.
    VMeasure,
    /// Adjusted Rand index: 0 by chance, 1 at best, -0.5 at worst.
    AdjustedRand,
    /// Accuracy under the best matching of clusters and classes, 0 to 1.
    Accuracy,
}

impl Agreement {
    /// Every measure.
    pub const ALL: [Self; 6] =
        [Self::Nmi, Self::Homogeneity, Self::Completeness, Self::VMeasure, Self::AdjustedRand, Self::Accuracy];

    fn of(self, counts: &Contingency) -> OrReason<f64> {
        let n = counts.n();
        if n == 0 {
            return Err("no sample".into());
        }
        let [classes, clusters] = counts.margins();
        let entropy = |sizes: &std::collections::BTreeMap<i64, u64>| -> f64 {
            let share = |&size: &u64| size as f64 / n as f64;
            sizes.values().map(|size| -share(size) * share(size).ln()).sum()
        };
        let (of_classes, of_clusters) = (classes.len(), clusters.len());
        let information = || -> f64 {
            let term = |((class, cluster), n_ij): ((i64, i64), u64)| {
                let (a, b) = (classes.get(&class).copied().unwrap_or(1), clusters.get(&cluster).copied().unwrap_or(1));
                let (n_ij, n) = (n_ij as f64, n as f64);
                n_ij / n * (n_ij.ln() + n.ln() - (a as f64).ln() - (b as f64).ln())
            };
            let sum: f64 = counts.cells().map(term).sum();
            // Independent partitions have exactly none.
            if sum.abs() < f64::EPSILON { 0.0 } else { sum.max(0.0) }
        };
        match self {
            Self::Nmi | Self::VMeasure => {
                if of_classes == 1 && of_clusters == 1 {
                    return Err("one class and one cluster".into());
                }
                Ok((2.0 * information() / (entropy(&classes) + entropy(&clusters))).clamp(0.0, 1.0))
            }
            Self::Homogeneity if of_classes == 1 => Err("one class".into()),
            Self::Homogeneity => Ok((information() / entropy(&classes)).clamp(0.0, 1.0)),
            Self::Completeness if of_clusters == 1 => Err("one cluster".into()),
            Self::Completeness => Ok((information() / entropy(&clusters)).clamp(0.0, 1.0)),
            Self::AdjustedRand => adjusted_rand(counts, n),
            Self::Accuracy => accuracy(counts, n),
        }
    }
}

fn adjusted_rand(counts: &Contingency, n: u64) -> OrReason<f64> {
    let [classes, clusters] = counts.margins();
    // Pairs fit into 128 bits.
    let pairs = |n: u64| u128::from(n) * u128::from(n.saturating_sub(1)) / 2;
    let within = |sizes: &std::collections::BTreeMap<i64, u64>| sizes.values().map(|&size| pairs(size)).sum::<u128>();
    let same_both: u128 = counts.cells().map(|(_, n)| pairs(n)).sum();
    let (same_class, same_cluster, all) = (within(&classes), within(&clusters), pairs(n));
    // Both partitions one part, or both all singletons: chance explains everything.
    if same_class == same_cluster && (same_class == 0 || same_class == all) {
        return Err("both partitions are trivial".into());
    }
    let expected = same_class as f64 * (same_cluster as f64 / all as f64);
    let most = (same_class as f64 + same_cluster as f64) / 2.0;
    Ok((same_both as f64 - expected) / (most - expected))
}

fn accuracy(counts: &Contingency, n: u64) -> OrReason<f64> {
    let [classes, clusters] = counts.margins();
    let size = classes.len().max(clusters.len());
    if size > MAX_MATCHED {
        return Err(format!("{size} names are too many to be matched, at most {MAX_MATCHED}"));
    }
    let place = |names: &std::collections::BTreeMap<i64, u64>| names.keys().copied().collect::<Vec<_>>();
    let (classes, clusters) = (place(&classes), place(&clusters));
    let mut costs = vec![0.0; size * size];
    for ((class, cluster), n) in counts.cells() {
        if let (Ok(i), Ok(j)) = (classes.binary_search(&class), clusters.binary_search(&cluster)) {
            costs[i * size + j] = -(n as f64);
        }
    }
    let matched = best_assignment(&costs, size);
    let right: f64 = matched.iter().enumerate().map(|(i, &j)| -costs[i * size + j]).sum();
    Ok(right / n as f64)
}

impl Metric for Agreement {
    type Batch<'a> = Assignments<'a>;
    type State = Contingency;

    fn name(&self) -> &'static str {
        match self {
            Self::Nmi => "nmi",
            Self::Homogeneity => "homogeneity",
            Self::Completeness => "completeness",
            Self::VMeasure => "v-measure",
            Self::AdjustedRand => "ari",
            Self::Accuracy => "cluster-accuracy",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (if *self == Self::AdjustedRand { -0.5 } else { 0.0 }, 1.0)
    }

    fn update(&self, state: &mut Contingency, batch: &Assignments<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Contingency) -> MetricValue {
        match self.of(state) {
            Ok(value) => MetricValue::defined(value, state.n()),
            Err(reason) => MetricValue::undefined(reason, state.n()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(measure: Agreement, classes: &[i64], clusters: &[i64]) -> MetricValue {
        let mut counts = Contingency::default();
        measure.update(&mut counts, &Assignments::new(classes, clusters).unwrap()).unwrap();
        measure.compute(&counts)
    }

    #[test]
    fn names_do_not_matter() {
        for measure in Agreement::ALL {
            let found = value(measure, &[0, 0, 1, 1, 2], &[9, 9, -4, -4, i64::MAX]).value.unwrap();
            assert!((found - 1.0).abs() < 1e-12, "{}", measure.name());
        }
    }

    #[test]
    fn by_hand() {
        // Pairs: 2 + 1 within clusters, 1 + 1 within classes, 1 in both, of 6.
        let ari = value(Agreement::AdjustedRand, &[0, 0, 1, 1], &[0, 0, 0, 1]).value.unwrap();
        assert!((ari - (1.0 - 1.0) / (2.5 - 1.0)).abs() < 1e-15);
        let homogeneity = value(Agreement::Homogeneity, &[0, 0, 1, 1], &[0, 1, 2, 3]).value.unwrap();
        let completeness = value(Agreement::Completeness, &[0, 0, 1, 1], &[0, 1, 2, 3]).value.unwrap();
        assert!((homogeneity - 1.0).abs() < 1e-15 && (completeness - 0.5).abs() < 1e-15);
        assert_eq!(value(Agreement::Accuracy, &[0, 0, 1, 1], &[0, 1, 2, 3]).value, Some(0.5));
    }

    #[test]
    fn trivial_partitions() {
        assert_eq!(value(Agreement::Nmi, &[1, 1], &[2, 2]).get(), Err("one class and one cluster"));
        assert_eq!(value(Agreement::AdjustedRand, &[1], &[2]).get(), Err("both partitions are trivial"));
        assert_eq!(value(Agreement::AdjustedRand, &[1, 2], &[2, 1]).get(), Err("both partitions are trivial"));
        assert_eq!(value(Agreement::Homogeneity, &[1, 1], &[2, 3]).get(), Err("one class"));
        assert_eq!(value(Agreement::Nmi, &[1, 1], &[2, 3]).value, Some(0.0));
        assert_eq!(value(Agreement::Accuracy, &[], &[]).get(), Err("no sample"));
    }
}
