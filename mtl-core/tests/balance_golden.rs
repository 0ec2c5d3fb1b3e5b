//! Weights and directions against TorchJD 0.18 (`golden/make_balance_golden.py`), and, where we differ on purpose, both
//! values with the reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "a test, with helpers outside of test functions"
)]

use mtl_core::{
    answer::Values,
    balance::{Balancer, BalancerConfig, Evidence, Gramian},
    metric::{MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/balance.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn make(method: &str, settings: &Value, m: usize) -> Box<dyn Balancer> {
    let mut config = settings.clone();
    config["kind"] = Value::from(method);
    let config: BalancerConfig = serde_json::from_value(config).unwrap();
    let tasks = (0..m).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(error())).collect();
    config.build(&TaskSet::new(tasks).unwrap()).unwrap()
}

fn weigh(method: &mut dyn Balancer, gramian: Option<&Gramian>, losses: &[f64], m: usize) -> Vec<f64> {
    let tasks: Vec<usize> = (0..m).collect();
    let mut weights = vec![f64::NAN; m];
    method.weigh(&Evidence { tasks: &tasks, losses, gramian, ..Evidence::default() }, &mut weights).unwrap();
    weights
}

fn direction(rows: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    (0..rows[0].len()).map(|j| rows.iter().zip(weights).map(|(r, w)| w * r[j]).sum()).collect()
}

/// The weights of a method with its defaults for a matrix.
fn ours(method: &str, rows: &[Vec<f64>]) -> Vec<f64> {
    let m = rows.len();
    weigh(make(method, &serde_json::json!({}), m).as_mut(), Some(&Gramian::of_rows(rows)), &vec![1.0; m], m)
}

fn lowest_gain(rows: &[Vec<f64>], weights: &[f64]) -> f64 {
    let mut gains = vec![0.0; rows.len()];
    Gramian::of_rows(rows).times(weights, &mut gains);
    gains.into_iter().fold(f64::INFINITY, f64::min)
}

#[test]
fn weights_and_directions_equal_torchjd() {
    let golden = golden();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let (method, name) = (case["method"].as_str().unwrap(), case["name"].as_str().unwrap());
        let tolerance = case["tolerance"].as_f64().unwrap();
        let (found, expected) = if case["losses"].is_array() {
            let losses = numbers(&case["losses"]);
            let m = losses.len();
            (weigh(make(method, &case["settings"], m).as_mut(), None, &losses, m), numbers(&case["weights"]))
        } else {
            let rows = matrix(&case["matrix"]);
            let m = rows.len();
            let gramian = Gramian::of_rows(&rows);
            let weights = weigh(make(method, &case["settings"], m).as_mut(), Some(&gramian), &vec![1.0; m], m);
            match &case["direction"] {
                Value::Null => (weights, numbers(&case["weights"])),
                d => (direction(&rows, &weights), numbers(d)),
            }
        };
        let scale = expected.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
        assert!(
            worst <= tolerance,
            "{method} {} on {name}: off by {worst:e}\nours   {found:?}\ntheirs {expected:?}",
            case["settings"]
        );
    }
}

#[test]
fn famo_follows_torchjd_over_several_steps() {
    let run = &golden()["famo_run"];
    let mut famo = make("famo", &serde_json::json!({}), 2);
    let losses = matrix(&run["losses"]);
    for (step, expected) in matrix(&run["weights"]).iter().enumerate() {
        let found = weigh(famo.as_mut(), None, &losses[step], 2);
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "step {step}: {found:?} {expected:?}");
        }
        famo.after_step(&losses[step + 1], &[0, 1]).unwrap();
    }
}

#[test]
fn where_we_differ_torchjd_is_wrong() {
    let golden = golden();
    for case in golden["wrong"].as_array().unwrap() {
        let (method, name) = (case["method"].as_str().unwrap(), case["name"].as_str().unwrap());
        let (rows, theirs) = (matrix(&case["matrix"]), numbers(&case["theirs"]));
        let found = ours(method, &rows);
        let sizes: f64 = rows.iter().zip(&found).map(|(r, w)| w.abs() * r.iter().map(|x| x * x).sum::<f64>()).sum();
        match (method, name) {
            ("upgrad", _) => {
                assert_eq!(theirs, [0.5, 0.5], "{name}");
                assert!(lowest_gain(&rows, &theirs) < -4e-7 && lowest_gain(&rows, &found) > -1e-12 * sizes);
            }
            ("cagrad", "a zero row makes it zero") => {
                // No direction of the ball helps a task without gradient; the engine drops such a task before we see it.
                assert_eq!(theirs, [0.0; 3], "{name}");
                let kept = [rows[0].clone(), rows[2].clone()];
                assert!(ours(method, &kept).iter().all(|w| *w > 0.1));
            }
            ("cagrad", _) => {
                assert_eq!(theirs, [0.0, 0.0], "{name}");
                assert!(found.iter().all(|w| *w > 0.1), "{name}: {found:?}");
            }
            ("dualproj", _) => {
                assert!(lowest_gain(&rows, &theirs) < -1e-5, "{name}");
                assert!(lowest_gain(&rows, &found) > -1e-12, "{name}");
            }
            ("imtl-g", _) => {
                assert!(lowest_gain(&rows, &theirs) < 0.0, "{name}: theirs ascends");
                assert!(lowest_gain(&rows, &found) > 0.0, "{name}");
            }
            ("mgda", _) => {
                let g = Gramian::of_rows(&rows);
                let (a, b) = (g.squared_length(&found), g.squared_length(&theirs));
                assert!(a < b * (1.0 - 1e-6), "{name}: ours {a}, theirs {b}");
            }
            other => panic!("no comparison for {other:?}"),
        }
    }
}

/// A metric of numbers.
fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}
