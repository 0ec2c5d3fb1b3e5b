//! A transformer over tokens: fields of a table, patches of pictures, words, stretches of signals, items of sets.
//!
//! ```text
//! tokens    x_j = field j's token                        (table: one gather; numbers by `numbers`)
//!           x_j = W part_j + b + p_j                     (patch of a picture, stretch of a signal; p learned)
//!           x_j = embedding(word_j) + p_j                (text)
//!           x_j = W item_j + b                           (set)
//! block0..  x = x + attend(norm(x)); x = x + feed_forward(norm(x))
//! last      x = norm(x)
//! ```
//! **Shapes** tokens `[b, l, d]` out of every stage; `l` is the number of fields, patches, words .. of all inputs
//! together, which stand in one sequence in the order of the inputs. Padding is seen by no query.
//!
//! **Reference** tables: Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021; images:
//! Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; texts: Devlin et al., "BERT", NAACL 2019; sets: Lee
//! et al., "Set Transformer", ICML 2019, its self-attention blocks.
//!
//! **Differs from** all: no class token (heads and architectures pool, or ask with queries of their own). Defaults:
//! width 128, 4 heads, 4 blocks, 512 wide inside, patches of 4.

use std::sync::Arc;

use mtl_core::{
    Error, Result,
    context::Cx,
    encode::{Encoder, EncoderPart, Stage, Takes},
    features::{Features, Tokens, View},
    input::{InputSpec, Inputs},
    nn::{Activation, Dropout, LayerNorm, NumberEmbeddingConfig},
    params::Scope,
    registry::{ByKind, by_kind},
};
use serde::{Deserialize, Serialize};

use crate::{
    attend::AttnBackend,
    block::SelfBlock,
    mask::AttnMask,
    multi_head::MultiHeadConfig,
    tokenizer::{self, NamedTokenizer, Piece},
};

/// Settings of [`TransformerEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerEncoderConfig {
    /// Width of a token, >= 1; default 128.
    #[schemars(range(min = 1))]
    pub width: i64,
    /// Attention heads, a divisor of `width`; default 4.
    pub heads: i64,
    /// Blocks, >= 1; default 4.
    #[schemars(range(min = 1))]
    pub blocks: i64,
    /// Width inside the feed-forward layers, >= 1; default 512.
    #[schemars(range(min = 1))]
    pub hidden: i64,
    /// Side of a patch of a picture, >= 1; a divisor of its height and width; moments in a stretch of a signal;
    /// default 4.
    #[schemars(range(min = 1))]
    pub patch: i64,
    /// How numbers of a table become tokens, by name or as a table; default `linear`.
    #[serde(deserialize_with = "by_kind")]
    #[schemars(with = "ByKind<NumberEmbeddingConfig>")]
    pub numbers: NumberEmbeddingConfig,
    /// Inside the feed-forward layers; default `gelu`.
    pub activation: Activation,
    /// Dropout after attention and inside the feed-forward layers, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// How attention is computed; default `auto`.
    pub backend: AttnBackend,
}

impl Default for TransformerEncoderConfig {
    fn default() -> Self {
        Self {
            width: 128,
            heads: 4,
            blocks: 4,
            hidden: 512,
            patch: 4,
            numbers: NumberEmbeddingConfig::default(),
            activation: Activation::Gelu,
            dropout: 0.0,
            backend: AttnBackend::Auto,
        }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct TransformerEncoder {
    tokenizers: Vec<NamedTokenizer>,
    blocks: Vec<SelfBlock>,
    norm: LayerNorm,
    stages: Vec<Stage>,
    /// What each token is, where that is the same in every batch.
    names: Option<Arc<[String]>>,
}

impl TransformerEncoder {
    /// Everything that can be made into tokens.
    pub const TAKES: Takes = tokenizer::TAKES;

    /// # Errors
    /// [`Error::InvalidConfig`] without inputs, for one that is not taken, for a setting out of range, or for a picture
    /// that patches do not fill.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &TransformerEncoderConfig) -> Result<Self> {
        let d = config.width;
        Self::TAKES.check(spec)?;
        for (field, value) in [("width", d), ("blocks", config.blocks), ("hidden", config.hidden)] {
            if value < 1 {
                return refuse(field, ">= 1".into(), value.to_string());
            }
        }
        let dropout = Dropout::new(config.dropout)?;
        let view = View::Tokens { width: d };
        let mut stages = vec![Stage { name: "tokens".into(), view: view.clone() }];
        let mut place = scope.stage("tokens");
        let mut place = place.sub("tokens");
        let made = spec.iter().map(|(name, _)| NamedTokenizer::new(&mut place, spec, name, config));
        let tokenizers = made.collect::<Result<Vec<_>>>()?;
        let names = tokenizers.iter().map(NamedTokenizer::names).collect::<Option<Vec<_>>>();
        let names = names.map(|names| names.into_iter().flatten().cloned().collect());
        let attention =
            MultiHeadConfig { width: d, heads: config.heads, backend: config.backend, ..MultiHeadConfig::default() };
        let mut blocks = Vec::new();
        for idx in 0..config.blocks {
            let name = format!("block{idx}");
            let mut place = scope.stage(&name);
            let mut place = place.sub(&name);
            blocks.push(SelfBlock::new(&mut place, &attention, config.hidden, config.activation, dropout)?);
            stages.push(Stage { name, view: view.clone() });
        }
        let last = format!("block{}", config.blocks - 1);
        let norm = LayerNorm::new(&mut scope.stage(&last).sub("norm"), d)?;
        Ok(Self { tokenizers, blocks, norm, stages, names })
    }
}

impl EncoderPart for TransformerEncoderConfig {
    fn takes(&self) -> Takes {
        TransformerEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(TransformerEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for TransformerEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let pieces =
            self.tokenizers.iter().map(|tokenizer| tokenizer.forward(inputs, cx)).collect::<Result<Vec<_>>>()?;
        let Piece { xs, pad_mask } = tokenizer::join(pieces)?; // [b, l, d]
        Ok(Features::Tokens(Tokens { xs, pad_mask, names: self.names.clone() }))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let Some(block) = stage_idx.checked_sub(1).and_then(|idx| self.blocks.get(idx)) else {
            return Err(Error::UnknownName {
                what: "stage",
                name: stage_idx.to_string(),
                known: self.stages.iter().map(|s| s.name.clone()).collect(),
            });
        };
        let tokens = block.forward(features.into_tokens()?, AttnMask::none(), cx)?;
        if stage_idx < self.blocks.len() {
            return Ok(Features::Tokens(tokens));
        }
        Ok(Features::Tokens(Tokens { xs: self.norm.forward(&tokens.xs)?, ..tokens }))
    }
}

fn refuse<T>(field: &'static str, expected: String, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "transformer encoder", field, expected, found })
}
