//! From a number of a column to what the network sees in its place, and back.
//!
//! ```text
//! standard        z = (x - mean) / std
//! log1p-standard  z = (l(x) - mean) / std              l(x) = sign(x) ln(1 + |x|);  mean and deviation of l(x)
//! none            z = x
//! robust          u = (x - median) / range,  z = u / sqrt(1 + (u / 3)^2)
//! quantile        z = N^-1(share of the training numbers below x)
//! ```
//! `range` is that between the first and the third quartile; half of that between the smallest and the largest number where the
//! quartiles are equal, 1 for a constant column. The second step of `robust` leaves numbers near 0 as they are and brings any other
//! between -3 and 3, so that an outlier is far away and no more than that.
//!
//! `quantile` interpolates between 256 quantiles of the training split (fewer where there are fewer numbers); where several of them are
//! equal, a number has the middle of their shares. Shares are kept 1e-7 away from 0 and 1, which is 5.2 in `z`.
//!
//! **Reference** `robust`: Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
//! Data", NeurIPS 2024, arXiv 2407.04491. `quantile`: scikit-learn's `QuantileTransformer(output_distribution="normal")`, with which
//! our numbers are compared.
//!
//! **Differs from** both: `robust` makes of a constant column its distance to the constant, not always 0 (as `standard` does).
//! `quantile` takes for an end what is not inside, not what lies within 1e-7 of it (scikit-learn takes a column of millionths for a
//! constant), and a constant for the middle, not for the lower end. 256 quantiles, not 1000: they are written into every run.

use mtl_core::distribution::{normal_cdf, normal_quantile};

use super::{
    FittedColumn,
    fit::moments,
    quantiles::Sample,
    schema::{Column, Transform},
};

/// Quantiles that `quantile` goes by, at most.
const LANDMARKS: usize = 256;
/// Shares are kept so far from 0 and 1.
const TAIL: f64 = 1e-7;
/// What `robust` brings numbers between, below and above 0.
const LIMIT: f64 = 3.0;

/// How the numbers of a column are scaled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale<'a> {
    pub(super) transform: Transform,
    pub(super) mean: f64,
    pub(super) std: f64,
    /// Ascending.
    pub(super) quantiles: &'a [f64],
}

impl<'a> Scale<'a> {
    /// That of a numeric column; `None` of any other.
    pub(super) fn of(column: &Column, fitted: &'a FittedColumn) -> Option<Self> {
        match (column, fitted) {
            (Column::Numeric { transform, .. }, FittedColumn::Numeric { mean, std, quantiles, .. }) => {
                Some(Self { transform: *transform, mean: *mean, std: *std, quantiles })
            }
            _ => None,
        }
    }

    /// What the network sees, before it is rounded to `f32`.
    pub(super) fn forward(&self, x: f64) -> f64 {
        match self.transform {
            Transform::Standard | Transform::None => (x - self.mean) / self.std,
            Transform::Log1pStandard => (signed_log1p(x) - self.mean) / self.std,
            Transform::Robust => {
                let u = (x - self.mean) / self.std;
                u / (u / LIMIT).hypot(1.0)
            }
            Transform::Quantile => normal_quantile(share_below(self.quantiles, x).clamp(TAIL, 1.0 - TAIL)),
        }
    }

    /// The number that was scaled; for `robust` and `quantile` as far as it can be told from others far away.
    pub(super) fn back(&self, scaled: f64) -> f64 {
        match self.transform {
            Transform::Standard | Transform::None => scaled * self.std + self.mean,
            Transform::Log1pStandard => {
                let log = scaled * self.std + self.mean;
                log.signum() * log.abs().exp_m1()
            }
            Transform::Robust => {
                // Rounded to f32, the largest number of all may stand at the limit itself.
                let part = (scaled / LIMIT).clamp(-1.0 + 1e-9, 1.0 - 1e-9);
                let u = scaled / (1.0 - part * part).sqrt();
                u * self.std + self.mean
            }
            Transform::Quantile => {
                let last = self.quantiles.len().saturating_sub(1);
                let shares: Vec<f64> = (0..=last).map(|k| k as f64 / last.max(1) as f64).collect();
                let share = normal_cdf(scaled);
                let share = if share <= 2.0 * TAIL {
                    0.0
                } else if share >= 1.0 - 2.0 * TAIL {
                    1.0
                } else {
                    share
                };
                interpolate(&shares, self.quantiles, share)
            }
        }
    }

    /// Whether what was learned is what the transform needs.
    pub(super) fn is_sound(&self) -> bool {
        let ascend = self.quantiles.iter().all(|x| x.is_finite()) && self.quantiles.is_sorted();
        let has_quantiles = match self.transform {
            Transform::Quantile => !self.quantiles.is_empty(),
            Transform::Standard | Transform::Log1pStandard | Transform::None | Transform::Robust => {
                self.quantiles.is_empty()
            }
        };
        self.mean.is_finite() && self.std.is_finite() && self.std > 0.0 && ascend && has_quantiles
    }
}

fn signed_log1p(x: f64) -> f64 {
    x.signum() * x.abs().ln_1p()
}

/// The share of the numbers behind ascending `quantiles` that lie below `x`, in `[0, 1]`.
fn share_below(quantiles: &[f64], x: f64) -> f64 {
    let n = quantiles.len();
    // How many of them are smaller, and how many are not larger: where they differ, `x` is one of them, perhaps several times.
    let (smaller, not_larger) = (quantiles.partition_point(|q| *q < x), quantiles.partition_point(|q| *q <= x));
    let place = match (smaller, not_larger) {
        (0, all) if all == n && n > 0 => return 0.5, // a constant
        (0, _) => return 0.0,
        (_, all) if all == n => return 1.0,
        (from, to) if from < to => (from + to - 1) as f64 / 2.0,
        (above, _) => {
            let (low, high) = (quantiles[above - 1], quantiles[above]);
            (above - 1) as f64 + (x - low) / (high - low)
        }
    };
    place / (n - 1) as f64
}

/// The value at `x` of the line through ascending points.
fn interpolate(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let above = xs.partition_point(|at| *at <= x).clamp(1, xs.len().saturating_sub(1).max(1));
    match (xs.get(above - 1), xs.get(above), ys.get(above - 1), ys.get(above)) {
        (Some(low), Some(high), Some(from), Some(to)) if high > low => {
            from + (to - from) * ((x - low) / (high - low)).clamp(0.0, 1.0)
        }
        (_, _, Some(from), _) => *from,
        _ => x,
    }
}

/// What is learned of numbers.
pub(super) struct Learned {
    pub(super) mean: f64,
    pub(super) std: f64,
    pub(super) fill: f64,
    pub(super) edges: Vec<f32>,
    pub(super) quantiles: Vec<f64>,
}

/// What is learned of a column of numbers from those that are known.
pub(super) fn fit(transform: Transform, known: impl Iterator<Item = f64> + Clone) -> FittedColumn {
    let Learned { mean, std, fill, edges, quantiles } = learn(transform, known);
    FittedColumn::Numeric { mean, std, fill, edges, quantiles }
}

/// The same of numbers that are no column by themselves.
pub(super) fn learn(transform: Transform, known: impl Iterator<Item = f64> + Clone) -> Learned {
    let fill = moments(known.clone()).0;
    let sample = Sample::of(known.clone());
    let ((mean, std), quantiles) = match transform {
        Transform::None => ((0.0, 1.0), Vec::new()),
        Transform::Standard => (moments(known), Vec::new()),
        Transform::Log1pStandard => (moments(known.map(signed_log1p)), Vec::new()),
        Transform::Robust => (middle(&sample), Vec::new()),
        Transform::Quantile => ((0.0, 1.0), sample.landmarks(LANDMARKS)),
    };
    let std = if std > 0.0 { std } else { 1.0 };
    // Without a number nothing lies anywhere; one makes all shares one half.
    let quantiles = if transform == Transform::Quantile && quantiles.is_empty() { vec![0.0] } else { quantiles };
    let edges = sample.edges(&Scale { transform, mean, std, quantiles: &quantiles });
    Learned { mean, std, fill, edges, quantiles }
}

/// The median, and the distance between quartiles; where that is 0, half of that between the ends.
fn middle(sample: &Sample) -> (f64, f64) {
    let at = |level: f64| sample.quantile(level, |x| x).unwrap_or(0.0);
    let range = at(0.75) - at(0.25);
    (at(0.5), if range > 0.0 { range } else { 0.5 * (at(1.0) - at(0.0)) })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn learned(transform: Transform, values: &[f64]) -> (Column, FittedColumn) {
        let column = Column::Numeric { name: "x".into(), transform, missing: Default::default() };
        (column, fit(transform, values.iter().copied()))
    }

    const ALL: [Transform; 5] =
        [Transform::Standard, Transform::Log1pStandard, Transform::None, Transform::Robust, Transform::Quantile];

    #[test]
    fn every_transform_is_numpys_and_scikit_learns() {
        let file: Value = serde_json::from_str(include_str!("../../tests/golden/columns.json")).unwrap();
        let numbers = |list: &Value| list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
        let mut seen = Vec::new();
        for case in file["cases"].as_array().unwrap() {
            let train = numbers(&case["train"]);
            for (name, golden) in case["transforms"].as_object().unwrap() {
                let transform: Transform = serde_json::from_value(name.as_str().into()).unwrap();
                let (column, fitted) = learned(transform, &train);
                let scale = Scale::of(&column, &fitted).unwrap();
                for (x, want) in numbers(&case["xs"]).into_iter().zip(numbers(&golden["scaled"])) {
                    let found = scale.forward(x);
                    assert!((found - want).abs() < 1e-9 * want.abs().max(1.0), "{name} of {x}: {found}, {want}");
                }
                let FittedColumn::Numeric { edges, .. } = &fitted else { panic!() };
                let golden = numbers(&golden["edges"]);
                assert_eq!(edges.len(), golden.len(), "{name}: {edges:?} {golden:?}");
                for (found, want) in edges.iter().zip(golden) {
                    assert!((f64::from(*found) - want).abs() < 1e-6 * want.abs().max(1.0), "{name}: {found}, {want}");
                }
                seen.push(transform);
            }
        }
        assert!(ALL.iter().all(|transform| seen.iter().filter(|one| *one == transform).count() >= 3));
    }

    #[test]
    fn a_scaled_number_goes_back_and_what_is_larger_stays_larger() {
        let train: Vec<f64> = (0..500).map(|i| (f64::from(i) * 0.37).sin() * 20.0 + f64::from(i % 7)).collect();
        for transform in ALL {
            let (column, fitted) = learned(transform, &train);
            let scale = Scale::of(&column, &fitted).unwrap();
            assert!(scale.is_sound());
            let mut last = f64::NEG_INFINITY;
            for i in -60..=80 {
                let (x, scaled) = (0.3 * f64::from(i), scale.forward(0.3 * f64::from(i)));
                assert!(scaled >= last, "{transform:?} at {x}");
                last = scaled;
                let is_inside =
                    transform != Transform::Quantile || train.iter().any(|t| *t < x) && train.iter().any(|t| *t > x);
                let back = scale.back(scaled);
                assert!(!is_inside || (back - x).abs() < 1e-6, "{transform:?}: {x} {back}");
            }
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exact by construction")]
    fn by_hand() {
        let (column, fitted) = learned(Transform::Robust, &[0.0, 1.0, 2.0, 3.0, 1000.0]);
        let scale = Scale::of(&column, &fitted).unwrap();
        assert_eq!((scale.mean, scale.std), (2.0, 2.0));
        assert!((scale.forward(4.0) - 1.0 / (1.0f64 + 1.0 / 9.0).sqrt()).abs() < 1e-15);
        assert!(scale.forward(1e9) < 3.0 + 1e-12 && scale.forward(-1e9) > -3.0 - 1e-12);
        // Equal quartiles: half the distance of the ends; a constant: its own unit.
        let (column, fitted) = learned(Transform::Robust, &[1.0, 1.0, 1.0, 1.0, 5.0]);
        assert_eq!(Scale::of(&column, &fitted).unwrap().std, 2.0);
        let (column, fitted) = learned(Transform::Robust, &[4.0; 3]);
        assert_eq!(Scale::of(&column, &fitted).unwrap().forward(4.0), 0.0);
        for values in [&[4.0; 3][..], &[]] {
            let (column, fitted) = learned(Transform::Quantile, values);
            let scale = Scale::of(&column, &fitted).unwrap();
            assert!(scale.is_sound() && scale.forward(4.0).is_finite() && scale.back(0.3).is_finite());
        }
        let of = |x| share_below(&[0.0, 1.0, 1.0, 1.0, 2.0], x);
        assert_eq!([of(-1.0), of(0.0), of(0.5), of(1.0), of(1.5), of(2.0)], [0.0, 0.0, 0.125, 0.5, 0.875, 1.0]);
        let bare = |transform| Scale { transform, mean: 0.0, std: 1.0, quantiles: &[] };
        assert!(bare(Transform::Robust).is_sound() && !bare(Transform::Quantile).is_sound());
        assert_eq!([3.0, 4.0, 5.0].map(|x| share_below(&[4.0; 3], x)), [0.0, 0.5, 1.0]);
    }
}
