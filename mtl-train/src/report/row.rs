//! A row of a table, and where its values come from.

use serde::Serialize;

use super::{
    cell::Cell,
    markup::{element, leaf, text},
};

/// A named row.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Row {
    /// Name, such as that of a model.
    pub name: String,
    /// One cell per column.
    pub cells: Vec<Cell>,
    /// Where the values come from.
    pub origin: Origin,
    /// Number of a footnote, counted from 1.
    pub footnote: Option<usize>,
    /// The address inside the page that the name leads to: the [`Details::id`](super::Details::id) of more on it.
    pub link: Option<String>,
}

/// Where the values of a row come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// This run.
    #[default]
    Measured,
    /// Somebody's paper, under conditions of their own: muted, with a badge, and never the best of its column.
    Published,
}

impl Row {
    /// A row that this run measured.
    pub fn measured(name: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { name: name.into(), cells, ..Self::default() }
    }

    /// The same row, its name leading to a place in the page.
    #[must_use]
    pub fn linked(self, address: impl Into<String>) -> Self {
        Self { link: Some(address.into()), ..self }
    }

    /// A row from a paper.
    pub fn published(name: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { origin: Origin::Published, ..Self::measured(name, cells) }
    }

    /// The first cell: name, footnote, badge.
    pub(super) fn render_head(&self, out: &mut String) {
        element(out, "th", &[("scope", &"row")], |out| {
            match &self.link {
                Some(address) => leaf(out, "a", &[("href", &format!("#{address}"))], &self.name),
                None => text(out, &self.name),
            }
            if let Some(number) = self.footnote {
                leaf(out, "sup", &[], &number.to_string());
            }
            if self.origin == Origin::Published {
                out.push(' ');
                leaf(out, "span", &[("class", &"badge")], "published");
            }
        });
    }
}
