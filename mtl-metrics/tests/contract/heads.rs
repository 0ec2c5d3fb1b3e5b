//! What every metric of the registry promises, on random data: the laws of merging to the bit, the same bits at any
//! number of threads, missing labels as if deleted, the right direction, and an error for every bad input.

use crate::cases::{
    draw::{Random, Task, draw},
    names::NAMES,
};
use mtl_core::{
    metric::{Direction, MetricName},
    prediction::{MISSING_CLASS, Prediction, Reference, Scores},
};
use mtl_metrics::{AnyMetric, MetricSet, known, laws, registry};
use ndarray::Array2;
use proptest::prelude::*;

const SCORED: [Task; 8] = [
    Task::Classes(2, Scores::Probs),
    Task::Classes(2, Scores::Logits),
    Task::Classes(4, Scores::Probs),
    Task::Classes(3, Scores::Logits),
    Task::Labels(1, Scores::Probs),
    Task::Labels(1, Scores::Logits),
    Task::Labels(3, Scores::Probs),
    Task::Labels(3, Scores::Logits),
];
const VALUED: [Task; 2] = [Task::Values(1), Task::Values(3)];
const POSITIVE: [Task; 2] = [Task::Positive(1), Task::Positive(3)];
const WIDE: [Task; 2] = [Task::Classes(7, Scores::Logits), Task::Classes(9, Scores::Probs)];
/// One yes/no label, or class scores: what has a confusion matrix.
const CONFUSED: &[Task] = SCORED.split_at(6).0;
const CLASSES: &[Task] = SCORED.split_at(4).0;
const LABELS: &[Task] = SCORED.split_at(4).1;
const LOGITS: [Task; 4] = [
    Task::Classes(2, Scores::Logits),
    Task::Classes(3, Scores::Logits),
    Task::Labels(1, Scores::Logits),
    Task::Labels(3, Scores::Logits),
];

fn tasks_of(id: &str) -> &'static [Task] {
    match id {
        "mape" | "rmsle" | "poisson-deviance" => &POSITIVE,
        _ if known(id).unwrap().is_of_numbers() => &VALUED,
        "top-k-accuracy@k=5" => &WIDE,
        "auroc-ovo" => CLASSES,
        "hinge" => &LOGITS,
        "cohen-kappa" | "linear-kappa" | "quadratic-kappa" | "grade-mae" | "off-by-one" | "grade-kendall"
        | "grade-spearman" => CONFUSED,
        "hamming-loss" => &SCORED,
        _ if is_by_row(id) => LABELS,
        _ => &SCORED,
    }
}

/// Whether it counts samples whose labels it looks at together, not labels.
fn is_by_row(id: &str) -> bool {
    matches!(id, "subset-accuracy" | "samples-f1" | "coverage-error" | "lrap" | "ranking-loss" | "one-error")
}

fn every() -> impl Iterator<Item = (&'static str, Task)> {
    NAMES.iter().flat_map(|&id| tasks_of(id).iter().map(move |&task| (id, task)))
}

fn fresh(id: &str) -> Box<dyn AnyMetric> {
    registry::build(id).unwrap()
}

/// A prediction that gets everything right, with certainty.
fn perfect(task: Task, truth: &Reference) -> Prediction {
    let sure = |kind, yes| match (kind, yes) {
        (Scores::Probs, true) => 1.0,
        (Scores::Probs, false) => 0.0,
        (Scores::Logits, true) => 40.0,
        (Scores::Logits, false) => -40.0,
    };
    match (task, truth) {
        (Task::Classes(c, kind), Reference::Class(labels)) => {
            let score = |(row, class): (usize, usize)| sure(kind, labels[row] == class as i64);
            Prediction::Class { scores: Array2::from_shape_fn((labels.len(), c), score), kind }
        }
        (Task::Labels(_, kind), Reference::MultiLabel(labels)) => {
            Prediction::MultiLabel { scores: labels.mapv(|label| sure(kind, label > 0.5)), kind }
        }
        (_, Reference::Values(truth)) => Prediction::Values { values: truth.clone() },
        _ => unreachable!("drawn together"),
    }
}

#[test]
fn nothing_seen_is_no_number() {
    for id in NAMES {
        let nothing = fresh(id).compute();
        assert_eq!((nothing.value, nothing.support), (None, 0), "{id}");
        assert_eq!(nothing.get(), Err("no known label"), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_to_the_bit(seed in any::<u64>(), n in 0_usize..60, missing in 0_usize..4, n_cuts in 0_usize..6) {
        for (id, task) in every() {
            let random = &mut Random(seed);
            let (prediction, reference) = draw(task, n, missing, random);
            let order = random.shuffled(n);
            let mut cuts: Vec<usize> = (0..n_cuts).map(|_| random.below(n + 1)).collect();
            cuts.sort_unstable();
            laws::check(fresh(id).as_ref(), &prediction, &reference, &order, &cuts, laws::Tolerance::Bits)?;
        }
    }

    #[test]
    fn values_are_in_range_and_rest_on_what_is_known(seed in any::<u64>(), n in 1_usize..50, missing in 0_usize..3) {
        for (id, task) in every() {
            let (prediction, reference) = draw(task, n, missing, &mut Random(seed));
            let mut metric = fresh(id);
            metric.update(&prediction, &reference).unwrap();
            let found = metric.compute();
            let known = match &reference {
                Reference::Class(labels) => labels.iter().filter(|&&label| label != MISSING_CLASS).count(),
                Reference::MultiLabel(matrix) | Reference::Values(matrix) => matrix.iter().filter(|x| !x.is_nan()).count(),
                _ => unreachable!(),
            };
            if is_by_row(id) {
                prop_assert!(found.support <= n as u64, "{} {:?}", id, found);
            } else {
                prop_assert_eq!(found.support, known as u64);
            }
            prop_assert_ne!(found.value.is_some(), found.undefined.is_some());
            let (low, high) = metric.range();
            prop_assert!(found.value.is_none_or(|value| (low..=high).contains(&value)), "{} {:?}", id, found);
            prop_assert!(found.left_out <= found.parts);
            prop_assert_eq!(found.left_out == found.parts, found.value.is_none(), "{} {:?}", id, found);
        }
    }

    #[test]
    fn perfect_is_best_and_missing_is_deleted(seed in any::<u64>(), n in 8_usize..40) {
        for (id, task) in every() {
            let random = &mut Random(seed);
            let (prediction, truth) = draw(task, n, 0, random);
            let best = mtl_metrics::evaluate(id, &perfect(task, &truth), &truth).unwrap();
            let usual = mtl_metrics::evaluate(id, &prediction, &truth).unwrap();
            if let (Some(best), Some(usual)) = (best.value, usual.value) {
                let bound = if fresh(id).direction() == Direction::Maximize { 1.0 } else { 0.0 };
                // The best of these two depends on how many there are to find.
                if !matches!(id, "coverage-error" | "ef@percent=1") {
                    prop_assert!((best - bound).abs() < 1e-12, "{} of perfect is {}", id, best);
                }
                prop_assert!(!fresh(id).direction().better(usual, best), "{} {} over {}", id, usual, best);
            }
            // Delete some rows, or mark them and spoil what was predicted for them.
            let keep: Vec<usize> = (0..n).filter(|_| random.below(3) > 0).collect();
            let gone = |row: usize| !keep.contains(&row);
            let (mut spoiled, mut marked) = (prediction.clone(), truth.clone());
            if let Reference::Class(labels) = &mut marked {
                (0..n).filter(|&row| gone(row)).for_each(|row| labels[row] = MISSING_CLASS);
            }
            if let Reference::MultiLabel(matrix) | Reference::Values(matrix) = &mut marked {
                (0..n).filter(|&row| gone(row)).for_each(|row| matrix.row_mut(row).fill(f32::NAN));
            }
            if let Prediction::Class { scores: matrix, .. } | Prediction::MultiLabel { scores: matrix, .. }
                | Prediction::Values { values: matrix } = &mut spoiled
            {
                (0..n).filter(|&row| gone(row)).for_each(|row| matrix.row_mut(row).fill(f32::NAN));
            }
            let marked = mtl_metrics::evaluate(id, &spoiled, &marked).unwrap();
            let (prediction, truth) = (prediction.gather(&keep), truth.gather(&keep));
            prop_assert_eq!(marked, mtl_metrics::evaluate(id, &prediction, &truth).unwrap(), "{}", id);
        }
    }

    #[test]
    fn mutated_bytes_never_panic(seed in any::<u64>(), flips in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        for (id, task) in every() {
            let (prediction, reference) = draw(task, 12, 4, &mut Random(seed));
            let mut metric = fresh(id);
            metric.update(&prediction, &reference).unwrap();
            let mut bytes = metric.state().unwrap();
            let n = bytes.len();
            flips.iter().for_each(|&(at, with)| bytes[at % n] ^= with);
            // Either refused, or a state that can be used.
            if metric.load_state(&bytes).is_ok() {
                let copy = metric.boxed_clone();
                let _ = metric.merge(copy.as_ref());
                metric.compute();
                metric.state().unwrap();
            }
        }
    }
}

#[test]
fn the_same_bits_at_any_number_of_threads() {
    for (id, task) in every() {
        let (prediction, reference) = draw(task, 20_000, 5, &mut Random(7));
        let outcomes: Vec<_> = [1, 2, 4]
            .into_iter()
            .map(|n_threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                pool.install(|| {
                    let mut metric = fresh(id);
                    metric.update(&prediction, &reference).unwrap();
                    (metric.compute(), metric.state().unwrap())
                })
            })
            .collect();
        assert!(outcomes.windows(2).all(|w| w[0] == w[1]), "{id} {task:?}");
        // And the same as rows one chunk at a time, which is what a small batch is.
        let mut metric = fresh(id);
        for start in (0..20_000).step_by(777) {
            let rows: Vec<usize> = (start..20_000.min(start + 777)).collect();
            metric.update(&prediction.gather(&rows), &reference.gather(&rows)).unwrap();
        }
        assert_eq!(metric.state().unwrap(), outcomes[0].1, "{id} {task:?}");
    }
}

#[test]
fn states_of_other_metrics_are_refused() {
    for a in NAMES {
        for b in NAMES.iter().copied().filter(|&b| b != a) {
            let (mut metric, other) = (fresh(a), fresh(b));
            let e = metric.load_state(&other.state().unwrap()).unwrap_err().to_string();
            assert_eq!(e, format!("metric {a}: saved state does not fit: it belongs to metric {b}"));
            assert!(metric.merge(other.as_ref()).is_err());
        }
    }
}

#[test]
fn hostile_input_is_an_error_and_leaves_no_trace() {
    for (id, task) in every() {
        let (good, truth) = draw(task, 6, 0, &mut Random(1));
        let mut metric = fresh(id);
        metric.update(&good, &truth).unwrap();
        let before = metric.state().unwrap();
        let mut bad: Vec<(&str, Prediction, Reference)> = Vec::new();
        let with = |value: f32| {
            let mut spoiled = good.clone();
            match &mut spoiled {
                Prediction::Class { scores: matrix, .. }
                | Prediction::MultiLabel { scores: matrix, .. }
                | Prediction::Values { values: matrix } => matrix[[4, 0]] = value,
                _ => unreachable!(),
            }
            spoiled
        };
        bad.push(("NaN", with(f32::NAN), truth.clone()));
        bad.push(("fewer rows", good.clone(), truth.gather(&[0, 1])));
        match task {
            Task::Classes(c, kind) => {
                for label in [c as i64, -1, i64::MIN, i64::MAX] {
                    bad.push(("label", good.clone(), Reference::Class(vec![0, 0, 0, 0, 0, label])));
                }
                bad.push(("no class", Prediction::Class { scores: Array2::zeros((6, 0)), kind }, truth.clone()));
                bad.push(("kind", Prediction::Values { values: Array2::zeros((6, 1)) }, truth.clone()));
                if kind == Scores::Probs {
                    bad.push(("range", with(1.5), truth.clone()));
                }
            }
            Task::Labels(c, kind) => {
                bad.push(("label", good.clone(), Reference::MultiLabel(Array2::from_elem((6, c), 0.5))));
                bad.push(("columns", good.clone(), Reference::MultiLabel(Array2::zeros((6, c + 1)))));
                bad.push(("kind", good.clone(), Reference::Class(vec![0; 6])));
                if kind == Scores::Probs {
                    bad.push(("range", with(-0.5), truth.clone()));
                }
            }
            Task::Values(k) | Task::Positive(k) => {
                bad.push(("infinite", with(f32::INFINITY), truth.clone()));
                bad.push(("infinite", good.clone(), Reference::Values(Array2::from_elem((6, k), f32::NEG_INFINITY))));
                bad.push(("columns", good.clone(), Reference::Values(Array2::zeros((6, k + 1)))));
                bad.push((
                    "kind",
                    Prediction::Class { scores: Array2::zeros((6, k)), kind: Scores::Logits },
                    truth.clone(),
                ));
            }
        }
        for (what, prediction, reference) in bad {
            let e = metric.update(&prediction, &reference).expect_err(&format!("{id} {task:?}: {what}")).to_string();
            assert!(!e.contains('\n'), "{e}");
            assert_eq!(metric.state().unwrap(), before, "{id} {task:?}: {what}");
        }
    }
}

#[test]
fn the_first_bad_row_is_named_whatever_the_threads() {
    let (prediction, reference) = draw(Task::Classes(3, Scores::Logits), 50_000, 0, &mut Random(3));
    let Reference::Class(mut labels) = reference else { unreachable!() };
    for row in [9_001, 20_000, 49_999] {
        labels[row] = 3;
    }
    let ids: Vec<u64> = (0..50_000).map(|row| row + 1_000_000).collect();
    let reference = Reference::Class(labels);
    let batch = mtl_metrics::MetricBatch::new(&prediction, &reference).of_task("garment").with_ids(&ids);
    for id in ["accuracy", "macro-f1", "log-loss", "auroc"] {
        let e = fresh(id).update_batch(&batch).unwrap_err().to_string();
        assert_eq!(e, "task garment: label must be in 0..3, found 3 (sample 1009001)");
    }
}

#[test]
fn a_set_is_all_of_this_at_once() {
    use mtl_core::task::{Task as TaskDef, TaskSet};
    let tasks = TaskSet::new(vec![
        TaskDef::new("garment").unwrap().judged_by(known("accuracy").unwrap()),
        TaskDef::new("price").unwrap().judged_by(known("r2").unwrap()),
    ])
    .unwrap();
    let names = |names: &[&str]| MetricName::several(names).unwrap();
    let chosen = [names(&["accuracy", "auroc", "log-loss"]), names(&["r2", "mae"])];
    let fresh = MetricSet::new(&tasks, &chosen).unwrap();
    let data = [Task::Classes(3, Scores::Logits), Task::Values(1)].map(|task| draw(task, 90, 4, &mut Random(5)));
    let mut whole = fresh.clone();
    let mut parts = [fresh.clone(), fresh.clone(), fresh.clone()];
    for (task_idx, (prediction, reference)) in data.iter().enumerate() {
        whole.update(task_idx, prediction, reference).unwrap();
        for (part_idx, part) in parts.iter_mut().enumerate() {
            let rows: Vec<usize> = (0..90).filter(|row| row % 3 == part_idx).collect();
            let reference = reference.gather(&rows);
            part.update(task_idx, &prediction.gather(&rows), &reference).unwrap();
        }
    }
    let mut merged = fresh.clone();
    for part in parts.iter().rev() {
        merged.merge_state(&part.state().unwrap()).unwrap();
    }
    assert_eq!(merged.compute(), whole.compute());
    assert_eq!(merged.state().unwrap(), whole.state().unwrap());
    merged.merge(&fresh).unwrap();
    let mut loaded = fresh.clone();
    loaded.load_state(&merged.state().unwrap()).unwrap();
    assert_eq!(loaded.compute(), whole.compute());
    let json = serde_json::to_string(&whole.compute()).unwrap();
    assert_eq!(serde_json::from_str::<mtl_metrics::MetricReport>(&json).unwrap(), whole.compute());
    assert_eq!(whole.roc_curves(0, 50).len(), 3);
    assert!(whole.roc_curves(1, 50).is_empty());
    assert!(whole.get::<mtl_metrics::Mae>(1).is_some());

    let mut other = MetricSet::primary(&tasks).unwrap();
    let e = other.load_state(&whole.state().unwrap()).unwrap_err().to_string();
    assert!(e.ends_with("expected garment.accuracy, price.r2"), "{e}");
    assert!(other.merge(&whole).is_err());
    assert!(other.update(2, &data[0].0, &data[0].1).is_err());
    let e = other.update(0, &data[1].0, &data[1].1).unwrap_err().to_string();
    assert!(e.contains("accuracy of task garment"), "{e}");
    assert!(MetricSet::new(&tasks, &[names(&["mae", "mae"]), vec![]]).unwrap_err().to_string().contains("twice"));
    assert!(MetricSet::new(&tasks, &[]).is_err());
}
