//! Rows that count more or less than others, by a column of the table.

use crate::run::{Place, csv_config};

const WEIGHT: &str = r#"{ name = "w", kind = "weight" }"#;
const COLUMNS: [&str; 3] = [
    r#"{ name = "x", kind = "numeric", transform = "none" }"#,
    r#"{ name = "c", kind = "categorical" }"#,
    r#"{ name = "y", kind = "label", label = { classes = ["a", "b", "d"] } }"#,
];

/// Input, text, label and weight of a row. Texts come in one order and in one proportion whatever rows of weight 0 are left out, so
/// that they have the same codes.
fn row(i: u32) -> (f64, u32, &'static str, u32) {
    (f64::from(i * 37 % 60) / 30.0 - 1.0, i / 3 % 4, ["a", "b", "d"][(i * 11 % 3) as usize], i % 3)
}

fn write(place: &Place, name: &str, rows: impl Iterator<Item = u32>, weight: impl Fn(u32) -> f64) {
    let line = |i: u32| {
        let (x, c, y, _) = row(i);
        format!("{x},t{c},{y},{}\n", weight(i))
    };
    place.write(name, format!("x,c,y,w\n{}", rows.map(line).collect::<String>()));
}

/// The whole of a file is one batch.
fn config(columns: &[&str]) -> String {
    let files = "train = \"train.csv\"\nvalidation = \"v.csv\"\ntest = \"t.csv\"";
    let config = csv_config(columns).replace("train = \"train.csv\"", files);
    config.replace("batch_size = 32", "batch_size = 1000").replace("epochs = 1", "epochs = 8")
}

fn log(place: &Place, run: &str) -> Vec<serde_json::Value> {
    let lines = place.read(&format!("{run}/log.jsonl"));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The loss of the first step: over all of training, at the first values of the parameters.
fn first_loss(place: &Place, run: &str) -> f64 {
    let log = log(place, run);
    let epoch = log.iter().find(|line| line["type"] == "epoch").unwrap();
    epoch["train_loss"][0].as_f64().unwrap()
}

fn weighted() -> String {
    config(&[&COLUMNS[..], &[WEIGHT]].concat())
}

#[test]
fn a_loss_is_the_weighted_mean() {
    let place = Place::new();
    place.write("c.toml", weighted());
    for file in ["v.csv", "t.csv"] {
        write(&place, file, 90..120, |_| 1.0);
    }
    let is_first = |i: u32| i.is_multiple_of(3);
    let loss = |run: &str, of_first: f64, of_others: f64| {
        write(&place, "train.csv", 0..60, |i| if is_first(i) { of_first } else { of_others });
        place.done(&["train", "c.toml", "--run-dir", run, "--set", "train.epochs=1"]);
        first_loss(&place, run)
    };
    let (first, others, both, alike) =
        (loss("a", 1.0, 0.0), loss("b", 0.0, 1.0), loss("c", 3.0, 0.5), loss("d", 7.0, 7.0));
    let mean = |a: f64, b: f64| (a * 20.0 * first + b * 40.0 * others) / (a * 20.0 + b * 40.0);
    assert!((first - others).abs() > 1e-3, "{first} {others}");
    assert!((both - mean(3.0, 0.5)).abs() < 1e-5, "{both} is not {}", mean(3.0, 0.5));
    assert!((alike - mean(1.0, 1.0)).abs() < 1e-5, "{alike} is not {}", mean(1.0, 1.0));
}

/// A row of weight 2 is two rows, one of weight 0 is none: in training, in the choice of the epoch, and in every metric.
#[test]
fn a_weight_is_a_number_of_rows() {
    let place = Place::new();
    place.write("w.toml", weighted());
    place.write("n.toml", config(&COLUMNS).replace(".csv\"", ".n.csv\""));
    for (name, rows) in [("train", 0..90), ("v", 90..150), ("t", 150..240)] {
        write(&place, &format!("{name}.csv"), rows.clone(), |i| f64::from(row(i).3));
        let many = rows.flat_map(|i| std::iter::repeat_n(i, row(i).3 as usize));
        write(&place, &format!("{name}.n.csv"), many, |_| 1.0);
    }
    let metrics = |config: &str, run: &str| {
        place.done(&["train", config, "--run-dir", run]);
        let metrics: serde_json::Value = serde_json::from_str(&place.read(&format!("{run}/metrics.json"))).unwrap();
        let of_task = metrics["test"]["tasks"][0]["metrics"].as_array().unwrap().clone();
        let value =
            |m: &serde_json::Value| (m["metric"].as_str().unwrap().to_owned(), m["outcome"]["value"].as_f64().unwrap());
        of_task.iter().map(value).collect::<Vec<_>>()
    };
    let (weighted, repeated) = (metrics("w.toml", "w"), metrics("n.toml", "n"));
    assert!(weighted.len() >= 3, "{weighted:?}");
    for ((metric, a), (_, b)) in weighted.iter().zip(&repeated) {
        assert!((a - b).abs() < 1e-4, "{metric}: {a} weighted, {b} repeated");
    }
    place.write("u.toml", config(&COLUMNS));
    let unweighted = metrics("u.toml", "u");
    assert!(
        weighted.iter().zip(&unweighted).any(|((_, a), (_, b))| (a - b).abs() > 1e-3),
        "{weighted:?} {unweighted:?}"
    );
}

/// The column is kept with the run, not needed to answer, and read again to judge.
#[test]
fn weights_go_through_the_program() {
    let place = Place::new();
    place.write("c.toml", weighted());
    for (name, rows) in [("train", 0..90), ("v", 90..150), ("t", 150..240)] {
        write(&place, &format!("{name}.csv"), rows, |i| f64::from(row(i).3));
    }
    let shown = place.done(&["doctor", "c.toml"]).out;
    assert!(shown.contains("weight w") && shown.contains("30 of 90 rows"), "{shown}");
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.epochs=1"]);
    place.done(&["train", "run", "--resume", "--set", "train.epochs=2"]);
    assert_eq!(log(&place, "run").iter().filter(|line| line["type"] == "epoch").count(), 2);
    place.done(&["eval", "run"]);
    place.done(&["report", "run"]);
    place.done(&["explain", "run"]);
    place.done(&["export", "run", "--to", "model"]);
    place.write("new.csv", "c,x\nt1,0.5\nt2,-0.5\n");
    for model in ["run", "model"] {
        assert_eq!(place.done(&["predict", model, "--input", "new.csv"]).out.lines().count(), 3);
    }
    // Weights belong to the data of a run like any other column.
    write(&place, "train.csv", 0..90, |_| 1.0);
    let e = place.refused(&["train", "run", "--resume", "--set", "train.epochs=3"]);
    assert!(e.contains("train.csv: content changed since the run was trained"), "{e}");
}

#[test]
fn what_is_no_weight_is_refused_with_file_and_line() {
    let place = Place::new();
    place.write("c.toml", weighted());
    for (name, rows) in [("v", 90..150), ("t", 150..240)] {
        write(&place, &format!("{name}.csv"), rows, |_| 1.0);
    }
    let complaint = |weight: &dyn Fn(u32) -> f64| {
        write(&place, "train.csv", 0..30, weight);
        let refused = place.refused(&["train", "c.toml"]);
        let doctor = place.mtl(&["doctor", "c.toml"]);
        assert_eq!(doctor.code, 2, "{}", doctor.out);
        (refused, doctor.out + &doctor.err)
    };
    let (e, doctor) = complaint(&|i| if i == 4 { -1.0 } else { 1.0 });
    assert!(e.contains(r#"train.csv:6: column "w": expected a weight: a number >= 0, found -1"#), "{e}");
    assert!(doctor.contains("train.csv:6") && doctor.contains("a number >= 0"), "{doctor}");
    let (e, doctor) = complaint(&|_| 0.0);
    assert!(e.contains(r#"train.csv: column "w": expected a weight above 0"#), "{e}");
    assert!(doctor.contains("expected a weight above 0"), "{doctor}");
    let (e, _) = complaint(&|i| if i == 7 { f64::NAN } else { 1.0 });
    assert!(e.contains("train.csv:9") && e.contains("expected a finite number"), "{e}");
    let text = place.read("train.csv").replace(",NaN\n", ",\n");
    place.write("train.csv", text);
    let e = place.refused(&["train", "c.toml"]);
    assert!(e.contains("train.csv:9") && e.contains("a row that is not to count has weight 0"), "{e}");
    let two = weighted().replace(WEIGHT, &format!("{WEIGHT}, {{ name = \"x\", kind = \"weight\", tasks = [\"z\"] }}"));
    place.write("c.toml", two);
    let e = place.refused(&["train", "c.toml"]);
    assert!(e.contains("schema.columns[4].tasks must be tasks of the label columns (y), found z"), "{e}");
}

/// A metric over several tasks knows no weights, which is said before anything is trained.
#[test]
fn a_joint_metric_refuses_weights_before_training() {
    let place = Place::new();
    let classes = r#"{ name = "c", kind = "label", label = { classes = ["t0", "t1", "t2", "t3"] } }"#;
    let joint = "[[joint_metric]]\nname = \"both\"\nkind = \"all-correct\"\ntasks = [\"y\", \"c\"]\n";
    for (name, rows) in [("train", 0..90), ("v", 90..150), ("t", 150..240)] {
        write(&place, &format!("{name}.csv"), rows, |i| f64::from(row(i).3));
    }
    place.write("c.toml", config(&[COLUMNS[0], classes, COLUMNS[2], WEIGHT]) + joint);
    let e = place.refused(&["train", "c.toml", "--run-dir", "run"]);
    assert!(e.contains("both") && e.contains("weight"), "{e}");
    assert!(!place.path().join("run").exists());
    let ignored = WEIGHT.replace("\"weight\"", "\"ignore\"");
    place.write("c.toml", config(&[COLUMNS[0], classes, COLUMNS[2], &ignored]) + joint);
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.epochs=1"]);
}
