//! Counts, by Poisson regression: `rate = exp(z)`, `sum = sum_{known} rate - y z`.

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
    batch::Target,
    features::View,
    label_stats::LabelStats,
    loss::TaskLoss,
    metric::MetricName,
    params::Scope,
    prediction::Prediction,
    task::TaskName,
};
use mtl_heads::{Ask, Head, HeadNeeds, HeadOutput, HeadPart, HeadSpec, Tower, TowerShape, to_array};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

const METRICS: &[&str] = &["poisson-deviance", "mae"];

/// Settings of the head.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PoissonConfig {
    /// Widths of hidden layers, each >= 1; default none.
    hidden: Vec<i64>,
}

impl HeadPart for PoissonConfig {
    fn metrics(&self, _answer: &Answer) -> &'static [&'static str] {
        METRICS
    }

    fn build(
        &self,
        scope: &mut Scope<'_>,
        task: &TaskName,
        view: &View,
        answer: &Answer,
        _stats: Option<&LabelStats>,
    ) -> Result<Box<dyn Head>> {
        if answer.tag() != AnswerTag::Values {
            return Err(Error::InvalidConfig {
                what: "head",
                field: "kind",
                expected: format!("one for the labels of task {task}, which are {}", answer.describe()),
                found: "\"poisson\", which is for numbers".into(),
            });
        }
        let width = answer.width() as i64;
        let spec = HeadSpec {
            kind: "poisson",
            task: task.clone(),
            input: view.clone(),
            output: format!("log rates [b, {width}]"),
            answer: answer.clone(),
            metrics: MetricName::several(METRICS)?,
            needs: HeadNeeds::default(),
        };
        let shape = TowerShape { hidden: &self.hidden, ..TowerShape::default() };
        Ok(Box::new(PoissonHead { tower: Tower::new(scope, view, width, shape)?, spec }))
    }
}

#[derive(Debug)]
struct PoissonHead {
    spec: HeadSpec,
    tower: Tower,
}

impl Head for PoissonHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = self.spec.accept(zs, target)?.f_to_kind(zs.kind())?; // [b, k], NaN where unknown
        let missing = ys.f_isnan()?;
        let ys = ys.f_masked_fill(&missing, 0.0)?; // a NaN here would reach the gradient through the product
        let losses = zs.f_exp()?.f_sub(&ys.f_mul(zs)?)?.f_masked_fill(&missing, 0.0)?;
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(&self.answer(out)?)? })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        Ok(out.main().f_exp()?)
    }
}
