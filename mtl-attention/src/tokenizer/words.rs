//! Tokens of a text: `x_j = embedding(id_j) + p_j`.

use mtl_core::{
    Result, TorchContext,
    input::Tokens,
    nn::FieldEmbedding,
    params::{Init, Scope},
};
use tch::Tensor;

use super::too_long;

/// Embeddings of a vocabulary, and of positions.
#[derive(Debug)]
pub(super) struct Words {
    table: FieldEmbedding,
    positions: Tensor,
}

impl Words {
    pub(super) fn new(scope: &mut Scope<'_>, text: &Tokens, width: i64) -> Result<Self> {
        let table = FieldEmbedding::new(&mut scope.sub("embedding"), &[text.vocabulary], width)?;
        let positions = scope.param("positions", &[text.length.longest(), width], Init::Normal(0.02))?;
        Ok(Self { table, positions })
    }

    /// Ids `[b, l]` to `[b, l, d]`; `embedded` sees the embeddings before positions are added.
    pub(super) fn forward(&self, ids: &Tensor, embedded: impl FnOnce(Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (size, longest) = (ids.size(), self.positions.size()[0]);
        let [b, l] = size[..] else { return Err(too_long("words", longest, &ids.shallow_clone().into())) };
        if l > longest {
            return Err(too_long("words", longest, &ids.shallow_clone().into()));
        }
        // One field whose codes stand below one another: the same gather as of a table.
        let rows = self.table.forward(&ids.f_reshape([-1, 1]).op("words")?)?; // [b l, 1, d]
        let xs = embedded(rows.f_view([b, l, self.positions.size()[1]]).op("words")?)?;
        let positions = self.positions.f_narrow(0, 0, l).op("words")?; // [l, d]
        xs.f_add(&positions).op("words")
    }
}
