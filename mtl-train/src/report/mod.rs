//! Reports: a document of plain data that becomes one HTML file.
//!
//! A training run ends with numbers in a terminal, and the terminal is gone tomorrow. A report is what stays: one file
//! that opens in any browser, on a desk, a telephone or paper, in ten years, without network, fonts, or a single line of
//! script. This module knows nothing of training. It has words for *what* is shown, and one way to show it:
//!
//! ```text
//! Document ─┬─ Heading  Paragraph  Note           words
//!           ├─ KeyValues  Table (Row, Cell)       numbers to read
//!           ├─ TaggedText                         texts with a tag a word
//!           ├─ LineChart (Axis, Series)           curves over epochs, ROC, weights over time
//!           ├─ BarChart  HeatMap  RankChart       values per category, matrices, critical differences
//!           └─ Columns  Details                   blocks of blocks
//! ```
//!
//! # Four decisions
//! **Data in, text out.** Every block is a plain struct that can be compared, printed and serialized; rendering reads
//! nothing else, so equal documents give equal bytes and two runs can be compared with `diff`.
//!
//! **Nothing is trusted.** Names of tasks and columns come from other people's files. One function escapes text, one
//! function writes tags, and the page carries a policy by which the browser refuses scripts and network in any case.
//! Values may be NaN, infinite, missing or all the same: they become gaps, dashes, or the words *no data*, and never
//! reach an attribute.
//!
//! **Text does not scale.** Charts have no coordinate system of their own: places are percentages, letters are pixels, so
//! that labels stay readable at 360 pixels. What cannot shrink (tables, heat maps) scrolls inside its own box.
//!
//! **Color is never alone.** Series also differ by legend, dash and tooltip, cells carry their number where it fits,
//! notes say their kind; ramps rise evenly in lightness, so that they survive color blindness and a gray printer.
//!
//! # Example
//! ```
//! use mtl_train::report::{Axis, Best, Cell, Column, Document, Heading, LineChart, Row, Series, Table};
//!
//! let mut report = Document::new("Census-Income, two tasks");
//! report.subtitle = "hard sharing against single-task models".into();
//! report.push(Heading::section("Results"));
//! report.push(Table {
//!     corner: "model".into(),
//!     columns: vec![Column { best: Some(Best::Highest), ..Column::new("AUROC") }],
//!     rows: vec![
//!         Row::measured("hard sharing", vec![Cell::with_spread(0.9512, 0.0004, 4)]),
//!         Row::measured("single task", vec![Cell::number(0.9498, 4)]),
//!         Row::published("MMoE (2018)", vec![Cell::number(0.941, 4)]),
//!     ],
//!     ..Table::default()
//! });
//! report.push(LineChart {
//!     title: "Validation loss".into(),
//!     x: Axis::new("epoch"),
//!     y: Axis::new("loss"),
//!     series: vec![Series::by_epoch("income", [Some(0.31), None, Some(0.27)])],
//!     ..LineChart::default()
//! });
//!
//! let html = report.to_html();
//! assert!(html.contains("<strong>0.9512</strong>"));
//! assert!(html.contains("published"));
//! assert!(!html.contains("<script") && !html.contains("http://"));
//! ```

mod axis;
mod bar_chart;
mod block;
mod cell;
mod column;
mod columns;
mod contours;
mod details;
mod document;
mod downsample;
mod heading;
mod heat_map;
mod key_values;
mod label;
mod line_chart;
mod markup;
mod note;
mod number;
mod palette;
mod paragraph;
mod plot;
mod rank_chart;
mod row;
mod scale;
mod series;
mod table;
mod tagged_text;
mod ticks;
mod trace;

pub use axis::{Axis, AxisScale};
pub use bar_chart::{Bar, BarChart, BarSeries};
pub use block::Block;
pub use cell::Cell;
pub use column::{Align, Best, Column};
pub use columns::Columns;
pub use contours::Contours;
pub use details::Details;
pub use document::Document;
pub use heading::Heading;
pub use heat_map::{HeatMap, Palette};
pub use key_values::{KeyValue, KeyValueStyle, KeyValues};
pub use line_chart::{ChartShape, LineChart, Reference};
pub use note::{Note, NoteKind};
pub use number::{count, decimals, fixed, range, written};
pub use paragraph::Paragraph;
pub use rank_chart::RankChart;
pub use row::{Origin, Row};
pub use series::{Marker, Series};
pub use table::Table;
pub use tagged_text::{TaggedLine, TaggedText, TaggedWord};
