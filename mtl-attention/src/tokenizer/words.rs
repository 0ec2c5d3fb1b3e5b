//! Tokens of a text: `x_j = embedding(id_j) + p_j`.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    input::{Input, Tokens},
    nn::FieldEmbedding,
    params::{Init, Scope},
};
use tch::Tensor;

use super::{Piece, Tokenize, too_long};

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
}

impl Tokenize for Words {
    /// Ids `[b, l]` to `[b, l, d]`; the context sees the embeddings before positions are added.
    fn forward(&self, name: &str, input: &Input, cx: &Cx) -> Result<Piece> {
        let (ids, longest) = (input.tensor(), self.positions.size()[0]);
        let [b, l] = ids.size()[..] else { return Err(too_long("words", longest, input)) };
        if l > longest {
            return Err(too_long("words", longest, input));
        }
        // One field whose codes stand below one another: the same gather as of a table.
        let rows = self.table.forward(&ids.f_reshape([-1, 1]).op("words")?)?; // [b l, 1, d]
        let xs = cx.embedded(name, rows.f_view([b, l, self.positions.size()[1]]).op("words")?)?;
        let positions = self.positions.f_narrow(0, 0, l).op("words")?; // [l, d]
        Ok(Piece { xs: xs.f_add(&positions).op("words")?, pad_mask: input.pad_mask()? })
    }
}
