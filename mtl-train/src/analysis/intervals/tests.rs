//! Intervals of answers whose uncertainty is known by hand.

use mtl_core::{
    metric::MetricName,
    prediction::{Prediction, Reference, Scores},
    rng::Rng,
    task::{Task, TaskSet},
};
use ndarray::Array2;

use super::*;
use crate::train::trainer::Recorder;

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

fn column(v: &[f32]) -> Array2<f32> {
    Array2::from_shape_vec((v.len(), 1), v.to_vec()).unwrap()
}

/// Metrics of tasks `t0`, `t1` and so on.
fn metrics(of_tasks: &[&[&str]]) -> MetricSet {
    let task = |(at, names): (usize, &&[&str])| {
        Task::new(&format!("t{at}")).unwrap().judged_by(mtl_metrics::known(names[0]).unwrap())
    };
    let tasks = TaskSet::new(of_tasks.iter().enumerate().map(task).collect()).unwrap();
    let chosen: Vec<_> = of_tasks.iter().map(|names| MetricName::several(names).unwrap()).collect();
    MetricSet::new(&tasks, &chosen).unwrap()
}

/// Errors of one task, in batches of 100, with the group of each.
fn errors(errors: &[f32], groups: Option<&[u64]>) -> Recorded {
    let mut recorded = Recorded::default();
    for (at, batch) in errors.chunks(100).enumerate() {
        let ids: Vec<u64> = (0..batch.len() as u64).collect();
        recorded.batch(&ids);
        if let Some(groups) = groups {
            recorded.grouped(0, &groups[100 * at..100 * at + batch.len()]);
        }
        let said = Prediction::Values { values: column(batch) };
        recorded.answers(0, &ids, &said, &Reference::Values(Array2::zeros((batch.len(), 1))));
    }
    recorded
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
    assert!(!json.contains("\"groups\""), "files of runs without groups stay as they are: {json}");
    assert_eq!(serde_json::from_str::<Intervals>(&json).unwrap(), found);
    assert!(Intervals::of(&Recorded::default(), &metrics, 0).unwrap().tasks[0].metrics[0].interval.is_none());
}

/// Three documents a query, of which the first is right and ranked first, second or third. The mean over queries is a mean over what is
/// drawn, so its interval is that of the queries' numbers.
#[test]
fn a_ranking_is_drawn_query_by_query() {
    let rank = |query: u64| 1 + query % 3;
    let mut recorded = Recorded::default();
    for document in 0..3_u64 {
        let ids: Vec<u64> = (0..120).collect();
        let score = |query: &u64| if document > 0 && document < rank(*query) { 1.0 } else { -f32::from(document > 0) };
        let scores: Vec<f32> = ids.iter().map(score).collect();
        recorded.batch(&ids);
        recorded.grouped(0, &ids.iter().map(|query| 1000 - query).collect::<Vec<_>>());
        let said = Prediction::MultiLabel { scores: column(&scores), kind: Scores::Logits };
        let truth = column(&[f32::from(document == 0); 120]);
        recorded.answers(0, &ids, &said, &Reference::MultiLabel(truth));
    }
    let found = Intervals::of(&recorded, &metrics(&[&["mrr", "accuracy"]]), 3).unwrap();
    let numbers: Vec<f64> = (0..120).rev().map(|query| 1.0 / f64::from(u32::try_from(rank(query)).unwrap())).collect();
    let mean = |counts: &[u32]| -> OrReason<f64> {
        let n: u32 = counts.iter().sum();
        Ok(counts.iter().zip(&numbers).map(|(c, x)| f64::from(*c) * x).sum::<f64>() / f64::from(n))
    };
    let draws = Draws { n: 1000, seed: 3 };
    let bootstrap = Bootstrap { draws, interval: Interval::Percentile, level: LEVEL, ..Bootstrap::default() };
    let expected = bootstrap.run(&mtl_metrics::stats::Units::samples(120), mean).unwrap().interval.unwrap();
    let ends = found.get("t0", "mrr").unwrap().interval.unwrap();
    assert!(ends.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{ends:?} is not {expected:?}");
    assert!(ends[1] < 0.8 && ends[0] > 0.5, "11/18 is the mean: {ends:?}");
    assert_eq!((found.samples, found.groups), (360, Some(120)));
    assert!(found.methods().ends_with("whole groups, of which there are 120"), "{}", found.methods());
}

/// Samples of a group that are all alike say no more than one of them.
#[test]
fn samples_of_a_group_are_not_independent() {
    for (n_groups, of_each) in [(100_usize, 10), (600, 40)] {
        let mut rng = Rng::new(5);
        #[expect(clippy::cast_possible_truncation, reason = "an error")]
        let of_groups: Vec<f32> = (0..n_groups).map(|_| (3.0 * rng.normal()) as f32).collect();
        // Samples of a group do not stand together.
        let each = || (0..n_groups * of_each).map(|at| at % n_groups);
        let all: Vec<f32> = each().map(|group| of_groups[group]).collect();
        let groups: Vec<u64> = each().map(|group| group as u64 * 77).collect();
        let metrics = metrics(&[&["rmse"]]);
        let whole = Intervals::of(&errors(&all, Some(&groups)), &metrics, 3).unwrap();
        let single = Intervals::of(&errors(&all, None), &metrics, 3).unwrap();
        assert_eq!((whole.groups, single.groups), (Some(n_groups), None));
        let [whole, single] = [&whole, &single].map(|found| found.get("t0", "rmse").unwrap());
        let is_random = |m: Method| matches!(m, Method::RandomGroups(_));
        assert_eq!((is_random(whole.method), is_random(single.method)), (n_groups == 600, n_groups == 600));
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let expected = 2.0 * 1.96 * 3.0 / (2.0 * n_groups as f64).sqrt();
        assert!((width(whole) / expected - 1.0).abs() < 0.35, "{whole:?} for {expected}");
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let narrower = (of_each as f64).sqrt();
        assert!((width(whole) / width(single) / narrower - 1.0).abs() < 0.5, "{whole:?} {single:?}");
    }
}

#[test]
fn groups_that_are_compared_are_not_drawn() {
    let (mut recorded, ids) = (Recorded::default(), (0..400).collect::<Vec<u64>>());
    recorded.batch(&ids);
    recorded.grouped(0, &ids.iter().map(|id| id % 2).collect::<Vec<_>>());
    // Of group 0 every second is chosen, of group 1 every fourth.
    let chosen: Vec<f32> = ids.iter().map(|id| f32::from((id / 2).is_multiple_of(2 + 2 * (id % 2)))).collect();
    let said = Prediction::MultiLabel { scores: column(&chosen), kind: Scores::Probs };
    recorded.answers(0, &ids, &said, &Reference::MultiLabel(column(&chosen)));
    let found = Intervals::of(&recorded, &metrics(&[&["demographic-parity-difference", "accuracy"]]), 3).unwrap();
    let [low, high] = found.get("t0", "demographic-parity-difference").unwrap().interval.unwrap();
    assert!(0.05 < low && low < 0.25 && 0.25 < high && high < 0.45, "{low} to {high}, of two groups 1/4 apart");
    assert_eq!(found.groups, None);
}

#[test]
fn groups_that_clash_have_no_interval() {
    let (mut recorded, ids) = (Recorded::default(), (0..60).collect::<Vec<u64>>());
    recorded.batch(&ids);
    let values = column(&ids.iter().map(|id| f32::from(u8::try_from(*id).unwrap())).collect::<Vec<_>>());
    for task in 0..3 {
        if task < 2 {
            recorded.grouped(task, &ids.iter().map(|id| id % (5 + task as u64)).collect::<Vec<_>>());
        }
        let said = Prediction::Values { values: values.clone() };
        recorded.answers(task, &ids, &said, &Reference::Values(Array2::zeros((60, 1))));
    }
    let found = Intervals::of(&recorded, &metrics(&[&["rmse"], &["rmse"], &["rmse"]]), 3).unwrap();
    for task in ["t0", "t1"] {
        let undefined = found.get(task, "rmse").unwrap().undefined.as_deref().unwrap();
        assert!(undefined.starts_with("samples are in other groups for another task"), "{undefined}");
    }
    assert!(found.get("t2", "rmse").unwrap().interval.is_some() && found.groups.is_none());
}
