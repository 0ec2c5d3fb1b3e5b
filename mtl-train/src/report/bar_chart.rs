//! Bar chart: values of a few series per category, with error bars.
//!
//! Bars lie level, so that names of any length read from left to right at any width; their values stand in a column at
//! the right end, where they can be compared and nothing can cover them.

use serde::Serialize;

use super::{
    axis::Axis,
    label,
    markup::{Attributes, element, empty, leaf, text},
    number::{compact, coordinate, fixed, percent},
    plot::{self, Figure, Key, PlotBox, TICK_FONT},
    scale::{Ends, Scale},
};

/// Groups of bars.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BarChart {
    /// Title above the chart.
    pub title: String,
    /// What to see in it, below the chart.
    pub caption: String,
    /// What the bars measure.
    pub value: Axis,
    /// Names of the groups, from the top.
    pub categories: Vec<String>,
    /// One bar each per category.
    pub series: Vec<BarSeries>,
    /// Where bars start. Other than 0 only if a difference from it is what counts, such as a single-task run.
    pub baseline: f64,
    /// Decimals of the values at the right end.
    pub decimals: usize,
}

/// The bars of one color.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BarSeries {
    /// Name in the legend.
    pub name: String,
    /// One bar per category; missing ones are left out.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Bar {
    /// Where it ends; not drawn unless finite.
    pub value: f64,
    /// Ends of the error bar.
    pub interval: Option<[f64; 2]>,
}

impl From<f64> for Bar {
    fn from(value: f64) -> Self {
        Self { value, interval: None }
    }
}

const BAR: f64 = 13.0;
const GAP: f64 = 2.0;
const GROUP_GAP: f64 = 14.0;
const WIDEST_NAME: f64 = 170.0;

impl BarChart {
    /// Appends the chart as HTML.
    pub fn render(&self, out: &mut String) {
        let figure = Figure { class: "chart", title: &self.title, caption: &self.caption };
        figure.render(out, |out| {
            let bars = || self.series.iter().flat_map(|s| &s.bars);
            if !bars().any(|bar| bar.value.is_finite()) {
                return plot::no_data(out);
            }
            let mut values: Vec<f64> = bars().flat_map(|b| b.interval.into_iter().flatten().chain([b.value])).collect();
            values.push(self.baseline);
            let scale = Scale::fit(&self.value, &values, Ends::Marks, 4);
            if self.series.len() > 1 {
                let entries = self.series.iter().enumerate();
                plot::legend(out, entries.map(|(i, s)| (plot::series_class(i), Key::Bar, s.name.as_str())));
            }
            self.drawing(out, &scale);
        });
    }

    fn n_groups(&self) -> usize {
        self.series.iter().map(|s| s.bars.len()).max().unwrap_or(0).max(self.categories.len())
    }

    fn drawing(&self, out: &mut String, scale: &Scale) {
        let group = self.series.len() as f64 * (BAR + GAP) - GAP + GROUP_GAP;
        let height = group * self.n_groups() as f64;
        let widest_name =
            self.categories.iter().map(|n| label::width(n, TICK_FONT)).fold(0.0, f64::max).min(WIDEST_NAME);
        let values = self.series.iter().flat_map(|s| &s.bars).map(|bar| self.written(bar.value));
        let widest_value = values.map(|v| label::width(&v, TICK_FONT)).fold(0.0, f64::max);
        let names: Vec<&str> = self.categories.iter().map(String::as_str).collect();
        let plot = PlotBox {
            class: "plot-box bars",
            style: format!(
                "--left:{}px;--right:{}px;--height:{}px",
                coordinate(widest_name + 10.0),
                coordinate(widest_value + 12.0),
                coordinate(height),
            ),
            y_label: String::new(),
            x_label: self.value.heading(),
            in_words: format!("Bar chart: {}. {} by {}.", self.title, self.value.label, names.join(", ")),
        };
        plot.render(out, |out| {
            plot::x_grid(out, scale);
            for (index, name) in self.categories.iter().enumerate() {
                let y = coordinate(group * (index as f64 + 0.5));
                let short = label::shorten(name, TICK_FONT, WIDEST_NAME);
                element(out, "text", &[("class", &"tick end"), ("dx", &-8), ("y", &y), ("dy", &"0.35em")], |out| {
                    text(out, &short);
                    if short != *name {
                        leaf(out, "title", &[], name);
                    }
                });
            }
            for (place, series) in self.series.iter().enumerate() {
                for (index, bar) in series.bars.iter().enumerate() {
                    let y = group * index as f64 + GROUP_GAP / 2.0 + place as f64 * (BAR + GAP);
                    self.bar(out, scale, (index, place), *bar, y);
                }
            }
            if let Some(zero) = scale.fraction(self.baseline) {
                let at = percent(zero);
                empty(out, "line", &[("class", &"axis"), ("x1", &at), ("x2", &at), ("y2", &"100%")]);
            }
            plot::x_marks(out, scale);
        });
    }

    fn written(&self, value: f64) -> String {
        let written = fixed(value, self.decimals.min(9));
        // The column of values must leave room for the bars.
        if label::width(&written, TICK_FONT) <= 72.0 { written } else { compact(value) }
    }

    fn bar(&self, out: &mut String, scale: &Scale, (index, place): (usize, usize), bar: Bar, y: f64) {
        let middle = coordinate(y + BAR / 2.0);
        let value: Attributes<'_> =
            &[("class", &"tick"), ("x", &"100%"), ("dx", &8), ("y", &middle), ("dy", &"0.35em")];
        leaf(out, "text", value, &self.written(bar.value));
        let inside = |value: f64| scale.fraction(value).map(|f| f.clamp(0.0, 1.0));
        let [low, high] = scale.range();
        let start = self.baseline.clamp(low, high); // a hand-set range may leave the baseline out
        let Some((from, to)) = inside(start).zip(inside(bar.value)) else { return };
        let series = self.series.get(place).map_or("", |s| s.name.as_str());
        let category = self.categories.get(index).map_or("", String::as_str);
        let interval = bar.interval.map(|[low, high]| format!(" ({} to {})", compact(low), compact(high)));
        let words = format!("{category}, {series}: {}{}", compact(bar.value), interval.unwrap_or_default());
        let rect: Attributes<'_> = &[
            ("class", &format!("bar {}", plot::series_class(place))),
            ("x", &percent(from.min(to))),
            ("y", &coordinate(y)),
            ("width", &percent((to - from).abs())),
            ("height", &BAR),
            ("rx", &1),
        ];
        element(out, "rect", rect, |out| leaf(out, "title", &[], &words));
        if let Some((low, high)) = bar.interval.and_then(|[low, high]| inside(low).zip(inside(high))) {
            let (low, high) = (percent(low), percent(high));
            let (top, bottom) = (coordinate(y + 3.0), coordinate(y + BAR - 3.0));
            empty(out, "line", &[("class", &"whisker"), ("x1", &low), ("x2", &high), ("y1", &middle), ("y2", &middle)]);
            for end in [low, high] {
                empty(out, "line", &[("class", &"whisker"), ("x1", &end), ("x2", &end), ("y1", &top), ("y2", &bottom)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_start_at_the_baseline() {
        let bar = Bar { value: 0.75, interval: Some([0.5, 1.0]) };
        let chart = BarChart {
            value: Axis { range: Some([0.0, 1.0]), ..Axis::default() },
            series: vec![BarSeries { name: "a".into(), bars: vec![bar, 0.25.into(), f64::NAN.into()] }],
            baseline: 0.5,
            decimals: 2,
            ..BarChart::default()
        };
        let mut out = String::new();
        chart.render(&mut out);
        assert!(out.contains("x=\"50%\" y=\"7\" width=\"25%\""), "to the right of it: {out}");
        assert!(out.contains("x=\"25%\" y=\"34\" width=\"25%\""), "to the left of it: {out}");
        assert_eq!(out.matches("class=\"bar ").count(), 2, "no bar without a value");
        assert_eq!(out.matches("class=\"whisker\"").count(), 3);
    }
}
