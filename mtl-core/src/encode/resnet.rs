//! ResNet-18 over images.
//!
//! ```text
//! stem                     3x3, stride 1 (small images) or 7x7, stride 2 and a 3x3 maximum of stride 2 (large ones)
//! layer1..layer4           two basic blocks each; from layer2 on the first one halves the map and doubles the channels
//! block(x) = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)),   shortcut: identity, or 1x1 convolution and bn
//! ```
//! Reference: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; the stem for small images
//! is that of its CIFAR networks. Differs from: nothing known (convolutions start with He's normal distribution over the
//! outputs' fan, norms with the identity).
//!
//! The output is the pyramid of the layers' maps, fine to coarse.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage, picture};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality, Picture},
    nn::{BatchNorm2d, Conv2d, ConvConfig},
    params::Scope,
};

/// Settings of [`ResNet18`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResNet18Config {
    /// Channels of the stem and of `layer1`, >= 1; doubled by each later layer; default 64.
    #[schemars(range(min = 1))]
    pub width: i64,
    /// Whether the stem is the one for large images (7x7, stride 2, then a maximum of stride 2); default false.
    pub large_images: bool,
}

impl Default for ResNet18Config {
    fn default() -> Self {
        Self { width: 64, large_images: false }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct ResNet18 {
    input: String,
    stem: ConvNorm,
    large_images: bool,
    layers: Vec<[BasicBlock; 2]>,
    stages: Vec<Stage>,
}

/// A convolution without bias and its norm.
#[derive(Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm2d,
}

impl ConvNorm {
    fn new(scope: &mut Scope<'_>, inputs: i64, outputs: i64, kernel: i64, stride: i64) -> Result<Self> {
        let config = ConvConfig { kernel, stride, padding: kernel / 2 };
        let conv = Conv2d::without_bias(&mut scope.sub("conv"), inputs, outputs, config)?;
        Ok(Self { conv, norm: BatchNorm2d::new(&mut scope.sub("norm"), outputs)? })
    }

    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        self.norm.forward(&self.conv.forward(xs, cx)?, cx)
    }
}

#[derive(Debug)]
struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
}

impl BasicBlock {
    fn new(scope: &mut Scope<'_>, inputs: i64, outputs: i64, stride: i64) -> Result<Self> {
        let shortcut = match inputs == outputs && stride == 1 {
            true => None,
            false => Some(ConvNorm::new(&mut scope.sub("shortcut"), inputs, outputs, 1, stride)?),
        };
        Ok(Self {
            first: ConvNorm::new(&mut scope.sub("first"), inputs, outputs, 3, stride)?,
            second: ConvNorm::new(&mut scope.sub("second"), outputs, outputs, 3, 1)?,
            shortcut,
        })
    }

    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let ys = self.first.forward(xs, cx)?.f_relu().op("resnet")?;
        let ys = self.second.forward(&ys, cx)?;
        let skip = match &self.shortcut {
            Some(shortcut) => shortcut.forward(xs, cx)?,
            None => xs.shallow_clone(),
        };
        ys.f_add(&skip).and_then(|y| y.f_relu()).op("resnet")
    }
}

impl ResNet18 {
    /// One picture.
    pub const TAKES: Takes = Takes {
        encoder: "resnet-18",
        what: "one picture",
        accepts: |modality| matches!(modality, Modality::Picture(_)),
        at_most: 1,
    };

    /// # Errors
    /// [`Error::InvalidConfig`] unless there is one picture, for a width below 1, or for an image too small to be
    /// halved.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &ResNet18Config) -> Result<Self> {
        let (input, Picture { channels, height: h, width: w }) = picture(spec, &Self::TAKES)?;
        let refuse = |field, expected: String, found: String| {
            Err(Error::InvalidConfig { what: "resnet-18", field, expected, found })
        };
        if config.width < 1 {
            return refuse("width", ">= 1".into(), config.width.to_string());
        }
        let least = if config.large_images { 32 } else { 8 };
        if h.min(w) < least {
            return refuse("inputs", format!("images of at least {least}x{least}"), format!("{h}x{w}"));
        }
        let (kernel, stride) = if config.large_images { (7, 2) } else { (3, 1) };
        let stem = ConvNorm::new(&mut scope.stage("stem").sub("stem"), channels, config.width, kernel, stride)?;
        let mut stages = vec![Stage { name: "stem".into(), view: View::Pyramid { channels: vec![config.width] } }];
        let (mut layers, mut inputs, mut made) = (Vec::new(), config.width, Vec::new());
        for idx in 0..4 {
            let name = format!("layer{}", idx + 1);
            let outputs = config.width << idx;
            let mut place = scope.stage(&name);
            let mut place = place.sub(&name);
            let stride = if idx == 0 { 1 } else { 2 };
            let first = BasicBlock::new(&mut place.sub("0"), inputs, outputs, stride)?;
            layers.push([first, BasicBlock::new(&mut place.sub("1"), outputs, outputs, 1)?]);
            made.push(outputs);
            stages.push(Stage { name, view: View::Pyramid { channels: made.clone() } });
            inputs = outputs;
        }
        Ok(Self { input, stem, large_images: config.large_images, layers, stages })
    }
}

impl EncoderPart for ResNet18Config {
    fn takes(&self) -> Takes {
        ResNet18::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ResNet18::new(scope, spec, self)?))
    }
}

impl Encoder for ResNet18 {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let xs = self.stem.forward(inputs.get(&self.input)?, cx)?.f_relu().op("resnet")?;
        let xs = match self.large_images {
            true => xs.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false).op("resnet")?,
            false => xs,
        };
        Ok(Features::Pyramid(vec![xs]))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let Features::Pyramid(mut maps) = features else {
            return Err(Error::Shape {
                op: "resnet-18".into(),
                tensor: "features",
                expected: "a pyramid".into(),
                found: features.tensors().iter().flat_map(|t| t.size()).collect(),
            });
        };
        let layer = stage_idx.checked_sub(1).and_then(|idx| self.layers.get(idx));
        let (Some([first, second]), Some(coarsest)) = (layer, maps.last()) else {
            return Err(no_stage(&self.stages, stage_idx));
        };
        let next = second.forward(&first.forward(coarsest, cx)?, cx)?;
        if stage_idx == 1 {
            maps.clear(); // the stem's map has the size of layer1's and is no level of its own
        }
        maps.push(next);
        Ok(Features::Pyramid(maps))
    }
}
