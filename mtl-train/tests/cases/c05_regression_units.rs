//! Numbers in their own units: degrees, prices, seconds since 1970, micrometers. The network learns them as it learns numbers near
//! 0 and 1, because the head takes center and scale from the training labels.

use crate::run::Place;

/// A number in [0, 1) that a row and a column determine.
fn draw(row: u64, column: u64) -> f64 {
    let mut x = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ column.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 32)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A configuration: numeric inputs `a`, `b`, and number labels with settings of their heads.
fn config(inputs: &[&str], labels: &[(&str, &str)], train: &str) -> String {
    let columns = inputs.iter().map(|c| format!("{{ name = \"{c}\", kind = \"numeric\" }}"));
    let columns =
        columns.chain(labels.iter().map(|(l, _)| format!("{{ name = \"{l}\", kind = \"label\", label = \"value\" }}")));
    let columns: Vec<String> = columns.collect();
    let tasks: Vec<String> = labels
        .iter()
        .map(|(l, head)| format!("[[task]]\nname = \"{l}\"\nprimary = \"r2\"\nhead = {{ kind = \"regress\"{head} }}\n"))
        .collect();
    let selection: Vec<String> =
        labels.iter().map(|(l, _)| format!("{}*norm({l}.r2, -1, 1)", 1.0 / labels.len() as f64)).collect();
    format!(
        "[data]\nkind = \"csv\"\ntrain = \"t.csv\"\n[data.schema]\nmissing = [\"\"]\ncolumns = [\n{}\n]\n[encoder]\nkind = \
         \"tabular\"\ntoken_width = 4\nhidden = [16]\n[device]\nthreads = 1\n[train]\nbatch_size = 32\nselection = \"{}\"\n{train}\n{}",
        columns.join(",\n"),
        selection.join(" + "),
        tasks.join("")
    )
}

fn table(header: &str, n: u64, row: impl Fn(u64) -> String) -> String {
    let rows: Vec<String> = (0..n).map(row).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

/// R2 of a task on the test split of a finished run.
fn r2(place: &Place, run: &str, task: &str) -> f64 {
    let metrics: serde_json::Value = serde_json::from_str(&place.read(&format!("{run}/metrics.json"))).unwrap();
    let tasks = metrics["test"]["tasks"].as_array().unwrap();
    let found = tasks.iter().find(|t| t["task"] == task).unwrap();
    let metric = found["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "r2").unwrap();
    metric["outcome"]["value"].as_f64().unwrap_or_else(|| panic!("{metric}"))
}

#[test]
fn degrees_are_a_straight_line() {
    let place = Place::new();
    let celsius = |i| -100.0 + 400.0 * draw(i, 0);
    place.write(
        "t.csv",
        table("celsius,fahrenheit", 800, |i| format!("{:.1},{:.1}", celsius(i), celsius(i) * 1.8 + 32.0)),
    );
    place.write("new.csv", "celsius\n0\n100\n37\n-40\n");
    place.write("c.toml", config(&["celsius"], &[("fahrenheit", "")], "epochs = 60"));
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    assert!(r2(&place, "run", "fahrenheit") > 0.95, "{}", r2(&place, "run", "fahrenheit"));
    // Prediction needs no data: center and scale are in the weights.
    place.done(&["export", "run", "--to", "model"]);
    std::fs::remove_file(place.path().join("t.csv")).unwrap();
    let out = place.done(&["predict", "model", "--input", "new.csv"]).out;
    let answers: Vec<f64> = out.lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
    for (answer, truth) in answers.iter().zip([32.0, 212.0, 98.6, -40.0]) {
        assert!((answer - truth).abs() < 45.0, "{answer} for {truth}: {out}");
    }
}

const FLATS: &str = "m2,age,light,price,rating";

fn flats(place: &Place) {
    place.write(
        "t.csv",
        table(FLATS, 1000, |i| {
            let (m2, age, light) = (20.0 + 180.0 * draw(i, 0), 90.0 * draw(i, 1), 2.0 * draw(i, 2) - 1.0);
            let price = 2500.0 * m2 - 900.0 * age + 20000.0 * (draw(i, 3) - 0.5);
            let rating = 3.0 + light + 0.4 * (draw(i, 4) - 0.5);
            format!("{m2:.0},{age:.0},{light:.2},{price:.0},{rating:.2}")
        }),
    );
}

#[test]
fn a_price_does_not_drown_a_rating() {
    let place = Place::new();
    flats(&place);
    place.write("c.toml", config(&["m2", "age", "light"], &[("price", ""), ("rating", "")], "epochs = 30"));
    let ran = place.done(&["train", "c.toml", "--run-dir", "run"]);
    for task in ["price", "rating"] {
        assert!(r2(&place, "run", task) > 0.8, "{task}: {}", r2(&place, "run", task));
    }
    assert!(!ran.err.contains("drowns"), "{}", ran.err);
    let log = place.read("run/log.jsonl");
    let facts: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let targets = facts["targets"].as_array().unwrap();
    assert!(targets[0].as_str().unwrap().starts_with("standard: center "), "what was used is in the log: {facts}");
}

#[test]
fn taken_as_they_are_the_loudest_is_named_once() {
    let place = Place::new();
    flats(&place);
    let none = ", transform = \"none\"";
    place.write("c.toml", config(&["m2", "age", "light"], &[("price", none), ("rating", none)], "epochs = 1"));
    let ran = place.done(&["train", "c.toml", "--run-dir", "run"]);
    let said: Vec<&str> = ran.err.lines().filter(|l| l.contains("the largest drowns the others")).collect();
    assert_eq!(said.len(), 1, "{}", ran.err);
    for word in ["price ", "rating ", "head.transform", "weight", "balancer.kind"] {
        assert!(said[0].contains(word), "{word}: {}", said[0]);
    }
    assert!(place.read("run/log.jsonl").contains("\"type\":\"finding\""));
    let dry = place.done(&["train", "c.toml", "--dry-run"]).out;
    assert!(dry.contains("the largest drowns the others") && dry.contains("price: none: numbers as they are"), "{dry}");
    // Losses of one size by the balancer's own weights are no finding.
    let log = place.done(&["train", "c.toml", "--run-dir", "log", "--set", "balancer.kind=log"]);
    assert!(!log.err.contains("drowns"), "{}", log.err);
}

#[test]
fn seconds_since_1970_and_micrometers() {
    let place = Place::new();
    place.write(
        "t.csv",
        table("a,b,at,thickness", 800, |i| {
            let (a, b) = (draw(i, 0), draw(i, 1));
            format!("{a:.4},{b:.4},{:.0},{:.6e}", 1.7e9 + 86400.0 * 30.0 * a, 3e-6 + 2e-6 * b - 1e-6 * a)
        }),
    );
    place.write("c.toml", config(&["a", "b"], &[("at", ""), ("thickness", "")], "epochs = 30"));
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    for task in ["at", "thickness"] {
        assert!(r2(&place, "run", task) > 0.8, "{task}: {}", r2(&place, "run", task));
    }
}

#[test]
fn amounts_over_many_powers_of_ten() {
    let place = Place::new();
    let amount = |i| 10f64.powf(1.0 + 6.0 * draw(i, 0));
    place
        .write("t.csv", table("a,paid,owed", 800, |i| format!("{:.4},{:.2},{:.2}", draw(i, 0), amount(i), -amount(i))));
    let heads = [("paid", ", transform = \"log1p\""), ("owed", ", transform = \"quantile\"")];
    place.write("c.toml", config(&["a"], &heads, "epochs = 30\noptimizer = { kind = \"adamw\", lr = 5e-3 }"));
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    place.write("new.csv", "a\n0.1\n0.5\n0.9\n");
    let out = place.done(&["predict", "run", "--input", "new.csv"]).out;
    for (line, a) in out.lines().skip(1).zip([0.1, 0.5, 0.9]) {
        let numbers: Vec<f64> = line.split(',').filter_map(|f| f.parse().ok()).collect();
        let (paid, owed) = (numbers[numbers.len() - 2], numbers[numbers.len() - 1]);
        let digits = 1.0 + 6.0 * a;
        for (found, name) in [(paid, "paid"), (-owed, "owed")] {
            assert!((found.max(1e-3).log10() - digits).abs() < 0.5, "{name} at {a}: {found}, 1e{digits} expected");
        }
    }
    place.done(&["export", "run", "--to", "model"]);
    for packed in ["model", "model/model.pt"] {
        assert_eq!(place.done(&["predict", packed, "--input", "new.csv"]).out, out, "{packed}");
    }
}

#[test]
fn what_the_user_sets_wins_and_a_constant_label_is_a_finding() {
    let place = Place::new();
    place.write("t.csv", table("a,y,same", 200, |i| format!("{:.4},{:.2},7", draw(i, 0), 100.0 + 10.0 * draw(i, 0))));
    let heads = [("y", ", center = [50.0]"), ("same", "")];
    place.write(
        "c.toml",
        config(&["a"], &heads, "epochs = 2").replace("0.5*norm(y.r2, -1, 1) + 0.5*norm(same.r2, -1, 1)", "y.r2"),
    );
    let dry = place.done(&["train", "c.toml", "--dry-run"]).out;
    assert!(
        dry.contains("y: standard: center 50 (set), scale 3.07") && dry.contains("same: standard: center 7, scale 1"),
        "{dry}"
    );
    let found = place.mtl(&["doctor", "c.toml"]).out;
    assert!(found.contains("labels are 7: there is nothing to learn"), "{found}");
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    assert!(!place.read("run/log.jsonl").contains("NaN"));
}
