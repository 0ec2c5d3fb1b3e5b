//! Laws of attention modules: who may influence whom, and derivatives against finite differences.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

use mtl_attention::{AttnBackend, AttnMask, AttnOptions, CausalAlign, MultiHead, MultiHeadConfig, SelfBlock, attend};
use mtl_core::{
    context::Cx,
    features::Tokens,
    mode::Mode,
    nn::{Activation, Dropout},
    params::ParamSet,
    rng::Rng,
    shim::{Graph, grad},
};
use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

fn normal(seed: u64, shape: &[i64]) -> Tensor {
    let mut rng = Rng::new(seed);
    let n: i64 = shape.iter().product();
    Tensor::from_slice(&(0..n).map(|_| rng.normal()).collect::<Vec<f64>>()).view(shape)
}

fn tokens(xs: Tensor) -> Tokens {
    Tokens { xs, pad_mask: None, names: None }
}

fn gap(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}

fn module(backend: AttnBackend) -> (ParamSet, MultiHead) {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
    let config = MultiHeadConfig { width: 6, heads: 2, backend, ..Default::default() };
    let module = MultiHead::new(&mut params.root(), &config).unwrap();
    (params, module)
}

const BACKENDS: [AttnBackend; 2] = [AttnBackend::Fused, AttnBackend::Explicit];

#[test]
fn a_later_token_does_not_change_earlier_outputs() {
    for backend in BACKENDS {
        let (_params, module) = module(backend);
        let run = |xs: &Tensor| {
            let tokens = tokens(xs.shallow_clone());
            module.forward(&tokens, &tokens, AttnMask::causal(CausalAlign::First), &Cx::new(Mode::Eval)).unwrap()
        };
        let xs = normal(1, &[2, 5, 6]);
        let changed = Tensor::cat(&[xs.narrow(1, 0, 3), normal(2, &[2, 1, 6]), xs.narrow(1, 4, 1)], 1);
        let (a, b) = (run(&xs), run(&changed));
        assert_eq!(a.narrow(1, 0, 3), b.narrow(1, 0, 3), "bit for bit, {backend:?}");
        assert!(gap(&a.narrow(1, 3, 2), &b.narrow(1, 3, 2)) > 1e-3);
    }
}

#[test]
fn a_cache_of_earlier_keys_equals_the_full_pass() {
    for backend in BACKENDS {
        let (_params, module) = module(backend);
        let xs = normal(1, &[2, 5, 6]);
        let cx = Cx::new(Mode::Eval);
        let all = tokens(xs.shallow_clone());
        let full = module.forward(&all, &all, AttnMask::causal(CausalAlign::First), &cx).unwrap();
        let new = tokens(xs.narrow(1, 3, 2));
        let step = module.forward(&new, &all, AttnMask::causal(CausalAlign::Last), &cx).unwrap();
        assert!(gap(&full.narrow(1, 3, 2), &step) < 1e-14);
    }
}

#[test]
fn padded_keys_change_nothing() {
    for backend in BACKENDS {
        let (_params, module) = module(backend);
        let cx = Cx::new(Mode::Eval);
        let xs = normal(1, &[2, 3, 6]);
        let queries = tokens(xs.shallow_clone());
        let plain = module.forward(&queries, &queries, AttnMask::none(), &cx).unwrap();
        let flags = [false, false, false, true, true];
        let pad_mask = Tensor::from_slice(&flags).view([1, 5]).repeat([2, 1]);
        let padded = |seed| {
            let xs = Tensor::cat(&[xs.shallow_clone(), normal(seed, &[2, 2, 6]) * 100.0], 1);
            let memory = Tokens { xs, pad_mask: Some(pad_mask.shallow_clone()), names: None };
            module.forward(&queries, &memory, AttnMask::none(), &cx).unwrap()
        };
        assert_eq!(padded(8), padded(9), "what lies under the padding does not matter, bit for bit");
        assert!(gap(&plain, &padded(8)) < 1e-14, "{backend:?}");
    }
}

#[test]
fn without_positions_tokens_are_a_set_and_samples_are_apart() {
    for backend in BACKENDS {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let config = MultiHeadConfig { width: 6, heads: 3, backend, ..Default::default() };
        let dropout = Dropout::new(0.5).unwrap();
        let block = SelfBlock::new(&mut params.root(), &config, 8, Activation::Gelu, dropout).unwrap();
        let run = |xs: Tensor| block.forward(tokens(xs), AttnMask::none(), &Cx::new(Mode::Eval)).unwrap().xs;
        let xs = normal(1, &[2, 4, 6]);
        let order = Tensor::from_slice(&[2i64, 0, 3, 1]);
        assert!(gap(&run(xs.index_select(1, &order)), &run(xs.shallow_clone()).index_select(1, &order)) < 1e-13);
        let apart = Tensor::cat(&[run(xs.narrow(0, 0, 1)), run(xs.narrow(0, 1, 1))], 0);
        assert!(gap(&run(xs), &apart) < 1e-13);
    }
}

/// Compares gradients of `sum(f(leaves) * cotangent)` with central differences.
fn gradcheck(f: impl Fn() -> Tensor, leaves: &[(&str, &Tensor)]) {
    let out = f();
    let cotangent = normal(77, &out.size());
    let tensors: Vec<&Tensor> = leaves.iter().map(|(_, t)| *t).collect();
    let grads = grad(&[&out], Some(&[cotangent.shallow_clone()]), &tensors, Graph::Free).unwrap();
    let value = || (f() * &cotangent).sum(Kind::Double).double_value(&[]);
    let step = 1e-6;
    for ((name, leaf), grad) in leaves.iter().zip(grads) {
        let grad = Vec::<f64>::try_from(grad.unwrap().flatten(0, -1)).unwrap();
        let flat = leaf.detach().view(-1);
        for (i, found) in (0..).zip(grad) {
            let _guard = tch::no_grad_guard();
            let at = |shift: f64| {
                let _ = flat.get(i).g_add_scalar_(shift);
                value()
            };
            let difference = (at(step) - at(-2.0 * step)) / (2.0 * step);
            let _ = at(step);
            assert!((found - difference).abs() < 1e-7 * (1.0 + found.abs()), "{name}[{i}]: {found} {difference}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let pad_mask = Tensor::from_slice(&[false, false, true, true, true, true]).view([2, 3]); // the second sample: all
    for backend in BACKENDS {
        let leaf = |seed, shape: &[i64]| normal(seed, shape).set_requires_grad(true);
        let (q, k, v) = (leaf(1, &[2, 1, 2, 4]), leaf(2, &[2, 1, 3, 4]), leaf(3, &[2, 1, 3, 4]));
        let bias = leaf(4, &[2, 3]);
        let run = || {
            let mut mask = AttnMask::causal(CausalAlign::Last).and_padding(&pad_mask).unwrap();
            if backend == AttnBackend::Explicit {
                mask = mask.and_bias(&bias).unwrap();
            }
            attend(&q, &k, &v, &mask, &AttnOptions { backend, ..Default::default() }).unwrap().out
        };
        let mut leaves = vec![("q", &q), ("k", &k), ("v", &v)];
        if backend == AttnBackend::Explicit {
            leaves.push(("bias", &bias));
        }
        gradcheck(run, &leaves);

        let (params, module) = module(backend);
        let (xs, memory) = (leaf(5, &[2, 2, 6]), leaf(6, &[2, 3, 6]));
        let run = || {
            let memory = Tokens { xs: memory.shallow_clone(), pad_mask: Some(pad_mask.shallow_clone()), names: None };
            module.forward(&tokens(xs.shallow_clone()), &memory, AttnMask::none(), &Cx::new(Mode::Train)).unwrap()
        };
        let mut leaves = vec![("xs", &xs), ("memory", &memory)];
        leaves.extend(params.params().iter().map(|p| (p.name(), p.tensor())));
        gradcheck(run, &leaves);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn weights_are_shares_under_any_padding(
        seed in 0u64..1000,
        t in 1i64..5,
        hidden in proptest::collection::vec(any::<bool>(), 6),
        scale in 0.01f64..100.0,
    ) {
        let s = hidden.len() as i64;
        let (q, k) = (normal(seed, &[1, 2, t, 3]) * scale, normal(seed + 1, &[1, 2, s, 3]));
        let v = normal(seed + 2, &[1, 2, s, 3]);
        let mask = AttnMask::none().and_padding(&Tensor::from_slice(&hidden).view([1, s])).unwrap();
        let options = AttnOptions { weights: true, ..Default::default() };
        let weights = attend(&q, &k, &v, &mask, &options).unwrap().weights.unwrap();
        let rows = weights.sum_dim_intlist(&[3i64][..], false, None::<Kind>).flatten(0, -1);
        let rows = Vec::<f64>::try_from(rows).unwrap();
        let expected = if hidden.iter().all(|h| *h) { 0.0 } else { 1.0 };
        prop_assert!(rows.iter().all(|r| (r - expected).abs() < 1e-12), "{:?}", rows);
        let each = Vec::<f64>::try_from(weights.flatten(0, -1)).unwrap();
        for (w, h) in each.iter().zip(hidden.iter().cycle()) {
            prop_assert!(*w >= 0.0 && (!h || *w == 0.0));
        }
    }
}
