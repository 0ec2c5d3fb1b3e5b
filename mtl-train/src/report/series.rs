//! One line of a line chart: its points, its band, its markers.

use serde::Serialize;

/// A named line.
///
/// A point whose value is not finite is a gap: the line ends before it and starts again after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points `[x, y]` in drawing order.
    pub points: Vec<[f64; 2]>,
    /// Range `[x, low, high]` around the line, such as lowest and highest seed.
    pub band: Vec<[f64; 3]>,
    /// Points that deserve a ring, such as the best epoch.
    pub markers: Vec<Marker>,
    /// Whether the line is broken, for what belongs to another line of the same chart (training under validation).
    pub dashed: bool,
}

/// A marked point of a line.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Marker {
    /// Place along the first axis.
    pub x: f64,
    /// Place along the second axis.
    pub y: f64,
    /// What is special: `best epoch`. Equal labels share one entry of the legend.
    pub label: String,
}

impl Series {
    /// A line through `points`.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.into(), points, ..Self::default() }
    }

    /// A line through one value per epoch, counted from 1; `None` is a gap.
    pub fn by_epoch(name: impl Into<String>, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let points = values.into_iter().enumerate().map(|(i, v)| [(i + 1) as f64, v.unwrap_or(f64::NAN)]);
        Self::new(name, points.collect())
    }

    /// Everything that must be on the first axis.
    pub(super) fn xs(&self) -> impl Iterator<Item = f64> {
        // A gap at the end still belongs to the axis: it shows that something went missing there.
        let points = self.points.iter().map(|[x, _]| *x);
        points.chain(self.band.iter().map(|[x, ..]| *x)).chain(self.markers.iter().map(|m| m.x))
    }

    /// Everything that must be on the second axis.
    pub(super) fn ys(&self) -> impl Iterator<Item = f64> {
        let points = self.points.iter().map(|[_, y]| *y);
        points.chain(self.band.iter().flat_map(|[_, low, high]| [*low, *high])).chain(self.markers.iter().map(|m| m.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_count_from_one_and_none_is_a_gap() {
        let series = Series::by_epoch("loss", [Some(0.5), None]);
        assert_eq!(format!("{:?}", series.points[0]), "[1.0, 0.5]");
        assert!(series.points[1][1].is_nan());
        assert_eq!(series.xs().count(), 2);
    }
}
