//! Forward and forward + backward of attention at the sizes that the main job uses. Run with
//! `cargo bench -p mtl-attention --bench attention`; compare numbers of one run only.
#![expect(clippy::unwrap_used, reason = "helpers of tests and benches may panic")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mtl_attention::{AttnBackend, AttnMask, MultiHead, MultiHeadConfig, TaskQueryConfig, TaskQuerySharing};
use mtl_core::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderConfig, TabularEncoderConfig},
    features::Tokens,
    input::{CategoricalField, InputSpec},
    mode::Mode,
    params::{Param, ParamSet},
    share::{Sharing, TaskMask},
    shim::{self, Graph, grad},
    task::{Task, TaskSet},
};
use tch::{Device, Kind, Tensor};

const B: i64 = 1024;
const FIELDS: i64 = 40;

/// The sum of everything that a model gives, and its gradients.
fn backward(params: &ParamSet, outputs: &[Tensor]) {
    let leaves: Vec<&Tensor> = params.params().iter().map(Param::tensor).collect();
    let sums: Vec<Tensor> = outputs.iter().map(|o| o.square().sum(o.kind())).collect();
    black_box(grad(&sums, None, &leaves, Graph::Free).unwrap());
}

fn task_query(c: &mut Criterion) {
    let tasks = ["income", "married"].map(|name| Task::new(name).unwrap());
    let tasks = TaskSet::new(tasks.to_vec()).unwrap();
    let field = |i: i64| CategoricalField { name: format!("f{i}"), cardinality: 40 };
    let spec = InputSpec::table((0..FIELDS).map(field).collect(), Vec::new());
    let rows = Tensor::arange(B * FIELDS, (Kind::Int64, Device::Cpu)).remainder(37).view([B, FIELDS]);
    let inputs = Inputs::new(vec![("categorical".to_owned(), rows)]).unwrap();
    let settings = [
        ("fused", TaskQueryConfig { backend: AttnBackend::Fused, ..Default::default() }),
        ("explicit", TaskQueryConfig { backend: AttnBackend::Explicit, ..Default::default() }),
        ("m=4,explicit", TaskQueryConfig { queries: 4, backend: AttnBackend::Explicit, ..Default::default() }),
        ("m=4,fused", TaskQueryConfig { queries: 4, backend: AttnBackend::Fused, ..Default::default() }),
        ("token-layer", TaskQueryConfig { token_hidden: 64, ..Default::default() }),
        ("one-block", TaskQueryConfig { token_hidden: 64, blocks: 1, ..Default::default() }),
    ];
    let mut group = c.benchmark_group(format!("task-query/b={B},l={FIELDS},d=32"));
    group.sample_size(10);
    for (name, config) in settings {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
        let mut root = params.root();
        let encoder = TabularEncoderConfig { token_width: 32, hidden: vec![], ..Default::default() };
        let encoder = EncoderConfig::Tabular(encoder).build(&mut root.sub("encoder"), &spec).unwrap();
        let model = TaskQuerySharing::new(&mut root.sub("sharing"), encoder, &tasks, &config).unwrap();
        let run = || {
            let shared = model.forward(&inputs, &TaskMask::all(tasks.len()), &Cx::new(Mode::Train)).unwrap();
            shared.per_task.iter().flatten().map(|f| f.pooled().unwrap()).collect::<Vec<_>>()
        };
        group.bench_function(format!("{name}/forward"), |bench| {
            let _guard = tch::no_grad_guard();
            bench.iter(|| black_box(run()));
        });
        group.bench_function(format!("{name}/forward+backward"), |bench| bench.iter(|| backward(&params, &run())));
    }
    group.finish();
}

fn multi_head(c: &mut Criterion) {
    let mut group = c.benchmark_group("multi-head/b=8,d=256,h=8");
    group.sample_size(10);
    for l in [32, 128, 512] {
        for (name, backend) in [("fused", AttnBackend::Fused), ("explicit", AttnBackend::Explicit)] {
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
            let config = MultiHeadConfig { width: 256, heads: 8, backend, ..Default::default() };
            let module = MultiHead::new(&mut params.root(), &config).unwrap();
            let xs = Tensor::rand([8, l, 256], (Kind::Float, Device::Cpu));
            let tokens = Tokens { xs, pad_mask: None, names: None };
            let run = || module.forward(&tokens, &tokens, AttnMask::none(), &Cx::new(Mode::Train)).unwrap();
            group.bench_function(format!("{name}/l={l}/forward+backward"), |bench| {
                bench.iter(|| backward(&params, &[run()]));
            });
        }
    }
    group.finish();
}

fn all(c: &mut Criterion) {
    shim::init();
    task_query(c);
    multi_head(c);
}

criterion_group!(benches, all);
criterion_main!(benches);
