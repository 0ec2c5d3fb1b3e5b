//! What we rely on in tch 0.24 and libtorch 2.11, so that a version bump tells us what moved.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use tch::{Device, Kind, Tensor, kind::FLOAT_CPU};

#[test]
fn an_unused_input_has_an_undefined_gradient() {
    let (x, y) =
        (Tensor::ones([1], FLOAT_CPU).set_requires_grad(true), Tensor::ones([1], FLOAT_CPU).set_requires_grad(true));
    let grads = Tensor::run_backward(&[&x * 2.0], &[&x, &y], false, false);
    assert!(grads[0].defined() && !grads[1].defined());
}

#[test]
fn squared_error_broadcasts_without_a_word() {
    // Why heads compare shapes exactly.
    let loss =
        Tensor::zeros([4, 1], FLOAT_CPU).f_mse_loss(&Tensor::zeros([4], FLOAT_CPU), tch::Reduction::None).unwrap();
    assert_eq!(loss.size(), [4, 4]);
}

#[test]
fn cross_entropy_of_nothing_is_not_a_number() {
    // Why losses are a sum and a count.
    let logits = Tensor::zeros([2, 3], FLOAT_CPU);
    let labels = Tensor::from_slice(&[-100i64, -100]);
    let loss = |reduction| logits.cross_entropy_loss(&labels, None::<&Tensor>, reduction, -100, 0.0).double_value(&[]);
    assert!(loss(tch::Reduction::Mean).is_nan());
    assert_eq!(loss(tch::Reduction::Sum), 0.0);
}

#[test]
fn grad_mode_belongs_to_the_thread_and_the_guard_survives_a_panic() {
    let tracks = || (Tensor::ones([1], FLOAT_CPU).set_requires_grad(true) * 2.0).requires_grad();
    let caught = std::panic::catch_unwind(|| {
        let _guard = tch::no_grad_guard();
        assert!(!(Tensor::ones([1], FLOAT_CPU).set_requires_grad(true) * 2.0).requires_grad());
        panic!("on purpose");
    });
    assert!(caught.is_err() && tracks());
    let _guard = tch::no_grad_guard();
    assert!(std::thread::spawn(tracks).join().unwrap());
}

#[test]
fn tensors_move_between_threads() {
    fn send<T: Send>(_: &T) {}
    let t = Tensor::ones([2], FLOAT_CPU);
    send(&t);
    let sum = std::thread::spawn(move || t.sum(Kind::Float).double_value(&[])).join().unwrap();
    assert_eq!(sum, 2.0);
}

#[test]
fn an_index_outside_an_embedding_is_an_error_and_not_a_read() {
    let table = Tensor::zeros([3, 2], FLOAT_CPU);
    let rows = Tensor::from_slice(&[3i64]);
    assert!(Tensor::f_embedding(&table, &rows, -1, false, false).is_err());
    assert_eq!(table.device(), Device::Cpu);
}
