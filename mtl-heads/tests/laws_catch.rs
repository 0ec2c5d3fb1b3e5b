//! The laws find what is wrong with a head that is wrong on purpose: a checker that never complains checks nothing.

use mtl_core::{
    Result, answer::Answer, batch::Target, features::View, loss::TaskLoss, metric::MetricName, params::Scope,
    prediction::Prediction, task::TaskName,
};
use mtl_heads::{Ask, Head, HeadNeeds, HeadOutput, HeadSpec, Tower, TowerShape, laws, to_array};
use tch::Reduction;

/// Squared error as it is often written: no check of shapes, mean, missing labels counted as zeros.
#[derive(Debug)]
struct Careless {
    spec: HeadSpec,
    tower: Tower,
}

impl Careless {
    fn new(mut scope: Scope<'_>) -> Result<Self> {
        let view = View::Pooled { width: 6 };
        let spec = HeadSpec {
            kind: "careless",
            task: TaskName::new("demo")?,
            input: view.clone(),
            output: "numbers".into(),
            answer: Answer::values(["y"]),
            metrics: MetricName::several(&["mae"])?,
            needs: HeadNeeds::default(),
        };
        Ok(Self { spec, tower: Tower::new(&mut scope, &view, 1, TowerShape::default())? })
    }
}

impl Head for Careless {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        Ok(self.tower.forward(ask.features, ask.cx)?.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let ys = target.cells().nan_to_num(0.0, None, None).view(-1).to_kind(out.main().kind());
        Ok(TaskLoss::new(out.main().view(-1).f_mse_loss(&ys, Reduction::Mean)?, 1.0))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Values { values: to_array(out.main())? })
    }
}

#[test]
fn a_careless_head_is_found_out() {
    let broken = laws::check(Careless::new, laws::unit_values).unwrap_err();
    for law in ["missing", "absent", "weights", "refused"] {
        assert!(broken.0.iter().any(|b| b.law == law), "{law} is not among {broken}");
    }
}
