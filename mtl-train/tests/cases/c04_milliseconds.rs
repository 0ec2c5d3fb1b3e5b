//! Large numbers that are close together are centered before they are rounded.

use mtl_data::{DatasetConfig, Source};

use crate::run::{Place, csv_config};

/// `(offset, step)` of a column of 60 values in which the answer is the second half of the minute.
fn rows(offset: f64, step: f64) -> String {
    let row = |at: usize| {
        let second = at * 7 % 60;
        format!("{},{}\n", offset + step * second as f64, if second >= 30 { "late" } else { "early" })
    };
    format!("sent,half\n{}", (0..600).map(row).collect::<String>())
}

const HALF: &str = r#"{ name = "half", kind = "label", label = { binary = { positive = "late" } } }"#;

fn sent(more: &str) -> String {
    format!(r#"{{ name = "sent", kind = "numeric"{more} }}"#)
}

fn numbers(place: &Place, column: &str) -> Vec<f32> {
    let text = format!(
        "kind = \"csv\"\ndir = {:?}\ntrain = \"train.csv\"\n[schema]\ncolumns = [{column}, {HALF}]",
        place.path().display().to_string()
    );
    let splits = toml::from_str::<DatasetConfig>(&text).unwrap().load().unwrap();
    let batch = splits.train.batch(&(0..splits.train.len()).collect::<Vec<_>>()).unwrap();
    Vec::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap()
}

#[test]
fn all_values_stay_apart() {
    let place = Place::new();
    // Milliseconds since 1970, identifiers of 12 digits, meters of a national grid with centimeters.
    for (offset, step) in [(1_764_400_000_000.0, 1000.0), (756_000_000_000.0, 1.0), (2_600_000.0, 0.01)] {
        place.write("train.csv", rows(offset, step));
        let mut values: Vec<u32> = numbers(&place, &sent("")).iter().map(|x| x.to_bits()).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 60, "{offset} {step}");
    }
}

#[test]
fn a_run_learns_from_milliseconds() {
    let place = Place::new();
    place.write("train.csv", rows(1_764_400_000_000.0, 1000.0));
    let config = csv_config(&[&sent(""), HALF])
        .replace("epochs = 1", "epochs = 12\noptimizer = { kind = \"adamw\", lr = 2e-2 }")
        .replace("hidden = [4]", "hidden = [16]")
        .replace("\"train.csv\"", "\"train.csv\"\nvalidation = \"train.csv\"\ntest = \"train.csv\"");
    place.write("run.toml", config);
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let value = metrics["test"]["tasks"][0]["metrics"][0]["outcome"]["value"].as_f64();
    assert!(value.is_some_and(|v| v > 0.97), "{metrics:#}");
    let doctor = place.done(&["doctor", "run.toml"]).out;
    assert!(!doctor.contains("the same value"), "{doctor}");
}

#[test]
fn as_they_are_they_are_rounded_and_that_is_said() {
    let place = Place::new();
    place.write("train.csv", rows(1_764_400_000_000.0, 1000.0));
    place.write("run.toml", csv_config(&[&sent(", transform = \"none\""), HALF]));
    let doctor = place.done(&["doctor", "run.toml"]).out;
    assert!(doctor.contains("single precision rounds"), "{doctor}");
    assert!(!doctor.contains("the same value"), "{doctor}");
}
