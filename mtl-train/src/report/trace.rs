//! Path strings: a line with gaps, and the area of a band.
//!
//! Paths live in a square of [`SIDE`] by [`SIDE`] units that the browser stretches over the plot, with the second axis
//! pointing down. One decimal of a thousandth is finer than any screen.

use std::fmt::Write;

use super::scale::Scale;

/// Units of the square in which paths are written.
pub(super) const SIDE: f64 = 1000.0;

/// A point between the ends of both axes, `[0, 1]` each, second axis up; nothing where there is a gap.
pub(super) type Place = Option<[f64; 2]>;

/// Where the points of a line are.
pub(super) fn places(points: &[[f64; 2]], x: &Scale, y: &Scale) -> Vec<Place> {
    points.iter().map(|[px, py]| Some([x.fraction(*px)?, y.fraction(*py)?])).collect()
}

/// The unbroken stretches of a line, and the points that are alone between two gaps.
pub(super) fn line(places: &[Place]) -> (String, Vec<[f64; 2]>) {
    let mut path = String::new();
    let mut alone = Vec::new();
    for stretch in places.split(|place| place.is_none()) {
        let stretch: Vec<[f64; 2]> = stretch.iter().copied().flatten().collect();
        match stretch[..] {
            [] => {}
            // A line of no length is not drawn by every browser: these become dots.
            [point] => alone.push(point),
            _ => push_stretch(&mut path, stretch.iter().copied()),
        }
    }
    (path, alone)
}

/// The area between the lower and the upper ends of a band.
pub(super) fn band(entries: &[[f64; 3]], x: &Scale, y: &Scale) -> String {
    let placed: Vec<Option<[f64; 3]>> =
        entries.iter().map(|[at, low, high]| Some([x.fraction(*at)?, y.fraction(*low)?, y.fraction(*high)?])).collect();
    let mut path = String::new();
    for stretch in placed.split(|entry| entry.is_none()) {
        let entries: Vec<[f64; 3]> = stretch.iter().copied().flatten().collect();
        if entries.len() > 1 {
            let there = entries.iter().map(|[at, low, _]| [*at, *low]);
            let back = entries.iter().rev().map(|[at, _, high]| [*at, *high]);
            push_stretch(&mut path, there.chain(back));
            path.push('Z');
        }
    }
    path
}

fn push_stretch(path: &mut String, points: impl Iterator<Item = [f64; 2]>) {
    for (index, [x, y]) in points.enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let (x, y) = (unit(x), unit(1.0 - y));
        let _ = write!(path, "{command}{x} {y}"); // writing to a string cannot fail
    }
}

/// Far outside is as good as further outside, and keeps digits short when a hand-set range is narrow.
fn unit(fraction: f64) -> f64 {
    let tenths = (fraction.clamp(-100.0, 100.0) * SIDE * 10.0).round() / 10.0;
    tenths + 0.0 // -0 + 0 is 0
}

#[cfg(test)]
mod tests {
    use super::super::{axis::Axis, scale::Ends};
    use super::*;

    fn unit_scale() -> Scale {
        Scale::fit(&Axis { range: Some([0.0, 1.0]), ..Axis::default() }, &[], Ends::Data, 5)
    }

    #[test]
    fn line_by_hand() {
        let scale = unit_scale();
        let points =
            [[0.0, 0.0], [0.5, 1.0], [0.6, f64::NAN], [0.7, 0.25], [0.8, f64::INFINITY], [0.9, 0.5], [1.0, 0.5]];
        let (path, alone) = line(&places(&points, &scale, &scale));
        assert_eq!(path, "M0 1000L500 0M900 500L1000 500");
        assert_eq!(alone.len(), 1);
        assert!((alone[0][0] - 0.7).abs() < 1e-12 && (alone[0][1] - 0.25).abs() < 1e-12);
    }

    #[test]
    fn band_by_hand() {
        let scale = unit_scale();
        let entries = [[0.0, 0.25, 0.75], [1.0, 0.5, 1.0]];
        assert_eq!(band(&entries, &scale, &scale), "M0 750L1000 500L1000 0L0 250Z");
        assert_eq!(band(&[[0.0, 0.1, 0.2]], &scale, &scale), "", "one entry spans no area");
        assert_eq!(band(&[[0.0, f64::NAN, 0.2], [0.5, 0.1, 0.2]], &scale, &scale), "");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(line(&[]), (String::new(), Vec::new()));
        assert_eq!(line(&[None, None]), (String::new(), Vec::new()));
    }
}
