//! How fast files become tables and rows become batches: `cargo bench -p mtl-data`.
//!
//! Uses the census files where they have been fetched (`cargo xtask data census-income`), and a table of the same shape,
//! generated in memory, where they have not; the ids say which.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop with a back-trace")]

use std::{fmt::Write, hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mtl_data::{
    CsvFormat, FittedSchema, Loader, LoaderConfig, Order, Source, Table,
    datasets::{CensusIncome, dataset_dir},
    source::split,
};

/// The training file's bytes and what to call them.
fn census() -> (&'static str, Vec<u8>) {
    let path = dataset_dir(None, "census-income").map(|dir| dir.join("census_income_1994_1995_train.csv"));
    if let Some(bytes) = path.ok().and_then(|path| std::fs::read(path).ok()) {
        return ("census", bytes);
    }
    let mut text = String::new();
    for row in 0..50_000usize {
        for column in 0..41 {
            match column {
                7 => text.push_str(if row % 7 < 3 { "Never married" } else { "Divorced" }),
                c if c % 5 == 0 => write!(text, "{}", row * (c + 1) % 97).unwrap(),
                c => write!(text, "Not in universe {}", row * (c + 1) % 11).unwrap(),
            }
            text.push_str(", ");
        }
        text.push_str(if row % 16 == 0 { "50000+.\n" } else { "- 50000.\n" });
    }
    ("like-census", text.into_bytes())
}

fn data(c: &mut Criterion) {
    // As in the loader's workers: libtorch's own threads would only compete.
    tch::set_num_threads(1);
    let (name, bytes) = census();
    let (schema, format) = (CensusIncome::schema().unwrap(), CsvFormat { header: false, ..CsvFormat::default() });
    let read = || Table::parse(name.as_ref(), &bytes, &format, &schema).unwrap();
    let table = read();
    let n = table.n_rows() as u64;
    let (train, _) = split(n, 0.1, 0).unwrap();
    let fitted = FittedSchema::fit(&schema, &table, &train).unwrap();

    let mut group = c.benchmark_group("table");
    group.sample_size(10).throughput(Throughput::Elements(n));
    group.bench_function(format!("read/{name}"), |b| b.iter(|| black_box(read())));
    group.bench_function(format!("fit/{name}"), |b| b.iter(|| FittedSchema::fit(&schema, &table, &train).unwrap()));
    group.bench_function(format!("encode/{name}"), |b| b.iter(|| fitted.encode(&table).unwrap()));
    if name == "census" {
        // Both files, from the disk's cache to sources: 156 MB, 299 285 rows.
        group.throughput(Throughput::Elements(299_285));
        group.bench_function("load/census", |b| b.iter(|| CensusIncome::default().load().unwrap()));
    }
    group.finish();

    let source = Arc::new(fitted.encode(&table).unwrap());
    let mut group = c.benchmark_group("batch");
    for size in [256usize, 1024, 8192] {
        let mut order = Order::Shuffled.positions(n, 0, 0).into_iter().cycle();
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("gather/{name}/b={size}"), |b| {
            let next = || order.by_ref().take(size).collect::<Vec<_>>();
            b.iter_batched(next, |positions| black_box(source.batch(&positions).unwrap()), BatchSize::SmallInput);
        });
    }
    group.finish();

    let mut group = c.benchmark_group("epoch");
    group.sample_size(10).throughput(Throughput::Elements(n));
    for workers in [0, 1, 2] {
        let loader = Loader::new(source.clone(), LoaderConfig { workers, ..LoaderConfig::default() }).unwrap();
        group.bench_function(format!("loader/{name}/b=1024/workers={workers}"), |b| {
            b.iter(|| loader.epoch(0).unwrap().map(|batch| batch.unwrap().len()).sum::<usize>());
        });
    }
    group.finish();
}

criterion_group!(benches, data);
criterion_main!(benches);
