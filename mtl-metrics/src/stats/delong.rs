//! DeLong's method: how far off may an AUROC be, and do two models' AUROCs on the same samples differ?
//!
//! ```text
//! v_p  = (#{n : s_n < s_p} + 1/2 #{n : s_n = s_p}) / N          of each of P positives
//! w_n  = (#{p : s_p > s_n} + 1/2 #{p : s_p = s_n}) / P          of each of N negatives
//! A    = mean v = mean w                                        the AUROC
//! var  = s^2(v) / P + s^2(w) / N                                s^2: with P - 1 and N - 1 below
//! z    = (A_1 - A_2) / sqrt(var of the differences v_1 - v_2, w_1 - w_2)
//! ```
//!
//! The interval is `A +- z(1 - (1 - level) / 2) sqrt(var)`, cut to [0, 1]. Variances are formed in integers (placements are
//! counts) and rounded once, so the order of samples changes no bit, and a variance of zero is exactly zero. Samples must
//! be independent: for groups (several pictures of one patient) take [`Bootstrap::auroc`](super::Bootstrap::auroc).
//!
//! **Complexity** `O(n log n)` by sorting and searching.
//! **Reference**: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the Areas under Two or More Correlated
//! Receiver Operating Characteristic Curves: A Nonparametric Approach", Biometrics 44, 1988; X. Sun, W. Xu, "Fast
//! Implementation of DeLong's Algorithm", IEEE Signal Processing Letters 21, 2014 (by ranks instead of pairs).
//! **Differs from** pROC, which gives an interval of no width when the variance is 0 (all positives above all negatives):
//! here it is not defined. Scores are ranked as `f32`, as by [`Auroc`](crate::Auroc).

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{
    Alternative, normal,
    placements::{Keys, Placements},
};
use crate::{refusal::same_length, value::OrReason};

/// One AUROC with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delong {
    /// Positive samples.
    pub positives: u64,
    /// Negative samples.
    pub negatives: u64,
    /// The AUROC, in [0, 1]; undefined when a class is missing.
    pub auroc: OrReason<f64>,
    /// Its variance; undefined with fewer than two samples of a class.
    pub variance: OrReason<f64>,
    /// Both ends, within [0, 1]; undefined without a variance, or when it is 0.
    pub interval: OrReason<[f64; 2]>,
    /// What share of such intervals holds the true AUROC, in (0, 1).
    pub level: f64,
}

impl Delong {
    /// The AUROC of scores `[n]` against labels `[n]` (true: positive).
    ///
    /// ```
    /// use mtl_metrics::stats::Delong;
    /// let labels = [true, true, true, false, false, false];
    /// let delong = Delong::new(&labels, &[0.9, 0.8, 0.4, 0.7, 0.3, 0.2], 0.95)?;
    /// let [low, high] = delong.interval.unwrap();
    /// assert_eq!((delong.auroc, format!("{low:.2} {high:.2}")), (Ok(8.0 / 9.0), "0.58 1.00".to_owned()));
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths; [`mtl_core::Error::InvalidConfig`] for a score that is NaN
    /// or a level outside (0, 1).
    pub fn new(labels: &[bool], scores: &[f32], level: f64) -> Result<Self> {
        normal::check_level("delong", level)?;
        let keys = Keys::new("delong", labels, scores)?;
        let positives = labels.iter().filter(|label| **label).count() as u64;
        let negatives = labels.len() as u64 - positives;
        let placements = Placements::new(&keys);
        let auroc = placements.as_ref().map(Placements::auc).map_err(String::clone);
        let variance = placements.and_then(|placements| {
            let signed = |twice: &[u64]| twice.iter().map(|twice| i128::from(*twice)).collect::<Vec<_>>();
            variance(&signed(&placements.positives), &signed(&placements.negatives))
        });
        let interval = match (&auroc, &variance) {
            (Ok(area), Ok(variance)) if *variance > 0.0 => {
                let half = normal::quantile(0.5 + 0.5 * level) * variance.sqrt();
                Ok([(area - half).max(0.0), (area + half).min(1.0)])
            }
            (Ok(_), Ok(_)) => Err("the variance is 0: every sample of a class stands alike".to_owned()),
            (_, Err(reason)) | (Err(reason), _) => Err(reason.clone()),
        };
        Ok(Self { positives, negatives, auroc, variance, interval, level })
    }
}

/// The test of two AUROCs on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelongTest {
    /// Ours and theirs; undefined when a class is missing.
    pub aurocs: OrReason<[f64; 2]>,
    /// The variance of ours - theirs; undefined with fewer than two samples of a class.
    pub variance: OrReason<f64>,
    /// The difference over its standard error; undefined without a variance, or when it is 0.
    pub z: OrReason<f64>,
    /// How likely so extreme a `z` is when both are equally good, in (0, 1]; undefined with `z`.
    pub p: OrReason<f64>,
}

impl DelongTest {
    /// Compares two models by their scores `[n]` of the same samples with labels `[n]`.
    ///
    /// # Errors
    /// As [`Delong::new`].
    pub fn new(labels: &[bool], ours: &[f32], theirs: &[f32], alternative: Alternative) -> Result<Self> {
        same_length("delong", "theirs", labels.len(), theirs.len())?;
        let [ours, theirs] =
            [Keys::new("delong", labels, ours)?, Keys::new("delong", labels, theirs)?].map(|k| Placements::new(&k));
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(reason), _) | (_, Err(reason)) => {
                let [variance, z, p] = std::array::from_fn(|_| Err(reason.clone()));
                return Ok(Self { aurocs: Err(reason), variance, z, p });
            }
        };
        let minus =
            |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| i128::from(*a) - i128::from(*b)).collect::<Vec<_>>();
        let variance = variance(&minus(&ours.positives, &theirs.positives), &minus(&ours.negatives, &theirs.negatives));
        // One division of the exact difference, so that equal areas differ by exactly 0.
        let above: i128 = minus(&ours.positives, &theirs.positives).iter().sum();
        let difference = above as f64 / ours.twice_pairs() as f64;
        let z = variance.clone().and_then(|variance| match difference / variance.sqrt() {
            z if variance > 0.0 => Ok(z),
            _ => Err("the variance is 0: the two rank every sample alike, or one better throughout".to_owned()),
        });
        let p = z.clone().map(|z| alternative.of_z(z));
        Ok(Self { aurocs: Ok([ours.auc(), theirs.auc()]), variance, z, p })
    }
}

/// `s^2(v) / P + s^2(w) / N` of twice the placements, or of differences of them: counts of the other class, not yet divided.
fn variance(positives: &[i128], negatives: &[i128]) -> OrReason<f64> {
    let (p, n) = (positives.len(), negatives.len());
    for (count, class) in [(p, "positive"), (n, "negative")] {
        if count < 2 {
            return Err(format!("one {class} sample only: it has no variance"));
        }
    }
    // Placements are at most 2^33, lists at most 2^32 long together: no sum reaches 2^127.
    let part = |twice: &[i128], others: usize| {
        let (m, sum): (i128, i128) = (twice.len() as i128, twice.iter().sum());
        let squares: i128 = twice.iter().map(|x| x * x).sum();
        let spread = m * squares - sum * sum; // m (m - 1) times the variance
        spread as f64 / (m as f64 * m as f64 * (m - 1) as f64) / (4.0 * others as f64 * others as f64)
    };
    Ok(part(positives, n) + part(negatives, p))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [bool; 6] = [true, true, true, false, false, false];
    const SCORES: [f32; 6] = [0.9, 0.8, 0.4, 0.7, 0.3, 0.2];

    #[test]
    fn by_hand() {
        // v: 1, 1, 2/3; w: 2/3, 1, 1; both have s^2 = 1/27.
        let delong = Delong::new(&LABELS, &SCORES, 0.95).unwrap();
        assert_eq!((delong.positives, delong.negatives, delong.auroc), (3, 3, Ok(8.0 / 9.0)));
        assert!((delong.variance.unwrap() - 2.0 / 81.0).abs() < 1e-17);
        // Theirs: v 1, 1, 1 and w 1, 1, 1; the difference has the variance of ours.
        let test = DelongTest::new(&LABELS, &SCORES, &[3., 3., 3., 1., 1., 1.], Alternative::Less).unwrap();
        assert!((test.variance.unwrap() - 2.0 / 81.0).abs() < 1e-17);
        let z = -(1.0 / 9.0) / (2f64 / 81.0).sqrt();
        assert!((test.z.unwrap() - z).abs() < 1e-15 && (test.p.unwrap() - normal::cdf(z)).abs() < 1e-15);
    }

    #[test]
    fn undefined_with_its_reason() {
        let reason = |labels: &[bool], scores: &[f32]| Delong::new(labels, scores, 0.9).unwrap().interval.unwrap_err();
        assert_eq!(reason(&[], &[]), "no sample");
        assert_eq!(reason(&[true, true], &[1.0, 2.0]), "no negative sample");
        assert_eq!(reason(&[true, false, false], &[1.0, 2.0, 0.0]), "one positive sample only: it has no variance");
        assert!(reason(&LABELS, &[3., 3., 3., 1., 1., 1.]).starts_with("the variance is 0"));
        assert_eq!(Delong::new(&LABELS, &[1.0; 6], 0.9).unwrap().auroc, Ok(0.5));
        let same = DelongTest::new(&LABELS, &SCORES, &SCORES.map(|s| s * 2.0), Alternative::TwoSided).unwrap();
        assert!(same.p.unwrap_err().starts_with("the variance is 0") && same.variance == Ok(0.0));
        let none = DelongTest::new(&[true], &[1.0], &[1.0], Alternative::TwoSided).unwrap();
        assert_eq!((none.aurocs.unwrap_err().as_str(), none.p.is_err()), ("no negative sample", true));
    }

    #[test]
    fn refused() {
        let e = |scores: &[f32], level| Delong::new(&[true, false], scores, level).unwrap_err().to_string();
        assert_eq!(e(&[1.0], 0.95), "delong: scores must be of length 2, found [1]");
        assert_eq!(e(&[1.0, f32::NAN], 0.95), "delong: scores must be numbers, found NaN at position 1");
        assert_eq!(e(&[1.0, 0.0], 95.0), "delong: level must be in (0, 1), found 95");
    }
}
