//! The page of a run says nothing of results and answers that `metrics.json` does not say: every number on it is found there.
//!
//! Three runs of different kinds. The page is taken as the data that it is drawn from: numbers of tables and charts must be numbers of the
//! file, or shares of counts in it; numbers in words must be those, rounded to the digits shown.

use std::{fmt::Write as _, fs, path::Path};

use mtl_train::{
    RunConfig,
    analysis::{
        explain::{self, ExplainOptions},
        run_report::{self, History},
    },
    report::{Block, Document},
    run::{
        life::{Ended, Limit, Run},
        outcome::Outcome,
    },
};
use serde_json::Value;

/// Trains the run; gives its page and what its `metrics.json` says. A browser looks at the page, and at that of explanations.
fn page(folder: &Path, name: &str, text: &str) -> (Document, Value) {
    let config = RunConfig::parse(text, "test.toml".as_ref()).unwrap();
    let splits = config.data.load().unwrap();
    let mut run = Run::create(&folder.join("run"), config, &splits).unwrap();
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    run.finish(None).unwrap();
    run_report::write_with(run.dir(), run.config(), Some(&splits), Some(run.session())).unwrap();
    let history = History::read(&run.dir().log()).unwrap();
    let outcome = Outcome::read(run.dir()).unwrap().unwrap();
    let answers = outcome.answers.as_ref().unwrap();
    assert_eq!(answers.samples, splits.validation.len());
    let session = Some(run.session());
    let page = run_report::document("run", run.config(), &history, Some(&outcome), Some(&splits), session).unwrap();
    let html = fs::read_to_string(run.dir().report()).unwrap();
    assert!(page.to_html() == html, "the page is drawn from the document");
    let (model, source) = (run.session().trainer.model(), run.session().validation.source());
    let mut pages = vec![page.clone()];
    match explain::explain(model, source, &ExplainOptions::default()) {
        Ok(found) => pages.push(explain::document(name, &found)),
        Err(e) => assert!(name == "tags", "only of texts there are no explanations: {e}"),
    }
    crate::browser::check(name, &pages);
    (page, serde_json::from_str(&fs::read_to_string(run.dir().metrics()).unwrap()).unwrap())
}

/// The blocks below a section's heading.
fn section<'a>(page: &'a Document, name: &str) -> &'a [Block] {
    let headings: Vec<(usize, String)> = page
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(at, block)| {
            let value = serde_json::to_value(block).unwrap();
            let is_section = value["block"] == "heading" && value["level"] == 2;
            is_section.then(|| (at, value["text"].as_str().unwrap_or_default().to_owned()))
        })
        .collect();
    let own = headings.iter().position(|(_, text)| text == name).unwrap_or_else(|| panic!("{name} of {headings:?}"));
    let end = headings.get(own + 1).map_or(page.blocks.len(), |(at, _)| *at);
    &page.blocks[headings[own].0..end]
}

/// Numbers and words of a JSON value, with the key that each stands under.
fn leaves<'a>(key: &'a str, value: &'a Value, numbers: &mut Vec<(&'a str, f64)>, words: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Number(n) => numbers.push((key, n.as_f64().unwrap())),
        Value::String(text) => words.push((key, text)),
        Value::Array(list) => list.iter().for_each(|item| leaves(key, item, numbers, words)),
        Value::Object(map) => map.iter().for_each(|(key, item)| leaves(key, item, numbers, words)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What `metrics.json` says: its numbers, and shares in percent of what it counts together.
fn known(metrics: &Value) -> Vec<f64> {
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    leaves("", metrics, &mut numbers, &mut words);
    let mut known: Vec<f64> = numbers.into_iter().map(|(_, n)| n).collect();
    words.iter().for_each(|(_, text)| known.extend(in_words(text).iter().map(|(n, _)| n)));
    let counts = |list: &Value, key: &str| -> Vec<f64> {
        list.as_array().into_iter().flatten().map(|item| item[key].as_f64().unwrap()).collect()
    };
    let mut together: Vec<Vec<f64>> = Vec::new();
    for task in metrics["answers"]["tasks"].as_array().unwrap() {
        for row in task["confusion"]["counts"].as_array().into_iter().flatten() {
            together.push(row.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect());
        }
        together.push(counts(&task["grades_off"], "samples"));
        for output in task["residuals"].as_array().into_iter().flatten() {
            together.push(counts(&output["bars"], "samples"));
        }
    }
    for own in together {
        let sum: f64 = own.iter().sum();
        known.push(sum);
        known.extend(own.iter().map(|n| 100.0 * n / sum));
    }
    known
}

/// The numbers in a text, with the digits after the point.
fn in_words(text: &str) -> Vec<(f64, usize)> {
    let plain: String = text.replace('\u{2212}', "-").replace(['\u{202f}', '\u{2009}'], "");
    let mut found = Vec::new();
    let mut rest = plain.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        // A digit inside a word belongs to a name.
        let inside = rest[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let minus = rest[..at].ends_with('-') && !inside;
        let tail = &rest[at..];
        let mut end = tail.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tail.len());
        if tail[end..].starts_with("e-") || tail[end..].starts_with("e+") {
            let digits = tail[end + 2..].find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len() - end - 2);
            end += 2 + digits;
        }
        let token = tail[..end].trim_end_matches('.');
        let after = tail[end..].chars().next();
        if !inside && !after.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '-') {
            let digits = token.split_once('.').map_or(0, |(_, digits)| digits.len());
            let value: f64 = token.parse().unwrap_or_else(|_| panic!("{token} in {text}"));
            found.push((if minus { -value } else { value }, digits));
        }
        rest = &tail[end..];
    }
    found
}

/// Leaves out the points of the two charts whose areas are what the file has, and the fields of samples, which are the data's.
fn without_curves(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(without_curves),
        Value::Object(map) => {
            if ["ROC", "Precision and recall"].iter().any(|title| map.get("title").is_some_and(|own| own == title)) {
                for series in map.get_mut("series").and_then(Value::as_array_mut).into_iter().flatten() {
                    series["points"] = Value::Null;
                }
            }
            if map.get("corner").is_some_and(|corner| corner == "sample") {
                for row in map.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
                    row["cells"].as_array_mut().unwrap().truncate(2);
                }
            }
            map.values_mut().for_each(without_curves);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is on the page and not in the file.
fn unknown(blocks: &[Block], known: &[f64]) -> String {
    let mut value = serde_json::to_value(blocks).unwrap();
    without_curves(&mut value);
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    leaves("", &value, &mut numbers, &mut words);
    let mut missing = String::new();
    // How a chart is drawn is no statement.
    let of_drawing = ["decimals", "range", "min_width", "level"];
    for (key, n) in numbers.iter().filter(|(key, _)| !of_drawing.contains(key)) {
        if !known.iter().any(|k| (k - n).abs() <= 1e-12 * n.abs().max(1.0)) {
            let _ = writeln!(missing, "{key}: {n}");
        }
    }
    // An address inside the page is no statement either.
    for (key, text) in words.iter().filter(|(key, _)| *key != "link") {
        for (n, digits) in in_words(text) {
            let half = 0.5000001 * 10f64.powi(-i32::try_from(digits).unwrap());
            let near = |k: &f64| (k - n).abs() <= half.max(1e-3 * n.abs() * f64::from(u8::from(n.abs() < 1e-4)));
            if !known.iter().any(|k| near(k) || near(&(100.0 * k))) && !SAID.contains(&n) {
                let _ = writeln!(missing, "{key}: {n} in {text:?}");
            }
        }
    }
    missing
}

/// Numbers that are part of what a figure is called: percentiles and intervals.
const SAID: [f64; 3] = [10.0, 90.0, 95.0];

fn check(name: &str, text: &str, folder: &Path) {
    let (page, metrics) = page(folder, name, text);
    let known = known(&metrics);
    let mut checked = 0;
    for name in ["Results", "Answers on validation"] {
        let blocks = section(&page, name);
        let missing = unknown(blocks, &known);
        assert!(missing.is_empty(), "{name}: on the page and not in metrics.json:\n{missing}");
        checked += serde_json::to_string(blocks).unwrap().len();
    }
    assert!(checked > 2000, "{checked} bytes were looked at");
    // The check can fail: without one number of the file the page says more than it.
    let loss = metrics["answers"]["tasks"][0]["worst"][0]["loss"].as_f64();
    let without: Vec<f64> = known.iter().copied().filter(|k| Some(*k) != loss).collect();
    assert!(!unknown(section(&page, "Answers on validation"), &without).is_empty());
}

#[test]
fn yes_no_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    check(
        "yes-no",
        r#"
        data    = { kind = "synthetic-mmoe", train = 600, validation = 200, test = 150, targets = "both" }
        encoder = { kind = "tabular", token_width = 4, hidden = [8] }
        train   = { epochs = 3, batch_size = 100 }
        "#,
        folder.path(),
    );
}

#[test]
fn classes_grades_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        let (a, b) = (i * 37 % 60, i * 13 % 17);
        let gap = if i.is_multiple_of(5) { "" } else { ["low", "mid", "high"][(a + b) % 3] };
        format!("{a},{b},{},{gap},{}\n", ["red", "blue", "green"][(a / 7) % 3], 100 * a + b)
    };
    let file = folder.path().join("t.csv");
    fs::write(&file, format!("a,b,color,grade,price\n{}", (0..500).map(row).collect::<String>())).unwrap();
    check(
        "classes",
        &format!(
            r#"
            [data]
            kind = "csv"
            train = {file:?}
            schema.missing = [""]
            schema.columns = [
                {{ name = "a", kind = "numeric" }}, {{ name = "b", kind = "numeric" }},
                {{ name = "color", kind = "label", label = "class" }},
                {{ name = "grade", kind = "label", label = {{ ordinal = ["low", "mid", "high"] }} }},
                {{ name = "price", kind = "label", label = "value" }},
            ]
            [encoder]
            kind = "mlp"
            hidden = [8]
            [train]
            epochs = 2
            batch_size = 64
            "#
        ),
        folder.path(),
    );
}

#[test]
fn tags_of_texts() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["fly", "to", "rome", "from", "oslo", "now"];
    let line = |i: usize| (0..3 + i % 4).map(|w| words[(i * 5 + w * 7) % 6]).collect::<Vec<_>>();
    let tag = |word: &&str| if ["rome", "oslo"].contains(word) { "B-city" } else { "O" };
    let (mut text, mut tags, mut kinds) = (String::new(), String::new(), String::new());
    for i in 0..160 {
        let own = line(i);
        let _ = writeln!(text, "{}", own.join(" "));
        let _ = writeln!(tags, "{}", own.iter().map(tag).collect::<Vec<_>>().join(" "));
        let _ = writeln!(kinds, "{}", if own.contains(&"rome") { "south" } else { "north" });
    }
    for (name, content) in [("text", &text), ("tags", &tags), ("kind", &kinds)] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    check(
        "tags",
        &format!(
            r#"
            [data]
            kind = "parallel-text"
            dir = {:?}
            text = "text"
            tasks = [{{ name = "kind", file = "kind", kind = "class" }}, {{ name = "tags", file = "tags", kind = "tags" }}]
            [encoder]
            kind = "lstm"
            embedding = 8
            hidden = 8
            [train]
            epochs = 2
            batch_size = 16
            "#,
            folder.path()
        ),
        folder.path(),
    );
}

/// Of many tasks there are a table and a folded part each.
#[test]
fn twenty_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..20).map(|task| format!("diagnosis_group_{task}")).collect();
    let row = |i: usize| {
        let yes = |task: usize| if (i * (task + 1) + task) % 43 < 19 { "Y" } else { "N" };
        format!("{},{},{}\n", i * 37 % 60, ["Ulm", "Bonn"][i % 2], (0..20).map(yes).collect::<Vec<_>>().join(","))
    };
    let file = folder.path().join("many.csv");
    fs::write(&file, format!("age,town,{}\n{}", names.join(","), (0..300).map(row).collect::<String>())).unwrap();
    let label = |name: &String| {
        format!("{{ name = {name:?}, kind = \"label\", label = {{ binary = {{ positive = \"Y\" }} }} }},")
    };
    let text = format!(
        r#"
        [data]
        kind = "csv"
        train = {file:?}
        schema.columns = [
            {{ name = "age", kind = "numeric" }}, {{ name = "town", kind = "categorical" }}, {}
        ]
        [encoder]
        kind = "tabular"
        token_width = 2
        hidden = [8]
        [train]
        epochs = 2
        batch_size = 64
        "#,
        names.iter().map(label).collect::<String>()
    );
    let (page, metrics) = page(folder.path(), "many", &text);
    let missing = unknown(section(&page, "Results"), &known(&metrics));
    assert!(missing.is_empty(), "on the page and not in metrics.json:\n{missing}");
    assert_eq!(metrics["answers"]["tasks"].as_array().unwrap().len(), 20);
}
