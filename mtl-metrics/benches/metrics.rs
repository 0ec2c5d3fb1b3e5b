//! Speed of the metrics: `cargo bench -p mtl-metrics`. Ids read `metrics/<metric>/<size>`; throughput is per sample.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::cast_possible_truncation, reason = "labels are small")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_metrics::{ConfusionMatrix, ExactSum, evaluate, ranks::PairCounts};
use ndarray::Array2;

/// Uniform numbers in [0, 1) from a fixed seed.
fn uniform(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..n).map(|_| next()).collect()
}

fn scores(n: usize, c: usize) -> (Prediction, Reference) {
    let scores = Array2::from_shape_vec((n, c), uniform(n * c, 1)).unwrap();
    let labels = uniform(n, 2).iter().map(|u| (u * c as f32) as i64).collect();
    (Prediction::Class { scores, kind: Scores::Logits }, Reference::Class(labels))
}

fn ranking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics/auroc");
    for (name, n) in [("n=1e4", 10_000), ("n=1e6", 1_000_000)] {
        // One positive in five, scoring somewhat higher.
        let positives: Vec<f32> = uniform(n / 5, 3).iter().map(|s| s + 0.2).collect();
        let negatives = uniform(n - n / 5, 4);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| PairCounts::of_scores(&positives, &negatives).unwrap().auc());
        });
    }
    group.finish();
}

fn classes(criterion: &mut Criterion) {
    let n = 100_000;
    let (prediction, reference) = scores(n, 10);
    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("confusion/n=1e5,c=10", |b| {
        b.iter(|| {
            let mut confusion = ConfusionMatrix::default();
            confusion.update(&prediction, &reference).unwrap();
            confusion.total()
        });
    });
    for id in ["accuracy", "macro-f1", "log-loss", "auroc"] {
        group.bench_function(format!("{id}/n=1e5,c=10"), |b| b.iter(|| evaluate(id, &prediction, &reference).unwrap()));
    }
    group.finish();
}

fn numbers(criterion: &mut Criterion) {
    let n = 100_000;
    let matrix = |seed| Array2::from_shape_vec((n, 1), uniform(n, seed)).unwrap();
    let (prediction, reference) = (Prediction::Values { values: matrix(5) }, Reference::Values(matrix(6)));
    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(n as u64));
    for id in ["mae", "r2"] {
        group.bench_function(format!("{id}/n=1e5"), |b| b.iter(|| evaluate(id, &prediction, &reference).unwrap()));
    }
    let terms: Vec<f64> = uniform(n, 7).iter().map(|&x| f64::from(x)).collect();
    group.bench_function("exact-sum/n=1e5", |b| b.iter(|| terms.iter().copied().collect::<ExactSum>().value()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = ranking, classes, numbers
}
criterion_main!(benches);
