//! Data that change after a run: what was fitted belongs to the run, and a file that is not the same any more is named.
//!
//! Once, a changed CSV file was fitted again by whoever opened the run: the texts' codes swapped, predictions of 9.9 became
//! 29.7, and the exit code was 0.

use std::fs;

use crate::run::Place;

/// Rows of woods; how often each occurs decides its code.
fn woods(counts: [usize; 3]) -> String {
    let mut text = String::from("wood,days\n");
    for (at, n) in counts.into_iter().enumerate() {
        for row in 0..n {
            let days = 10.0 * (at + 1) as f64 + [-0.6, 0.1, 0.5, -0.2, 0.2][row % 5];
            text += &format!("{},{days:.1}\n", ["ash", "box", "elm"][at]);
        }
    }
    text
}

const RUN: &str = r#"
[data]
kind = "csv"
train = "data.csv"
[data.schema]
missing = [""]
columns = [
    { name = "wood", kind = "categorical" },
    { name = "days", kind = "label", label = "value" },
]
[encoder]
kind = "tabular"
token_width = 4
hidden = [16]
[train]
epochs = 30
batch_size = 32
optimizer = { kind = "adamw", lr = 2e-2 }
schedule = { kind = "constant" }
[[task]]
name = "days"
primary = "r2"
head = { kind = "regress", center = [20.0], scale = [8.0] }
[device]
threads = 1
"#;

/// A run that was trained on the first file, when ash was the most frequent wood.
fn trained() -> Place {
    let place = Place::new();
    place.write("data.csv", woods([110, 45, 25]));
    place.write("new.csv", "wood\nash\nbox\nelm\n");
    place.write("run.toml", RUN);
    place.done(&["train", "run.toml"]);
    place
}

const CHANGED: &str = r#"data.csv: content changed since the run was trained (column "wood": code 1 was "ash", would be "elm"); restore the file, or train a new run"#;

fn predictions(place: &Place, model: &str) -> String {
    place.done(&["predict", model, "--input", "new.csv"]).out
}

#[test]
fn predictions_stay_and_export_needs_no_data() {
    let place = trained();
    let before = predictions(&place, "runs/run");
    for (line, expected) in before.lines().skip(1).zip([10.0, 20.0, 30.0]) {
        let found: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        assert!((found - expected).abs() < 2.0, "{before}");
    }
    place.write("data.csv", woods([25, 45, 110]));
    assert_eq!(predictions(&place, "runs/run"), before);
    // Exported all the same, because it is the run that is exported; but it is said.
    let exported = place.done(&["export", "runs/run", "--to", "pkg"]);
    assert!(exported.err.contains("data.csv: content changed since the run was trained"), "{}", exported.err);
    fs::remove_file(place.path().join("data.csv")).unwrap();
    assert_eq!(predictions(&place, "runs/run"), before);
    place.done(&["export", "runs/run", "--to", "again"]);
    let numbers = |text: &str| -> Vec<f64> {
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
    };
    for model in ["pkg", "again", "pkg/model.pt"] {
        for (ours, theirs) in numbers(&before).into_iter().zip(numbers(&predictions(&place, model))) {
            assert!((ours - theirs).abs() < 1e-4, "{model}");
        }
    }
    let print = |package: &str| {
        let card = place.read(&format!("{package}/README.md"));
        card.lines().find(|line| line.starts_with("Data print `")).unwrap().to_owned()
    };
    assert_eq!(print("pkg"), print("again"));
}

#[test]
fn whoever_looks_at_samples_refuses_a_changed_file() {
    let place = trained();
    place.write("data.csv", woods([25, 45, 110]));
    for verb in ["eval", "report", "affinity"] {
        let refused = place.refused(&[verb, "runs/run"]);
        assert_eq!(refused, format!("error: {CHANGED}, or look at it as it is with --allow-changed-data"), "{verb}");
    }
    // On purpose: the run's own codes give good answers on the new file.
    let allowed = place.done(&["eval", "runs/run", "--allow-changed-data", "--json"]);
    assert!(allowed.err.starts_with("warning: data.csv: content changed since the run was trained"), "{}", allowed.err);
    let report: serde_json::Value = serde_json::from_str(&allowed.out).unwrap();
    let r2 = report["tasks"][0]["metrics"][0]["outcome"].to_string();
    assert!(r2.contains("0.9"), "{report:#}");
    place.done(&["report", "runs/run", "--allow-changed-data"]);
    assert!(place.read("runs/run/report.html").contains("content changed since the run was trained"));
}

#[test]
fn a_run_goes_on_with_the_same_data_only_and_to_the_same_bits() {
    let place = trained();
    let more = ["train", "run.toml", "--resume", "--set", "train.epochs=31"];
    place.write("data.csv", woods([25, 45, 110]));
    assert_eq!(place.refused(&more), format!("error: {CHANGED}"));
    assert!(place.read("runs/run/config.toml").contains("epochs = 30"), "a refused run's folder is not touched");
    place.write("data.csv", woods([110, 45, 25]));
    place.done(&more);
    place.done(&["train", "run.toml", "--set", "train.epochs=31", "--run-dir", "whole"]);
    let weights = |run: &str| fs::read(place.path().join(run).join("model.safetensors")).unwrap();
    assert!(weights("runs/run") == weights("whole"));
}

#[test]
fn a_copy_elsewhere_is_the_same_file() {
    let place = trained();
    let metrics = |args: &[&str]| place.done(args).out;
    let before = metrics(&["eval", "runs/run"]);
    place.write("moved/data.csv", woods([110, 45, 25]));
    fs::remove_file(place.path().join("data.csv")).unwrap();
    let gone = place.refused(&["eval", "runs/run"]);
    assert!(gone.contains("data.csv: the run was trained on this file, and it is gone; put it back, or say"), "{gone}");
    assert_eq!(metrics(&["eval", "runs/run", "--data-dir", "moved"]), before);
    let more = ["train", "run.toml", "--resume", "--set", "train.epochs=31", "--set", "data.dir=moved"];
    place.done(&more);
    place.done(&["eval", "runs/run"]);
}

#[test]
fn a_row_less_cuts_the_splits_otherwise() {
    let place = trained();
    place.write("data.csv", woods([110, 45, 24]));
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(refused.contains("(rows 180 -> 179)"), "{refused}");
    let noted = |(at, line): (usize, &str)| format!("{line},{}\n", if at == 0 { "note" } else { "x" });
    place.write("data.csv", woods([110, 45, 25]).lines().enumerate().map(noted).collect::<String>());
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(refused.contains(r#"(column "note" is new)"#), "{refused}");
    place.write("data.csv", woods([110, 45, 25]).replacen("10.5", "late", 1));
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(refused.contains("it cannot be read as it was: data.csv:"), "{refused}");
}

/// Classes by size: which class has which index depends on what the file holds.
fn grades(grades: [&str; 3], size: f64) -> String {
    let mut text = String::from("size,grade\n");
    for row in 0..90 {
        text += &format!("{:.3},{}\n", size * (1.0 + (row % 3) as f64 + (row % 7) as f64 * 0.01), grades[row % 3]);
    }
    text
}

#[test]
fn classes_and_scales_are_the_runs() {
    let place = Place::new();
    let columns = [r#"{ name = "size", kind = "numeric" }"#, r#"{ name = "grade", kind = "label", label = "class" }"#];
    place.write("run.toml", crate::run::csv_config(&columns).replace("epochs = 1", "epochs = 25"));
    place.write("train.csv", grades(["b", "c", "d"], 1.0));
    place.write("new.csv", "size\n1.0\n2.0\n3.0\n");
    place.done(&["train", "run.toml"]);
    let before = predictions(&place, "runs/run");
    // A class that sorts before the others would shift all of them.
    place.write("train.csv", grades(["a", "c", "d"], 1.0));
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(refused.contains(r#"column "grade": label 0 was "b", would be "a""#), "{refused}");
    assert_eq!(predictions(&place, "runs/run"), before);
    // Meters to millimeters.
    place.write("train.csv", grades(["b", "c", "d"], 1000.0));
    let refused = place.refused(&["explain", "runs/run"]);
    assert!(refused.contains(r#"column "size": mean 2.0"#) && refused.contains(" -> 20"), "{refused}");
    assert_eq!(predictions(&place, "runs/run"), before);
}

/// An idx file of bytes.
fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, u8::try_from(dims.len()).unwrap()];
    dims.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

#[test]
fn a_swapped_idx_file_is_named_and_pictures_keep_their_scale() {
    let place = Place::new();
    let pixels =
        |factor: u32| -> Vec<u8> { (0..40 * 16u32).map(|i| u8::try_from(i * factor % 200).unwrap()).collect() };
    let labels = |shift: u8| -> Vec<u8> { (0..40u8).map(|i| (i + shift) % 3).collect() };
    place.write("x", idx(&[40, 4, 4], &pixels(31)));
    place.write("y", idx(&[40], &labels(0)));
    place.write("few", idx(&[2, 4, 4], &pixels(7)[..32]));
    place.write(
        "run.toml",
        r#"
        data    = { kind = "idx", standardize = true, tasks = [{ name = "t", classes = 3 }], train = { images = "x", labels = ["y"] } }
        encoder = { kind = "conv", channels = [4] }
        train   = { epochs = 1, batch_size = 8 }
        device  = { threads = 1 }
        "#,
    );
    place.done(&["train", "run.toml"]);
    let answers = || place.done(&["predict", "runs/run", "--input", "few"]).out;
    let before = answers();
    place.write("y", idx(&[40], &labels(1)));
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(
        refused.contains("error: y: content changed since the run was trained (as many rows, other values"),
        "{refused}"
    );
    place.write("y", idx(&[40], &labels(0)));
    place.done(&["eval", "runs/run"]);
    place.write("x", idx(&[40, 4, 4], &pixels(5)));
    let refused = place.refused(&["eval", "runs/run"]);
    assert!(refused.contains("error: x: content changed since the run was trained (mean of pixels 0."), "{refused}");
    assert_eq!(answers(), before);
}

#[test]
fn a_study_does_not_mix_data() {
    let place = Place::new();
    place.write("data.csv", woods([40, 20, 10]));
    let study =
        RUN.replace("epochs = 30", "epochs = 2") + "[compare]\nbalancer = [\"equal\"]\nbaselines = false\nseeds = 2\n";
    place.write("study.toml", study.clone() + "[cv_weights]\nfolds = 2\n");
    let compare = ["compare", "study.toml", "--dir", "study"];
    place.done(&compare);
    place.write("data.csv", woods([10, 20, 40]));
    let refused = place.refused(&compare);
    assert!(refused.contains(CHANGED), "{refused}");
    // Nor does a cell of it, whoever asks: without the study's own record, its runs still know.
    fs::remove_file(place.path().join("study/data.json")).unwrap();
    let refused = place.refused(&compare);
    assert!(
        refused.contains("this run was trained on other data: content of data.csv changed (column \"wood\""),
        "{refused}"
    );
    place.write("elsewhere/data.csv", woods([40, 20, 10]));
    place.write("study.toml", study.replace("[data]", "[data]\ndir = \"elsewhere\""));
    let again = place.done(&compare);
    assert_eq!(again.err.matches("finished before").count(), 2, "{}", again.err);
}

#[test]
fn a_folder_of_an_older_version_says_so() {
    let place = trained();
    fs::remove_file(place.path().join("runs/run/data.json")).unwrap();
    for args in [vec!["eval", "runs/run"], vec!["predict", "runs/run", "--input", "new.csv"]] {
        let refused = place.refused(&args);
        assert_eq!(refused.lines().count(), 1);
        assert!(refused.contains("data.json: is not there: this folder is of an older version of mtl"), "{refused}");
    }
}
