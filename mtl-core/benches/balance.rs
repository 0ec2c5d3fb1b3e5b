//! Times of the methods that solve a small problem in every step: `balance/<method>/m=<tasks>`.
//!
//! Run with `cargo bench -p mtl-core --bench balance`. Gramians are those of random gradients with and without conflict,
//! made outside the timed part; one call weighs one Gramian.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use mtl_core::{
    answer::Class,
    balance::{BalancerConfig, Evidence, Gramian},
    metric::{MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};

const METHODS: &[&str] =
    &["upgrad", "dualproj", "mgda", "cagrad", "nash-mtl", "fairgrad", "imtl-g", "aligned-mtl", "config", "pcgrad"];

/// Uniform in `[-1, 1]`, the same in every run.
fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Gramians of `m` random rows of `3 m` columns: some pairs agree, some conflict.
fn gramians(m: usize) -> Vec<Gramian> {
    let mut seed = m as u64;
    (0..8)
        .map(|_| {
            let rows: Vec<Vec<f64>> = (0..m).map(|_| (0..3 * m).map(|_| noise(&mut seed)).collect()).collect();
            Gramian::of_rows(&rows)
        })
        .collect()
}

fn balance(criterion: &mut Criterion) {
    for name in METHODS {
        for m in [2, 8, 32] {
            let tasks = (0..m).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(share())).collect();
            let mut method = BalancerConfig::by_name(name).unwrap().build(&TaskSet::new(tasks).unwrap()).unwrap();
            let (gramians, active): (_, Vec<usize>) = (gramians(m), (0..m).collect());
            let (mut weights, mut next) = (vec![0.0; m], 0);
            criterion.bench_function(&format!("balance/{name}/m={m}"), |bencher| {
                bencher.iter_batched(
                    || {
                        next += 1;
                        &gramians[next % gramians.len()]
                    },
                    |gramian| {
                        let evidence =
                            Evidence { tasks: &active, gramian: Some(black_box(gramian)), ..Evidence::default() };
                        method.weigh(&evidence, &mut weights).unwrap()
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

criterion_group!(benches, balance);
criterion_main!(benches);

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
