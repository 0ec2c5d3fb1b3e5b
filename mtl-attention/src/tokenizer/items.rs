//! Items of a set as tokens: `x_j = W item_j + b`. No positions: the order of items says nothing.

use mtl_core::{Result, TorchContext, context::Cx, input::Set, nn::Linear, params::Scope};
use tch::Tensor;

/// A linear map of items.
#[derive(Debug)]
pub(super) struct Items(Linear);

impl Items {
    pub(super) fn new(scope: &mut Scope<'_>, set: &Set, width: i64) -> Result<Self> {
        Ok(Self(Linear::new(&mut scope.sub("linear"), set.width, width)?))
    }

    /// `[b, l, w]` to `[b, l, d]`.
    pub(super) fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.0.forward(&xs.f_to_kind(self.0.kind()).op("items")?, cx)
    }
}
