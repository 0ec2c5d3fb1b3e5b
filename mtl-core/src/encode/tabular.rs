//! A table row as tokens, then fully connected layers.
//!
//! Stage `fields` gives one token per field, `[b, f + n, d]`, in the order of the inputs: the categorical fields of an
//! input by one gather from one table, numbers by the embedding that `numbers` names. Stages `trunk0`, `trunk1`, ... work on all
//! tokens side by side, `[b, (f + n) d]`, and give pooled features. Without trunk layers the encoder ends with the
//! tokens: what attention architectures want.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, Tokens, View},
    input::{InputSpec, Inputs, Modality},
    nn::{Activation, Dropout, FieldTokens, Mlp, NumberEmbeddingConfig},
    params::Scope,
    registry::{ByKind, by_kind},
};

/// Settings of [`TabularEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TabularEncoderConfig {
    /// Width of a field's token, >= 1; default 8.
    #[schemars(range(min = 1))]
    pub token_width: i64,
    /// How numbers become tokens, by name or as a table; default `linear`.
    #[serde(deserialize_with = "by_kind")]
    #[schemars(with = "ByKind<NumberEmbeddingConfig>")]
    pub numbers: NumberEmbeddingConfig,
    /// Widths of the trunk's layers, each >= 1; none leaves tokens; default `[128, 64]`.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each layer, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for TabularEncoderConfig {
    fn default() -> Self {
        Self {
            token_width: 8,
            numbers: NumberEmbeddingConfig::default(),
            hidden: vec![128, 64],
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct TabularEncoder {
    fields: Vec<FieldTokens>,
    trunk: Vec<Mlp>,
    stages: Vec<Stage>,
    field_names: Arc<[String]>,
}

impl TabularEncoder {
    /// Fields of a table.
    pub const TAKES: Takes = Takes {
        encoder: "tabular encoder",
        what: "categorical or numeric fields",
        accepts: |modality| matches!(modality, Modality::Categorical(_) | Modality::Numeric(_)),
        at_most: usize::MAX,
    };

    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) without inputs, for one that is no table's, or for a
    /// setting out of range.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &TabularEncoderConfig) -> Result<Self> {
        Self::TAKES.check(spec)?;
        let (dropout, d) = (Dropout::new(config.dropout)?, config.token_width);
        if d < 1 {
            return Err(Error::InvalidConfig {
                what: "tabular encoder",
                field: "token_width",
                expected: ">= 1".into(),
                found: d.to_string(),
            });
        }
        let mut place = scope.stage("fields");
        let mut place = place.sub("fields");
        let made = spec.iter().map(|(name, _)| FieldTokens::new(&mut place, spec, name, d, &config.numbers));
        let fields = made.collect::<Result<Vec<_>>>()?;
        let field_names: Arc<[String]> = fields.iter().flat_map(|f| f.names().iter().cloned()).collect();
        let mut stages = vec![Stage { name: "fields".into(), view: View::Tokens { width: d } }];
        let (mut trunk, mut width) = (Vec::new(), field_names.len() as i64 * d);
        for (idx, &h) in config.hidden.iter().enumerate() {
            let name = format!("trunk{idx}");
            let mut place = scope.stage(&name);
            trunk.push(Mlp::new(&mut place.sub(&name), width, &[h], config.activation, dropout)?);
            stages.push(Stage { name, view: View::Pooled { width: h } });
            width = h;
        }
        Ok(Self { fields, trunk, stages, field_names })
    }
}

impl EncoderPart for TabularEncoderConfig {
    fn takes(&self) -> Takes {
        TabularEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(TabularEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for TabularEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let parts = self.fields.iter().map(|layer| layer.forward(inputs, cx)).collect::<Result<Vec<_>>>()?;
        let xs = Tensor::f_cat(&parts, 1).op("tabular encoder")?; // [b, f + n, d]
        Ok(Features::Tokens(Tokens { xs, pad_mask: None, names: Some(self.field_names.clone()) }))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let layer = stage_idx.checked_sub(1).and_then(|i| self.trunk.get(i));
        let layer = layer.ok_or_else(|| no_stage(&self.stages, stage_idx))?;
        let xs = match features {
            Features::Tokens(tokens) => tokens.xs.f_flatten(1, -1).op("tabular encoder")?, // [b, (f + n) d]
            other => other.pooled()?,
        };
        Ok(Features::Pooled(layer.forward(&xs, cx)?))
    }
}
