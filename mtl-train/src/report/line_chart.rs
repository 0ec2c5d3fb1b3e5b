//! Line chart: curves over epochs or steps, ROC curves, weights over time.

use serde::Serialize;

use super::{
    axis::Axis,
    contours::Contours,
    downsample,
    markup::{Attributes, element, empty, leaf},
    number::{compact, coordinate, percent},
    plot::{self, Figure, Key, PlotBox},
    scale::{Ends, Scale},
    series::Series,
    trace::{self, SIDE},
};

/// Lines over two axes.
///
/// Values without a place (not finite, not positive on a logarithmic axis) are gaps. More than 400 points of a line are
/// thinned so that extremes stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LineChart {
    /// Title above the chart.
    pub title: String,
    /// What to see in it, below the chart.
    pub caption: String,
    /// First axis; it ends where the data end.
    pub x: Axis,
    /// Second axis; it ends at a mark.
    pub y: Axis,
    /// Lines, in the order of the legend.
    pub series: Vec<Series>,
    /// Level lines of a function of both axes, behind everything.
    pub contours: Option<Contours>,
    /// Straight line to compare with.
    pub reference: Option<Reference>,
    /// Width against height.
    pub shape: ChartShape,
}

/// A thin straight line through the plot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// From the lower left to the upper right corner: chance in a ROC plot, perfect calibration.
    Diagonal {
        /// Name in the legend.
        label: String,
    },
    /// Level, at a value of the second axis: a baseline.
    Level {
        /// Where.
        y: f64,
        /// Name in the legend.
        label: String,
    },
}

/// Width against height of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartShape {
    /// As wide as there is room, at a fixed height.
    #[default]
    Wide,
    /// As high as wide: both axes mean the same.
    Square,
}

/// Lines with at most so many points get a tooltip on every point.
const MOST_TOOLTIPS: usize = 60;
/// The same where every corner of a curve is a point and none stands for an epoch: ROC.
const MOST_TOOLTIPS_OF_SQUARE: usize = 16;

impl LineChart {
    /// Appends the chart as HTML.
    pub fn render(&self, out: &mut String) {
        let figure = Figure { class: "chart", title: &self.title, caption: &self.caption };
        figure.render(out, |out| {
            let xs: Vec<f64> = self.series.iter().flat_map(Series::xs).collect();
            let mut ys: Vec<f64> = self.series.iter().flat_map(Series::ys).collect();
            if let Some(Reference::Level { y, .. }) = &self.reference {
                ys.push(*y);
            }
            let x = Scale::fit(&self.x, &xs, Ends::Data, 6);
            let y = Scale::fit(&self.y, &ys, Ends::Marks, 5);
            let drawn = |s: &Series| s.points.iter().any(|p| x.fraction(p[0]).is_some() && y.fraction(p[1]).is_some());
            if !self.series.iter().any(drawn) {
                return plot::no_data(out);
            }
            self.legend(out);
            let plot = PlotBox {
                class: if self.shape == ChartShape::Square { "plot-box square" } else { "plot-box" },
                style: format!("--left:{}px", coordinate(plot::left_margin(&y))),
                y_label: self.y.heading(),
                x_label: self.x.heading(),
                in_words: self.in_words(),
            };
            plot.render(out, |out| {
                plot::y_grid(out, &y);
                plot::x_marks(out, &x);
                self.curves(out, &x, &y);
                self.dots(out, &x, &y);
            });
        });
    }

    fn in_words(&self) -> String {
        let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        let title = if self.title.is_empty() { "lines" } else { &self.title };
        format!("Line chart: {title}. {} over {}. Lines: {}.", self.y.label, self.x.label, names.join(", "))
    }

    fn legend(&self, out: &mut String) {
        let lines = self.series.iter().enumerate().map(|(index, series)| {
            let key = if series.dashed { Key::Dashed } else { Key::Line };
            (plot::series_class(index), key, series.name.as_str())
        });
        let reference = self.reference.iter().map(|reference| match reference {
            Reference::Diagonal { label } | Reference::Level { label, .. } => {
                ("reference".into(), Key::Dashed, label.as_str())
            }
        });
        let contours = self.contours.iter().map(|c| ("contour".into(), Key::Line, c.label.as_str()));
        let mut marked: Vec<&str> = Vec::new();
        for marker in self.series.iter().flat_map(|s| &s.markers) {
            if !marked.contains(&marker.label.as_str()) {
                marked.push(&marker.label);
            }
        }
        let rings = marked.into_iter().map(|label| ("muted".into(), Key::Ring, label));
        let entries: Vec<(String, Key, &str)> = lines.chain(reference).chain(contours).chain(rings).collect();
        // A line that is alone is named by the title of its chart.
        if entries.len() > 1 {
            plot::legend(out, entries.into_iter());
        }
    }

    /// Everything that the browser stretches.
    fn curves(&self, out: &mut String, x: &Scale, y: &Scale) {
        // Only a hand-set range leaves data out; cutting always would halve the strokes that run along an edge.
        let outside = |place: [f64; 2]| !place.iter().all(|f| is_inside(*f));
        let points = self.series.iter().flat_map(|s| trace::places(&s.points, x, y)).flatten();
        let ends = |e: &[f64; 3]| [[e[0], e[1]], [e[0], e[2]]];
        let bands =
            self.series.iter().flat_map(|s| s.band.iter().flat_map(|e| trace::places(&ends(e), x, y))).flatten();
        let cut = points.chain(bands).any(outside);
        let view = format!("0 0 {SIDE} {SIDE}");
        let inner: Attributes<'_> = &[
            ("class", if cut { &"inner cut" } else { &"inner" }),
            ("viewBox", &view),
            ("preserveAspectRatio", &"none"),
            ("width", &"100%"),
            ("height", &"100%"),
        ];
        element(out, "svg", inner, |out| {
            if let Some(contours) = &self.contours {
                for level in &contours.levels {
                    let mut places = Vec::new();
                    for [from, to] in contours.segments(*level) {
                        places.extend(trace::places(&[from, to, [f64::NAN; 2]], x, y));
                    }
                    let (path, _) = trace::line(&places);
                    if !path.is_empty() {
                        element(out, "path", &[("class", &"trace contour"), ("d", &path)], |out| {
                            leaf(out, "title", &[], &format!("{} {}", contours.label, compact(*level)));
                        });
                    }
                }
            }
            let straight = match &self.reference {
                Some(Reference::Diagonal { .. }) => Some([0.0, 1.0]),
                Some(Reference::Level { y: level, .. }) => y.fraction(*level).map(|place| [place, place]),
                None => None,
            };
            if let Some([from, to]) = straight {
                let (path, _) = trace::line(&[Some([0.0, from]), Some([1.0, to])]);
                empty(out, "path", &[("class", &"trace reference dash"), ("d", &path)]);
            }
            // All bands lie under all lines.
            for (index, series) in self.series.iter().enumerate() {
                let path = trace::band(&downsample::band(&series.band), x, y);
                if !path.is_empty() {
                    empty(out, "path", &[("class", &format!("band {}", plot::series_class(index))), ("d", &path)]);
                }
            }
            for (index, series) in self.series.iter().enumerate() {
                let (path, _) = trace::line(&trace::places(&downsample::points(&series.points), x, y));
                if !path.is_empty() {
                    let dash = if series.dashed { " dash" } else { "" };
                    let class = format!("trace {}{dash}", plot::series_class(index));
                    element(out, "path", &[("class", &class), ("d", &path)], |out| {
                        leaf(out, "title", &[], &series.name);
                    });
                }
            }
        });
    }

    /// Lone points, rings and the invisible discs that carry tooltips.
    fn dots(&self, out: &mut String, x: &Scale, y: &Scale) {
        for (index, series) in self.series.iter().enumerate() {
            let color = plot::series_class(index);
            let points = downsample::points(&series.points);
            let places = trace::places(&points, x, y);
            for [px, py] in trace::line(&places).1.into_iter().filter(|place| place.iter().all(|f| is_inside(*f))) {
                let class = format!("dot {color}");
                empty(out, "circle", &[("class", &class), ("cx", &percent(px)), ("cy", &percent(1.0 - py)), ("r", &2)]);
            }
            let most = if self.shape == ChartShape::Square { MOST_TOOLTIPS_OF_SQUARE } else { MOST_TOOLTIPS };
            let tooltips = if points.len() <= most { points.len() } else { 0 };
            for (point, place) in points.iter().zip(&places).take(tooltips) {
                if let Some(place) = place {
                    let words =
                        format!("{}: {} at {} {}", series.name, compact(point[1]), self.x.label, compact(point[0]));
                    disc(out, &format!("hit {color}"), *place, 6, &words);
                }
            }
            for marker in &series.markers {
                if let Some((px, py)) = x.fraction(marker.x).zip(y.fraction(marker.y)) {
                    let at = format!("{} at {} {}", compact(marker.y), self.x.label, compact(marker.x));
                    disc(
                        out,
                        &format!("ring {color}"),
                        [px, py],
                        4,
                        &format!("{}, {}: {at}", series.name, marker.label),
                    );
                }
            }
        }
    }
}

/// Whether a place is on its axis, and not outside of a hand-set range.
fn is_inside(fraction: f64) -> bool {
    (-1e-6..=1.000_001).contains(&fraction)
}

fn disc(out: &mut String, class: &str, [x, y]: [f64; 2], radius: u8, words: &str) {
    // A disc outside of a hand-set range would stand among the labels.
    if is_inside(x) && is_inside(y) {
        let (cx, cy) = (percent(x), percent(1.0 - y));
        element(out, "circle", &[("class", &class), ("cx", &cx), ("cy", &cy), ("r", &radius)], |out| {
            leaf(out, "title", &[], words);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Marker;

    fn rendered(chart: &LineChart) -> String {
        let mut out = String::new();
        chart.render(&mut out);
        out
    }

    #[test]
    fn legend_lists_lines_reference_and_each_kind_of_marker_once() {
        let marker = |x| Marker { x, y: 0.5, label: "best epoch".into() };
        let line = |name| Series {
            markers: vec![marker(0.0), marker(1.0)],
            ..Series::new(name, vec![[0.0, 0.5], [1.0, 1.0]])
        };
        let reference = Some(Reference::Level { y: 0.7, label: "baseline".into() });
        let html = rendered(&LineChart { series: vec![line("a"), line("b")], reference, ..LineChart::default() });
        assert_eq!(html.matches("<li>").count(), 4);
        assert_eq!(html.matches("class=\"ring s").count(), 4, "two rings on each of two lines");
        let alone = Series::new("a", vec![[0.0, 0.5], [1.0, 1.0]]);
        assert!(!rendered(&LineChart { series: vec![alone], ..LineChart::default() }).contains("<li>"));
    }

    #[test]
    fn gaps_split_the_path_and_every_point_has_a_tooltip() {
        let series = Series::by_epoch("loss", [Some(1.0), Some(0.5), None, Some(0.25), Some(0.0)]);
        let x = Axis::new("epoch");
        let html = rendered(&LineChart { x, series: vec![series], ..LineChart::default() });
        assert!(html.contains("d=\"M0 0L250 500M750 750L1000 1000\""), "{html}");
        assert!(html.contains("<title>loss: 0.25 at epoch 4</title>"));
        assert_eq!(html.matches("class=\"hit").count(), 4);
    }
}
