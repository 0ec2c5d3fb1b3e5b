//! PCK and PCKh: the share of keypoints that are near enough.
//!
//! ```text
//! hit of keypoint i of person p:   |said - true| / norm_p < alpha          (PCKh: <= alpha)
//! PCK  = mean over keypoints of (hits of i / labeled i)
//! PCKh = hits of all keypoints / all labeled                               norm_p: the size of the head
//! ```
//!
//! `norm_p` is given with every person: the larger side of its box, its torso, or its head.
//!
//! **Shapes** keypoints `[p, k, 2]`, labeled marks `[p, k]`, norms `[p]`. **State** 16 bytes a keypoint.
//!
//! **Reference** Y. Yang, D. Ramanan, *Articulated Human Detection*, TPAMI 2013; M. Andriluka et al., *2D Human Pose
//! Estimation*, CVPR 2014; mmpose `keypoint_pck_accuracy` (strict, mean over keypoints) and `MpiiPCKAccuracy` (not
//! strict, weighted by labeled keypoints).
//! **Differs from** mmpose's MPII, which leaves pelvis and thorax out by number: mark what should not count as not
//! labeled. The size of the head is taken as given; MPII's is 0.6 times the diagonal of its head box.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    metric::{Metric, MetricState, add_counts, refused},
    refusal::{check_each, refuse, same_length},
    value::{MetricValue, OrReason},
};

/// Persons with `k` keypoints each.
#[derive(Debug, Clone, Copy)]
pub struct Persons<'a> {
    said: &'a [[f64; 2]],
    truth: &'a [[f64; 2]],
    labeled: &'a [bool],
    norms: &'a [f64],
    k: usize,
}

impl<'a> Persons<'a> {
    /// Keypoints `[p, k]` person after person, whether they are labeled `[p, k]`, and the length that counts as 1
    /// `[p]`.
    /// Keypoints that are not labeled may hold anything.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists that do not fit together, [`mtl_core::Error::InvalidConfig`] for labeled
    /// keypoints that are not finite and norms that are not positive.
    pub fn new(
        said: &'a [[f64; 2]],
        truth: &'a [[f64; 2]],
        labeled: &'a [bool],
        norms: &'a [f64],
        k: usize,
    ) -> Result<Self> {
        let points = norms.len().saturating_mul(k);
        same_length("persons", "keypoints", points, said.len())?;
        same_length("persons", "true keypoints", points, truth.len())?;
        same_length("persons", "labeled", points, labeled.len())?;
        check_each("persons", "norms", "positive, up to 1e100", norms, |norm| norm > 1e-100 && norm <= 1e100)?;
        let near = |point: &[f64; 2]| point.iter().all(|x| x.abs() <= 1e100);
        let mut points = said.iter().zip(truth).zip(labeled).enumerate();
        match points.find(|(_, ((said, truth), labeled))| **labeled && !(near(said) && near(truth))) {
            None => Ok(Self { said, truth, labeled, norms, k }),
            Some((idx, ((said, truth), _))) => {
                let found = format!("{said:?} beside {truth:?} (keypoint {} of person {})", idx % k, idx / k);
                Err(refuse("persons", "keypoints", "numbers up to 1e100", found))
            }
        }
    }
}

/// Hits and labeled keypoints, by keypoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeypointHits {
    /// `[hits, labeled]`, keypoint after keypoint.
    counts: Vec<u64>,
}

impl MetricState for KeypointHits {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.counts.is_empty() {
            return Ok(());
        }
        if self.counts.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        add_counts(&mut self.counts, &other.counts)
    }

    fn check(&self) -> OrReason<()> {
        let fits = |pair: &[u64]| matches!(pair, [hits, labeled] if hits <= labeled);
        if self.counts.chunks(2).all(fits) { Ok(()) } else { Err("more hits than keypoints".to_owned()) }
    }
}

/// The rule of a [`Pck`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Strictly nearer; the mean over keypoints.
    Mean,
    /// Not farther; all keypoints together.
    Head,
}

/// Share of correct keypoints, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pck {
    rule: Rule,
    alpha: f64,
    name: String,
}

impl Pck {
    /// Keypoints nearer than `alpha` norms, averaged over keypoints; `pck@0.2`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for an `alpha` that is not positive.
    pub fn new(alpha: f64) -> Result<Self> {
        Self::with(Rule::Mean, alpha)
    }

    /// Keypoints not farther than `alpha` head sizes, all together; `pckh@0.5`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn head(alpha: f64) -> Result<Self> {
        Self::with(Rule::Head, alpha)
    }

    fn with(rule: Rule, alpha: f64) -> Result<Self> {
        if !(alpha > 0.0 && alpha.is_finite()) {
            return Err(refuse("pck", "alpha", "positive", alpha.to_string()));
        }
        let name = format!("{}@alpha={alpha}", if rule == Rule::Mean { "pck" } else { "pckh" });
        Ok(Self { rule, alpha, name })
    }

    /// The share of every keypoint; `None` for one that is never labeled.
    #[must_use]
    pub fn per_keypoint(&self, state: &KeypointHits) -> Vec<Option<f64>> {
        let one = |pair: &[u64]| (pair[1] > 0).then(|| pair[0] as f64 / pair[1] as f64);
        state.counts.chunks_exact(2).map(one).collect()
    }
}

impl Metric for Pck {
    type Batch<'a> = Persons<'a>;
    type State = KeypointHits;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut KeypointHits, batch: &Persons<'_>) -> Result<()> {
        let mut part = KeypointHits { counts: vec![0; 2 * batch.k] };
        let points = batch.said.iter().zip(batch.truth).zip(batch.labeled).enumerate();
        for (idx, ((said, truth), _)) in points.filter(|(_, (_, labeled))| **labeled) {
            let norm = batch.norms[idx / batch.k];
            let way = ((said[0] - truth[0]) / norm).hypot((said[1] - truth[1]) / norm);
            let hit = if self.rule == Rule::Mean { way < self.alpha } else { way <= self.alpha };
            let i = idx % batch.k;
            part.counts[2 * i] += u64::from(hit);
            part.counts[2 * i + 1] += 1;
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &KeypointHits) -> MetricValue {
        let sum = |side: usize| state.counts.chunks_exact(2).map(|pair| pair[side]).sum::<u64>();
        let (hits, labeled) = (sum(0), sum(1));
        match self.rule {
            Rule::Head => MetricValue::ratio(hits as f64, labeled),
            Rule::Mean => {
                let never = || "never labeled".to_owned();
                let parts: Vec<_> = self.per_keypoint(state).into_iter().map(|share| share.ok_or_else(never)).collect();
                MetricValue::average(&parts, "keypoint", labeled)
            }
        }
    }
}

crate::judged::answers_to_come! {
    Persons<'a> => "keypoints";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let truth = [[0.0, 0.0]; 4];
        let said = [[3.0, 4.0], [0.0, 1.0], [3.0, 3.0], [f64::NAN, 0.0]];
        let persons = Persons::new(&said, &truth, &[true, true, true, false], &[10.0, 10.0], 2).unwrap();
        let value = |metric: Pck| {
            let mut metric = Streaming::new(metric);
            metric.update_batch(&persons).unwrap();
            metric.compute().value
        };
        // At exactly 0.5 norms a PCK misses and a PCKh hits.
        assert_eq!(value(Pck::new(0.5).unwrap()), Some(0.75));
        assert_eq!(value(Pck::head(0.5).unwrap()), Some(1.0));
        assert_eq!(Pck::new(0.2).unwrap().name(), "pck@alpha=0.2");
        assert!(Pck::new(0.0).is_err() && Persons::new(&said, &truth, &[true; 4], &[1.0, 1.0], 2).is_err());
    }
}
