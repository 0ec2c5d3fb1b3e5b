//! Heat map: a matrix as colored cells, such as attention by field and task or cosines of gradients.

use serde::Serialize;

use super::{
    label,
    markup::{Attributes, element, empty, leaf},
    number::{MISSING, compact, coordinate, fixed, written},
    palette::{self, N_LEVELS},
    plot::{self, Figure},
};

/// A matrix of values with names.
///
/// There are as many rows and columns as names or values, whichever are more. A cell without a finite value is gray
/// with a dash. Wide maps scroll inside their own box while the names of the rows stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct HeatMap {
    /// Title above the map.
    pub title: String,
    /// What to see in it, below the map.
    pub caption: String,
    /// Names of the rows, from the top.
    pub rows: Vec<String>,
    /// Names of the columns; they are turned when they are wider than a column.
    pub columns: Vec<String>,
    /// Values, `[row][column]`.
    pub values: Vec<Vec<f64>>,
    /// What the colors mean.
    pub palette: Palette,
    /// Values of the two ends of the palette; without it (or when it is no range) the data decide. Values outside take
    /// the color of the nearer end.
    pub range: Option<[f64; 2]>,
    /// Decimals in the cells.
    pub decimals: usize,
}

/// What the colors of a heat map mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Palette {
    /// Amounts: the more, the further from the color of the page.
    #[default]
    Sequential,
    /// Signed strengths around 0: blue above, orange below. The range is made symmetric.
    Diverging,
}

const FONT: f64 = 11.0;
/// Width of the content of a page on a desk; maps of up to some 40 columns are fitted into it.
const PAGE: f64 = 1030.0;
const WIDEST_ROW_NAME: f64 = 150.0;
const WIDEST_COLUMN_NAME: f64 = 130.0;
/// Sine and cosine of the 45 degrees by which names are turned.
const TURN: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Sizes in pixels. Cells do not stretch: a 2 x 2 map as wide as the page would shout.
struct Layout {
    cell: [f64; 2],
    top: f64,
    left: f64,
    right: f64,
    turned: bool,
    n_rows: usize,
    n_columns: usize,
}

impl HeatMap {
    /// Appends the map as HTML.
    pub fn render(&self, out: &mut String) {
        let figure = Figure { class: "chart heat", title: &self.title, caption: &self.caption };
        figure.render(out, |out| {
            let layout = self.layout();
            if layout.n_rows == 0 || layout.n_columns == 0 {
                return plot::no_data(out);
            }
            let range = self.color_range();
            element(out, "div", &[("class", &"heat-box")], |out| {
                self.row_names(out, &layout);
                let words = format!("Cells of {}", if self.title.is_empty() { "the heat map" } else { &self.title });
                // Reachable by keyboard, or a wide map could only be scrolled with a mouse.
                let scroll: Attributes<'_> =
                    &[("class", &"scroll"), ("role", &"region"), ("aria-label", &words), ("tabindex", &0)];
                element(out, "div", scroll, |out| self.cells(out, &layout, range));
            });
            self.color_bar(out, range);
        });
    }

    fn value(&self, row: usize, column: usize) -> f64 {
        self.values.get(row).and_then(|values| values.get(column)).copied().unwrap_or(f64::NAN)
    }

    fn layout(&self) -> Layout {
        let n_columns = self.values.iter().map(Vec::len).max().unwrap_or(0).max(self.columns.len());
        let n_rows = self.values.len().max(self.rows.len());
        let widths = |names: &[String], most: f64| -> Vec<f64> {
            names.iter().map(|name| label::width(name, FONT).min(most)).collect()
        };
        let widest = |widths: &[f64]| widths.iter().copied().fold(0.0, f64::max);
        let left = widest(&widths(&self.rows, WIDEST_ROW_NAME)) + 10.0;
        let names = widths(&self.columns, WIDEST_COLUMN_NAME);
        let width = ((PAGE - left - 100.0) / n_columns.max(1) as f64).clamp(18.0, 48.0);
        let turned = widest(&names) > width - 4.0;
        // Turned names of the last columns reach over the right edge of the map.
        let reach = names.iter().enumerate().map(|(i, name)| (i as f64 + 0.5 - n_columns as f64) * width + name * TURN);
        Layout {
            cell: [width, width.clamp(24.0, 34.0)],
            top: if turned { widest(&names) * TURN + 16.0 } else { 20.0 },
            left,
            right: if turned { reach.fold(0.0, f64::max) + 8.0 } else { 1.0 },
            turned,
            n_rows,
            n_columns,
        }
    }

    /// Values at the ends of the palette.
    fn color_range(&self) -> [f64; 2] {
        let finite = || self.values.iter().flatten().copied().filter(|v| v.is_finite());
        let given = self.range.filter(|[low, high]| low < high && low.is_finite() && high.is_finite());
        let [low, high] = given
            .unwrap_or_else(|| [finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max)]);
        match self.palette {
            Palette::Diverging if low > high => [-1.0, 1.0],
            Palette::Diverging => {
                let most = low.abs().max(high.abs());
                if most > 0.0 { [-most, most] } else { [-1.0, 1.0] }
            }
            Palette::Sequential if low < high => [low, high],
            Palette::Sequential if low > high => [0.0, 1.0],
            // All values are the same: they are the most there is.
            Palette::Sequential => [low.min(0.0), if high > 0.0 { high } else { low.min(0.0) + 1.0 }],
        }
    }

    fn class(&self, value: f64, [low, high]: [f64; 2]) -> String {
        if !value.is_finite() {
            return "gap".into();
        }
        match self.palette {
            // Halves first: the difference of two large ends could overflow.
            Palette::Sequential => palette::amount_class((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)),
            Palette::Diverging => palette::signed_class(value / high),
        }
    }

    fn row_names(&self, out: &mut String, layout: &Layout) {
        let height = layout.top + layout.cell[1] * layout.n_rows as f64;
        let size: Attributes<'_> = &[
            ("class", &"names"),
            ("width", &coordinate(layout.left)),
            ("height", &coordinate(height)),
            // Every cell names its row and its column again.
            ("aria-hidden", &"true"),
        ];
        element(out, "svg", size, |out| {
            for (row, name) in self.rows.iter().enumerate() {
                let y = layout.top + layout.cell[1] * (row as f64 + 0.5);
                let place: Attributes<'_> = &[
                    ("class", &"tick end"),
                    // From the right, where the cells are, also when a narrow page makes the names narrower.
                    ("x", &"100%"),
                    ("dx", &-7),
                    ("y", &coordinate(y)),
                    ("dy", &"0.35em"),
                ];
                name_with_tooltip(out, place, name, WIDEST_ROW_NAME);
            }
        });
    }

    fn cells(&self, out: &mut String, layout: &Layout, range: [f64; 2]) {
        let [cell_width, cell_height] = layout.cell;
        let width = cell_width * layout.n_columns as f64 + layout.right;
        let height = layout.top + cell_height * layout.n_rows as f64;
        let words = format!("Heat map: {}. {} rows, {} columns.", self.title, layout.n_rows, layout.n_columns);
        let size: Attributes<'_> =
            &[("role", &"img"), ("aria-label", &words), ("width", &coordinate(width)), ("height", &coordinate(height))];
        element(out, "svg", size, |out| {
            for (column, name) in self.columns.iter().enumerate() {
                let (x, y) = (coordinate(cell_width * (column as f64 + 0.5)), coordinate(layout.top - 7.0));
                if layout.turned {
                    let turn = format!("translate({x} {y}) rotate(-45)");
                    let place: Attributes<'_> = &[("class", &"tick"), ("transform", &turn)];
                    name_with_tooltip(out, place, name, WIDEST_COLUMN_NAME);
                } else {
                    name_with_tooltip(out, &[("class", &"tick mid"), ("x", &x), ("y", &y)], name, WIDEST_COLUMN_NAME);
                }
            }
            for row in 0..layout.n_rows {
                for column in 0..layout.n_columns {
                    let x = cell_width * column as f64;
                    let y = layout.top + cell_height * row as f64;
                    self.cell(out, (row, column), [x, y], layout.cell, range);
                }
            }
        });
    }

    fn cell(&self, out: &mut String, at: (usize, usize), [x, y]: [f64; 2], [width, height]: [f64; 2], range: [f64; 2]) {
        let value = self.value(at.0, at.1);
        let rect: Attributes<'_> = &[
            ("class", &self.class(value, range)),
            ("x", &coordinate(x)),
            ("y", &coordinate(y)),
            // One pixel of page between cells.
            ("width", &coordinate(width - 1.0)),
            ("height", &coordinate(height - 1.0)),
        ];
        element(out, "rect", rect, |out| {
            let name = |names: &[String], index: usize| names.get(index).cloned().unwrap_or_else(|| format!("{index}"));
            let words = format!("{}, {}: {}", name(&self.rows, at.0), name(&self.columns, at.1), compact(value));
            leaf(out, "title", &[], &words);
        });
        let written = if value.is_finite() { fixed(value, self.decimals.min(9)) } else { MISSING.into() };
        if label::width(&written, FONT) <= width - 4.0 {
            let (x, y) = (coordinate(x + width / 2.0 - 0.5), coordinate(y + height / 2.0));
            leaf(out, "text", &[("class", &"cell"), ("x", &x), ("y", &y), ("dy", &"0.35em")], &written);
        }
    }

    fn color_bar(&self, out: &mut String, [low, high]: [f64; 2]) {
        element(out, "div", &[("class", &"color-bar")], |out| {
            leaf(out, "span", &[], &end(low));
            let n = 2 * N_LEVELS;
            let size: Attributes<'_> = &[("width", &(3 * n)), ("height", &10), ("aria-hidden", &"true")];
            element(out, "svg", size, |out| {
                for index in 0..n {
                    let share = (index as f64 + 0.5) / n as f64;
                    let class = match self.palette {
                        Palette::Sequential => palette::amount_class(share),
                        Palette::Diverging => palette::signed_class(2.0 * share - 1.0),
                    };
                    empty(out, "rect", &[("class", &class), ("x", &(3 * index)), ("width", &3), ("height", &10)]);
                }
            });
            leaf(out, "span", &[], &end(high));
        });
    }
}

/// An end of the palette: whole numbers as they are, others in four digits.
fn end(value: f64) -> String {
    if value.fract().abs() > 0.0 { written(value) } else { compact(value) }
}

fn name_with_tooltip(out: &mut String, place: Attributes<'_>, name: &str, room: f64) {
    let short = label::shorten(name, FONT, room);
    element(out, "text", place, |out| {
        super::markup::text(out, &short);
        if short != name {
            leaf(out, "title", &[], name);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(map: &HeatMap) -> String {
        let mut out = String::new();
        map.render(&mut out);
        out
    }

    #[test]
    fn diverging_colors_are_centered_at_zero() {
        let values = vec![vec![-0.5, 0.0, 0.25, f64::NAN]];
        let map = HeatMap { values, palette: Palette::Diverging, decimals: 2, ..HeatMap::default() };
        let [low, high] = map.color_range();
        assert!((low + 0.5).abs() < 1e-12 && (high - 0.5).abs() < 1e-12);
        let classes: Vec<String> = map.values[0].iter().map(|v| map.class(*v, [low, high])).collect();
        assert_eq!(classes, ["n23", "p0", "p12", "gap"]);
        assert!(rendered(&map).contains("\u{2212}0.50</text>"));
    }

    #[test]
    fn long_names_are_cut_with_the_whole_name_in_a_tooltip() {
        let name = "detailed household and family status";
        let map = HeatMap { rows: vec![name.into()], values: vec![vec![1.0]], ..HeatMap::default() };
        assert!(rendered(&map).contains(&format!("\u{2026}<title>{name}</title>")));
    }

    #[test]
    fn forty_columns_fit_a_desk_and_drop_their_numbers() {
        let columns: Vec<String> = (0..40).map(|i| format!("field {i}")).collect();
        let map = HeatMap { columns, values: vec![vec![0.5; 40]], decimals: 2, ..HeatMap::default() };
        let layout = map.layout();
        assert!(layout.turned && layout.left + 40.0 * layout.cell[0] + layout.right <= PAGE);
        assert!(!rendered(&map).contains("class=\"cell\""));
    }
}
