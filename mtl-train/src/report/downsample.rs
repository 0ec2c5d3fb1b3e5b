//! Fewer points that look the same.
//!
//! A line of a hundred thousand steps on five hundred pixels is megabytes of file and no more to see. Points are cut
//! into runs of equal length, and of each run the lowest and the highest point stay: a spike of one step survives,
//! which an average would hide, and a divergence is just such a spike. First and last point stay too. A run without any
//! drawable point stays as one gap; a gap inside a run is narrower than a pixel and goes.
//!
//! **Differs from** largest-triangle-three-buckets, which keeps the look of smooth curves a little better and may drop
//! the extremes that a reader of loss curves is after.

use std::ops::Range;

/// Lines are drawn with at most so many points.
pub(super) const MOST_POINTS: usize = 400;

/// Cuts `0..len` into at most `n` runs of about equal length, in order.
fn runs(len: usize, n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).map(move |i| i * len / n..(i + 1) * len / n).filter(|run| !run.is_empty())
}

/// At most [`MOST_POINTS`] of the points; all of them if they are so few.
pub(super) fn points(all: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if all.len() <= MOST_POINTS {
        return all.to_vec();
    }
    let inner = 1..all.len() - 1;
    let mut kept = vec![all[0]];
    for run in runs(inner.len(), MOST_POINTS / 2 - 1) {
        let run = &all[inner.start + run.start..inner.start + run.end];
        let finite = || run.iter().enumerate().filter(|(_, p)| p[1].is_finite());
        let low = finite().min_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        let high = finite().max_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        match low.zip(high) {
            None => kept.push([run[0][0], f64::NAN]),
            Some(((i, a), (j, _))) if i == j => kept.push(*a),
            Some(((i, a), (j, b))) if i < j => kept.extend([*a, *b]),
            Some(((_, a), (_, b))) => kept.extend([*b, *a]),
        }
    }
    kept.extend(all.last());
    kept
}

/// At most [`MOST_POINTS`] of the entries of a band; runs become their widest range.
pub(super) fn band(all: &[[f64; 3]]) -> Vec<[f64; 3]> {
    if all.len() <= MOST_POINTS {
        return all.to_vec();
    }
    runs(all.len(), MOST_POINTS)
        .map(|run| {
            let run = &all[run];
            let drawable = || run.iter().filter(|[_, low, high]| low.is_finite() && high.is_finite());
            let low = drawable().map(|[_, low, _]| *low).reduce(f64::min).unwrap_or(f64::NAN);
            let high = drawable().map(|[.., high]| *high).reduce(f64::max).unwrap_or(f64::NAN);
            [run[0][0], low, high]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_stay_as_they_are() {
        let few: Vec<[f64; 2]> = (0..400).map(|i| [f64::from(i), 0.0]).collect();
        assert_eq!(points(&few), few);
        assert!(points(&[]).is_empty());
    }

    #[test]
    fn spikes_ends_and_long_gaps_survive() {
        let mut many: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), (f64::from(i) / 900.0).sin()]).collect();
        many[40_321][1] = 50.0;
        many[40_322][1] = -50.0;
        for point in &mut many[70_000..72_000] {
            point[1] = f64::NAN;
        }
        let kept = points(&many);
        assert!(kept.len() <= MOST_POINTS);
        assert!(kept.contains(&many[40_321]) && kept.contains(&many[40_322]));
        assert_eq!((kept.first(), kept.last()), (many.first(), many.last()));
        assert!(kept.iter().any(|p| p[1].is_nan()));
        assert!(kept.windows(2).all(|pair| pair[0][0] < pair[1][0]), "order is kept");
    }

    #[test]
    fn bands_become_their_widest_range() {
        let mut many: Vec<[f64; 3]> = (0..1000).map(|i| [f64::from(i), 1.0, 2.0]).collect();
        many[500] = [500.0, -9.0, 9.0];
        let kept = band(&many);
        assert_eq!(kept.len(), MOST_POINTS);
        assert!(kept.iter().any(|[_, low, high]| *low < -8.0 && *high > 8.0));
    }
}
