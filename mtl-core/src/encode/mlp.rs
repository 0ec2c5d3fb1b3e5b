//! Fully connected layers over a vector of numbers: the numeric fields, of several inputs side by side in their order.
//!
//! Stages `layer0`, `layer1`, ...; the last gives `[b, d]`.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality},
    nn::{Activation, Dropout, Mlp},
    params::Scope,
};

/// Settings of [`MlpEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlpEncoderConfig {
    /// Widths of the layers, at least one, each >= 1; default `[128, 64]`.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each layer, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for MlpEncoderConfig {
    fn default() -> Self {
        Self { hidden: vec![128, 64], activation: Activation::Relu, dropout: 0.0 }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct MlpEncoder {
    layers: Vec<Mlp>,
    stages: Vec<Stage>,
    /// The inputs, in order.
    inputs: Vec<String>,
}

impl MlpEncoder {
    /// Numeric fields.
    pub const TAKES: Takes = Takes {
        encoder: "mlp encoder",
        what: "numeric fields",
        accepts: |modality| matches!(modality, Modality::Numeric(_)),
        at_most: usize::MAX,
    };

    /// # Errors
    /// [`Error::InvalidConfig`] without inputs, for one that is not numeric, without layers, or for a setting out of
    /// range.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &MlpEncoderConfig) -> Result<Self> {
        Self::TAKES.check(spec)?;
        if config.hidden.is_empty() {
            return Err(Error::InvalidConfig {
                what: "mlp encoder",
                field: "hidden",
                expected: "at least one layer".into(),
                found: "[]".into(),
            });
        }
        let dropout = Dropout::new(config.dropout)?;
        let mut width: i64 = spec.iter().map(|(_, modality)| modality.layout().cells()).sum();
        let (mut layers, mut stages) = (Vec::new(), Vec::new());
        for (idx, &h) in config.hidden.iter().enumerate() {
            let name = format!("layer{idx}");
            let mut place = scope.stage(&name);
            layers.push(Mlp::new(&mut place.sub(&name), width, &[h], config.activation, dropout)?);
            stages.push(Stage { name, view: View::Pooled { width: h } });
            width = h;
        }
        Ok(Self { layers, stages, inputs: spec.iter().map(|(name, _)| name.to_owned()).collect() })
    }

    fn run(&self, idx: usize, xs: &Tensor, cx: &Cx) -> Result<Features> {
        let layer = self.layers.get(idx).ok_or_else(|| no_stage(&self.stages, idx))?;
        Ok(Features::Pooled(layer.forward(xs, cx)?))
    }
}

impl EncoderPart for MlpEncoderConfig {
    fn takes(&self) -> Takes {
        MlpEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(MlpEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for MlpEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        if let [only] = &self.inputs[..] {
            return self.run(0, inputs.get(only)?, cx);
        }
        let all = self.inputs.iter().map(|name| inputs.get(name)).collect::<Result<Vec<_>>>()?;
        self.run(0, &Tensor::f_cat(&all, 1).op("mlp encoder")?, cx)
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        self.run(stage_idx, &features.pooled()?, cx)
    }
}
