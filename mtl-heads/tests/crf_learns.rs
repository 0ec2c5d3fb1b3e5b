//! A chain learns what items alone cannot tell: only the first item of a sample shows anything, each later tag follows from the
//! one before it.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

use mtl_core::{
    answer::{Answer, Labels},
    batch::Target,
    context::Cx,
    features::{Features, Tokens, View},
    mode::Mode,
    params::ParamSet,
    rng::Rng,
    shim::{Graph, grad},
    task::TaskName,
};
use mtl_heads::{Ask, Head, HeadConfig, HeadPlace};
use tch::{Device, Kind, Tensor};

/// Samples of 1 to `longest` items whose tags go round `a b c a ..` from a drawn one; some labels after the first are not known.
fn samples(n: usize, longest: i64, seed: u64, gaps: bool) -> (Features, Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let mut rng = Rng::new(seed);
    let mut below =
        |k: i64| (0..k).rev().find(|at| rng.uniform() < 1.0 / (k - at) as f64 || *at == 0).map_or(0, |at| at);
    let (mut xs, mut padding, mut truth, mut known) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let (length, first) = (1 + below(longest), below(3));
        for t in 0..longest {
            xs.extend((0..3).map(|at| if t == 0 && at == first { 1.0 } else { 0.0 }));
            padding.push(t >= length);
        }
        let tags: Vec<i64> = (0..length).map(|t| (first + t) % 3).collect();
        known.push(
            tags.iter().enumerate().map(|(t, tag)| if gaps && t > 0 && below(3) == 0 { -100 } else { *tag }).collect(),
        );
        truth.push(tags);
    }
    let xs = Tensor::from_slice(&xs).view([n as i64, longest, 3]).to_kind(Kind::Float);
    let pad_mask = Some(Tensor::from_slice(&padding).view([n as i64, longest]));
    (Features::Tokens(Tokens { xs, pad_mask, names: None }), truth, known)
}

/// The share of unseen samples that are right in every item, after training on 200 others.
fn right(kind: &str) -> f64 {
    let (task, answer) = (TaskName::new("round").unwrap(), Answer::tags(["a", "b", "c"]));
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
    let head = HeadConfig::by_name(kind).unwrap();
    let view = View::Tokens { width: 3 };
    let head = head.build(HeadPlace::in_model(params.root(), 0, &task, &view, &answer)).unwrap();
    let (features, _, labels) = samples(200, 6, 1, true);
    let target = Target::new("round", &answer, &Labels::lists(&labels)).unwrap();
    let leaves: Vec<Tensor> = params.params().iter().map(|p| p.tensor().shallow_clone()).collect();
    let cx = Cx::new(Mode::Train);
    for _ in 0..300 {
        let loss = head.loss(&head.forward(&Ask::new(&features, &cx)).unwrap(), &target).unwrap();
        let grads = grad(&[&loss.mean().unwrap()], None, &leaves.iter().collect::<Vec<_>>(), Graph::Free).unwrap();
        let _guard = tch::no_grad_guard();
        for (leaf, grad) in leaves.iter().zip(grads) {
            let _ = leaf.shallow_clone().f_sub_(&(grad.unwrap() * 3.0)).unwrap();
        }
    }
    let (features, truth, _) = samples(100, 6, 2, false);
    let said = head.decode(&head.forward(&Ask::new(&features, &Cx::new(Mode::Eval))).unwrap()).unwrap();
    let right = truth.iter().enumerate().filter(|(row, truth)| said.said_tags(*row).as_ref() == Some(truth)).count();
    right as f64 / truth.len() as f64
}

#[test]
fn transitions_carry_what_items_do_not_show() {
    let (chain, items) = (right("crf"), right("tags"));
    assert!(chain >= 1.0, "the chain is right in {chain} of the samples");
    // Samples of one item, and of those that follow by luck.
    assert!(items < 0.5, "items alone are right in {items} of the samples");
}
