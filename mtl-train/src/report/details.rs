//! Blocks that stay closed until somebody asks for them.

use serde::Serialize;

use super::{
    block::Block,
    markup::{Attributes, element, leaf},
};

/// Blocks behind a line that opens them; without any script, and open on paper only if [`open`](Self::open).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Details {
    /// The line that opens them.
    pub summary: String,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Whether they are open at first.
    pub open: bool,
    /// An address inside the page, for links; whoever follows one finds the details open.
    pub id: Option<String>,
}

/// Details that stand under one another before they are folded together.
const MOST_IN_A_ROW: usize = 24;

impl Details {
    /// Closed details.
    pub fn new(summary: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { summary: summary.into(), blocks, ..Self::default() }
    }

    /// A list of details as it is, or behind one more line when it is long: `139 tasks`.
    #[must_use]
    pub fn around(what: &str, folds: Vec<Block>) -> Vec<Block> {
        match folds.len() {
            n if n > MOST_IN_A_ROW => vec![Self::new(format!("{n} {what}"), folds).into()],
            _ => folds,
        }
    }

    /// The same details, with an address.
    #[must_use]
    pub fn at(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Appends the blocks as HTML.
    pub fn render(&self, out: &mut String) {
        let attributes: Attributes<'_> = if self.open { &[("open", &"")] } else { &[] };
        element(out, "details", attributes, |out| {
            leaf(out, "summary", &[], &self.summary);
            let content = |out: &mut String| self.blocks.iter().for_each(|block| block.render(out));
            match &self.id {
                // On the content: a browser opens what holds the target of a link, not the target itself.
                Some(id) => element(out, "div", &[("id", id)], content),
                None => content(out),
            }
        });
    }
}
