//! Intervals of answers whose uncertainty is known by hand.

use mtl_core::{
    metric::MetricName,
    prediction::{Prediction, Reference, Scores},
    rng::Rng,
    task::{Task, TaskSet},
};
use ndarray::Array2;

use super::*;
use crate::trainer::Recorder;

/// Two yes/no tasks and one of numbers, over `n` samples in batches of 500.
fn recorded(n: usize) -> (Recorded, MetricSet) {
    let mut rng = Rng::new(11);
    let mut recorded = Recorded::default();
    let mut left = n;
    while left > 0 {
        let b = left.min(500);
        left -= b;
        let ids: Vec<u64> = (0..b as u64).collect();
        recorded.batch(&ids);
        for task in 0..2 {
            let labels: Vec<f32> = (0..b).map(|_| f32::from(u8::from(rng.below(4) == 0))).collect();
            #[expect(clippy::cast_possible_truncation, reason = "a score")]
            let scores: Vec<f32> = labels.iter().map(|y| (f64::from(*y) + rng.normal()) as f32).collect();
            let column = |v: Vec<f32>| Array2::from_shape_vec((b, 1), v).unwrap();
            let said = Prediction::MultiLabel { scores: column(scores), kind: Scores::Logits };
            recorded.answers(task, &ids, &said, &Reference::MultiLabel(column(labels)));
        }
        #[expect(clippy::cast_possible_truncation, reason = "an error")]
        let errors: Vec<f32> = (0..b).map(|_| (3.0 * rng.normal()) as f32).collect();
        let said = Prediction::Values { values: Array2::from_shape_vec((b, 1), errors).unwrap() };
        recorded.answers(2, &ids, &said, &Reference::Values(Array2::zeros((b, 1))));
    }
    let tasks = [("a", "auroc"), ("b", "auroc"), ("c", "rmse")];
    let tasks = TaskSet::new(
        tasks.map(|(name, id)| Task::new(name).unwrap().judged_by(mtl_metrics::known(id).unwrap())).to_vec(),
    )
    .unwrap();
    let chosen = [["auroc", "accuracy"].as_slice(), &["auroc", "log-loss"], &["rmse"]];
    let chosen = chosen.map(|names| MetricName::several(names).unwrap());
    (recorded, MetricSet::new(&tasks, &chosen).unwrap())
}

fn width(interval: &MetricInterval) -> f64 {
    let [low, high] = interval.interval.unwrap();
    high - low
}

#[test]
fn few_samples_are_resampled_and_many_are_grouped() {
    let widths: Vec<Vec<f64>> = [1000, 40_000]
        .map(|n| {
            let (recorded, metrics) = recorded(n);
            let found = Intervals::of(&recorded, &metrics, 3).unwrap();
            assert_eq!(found, Intervals::of(&recorded, &metrics, 3).unwrap(), "the same seed, the same interval");
            assert_eq!(found.samples, n);
            let [a, b, c] = &found.tasks[..] else { panic!("three tasks") };
            // The standard error of a root mean square of normal errors is 3 / sqrt(2 n).
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let expected = 2.0 * 1.96 * 3.0 / (2.0 * n as f64).sqrt();
            assert!((width(&c.metrics[0]) / expected - 1.0).abs() < 0.35, "{:?} for {expected}", c.metrics[0]);
            let [mean] = &found.means[..] else { panic!("one mean: that of AUROC") };
            assert_eq!((mean.tasks, mean.left_out, mean.of.metric.as_str()), (2, 0, "auroc"));
            // Independent tasks: the mean is surer than either.
            assert!(width(&mean.of) < 0.9 * width(&a.metrics[0]));
            let [low, high] = mean.of.interval.unwrap();
            assert!((low..high).contains(&mean.value.unwrap()));
            if n == 1000 {
                assert!(matches!(a.metrics[0].method, Method::Bootstrap(n) if n >= 200));
                assert!(found.methods().starts_with("bootstrap, "));
            } else {
                assert_eq!((a.metrics[0].method, a.metrics[1].method), (Method::Delong, Method::RandomGroups(50)));
                assert_eq!(found.methods(), "DeLong's variance; 50 random groups of the test samples");
            }
            vec![width(&a.metrics[0]), width(&a.metrics[1]), width(&b.metrics[1])]
        })
        .to_vec();
    for (few, many) in widths[0].iter().zip(&widths[1]) {
        assert!((few / many / 40f64.sqrt() - 1.0).abs() < 0.35, "40 times the samples: {few} and {many}");
    }
}

#[test]
fn what_is_not_defined_has_a_reason() {
    let mut recorded = Recorded::default();
    recorded.batch(&[1, 2, 3]);
    let said = Prediction::MultiLabel { scores: Array2::ones((3, 1)), kind: Scores::Logits };
    recorded.answers(0, &[1, 2, 3], &said, &Reference::MultiLabel(Array2::ones((3, 1))));
    let tasks = TaskSet::new(vec![Task::new("a").unwrap().judged_by(mtl_metrics::known("auroc").unwrap())]).unwrap();
    let metrics = MetricSet::new(&tasks, &[MetricName::several(&["auroc", "accuracy"]).unwrap()]).unwrap();
    let found = Intervals::of(&recorded, &metrics, 0).unwrap();
    assert_eq!(found.get("a", "auroc").unwrap().undefined.as_deref(), Some("no negative sample"));
    assert_eq!(found.get("a", "accuracy").unwrap().interval, Some([1.0, 1.0]));
    assert!(found.get("a", "rmse").is_none() && found.means.is_empty());
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Intervals>(&json).unwrap(), found);
    assert!(Intervals::of(&Recorded::default(), &metrics, 0).unwrap().tasks[0].metrics[0].interval.is_none());
}
