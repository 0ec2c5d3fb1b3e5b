//! Classes of very different size and tasks that few rows have labels of: weights, samplers, and what is told of them.

use std::fs;

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 4] = [
    r#"{ name = "x", kind = "numeric" }"#,
    r#"{ name = "c", kind = "categorical" }"#,
    r#"{ name = "bought", kind = "label", label = { binary = { positive = "yes" } } }"#,
    r#"{ name = "price", kind = "label", label = "value" }"#,
];

/// 240 rows of which 20 say yes and 60 have a price.
fn place(train: &str, tasks: &str) -> Place {
    let place = Place::new();
    let row = |i: u32| {
        let said = if i.is_multiple_of(12) { "yes" } else { "no" };
        let price = if i.is_multiple_of(4) { f64::from(i % 17).to_string() } else { String::new() };
        format!("{},t{},{said},{price}\n", f64::from(i * 37 % 60) / 30.0, i / 3 % 4)
    };
    let rows = |from: u32, to: u32| format!("x,c,bought,price\n{}", (from..to).map(row).collect::<String>());
    place.write("train.csv", rows(0, 240));
    for name in ["v.csv", "t.csv"] {
        place.write(name, rows(240, 300));
    }
    let files = "train = \"train.csv\"\nvalidation = \"v.csv\"\ntest = \"t.csv\"";
    let config = csv_config(&COLUMNS).replace("train = \"train.csv\"", files);
    let config = config.replace("[train]", &format!("[train]\nschedule = {{ kind = \"constant\" }}\n{train}"));
    place.write("c.toml", format!("{config}\n{tasks}"));
    place
}

fn metrics(place: &Place, run: &str) -> serde_json::Value {
    serde_json::from_str(&place.read(&format!("{run}/metrics.json"))).unwrap()
}

fn weights(place: &Place, run: &str) -> Vec<u8> {
    fs::read(place.path().join(run).join("model.safetensors")).unwrap()
}

const TASKS: &str = r#"
[[task]]
name = "bought"
head = { kind = "multi-label", class_weights = { kind = "balanced", power = 0.5 }, focal = { gamma = 1.0 }, logit_adjustment = 0.5 }
[[task]]
name = "price"
"#;

#[test]
fn a_run_tells_what_was_dealt_and_goes_on_to_the_same_bits() {
    let place =
        place("sampler = { kind = \"over\", task = \"bought\", ratio = 0.5 }\ntask_weights = \"by-size\"", TASKS);
    place.done(&["train", "c.toml", "--run-dir", "whole", "--set", "train.epochs=3"]);
    place.done(&["train", "c.toml", "--run-dir", "parts", "--set", "train.epochs=1"]);
    place.done(&["train", "parts", "--resume", "--set", "train.epochs=3"]);
    assert!(weights(&place, "whole") == weights(&place, "parts"));
    let whole = metrics(&place, "whole");
    assert_eq!(whole["sampled"], metrics(&place, "parts")["sampled"]);
    // 20 of 240 rows say yes; half of the others are 110.
    let sampled = &whole["sampled"];
    assert_eq!((sampled["sampler"].as_str(), sampled["rows"].as_u64()), (Some("over"), Some(240)));
    assert_eq!(sampled["tasks"][0]["counts"], serde_json::json!([220, 20]));
    assert_eq!(sampled["tasks"][1]["unlabeled"], 180);
    let epochs = sampled["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 3);
    for epoch in epochs {
        assert_eq!(epoch["counts"][0], serde_json::json!([220, 110]));
        assert_eq!((epoch["rows"].as_u64(), epoch["distinct"].as_u64()), (Some(330), Some(240)));
        assert_eq!((epoch["repeats"].as_u64(), epoch["most"].as_u64()), (Some(90), Some(6)));
    }
    // 240 and 60 labels have the mean 150.
    let of = |task: usize| whole["task_weights"][task]["weight"].as_f64().unwrap();
    assert!((of(0) - 1.6).abs() < 1e-12 && (of(1) - 0.4).abs() < 1e-12);
    let page = place.read("whole/report.html");
    for words in ["What the sampler", "bought: yes", "Rows of each epoch", "What tasks weigh by their size"] {
        assert!(page.contains(words), "{words}");
    }
    for verb in ["eval", "report", "explain"] {
        place.done(&[verb, "whole"]);
    }
    place.write("new.csv", "c,x\nt1,0.5\nt2,-0.5\n");
    assert_eq!(place.done(&["predict", "whole", "--input", "new.csv"]).out.lines().count(), 3);
}

#[test]
fn every_sampler_trains_from_a_file() {
    for (sampler, rows) in [
        ("\"balanced\"", 240),
        ("\"effective-number\"", 240),
        ("\"over\"", 440),
        ("\"under\"", 40),
        ("{ kind = \"density\", by = \"rarity\", floor = 0.1 }", 240),
        // Ten batches of 32, of which 8 rows have a price.
        ("{ kind = \"composed\", at_least = 8 }", 320),
        ("{ kind = \"smote\", ratio = 0.5 }", 330),
    ] {
        let place = place(&format!("sampler = {sampler}"), "");
        place.done(&["train", "c.toml", "--run-dir", "run"]);
        let sampled = &metrics(&place, "run")["sampled"];
        assert_eq!(sampled["epochs"][0]["rows"], rows, "{sampler}");
        assert_eq!(sampled["tasks"][0]["counts"], serde_json::json!([220, 20]), "{sampler}");
        let made = if sampler.contains("smote") { 90 } else { 0 };
        assert_eq!(sampled["made"], made, "{sampler}");
    }
}

/// As many ranks, the same samples: what was dealt follows from the seed. Weights of the loss add up over ranks.
#[test]
fn ranks_deal_the_same_rows() {
    let place = place("sampler = { kind = \"balanced\", task = \"bought\" }", TASKS);
    for (run, ranks) in [("one", "1"), ("two", "2")] {
        place.done(&["train", "c.toml", "--run-dir", run, "--set", &format!("device.ranks={ranks}")]);
    }
    let (one, two) = (metrics(&place, "one"), metrics(&place, "two"));
    assert_eq!(one["sampled"], two["sampled"]);
    let loss = |run: &str| {
        let log = place.read(&format!("{run}/log.jsonl"));
        let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let epoch = lines.into_iter().find(|line| line["type"] == "epoch").unwrap();
        epoch["train_loss"][0].as_f64().unwrap()
    };
    assert!((loss("one") - loss("two")).abs() < 1e-4, "{} {}", loss("one"), loss("two"));
}

#[test]
fn what_cannot_be_is_refused_at_its_line() {
    let refused = |train: &str, tasks: &str| place(train, tasks).refused(&["train", "c.toml"]);
    for (train, expected) in [
        ("sampler = \"balancd\"", "balanced"),
        ("sampler = { kind = \"over\", task = \"bougt\" }", "unknown task \"bougt\""),
        ("sampler = { kind = \"over\", ratio = 2.0 }", "train.sampler.ratio must be in (0, 1], found 2"),
        ("sampler = { kind = \"under\", task = \"price\" }", "task must be one whose labels are classes"),
        ("sampler = { kind = \"composed\", at_least = 32 }", "at_least must be below the 32 rows of a batch"),
        ("task_weights = { kind = \"by-size\", power = 3.0 }", "train.task_weights.power must be in [0, 1], found 3"),
    ] {
        let e = refused(train, "");
        assert!(e.contains(expected) && e.contains("c.toml:"), "{train}: {e}");
    }
    let weights = "[[task]]\nname = \"bought\"\nhead = { kind = \"multi-label\", class_weights = \"balancd\" }";
    let e = refused("", weights);
    assert!(e.contains("balanced") && e.contains("c.toml:"), "{e}");
}

/// A task that is not learned, as in a study's baseline of another, is no task to sample by; one that does not exist is an error.
#[test]
fn without_its_task_a_sampler_says_nothing() {
    let place = place("sampler = { kind = \"over\", task = \"bought\" }", "[[task]]\nname = \"price\"");
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    assert!(metrics(&place, "run").get("sampled").is_none());
}
