//! A head of one's own: counts, by Poisson regression.
//!
//! Goal: a head that the toolkit does not have, in about fifty lines, checked by the toolkit's own laws. It starts from the mean
//! of the training labels, which it keeps in a buffer: it is saved with the parameters, and prediction needs no data.
//! Expect: "the Poisson head obeys every law" after a second.
//!
//! ```text
//! z = tower(features) + log(mean count),  rate = exp(z),  sum = sum_{known} exp(z) - y z,  decode: rate
//! ```

use mtl_core::{
    Result,
    answer::Answer,
    batch::Target,
    features::View,
    label_stats::{LabelStats, Numbers, Spread},
    loss::TaskLoss,
    params::Init,
    prediction::Prediction,
    task::TaskName,
};
use mtl_heads::{Ask, Head, HeadOutput, HeadPlace, HeadSpec, Tower, TowerShape, laws, to_array};
use tch::Tensor;

#[derive(Debug)]
struct PoissonHead {
    spec: HeadSpec,
    tower: Tower,
    log_mean: Tensor, // [1]
}

impl PoissonHead {
    fn new(mut place: HeadPlace<'_>) -> Result<Self> {
        let spec = place.spec("poisson", "log rates [b, 1]", &["mae"])?;
        let log_mean = place.scope.buffer("log_mean", &[1], Init::Zeros)?;
        // Without statistics it stays 0 until weights are loaded, which bring it.
        if let Some(spread) = place.labels.and_then(|s| s.numbers().first()).and_then(|n| n.spread.as_ref()) {
            let _guard = tch::no_grad_guard();
            let _ = log_mean.shallow_clone().f_fill_(spread.moments.mean.max(1e-6).ln())?;
        }
        let shape = TowerShape { members: place.members, ..TowerShape::default() };
        Ok(Self { spec, tower: Tower::new(&mut place.scope, place.view, 1, shape)?, log_mean })
    }
}

impl Head for PoissonHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.f_add(&self.log_mean)?.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = self.spec.accept(zs, target)?.f_to_kind(zs.kind())?; // [b, 1], NaN where unknown
        let missing = ys.f_isnan()?;
        let ys = ys.f_masked_fill(&missing, 0.0)?; // a NaN here would reach the gradient through the product
        let losses = zs.f_exp()?.f_sub(&ys.f_mul(zs)?)?.f_masked_fill(&missing, 0.0)?;
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(&out.main().f_exp()?)? })
    }
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let task = TaskName::new("visits")?;
    // In training they come from `mtl_data::stats::of(source)`.
    let seen = Spread::of(&mut [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let stats = LabelStats::Values { outputs: vec![Numbers { known: 6, missing: 0, spread: seen }] };
    let (view, answer) = (View::Pooled { width: 8 }, Answer::values(["visits"]));
    let labels = Some(&stats);
    laws::check(
        |scope| PoissonHead::new(HeadPlace::new(scope, &task, &view, &answer).with_labels(labels)),
        laws::counts,
    )?;
    println!("the Poisson head obeys every law");
    Ok(())
}
