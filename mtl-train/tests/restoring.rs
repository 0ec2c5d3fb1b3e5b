//! A task without labels beside one with them: hidden cells of a table are restored, and nobody else notices.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use mtl_core::{
    batch::Batch,
    context::Cx,
    input::Inputs,
    mode::Mode,
    prediction::Prediction,
    shim::{self, Graph, grad},
};
use mtl_data::{Source, source::ForTasks};
use mtl_train::{
    config::RunConfig,
    run::{plan::ModelPlan, self_supervised, session::Session},
    train::model::Model,
};
use ndarray::Axis;
use tch::{Device, Tensor};

const RESTORE: &str =
    "[[task]]\nname = \"restore\"\nhead = { kind = \"masked-reconstruction\", share = 0.3, hidden = [32] }\n";

/// `w = u + v`, `x = u - v`: any one of four numbers follows from the others.
fn table(dir: &std::path::Path) {
    let mut text = "u,v,w,x,sum\n".to_owned();
    let mut rng = mtl_core::rng::Rng::new(2);
    for _ in 0..600 {
        let (u, v) = (rng.normal(), rng.normal());
        text += &format!("{u},{v},{},{},{}\n", u + v, u - v, if u + 2.0 * v > 0.0 { "high" } else { "low" });
    }
    std::fs::write(dir.join("train.csv"), text).unwrap();
}

fn config(dir: &std::path::Path, tasks: &str, train: &str) -> RunConfig {
    let text = format!(
        r#"
[data]
kind = "csv"
train = {:?}
[data.schema]
columns = [
    {{ name = "u", kind = "numeric" }},
    {{ name = "v", kind = "numeric" }},
    {{ name = "w", kind = "numeric" }},
    {{ name = "x", kind = "numeric" }},
    {{ name = "sum", kind = "label", label = "class" }},
]
[encoder]
kind = "mlp"
hidden = [64, 32]
dropout = 0.1
[train]
batch_size = 32
{train}
[device]
threads = 1
{tasks}
"#,
        dir.join("train.csv")
    );
    RunConfig::parse(&text, "test".as_ref()).unwrap()
}

/// The model of that configuration, and a batch for it.
fn model(dir: &std::path::Path, tasks: &str) -> (Model, Batch) {
    let config = config(dir, tasks, "");
    let splits = config.data.load().unwrap();
    let plan = ModelPlan::new(&config, &splits.info).unwrap();
    let source = self_supervised::source(&config, splits.train.clone()).unwrap();
    let source = ForTasks::select(source, &plan.names()).unwrap();
    (plan.build(&[], Device::Cpu, 3).unwrap(), source.batch(&(0..24).collect::<Vec<_>>()).unwrap())
}

/// The loss of the first task in one training step, and its gradient on every parameter but those of the task that restores.
fn first_task(model: &Model, batch: &Batch) -> (f64, Vec<Option<Tensor>>) {
    shim::manual_seed(9).unwrap();
    let loss = model.losses(batch, &Cx::new(Mode::Train)).unwrap().losses.remove(0);
    let others = model.params().params().iter().filter(|p| !p.name().starts_with("heads.restore"));
    let leaves: Vec<&Tensor> = others.map(|p| p.tensor()).collect();
    (loss.sum.double_value(&[]), grad(&[&loss.sum], None, &leaves, Graph::Free).unwrap())
}

#[test]
fn other_tasks_do_not_notice_what_is_hidden() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let sum = "[[task]]\nname = \"sum\"\n";
    let (alone, batch) = model(dir.path(), sum);
    let (both, batch_of_both) = model(dir.path(), &format!("{sum}{RESTORE}"));
    assert_eq!((alone.tasks().len(), both.tasks().len()), (1, 2));
    let ((loss, gradients), (loss_beside, beside)) = (first_task(&alone, &batch), first_task(&both, &batch_of_both));
    assert_eq!(loss.to_bits(), loss_beside.to_bits(), "dropout included");
    assert!(gradients.len() == beside.len() && gradients.iter().zip(&beside).all(|(a, b)| a == b));
    // Named first, it still draws last.
    let (first, mut batch) = model(dir.path(), &format!("{RESTORE}{sum}"));
    shim::manual_seed(9).unwrap();
    let losses = first.losses(&batch, &Cx::new(Mode::Train)).unwrap().losses;
    assert_eq!(losses[1].sum.double_value(&[]).to_bits(), loss.to_bits());
    assert!(losses[0].is_present() && (losses[0].count - 24.0).abs() < 1e-9, "one of four cells of each sample");
    // Where its target is missing the trunk runs once.
    let count = |model: &Model, batch: &Batch| {
        let cx = Cx::new(Mode::Train).with_tape();
        model.losses(batch, &cx).unwrap().tape.0.iter().filter(|entry| entry.layer.starts_with("encoder")).count()
    };
    let twice = count(&first, &batch);
    batch.targets[0] = None;
    assert_eq!(count(&first, &batch) * 2, twice);
}

#[test]
fn an_answer_does_not_depend_on_its_own_cell_nor_on_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let (model, batch) = model(dir.path(), RESTORE);
    let restored = |inputs: &Inputs| {
        let Prediction::Values { values } = model.predict(inputs).unwrap().remove(0) else { panic!() };
        values
    };
    let whole = restored(&batch.inputs);
    for field in 0..4usize {
        let changed = batch.inputs.map(|_, xs| {
            let xs = xs.copy();
            let _ = xs.narrow(1, field as i64, 1).fill_(77.0);
            Ok(xs)
        });
        let changed = changed.unwrap();
        let other = restored(&changed);
        let column = |values: &ndarray::Array2<f32>| values.column(field).to_owned();
        assert_eq!(column(&other), column(&whole), "field {field} is restored without itself");
        assert_ne!(other, whole, "and others with it");
    }
    let some = batch.inputs.select(&Tensor::from_slice(&[7i64, 3])).unwrap();
    assert!(restored(&some).iter().zip(whole.select(Axis(0), &[7, 3])).all(|(a, b)| (a - b).abs() < 1e-6));
}

#[test]
fn what_follows_from_other_cells_is_restored_much_better_than_by_the_mean() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let train = "epochs = 60\noptimizer = { kind = \"adamw\", lr = 0.005 }";
    let config = config(dir.path(), &format!("[[task]]\nname = \"sum\"\n{RESTORE}"), train);
    let splits = config.data.load().unwrap();
    let mut session = Session::new(&config, &splits).unwrap();
    session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
    let (report, mean) = (session.test().unwrap(), session.test_constant().unwrap());
    let rmse = |report: &mtl_metrics::MetricReport| report.value(1, "rmse").unwrap();
    assert!(rmse(&report) < 0.35 * rmse(&mean), "{} by the network, {} by the mean", rmse(&report), rmse(&mean));
    assert!(report.value(0, "accuracy").unwrap() > 0.9);
    // Every sample counts, every cell of it.
    let batch = session.test_loader().epoch(0).unwrap().next().unwrap().unwrap();
    assert!(batch.targets[1].as_ref().unwrap().is_complete());
    let arcs: Arc<dyn Source> = splits.test.clone();
    assert_eq!(arcs.n_tasks(), 1, "the data know nothing of it");
}
