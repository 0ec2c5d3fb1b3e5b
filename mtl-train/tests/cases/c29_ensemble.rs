//! An ensemble that shares its weights, from a configuration: trained, resumed, judged, explained, asked and exported as one network
//! that gives one answer a row.

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 4] = [
    r#"{ name = "shop", kind = "categorical" }"#,
    r#"{ name = "price", kind = "numeric" }"#,
    r#"{ name = "sold", kind = "label", label = "class" }"#,
    r#"{ name = "stars", kind = "label", label = "value" }"#,
];

/// One label in nine of the second task is not known.
fn table(encoder: &str) -> Place {
    let place = Place::new();
    let row = |i: u32| {
        let (shop, price) = (i % 4, f64::from(i * 37 % 100) / 10.0);
        let sold = if f64::from(shop) * 3.0 > price { "yes" } else { "no" };
        let stars = if i % 9 == 4 { String::new() } else { (f64::from(shop) - price / 5.0).to_string() };
        format!("s{shop},{price},{sold},{stars}\n")
    };
    place.write("train.csv", format!("shop,price,sold,stars\n{}", (0..400).map(row).collect::<String>()));
    let config = csv_config(&COLUMNS).replace("kind = \"tabular\"", encoder).replace("hidden = [4]", "hidden = [16]");
    let config = config.replace("epochs = 1", "epochs = 6");
    place.write("c.toml", config + "[sharing]\nkind = \"mmoe\"\nexperts = 2\nhidden = [8]\n");
    place.write("new.csv", "price,shop\n1.5,s3\n9.5,s0\n4.0,s1\n");
    place
}

#[test]
fn members_answer_as_one_network_in_the_whole_program() {
    let place = table("kind = \"tabm\"\nmembers = 4");
    let shown = place.done(&["train", "c.toml", "--dry-run"]).out;
    assert!(shown.contains("encoder.layer0"), "{shown}");
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.02"]);
    place.done(&["train", "run", "--resume", "--set", "train.epochs=8"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let accuracy = metrics["test"]["tasks"][0]["metrics"][0]["outcome"]["value"].as_f64().unwrap();
    assert!(accuracy > 0.85, "{accuracy}");
    for verb in ["eval", "report", "explain"] {
        place.done(&[verb, "run"]);
    }
    let explained: serde_json::Value = serde_json::from_str(&place.read("run/explain.json")).unwrap();
    let samples = explained["samples"].as_array().unwrap().len() as u64;
    assert!(explained["maps"].as_array().unwrap().iter().all(|map| map["samples"] == samples), "{explained}");
    place.done(&["export", "run", "--to", "model"]);
    let answers = ["run", "model", "model/model.pt"].map(|model| {
        let out = place.done(&["predict", model, "--input", "new.csv"]).out;
        let numbers = |line: &str| -> Vec<f64> { line.split(',').filter_map(|cell| cell.parse().ok()).collect() };
        out.lines().skip(1).map(numbers).collect::<Vec<_>>()
    });
    assert_eq!(answers[0].len(), 3, "one answer a row");
    for other in &answers[1..] {
        for (one, other) in answers[0].iter().flatten().zip(other.iter().flatten()) {
            assert!((one - other).abs() < 1e-4, "{answers:?}");
        }
    }
}

#[test]
fn settings_of_an_ensemble_are_refused_by_name() {
    let e = table("kind = \"tabm\"\nmembers = 0").refused(&["train", "c.toml", "--dry-run"]);
    assert!(e.contains("members") && e.contains(">= 1"), "{e}");
    let e = table("kind = \"tabm\"\nadapters = \"last\"").refused(&["train", "c.toml", "--dry-run"]);
    assert!(e.contains("adapters"), "{e}");
}
