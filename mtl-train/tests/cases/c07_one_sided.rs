//! A validation split that leaves a metric undefined must not switch the choice of the epoch off.

use serde_json::Value;

use crate::run::{Place, Ran};

const SETTINGS: &str = r#"
[encoder]
kind = "tabular"
token_width = 4
hidden = [16]

[device]
threads = 1

[train]
epochs = 12
batch_size = 32
optimizer = { kind = "adamw", lr = 2e-2 }
"#;

/// Numbers of a generator, in `[-1, 1)`.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}

/// Three files with the columns `heat`, `wind` and what `labels(split, heat, wind)` says, under `header`; a configuration.
fn place(header: &str, columns: &str, labels: impl Fn(&str, f64, f64) -> String) -> Place {
    let place = Place::new();
    for (seed, split, rows) in [(1, "train", 240), (2, "validation", 60), (3, "test", 60)] {
        let mut draw = noise(seed);
        let mut text = format!("heat,wind,{header}\n");
        for _ in 0..rows {
            let (heat, wind) = (draw(), draw());
            text += &format!("{heat:.3},{wind:.3},{}\n", labels(split, heat + 0.3 * draw(), wind + 0.3 * draw()));
        }
        place.write(&format!("{split}.csv"), text);
    }
    let config = format!(
        "[data]\nkind = \"csv\"\ntrain = \"train.csv\"\nvalidation = \"validation.csv\"\ntest = \"test.csv\"\n\
         [data.schema]\nmissing = [\"\"]\ncolumns = [\n{{ name = \"heat\", kind = \"numeric\" }},\n\
         {{ name = \"wind\", kind = \"numeric\" }},\n{columns}]\n{SETTINGS}"
    );
    place.write("run.toml", config);
    place
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

const BINARY: &str = r#"{ name = "dry", kind = "label", label = { binary = { positive = "yes" } } },
{ name = "cold", kind = "label", label = { binary = { positive = "yes" } } },
"#;

/// The table of the case: in validation nobody is cold.
fn one_sided() -> Place {
    place("dry,cold", BINARY, |split, heat, wind| {
        format!("{},{}", yes_no(heat > 0.0), yes_no(split != "validation" && wind > 0.0))
    })
}

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.read(name)).unwrap()
}

fn epochs(place: &Place, run: &str) -> Vec<Value> {
    let log = place.read(&format!("{run}/log.jsonl"));
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "epoch").collect()
}

/// What was left out of the choice of a run: metric by metric, with the reason.
fn left_out(place: &Place) -> Vec<(String, String)> {
    let metrics = json(place, "run/metrics.json");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |l: &Value| (format!("{}.{}", text(&l["task"]), text(&l["metric"])), text(&l["reason"]));
    metrics["selection"]["left_out"].as_array().unwrap().iter().map(of).collect()
}

fn train(place: &Place, settings: &[&str]) -> Ran {
    let mut args = vec!["train", "run.toml", "--run-dir", "run"];
    args.extend(settings.iter().flat_map(|set| ["--set", set]));
    place.done(&args)
}

#[test]
fn the_epoch_is_chosen_by_the_task_that_has_a_value() {
    let place = one_sided();
    let ran = train(&place, &[]);
    let warning = "warning: train.selection: \"skill\" leaves 1 of 2 metrics out, which the validation labels do not define: \
                   cold.auroc (no positive sample)";
    assert_eq!(ran.err.matches(warning).count(), 1, "{}", ran.err);
    let history = epochs(&place, "run");
    assert_eq!(history.len(), 12);
    let auroc = |epoch: &Value| epoch["validation"]["tasks"][0]["metrics"][0]["outcome"]["value"].as_f64().unwrap();
    for epoch in &history {
        assert!(
            epoch["score"].is_f64() && epoch["terms"] == 2 && epoch["left_out"][0]["because_of"] == "labels",
            "{epoch}"
        );
    }
    let best = history.iter().map(auroc).fold(0.0, f64::max);
    let metrics = json(&place, "run/metrics.json");
    let chosen = history.iter().find(|epoch| auroc(epoch) == best).unwrap();
    assert_eq!(
        metrics["best_epoch"].as_u64(),
        chosen["epoch"].as_u64().map(|epoch| epoch + 1),
        "the first of the best"
    );
    assert_eq!((&metrics["selection"]["chosen"], &metrics["selection"]["by"]), (&true.into(), &"skill".into()));
    assert_eq!(left_out(&place), [("cold.auroc".into(), "no positive sample".into())]);
    let told = "chosen on validation by skill over 1 of 2 metrics; left out, since validation does not define them: cold.auroc \
                (no positive sample)";
    assert!(ran.out.contains(told), "{}", ran.out);
    assert!(place.read("run/report.html").contains(told));
    place.done(&["export", "run", "--to", "model", "--format", "safetensors"]);
    assert!(place.read("model/README.md").contains(told));

    let dry = place.done(&["train", "run.toml", "--dry-run"]);
    assert!(dry.out.contains("cold.auroc (no positive sample)"), "{}", dry.out);
    let doctor = place.mtl(&["doctor", "run.toml", "--json"]);
    let found = "auroc is undefined (no positive sample): train.selection chooses the epoch without it";
    assert!(doctor.out.contains("validation, task cold") && doctor.out.contains(found), "{}", doctor.out);
}

#[test]
fn patience_counts_epochs_with_a_score_only() {
    let place = one_sided();
    train(&place, &["train.patience=3", "train.epochs=40"]);
    let scores: Vec<f64> = epochs(&place, "run").iter().map(|epoch| epoch["score"].as_f64().unwrap()).collect();
    let (mut best, mut stale, mut expected) = (f64::NEG_INFINITY, 0, 0);
    for &score in &scores {
        (best, stale) = if score > best { (score, 0) } else { (best, stale + 1) };
        expected += 1;
        if stale == 3 {
            break;
        }
    }
    assert_eq!(scores.len(), expected, "{scores:?}");
    assert!(scores.len() > 3 && (stale == 3 || scores.len() == 40));

    // An expression over a task of its own: nothing of the other is asked.
    let other = one_sided();
    train(&other, &["train.selection=dry.auroc", "train.patience=3"]);
    assert_eq!(left_out(&other), []);
}

#[test]
fn nothing_to_choose_by_is_said_before_the_first_step() {
    let columns = BINARY.lines().next_back().unwrap();
    let place = place("cold", columns, |split, _, wind| yes_no(split != "validation" && wind > 0.0).into());
    let e = place.refused(&["train", "run.toml", "--run-dir", "run"]);
    for part in ["selection", "cold.auroc (no positive sample)", "selection = \"cold.log-loss\""] {
        assert!(e.contains(part), "{part}: {e}");
    }
    assert!(!place.path().join("run").exists(), "nothing was begun");
    let e = place.refused(&["train", "run.toml", "--dry-run"]);
    assert!(e.contains("cold.auroc"), "{e}");
    // The line that was offered does what it promises.
    train(&place, &["train.selection=cold.log-loss", "train.epochs=2"]);
    assert!(json(&place, "run/metrics.json")["best_epoch"].is_u64());
}

#[test]
fn an_expression_over_what_is_undefined_is_refused_with_the_line_to_write() {
    let place = one_sided();
    let set = "train.selection=0.5*dry.auroc + 0.5*cold.auroc";
    let e = place.refused(&["train", "run.toml", "--run-dir", "run", "--set", set]);
    for part in ["cold.auroc (no positive sample)", "write selection = \"skill\""] {
        assert!(e.contains(part), "{part}: {e}");
    }
    assert!(!place.path().join("run").exists());
}

/// More of the kind: a number that does not vary, a task that validation does not know, a class that it lacks.
#[test]
fn other_labels_that_define_no_metric() {
    let columns = r#"{ name = "dry", kind = "label", label = { binary = { positive = "yes" } } },
{ name = "rain", kind = "label", label = "value" },
{ name = "sky", kind = "label", label = "class" },
{ name = "fog", kind = "label", label = { binary = { positive = "yes" } } },
"#;
    let place = place("dry,rain,sky,fog", columns, |split, heat, wind| {
        let is_validation = split == "validation";
        let rain = if is_validation { 2.0 } else { heat - wind };
        let sky = if heat > 0.4 {
            "blue"
        } else if wind > 0.4 && !is_validation {
            "black"
        } else {
            "gray"
        };
        let fog = if is_validation { "" } else { yes_no(heat < wind) };
        format!("{},{rain:.2},{sky},{fog}", yes_no(heat > 0.0))
    });
    let tasks = "\n[[task]]\nname = \"dry\"\n[[task]]\nname = \"rain\"\nprimary = \"r2\"\n[[task]]\nname = \"sky\"\n\
                 primary = \"auroc\"\n[[task]]\nname = \"fog\"\n";
    let config = place.read("run.toml").replace("epochs = 12", "epochs = 3\nfreeze = { patience = 1 }");
    place.write("run.toml", config + tasks);
    train(&place, &[]);
    let expected = [("rain.r2", "the target is constant"), ("fog.auroc", "no known label")];
    assert_eq!(left_out(&place), expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    let history = epochs(&place, "run");
    for epoch in &history {
        // The AUROC of the two classes that there are counts in full: the third is not the answers' fault.
        assert!(epoch["score"].is_f64() && epoch["left_out"].as_array().unwrap().len() == 2, "{epoch}");
        let sky = &epoch["validation"]["tasks"][2]["metrics"][0]["outcome"];
        assert_eq!((sky["parts"].as_u64(), sky["left_out"].as_u64()), (Some(3), Some(1)), "{sky}");
        // Without a value no epoch says that a task no longer improves.
        assert_eq!((&epoch["frozen"][1], &epoch["frozen"][3]), (&false.into(), &false.into()));
    }
}

/// The network of that task alone has nothing to be chosen by: it is missing from the comparison by name, the rest goes on.
#[test]
fn a_comparison_goes_on_without_the_network_that_validation_cannot_judge() {
    let place = one_sided();
    let short = ["--set", "train.epochs=1", "--seeds", "1", "--dir", "study"];
    let ran = place.done(&[&["compare", "run.toml", "--balancer", "equal,upgrad"][..], &short[..]].concat());
    let failed: Vec<&str> = ran.err.lines().filter(|line| line.contains("failed: ")).collect();
    assert!(
        matches!(failed[..], [one] if one.starts_with("warning: [2/4] cold alone, seed 0: failed: ")),
        "{}",
        ran.err
    );
    assert!(failed[0].contains("cold.auroc (no positive sample)"), "{}", failed[0]);
    let study = json(&place, "study/compare.json");
    let len = |key: &str| study[key].as_array().map(Vec::len);
    assert_eq!((len("methods"), len("failures")), (Some(3), Some(1)), "{study}");
}
