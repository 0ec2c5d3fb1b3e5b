//! AUROC of resamples from one sorted order: counts are weights, nothing is sorted again.
//!
//! ```text
//! 2U = sum over distinct scores, rising, of  p (2 n_below + n)          p, n: counts drawn of positives and negatives there
//! A  = 2U / (2 P N)
//! ```
//!
//! Without a unit, `2U` loses the placements of its samples against all others; pairs within the unit are lost twice and
//! given back once. All of it in integers.

use mtl_core::Result;

use super::{Bootstrap, BootstrapInterval, Units, WHAT};
use crate::{
    ranks::PairCounts,
    refusal::same_length,
    stats::placements::{Keys, Placements},
    value::OrReason,
};

impl Bootstrap {
    /// The interval of the AUROC of scores `[n]` against labels `[n]` (true: positive). See also
    /// [`Delong`](crate::stats::Delong), which needs no resamples where samples are independent.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`mtl_core::Error::Shape`] for lists of different lengths; a score that is NaN.
    pub fn auroc(&self, units: &Units, labels: &[bool], scores: &[f32]) -> Result<BootstrapInterval> {
        same_length(WHAT, "labels", units.n_samples(), labels.len())?;
        let keys = Keys::new(WHAT, labels, scores)?;
        let sorted = Sorted::new(units, &keys);
        match Placements::new(&keys) {
            Ok(placements) => {
                let held_out = HeldOut::new(units, &keys, &placements);
                self.interval(units.len(), |counts| sorted.auc(counts), |unit| held_out.auc(unit))
            }
            // Defined on no resample either.
            Err(reason) => self.interval(units.len(), |_| Err(reason.clone()), |_| Err(reason.clone())),
        }
    }
}

/// Samples by rising score.
struct Sorted {
    /// `(key, unit, positive)`.
    samples: Vec<(u32, usize, bool)>,
}

impl Sorted {
    fn new(units: &Units, keys: &Keys) -> Self {
        let each = keys.keys.iter().zip(&keys.labels).enumerate();
        let mut samples: Vec<_> = each.map(|(idx, (key, label))| (*key, units.unit(idx), *label)).collect();
        samples.sort_unstable();
        Self { samples }
    }

    fn auc(&self, counts: &[u32]) -> OrReason<f64> {
        let (mut twice_above, mut positives, mut negatives) = (0_u128, 0_u64, 0_u64);
        for tied in self.samples.chunk_by(|a, b| a.0 == b.0) {
            let (mut p, mut n) = (0_u64, 0_u64);
            for (_, unit, positive) in tied {
                let count = u64::from(counts[*unit]);
                if *positive { p += count } else { n += count }
            }
            twice_above += u128::from(p) * u128::from(2 * negatives + n);
            positives += p;
            negatives += n;
        }
        PairCounts { twice_above, positives, negatives }.auc()
    }
}

/// What each unit takes with it.
struct HeldOut {
    /// All pairs, and of each unit those with one of its samples in it.
    whole: PairCounts,
    lost: Vec<PairCounts>,
}

impl HeldOut {
    fn new(units: &Units, keys: &Keys, placements: &Placements) -> Self {
        let mut lost = vec![PairCounts { twice_above: 0, positives: 0, negatives: 0 }; units.len()];
        let mut own = vec![[Vec::new(), Vec::new()]; units.len()];
        let (mut of_positives, mut of_negatives) = (placements.positives.iter(), placements.negatives.iter());
        for (idx, (key, positive)) in keys.keys.iter().zip(&keys.labels).enumerate() {
            let (unit, counts) = (units.unit(idx), &mut lost[units.unit(idx)]);
            let placement = if *positive { of_positives.next() } else { of_negatives.next() };
            counts.twice_above += placement.map_or(0, |twice| u128::from(*twice));
            if *positive {
                counts.positives += 1;
            } else {
                counts.negatives += 1;
            }
            own[unit][usize::from(*positive)].push(*key);
        }
        for (lost, [negatives, positives]) in lost.iter_mut().zip(&own) {
            lost.twice_above -= PairCounts::of_keys(positives, negatives).twice_above; // in the sum twice
        }
        let (positives, negatives) = (placements.positives.len() as u64, placements.negatives.len() as u64);
        Self { whole: PairCounts { twice_above: placements.twice_above(), positives, negatives }, lost }
    }

    fn auc(&self, unit: usize) -> OrReason<f64> {
        let (whole, lost) = (self.whole, self.lost[unit]);
        PairCounts {
            twice_above: whole.twice_above - lost.twice_above,
            positives: whole.positives - lost.positives,
            negatives: whole.negatives - lost.negatives,
        }
        .auc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Draws;
    use mtl_core::rng::Rng;

    fn drawn(n: usize) -> (Vec<bool>, Vec<f32>, Vec<u64>) {
        let mut rng = Rng::new(n as u64);
        let labels: Vec<bool> = (0..n).map(|_| rng.below(3) == 0).collect();
        let scores = labels.iter().map(|label| (rng.below(8) + 2 * u64::from(*label)) as f32 / 4.0).collect();
        (labels, scores, (0..n).map(|_| rng.below(9)).collect())
    }

    #[test]
    fn as_by_pairs_of_the_general_door() {
        let (labels, scores, groups) = drawn(40);
        let by_pairs = |counts: &[u32]| {
            let (mut above, mut pairs) = (0_u64, 0_u64);
            for (i, _) in labels.iter().enumerate().filter(|(_, label)| **label) {
                for (j, _) in labels.iter().enumerate().filter(|(_, label)| !**label) {
                    let weight = u64::from(counts[i]) * u64::from(counts[j]);
                    above += weight
                        * (2 * u64::from(scores[i] > scores[j])
                            + u64::from(scores[i].to_bits() == scores[j].to_bits()));
                    pairs += weight;
                }
            }
            if pairs == 0 { Err("no pair".to_owned()) } else { Ok(above as f64 / (2 * pairs) as f64) }
        };
        for units in [Units::samples(40), Units::groups(&groups)] {
            let bootstrap = Bootstrap { draws: Draws { n: 300, seed: 3 }, ..Bootstrap::default() };
            assert_eq!(bootstrap.auroc(&units, &labels, &scores).unwrap(), bootstrap.run(&units, by_pairs).unwrap());
        }
    }

    #[test]
    fn missing_classes_and_bad_scores() {
        let auroc = |labels: &[bool], scores: &[f32]| Bootstrap::default().auroc(&Units::samples(2), labels, scores);
        let found = auroc(&[true, true], &[0.1, 0.2]).unwrap();
        assert_eq!((found.value.unwrap_err().as_str(), found.interval.is_err()), ("no negative sample", true));
        assert!(auroc(&[true, false], &[0.1, f32::NAN]).unwrap_err().to_string().contains("NaN at position 1"));
        assert!(auroc(&[true], &[0.1, 0.3]).unwrap_err().to_string().contains("labels must be of length 2"));
    }
}
