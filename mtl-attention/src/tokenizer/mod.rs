//! Inputs of any modality that the transformer knows as tokens `[b, l, d]`.
//!
//! | input | a token is | file |
//! |---|---|---|
//! | categorical, numeric | a field | `mtl_core::nn::FieldTokens` |
//! | picture | a patch, by a linear map, with a learned position | `patches.rs` |
//! | tokens | a token's embedding, with a learned position | `words.rs` |
//! | signal | a stretch of moments, by a linear map, with a learned position | `frames.rs` |
//! | set | an item, by a linear map; sets have no order | `items.rs` |
//!
//! All of them stand in one sequence, in the order of the inputs; where samples differ in length the padding is masked.

mod frames;
mod items;
mod patches;
mod words;

use mtl_core::{
    Error, Result, TorchContext,
    context::Cx,
    encode::Takes,
    input::{Input, InputSpec, Inputs, Modality},
    nn::FieldTokens,
    params::Scope,
};
use tch::{Kind, Tensor};

use crate::encoder::TransformerEncoderConfig;

use self::{frames::Frames, items::Items, patches::Patches, words::Words};

/// What can be made into tokens.
pub(crate) const TAKES: Takes = Takes {
    encoder: "transformer encoder",
    what: "fields of a table, pictures, texts, signals or sets",
    // Those that `Tokenizer::new` knows, so that a modality which comes later is refused until it has a file here.
    accepts: |modality| {
        use Modality as M;
        matches!(modality, M::Categorical(_) | M::Numeric(_) | M::Picture(_) | M::Tokens(_) | M::Signal(_) | M::Set(_))
    },
    at_most: usize::MAX,
};

/// Tokens of one input.
pub(crate) struct Piece {
    /// `[b, l, d]`.
    pub(crate) xs: Tensor,
    /// `[b, l]`, true for padding; `None` when there is none.
    pub(crate) pad_mask: Option<Tensor>,
}

/// What makes tokens of one input: a file of this folder, and a line in [`NamedTokenizer::new`].
pub(crate) trait Tokenize: std::fmt::Debug + Send {
    /// What each token is; `None`, unless overridden, where that differs from sample to sample.
    fn names(&self) -> Option<&[String]> {
        None
    }

    /// The tokens of the input of that name.
    fn forward(&self, name: &str, input: &Input, cx: &Cx) -> Result<Piece>;
}

/// One input as tokens.
#[derive(Debug)]
pub(crate) struct NamedTokenizer {
    input: String,
    layer: Box<dyn Tokenize>,
}

impl NamedTokenizer {
    /// Tokens of an input, as wide as the encoder's. Parameters are named by what a token is, and by the input where there
    /// are several of its modality.
    pub(crate) fn new(
        scope: &mut Scope<'_>,
        spec: &InputSpec,
        input: &str,
        config: &TransformerEncoderConfig,
    ) -> Result<Self> {
        let (d, patch) = (config.width, config.patch);
        let place_of = |name: &str| match spec.is_only(input) {
            true => name.to_owned(),
            false => format!("{name}.{input}"),
        };
        let layer: Box<dyn Tokenize> = match spec.get(input)? {
            Modality::Categorical(_) | Modality::Numeric(_) => {
                Box::new(FieldTokens::new(scope, spec, input, d, &config.numbers)?)
            }
            Modality::Picture(shape) => {
                let prefix = if spec.is_only(input) { String::new() } else { format!("{input}.") };
                Box::new(Patches::new(&mut scope.sub(place_of("patches")), *shape, patch, d, &prefix)?)
            }
            Modality::Tokens(text) => Box::new(Words::new(&mut scope.sub(place_of("words")), text, d)?),
            Modality::Signal(signal) => Box::new(Frames::new(&mut scope.sub(place_of("frames")), signal, patch, d)?),
            Modality::Set(set) => Box::new(Items::new(&mut scope.sub(place_of("items")), set, d)?),
            other => {
                let (expected, found) = (TAKES.what.to_owned(), format!("input {input}: {}", other.describe()));
                return Err(Error::InvalidConfig { what: TAKES.encoder, field: "inputs", expected, found });
            }
        };
        Ok(Self { input: input.to_owned(), layer })
    }

    /// What each token is; `None` where that differs from sample to sample.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.layer.names()
    }

    pub(crate) fn forward(&self, inputs: &Inputs, cx: &Cx) -> Result<Piece> {
        self.layer.forward(&self.input, inputs.input(&self.input)?, cx)
    }
}

impl Tokenize for FieldTokens {
    fn names(&self) -> Option<&[String]> {
        Some(Self::names(self))
    }

    fn forward(&self, _: &str, input: &Input, cx: &Cx) -> Result<Piece> {
        Ok(Piece { xs: self.of(input.tensor(), cx)?, pad_mask: None })
    }
}

/// Pieces side by side: one sequence with one mask, if any piece has padding.
pub(crate) fn join(mut pieces: Vec<Piece>) -> Result<Piece> {
    if pieces.len() == 1
        && let Some(only) = pieces.pop()
    {
        return Ok(only);
    }
    let xs: Vec<&Tensor> = pieces.iter().map(|piece| &piece.xs).collect();
    let xs = Tensor::f_cat(&xs, 1).op("transformer encoder")?; // [b, l, d]
    if pieces.iter().all(|piece| piece.pad_mask.is_none()) {
        return Ok(Piece { xs, pad_mask: None });
    }
    let mask = |piece: &Piece| match &piece.pad_mask {
        Some(mask) => Ok(mask.shallow_clone()),
        None => {
            let size = piece.xs.size();
            Tensor::f_zeros(&size[..2], (Kind::Bool, piece.xs.device())).op("transformer encoder")
        }
    };
    let masks = pieces.iter().map(mask).collect::<Result<Vec<_>>>()?;
    Ok(Piece { xs, pad_mask: Some(Tensor::f_cat(&masks, 1).op("transformer encoder")?) })
}

/// The error for a sequence that is longer than there are positions.
fn too_long(what: &str, longest: i64, input: &Input) -> Error {
    Error::Shape {
        op: what.to_owned(),
        tensor: "input",
        expected: format!("at most {longest} long"),
        found: input.tensor().size(),
    }
}
