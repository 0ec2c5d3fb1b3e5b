//! An encoder: `z = relu(W [sin(k a), cos(k a), x] + b)` for `k = 1..=waves`, `a` the phases of cyclic fields, `x` numbers.

use mtl_core::{
    Error, Result,
    context::Cx,
    encode::{Encoder, EncoderPart, Stage, Takes},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality},
    nn::Linear,
    params::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::cyclic::Cyclic;

const TAKES: Takes = Takes {
    encoder: "harmonics encoder",
    what: "cyclic and numeric fields",
    accepts: |modality| match modality {
        Modality::Custom(custom) => custom.downcast::<Cyclic>().is_some(),
        modality => matches!(modality, Modality::Numeric(_)),
    },
    at_most: 2,
};

/// Settings of the encoder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HarmonicsConfig {
    /// How many waves a cyclic field is seen in, >= 1; default 2.
    waves: i64,
    /// Width of what comes out, >= 1; default 16.
    width: i64,
}

impl Default for HarmonicsConfig {
    fn default() -> Self {
        Self { waves: 2, width: 16 }
    }
}

impl EncoderPart for HarmonicsConfig {
    fn takes(&self) -> Takes {
        TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        TAKES.check(spec)?;
        for (field, value) in [("waves", self.waves), ("width", self.width)] {
            if value < 1 {
                let (expected, found) = (">= 1".into(), value.to_string());
                return Err(Error::InvalidConfig { what: "harmonics encoder", field, expected, found });
            }
        }
        let (mut inputs, mut width) = (Vec::new(), 0);
        for (name, modality) in spec.iter() {
            let fields = modality.layout().cells();
            let periods = match modality {
                Modality::Custom(custom) => custom.downcast::<Cyclic>().map(|cyclic| cyclic.periods.clone()),
                _ => None,
            };
            width += if periods.is_some() { 2 * self.waves * fields } else { fields };
            inputs.push((name.to_owned(), periods));
        }
        let out = Linear::new(&mut scope.stage("waves").sub("waves"), width, self.width)?;
        let stages = vec![Stage { name: "waves".into(), view: View::Pooled { width: self.width } }];
        Ok(Box::new(Harmonics { inputs, waves: self.waves, out, stages }))
    }
}

#[derive(Debug)]
struct Harmonics {
    /// Names; with periods where they are cyclic.
    inputs: Vec<(String, Option<Vec<f32>>)>,
    waves: i64,
    out: Linear,
    stages: Vec<Stage>,
}

impl Encoder for Harmonics {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let mut columns = Vec::new();
        for (name, periods) in &self.inputs {
            let xs = inputs.get(name)?; // [b, n]
            let Some(periods) = periods else {
                columns.push(xs.shallow_clone());
                continue;
            };
            for (field, period) in (0..).zip(periods) {
                let phase = xs.f_narrow(1, field, 1)?.f_mul_scalar(std::f64::consts::TAU / f64::from(*period))?; // [b, 1]
                for wave in 1..=self.waves {
                    let angle = phase.f_mul_scalar(wave)?;
                    columns.extend([angle.f_sin()?, angle.f_cos()?]);
                }
            }
        }
        Ok(Features::Pooled(self.out.forward(&Tensor::f_cat(&columns, 1)?, cx)?.f_relu()?))
    }

    fn advance(&self, stage_idx: usize, _features: Features, _cx: &Cx) -> Result<Features> {
        Err(Error::UnknownName { what: "stage", name: stage_idx.to_string(), known: vec!["waves".into()] })
    }
}
