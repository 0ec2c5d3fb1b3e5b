//! A task that the data do not have: numbers of a table are restored, beside a task with labels and alone.

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 5] = [
    r#"{ name = "u", kind = "numeric" }"#,
    r#"{ name = "v", kind = "numeric" }"#,
    r#"{ name = "w", kind = "numeric" }"#,
    r#"{ name = "job", kind = "categorical" }"#,
    r#"{ name = "big", kind = "label", label = { binary = { positive = "yes" } } }"#,
];

const RESTORE: &str = "[[task]]\nname = \"restore\"\nhead = { kind = \"masked-reconstruction\", input = \"numeric\", share = 0.4, hidden = [16] }\n";

/// `w = u - v`.
fn place(tasks: &str) -> Place {
    let place = Place::new();
    let mut text = "u,v,w,job,big\n".to_owned();
    for row in 0..400 {
        let (u, v) = (f64::from(row % 20) / 10.0 - 0.95, f64::from(row / 20) / 10.0 - 0.95);
        let job = if row % 3 == 0 { "cook" } else { "pilot" };
        text += &format!("{u},{v},{:.3},{job},{}\n", u - v, if u > v { "yes" } else { "no" });
    }
    place.write("train.csv", text);
    let config = csv_config(&COLUMNS).replace("hidden = [4]", "hidden = [32]").replace("epochs = 1", "epochs = 30");
    place.write("c.toml", config + tasks);
    place
}

fn rows(answers: &str) -> Vec<Vec<String>> {
    answers.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn it_goes_through_the_whole_program() {
    let place = place(&format!("[[task]]\nname = \"big\"\n{RESTORE}"));
    place.done(&["doctor", "c.toml"]);
    place.done(&["train", "c.toml", "--dry-run"]);
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.01"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let test =
        |of: &serde_json::Value, task: usize| of["tasks"][task]["metrics"][0]["outcome"]["value"].as_f64().unwrap();
    assert!(test(&metrics["test"], 0) > 0.95, "{metrics}");
    let (restored, by_the_mean) = (test(&metrics["test"], 1), test(&metrics["constant"]["test"], 1));
    assert!(restored < 0.5 * by_the_mean, "{restored} {by_the_mean}");
    let eval = place.done(&["eval", "run"]).out;
    assert!(eval.contains("restore") && eval.contains("rmse"), "{eval}");
    place.done(&["report", "run"]);
    assert!(place.read("run/report.html").contains("restore"));
    // What is predicted is of each number, in the unit of the network, without itself.
    place.write("new.csv", "u,v,w,job\n0.5,-0.5,1.0,cook\n0.5,-0.5,-1.5,cook\n");
    place.done(&["export", "run", "--to", "model"]);
    let expected = place.done(&["predict", "run", "--input", "new.csv"]).out;
    for model in ["run", "model", "model/model.pt"] {
        let answers = rows(&place.done(&["predict", model, "--input", "new.csv"]).out);
        assert_eq!(answers[0], ["row", "big.yes", "restore.u", "restore.v", "restore.w"], "{expected}");
        let number = |row: usize, column: usize| answers[row][column].parse::<f64>().unwrap();
        assert!((number(1, 4) - number(2, 4)).abs() < 1e-6, "w is restored from u and v: {answers:?}");
        assert!(number(1, 4) > 0.5 && (number(1, 2) - number(2, 2)).abs() > 0.1, "{answers:?}");
    }
}

/// More of the kind: a table without any label; a task that is there, an input that is not, one that has no numbers.
#[test]
fn labels_are_not_needed_and_mistakes_are_named() {
    let alone = place(RESTORE);
    alone.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.epochs=2"]);
    alone.done(&["train", "run", "--resume", "--set", "train.epochs=4"]);
    let refused = |tasks: &str| place(tasks).refused(&["train", "c.toml", "--dry-run"]);
    let e = refused(&RESTORE.replace("\"restore\"", "\"big\""));
    assert!(e.contains(r#"task "big" is given twice"#), "{e}");
    let e = refused(&RESTORE.replace("\"numeric\"", "\"numerc\""));
    assert!(e.contains(r#"unknown input "numerc", known are categorical, numeric"#), "{e}");
    let e = refused(&RESTORE.replace("\"numeric\"", "\"categorical\""));
    assert!(e.contains("an input of numeric fields, which can be restored, found categorical"), "{e}");
    let e = refused(&RESTORE.replace("0.4", "1.0"));
    assert!(e.contains("share must be in (0, 1), found 1"), "{e}");
    let e = refused(&RESTORE.replace("share", "shar"));
    assert!(e.contains("did you mean \"share\"?") && e.contains('^'), "{e}");
}
