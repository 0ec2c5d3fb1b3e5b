//! Level lines of a function over the plane, under the curves of a chart.
//!
//! Values are given on a regular grid; every level becomes one path by marching squares. A cell whose corners lie on both
//! sides of a level is crossed by one line, or by two where the signs alternate around it (a saddle): then the mean of the
//! corners decides which corners are cut off. Cells with a corner that is not finite are left out.

use serde::Serialize;

/// Level lines, behind the curves.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Contours {
    /// Name in the legend.
    pub label: String,
    /// First and last place along the first axis.
    pub x: [f64; 2],
    /// First and last place along the second axis.
    pub y: [f64; 2],
    /// Values, row by row from the start of the second axis; all rows of one length, at least 2 by 2.
    pub values: Vec<Vec<f64>>,
    /// Values that get a line.
    pub levels: Vec<f64>,
}

impl Contours {
    /// Values of `f` on a grid of `columns` by `rows` places, and `levels` values evenly spaced between the extremes.
    pub fn of(
        label: impl Into<String>,
        [x, y]: [[f64; 2]; 2],
        [columns, rows]: [usize; 2],
        levels: usize,
        f: impl Fn(f64, f64) -> f64,
    ) -> Self {
        let at = |[from, to]: [f64; 2], i: usize, n: usize| from + (to - from) * i as f64 / (n.max(2) - 1) as f64;
        let row = |r: usize| (0..columns).map(|c| f(at(x, c, columns), at(y, r, rows))).collect();
        let values: Vec<Vec<f64>> = (0..rows).map(row).collect();
        let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let levels = (1..=levels).map(|i| low + (high - low) * i as f64 / (levels + 1) as f64).collect();
        Self { label: label.into(), x, y, values, levels }
    }

    /// The segments of one level, each from `[x, y]` to `[x, y]`.
    pub(super) fn segments(&self, level: f64) -> Vec<[[f64; 2]; 2]> {
        let rows = self.values.len();
        let columns = self.values.iter().map(Vec::len).min().unwrap_or(0);
        let mut segments = Vec::new();
        for r in 1..rows {
            for c in 1..columns {
                // Corners around the cell, from the lower left one.
                let corners = [(r - 1, c - 1), (r - 1, c), (r, c), (r, c - 1)];
                let values = corners.map(|(i, j)| self.values[i][j] - level);
                if values.iter().any(|v| !v.is_finite()) {
                    continue;
                }
                let place = |(i, j): (usize, usize)| {
                    let along =
                        |[from, to]: [f64; 2], k: usize, n: usize| from + (to - from) * k as f64 / (n - 1) as f64;
                    [along(self.x, j, columns), along(self.y, i, rows)]
                };
                let crossings: Vec<[f64; 2]> = (0..4)
                    .filter_map(|e| {
                        let (a, b) = (values[e], values[(e + 1) % 4]);
                        if (a >= 0.0) == (b >= 0.0) {
                            return None;
                        }
                        let (from, to, share) = (place(corners[e]), place(corners[(e + 1) % 4]), a / (a - b));
                        Some([from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share])
                    })
                    .collect();
                match crossings[..] {
                    [a, b] => segments.push([a, b]),
                    [a, b, c, d] => {
                        let mean: f64 = values.iter().sum::<f64>() / 4.0;
                        // Edges 0..3 are crossed in order; the corner that differs from the middle is cut off.
                        let cut_first = (values[0] >= 0.0) != (mean >= 0.0);
                        segments.extend(if cut_first { [[a, d], [b, c]] } else { [[a, b], [c, d]] });
                    }
                    _ => {}
                }
            }
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_has_straight_levels() {
        let plane = Contours::of("f", [[0.0, 2.0], [0.0, 1.0]], [5, 3], 1, |x, y| x + y);
        assert_eq!(plane.levels, [1.5]);
        let segments = plane.segments(1.5);
        assert!(!segments.is_empty());
        for [x, y] in segments.into_iter().flatten() {
            assert!((x + y - 1.5).abs() < 1e-12);
        }
    }

    #[test]
    fn a_circle_is_closed_and_of_its_size() {
        let bowl = Contours::of("f", [[-2.0, 2.0]; 2], [41, 41], 1, |x, y| x * x + y * y);
        let segments = bowl.segments(1.0);
        let length: f64 = segments.iter().map(|[a, b]| (a[0] - b[0]).hypot(a[1] - b[1])).sum();
        assert!((length - std::f64::consts::TAU).abs() < 0.02, "{length}");
        let ends = |p: [f64; 2]| segments.iter().flatten().filter(|q| (p[0] - q[0]).hypot(p[1] - q[1]) < 1e-9).count();
        assert!(segments.iter().flatten().all(|p| ends(*p) >= 2), "every end meets another");
    }

    #[test]
    fn saddles_cut_off_the_corners_that_differ_from_the_middle() {
        let saddle = |middle_high: bool| Contours {
            x: [0.0, 1.0],
            y: [0.0, 1.0],
            values: if middle_high {
                vec![vec![-1.0, 3.0], vec![3.0, -1.0]]
            } else {
                vec![vec![-3.0, 1.0], vec![1.0, -3.0]]
            },
            ..Contours::default()
        };
        // Low corners are lower left and upper right; with a high middle they are cut off, else the others are.
        let near = |c: &Contours, corner: [f64; 2]| {
            c.segments(0.0).iter().any(|s| s.iter().all(|p| (p[0] - corner[0]).hypot(p[1] - corner[1]) < 0.5))
        };
        assert!(near(&saddle(true), [0.0, 0.0]) && near(&saddle(true), [1.0, 1.0]));
        assert!(near(&saddle(false), [1.0, 0.0]) && near(&saddle(false), [0.0, 1.0]));
    }

    #[test]
    fn hostile_grids_give_nothing() {
        let odd = Contours { values: vec![vec![f64::NAN, 1.0], vec![0.0, 2.0]], ..Contours::default() };
        assert!(odd.segments(0.5).is_empty());
        assert!(Contours::default().segments(0.0).is_empty());
        assert!(Contours { values: vec![vec![], vec![1.0]], ..Contours::default() }.segments(0.0).is_empty());
    }
}
