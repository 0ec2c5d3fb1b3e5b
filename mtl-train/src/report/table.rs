//! Table: one row per model, one column per number, and honest about which rows are ours.

use serde::Serialize;

use super::{
    cell::Cell,
    column::{Align, Best, Column},
    markup::{Attributes, element, leaf, prose, text},
    row::{Origin, Row},
};

/// Rows of numbers under named columns.
///
/// Rows shorter than the widest one are filled with dashes. Wide tables scroll inside their own box while the names of
/// the rows stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Table {
    /// What the table shows, above it.
    pub caption: String,
    /// Heading of the names of the rows: `model`.
    pub corner: String,
    /// Columns, without that of the names.
    pub columns: Vec<Column>,
    /// Rows, from the top.
    pub rows: Vec<Row>,
    /// Notes below the table, numbered from 1; rows point at them.
    pub footnotes: Vec<String>,
}

/// Rows of a table that is as high as it needs to be.
const MOST_ROWS: usize = 30;
/// Characters of names of rows that need no room to be broken in.
const SHORT_NAME: usize = 12;

impl Table {
    /// Appends the table as HTML.
    pub fn render(&self, out: &mut String) {
        let words = if self.caption.is_empty() { "table" } else { &self.caption };
        // A long table has a window of its own with its heading in sight, or whoever reads on would have to pass it all.
        let is_tall = self.rows.len() > MOST_ROWS;
        let class = if is_tall { "scroll tall" } else { "scroll" };
        let scroll: Attributes<'_> =
            &[("class", &class), ("role", &"region"), ("aria-label", &words), ("tabindex", &0)];
        element(out, "div", &[("class", &"table-box")], |out| {
            if is_tall || !self.caption.is_empty() {
                element(out, "p", &[("class", &"table-caption")], |out| {
                    text(out, &self.caption);
                    if is_tall {
                        // Browsers hide scroll bars until somebody scrolls: the table would seem to end with its window.
                        let colon = if self.caption.is_empty() { "" } else { ": " };
                        let length = format!("{colon}{} rows in a window that scrolls", self.rows.len());
                        leaf(out, "span", &[("class", &"length")], &length);
                    }
                });
            }
            let is_narrow = self.rows.iter().all(|row| row.name.chars().count() <= SHORT_NAME);
            let narrow: Attributes<'_> = if is_narrow { &[("class", &"narrow")] } else { &[] };
            element(out, "div", scroll, |out| {
                element(out, "table", narrow, |out| {
                    element(out, "thead", &[], |out| self.head(out));
                    element(out, "tbody", &[], |out| self.body(out));
                });
            });
            if !self.footnotes.is_empty() {
                element(out, "ol", &[("class", &"footnotes")], |out| {
                    for note in &self.footnotes {
                        element(out, "li", &[], |out| prose(out, note));
                    }
                });
            }
        });
    }

    fn n_columns(&self) -> usize {
        self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).max(self.columns.len())
    }

    fn head(&self, out: &mut String) {
        if self.columns.iter().any(|column| column.group.is_some()) {
            element(out, "tr", &[("class", &"groups")], |out| {
                element(out, "td", &[], |_| ());
                for same in self.columns.chunk_by(|a, b| a.group == b.group) {
                    match same.first().and_then(|column| column.group.as_ref()) {
                        Some(group) => {
                            leaf(out, "th", &[("scope", &"colgroup"), ("colspan", &same.len())], group);
                        }
                        None => element(out, "td", &[("colspan", &same.len())], |_| ()),
                    }
                }
            });
        }
        element(out, "tr", &[], |out| {
            leaf(out, "th", &[("scope", &"col")], &self.corner);
            for index in 0..self.n_columns() {
                let label = self.columns.get(index).map_or("", |column| column.label.as_str());
                leaf(out, "th", &[("scope", &"col"), ("class", &self.class(index))], label);
            }
        });
    }

    fn body(&self, out: &mut String) {
        let best: Vec<Option<String>> = (0..self.n_columns()).map(|index| self.best(index)).collect();
        let mut before = Origin::Measured;
        for row in &self.rows {
            let class = match (row.origin, before) {
                (Origin::Measured, Origin::Measured) => "",
                (Origin::Measured, Origin::Published) => "first",
                (Origin::Published, Origin::Measured) => "published first",
                (Origin::Published, Origin::Published) => "published",
            };
            before = row.origin;
            let attributes: Attributes<'_> = if class.is_empty() { &[] } else { &[("class", &class)] };
            element(out, "tr", attributes, |out| {
                row.render_head(out);
                for (index, best) in best.iter().enumerate() {
                    let cell = row.cells.get(index).unwrap_or(&Cell::Missing);
                    let written = cell.written();
                    let wins =
                        row.origin == Origin::Measured && cell.value().is_some() && best.as_ref() == Some(&written);
                    element(out, "td", &[("class", &self.class(index))], |out| {
                        if wins {
                            leaf(out, "strong", &[], &written);
                        } else {
                            text(out, &written);
                        }
                        // Kept free where there is no spread, so that the digits of a column stay aligned.
                        let room = self.spread_room(index);
                        if room > 0 {
                            let style = format!("width:{room}ch");
                            let spread = cell.spread().unwrap_or_default();
                            leaf(out, "span", &[("class", &"spread"), ("style", &style)], &spread);
                        }
                    });
                }
            });
        }
    }

    fn class(&self, index: usize) -> &'static str {
        match self.columns.get(index).map_or(Align::Right, |column| column.align) {
            Align::Left if self.columns.get(index).is_some_and(|column| column.wrap) => "left wrap",
            Align::Left => "left",
            Align::Right => "right",
            Align::Center => "center",
        }
    }

    /// Characters of the longest spread of a column.
    fn spread_room(&self, index: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(index));
        cells.filter_map(Cell::spread).map(|spread| spread.chars().count()).max().unwrap_or(0)
    }

    /// The best value of a column as printed: two values that look the same win together, and if all look the same
    /// there is no winner.
    fn best(&self, index: usize) -> Option<String> {
        let rule = self.columns.get(index)?.best?;
        let measured = self.rows.iter().filter(|row| row.origin == Origin::Measured);
        let cells: Vec<&Cell> =
            measured.filter_map(|row| row.cells.get(index)).filter(|c| c.value().is_some()).collect();
        let by_value = |a: &&Cell, b: &&Cell| a.value().unwrap_or(0.0).total_cmp(&b.value().unwrap_or(0.0));
        let best = match rule {
            Best::Highest => cells.iter().copied().max_by(by_value)?,
            Best::Lowest => cells.iter().copied().min_by(by_value)?,
        };
        let best = best.written();
        cells.iter().any(|cell| cell.written() != best).then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(table: &Table) -> String {
        let mut out = String::new();
        table.render(&mut out);
        out
    }

    fn ranked(best: Best, rows: Vec<Row>) -> String {
        let columns = vec![Column { best: Some(best), ..Column::new("AUROC") }];
        rendered(&Table { columns, rows, ..Table::default() })
    }

    #[test]
    fn best_is_bold_ties_share_and_papers_do_not_compete() {
        let rows = || {
            vec![
                Row::measured("a", vec![Cell::number(0.9501, 3)]),
                Row::measured("b", vec![Cell::number(0.9499, 3)]),
                Row::measured("c", vec![Cell::number(0.94, 3)]),
                Row::measured("d", vec![Cell::number(f64::NAN, 3)]),
                Row::published("e", vec![Cell::number(0.99, 3)]),
            ]
        };
        let html = ranked(Best::Highest, rows());
        assert_eq!(html.matches("<strong>0.950</strong>").count(), 2);
        assert_eq!(html.matches("<strong>").count(), 2);
        assert!(html.contains("<span class=\"badge\">published</span>"));
        assert_eq!(ranked(Best::Lowest, rows()).matches("<strong>0.940</strong>").count(), 1);
        assert!(!ranked(Best::Lowest, rows()[..2].to_vec()).contains("<strong>"), "all the same: no winner");
    }

    #[test]
    fn a_table_in_a_window_says_how_long_it_is() {
        let rows = |n: usize| (0..n).map(|at| Row::measured(format!("task {at}"), vec![1.5.into()])).collect();
        let of = |n| rendered(&Table { caption: "Results".into(), rows: rows(n), ..Table::default() });
        assert!(of(139).contains("Results<span class=\"length\">: 139 rows in a window that scrolls</span>"));
        assert!(of(30).contains(">Results</p>"));
        assert!(of(2).contains("<table class=\"narrow\">"), "short names need no room to break in");
    }

    #[test]
    fn ragged_rows_are_filled() {
        let rows = vec![Row::measured("a", vec![]), Row::measured("b", vec![1.5.into(), "x".into()])];
        let html = rendered(&Table { columns: vec![Column::new("one")], rows, ..Table::default() });
        assert_eq!(html.matches("<td").count(), 4);
        assert_eq!(html.matches("scope=\"col\"").count(), 3);
    }

    #[test]
    fn neighbors_with_one_group_share_a_heading() {
        let column = |group: &str| Column { group: Some(group.into()), ..Column::new("x") };
        let columns = vec![column("income"), column("income"), column("married"), Column::new("y")];
        let html = rendered(&Table { columns, ..Table::default() });
        assert!(html.contains("<th scope=\"colgroup\" colspan=\"2\">income</th>"));
        assert!(html.contains("<th scope=\"colgroup\" colspan=\"1\">married</th><td colspan=\"1\"></td>"));
    }
}
