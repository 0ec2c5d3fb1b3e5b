//! Several steps of a method against LibMTL, TorchJD and plain formulas (`golden/make_runs_golden.py`): stateful methods
//! and aggregators; and, where LibMTL fails, its failure beside our answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "a test, with helpers outside of test functions"
)]

use mtl_core::{
    answer::Values,
    balance::{AggregatorConfig, BalancerConfig, Epoch, Evidence, Gramian, Method, Needs, aggregator::aggregate},
    metric::{MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};
use serde_json::{Value, json};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/balance_runs.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|list| list.iter().map(|x| x.as_f64().unwrap()).collect()).unwrap_or_default()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().map(|list| list.iter().map(numbers).collect()).unwrap_or_default()
}

fn make(method: &str, settings: &Value, m: usize) -> Method {
    let mut config = settings.clone();
    config["kind"] = Value::from(method);
    let tasks = (0..m).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(error())).collect();
    let tasks = TaskSet::new(tasks).unwrap();
    match BalancerConfig::by_name(method) {
        Ok(_) => serde_json::from_value::<BalancerConfig>(config).unwrap().build(&tasks).unwrap().into(),
        Err(_) => serde_json::from_value::<AggregatorConfig>(config).unwrap().build(&tasks).unwrap().into(),
    }
}

/// What a method says in one step of a run: weights, and the direction where the step has gradients.
fn answer(method: &mut Method, step: &Value, index: u64) -> (Vec<f64>, Vec<f64>) {
    let rows = matrix(&step["matrix"]);
    let losses = numbers(&step["losses"]);
    let m = rows.len().max(losses.len());
    let tasks: Vec<usize> = (0..m).collect();
    let gramian = Gramian::of_rows(&rows);
    let second = matrix(&step["second"]);
    let joint = Gramian::of_rows(&[rows.clone(), second].concat());
    let Needs { looks, .. } = method.needs();
    let evidence = Evidence {
        tasks: &tasks,
        losses: &losses,
        gramian: (!rows.is_empty()).then_some(&gramian),
        joint: (!looks.is_empty()).then_some(&joint),
        step: index,
        ..Evidence::default()
    };
    match method {
        Method::Weights(balancer) => {
            let mut weights = vec![0.0; m * (1 + balancer.needs().looks_with_rows())];
            balancer.weigh(&evidence, &mut weights).unwrap();
            weights.truncate(m);
            let n = rows.first().map_or(0, Vec::len);
            let direction = (0..n).map(|j| rows.iter().zip(&weights).map(|(r, w)| w * r[j]).sum()).collect();
            (weights, direction)
        }
        Method::Direction(aggregator) => {
            // Two blocks, so that what concerns the whole Jacobian is tested as such.
            let narrow: Vec<Vec<f32>> = rows.iter().map(|r| r.iter().map(|x| *x as f32).collect()).collect();
            let n = narrow[0].len();
            let cut = n / 2;
            let blocks: Vec<Vec<&[f32]>> =
                [0..cut, cut..n].map(|part| narrow.iter().map(|r| &r[part.clone()]).collect()).to_vec();
            let mut directions = vec![vec![0.0; cut], vec![0.0; n - cut]];
            aggregate(aggregator.as_mut(), &evidence, &blocks, &mut directions).unwrap();
            (Vec::new(), directions.concat().into_iter().map(f64::from).collect())
        }
    }
}

#[test]
fn runs_equal_the_references() {
    let golden = golden();
    let runs = golden["runs"].as_array().unwrap();
    assert!(runs.len() >= 25, "{}", runs.len());
    for run in runs {
        let (name, tolerance) = (run["method"].as_str().unwrap(), run["tolerance"].as_f64().unwrap());
        let steps = run["steps"].as_array().unwrap();
        let m = matrix(&steps[0]["matrix"]).len().max(numbers(&steps[0]["losses"]).len());
        let mut method = make(name, &run["settings"], m);
        for (index, step) in steps.iter().enumerate() {
            let (weights, direction) = answer(&mut method, step, index as u64);
            let (found, expected) = match &step["direction"] {
                Value::Null => (weights, numbers(&step["weights"])),
                expected => (direction, numbers(expected)),
            };
            assert_eq!(found.len(), expected.len(), "{name}");
            let scale = expected.iter().fold(1e-300, |a: f64, x| a.max(x.abs()));
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
            assert!(
                worst <= tolerance,
                "{name} {} against {}, step {index}: off by {worst:e}\nours   {found:?}\ntheirs {expected:?}",
                run["settings"],
                run["reference"]
            );
            if name == "dwa" {
                method.epoch_end(&Epoch { index: index as u64, kpis: &[] }).unwrap();
            }
        }
    }
}

#[test]
fn where_libmtl_fails_there_is_an_answer() {
    let golden = golden();
    for case in golden["wrong"].as_array().unwrap() {
        let (name, what) = (case["method"].as_str().unwrap(), case["name"].as_str().unwrap());
        let rows = matrix(&case["matrix"]);
        let mut step = case.clone();
        if step["losses"].is_null() {
            step["losses"] = json!(vec![1.0; rows.len()]);
        }
        let m = numbers(&step["losses"]).len();
        let (weights, direction) = answer(&mut make(name, &json!({}), m), &step, 0);
        assert!(weights.iter().chain(&direction).all(|x| x.is_finite()), "{name}, {what}");
        match (name, what) {
            ("gls", _) => {
                let theirs = numbers(&case["theirs"]);
                assert!((theirs[0] - 1.0 / 6.0).abs() < 1e-9 && (theirs[1] - 0.25).abs() < 1e-9, "{theirs:?}");
                assert!((weights[0] - 0.5 * 1.5f64.sqrt()).abs() < 1e-12, "sqrt(l1 l2) / (2 l0)");
            }
            ("mgda", "one task") => {
                assert_eq!((case["theirs"].as_str(), weights), (Some("UnboundLocalError"), vec![1.0]));
            }
            ("mgda", _) => {
                assert_eq!(case["theirs"], "UnboundLocalError");
                assert!((weights[0] - 9.0 / 13.0).abs() < 1e-12, "inverse to the squared lengths: {weights:?}");
            }
            ("imtl-g", _) => {
                assert_eq!(case["theirs"], "_LinAlgError");
                let along = |r: &[f64]| {
                    r.iter().zip(&direction).map(|(a, b)| a * b).sum::<f64>()
                        / r.iter().map(|x| x * x).sum::<f64>().sqrt()
                };
                let projections: Vec<f64> = rows.iter().map(|r| along(r)).collect();
                assert!(projections.iter().all(|p| (p - projections[0]).abs() < 1e-9 && *p > 0.0), "{projections:?}");
            }
            ("cagrad", _) => {
                assert_eq!(case["theirs"], "ValueError", "its reshape knows three tasks only");
                assert!(weights.iter().all(|w| *w > 0.0), "{weights:?}");
            }
            other => panic!("no comparison for {other:?}"),
        }
    }
}

/// A metric of numbers.
fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}
