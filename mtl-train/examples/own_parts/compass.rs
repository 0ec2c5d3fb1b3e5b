//! A head for directions: it answers a vector `z`, and loses `1 - cos` of the angle between `z` and the label.
//!
//! ```text
//! sum = sum_{known} 1 - (z . u) / |z|        u = (sin y, cos y)
//! ```

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
    batch::Target,
    loss::TaskLoss,
    prediction::Prediction,
};
use mtl_heads::{Ask, Head, HeadOutput, HeadPart, HeadPlace, HeadSpec, Tower, TowerShape, to_array};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::angle::Angle;

const METRICS: &[&str] = &["angle-error"];

/// Settings of the head.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CompassConfig {
    /// Widths of hidden layers, each >= 1; default none.
    hidden: Vec<i64>,
}

impl HeadPart for CompassConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        METRICS
    }

    fn build(&self, mut place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        if place.answer.tag() != AnswerTag::Custom(Angle::KIND) {
            return Err(Error::InvalidConfig {
                what: "head",
                field: "kind",
                expected: format!("one for the labels of task {}, which are {}", place.task, place.answer.describe()),
                found: "\"compass\", which is for directions".into(),
            });
        }
        let spec = place.spec("compass", "vectors [b, 2], east and north", METRICS)?;
        let shape = TowerShape { hidden: &self.hidden, members: place.members, ..TowerShape::default() };
        Ok(Box::new(Compass { tower: Tower::new(&mut place.scope, place.view, 2, shape)?, spec }))
    }
}

#[derive(Debug)]
struct Compass {
    spec: HeadSpec,
    tower: Tower,
}

impl Head for Compass {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main(); // [b, 2]
        let ys = self.spec.accept_as(&[2], zs, target)?.f_to_kind(zs.kind())?.f_deg2rad()?; // [b, 1], NaN where unknown
        let missing = ys.f_isnan()?;
        let ys = ys.f_masked_fill(&missing, 0.0)?; // a NaN here would reach the gradient through the product
        let us = Tensor::f_cat(&[ys.f_sin()?, ys.f_cos()?], 1)?;
        let cos = Tensor::f_cosine_similarity(zs, &us, 1, 1e-8)?.f_unsqueeze(1)?; // [b, 1]
        let losses = cos.f_neg()?.f_add_scalar(1.0)?.f_masked_fill(&missing, 0.0)?;
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Angle::prediction(to_array(&self.answer(out)?)?.into_iter().collect()))
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        let (east, north) = (out.main().f_narrow(1, 0, 1)?, out.main().f_narrow(1, 1, 1)?);
        Ok(east.f_atan2(&north)?.f_rad2deg()?.f_remainder(360.0)?) // [b, 1]
    }
}
