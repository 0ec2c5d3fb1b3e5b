//! What the labels of a task look like, over a whole split: counts of classes, shares of yes, where numbers lie.
//!
//! Heads take the centre and the scale of number targets from here, constant answers their classes and means, reports
//! their shares. The statistics are of *known* labels; how many are missing is counted beside them.
//!
//! ```text
//! mean = sum_i y_i / n     std = sqrt(sum_i (y_i - mean)^2 / n)     the population's, no Bessel correction
//! quantile(p) = y_(j) + (h - j) (y_(j+1) - y_(j)),   h = p (n - 1),  j = floor(h)          on sorted y_(0) .. y_(n-1)
//! log1p: mean and std of sign(y) log(1 + |y|)
//! ```
//! Everything is `f64` and exact for the labels given (sums are taken around the first label and a second time around the mean,
//! so that numbers far from 0 lose nothing); no estimate, no sketch. Labels that were rounded to `f32` before they came
//! here are another matter: [`Spread::lost_in_f32`] says when their differences are of the size of that rounding.
//!
//! **Reference** for quantiles: Hyndman, Fan, "Sample quantiles in statistical packages", The American Statistician
//! 50(4), 1996, definition 7 (the default of R and NumPy).

use serde::{Deserialize, Serialize};

/// How many landmarks a [`Spread`] has: the quantiles 0, 1 %, ..., 100 %.
pub const LANDMARKS: usize = 101;

/// The labels of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelStats {
    /// One of several classes, or grades.
    Class {
        /// Samples of each class.
        counts: Vec<u64>,
        /// Samples without a label.
        missing: u64,
    },
    /// Independent yes/no labels.
    MultiLabel {
        /// One entry per label.
        labels: Vec<YesNo>,
    },
    /// Numbers.
    Values {
        /// One entry per output.
        outputs: Vec<Numbers>,
    },
    /// Any number of items a sample: tags, tokens.
    Items {
        /// Items of each tag or token.
        counts: Vec<u64>,
        /// Items without a label.
        missing: u64,
        /// How many items samples have; those that are not labeled are missing here.
        lengths: Numbers,
    },
    /// Labels of a kind from outside.
    Custom {
        /// Samples of the split, labeled or not.
        samples: u64,
        /// Known labels, as the kind counts them.
        known: u64,
        /// What the kind wants to be remembered.
        values: serde_json::Value,
    },
}

/// One yes/no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YesNo {
    /// Samples labeled yes.
    pub yes: u64,
    /// Samples labeled no.
    pub no: u64,
    /// Samples without a label.
    pub missing: u64,
}

impl YesNo {
    /// The share of yes among known labels, in `[0, 1]`; `None` without one.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        ratio(self.yes, self.yes + self.no)
    }
}

/// One output of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Samples with a label.
    pub known: u64,
    /// Samples without one.
    pub missing: u64,
    /// Where the known labels lie; `None` without one.
    pub spread: Option<Spread>,
}

/// Mean and standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The population's standard deviation; >= 0.
    pub std: f64,
}

/// Where numbers lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Mean and standard deviation.
    pub moments: Moments,
    /// Those of `sign(y) log(1 + |y|)`.
    pub log1p: Moments,
    /// The quantiles 0, 1 %, ..., 100 %: ascending, [`LANDMARKS`] of them.
    pub landmarks: Vec<f64>,
}

impl Spread {
    /// The spread of numbers, none of them NaN or infinite; `None` for none. Sorts them.
    #[must_use]
    pub fn of(values: &mut [f64]) -> Option<Self> {
        let moments = Moments::of(values, |y| y)?;
        let log1p = Moments::of(values, signed_log1p)?;
        values.sort_unstable_by(f64::total_cmp);
        let at = |k: usize| quantile(values, k as f64 / (LANDMARKS - 1) as f64);
        Some(Self { moments, log1p, landmarks: (0..LANDMARKS).map(at).collect() })
    }

    /// The smallest label.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.landmarks.first().copied().unwrap_or(self.moments.mean)
    }

    /// The largest label.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.landmarks.last().copied().unwrap_or(self.moments.mean)
    }

    /// The median.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.landmarks.get(LANDMARKS / 2).copied().unwrap_or(self.moments.mean)
    }

    /// Whether all labels are the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.min() >= self.max()
    }

    /// Half the distance between neighbors in `f32` at the largest label's size: the rounding error of a label.
    #[must_use]
    pub fn f32_rounding(&self) -> f64 {
        self.min().abs().max(self.max().abs()) * f64::from(f32::EPSILON) / 2.0
    }

    /// Whether the labels differ by so little, for their size, that `f32` does not hold the differences: their standard
    /// deviation is below 32 rounding errors (five bits are left of it), or they are so large that whole units round and all of
    /// them became one number.
    #[must_use]
    pub fn lost_in_f32(&self) -> bool {
        let rounding = self.f32_rounding();
        match self.is_constant() {
            true => rounding >= 0.5,
            false => self.moments.std < 32.0 * rounding,
        }
    }
}

impl Moments {
    fn of(values: &[f64], map: impl Fn(f64) -> f64) -> Option<Self> {
        let first = map(*values.first()?);
        // All equal means a deviation of 0, not of the mean's last bit.
        if values.iter().all(|&y| map(y).total_cmp(&first).is_eq()) {
            return Some(Self { mean: first, std: 0.0 });
        }
        // A power of two, so that nothing is rounded: squares of numbers beyond it would leave the range.
        let huge = values.iter().any(|&y| map(y).abs() > 1e100);
        let unit = if huge { 2f64.powi(700) } else { 1.0 };
        let (at, shift, n) = (|y: f64| map(y) / unit, first / unit, values.len() as f64);
        let mean = shift + values.iter().map(|&y| at(y) - shift).sum::<f64>() / n;
        let square = values.iter().map(|&y| (at(y) - mean).powi(2)).sum::<f64>() / n;
        Some(Self { mean: mean * unit, std: square.sqrt() * unit })
    }
}

/// `sign(y) log(1 + |y|)`.
#[must_use]
pub fn signed_log1p(y: f64) -> f64 {
    y.abs().ln_1p().copysign(y)
}

/// A quantile of ascending numbers, at least one; `p` in `[0, 1]`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position below the number of values")]
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let low = sorted[below.min(sorted.len() - 1)];
    let high = sorted[(below + 1).min(sorted.len() - 1)];
    let share = place - place.floor();
    // Not `low + share * (high - low)`: the difference of two finite numbers may not be one.
    (1.0 - share) * low + share * high
}

impl LabelStats {
    /// Samples of the split, labeled or not.
    #[must_use]
    pub fn samples(&self) -> u64 {
        match self {
            Self::Class { counts, missing } => counts.iter().sum::<u64>() + missing,
            Self::MultiLabel { labels } => labels.first().map_or(0, |l| l.yes + l.no + l.missing),
            Self::Values { outputs } => outputs.first().map_or(0, |o| o.known + o.missing),
            Self::Items { lengths, .. } => lengths.known + lengths.missing,
            Self::Custom { samples, .. } => *samples,
        }
    }

    /// Known labels: samples for classes, items for tags and tokens, cells for the others.
    #[must_use]
    pub fn known(&self) -> u64 {
        match self {
            Self::Class { counts, .. } | Self::Items { counts, .. } => counts.iter().sum(),
            Self::MultiLabel { labels } => labels.iter().map(|l| l.yes + l.no).sum(),
            Self::Values { outputs } => outputs.iter().map(|o| o.known).sum(),
            Self::Custom { known, .. } => *known,
        }
    }

    /// Labels that are not known: samples for classes, items for tags and tokens, cells for the others.
    #[must_use]
    pub fn missing(&self) -> u64 {
        match self {
            Self::Class { missing, .. } | Self::Items { missing, .. } => *missing,
            Self::MultiLabel { labels } => labels.iter().map(|l| l.missing).sum(),
            Self::Values { outputs } => outputs.iter().map(|o| o.missing).sum(),
            Self::Custom { samples, known, .. } => samples.saturating_sub(*known),
        }
    }

    /// The share of every class or tag among known labels, or of yes for every yes/no label, in `[0, 1]`; `None` where no label
    /// is known. Empty for others.
    #[must_use]
    pub fn shares(&self) -> Vec<Option<f64>> {
        match self {
            Self::Class { counts, .. } | Self::Items { counts, .. } => {
                counts.iter().map(|&n| ratio(n, self.known())).collect()
            }
            Self::MultiLabel { labels } => labels.iter().map(YesNo::rate).collect(),
            Self::Values { .. } | Self::Custom { .. } => Vec::new(),
        }
    }

    /// The outputs of a task of numbers; empty for others.
    #[must_use]
    pub fn numbers(&self) -> &[Numbers] {
        match self {
            Self::Values { outputs } => outputs,
            Self::Class { .. } | Self::MultiLabel { .. } | Self::Items { .. } | Self::Custom { .. } => &[],
        }
    }
}

/// What so many samples of a class are worth if each covers a bit of what the others do: `(1 - b^n) / (1 - b)`, from 1 sample to
/// `1 / (1 - b)` for ever more. `beta` in `[0, 1)`.
///
/// **Reference** Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of samples are far below 2^52")]
pub fn effective_number(n: u64, beta: f64) -> f64 {
    // 1 - b^n without the cancellation of b near 1.
    if n == 0 { 0.0 } else { -(n as f64 * beta.ln()).exp_m1() / (1.0 - beta) }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn moments_and_quantiles_by_hand() {
        let spread = Spread::of(&mut [4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.min(), spread.median(), spread.max()), (1.0, 2.5, 4.0));
        assert_eq!(spread.moments, Moments { mean: 2.5, std: 1.25f64.sqrt() });
        // NumPy: numpy.quantile([1, 2, 3, 4], [0.1, 0.25, 0.9]) = 1.3, 1.75, 3.7
        for (k, by_numpy) in [(10, 1.3), (25, 1.75), (90, 3.7)] {
            assert!((spread.landmarks[k] - by_numpy).abs() < 1e-12, "{k}");
        }
        let logs = Spread::of(&mut [-(1f64.exp() - 1.0), 1f64.exp() - 1.0]).unwrap().log1p;
        assert!(logs.mean.abs() < 1e-15 && (logs.std - 1.0).abs() < 1e-15, "{logs:?}");
        assert_eq!(Spread::of(&mut []), None);
    }

    #[test]
    fn effective_numbers_by_hand() {
        assert_eq!((effective_number(0, 0.9), effective_number(7, 0.0)), (0.0, 1.0));
        for (n, by_hand) in [(1, 1.0), (2, 1.9), (3, 2.71)] {
            assert!((effective_number(n, 0.9) - by_hand).abs() < 1e-12, "{n}");
        }
        assert!((effective_number(1000, 1.0 - 1e-12) - 1000.0).abs() < 1e-3, "all of them");
    }

    #[test]
    fn far_from_zero_nothing_is_lost() {
        let mut values: Vec<f64> = (0..1000).map(|i| 1.7e12 + f64::from(i % 2)).collect();
        let moments = Spread::of(&mut values).unwrap().moments;
        assert_eq!(moments, Moments { mean: 1.7e12 + 0.5, std: 0.5 });
        let constant = Spread::of(&mut [0.1; 7]).unwrap();
        assert_eq!(constant.moments, Moments { mean: 0.1, std: 0.0 });
        assert!(constant.is_constant() && !constant.lost_in_f32());
        let huge = Spread::of(&mut [-1.7e308, 1.7e308]).unwrap();
        assert_eq!(huge.median(), 0.0);
    }

    #[test]
    fn differences_of_the_size_of_rounding_are_noticed() {
        let spread = |center: f64, step: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "rounding is what is looked at")]
            let rounded = |i: i32| f64::from((center + step * f64::from(i)) as f32);
            Spread::of(&mut (0..60).map(rounded).collect::<Vec<_>>()).unwrap()
        };
        assert!(spread(1.7e12, 1000.0).lost_in_f32(), "a minute in milliseconds");
        assert!(spread(1.7e12, 1.0).lost_in_f32(), "all of them the same number");
        assert!(!spread(2000.0, 1.0).lost_in_f32(), "years");
        assert!(!spread(0.0, 1e-9).lost_in_f32() && !spread(1e12, 1e11).lost_in_f32());
    }

    #[test]
    fn statistics_are_saved_and_read_back() {
        let all = [
            LabelStats::Class { counts: vec![3, 0, 1], missing: 2 },
            LabelStats::MultiLabel { labels: vec![YesNo { yes: 1, no: 3, missing: 2 }, YesNo::default()] },
            LabelStats::Values {
                outputs: vec![
                    Numbers { known: 2, missing: 0, spread: Spread::of(&mut [0.1, 1e300]) },
                    Numbers { known: 0, missing: 2, spread: None },
                ],
            },
        ];
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Vec<LabelStats>>(&text).unwrap(), all);
        assert_eq!(
            (all[0].samples(), all[0].known(), all[0].shares()),
            (6, 4, vec![Some(0.75), Some(0.0), Some(0.25)])
        );
        assert_eq!((all[1].samples(), all[1].known(), all[1].shares()), (6, 4, vec![Some(0.25), None]));
        assert_eq!((all[2].samples(), all[2].known(), all[2].numbers().len()), (2, 2, 2));
    }
}
