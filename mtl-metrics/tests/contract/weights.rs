//! What sample weights promise, for every metric of heads with its usual and other settings: the laws of merging to the bit, a
//! weight of 1 is no weight, of 2 is twice the sample, of 0 is no sample; and 100,000 spoiled batches do no harm.

use crate::cases::{
    self,
    draw::{Random, Task, draw, select, tasks_of},
    names::NAMES,
};
use mtl_core::{
    prediction::{Prediction, Reference},
    task::{Task as Judged, TaskSet},
};
use mtl_metrics::{
    AnyMetric, MetricBatch, MetricSet, MetricValue,
    aggregate::{Fading, Windowed},
    laws,
};
use ndarray::Array2;

/// Metrics beside those of the registry: other settings.
const SETTINGS: [&str; 14] = [
    "top-k-accuracy@k=3",
    "macro-f@beta=2",
    "micro-f@beta=0.5",
    "weighted-f@beta=2",
    "micro-precision",
    "weighted-precision",
    "weighted-recall",
    "recall@fpr=0.3",
    "precision@recall=0.5",
    "recall@precision=0.6",
    "pinball@q=0.9",
    "gamma-deviance",
    "tweedie-deviance@power=1.5",
    "adjusted-r2@inputs=2",
];
/// Metrics for which weights have no meaning here.
const UNWEIGHTED: [&str; 6] = ["adaptive-ece", "auroc-ovo", "ef@percent=1", "bedroc@alpha=20", "spearman", "kendall"];

fn names() -> Vec<&'static str> {
    NAMES.into_iter().chain(SETTINGS).collect()
}

fn weighted() -> Vec<(&'static str, Task)> {
    let takes = names().into_iter().filter(|name| !UNWEIGHTED.contains(name));
    takes.flat_map(|name| tasks_of(name).into_iter().map(move |task| (name, task))).collect()
}

type Data = (Prediction, Reference);

fn feed(metric: &mut Box<dyn AnyMetric>, data: &Data, weights: Option<&[f32]>) -> mtl_core::Result<()> {
    let mut batch = MetricBatch::new(&data.0, &data.1);
    if let Some(weights) = weights {
        batch = batch.with_weights(weights);
    }
    metric.update_batch(&batch)
}

fn value(name: &str, data: &Data, weights: Option<&[f32]>) -> MetricValue {
    let mut metric = cases::build(name);
    feed(&mut metric, data, weights).unwrap_or_else(|e| panic!("{name}: {e}"));
    metric.compute()
}

fn near(name: &str, law: &str, a: &MetricValue, b: &MetricValue) {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0);
    let same = a.value.is_some() == b.value.is_some() && a.value.zip(b.value).is_none_or(|(a, b)| close(a, b));
    assert!(same, "{name}: {law}: {a:?} against {b:?}");
}

#[test]
fn laws_hold_to_the_bit() {
    for seed in 0..12 {
        for (name, task) in weighted() {
            let random = &mut Random(seed);
            let n = random.below(40);
            let data = draw(task, n, 4, random);
            let weights: Vec<f32> = (0..n).map(|_| [0.0, 1.0, 1.0, 0.3, 2.5, 1e-20, 1e20][random.below(7)]).collect();
            let (order, cuts) = (random.shuffled(n), random.cuts(n));
            let rows = |metric: &mut Box<dyn AnyMetric>, rows: &[usize]| {
                let weights: Vec<f32> = rows.iter().map(|&row| weights[row]).collect();
                feed(metric, &select(&data, rows), Some(&weights))
            };
            laws::check_with(&cases::build(name), n, rows, &order, &cuts, laws::Tolerance::Bits)
                .unwrap_or_else(|e| panic!("{name} {task:?} {seed}: {e}"));
        }
    }
}

#[test]
fn a_weight_is_so_many_samples() {
    for seed in 0..6 {
        for (name, task) in weighted() {
            let random = &mut Random(seed);
            let n = 5 + random.below(30);
            let data = draw(task, n, 5, random);
            let (mut plain, mut ones) = (cases::build(name), cases::build(name));
            feed(&mut plain, &data, None).unwrap();
            feed(&mut ones, &data, Some(&vec![1.0; n])).unwrap();
            assert_eq!(plain.state().unwrap(), ones.state().unwrap(), "{name}: a weight of 1 is none");

            let counts: Vec<usize> = (0..n).map(|_| random.below(4)).collect();
            let repeated: Vec<usize> = (0..n).flat_map(|row| vec![row; counts[row]]).collect();
            let weights: Vec<f32> = counts.iter().map(|&count| count as f32).collect();
            let heavy = value(name, &data, Some(&weights));
            // It counts items in its own formula.
            if !name.starts_with("adjusted-r2") {
                near(name, "a weight of 2 is twice the sample", &heavy, &value(name, &select(&data, &repeated), None));
            }
            let kept: Vec<usize> = (0..n).filter(|&row| counts[row] > 0).collect();
            let kept_weights: Vec<f32> = kept.iter().map(|&row| weights[row]).collect();
            if !name.starts_with("adjusted-r2") {
                let without = value(name, &select(&data, &kept), Some(&kept_weights));
                near(name, "a weight of 0 is no sample", &heavy, &without);
            }
            let halves: Vec<f32> = weights.iter().map(|weight| weight / 4.0).collect();
            near(name, "weights are relative", &heavy, &value(name, &data, Some(&halves)));
            let nothing = value(name, &data, Some(&vec![0.0; n]));
            assert!(nothing.value.is_none(), "{name}: {nothing:?} of weight 0");
        }
    }
}

#[test]
fn weights_are_refused_where_they_mean_nothing_and_where_they_are_none() {
    for name in UNWEIGHTED {
        let data = draw(tasks_of(name)[0], 8, 0, &mut Random(1));
        let e = feed(&mut cases::build(name), &data, Some(&[2.0; 8])).unwrap_err().to_string();
        assert!(e.contains(&format!("{name} knows none")), "{e}");
    }
    for (name, task) in weighted() {
        let data = draw(task, 4, 0, &mut Random(1));
        let mut metric = cases::build(name);
        feed(&mut metric, &data, Some(&[1.0, 0.5, 2.0, 0.0])).unwrap();
        let before = metric.state().unwrap();
        for bad in [-1.0, f32::NAN, f32::INFINITY] {
            let e = feed(&mut metric, &data, Some(&[1.0, 1.0, bad, 1.0])).unwrap_err().to_string();
            assert!(e.contains("weight must be finite and not negative") && e.contains("(sample 2)"), "{name}: {e}");
        }
        let e = feed(&mut metric, &data, Some(&[1.0])).unwrap_err().to_string();
        assert!(e.contains("weights must be [4], one per prediction, found [1]"), "{name}: {e}");
        assert_eq!(metric.state().unwrap(), before, "{name}");
    }
}

#[test]
fn the_same_bits_at_any_number_of_threads() {
    for (name, task) in weighted() {
        let n = 18_000;
        let random = &mut Random(9);
        let data = draw(task, n, 6, random);
        let weights: Vec<f32> = (0..n).map(|_| if random.below(50) == 0 { 0.7 } else { 1.0 }).collect();
        let outcome = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let mut metric = cases::build(name);
                feed(&mut metric, &data, Some(&weights)).unwrap();
                (metric.compute(), metric.state().unwrap())
            })
        };
        let one = outcome(1);
        assert!(outcome(2) == one && outcome(4) == one, "{name} {task:?}");
    }
}

/// A number that breaks things, now and then.
fn odd(random: &mut Random) -> f32 {
    let numbers =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -f32::MAX, 1e-45, -0.0, 0.5, 1.0, 2.0, -1.0, 1e30];
    numbers[random.below(numbers.len())]
}

/// One item in twelve becomes odd.
fn spoil(matrix: &mut Array2<f32>, random: &mut Random) {
    for x in matrix.iter_mut() {
        if random.below(12) == 0 {
            *x = odd(random);
        }
    }
}

#[test]
fn a_hundred_thousand_spoiled_batches_do_no_harm() {
    let all: Vec<(&str, Task)> =
        names().into_iter().flat_map(|name| tasks_of(name).into_iter().map(move |task| (name, task))).collect();
    let random = &mut Random(42);
    let (mut n_refused, mut n_taken) = (0, 0);
    for round in 0..100_000 {
        let (name, task) = all[round % all.len()];
        let n = random.below(6);
        let (mut prediction, mut reference) = draw(task, n, 5, random);
        if let Prediction::Class { scores: matrix, .. }
        | Prediction::MultiLabel { scores: matrix, .. }
        | Prediction::Values { values: matrix } = &mut prediction
        {
            spoil(matrix, random);
        }
        match &mut reference {
            Reference::Class(labels) => {
                for label in labels.iter_mut() {
                    if random.below(12) == 0 {
                        *label = [i64::MIN, -1, 7, i64::MAX, 0][random.below(5)];
                    }
                }
                if random.below(20) == 0 {
                    labels.push(0);
                }
            }
            Reference::MultiLabel(matrix) | Reference::Values(matrix) => {
                spoil(matrix, random);
            }
            _ => unreachable!("drawn above"),
        }
        if random.below(25) == 0 {
            reference = draw(all[random.below(all.len())].1, n, 5, random).1;
        }
        let weights: Vec<f32> =
            (0..n).map(|_| if random.below(15) == 0 { odd(random) } else { random.below(3) as f32 }).collect();
        let weights = (random.below(2) == 0).then_some(weights);
        let mut metric = cases::build(name);
        let before = metric.state().unwrap();
        match feed(&mut metric, &(prediction, reference), weights.as_deref()) {
            Ok(()) => {
                n_taken += 1;
                let found = metric.compute();
                let (low, high) = metric.range();
                let slack = 1e-9;
                let inside = |x: f64| x >= low - slack && x <= high + slack;
                assert!(found.value.is_none_or(|x| x.is_finite() && inside(x)), "{name}: {found:?}");
                assert_ne!(found.value.is_some(), found.undefined.is_some(), "{name}");
            }
            Err(e) => {
                n_refused += 1;
                assert!(!e.to_string().contains('\n'), "{e}");
                assert_eq!(metric.state().unwrap(), before, "{name}: {e}");
            }
        }
    }
    assert!(n_refused > 10_000 && n_taken > 10_000, "{n_refused} refused, {n_taken} taken");
}

/// A set of that metric alone.
fn set_of(name: &str) -> MetricSet {
    let tasks = TaskSet::new(vec![Judged::new("task").unwrap()]).unwrap();
    let mut set = MetricSet::new(&tasks, &[Vec::new()]).unwrap();
    set.add(0, cases::build(name)).unwrap();
    set
}

#[test]
fn over_the_rows_of_a_stream_a_metric_is_what_it_is_over_those_rows() {
    const BLOCK: usize = 12;
    for name in names() {
        for task in tasks_of(name) {
            let data = draw(task, 4 * BLOCK, 5, &mut Random(3));
            let rows = |from: usize, to: usize| select(&data, &(from..to).collect::<Vec<_>>());
            let plain = |from, to| {
                let (mut set, (said, truth)) = (set_of(name), rows(from, to));
                set.update(0, &said, &truth).unwrap();
                set.compute()
            };
            let (mut two, mut four) =
                (Windowed::new(set_of(name), 2).unwrap(), Windowed::new(set_of(name), 4).unwrap());
            let mut kept = Fading::new(set_of(name), 1.0).unwrap();
            for block in 0..4 {
                let (said, truth) = rows(block * BLOCK, (block + 1) * BLOCK);
                let batch = MetricBatch::new(&said, &truth);
                for window in [&mut two, &mut four] {
                    if block > 0 {
                        window.begin_block();
                    }
                    window.update_batch(0, &batch).unwrap();
                }
                kept.update_batch(0, &batch, BLOCK, None).unwrap();
                kept.passed(BLOCK as u64);
            }
            assert_eq!(two.compute().unwrap(), plain(2 * BLOCK, 4 * BLOCK), "{name} {task:?}: a window");
            assert_eq!(four.compute().unwrap(), plain(0, 4 * BLOCK), "{name} {task:?}: a window over everything");
            assert_eq!(kept.compute(), plain(0, 4 * BLOCK), "{name} {task:?}: nothing fades");
            let mut again = Windowed::new(set_of(name), 2).unwrap();
            again.load_state(&two.state().unwrap()).unwrap();
            assert_eq!(again.state().unwrap(), two.state().unwrap(), "{name} {task:?}: from bytes");

            let (said, truth) = rows(0, BLOCK);
            let faded =
                Fading::new(set_of(name), 0.9).unwrap().update_batch(0, &MetricBatch::new(&said, &truth), BLOCK, None);
            assert_eq!(faded.is_err(), UNWEIGHTED.contains(&name), "{name} {task:?}: who knows no weights cannot fade");
        }
    }
}
