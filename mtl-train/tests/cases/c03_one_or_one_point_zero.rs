//! `1` and `1.0` are one class: in one file, between files, among positive labels.

use mtl_data::{DatasetConfig, Source};

use super::c02_decimal_grades::classes;
use crate::run::{Place, csv_config};

const COLUMNS: [&str; 2] =
    [r#"{ name = "points", kind = "numeric" }"#, r#"{ name = "grade", kind = "label", label = "class" }"#];

fn rows(texts: [&str; 3]) -> String {
    let row = |at: usize| format!("{}.{},{}\n", at % 3, at % 10, texts[at % 3]);
    format!("points,grade\n{}", (0..45).map(row).collect::<String>())
}

#[test]
fn two_files_may_write_a_number_differently() {
    let scores = |validation| {
        let place = Place::new();
        place.write("train.csv", rows(["0", "1", "2"]));
        place.write("validation.csv", rows(validation));
        let config = csv_config(&COLUMNS);
        place.write("run.toml", config.replace("\"train.csv\"", "\"train.csv\"\nvalidation = \"validation.csv\""));
        let ran = place.done(&["train", "run.toml", "--run-dir", "run"]);
        (place.read("run/metrics.json"), ran.err)
    };
    let (same, quiet) = scores(["0", "1", "2"]);
    assert!(!quiet.contains("count as one label"), "{quiet}");
    let (other, said) = scores(["0.0", "1.0", "2.0"]);
    assert_eq!(same, other);
    assert!(said.contains(r#"note: task grade: "2", "2.0" count as one label"#), "{said}");
}

#[test]
fn one_file_may_too() {
    assert_eq!(classes(&["1", "1.0", "2.00", "2", "10", "2"]), ["1", "2", "10"]);
    assert_eq!(classes(&["+1", "0", "-0.0"]), ["0", "+1"].map(str::to_owned).to_vec());
    assert_eq!(classes(&["True", "TRUE", "true", "False"]), ["False", "TRUE"]);
    assert_eq!(classes(&["\" a\"", "a", "a", "b"]), ["a", "b"]);
}

#[test]
fn codes_with_zeros_in_front_stay_apart() {
    assert_eq!(classes(&["01", "1", "007", "7"]), ["01", "1", "007", "7"]);
}

#[test]
fn positive_labels_follow_the_same_rule() {
    let place = Place::new();
    let rows: String = (0..40).map(|at| format!("{at},{}\n", ["1.0", "0.0", "1", "0"][at % 4])).collect();
    place.write("train.csv", format!("x,y\n{rows}"));
    let text = format!(
        "kind = \"csv\"\ndir = {:?}\ntrain = \"train.csv\"\n[schema]\ncolumns = [{{ name = \"x\", kind = \"numeric\" }}, \
         {{ name = \"y\", kind = \"label\", label = {{ binary = {{ positive = \"1\" }} }} }}]",
        place.path().display().to_string()
    );
    let config: DatasetConfig = toml::from_str(&text).unwrap();
    let splits = config.load().unwrap();
    let batch = splits.train.batch(&(0..splits.train.len()).collect::<Vec<_>>()).unwrap();
    let mtl_core::prediction::Reference::MultiLabel(labels) = batch.targets[0].as_ref().unwrap().reference().unwrap()
    else {
        panic!()
    };
    for (id, label) in batch.ids.iter().zip(labels.iter()) {
        assert_eq!(*label > 0.5, id % 2 == 0, "row {id}");
    }
}
