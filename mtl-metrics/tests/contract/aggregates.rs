//! Aggregates by hand: values, directions, and everything that is refused, with its message.

use mtl_core::{
    metric::{Direction, MetricName},
    prediction::{Prediction, Reference, Scores},
    task::{Task, TaskSet},
};
use mtl_metrics::{
    MetricReport, MetricSet, MetricValue,
    aggregate::{Aggregate, Composite, CompositeSpec, DeltaM, Normalizer, TaskMean, TaskWeighted, relative_gain},
    known,
};
use ndarray::Array2;
use proptest::{prelude::*, test_runner::TestCaseError};

fn tasks(of: &[(&str, &str)]) -> TaskSet {
    TaskSet::new(of.iter().map(|&(name, id)| Task::new(name).unwrap().judged_by(known(id).unwrap())).collect()).unwrap()
}

/// Four tasks: two of accuracy, one of error, one with a hard name.
fn set() -> MetricSet {
    let tasks = tasks(&[("image", "accuracy"), ("text", "accuracy"), ("depth", "rmse"), ("never-married", "auroc")]);
    let names = |names: &[&str]| MetricName::several(names).unwrap();
    let scored = || names(&["accuracy", "macro-f1", "log-loss"]);
    MetricSet::new(&tasks, &[scored(), scored(), names(&["rmse", "r2", "mae"]), names(&["auroc", "accuracy"])]).unwrap()
}

/// The report of `set` with chosen values.
fn report(values: &[(&str, &str, f64)]) -> MetricReport {
    let mut report = set().compute();
    for &(task, metric, value) in values {
        let task = report.tasks.iter_mut().find(|t| t.task.as_str() == task).unwrap();
        let entry = task.metrics.iter_mut().find(|entry| entry.metric == metric).unwrap();
        entry.outcome = MetricValue::defined(value, 10);
    }
    report
}

fn parse(text: &str) -> Composite {
    Composite::parse(text, &set()).unwrap_or_else(|e| panic!("{e}"))
}

fn eval(text: &str, values: &[(&str, &str, f64)]) -> f64 {
    parse(text).compute(&report(values)).unwrap().value.unwrap()
}

fn refused(text: &str) -> String {
    Composite::parse(text, &set()).expect_err(text).to_string()
}

#[test]
fn the_mission_s_example() {
    let values = [("image", "accuracy", 0.875), ("text", "accuracy", 0.625)];
    let composite = parse("0.6*image.accuracy + 0.4*text.accuracy");
    let value = composite.compute(&report(&values)).unwrap();
    assert!((value.value.unwrap() - 0.775).abs() < 1e-12);
    assert_eq!((composite.direction(), value.support), (Direction::Maximize, 10));
    // And from predictions on: 7 of 8 and 5 of 8 right.
    let mut metrics = set();
    for (task_idx, n_right) in [(0, 7), (1, 5)] {
        let scores = Array2::from_shape_fn((8, 2), |(row, class)| f32::from((class == 1) == (row < n_right)));
        metrics
            .update(task_idx, &Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![1; 8]))
            .unwrap();
    }
    assert!((composite.compute(&metrics.compute()).unwrap().value.unwrap() - 0.775).abs() < 1e-12);
}

#[test]
fn precedence_functions_and_names() {
    let values = [
        ("image", "accuracy", 0.5),
        ("image", "macro-f1", 0.25),
        ("text", "accuracy", 0.75),
        ("depth", "rmse", 0.3),
        ("depth", "r2", -2.0),
        ("never-married", "auroc", 0.8),
        ("image", "log-loss", 2.0),
    ];
    let close = |text: &str, want: f64| {
        let found = eval(text, &values);
        assert!((found - want).abs() < 1e-12, "{text} is {found}, not {want}");
    };
    close("image.accuracy + text.accuracy * 2", 2.0);
    close("(image.accuracy + text.accuracy) * 2", 2.5);
    close("image.accuracy - -1 - 1", 0.5);
    close("1 - (1 - image.accuracy) / 2", 0.75);
    close("image.accuracy / 2 / 2", 0.125);
    close("-2 * -3 * image.accuracy", 3.0);
    close("min(image.accuracy, text.accuracy)", 0.5);
    close("max( image.accuracy ,text.accuracy,0.6 )", 0.75);
    close("mean(image.accuracy, text.accuracy, never-married.auroc)", 2.05 / 3.0);
    close("harmonic(image.accuracy, text.accuracy)", 0.6);
    close("geometric(image.macro-f1, image.accuracy * 2)", 0.5);
    close("never-married.auroc*1e-1", 0.08);
    close("image.macro-f1*.5 + 2.5E0 * text.accuracy", 0.125 + 1.875);
    close("0.5*image.accuracy+0.5*norm(depth.rmse, 1.2, 0)", 0.25 + 0.5 * 0.75);
    close("norm(depth.rmse, 2*0.1, 0)", 0.0);
    close("norm(depth.rmse, 2, 1)", 1.0);
    close("image.accuracy + norm(depth.r2, -3, 1)", 0.75);
    close("1 - image.log-loss", -1.0);
    close("image.log-loss", 2.0);
    close("10 / (1 + image.log-loss)", 10.0 / 3.0);
    close("image.accuracy*text.accuracy", 0.375);
    // A name is read by what is known: this is macro-f1 of image, less one.
    close("image.macro-f1-1", -0.75);
    close("image.accuracy-1+text.accuracy-1", -0.75);
    for text in ["harmonic(image.accuracy, text.accuracy)", "geometric(image.accuracy, text.accuracy)"] {
        assert!(eval(text, &[("image", "accuracy", 0.0), ("text", "accuracy", 1.0)]).abs() < 1e-300, "{text}");
    }
}

#[test]
fn direction_follows_the_signs() {
    for (text, direction) in [
        ("image.accuracy", Direction::Maximize),
        ("image.log-loss", Direction::Minimize),
        ("1 - image.log-loss", Direction::Maximize),
        ("-image.accuracy - text.accuracy", Direction::Minimize),
        ("1 / (1 + image.log-loss)", Direction::Maximize),
        ("image.log-loss / 3 + image.log-loss", Direction::Minimize),
        ("image.accuracy - (1 - text.accuracy)", Direction::Maximize),
        ("norm(image.log-loss, 3, 0) + image.accuracy", Direction::Maximize),
        ("1 - norm(image.log-loss, 3, 0)", Direction::Minimize),
        ("min(1 - image.accuracy, 1 - text.accuracy)", Direction::Minimize),
        ("image.accuracy + 0*depth.rmse", Direction::Maximize),
    ] {
        assert_eq!(parse(text).direction(), direction, "{text}");
    }
}

#[test]
fn what_is_refused_says_where_and_why() {
    for (text, message, column) in [
        ("0.6*image.accuracy + 0.4*txt.accuracy", "unknown task \"txt\"", 26),
        ("image.acuracy", "task image does not compute \"acuracy\", it computes accuracy, macro-f1, log-loss", 7),
        ("image.auroc", "does not compute \"auroc\"", 7),
        ("image.accuracy2", "does not compute \"accuracy2\"", 7),
        ("image", "expected task.metric", 1),
        ("", "ends too early", 1),
        ("image.accuracy +", "ends too early", 17),
        ("image.accuracy text.accuracy", "expected an operator", 16),
        ("(image.accuracy", "expected ')'", 16),
        ("image.accuracy)", "expected an operator", 15),
        ("2 * 3", "depends on no metric", 1),
        ("0 * image.accuracy", "depends on no metric", 1),
        ("image.accuracy / 0", "division by zero", 16),
        ("1e999 * image.accuracy", "no finite number", 1),
        ("1.2.3 * image.accuracy", "expected an operator", 4),
        (
            "median(image.accuracy)",
            "unknown function \"median\", known are min, max, mean, harmonic, geometric, norm",
            1,
        ),
        ("min()", "expected a number", 5),
        ("image.accuracy + image.log-loss", "opposite directions", 16),
        ("image.accuracy - text.accuracy", "opposite directions", 16),
        ("image.log-loss + text.log-loss", "image.log-loss is not in [0, 1]", 16),
        ("image.accuracy + depth.r2", "depth.r2 is not in [0, 1]", 16),
        ("image.accuracy * depth.r2", "cannot be negative", 16),
        ("image.accuracy / (text.accuracy - 1)", "a divisor needs", 16),
        ("harmonic(1 - image.accuracy, image.accuracy - 1)", "cannot be negative", 1),
        ("norm(depth.rmse, 0, 1)", "wrong way round", 1),
        ("norm(depth.rmse, 1, 1)", "two different finite numbers", 1),
        ("norm(depth.rmse, 1)", "three arguments", 1),
        ("norm(2, 1, 0)", "norm of a constant", 1),
        ("norm(depth.rmse, image.accuracy, 0)", "must be constant", 1),
        ("größe + image.accuracy", "expected task.metric", 1),
        ("image.accuracy + ß", "expected task.metric", 18),
        ("image.accuracy € 2", "expected an operator", 16),
    ] {
        let e = refused(text);
        assert!(e.starts_with("composite metric: "), "{e}");
        assert!(e.contains(message), "{text}: {e}");
        assert!(e.contains(&format!("at column {column} of")), "{text}: {e}");
    }
    assert!(refused(&"(".repeat(100_000)).contains("nested too deeply"));
    assert!(refused(&"-".repeat(100_000)).contains("nested too deeply"));
    let long = vec!["image.accuracy"; 100_000].join("+");
    assert!(refused(&long).contains("too long"));
    assert!(parse(&vec!["image.accuracy"; 1_000].join("+")).compute(&report(&[("image", "accuracy", 0.5)])).is_ok());
}

#[test]
fn undefined_parts_are_named() {
    let composite = parse("image.accuracy + text.accuracy");
    let value = composite.compute(&report(&[("image", "accuracy", 0.5)])).unwrap();
    assert_eq!(value.get(), Err("text.accuracy: no known label"));
    let value = parse("1 / text.accuracy").compute(&report(&[("text", "accuracy", 0.0)])).unwrap();
    assert_eq!(value.get(), Err("division by zero in \"1 / text.accuracy\""));
    assert!(composite.compute(&MetricReport::default()).is_err());
    let spec: CompositeSpec = serde_json::from_str("\"image.accuracy\"").unwrap();
    assert_eq!(serde_json::to_string(&spec.resolve(&set()).unwrap()).unwrap(), "\"image.accuracy\"");
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "[0-9.a-z()+*/, -]{0,40}|.{0,20}") {
        let _ = Composite::parse(&text, &set());
    }

    #[test]
    fn what_parses_moves_in_its_direction(text in expression(), values in prop::collection::vec(0.01_f64..0.74, 3)) {
        // Too many rejections fail the test: at least a fifth of the expressions must be fine.
        let Ok(composite) = Composite::parse(&text, &set()) else {
            return Err(TestCaseError::reject("may not be combined"));
        };
            let at = |better: f64| report(&[
                ("image", "accuracy", values[0] + better),
                ("text", "accuracy", values[1] + better),
                ("image", "log-loss", 3.0 * values[1] + 0.8 - better),
                ("depth", "rmse", 5.0 * values[2] + 0.8 - better),
                ("depth", "r2", values[1] - 1.0 + better),
                ("never-married", "auroc", values[2] + better),
            ]);
            let (before, after) = (composite.compute(&at(0.0)).unwrap(), composite.compute(&at(0.25)).unwrap());
            if let (Some(before), Some(after)) = (before.value, after.value) {
                let slack = 1e-9 * before.abs().max(1.0);
                let gain = match composite.direction() {
                    Direction::Maximize => after - before,
                    Direction::Minimize => before - after,
                };
                prop_assert!(gain >= -slack, "{} {} {}", text, before, after);
            }
    }
}

/// Expressions that parse, most of which may be combined.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "image.accuracy",
        "text.accuracy",
        "never-married.auroc",
        "image.log-loss",
        "depth.r2",
        "(1-image.accuracy)",
        "norm(depth.rmse, 9, 0.5)",
        "norm(depth.r2, -1, 1)",
        "0.5",
        "2",
        "-1",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), prop::sample::select(vec!["+", "-", "*", "/"]))
                .prop_map(|((a, b), op)| format!("({a} {op} {b})")),
            (two, prop::sample::select(vec!["min", "max", "mean", "harmonic", "geometric"]))
                .prop_map(|((a, b), function)| format!("{function}({a}, {b})")),
            inner.prop_map(|a| format!("-{a}")),
        ]
    })
}

#[test]
fn means_of_the_primary_metrics() {
    let tasks = TaskSet::new(vec![
        Task::new("image").unwrap().judged_by(known("accuracy").unwrap()).with_weight(3.0),
        Task::new("never-married").unwrap().judged_by(known("auroc").unwrap()),
    ])
    .unwrap();
    let report = report(&[("image", "accuracy", 0.5), ("never-married", "auroc", 0.9)]);
    let mean = TaskMean::new(&tasks, &[]).unwrap();
    assert!((mean.compute(&report).unwrap().value.unwrap() - 0.7).abs() < 1e-12);
    let weighted = TaskWeighted::new(&tasks, &[]).unwrap();
    assert!((weighted.compute(&report).unwrap().value.unwrap() - 0.6).abs() < 1e-12);
    assert_eq!((mean.direction(), mean.name(), weighted.name()), (Direction::Maximize, "mean", "task-weighted"));
    assert_eq!(mean.compute(&set().compute()).unwrap().get(), Err("image.accuracy: no known label"));
}

#[test]
fn means_refuse_to_mix_scales() {
    let mixed = tasks(&[("image", "accuracy"), ("depth", "rmse")]);
    let e = TaskMean::new(&mixed, &[]).unwrap_err().to_string();
    assert_eq!(e, "task mean: primary must be a metric in [0, 1], or one with a normalizer, found depth.rmse");
    let normalizer = Some(Normalizer::new(2.0, 0.0).unwrap());
    let mean = TaskMean::new(&mixed, &[None, normalizer]).unwrap();
    let report = report(&[("image", "accuracy", 0.5), ("depth", "rmse", 0.5)]);
    assert_eq!(mean.compute(&report).unwrap().value, Some(0.625));
    assert!(TaskMean::new(&mixed, &[normalizer]).unwrap_err().to_string().contains("one entry for each of 2"));
    let turned = Some(Normalizer::new(0.0, 2.0).unwrap());
    assert!(TaskMean::new(&mixed, &[None, turned]).unwrap_err().to_string().contains("does not turn around"));
    assert!(Normalizer::new(1.0, 1.0).is_err() && Normalizer::new(f64::NAN, 1.0).is_err());
    assert!(serde_json::from_str::<Normalizer>("[1.0, 1.0]").is_err());
    // One task is added to nothing, so any metric will do.
    let single = TaskWeighted::new(&tasks(&[("depth", "rmse")]), &[]).unwrap();
    assert_eq!((single.direction(), single.compute(&report).unwrap().value), (Direction::Minimize, Some(0.5)));
}

#[test]
fn delta_m_by_hand() {
    // Maninis: 0.8 -> 0.84 is +5 %; rmse 0.5 -> 0.55 is -10 %; mae 2 -> 1.8 is +10 %.
    let single = report(&[("image", "accuracy", 0.8), ("depth", "rmse", 0.5), ("depth", "mae", 2.0)]);
    let multi = report(&[("image", "accuracy", 0.84), ("depth", "rmse", 0.55), ("depth", "mae", 1.8)]);
    let part = |report: &MetricReport, task: &str, metrics: &[&str]| {
        let mut part = MetricReport {
            tasks: report.tasks.iter().filter(|t| t.task.as_str() == task).cloned().collect(),
            ..MetricReport::default()
        };
        part.tasks[0].metrics.retain(|entry| metrics.contains(&entry.metric.as_str()));
        part
    };
    let joined = MetricReport::join([part(&single, "image", &["accuracy"]), part(&single, "depth", &["rmse", "mae"])]);
    let joined = joined.unwrap();
    let delta = DeltaM::new(joined.clone()).unwrap();
    assert!((delta.compute(&multi).unwrap().value.unwrap() - (5.0 + 0.0) / 2.0).abs() < 1e-12);
    let gains = delta.gains(&multi).unwrap();
    assert!((gains[1].metrics[0].1.value.unwrap() + 10.0).abs() < 1e-12);
    assert!((delta.compute(&single).unwrap().value.unwrap()).abs() < 1e-15);
    assert!((relative_gain(Direction::Maximize, -0.5, -1.0) - 50.0).abs() < 1e-12);
    assert!(MetricReport::join([joined.clone(), joined]).unwrap_err().to_string().contains("twice"));
    let undefined = delta.compute(&set().compute()).unwrap();
    assert_eq!(undefined.get(), Err("image: accuracy: no known label"));
    assert!(delta.compute(&MetricReport::default()).is_err());
}

#[test]
fn delta_m_needs_true_baselines() {
    let set = TaskSet::new(vec![
        Task::new("image").unwrap().judged_by(known("accuracy").unwrap()).with_baseline(0.8),
        Task::new("depth").unwrap().judged_by(known("rmse").unwrap()).with_baseline(0.5),
    ])
    .unwrap();
    let delta = DeltaM::of_tasks(&set).unwrap();
    let multi = report(&[("image", "accuracy", 0.84), ("depth", "rmse", 0.55)]);
    assert!((delta.compute(&multi).unwrap().value.unwrap() + 2.5).abs() < 1e-12);
    assert!((delta.compute(&multi.primary(&set).unwrap()).unwrap().value.unwrap() + 2.5).abs() < 1e-12);
    let e = DeltaM::of_tasks(&tasks(&[("image", "accuracy")])).unwrap_err().to_string();
    assert_eq!(e, "delta_m: baseline must be defined, found image.accuracy: undefined (no single-task baseline)");
    let near =
        TaskSet::new(vec![Task::new("depth").unwrap().judged_by(known("r2").unwrap()).with_baseline(1e-9)]).unwrap();
    let e = DeltaM::of_tasks(&near).unwrap_err().to_string();
    assert!(e.contains("at least 1e-6 away from zero, found 0.000000001 for depth.r2"), "{e}");
    assert!(DeltaM::new(MetricReport::default()).is_err());
}
