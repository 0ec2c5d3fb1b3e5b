//! A transformer over tokens: the fields of a table, or the patches of an image.
//!
//! ```text
//! tokens    x_j = field j's token                        (table: one gather, one direction a number)
//!           x_j = W patch_j + b + p_j                    (image: linear map of a patch plus a learned position)
//! block0..  x = x + attend(norm(x)); x = x + feed_forward(norm(x))
//! last      x = norm(x)
//! ```
//! **Shapes** tokens `[b, l, d]` out of every stage; `l` is the number of fields or patches.
//!
//! **Reference** tables: Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021; images:
//! Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
//!
//! **Differs from** both: no class token (heads and architectures pool, or ask with queries of their own). Where a data set
//! has an image and table fields, all of them are tokens of one sequence. Defaults: width 128, 4 heads, 4 blocks, 512 wide
//! inside, patches of 4.

use std::sync::Arc;

use mtl_core::{
    Error, Result, TorchContext,
    batch::Inputs,
    context::Cx,
    encode::{Encoder, InputSpec, Stage},
    features::{Features, Tokens, View},
    nn::{Activation, Dropout, FieldEmbedding, LayerNorm, Linear, NumericTokens},
    params::{Init, Scope},
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{attend::AttnBackend, block::SelfBlock, mask::AttnMask, multi_head::MultiHeadConfig};

/// Settings of [`TransformerEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerEncoderConfig {
    /// Width of a token, >= 1; default 128.
    pub width: i64,
    /// Attention heads, a divisor of `width`; default 4.
    pub heads: i64,
    /// Blocks, >= 1; default 4.
    pub blocks: i64,
    /// Width inside the feed-forward layers, >= 1; default 512.
    pub hidden: i64,
    /// Side of a patch of an image, >= 1; a divisor of its height and width; default 4.
    pub patch: i64,
    /// Inside the feed-forward layers; default `gelu`.
    pub activation: Activation,
    /// Dropout after attention and inside the feed-forward layers, in `[0, 1)`; default 0.
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
            activation: Activation::Gelu,
            dropout: 0.0,
            backend: AttnBackend::Auto,
        }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct TransformerEncoder {
    categorical: Option<FieldEmbedding>,
    numeric: Option<NumericTokens>,
    patches: Option<Patches>,
    blocks: Vec<SelfBlock>,
    norm: LayerNorm,
    stages: Vec<Stage>,
    names: Arc<[String]>,
}

/// Patches of an image as tokens.
#[derive(Debug)]
struct Patches {
    linear: Linear,
    positions: Tensor,
    side: i64,
    names: Vec<String>,
}

impl TransformerEncoder {
    /// # Errors
    /// [`Error::InvalidConfig`] without inputs, for a setting out of range, or for an image that patches do not fill.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &TransformerEncoderConfig) -> Result<Self> {
        let d = config.width;
        if spec.field_names().is_empty() && spec.image.is_none() {
            return spec.refuse("transformer encoder", "table fields or an image");
        }
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
        let cardinalities: Vec<i64> = spec.categorical.iter().map(|f| f.cardinality).collect();
        let categorical = match cardinalities.is_empty() {
            true => None,
            false => Some(FieldEmbedding::new(&mut place.sub("categorical"), &cardinalities, d)?),
        };
        let numeric = match spec.numeric.len() as i64 {
            0 => None,
            n => Some(NumericTokens::new(&mut place.sub("numeric"), n, d)?),
        };
        let patches = match spec.image {
            None => None,
            Some(image) => Some(Patches::new(&mut place.sub("patches"), image, config.patch, d)?),
        };
        let mut names = spec.field_names();
        names.extend(patches.iter().flat_map(|p| p.names.iter().cloned()));
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
        Ok(Self { categorical, numeric, patches, blocks, norm, stages, names: names.into() })
    }
}

impl Patches {
    fn new(scope: &mut Scope<'_>, [channels, h, w]: [i64; 3], side: i64, width: i64) -> Result<Self> {
        if side < 1 || h % side != 0 || w % side != 0 {
            return refuse("patch", format!(">= 1 and a divisor of the image's {h}x{w}"), side.to_string());
        }
        let linear = Linear::new(&mut scope.sub("linear"), channels * side * side, width)?;
        let (rows, columns) = (h / side, w / side);
        let positions = scope.param("positions", &[rows * columns, width], Init::Normal(0.02))?;
        let names = (0..rows).flat_map(|r| (0..columns).map(move |c| format!("r{r}c{c}"))).collect();
        Ok(Self { linear, positions, side, names })
    }

    /// `[b, c, h, w]` to `[b, l, d]`, row by row.
    fn forward(&self, image: &Tensor, cx: &Cx) -> Result<Tensor> {
        let s = self.side;
        let cells = image.f_unfold(2, s, s).and_then(|x| x.f_unfold(3, s, s)).op("patches")?; // [b, c, r, k, s, s]
        let flat = cells.f_permute([0, 2, 3, 1, 4, 5]).and_then(|x| x.f_flatten(3, -1)).and_then(|x| x.f_flatten(1, 2));
        let flat = flat.and_then(|x| x.f_to_kind(self.positions.kind())).op("patches")?; // [b, l, c s s]
        self.linear.forward(&flat, cx)?.f_add(&self.positions).op("patches")
    }
}

impl Encoder for TransformerEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let mut parts = Vec::new();
        if let Some(categorical) = &self.categorical {
            parts.push(cx.embedded("categorical", categorical.forward(inputs.get("categorical")?)?)?);
        }
        if let Some(numeric) = &self.numeric {
            parts.push(numeric.forward(inputs.get("numeric")?)?);
        }
        if let Some(patches) = &self.patches {
            parts.push(patches.forward(inputs.get("image")?, cx)?);
        }
        let xs = match parts.len() {
            1 => parts.remove(0),
            _ => Tensor::f_cat(&parts, 1).op("transformer encoder")?,
        }; // [b, l, d]
        Ok(Features::Tokens(Tokens { xs, pad_mask: None, names: Some(self.names.clone()) }))
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
