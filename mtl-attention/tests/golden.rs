//! Multi-head attention against PyTorch's `nn.MultiheadAttention`: outputs, weights and gradients.
//!
//! `golden/multi_head.json` was written by `golden/make_golden.py`; its versions stand inside.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

use mtl_attention::{AttnBackend, AttnMask, CausalAlign, MultiHead, MultiHeadConfig};
use mtl_core::{
    context::Cx,
    features::Tokens,
    mode::Mode,
    params::ParamSet,
    shim::{Graph, grad},
};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

fn tensor(value: &Value, kind: Kind) -> Tensor {
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    let shape: Vec<i64> = value["shape"].as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect();
    Tensor::from_slice(&numbers(&value["data"])).view(&shape[..]).to_kind(kind)
}

fn close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let gap = (found - expected).abs().max().double_value(&[]);
    assert!(gap <= tolerance, "{what}: {gap}");
}

fn check(case: &Value, kind: Kind, backend: AttnBackend, tolerance: f64) {
    let what = |part: &str| format!("{} {kind:?} {backend:?} {part}", case["name"]);
    let get = |value: &Value| tensor(value, kind);
    let xs = get(&case["xs"]).set_requires_grad(true);
    let memory = if case["memory"].is_null() { xs.shallow_clone() } else { get(&case["memory"]) };
    let mut params = ParamSet::new(kind, Device::Cpu, 0);
    let config = MultiHeadConfig {
        width: xs.size()[2],
        memory_width: memory.size().last().copied(),
        heads: case["heads"].as_i64().unwrap(),
        backend,
        ..Default::default()
    };
    let module = MultiHead::new(&mut params.root(), &config).unwrap();
    for (name, value) in case["params"].as_object().unwrap() {
        let _guard = tch::no_grad_guard();
        params.get(name).unwrap().tensor().shallow_clone().copy_(&get(value));
    }
    let pad_mask = case["padding"].as_array().map(|rows| {
        let flags: Vec<bool> = rows.iter().flat_map(|r| r.as_array().unwrap()).map(|f| f.as_bool().unwrap()).collect();
        Tensor::from_slice(&flags).view([rows.len() as i64, -1])
    });
    let tokens = Tokens { xs: xs.shallow_clone(), pad_mask: None, names: None };
    let memory = Tokens { xs: memory, pad_mask, names: None };
    let mask = match case["causal"].as_bool() {
        Some(true) => AttnMask::causal(CausalAlign::First),
        _ => AttnMask::none(),
    };
    let cx = Cx::new(Mode::Train).with_traces();
    let out = module.forward(&tokens, &memory, mask, &cx).unwrap();
    close(&what("out"), &out, &get(&case["out"]), tolerance);
    close(&what("weights"), &cx.take_traces()[0].weights, &get(&case["weights"]), tolerance);
    for (name, expected) in case["grads"].as_object().unwrap() {
        let leaf = if name == "xs" { &xs } else { params.get(name).unwrap().tensor() };
        let found = grad(&[&out], Some(&[get(&case["cotangent"])]), &[leaf], Graph::Keep).unwrap().remove(0);
        close(&what(name), &found.unwrap(), &get(expected), 10.0 * tolerance);
    }
}

#[test]
fn equals_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("golden/multi_head.json")).unwrap();
    assert!(golden["versions"]["torch"].as_str().unwrap().starts_with("2.11"));
    for case in golden["cases"].as_array().unwrap() {
        for backend in [AttnBackend::Fused, AttnBackend::Explicit] {
            check(case, Kind::Double, backend, 1e-12);
            check(case, Kind::Float, backend, 2e-6);
        }
    }
}
