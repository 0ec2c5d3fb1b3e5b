//! Blocks side by side where there is room, one under the other where there is not.

use serde::Serialize;

use super::{
    block::Block,
    markup::{Attributes, element},
};

/// Blocks in columns of equal width, filled row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Columns {
    /// The blocks in reading order.
    pub blocks: Vec<Block>,
    /// Least width of a column in pixels; 0 means 400. As many columns stand side by side as fit.
    pub min_width: u16,
}

impl Columns {
    /// Columns of the usual width: two on a desk, one on a telephone.
    pub fn new(blocks: Vec<Block>) -> Self {
        Self { blocks, min_width: 0 }
    }

    /// Appends the blocks as HTML.
    pub fn render(&self, out: &mut String) {
        let style = format!("--column:{}px", if self.min_width == 0 { 400 } else { self.min_width });
        let attributes: Attributes<'_> = &[("class", &"columns"), ("style", &style)];
        element(out, "div", attributes, |out| {
            for block in &self.blocks {
                element(out, "div", &[], |out| block.render(out));
            }
        });
    }
}
