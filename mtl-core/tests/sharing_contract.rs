//! Every sharing architecture of this crate, on every encoder that a table can feed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, InputSpec},
    metric::MetricId,
    mode::Mode,
    params::ParamSet,
    share::SharingConfig,
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

fn tasks() -> TaskSet {
    TaskSet::new(["a", "b", "c"].map(|n| Task::new(n, MetricId::Rmse).unwrap()).into()).unwrap()
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
