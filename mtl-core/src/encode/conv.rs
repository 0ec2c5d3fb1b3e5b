//! A small convolutional network of LeNet's size.
//!
//! Each stage `block0`, `block1`, ... is a 3x3 convolution, a non-linearity and a 2x2 maximum: the maps halve, the
//! channels are the configured ones. The output is the pyramid of all maps made so far, fine to coarse, so dense heads can
//! take a fine one and pooled heads the coarsest.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage, picture};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality, Picture},
    nn::{Activation, Conv2d, ConvConfig, Dropout},
    params::Scope,
};

/// Settings of [`ConvEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvEncoderConfig {
    /// Channels of the blocks, at least one, each >= 1; default `[16, 32, 64]`.
    #[schemars(inner(range(min = 1)))]
    pub channels: Vec<i64>,
    /// After each convolution; default `relu`.
    pub activation: Activation,
    /// Dropout after each block, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for ConvEncoderConfig {
    fn default() -> Self {
        Self { channels: vec![16, 32, 64], activation: Activation::Relu, dropout: 0.0 }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct ConvEncoder {
    input: String,
    blocks: Vec<Conv2d>,
    activation: Activation,
    dropout: Dropout,
    stages: Vec<Stage>,
}

impl ConvEncoder {
    /// One picture.
    pub const TAKES: Takes = Takes {
        encoder: "conv encoder",
        what: "one picture",
        accepts: |modality| matches!(modality, Modality::Picture(_)),
        at_most: 1,
    };

    /// # Errors
    /// [`Error::InvalidConfig`] unless there is one picture, without blocks, or when the image is too small to be
    /// halved once per block.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &ConvEncoderConfig) -> Result<Self> {
        let (input, Picture { mut channels, height: h, width: w }) = picture(spec, &Self::TAKES)?;
        let n = config.channels.len();
        if n == 0 || h.min(w) >> n.min(62) < 1 {
            return Err(Error::InvalidConfig {
                what: "conv encoder",
                field: "channels",
                expected: format!("at least one block, each halving the {h}x{w} image"),
                found: format!("{n} blocks"),
            });
        }
        let dropout = Dropout::new(config.dropout)?;
        let (mut blocks, mut stages) = (Vec::new(), Vec::new());
        for (idx, &c) in config.channels.iter().enumerate() {
            let name = format!("block{idx}");
            let mut place = scope.stage(&name);
            blocks.push(Conv2d::new(&mut place.sub(&name), channels, c, ConvConfig::default())?);
            stages.push(Stage { name, view: View::Pyramid { channels: config.channels[..=idx].to_vec() } });
            channels = c;
        }
        Ok(Self { input, blocks, activation: config.activation, dropout, stages })
    }

    fn block(&self, idx: usize, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let conv = self.blocks.get(idx).ok_or_else(|| no_stage(&self.stages, idx))?;
        let ys = self.activation.forward(&conv.forward(xs, cx)?)?;
        let ys = ys.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false).op("conv encoder")?; // [b, c, h / 2, w / 2]
        self.dropout.forward(ys, cx)
    }
}

impl EncoderPart for ConvEncoderConfig {
    fn takes(&self) -> Takes {
        ConvEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ConvEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for ConvEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        Ok(Features::Pyramid(vec![self.block(0, inputs.get(&self.input)?, cx)?]))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let Features::Pyramid(mut maps) = features else {
            return Err(Error::Shape {
                op: "conv encoder".into(),
                tensor: "features",
                expected: "a pyramid".into(),
                found: features.tensors().iter().flat_map(|t| t.size()).collect(),
            });
        };
        let Some(coarsest) = maps.last() else { return Err(no_stage(&self.stages, stage_idx)) };
        let next = self.block(stage_idx, coarsest, cx)?;
        maps.push(next);
        Ok(Features::Pyramid(maps))
    }
}
