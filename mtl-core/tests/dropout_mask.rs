//! Masks of dropout: their rate, their independence, and what their draw depends on.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use mtl_core::shim::{dropout_mask, manual_seed};
use tch::{Device, Kind, Tensor};

/// libtorch has one generator for the whole process: who sets its seed and draws holds it meanwhile.
fn generator() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mask(shape: &[i64], kind: Kind, rate: f64, seed: u64) -> Tensor {
    let _turn = generator();
    manual_seed(seed).unwrap();
    dropout_mask(&Tensor::zeros(shape, (kind, Device::Cpu)), rate).unwrap()
}

/// The share of zeros in a column of pairs, triples ...: a rate must hold in every place.
fn share_of_zeros(mask: &Tensor) -> f64 {
    mask.eq(0.0).mean(Kind::Double).double_value(&[])
}

#[test]
fn zeros_come_at_the_rate_and_the_mean_stays() {
    let n = 400_000;
    for rate in [0.0, 0.001, 0.2, 0.5, 0.9] {
        let drawn = mask(&[n], Kind::Double, rate, 7);
        let within = 5.0 * (rate * (1.0 - rate) / n as f64).sqrt() + 1e-12; // five standard deviations
        assert!((share_of_zeros(&drawn) - rate).abs() <= within, "{rate}");
        let kept = drawn.masked_select(&drawn.not_equal(0.0));
        assert!(kept.eq(1.0 / (1.0 - rate)).all().int64_value(&[]) == 1, "{rate}");
        for stride in [2, 3, 64] {
            let places = drawn.slice(0, stride - 1, n, stride);
            let within = within * (stride as f64).sqrt();
            assert!((share_of_zeros(&places) - rate).abs() <= within, "{rate}, every {stride}th");
        }
    }
}

#[test]
fn neighbors_and_seeds_are_independent() {
    let n = 400_000;
    let zeros = |seed| mask(&[n], Kind::Float, 0.5, seed).eq(0.0).to_kind(Kind::Double) - 0.5;
    let first = zeros(1);
    let correlation = |a: &Tensor, b: &Tensor| 4.0 * (a * b).mean(Kind::Double).double_value(&[]);
    let limit = 5.0 / (n as f64).sqrt();
    for lag in [1, 2, 7, 128] {
        let (a, b) = (first.slice(0, 0, n - lag, 1), first.slice(0, lag, n, 1));
        assert!(correlation(&a, &b).abs() < limit, "lag {lag}");
    }
    for seed in [0, 2, 3, 1 << 40] {
        assert!(correlation(&first, &zeros(seed)).abs() < limit, "seed {seed}");
    }
}

#[test]
fn the_draw_depends_on_the_seed_alone() {
    let shape = [3, 100_001]; // an odd number, large enough for several threads
    let draw = |seed| mask(&shape, Kind::Float, 0.3, seed);
    let first = draw(5);
    assert_eq!(first.size(), shape);
    assert!(first == draw(5) && first != draw(6));
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    assert!(first == draw(5), "the number of threads changes nothing");
    tch::set_num_threads(3);
    assert!(first == draw(5));
    tch::set_num_threads(threads);
    let _turn = generator();
    manual_seed(5).unwrap();
    let like = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let (one, two) = (dropout_mask(&like, 0.3).unwrap(), dropout_mask(&like, 0.3).unwrap());
    assert!(one == first && one != two, "the second mask of a step is another");
}

#[test]
fn kinds_shapes_and_refusals() {
    for kind in [Kind::Float, Kind::Double, Kind::BFloat16, Kind::Half] {
        assert_eq!(mask(&[2, 0], kind, 0.5, 1).size(), [2, 0]);
        let one = mask(&[], kind, 0.5, 1);
        assert_eq!((one.kind(), one.dim()), (kind, 0));
    }
    let transposed = Tensor::zeros([4, 3], (Kind::Float, Device::Cpu)).tr();
    assert_eq!(dropout_mask(&transposed, 0.5).unwrap().size(), [3, 4]);
    let e = dropout_mask(&Tensor::zeros([2], (Kind::Int64, Device::Cpu)), 0.5).unwrap_err().to_string();
    assert!(e.contains("dropout mask"), "{e}");
    let e = dropout_mask(&transposed, 1.0).unwrap_err().to_string();
    assert!(e.contains("[0, 1)"), "{e}");
}
