//! Every sharing architecture of this crate, on every encoder that a table can feed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, InputSpec},
    mode::Mode,
    params::ParamSet,
    share::{MmoeConfig, SharingConfig},
    shim::{Graph, grad},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

fn tasks() -> TaskSet {
    TaskSet::new(["a", "b", "c"].map(|n| Task::new(n).unwrap()).into()).unwrap()
}

#[test]
fn each_task_gets_the_features_it_was_promised() {
    let spec = InputSpec { numeric: vec!["x".into(), "y".into()], ..InputSpec::default() };
    let xs = Tensor::from_slice(&[0.1, -0.4, 0.9, 2.0, 1.0, 0.0]).view([3, 2]);
    let inputs = Inputs::new(vec![("numeric".into(), xs)]).unwrap();
    for (name, _) in SharingConfig::ALL {
        for encoder in ["mlp", "tabular"] {
            let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
            let encoder =
                EncoderConfig::by_name(encoder).unwrap().build(&mut params.root().sub("encoder"), &spec).unwrap();
            let config = SharingConfig::by_name(name).unwrap();
            let inputs =
                Inputs::new(inputs.iter().map(|(n, t)| (n.to_owned(), t.to_kind(Kind::Double))).collect()).unwrap();
            let sharing = config.build(&mut params.root().sub("sharing"), encoder, &tasks()).unwrap();
            assert_eq!((sharing.name(), sharing.views().len()), (*name, 3));
            let run = || sharing.forward(&inputs, &Cx::new(Mode::Eval)).unwrap();
            let (first, second) = (run(), run());
            for t in 0..3 {
                assert_eq!(first.per_task[t].view(), sharing.views()[t], "{name}");
                let pooled = [&first, &second].map(|s| s.per_task[t].pooled().unwrap());
                assert_eq!(pooled[0], pooled[1], "{name}: evaluation is deterministic");
            }
            assert!(!first.boundary.is_empty(), "{name}: there is a boundary between trunk and heads");
        }
    }
}

#[test]
fn all_that_is_shared_reaches_the_tasks_through_the_boundary() {
    let spec = InputSpec { numeric: vec!["x".into(), "y".into()], ..InputSpec::default() };
    let xs = Tensor::from_slice(&[0.1, -0.4, 0.9, 2.0, 1.0, 0.0]).view([3, 2]);
    let inputs = Inputs::new(vec![("numeric".into(), xs)]).unwrap();
    for (name, _) in SharingConfig::ALL {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
        let encoder = EncoderConfig::by_name("mlp").unwrap().build(&mut params.root().sub("encoder"), &spec).unwrap();
        let config = SharingConfig::by_name(name).unwrap();
        let sharing = config.build(&mut params.root().sub("sharing"), encoder, &tasks()).unwrap();
        let out = sharing.forward(&inputs, &Cx::new(Mode::Train)).unwrap();
        let shared: Vec<&Tensor> = params.shared().iter().map(|&p| params.params()[p].tensor()).collect();
        for (t, features) in out.per_task.iter().enumerate() {
            let loss = (features.pooled().unwrap() - 0.3).square().sum(Kind::Double);
            let whole = grad(&[&loss], None, &shared, Graph::Keep).unwrap();
            assert!(whole.iter().all(Option::is_some), "{name}: every shared parameter matters to task {t}");
            let cotangents = grad(&[&loss], None, &out.boundary, Graph::Keep).unwrap();
            let (mut ends, mut seeds) = (Vec::new(), Vec::new());
            for (end, cotangent) in out.boundary.iter().zip(cotangents) {
                if let Some(cotangent) = cotangent {
                    ends.push(end);
                    seeds.push(cotangent);
                }
            }
            let through = grad(&ends, Some(&seeds), &shared, Graph::Keep).unwrap();
            for (i, (a, b)) in whole.iter().zip(&through).enumerate() {
                let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
                assert!((a - b).abs().max().double_value(&[]) < 1e-12, "{name}: task {t}, shared parameter {i}");
            }
        }
        for aux in &out.auxiliary {
            assert!(aux.loss.requires_grad() && aux.loss.dim() == 0, "{name}: {}", aux.name);
        }
    }
}

#[test]
fn gates_mix_experts_and_say_how() {
    let spec = InputSpec { numeric: vec!["x".into(), "y".into()], ..InputSpec::default() };
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
    let encoder = EncoderConfig::by_name("mlp").unwrap().build(&mut params.root().sub("encoder"), &spec).unwrap();
    let config = MmoeConfig { experts: 3, hidden: vec![5, 4], balance: 0.0, ..MmoeConfig::default() };
    let sharing = SharingConfig::Mmoe(config).build(&mut params.root().sub("sharing"), encoder, &tasks()).unwrap();
    let xs = Tensor::from_slice(&[0.1, -0.4, 0.9, 2.0]).view([2, 2]);
    let inputs = Inputs::new(vec![("numeric".into(), xs)]).unwrap();
    let cx = Cx::new(Mode::Eval).with_traces();
    let out = sharing.forward(&inputs, &cx).unwrap();
    let traces = cx.take_traces();
    assert!(out.auxiliary.is_empty());
    for (t, trace) in traces.iter().enumerate() {
        let gate = trace.weights.view([2, 3]); // [b, E]
        assert!((gate.sum_dim_intlist(1i64, false, Kind::Double) - 1.0).abs().max().double_value(&[]) < 1e-12);
        let by_hand = (gate.unsqueeze(-1) * &out.boundary[1]).sum_dim_intlist(1i64, false, Kind::Double);
        let found = out.per_task[t].pooled().unwrap();
        assert!((found - by_hand).abs().max().double_value(&[]) < 1e-12, "task {t}");
    }
    assert_eq!((traces[1].queries[0].as_str(), traces[1].keys[2].as_str()), ("b", "expert2"));
    let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.starts_with("sharing")).collect();
    assert_eq!(
        names,
        [
            "sharing.experts0.weight",
            "sharing.experts0.bias",
            "sharing.experts1.weight",
            "sharing.experts1.bias",
            "sharing.gates.a.weight",
            "sharing.gates.a.bias",
            "sharing.gates.b.weight",
            "sharing.gates.b.bias",
            "sharing.gates.c.weight",
            "sharing.gates.c.bias",
        ]
    );
    assert_eq!((params.owned_by(1).len(), params.get("sharing.experts1.bias").unwrap().stage()), (2, Some("experts")));
    let bad = SharingConfig::Mmoe(MmoeConfig { hidden: vec![], ..MmoeConfig::default() });
    let encoder = EncoderConfig::by_name("mlp").unwrap().build(&mut params.root().sub("other"), &spec).unwrap();
    let e = bad.build(&mut params.root().sub("bad"), encoder, &tasks()).unwrap_err().to_string();
    assert_eq!(e, "mmoe: hidden must be at least one layer, found []");
}
