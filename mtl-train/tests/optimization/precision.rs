//! Forward passes in bf16: everything else stays in f32, results stay close.

use mtl_core::{
    context::Cx,
    mode::Mode,
    precision::Precision,
    shim::{self, Graph},
};
use mtl_train::{
    parts::architecture::Architecture,
    train::trainer::{EpochSummary, Observer},
};
use tch::{Kind, Tensor};

use super::run::{session, try_session, turn, weights};

#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn epoch(&mut self, e: &EpochSummary) {
        self.0.push(e.train_loss.iter().flatten().sum());
    }
}

#[test]
fn every_architecture_trains_close_to_f32() {
    let _turn = turn();
    for (name, _) in Architecture::all() {
        // The attention architectures want tokens, which the tabular encoder gives without hidden layers.
        let run = |precision: &str| {
            let train =
                format!("precision = {precision:?}\nschedule = {{ kind = 'constant' }}\n[sharing]\nkind = {name:?}");
            let mut session = try_session("equal", &train).ok()?;
            let mut losses = Losses::default();
            session.trainer.fit(&session.train, &session.validation, &mut losses, None).unwrap();
            assert!(session.trainer.model().params().params().iter().all(|p| p.tensor().kind() == Kind::Float));
            Some((losses.0, weights(&session)))
        };
        let Some(((full, full_weights), (half, half_weights))) = run("f32").zip(run("bf16")) else { continue };
        assert_ne!(full_weights, half_weights, "{name}: nothing was computed in bf16");
        for (full, half) in full.iter().zip(&half) {
            assert!((full - half).abs() < 0.02 * full.abs(), "{name}: {full} and {half}");
        }
    }
}

#[test]
fn losses_and_gradients_are_f32_and_near_the_exact_ones() {
    let _turn = turn();
    let session = session("");
    let model = session.trainer.model();
    let batch = session.train.epoch(0).unwrap().next().unwrap().unwrap();
    let tensors: Vec<&Tensor> = model.params().params().iter().map(|p| p.tensor()).collect();
    let gradient = |precision: Precision| {
        let forward = model.losses(&batch, &Cx::new(Mode::Eval).with_precision(precision)).unwrap();
        let losses: Vec<&Tensor> = forward.losses.iter().map(|l| &l.sum).collect();
        assert!(losses.iter().all(|l| l.kind() == Kind::Float));
        let grads = shim::grad(&losses, None, &tensors, Graph::Free).unwrap();
        let flat: Vec<Tensor> = grads.into_iter().flatten().map(|g| g.reshape([-1])).collect();
        assert!(flat.iter().all(|g| g.kind() == Kind::Float));
        Tensor::cat(&flat, 0)
    };
    let (full, half) = (gradient(Precision::F32), gradient(Precision::Bf16));
    let error = (&full - &half).norm().double_value(&[]) / full.norm().double_value(&[]);
    assert!(error > 0.0 && error < 0.02, "relative error {error}");
    // The switch is off again.
    assert_eq!(gradient(Precision::F32), full);
}

#[test]
fn every_step_mode_that_is_offered_works_in_bf16() {
    let _turn = turn();
    for mode in ["exact", "representation", "batched", "low-memory"] {
        let train = format!("precision = 'bf16'\nstep_mode = {{ kind = {mode:?} }}");
        let mut session = try_session("upgrad", &train).unwrap();
        let mut losses = Losses::default();
        session.trainer.fit(&session.train, &session.validation, &mut losses, None).unwrap();
        assert!(losses.0.last() < losses.0.first(), "{mode}: {:?}", losses.0);
    }
}
