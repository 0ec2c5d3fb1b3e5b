//! A head of one's own: counts, by Poisson regression.
//!
//! Goal: a head that the toolkit does not have, in about forty lines, checked by the toolkit's own laws.
//! Expect: "the Poisson head obeys every law" after a second.
//!
//! ```text
//! z = tower(features),  rate = exp(z),  sum = sum_{known} exp(z) - y z,  decode: rate
//! ```

use mtl_core::{
    Result,
    batch::Target,
    context::Cx,
    features::{Features, View},
    loss::TaskLoss,
    metric::MetricId,
    params::Scope,
    prediction::Prediction,
    task::TaskName,
};
use mtl_heads::{Head, HeadOutput, HeadSpec, TargetSpec, Tower, TowerShape, laws, to_array};

#[derive(Debug)]
struct PoissonHead {
    spec: HeadSpec,
    tower: Tower,
}

impl PoissonHead {
    fn new(scope: &mut Scope<'_>, task: &TaskName, view: &View) -> Result<Self> {
        let spec = HeadSpec {
            kind: "poisson",
            task: task.clone(),
            input: view.clone(),
            output: "log rates [b, 1]".into(),
            target: TargetSpec::Values { values: 1 },
            metrics: vec![MetricId::Mae],
        };
        Ok(Self { spec, tower: Tower::new(scope, view, 1, TowerShape::default())? })
    }
}

impl Head for PoissonHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, features: &Features, cx: &Cx) -> Result<HeadOutput> {
        Ok(self.tower.forward(features, cx)?.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = self.spec.accept(zs, target)?.f_to_kind(zs.kind())?; // [b, 1], NaN where unknown
        let missing = ys.f_isnan()?;
        let ys = ys.f_masked_fill(&missing, 0.0)?; // a NaN here would reach the gradient through the product
        let sum = zs.f_exp()?.f_sub(&ys.f_mul(zs)?)?.f_masked_fill(&missing, 0.0)?.f_sum(zs.kind())?;
        Ok(TaskLoss::new(sum, target.known()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(&out.main().f_exp()?)? })
    }
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let task = TaskName::new("visits")?;
    laws::check(|scope| PoissonHead::new(scope, &task, &View::Pooled { width: 8 }), laws::counts)?;
    println!("the Poisson head obeys every law");
    Ok(())
}
