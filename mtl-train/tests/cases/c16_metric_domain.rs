//! A prediction outside a metric's domain undefines the metric in that epoch, and nothing else.

use mtl_metrics::MetricValue;
use mtl_train::{config::RunConfig, run::session::Session, train::trainer::Cause};
use serde_json::Value;

use crate::run::Place;

/// `sales` grows with `x`. In validation there are rows so far out that a straight line leads below 0.
fn counts(primary: &str, label: impl Fn(usize) -> f64) -> Place {
    let place = Place::new();
    let (mut train, mut validation) = (String::from("x,sales\n"), String::from("x,sales\n"));
    for i in 0..200usize {
        train += &format!("{},{}\n", i as f64 / 100.0, 1 + i / 20);
    }
    for i in 0..20usize {
        validation += &format!("{},{}\n", -(i as f64), label(i));
    }
    place.write("train.csv", &train);
    place.write("validation.csv", validation);
    place.write("test.csv", train);
    place.write(
        "run.toml",
        format!(
            r#"
[data]
kind = "csv"
train = "train.csv"
validation = "validation.csv"
test = "test.csv"
[data.schema]
columns = [{{ name = "x", kind = "numeric" }}, {{ name = "sales", kind = "label", label = "value" }}]
[encoder]
kind = "tabular"
token_width = 2
hidden = [8]
[device]
threads = 1
[train]
epochs = 8
batch_size = 20
optimizer = {{ kind = "adamw", lr = 5e-2 }}
[[task]]
name = "sales"
primary = "{primary}"
"#
        ),
    );
    place
}

fn outcomes(place: &Place) -> Vec<Value> {
    let log = place.read("run/log.jsonl");
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let epochs = lines.filter(|line| line["type"] == "epoch");
    epochs.map(|epoch| epoch["validation"]["tasks"][0]["metrics"][0]["outcome"].clone()).collect()
}

#[test]
fn training_goes_on_and_writes_everything() {
    for (primary, bound) in [("poisson-deviance", "above 0"), ("rmsle", "above -1")] {
        let place = counts(primary, |_| 1.0);
        let ran = place.done(&["train", "run.toml", "--run-dir", "run"]);
        let found = outcomes(&place);
        assert_eq!(found.len(), 8, "{primary}");
        let undefined: Vec<&Value> = found.iter().filter(|o| o["value"].is_null()).collect();
        assert!(!undefined.is_empty(), "{primary}: {found:?}");
        assert!(undefined.iter().all(|o| o["undefined"].as_str().unwrap().contains(bound)), "{undefined:?}");
        for file in ["model.safetensors", "metrics.json", "report.html"] {
            assert!(place.path().join("run").join(file).exists(), "{primary}: {file}");
        }
        let metrics: Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
        let all = undefined.len() == found.len();
        assert_eq!((metrics["best_epoch"].is_null(), metrics["selection"]["chosen"] == false), (all, all), "{metrics}");
        assert!(metrics["constant"]["validation"]["tasks"][0]["metrics"][0]["outcome"]["value"].is_f64(), "{metrics}");
        if all {
            assert!(
                ran.out.contains("last epoch 8 of 8: nothing could be chosen on validation by skill"),
                "{}",
                ran.out
            );
        }
    }
}

/// Labels outside of the domain are nobody's answer: known before the first step.
#[test]
fn labels_outside_are_refused_before_training() {
    for (primary, label, reason) in [
        ("poisson-deviance", -1.0, "sales.poisson-deviance (20 targets are not at least 0, the lowest is -1)"),
        ("rmsle", -3.0, "sales.rmsle (20 targets are not above -1, the lowest is -3)"),
        ("mape", 0.0, "sales.mape (20 targets are 0)"),
    ] {
        let place = counts(primary, |_| label);
        let e = place.refused(&["train", "run.toml", "--run-dir", "run"]);
        assert!(e.contains(reason) && e.contains("selection = \"sales."), "{e}");
        assert!(!place.path().join("run").exists());
    }
}

/// A session of two tasks, `sales` judged by `primary`, `mood` (three classes) by macro precision.
fn session(selection: &str) -> (Place, Session) {
    let place = Place::new();
    let mut rows = String::from("x,sales,mood\n");
    for i in 0..90usize {
        rows += &format!("{},{},{}\n", i as f64 / 10.0, i % 7, ["bad", "fair", "good"][i % 3]);
    }
    for split in ["train", "validation", "test"] {
        place.write(&format!("{split}.csv"), &rows);
    }
    let dir = place.path().display().to_string();
    let text = format!(
        r#"
data = {{ kind = "csv", dir = {dir:?}, train = "train.csv", validation = "validation.csv", test = "test.csv", schema = {{ columns = [
    {{ name = "x", kind = "numeric" }}, {{ name = "sales", kind = "label", label = "value" }},
    {{ name = "mood", kind = "label", label = "class" }},
] }} }}
encoder = {{ kind = "tabular", token_width = 2, hidden = [4] }}
train = {{ epochs = 1, batch_size = 30, selection = "{selection}" }}
device = {{ threads = 1 }}
[[task]]
name = "sales"
primary = "poisson-deviance"
[[task]]
name = "mood"
primary = "macro-precision"
"#
    );
    let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
    let session = Session::new(&config, &config.data.load().unwrap()).unwrap();
    (place, session)
}

/// The report of an epoch in which the two metrics have these outcomes.
fn epoch(session: &Session, sales: MetricValue, mood: MetricValue) -> mtl_metrics::MetricReport {
    let mut report = session.validate_constant().unwrap();
    report.tasks[0].metrics[0].outcome = sales;
    report.tasks[1].metrics[0].outcome = mood;
    report
}

/// Macro precision over the classes that were said: `left_out` of three were not.
fn precision(value: f64, left_out: usize) -> MetricValue {
    let mut parts = vec![Ok(value); 3 - left_out];
    parts.resize(3, Err("never predicted".to_owned()));
    MetricValue::average(&parts, "class", 90)
}

#[test]
fn no_epoch_wins_by_a_term_that_went_missing() {
    let (_place, session) = session("skill");
    let scoring = session.trainer.score_on(&session.validation).unwrap();
    assert_eq!((scoring.n_terms(), scoring.left_out().len()), (2, 0));
    let score = |sales, mood| scoring.score(&epoch(&session, sales, mood)).unwrap();
    let deviance = |value| MetricValue::defined(value, 90);
    let outside = || MetricValue::undefined("a prediction is not above 0: -0.5", 90);

    let awful = score(deviance(1e6), precision(0.5, 0));
    let gone = score(outside(), precision(0.5, 0));
    assert!(awful.left_out.is_empty() && gone.score.unwrap() < awful.score.unwrap(), "{gone:?} {awful:?}");
    assert_eq!(gone.left_out.len(), 1);
    assert_eq!(gone.left_out[0].to_string(), "sales.poisson-deviance (a prediction is not above 0: -0.5)");
    assert_eq!(gone.left_out[0].because_of, Cause::Answers);

    // Classes that are never said have no precision; the mean over the others must not profit.
    let of = |mood| score(deviance(1.0), mood).score.unwrap();
    assert!(of(precision(0.9, 2)) < of(precision(0.4, 0)), "0.9 of one class is 0.3 of three");
    assert!((of(precision(0.9, 2)) - of(precision(0.3, 0))).abs() < 1e-12);

    // Nothing at all has no score.
    let none = score(outside(), MetricValue::undefined("no label", 0));
    assert_eq!((none.score, none.left_out.len()), (None, 2));
}

#[test]
fn expressions_take_the_bad_end_where_there_is_one() {
    let (_place, session) = session("mood.macro-precision / (1 - norm(sales.poisson-deviance, 10, 0))");
    let scoring = session.trainer.score_on(&session.validation).unwrap();
    let score = |sales: f64, mood| scoring.score(&epoch(&session, MetricValue::defined(sales, 90), mood)).unwrap();
    assert_eq!(score(5.0, precision(0.5, 0)).score, Some(1.0));
    assert_eq!(score(5.0, precision(0.75, 1)).score, Some(1.0), "a class that is never said has 0");
    assert_eq!(score(5.0, MetricValue::undefined("never predicted", 90)).score, Some(0.0), "0 is the bad end");
    // A division by zero is no score, with the reason.
    let divided = score(0.0, precision(0.5, 0));
    assert_eq!(divided.score, None);
    assert!(divided.left_out[0].to_string().contains("division by zero"), "{divided:?}");
    // A deviance alone has no bad end.
    let (_place, session) = self::session("sales.poisson-deviance");
    let scoring = session.trainer.score_on(&session.validation).unwrap();
    let outside = epoch(&session, MetricValue::undefined("a prediction is not above 0: -2", 90), precision(0.5, 0));
    let outside = scoring.score(&outside).unwrap();
    assert_eq!((outside.score, outside.left_out.len()), (None, 1));
    assert_eq!("poisson-deviance", outside.left_out[0].metric);
}
