//! Random waves: `z = relu(W [cos(F x), sin(F x)] + b)`, with frequencies `F` that are drawn once and kept.

use mtl_core::{
    Error, Result,
    context::Cx,
    encode::{Encoder, EncoderPart, Stage, Takes},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality},
    nn::Linear,
    params::{Init, Scope},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

const TAKES: Takes = Takes {
    encoder: "fourier encoder",
    what: "the numeric fields of a table",
    accepts: |modality| matches!(modality, Modality::Numeric(_)),
    at_most: 1,
};

/// Settings of the encoder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FourierConfig {
    /// How many waves, >= 1; default 16.
    waves: i64,
    /// Width of what comes out, >= 1; default 16.
    width: i64,
}

impl Default for FourierConfig {
    fn default() -> Self {
        Self { waves: 16, width: 16 }
    }
}

impl EncoderPart for FourierConfig {
    fn takes(&self) -> Takes {
        TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        TAKES.check(spec)?;
        for (field, value) in [("waves", self.waves), ("width", self.width)] {
            if value < 1 {
                let (expected, found) = (">= 1".into(), value.to_string());
                return Err(Error::InvalidConfig { what: "fourier encoder", field, expected, found });
            }
        }
        let (name, fields) = spec.iter().next().map_or(("", 0), |(name, m)| match m {
            Modality::Numeric(numeric) => (name, numeric.names.len() as i64),
            _ => (name, 0),
        });
        let mut place = scope.stage("waves");
        let mut place = place.sub("waves");
        let frequencies = place.buffer("frequencies", &[fields, self.waves], Init::Normal(1.0))?;
        let out = Linear::new(&mut place, 2 * self.waves, self.width)?;
        let stages = vec![Stage { name: "waves".into(), view: View::Pooled { width: self.width } }];
        Ok(Box::new(Fourier { input: name.to_owned(), frequencies, out, stages }))
    }
}

#[derive(Debug)]
struct Fourier {
    input: String,
    frequencies: Tensor,
    out: Linear,
    stages: Vec<Stage>,
}

impl Encoder for Fourier {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let angles = inputs.get(&self.input)?.f_matmul(&self.frequencies)?; // [b, waves]
        let waves = Tensor::f_cat(&[angles.f_cos()?, angles.f_sin()?], 1)?;
        Ok(Features::Pooled(self.out.forward(&waves, cx)?.f_relu()?))
    }

    fn advance(&self, stage_idx: usize, _features: Features, _cx: &Cx) -> Result<Features> {
        Err(Error::UnknownName { what: "stage", name: stage_idx.to_string(), known: vec!["waves".into()] })
    }
}
