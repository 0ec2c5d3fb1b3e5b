//! Line chart: curves over epochs or steps, ROC curves, weights over time.

use serde::Serialize;

use super::{
    axis::Axis,
    downsample,
    markup::{element, empty, leaf},
    number::{compact, coordinate, percent},
    plot::{self, Figure, Key},
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
            plot::y_label(out, &self.y.heading());
            let style = format!("--left:{}px", coordinate(plot::left_margin(&y)));
            let class = if self.shape == ChartShape::Square { "plot square" } else { "plot" };
            let drawing: [(&str, &dyn std::fmt::Display); 4] =
                [("class", &class), ("role", &"img"), ("aria-label", &self.in_words()), ("style", &style)];
            element(out, "svg", &drawing, |out| {
                plot::y_grid(out, &y);
                plot::x_marks(out, &x);
                self.curves(out, &x, &y);
                self.dots(out, &x, &y);
            });
            plot::x_label(out, &self.x.heading());
        });
    }

    /// What the drawing shows, for those who cannot see it.
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
        let mut marked: Vec<&str> = Vec::new();
        for marker in self.series.iter().flat_map(|s| &s.markers) {
            if !marked.contains(&marker.label.as_str()) {
                marked.push(&marker.label);
            }
        }
        let rings = marked.into_iter().map(|label| ("muted".into(), Key::Ring, label));
        // A single line is named by the title of its chart.
        let entries: Vec<_> = lines.skip(usize::from(self.series.len() == 1)).chain(reference).chain(rings).collect();
        let single = self.series.iter().enumerate().take(usize::from(self.series.len() == 1 && !entries.is_empty()));
        let single = single.map(|(index, series)| (plot::series_class(index), Key::Line, series.name.as_str()));
        if !entries.is_empty() {
            plot::legend(out, single.chain(entries.iter().cloned()));
        }
    }

    /// Everything that the browser stretches.
    fn curves(&self, out: &mut String, x: &Scale, y: &Scale) {
        let cut = self.x.range.is_some() || self.y.range.is_some();
        let view = format!("0 0 {SIDE} {SIDE}");
        let inner: [(&str, &dyn std::fmt::Display); 5] = [
            ("class", if cut { &"inner cut" } else { &"inner" }),
            ("viewBox", &view),
            ("preserveAspectRatio", &"none"),
            ("width", &"100%"),
            ("height", &"100%"),
        ];
        element(out, "svg", &inner, |out| {
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
            for [px, py] in trace::line(&places).1 {
                let class = format!("dot {color}");
                empty(out, "circle", &[("class", &class), ("cx", &percent(px)), ("cy", &percent(1.0 - py)), ("r", &2)]);
            }
            let tooltips = if points.len() <= MOST_TOOLTIPS { points.len() } else { 0 };
            for (point, place) in points.iter().zip(&places).take(tooltips) {
                if let Some(place) = place {
                    let words = format!("{}: {} at {} {}", series.name, compact(point[1]), self.x.label, compact(point[0]));
                    disc(out, &format!("hit {color}"), *place, 6, &words);
                }
            }
            for marker in &series.markers {
                if let Some((px, py)) = x.fraction(marker.x).zip(y.fraction(marker.y)) {
                    let at = format!("{} at {} {}", compact(marker.y), self.x.label, compact(marker.x));
                    disc(out, &format!("ring {color}"), [px, py], 4, &format!("{}, {}: {at}", series.name, marker.label));
                }
            }
        }
    }
}

fn disc(out: &mut String, class: &str, [x, y]: [f64; 2], radius: u8, words: &str) {
    // A disc outside of a hand-set range would stand among the labels.
    if (-1e-6..=1.000_001).contains(&x) && (-1e-6..=1.000_001).contains(&y) {
        let (cx, cy) = (percent(x), percent(1.0 - y));
        element(out, "circle", &[("class", &class), ("cx", &cx), ("cy", &cy), ("r", &radius)], |out| {
            leaf(out, "title", &[], words);
        });
    }
}
