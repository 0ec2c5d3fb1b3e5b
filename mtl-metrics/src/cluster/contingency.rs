//! How two partitions of the same samples overlap: the state of every measure of agreement.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    chunks::fold_chunks,
    metric::{MetricState, refused},
    value::OrReason,
};
use crate::{
    input::{MetricBatch, ScoreBatch},
    judged::{FromJudged, Shelf},
};

const CHUNK: usize = 65_536;

/// True classes beside assigned clusters; the numbers are only names.
///
/// ```
/// use mtl_metrics::cluster::Assignments;
/// assert!(Assignments::new(&[0, 0, 1], &[5, 5, 7]).is_ok());
/// assert!(Assignments::new(&[0, 0, 1], &[5]).is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Assignments<'a> {
    classes: &'a [i64],
    clusters: &'a [i64],
}

impl<'a> Assignments<'a> {
    /// A class and a cluster per sample.
    ///
    /// # Errors
    /// [`Error::Shape`] when lengths disagree.
    pub fn new(classes: &'a [i64], clusters: &'a [i64]) -> Result<Self> {
        if classes.len() != clusters.len() {
            return Err(Error::Shape {
                op: "clustering".into(),
                tensor: "clusters",
                expected: format!("as the classes, [{}]", classes.len()),
                found: vec![clusters.len() as i64],
            });
        }
        Ok(Self { classes, clusters })
    }
}

/// Samples by class and cluster; only pairs that occur are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contingency {
    counts: BTreeMap<(i64, i64), u64>,
}

impl Contingency {
    pub(super) fn update(&mut self, metric: &str, batch: &Assignments<'_>) -> Result<()> {
        let part: Self = fold_chunks(batch.classes.len(), CHUNK, |range| {
            let mut counts = BTreeMap::new();
            let (classes, clusters) = (batch.classes.get(range.clone()), batch.clusters.get(range));
            for pair in classes.unwrap_or_default().iter().copied().zip(clusters.unwrap_or_default().iter().copied()) {
                *counts.entry(pair).or_default() += 1;
            }
            Ok(Self { counts })
        })?;
        self.merge(&part).map_err(|reason| refused(metric, reason))
    }

    /// Samples.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.values().fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// Counts by class, by cluster, in order of their names.
    pub(super) fn margins(&self) -> [BTreeMap<i64, u64>; 2] {
        let mut margins = [BTreeMap::new(), BTreeMap::new()];
        for (&(class, cluster), &n) in &self.counts {
            let [classes, clusters] = &mut margins;
            *classes.entry(class).or_default() += n;
            *clusters.entry(cluster).or_default() += n;
        }
        margins
    }

    /// Counts that are not 0, by class, then cluster.
    pub(super) fn cells(&self) -> impl Iterator<Item = ((i64, i64), u64)> {
        self.counts.iter().map(|(&pair, &n)| (pair, n))
    }
}

impl MetricState for Contingency {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if self.n().checked_add(other.n()).is_none() {
            return Err("a count is beyond 64 bits".into());
        }
        for (&pair, &n) in &other.counts {
            *self.counts.entry(pair).or_default() += n;
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let total = self.counts.values().try_fold(0_u64, |sum, &n| sum.checked_add(n));
        if total.is_some() && self.counts.values().all(|&n| n > 0) {
            Ok(())
        } else {
            Err("its counts contradict each other".into())
        }
    }
}

/// The true class beside the answered one, which counts as the cluster: of several classes, or of one yes/no label.
impl<'a> FromJudged<'a> for Assignments<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (mut classes, mut clusters) = (Vec::new(), Vec::new());
        match judged.scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } => {
                for (row, (scores, &label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
                    if judged.class(label, scores.len(), row)?.is_some() {
                        classes.push(label);
                        clusters.push(judged.top_class(scores, kind, row)? as i64);
                    }
                }
            }
            ScoreBatch::MultiLabel { scores, kind, labels } if scores.n_cols() == 1 => {
                for (row, (&score, &label)) in scores.flat().iter().zip(labels.flat()).enumerate() {
                    if let Some(yes) = judged.yes_no(label, row)? {
                        classes.push(i64::from(yes));
                        clusters.push(i64::from(judged.says_yes(score, kind, row)?));
                    }
                }
            }
            ScoreBatch::MultiLabel { .. } => return Err(judged.unfit(metric, "class scores, or one yes/no answer,")),
        }
        Self::new(shelf.keep(classes), shelf.keep(clusters))
    }
}
