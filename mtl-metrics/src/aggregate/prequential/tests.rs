//! Windows and fading against the same metrics over the rows themselves.

use mtl_core::{
    metric::MetricName,
    prediction::{Prediction, Reference, Scores},
    task::{Task, TaskSet},
};
use ndarray::Array2;

use super::*;
use crate::{MetricBatch, MetricSet, known};

fn set(metrics: &[&str]) -> MetricSet {
    let tasks = TaskSet::new(vec![Task::new("a").unwrap().judged_by(known(metrics[0]).unwrap())]).unwrap();
    MetricSet::new(&tasks, &[MetricName::several(metrics).unwrap()]).unwrap()
}

/// Answers to samples `from..to`: right at first, wrong later, now and then the other.
fn answers(from: usize, to: usize) -> (Prediction, Reference) {
    let score = |n: usize| if (n < 120) != n.is_multiple_of(7) { 0.9 } else { 0.2 } - (n % 11) as f32 * 0.01;
    let scores = Array2::from_shape_fn((to - from, 1), |(n, _)| score(from + n));
    let truth = Array2::from_shape_fn((to - from, 1), |(n, _)| f32::from(!(from + n).is_multiple_of(3)));
    (Prediction::MultiLabel { scores, kind: Scores::Probs }, Reference::MultiLabel(truth))
}

fn plain(metrics: &[&str], from: usize, to: usize) -> MetricReport {
    let (mut set, (said, truth)) = (set(metrics), answers(from, to));
    set.update(0, &said, &truth).unwrap();
    set.compute()
}

use crate::MetricReport;

const METRICS: [&str; 3] = ["accuracy", "auroc", "log-loss"];

#[test]
fn a_window_is_the_metric_of_its_blocks() {
    assert!(Windowed::new(set(&METRICS), 0).unwrap_err().to_string().contains(">= 1 block"));
    let mut window = Windowed::new(set(&METRICS), 3).unwrap();
    for block in 0..12usize {
        if block > 0 {
            window.begin_block();
        }
        for from in [20 * block, 20 * block + 13] {
            let to = if from % 20 == 0 { from + 13 } else { 20 * block + 20 };
            let (said, truth) = answers(from, to);
            window.update_batch(0, &MetricBatch::new(&said, &truth)).unwrap();
        }
        let first = 20 * (block + 1).saturating_sub(3);
        assert_eq!(window.compute().unwrap(), plain(&METRICS, first, 20 * (block + 1)), "block {block}");
        // Whoever goes on from bytes goes on with the same.
        let mut again = Windowed::new(set(&METRICS), 3).unwrap();
        again.load_state(&window.state().unwrap()).unwrap();
        assert_eq!(
            (again.compute().unwrap(), again.state().unwrap()),
            (window.compute().unwrap(), window.state().unwrap())
        );
        window = again;
    }
    let mut all = Windowed::new(set(&METRICS), 12).unwrap();
    (0..12).for_each(|block| {
        let (said, truth) = answers(20 * block, 20 * block + 20);
        all.update_batch(0, &MetricBatch::new(&said, &truth)).unwrap();
        if block < 11 {
            all.begin_block();
        }
    });
    assert_eq!(all.compute().unwrap(), plain(&METRICS, 0, 240), "a window that holds everything");
    let other = Windowed::new(set(&METRICS), 4).unwrap().load_state(&all.state().unwrap()).unwrap_err().to_string();
    assert!(other.contains("a window of 4 blocks was saved as one of 12"), "{other}");
}

fn faded(factor: f64, size: usize) -> Fading {
    let mut fading = Fading::new(set(&METRICS), factor).unwrap();
    for from in (0..240).step_by(size) {
        let to = (from + size).min(240);
        let (said, truth) = answers(from, to);
        fading.update_batch(0, &MetricBatch::new(&said, &truth), to - from, None).unwrap();
        fading.passed((to - from) as u64);
    }
    fading
}

#[test]
fn fading_is_the_metric_with_weights_that_fall_into_the_past() {
    // 0.8: a state lives for 94 samples, so two of them have gone by.
    for factor in [0.8f64, 0.97] {
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let weights: Vec<f32> = (0..240).map(|n| factor.powi(239 - n) as f32).collect();
        let (mut weighted, (said, truth)) = (set(&METRICS), answers(0, 240));
        weighted.update_batch(0, &MetricBatch::new(&said, &truth).with_weights(&weights)).unwrap();
        for size in [7, 40, 240] {
            let (found, expected) = (faded(factor, size).compute(), weighted.compute());
            for metric in METRICS {
                let value = |report: &MetricReport| report.value(0, metric).unwrap();
                assert!((value(&found) - value(&expected)).abs() < 1e-6, "{metric} {factor} {size}");
            }
        }
    }
    assert_eq!(faded(1.0, 40).compute(), plain(&METRICS, 0, 240), "nothing fades");
    assert!(Fading::new(set(&METRICS), 0.4).unwrap_err().to_string().contains("in [0.5, 1]"));
}

#[test]
fn fading_metrics_go_on_from_bytes_and_refuse_what_cannot_fade() {
    let fading = faded(0.8, 40);
    let mut again = Fading::new(set(&METRICS), 0.8).unwrap();
    again.load_state(&fading.state().unwrap()).unwrap();
    assert_eq!((again.compute(), again.state().unwrap()), (fading.compute(), fading.state().unwrap()));
    assert!(Fading::new(set(&METRICS), 0.9).unwrap().load_state(&fading.state().unwrap()).is_err());

    let (said, truth) = answers(0, 5);
    let unweighted = crate::MetricRegistry::ours().entries().iter().map(|entry| entry.usual()).find(|name| {
        let mut plain = crate::build(name).unwrap();
        let weights = [2.0f32; 5];
        let weighted = MetricBatch::new(&said, &truth).with_weights(&weights);
        plain.update(&said, &truth).is_ok() && plain.update_batch(&weighted).is_err()
    });
    let name = unweighted.expect("a metric that knows no weights");
    let mut fading = Fading::new(set(&[&name]), 0.9).unwrap();
    let e = fading.update_batch(0, &MetricBatch::new(&said, &truth), 5, None).unwrap_err().to_string();
    assert!(e.contains(name.split('@').next().unwrap()), "{e}");
}
