//! The frame around a plot: grid, marks, axis labels, legend.
//!
//! # Text that never scales
//! A picture with a fixed coordinate system shrinks with its text: what is readable on a desk is 6 pixels high on a
//! telephone. So the drawing here has no coordinate system of its own. Its box is the plot area; places are percentages
//! of it, letters are pixels outside of it, in margins that the style sheet keeps free. Only curves, which cannot be
//! written in percentages, sit in an inner drawing that the browser stretches, with strokes told not to stretch.

use super::{
    label,
    markup::{Attributes, element, empty, leaf, text},
    number::{coordinate, percent},
    scale::Scale,
};

/// Size of the letters at the marks, in pixels; the style sheet says the same.
pub(super) const TICK_FONT: f64 = 11.0;

/// How a chart is framed.
pub(super) struct Figure<'a> {
    pub(super) class: &'static str,
    pub(super) title: &'a str,
    pub(super) caption: &'a str,
}

impl Figure<'_> {
    /// Title, content, caption.
    pub(super) fn render(&self, out: &mut String, content: impl FnOnce(&mut String)) {
        element(out, "figure", &[("class", &self.class)], |out| {
            if !self.title.is_empty() {
                leaf(out, "figcaption", &[], self.title);
            }
            content(out);
            if !self.caption.is_empty() {
                leaf(out, "p", &[("class", &"caption")], self.caption);
            }
        });
    }
}

/// What stands in place of a drawing that would be empty.
pub(super) fn no_data(out: &mut String) {
    leaf(out, "p", &[("class", &"no-data")], "no data");
}

/// The drawing with its margins and the labels of its axes.
pub(super) struct PlotBox {
    /// Classes of the box: `plot-box` and its variants.
    pub(super) class: &'static str,
    /// Lengths that the style sheet needs.
    pub(super) style: String,
    /// Above the plot and level, where it takes no width and nobody has to turn their head.
    pub(super) y_label: String,
    /// Under the plot.
    pub(super) x_label: String,
    /// What the drawing shows, for those who cannot see it.
    pub(super) in_words: String,
}

impl PlotBox {
    /// Labels, and the drawing around its content.
    pub(super) fn render(&self, out: &mut String, content: impl FnOnce(&mut String)) {
        element(out, "div", &[("class", &self.class), ("style", &self.style)], |out| {
            if !self.y_label.is_empty() {
                leaf(out, "p", &[("class", &"y-label")], &self.y_label);
            }
            let drawing: Attributes<'_> = &[("class", &"plot"), ("role", &"img"), ("aria-label", &self.in_words)];
            element(out, "svg", drawing, content);
            if !self.x_label.is_empty() {
                leaf(out, "p", &[("class", &"x-label")], &self.x_label);
            }
        });
    }
}

/// Room that the widest mark of the second axis needs on the left, in pixels.
pub(super) fn left_margin(y: &Scale) -> f64 {
    (y.marks().map(|(_, mark)| label::width(mark, TICK_FONT)).fold(0.0, f64::max) + 10.0).max(28.0)
}

/// Level lines, and the marks of the second axis at their left ends.
pub(super) fn y_grid(out: &mut String, y: &Scale) {
    for (place, mark) in y.marks() {
        let at = percent(1.0 - place);
        empty(out, "line", &[("class", &"grid"), ("x2", &"100%"), ("y1", &at), ("y2", &at)]);
        leaf(out, "text", &[("class", &"tick end"), ("dx", &-7), ("y", &at), ("dy", &"0.35em")], mark);
    }
}

/// Marks of the first axis under the plot, with the line they stand on.
pub(super) fn x_marks(out: &mut String, x: &Scale) {
    empty(out, "line", &[("class", &"axis"), ("x2", &"100%"), ("y1", &"100%"), ("y2", &"100%")]);
    for (place, mark) in x.marks() {
        let at = percent(place);
        leaf(out, "text", &[("class", &"tick mid"), ("x", &at), ("y", &"100%"), ("dy", &17)], mark);
    }
}

/// Upright lines at the marks of the first axis.
pub(super) fn x_grid(out: &mut String, x: &Scale) {
    for (place, _) in x.marks() {
        let at = percent(place);
        empty(out, "line", &[("class", &"grid"), ("x1", &at), ("x2", &at), ("y2", &"100%")]);
    }
}

/// Class that gives the color of a series, and a dash once colors repeat.
pub(super) fn series_class(index: usize) -> String {
    let color = index % super::palette::N_SERIES;
    match index / super::palette::N_SERIES {
        0 => format!("s{color}"),
        round => format!("s{color} d{}", (round - 1) % 2 + 1),
    }
}

/// How an entry of the legend is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Line,
    Dashed,
    Bar,
    Ring,
}

/// Names beside their colors; wraps to as many lines as it needs.
pub(super) fn legend<'a>(out: &mut String, entries: impl Iterator<Item = (String, Key, &'a str)>) {
    element(out, "ul", &[("class", &"legend")], |out| {
        for (class, key, name) in entries {
            element(out, "li", &[], |out| {
                let width = if matches!(key, Key::Line | Key::Dashed) { 20.0 } else { 12.0 };
                let size: Attributes<'_> =
                    &[("class", &class), ("width", &coordinate(width)), ("height", &12), ("aria-hidden", &"true")];
                element(out, "svg", size, |out| match key {
                    Key::Line => empty(out, "line", &[("class", &"trace"), ("x2", &20), ("y1", &6), ("y2", &6)]),
                    Key::Dashed => empty(out, "line", &[("class", &"trace dash"), ("x2", &20), ("y1", &6), ("y2", &6)]),
                    Key::Bar => empty(out, "rect", &[("class", &"bar"), ("width", &12), ("height", &12), ("rx", &2)]),
                    Key::Ring => empty(out, "circle", &[("class", &"ring"), ("cx", &6), ("cy", &6), ("r", &4)]),
                });
                text(out, name);
            });
        }
    });
}
