//! Rows in groups, by a column of the table: a metric of rankings ranks within them.

use std::collections::BTreeMap;

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 4] = [
    r#"{ name = "query", kind = "group" }"#,
    r#"{ name = "x", kind = "numeric" }"#,
    r#"{ name = "z", kind = "numeric" }"#,
    r#"{ name = "clicks", kind = "label", label = "value" }"#,
];

/// Ten documents a query; clicks follow `x`, with noise from `z`.
fn rows(queries: std::ops::Range<u32>) -> Vec<(String, f64, f64, f64)> {
    let document = |query: u32, at: u32| {
        let (x, z) =
            (f64::from((query * 31 + at * 17) % 100) / 50.0 - 1.0, f64::from((query * 7 + at * 29) % 100) / 50.0);
        (format!("query {query}"), x, z, (3.0 * (x + 1.0) + z).floor())
    };
    queries.flat_map(|query| (0..10).map(move |at| document(query, at))).collect()
}

fn place() -> Place {
    let place = Place::new();
    for (name, queries) in [("train", 0..60), ("v", 60..80), ("t", 80..100)] {
        // Documents of a query do not stand together.
        let mut all = rows(queries);
        all.sort_by(|a, b| a.2.total_cmp(&b.2));
        let text: String = all.iter().map(|(query, x, z, clicks)| format!("{query},{x},{z},{clicks}\n")).collect();
        place.write(&format!("{name}.csv"), format!("query,x,z,clicks\n{text}"));
    }
    let files = "train = \"train.csv\"\nvalidation = \"v.csv\"\ntest = \"t.csv\"";
    let config = csv_config(&COLUMNS).replace("train = \"train.csv\"", files).replace("epochs = 1", "epochs = 6");
    place.write("c.toml", config + "[[task]]\nname = \"clicks\"\nprimary = \"ndcg\"\n");
    place
}

/// Discounted gain of that order over that of the best one.
fn ndcg(said_and_true: &[(f64, f64)]) -> f64 {
    let gain = |order: &[(f64, f64)]| -> f64 {
        order.iter().enumerate().map(|(at, (_, relevance))| relevance / ((at + 2) as f64).log2()).sum()
    };
    let (mut said, mut best) = (said_and_true.to_vec(), said_and_true.to_vec());
    said.sort_by(|a, b| b.0.total_cmp(&a.0));
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    gain(&said) / gain(&best)
}

#[test]
fn a_ranking_is_judged_query_by_query() {
    let place = place();
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let first = &metrics["test"]["tasks"][0]["metrics"][0];
    assert_eq!((first["metric"].as_str(), first["outcome"]["support"].as_u64()), (Some("ndcg"), Some(20)), "{metrics}");
    // The same by hand, from what the program answers for the file.
    let answers = place.done(&["predict", "run", "--input", "t.csv"]).out;
    let said = answers.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap());
    let mut queries: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let file = place.read("t.csv");
    for (line, said) in file.lines().skip(1).zip(said) {
        let fields: Vec<&str> = line.split(',').collect();
        queries.entry(fields[0].to_owned()).or_default().push((said, fields[3].parse().unwrap()));
    }
    assert_eq!(queries.len(), 20);
    let mean = queries.values().map(|query| ndcg(query)).sum::<f64>() / 20.0;
    let found = first["outcome"]["value"].as_f64().unwrap();
    assert!((found - mean).abs() < 1e-4, "{found} is not {mean}");
    assert!(found > 0.9, "clicks can be told from x: {found}");
    // The interval is of the same metric: queries are drawn, not their documents, each of which would be ranked at its best alone.
    let intervals = &metrics["intervals"];
    assert_eq!((intervals["samples"].as_u64(), intervals["groups"].as_u64()), (Some(200), Some(20)), "{intervals}");
    let ends = &intervals["tasks"][0]["metrics"][0];
    assert_eq!(ends["metric"], "ndcg");
    let [low, high] = [0, 1].map(|end| ends["interval"][end].as_f64().unwrap());
    assert!(low < found && found < high && low < 0.9999, "{low} to {high} for {found}");
    place.done(&["eval", "run"]);
    place.done(&["report", "run"]);
    // Without the column there is nothing to rank within, and every row alone is ranked at its best.
    place.write("new.csv", "z,x\n0.5,0.1\n");
    place.done(&["predict", "run", "--input", "new.csv"]);
}

#[test]
fn groups_that_cannot_be_are_refused_or_said() {
    let place = place();
    let text = place.read("v.csv").replacen("query 61,", ",", 1);
    let line = text.lines().position(|line| line.starts_with(',')).unwrap() + 1;
    place.write("v.csv", text);
    let e = place.refused(&["train", "c.toml"]);
    assert!(
        e.contains(&format!(r#"v.csv:{line}: column "query": expected a group, which no row may lack, found """#)),
        "{e}"
    );
    let text: String = place
        .read("train.csv")
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let (_, rest) = line.split_once(',').unwrap();
            if at == 0 { format!("{line}\n") } else { format!("q{at},{rest}\n") }
        })
        .collect();
    place.write("train.csv", text);
    place.write("v.csv", place.read("t.csv"));
    let shown = place.mtl(&["doctor", "c.toml"]).out;
    assert!(shown.contains("group query") && shown.contains("a group of its own"), "{shown}");
    // A ranking knows no weights of rows: said by name, before a step is made in vain.
    let weighted =
        place.read("c.toml").replace("{ name = \"z\", kind = \"numeric\" }", "{ name = \"z\", kind = \"weight\" }");
    place.write("c.toml", weighted);
    let e = place.mtl(&["train", "c.toml", "--dry-run"]);
    assert!(e.code != 0 && e.err.contains("ndcg") && e.err.contains("weight"), "{}{}", e.out, e.err);
    // So is one that has no part in the choice of the epoch.
    place.write("c.toml", place.read("c.toml").replace("primary = \"ndcg\"", "metrics = [\"ndcg\"]"));
    let e = place.refused(&["train", "c.toml", "--run-dir", "beside"]);
    assert!(e.contains("ndcg") && e.contains("weight"), "{e}");
    assert!(!place.path().join("beside").exists(), "it is known before anything is trained");
}

/// Groups are texts of a column; how a yes/no answer treats them is judged beside what it says.
#[test]
fn fairness_between_groups_of_a_column_is_judged() {
    let place = Place::new();
    let row = |i: u32| {
        let (side, x) = (if i.is_multiple_of(3) { "north" } else { "south" }, f64::from(i * 37 % 100) / 50.0 - 1.0);
        // Nobody in the north is granted.
        let granted = if side == "south" && x > 0.0 { "yes" } else { "no" };
        format!("{side},{x},{},{granted}\n", if side == "north" { -1.0 } else { 1.0 })
    };
    place.write("train.csv", format!("side,x,where,granted\n{}", (0..600).map(row).collect::<String>()));
    let columns = [
        r#"{ name = "side", kind = "group" }"#,
        r#"{ name = "x", kind = "numeric" }"#,
        r#"{ name = "where", kind = "numeric" }"#,
        r#"{ name = "granted", kind = "label", label = { binary = { positive = "yes" } } }"#,
    ];
    let config = csv_config(&columns).replace("epochs = 1", "epochs = 20").replace("hidden = [4]", "hidden = [16]");
    let task = "[[task]]\nname = \"granted\"\nmetrics = [\"auroc\", \"demographic-parity-difference\"]\n";
    place.write("c.toml", config + task);
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.02"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let found = metrics["test"]["tasks"][0]["metrics"].as_array().unwrap().clone();
    let gap = found.iter().find(|m| m["metric"] == "demographic-parity-difference").unwrap();
    let value = gap["outcome"]["value"].as_f64().unwrap();
    assert!((0.3..=0.7).contains(&value), "half of the south and nobody in the north: {gap}");
}
