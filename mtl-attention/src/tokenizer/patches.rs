//! Patches of a picture as tokens: `x_j = W patch_j + b + p_j`.

use mtl_core::{
    Error, Result, TorchContext,
    context::Cx,
    input::{Input, Picture},
    nn::Linear,
    params::{Init, Scope},
};
use tch::Tensor;

use super::{Piece, TAKES, Tokenize};

/// Patches of a picture.
#[derive(Debug)]
pub(super) struct Patches {
    linear: Linear,
    positions: Tensor,
    side: i64,
    names: Vec<String>,
}

impl Patches {
    /// `prefix` stands before the names of patches.
    pub(super) fn new(scope: &mut Scope<'_>, picture: Picture, side: i64, width: i64, prefix: &str) -> Result<Self> {
        let Picture { channels, height: h, width: w } = picture;
        if side < 1 || h % side != 0 || w % side != 0 {
            return Err(Error::InvalidConfig {
                what: TAKES.encoder,
                field: "patch",
                expected: format!(">= 1 and a divisor of the image's {h}x{w}"),
                found: side.to_string(),
            });
        }
        let linear = Linear::new(&mut scope.sub("linear"), channels * side * side, width)?;
        let (rows, columns) = (h / side, w / side);
        let positions = scope.param("positions", &[rows * columns, width], Init::Normal(0.02))?;
        let names = (0..rows).flat_map(|r| (0..columns).map(move |c| format!("{prefix}r{r}c{c}"))).collect();
        Ok(Self { linear, positions, side, names })
    }
}

impl Tokenize for Patches {
    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    /// `[b, c, h, w]` to `[b, l, d]`, row by row.
    fn forward(&self, _: &str, input: &Input, cx: &Cx) -> Result<Piece> {
        let (image, s) = (input.tensor(), self.side);
        let cells = image.f_unfold(2, s, s).and_then(|x| x.f_unfold(3, s, s)).op("patches")?; // [b, c, r, k, s, s]
        let flat = cells.f_permute([0, 2, 3, 1, 4, 5]).and_then(|x| x.f_flatten(3, -1)).and_then(|x| x.f_flatten(1, 2));
        let flat = flat.and_then(|x| x.f_to_kind(self.positions.kind())).op("patches")?; // [b, l, c s s]
        let xs = self.linear.forward(&flat, cx)?.f_add(&self.positions).op("patches")?;
        Ok(Piece { xs, pad_mask: None })
    }
}
