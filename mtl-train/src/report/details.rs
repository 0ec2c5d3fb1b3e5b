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
}

impl Details {
    /// Closed details.
    pub fn new(summary: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { summary: summary.into(), blocks, open: false }
    }

    /// Appends the blocks as HTML.
    pub fn render(&self, out: &mut String) {
        let attributes: Attributes<'_> = if self.open { &[("open", &"")] } else { &[] };
        element(out, "details", attributes, |out| {
            leaf(out, "summary", &[], &self.summary);
            for block in &self.blocks {
                block.render(out);
            }
        });
    }
}
