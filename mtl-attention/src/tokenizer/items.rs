//! Items of a set as tokens: `x_j = W item_j + b`. No positions: the order of items says nothing.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    input::{Input, Set},
    nn::Linear,
    params::Scope,
};

use super::{Piece, Tokenize};

/// A linear map of items.
#[derive(Debug)]
pub(super) struct Items(Linear);

impl Items {
    pub(super) fn new(scope: &mut Scope<'_>, set: &Set, width: i64) -> Result<Self> {
        Ok(Self(Linear::new(&mut scope.sub("linear"), set.width, width)?))
    }
}

impl Tokenize for Items {
    /// `[b, l, w]` to `[b, l, d]`.
    fn forward(&self, _: &str, input: &Input, cx: &Cx) -> Result<Piece> {
        let xs = self.0.forward(&input.tensor().f_to_kind(self.0.kind()).op("items")?, cx)?;
        Ok(Piece { xs, pad_mask: input.pad_mask()? })
    }
}
