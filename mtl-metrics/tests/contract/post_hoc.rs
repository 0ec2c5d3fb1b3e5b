//! What everything that is fitted to answers owes, over the registries: order, weights, files; and coverage on drawn data.

use mtl_core::{
    answer::Answer,
    prediction::{Prediction, Reference, Scores},
};
use mtl_metrics::{
    AnyMetric, Auroc, MetricBatch, Streaming,
    post_hoc::{
        CalibrationConfig, ConformalConfig, PostHoc, PostHocConfig, RejectConfig, ThresholdConfig,
        conformal::{ScoreConfig, Scoring},
        share_interval,
    },
};
use ndarray::Array2;

use crate::cases::draw::Random;

/// In (0, 1).
fn even(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1_u64 << 53) as f64 + 1e-17
}

fn normal(random: &mut Random) -> f64 {
    (-2.0 * even(random).ln()).sqrt() * (std::f64::consts::TAU * even(random)).cos()
}

/// Answers of `c` classes that are too sure, beside labels drawn of what is right.
fn classes(random: &mut Random, n: usize, c: usize) -> (Prediction, Reference) {
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let logits: Vec<f64> = (0..c).map(|_| 1.2 * normal(random)).collect();
        let total: f64 = logits.iter().map(|z| z.exp()).sum();
        let mut left = even(random) * total;
        let label = logits.iter().position(|z| {
            left -= z.exp();
            left <= 0.0
        });
        labels.push(label.unwrap_or(c - 1) as i64);
        scores.extend(logits.iter().map(|z| (2.0 * z) as f32));
    }
    let scores = Array2::from_shape_vec((n, c), scores).unwrap();
    (Prediction::Class { scores, kind: Scores::Logits }, Reference::Class(labels))
}

/// The same as yes/no labels: whether each class is it.
fn labels(random: &mut Random, n: usize, k: usize) -> (Prediction, Reference) {
    let mut numbers = (Vec::new(), Vec::new());
    for _ in 0..n * k {
        let z = 1.5 * normal(random);
        numbers.0.push((2.0 * z) as f32);
        numbers.1.push(f32::from(u8::from(even(random) < 1.0 / (1.0 + (-z).exp()))));
    }
    let array = |numbers| Array2::from_shape_vec((n, k), numbers).unwrap();
    (Prediction::MultiLabel { scores: array(numbers.0), kind: Scores::Logits }, Reference::MultiLabel(array(numbers.1)))
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|at| format!("c{at}")).collect()
}

/// Every member of every registry, on answers that it is for.
fn all() -> Vec<(String, Answer, PostHocConfig)> {
    let mut all = Vec::new();
    let (class, two, yes_no) = (Answer::class(names(4)), Answer::class(names(2)), Answer::multi_label(names(2)));
    for (name, _) in CalibrationConfig::all() {
        let config =
            PostHocConfig { calibration: Some(CalibrationConfig::by_name(name).unwrap()), ..Default::default() };
        all.extend([&class, &yes_no].map(|answer| (name.to_owned(), answer.clone(), config.clone())));
    }
    for (name, _) in ScoreConfig::all() {
        let score = ScoreConfig::by_name(name).unwrap();
        let answers = match score.part().scoring() {
            Scoring::Classes(_) => vec![class.clone(), yes_no.clone()],
            Scoring::Grades(_) => vec![Answer::ordinal(names(4))],
            Scoring::Numbers(_) => continue,
        };
        for by_class in [false, true] {
            let conformal = Some(ConformalConfig { score: Some(score.clone()), by_class, ..Default::default() });
            let config = PostHocConfig { conformal, ..Default::default() };
            all.extend(answers.iter().map(|answer| (format!("{name} {by_class}"), answer.clone(), config.clone())));
        }
    }
    for (name, _) in ThresholdConfig::all() {
        let config = PostHocConfig { threshold: Some(ThresholdConfig::by_name(name).unwrap()), ..Default::default() };
        all.extend([&two, &yes_no].map(|answer| (name.to_owned(), answer.clone(), config.clone())));
    }
    for (name, _) in RejectConfig::all() {
        let config = PostHocConfig { reject: Some(RejectConfig::by_name(name).unwrap()), ..Default::default() };
        all.extend([&class, &yes_no].map(|answer| (name.to_owned(), answer.clone(), config.clone())));
    }
    assert!(all.len() >= 25, "{}", all.len());
    all
}

fn drawn(random: &mut Random, answer: &Answer, n: usize) -> (Prediction, Reference) {
    match answer {
        Answer::MultiLabel(_) => labels(random, n, answer.width()),
        Answer::Ordinal(_) => match classes(random, n, answer.width()) {
            (Prediction::Class { scores, kind }, Reference::Class(labels)) => {
                (Prediction::Ordinal { scores, kind }, Reference::Ordinal(labels))
            }
            other => other,
        },
        _ => classes(random, n, answer.width()),
    }
}

#[test]
fn weights_are_samples_and_files_hold_all() {
    for (name, answer, config) in all() {
        let mut random = Random(7);
        let (said, truth) = drawn(&mut random, &answer, 200);
        config.check(&answer, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        let times: Vec<usize> = (0..200).map(|_| random.below(4)).collect();
        let weights: Vec<f32> = times.iter().map(|n| *n as f32).collect();
        let rows: Vec<usize> = times.iter().enumerate().flat_map(|(row, n)| std::iter::repeat_n(row, *n)).collect();
        let fit = |batch: &MetricBatch<'_>| config.fit(&answer, None, batch).unwrap_or_else(|e| panic!("{name}: {e}"));
        let weighted = fit(&MetricBatch::new(&said, &truth).with_weights(&weights));
        let (twice, twice_truth) = (said.gather(&rows), truth.gather(&rows));
        let repeated = fit(&MetricBatch::new(&twice, &twice_truth));
        if name != "auto" {
            assert_eq!(PostHoc { samples: 0, ..weighted.clone() }, PostHoc { samples: 0, ..repeated }, "{name}");
        }
        let text = serde_json::to_string(&weighted).unwrap();
        let again: PostHoc = serde_json::from_str(&text).unwrap();
        again.check(&answer, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        let calibrated = weighted.calibrated(&said).unwrap();
        assert_eq!(again.calibrated(&said).unwrap(), calibrated, "{name}");
        for row in 0..200 {
            assert_eq!(again.said(&calibrated, row), weighted.said(&calibrated, row), "{name}");
        }
        let columns = weighted.columns(&answer);
        let mut n_written = 0;
        weighted.write(&answer, &calibrated, 3, &mut |_| n_written += 1).unwrap();
        assert_eq!(n_written, columns.len(), "{name}: {columns:?}");
    }
}

#[test]
fn calibration_keeps_the_order_of_answers_and_improves_what_it_minimizes() {
    for (name, answer, config) in all().into_iter().filter(|(.., config)| config.calibration.is_some()) {
        let mut random = Random(11);
        let (said, truth) = drawn(&mut random, &answer, 600);
        let fitted = config.fit(&answer, None, &MetricBatch::new(&said, &truth)).unwrap();
        let calibrated = fitted.calibrated(&said).unwrap();
        let found = fitted.judge(&answer, &said, &truth, None).unwrap().probabilities.unwrap();
        let loss = |own: Option<f64>| own.unwrap();
        assert!(loss(found.after.brier) <= loss(found.before.brier) + 1e-9, "{name}: {found:?}");
        assert!(loss(found.after.log_loss) < loss(found.before.log_loss), "{name}: answers were too sure: {found:?}");
        let (Prediction::MultiLabel { scores: before, .. }, Prediction::MultiLabel { scores: after, .. }) =
            (&said, &calibrated)
        else {
            continue;
        };
        for column in 0..answer.width() {
            let mut order: Vec<usize> = (0..600).collect();
            order.sort_by(|a, b| before[[*a, column]].total_cmp(&before[[*b, column]]));
            assert!(order.windows(2).all(|w| after[[w[0], column]] <= after[[w[1], column]]), "{name}: turned");
        }
        if name == "temperature" {
            let area = |said: &Prediction| {
                let mut auroc = Streaming::new(Auroc);
                auroc.update(said, &truth).unwrap();
                auroc.compute().value.unwrap()
            };
            assert!((area(&said) - area(&calibrated)).abs() < 1e-6);
        }
        if name == "auto" {
            continue; // another method may be chosen for what is left
        }
        // A fit to what is calibrated finds next to nothing to do.
        let again = config.fit(&answer, None, &MetricBatch::new(&calibrated, &truth)).unwrap();
        let moved = again.judge(&answer, &calibrated, &truth, None).unwrap().probabilities.unwrap();
        assert!((loss(moved.before.brier) - loss(moved.after.brier)).abs() < 2e-3, "{name}: {moved:?}");
    }
}

/// Sets and intervals hold the truth as often as they promise: over 40 draws of 200 samples to fit and 200 to test, within binomial
/// bounds of what was found.
#[test]
fn coverage_is_what_was_promised() {
    for (name, answer, config) in all().into_iter().filter(|(.., config)| config.conformal.is_some()) {
        let (mut held, mut all) = (0.0, 0.0);
        for seed in 0..40 {
            let mut random = Random(1000 + seed);
            let (said, truth) = drawn(&mut random, &answer, 200);
            let fitted = config.fit(&answer, None, &MetricBatch::new(&said, &truth)).unwrap();
            let (said, truth) = drawn(&mut random, &answer, 200);
            for own in fitted.judge(&answer, &said, &truth, None).unwrap().covered {
                held += 200.0 * own.coverage;
                all += 200.0;
            }
        }
        // The coverage of one fit scatters as a beta distribution of 200 samples: twice the variance of the test alone. And as some
        // twenty methods are tried, none may fail by chance: 2.8 deviations instead of 2.
        let [low, high] = share_interval(held / 4.0, all / 4.0);
        // Of each of four classes there are fewer samples; the grade that is added last has a score of 1 in every sample, and of equal
        // scores all are in the set or none.
        let coarse = name.ends_with("true") || name.starts_with("contiguous");
        // Sums of probabilities down to the true class end at 1: where that is often the last of few, every set is whole.
        let sums = name.starts_with("aps") || name.starts_with("raps");
        let most = match (sums, coarse) {
            (true, _) => 1.0,
            (false, true) => 0.9 + 3.0 * 4.0 / 200.0,
            (false, false) => 0.9 + 1.0 / 200.0,
        };
        assert!(high >= 0.9, "{name}: {} holds the truth too seldom", held / all);
        assert!(low <= most, "{name}: {} holds the truth too often", held / all);
    }
    let score = |kind| ConformalConfig { score: Some(ScoreConfig::by_name(kind).unwrap()), ..Default::default() };
    let config = PostHocConfig { conformal: Some(score("residual")), ..Default::default() };
    let answer = Answer::values(["y"]);
    let draw = |random: &mut Random| {
        let said: Vec<f32> = (0..200).map(|_| normal(random) as f32).collect();
        let truth: Vec<f32> = said.iter().map(|x| x + 0.5 + normal(random) as f32).collect();
        let column = |numbers| Array2::from_shape_vec((200, 1), numbers).unwrap();
        (Prediction::Values { values: column(said) }, Reference::Values(column(truth)))
    };
    let mut held = 0.0;
    for seed in 0..40 {
        let mut random = Random(seed);
        let (said, truth) = draw(&mut random);
        let fitted = config.fit(&answer, None, &MetricBatch::new(&said, &truth)).unwrap();
        let (said, truth) = draw(&mut random);
        held += fitted.judge(&answer, &said, &truth, None).unwrap().covered[0].coverage / 40.0;
    }
    let [low, high] = share_interval(4000.0 * held, 4000.0);
    assert!(low <= 0.905 && high >= 0.9, "{held}");
}
