//! A stage of a funnel reads the head before it: purchases only after clicks.

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 4] = [
    r#"{ name = "taste", kind = "numeric" }"#,
    r#"{ name = "money", kind = "numeric" }"#,
    r#"{ name = "buy", kind = "label", label = { binary = { positive = "yes" } } }"#,
    r#"{ name = "click", kind = "label", label = { binary = { positive = "yes" } } }"#,
];

/// Clicks follow taste; purchases are clicks with money. The task that is read comes after the one that reads it.
fn place(tasks: &str) -> Place {
    let place = Place::new();
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let mut text = "taste,money,buy,click\n".to_owned();
    for row in 0..400 {
        let (taste, money) = (f64::from(row % 20) / 10.0 - 0.95, f64::from(row / 20) / 10.0 - 0.95);
        text += &format!("{taste},{money},{},{}\n", yes_no(taste > 0.0 && money > 0.0), yes_no(taste > 0.0));
    }
    place.write("train.csv", text);
    let config = csv_config(&COLUMNS).replace("hidden = [4]", "hidden = [16]").replace("epochs = 1", "epochs = 20");
    place.write("c.toml", config + tasks);
    place
}

const FUNNEL: &str =
    "[[task]]\nname = \"buy\"\nhead = { kind = \"funnel\", after = \"click\" }\n[[task]]\nname = \"click\"\n";

#[test]
fn no_stage_is_more_probable_than_the_one_before() {
    let place = place(FUNNEL);
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.02"]);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    let auroc = |task: usize| metrics["test"]["tasks"][task]["metrics"][0]["outcome"]["value"].as_f64().unwrap();
    assert!(auroc(0) > 0.95 && auroc(1) > 0.95, "{metrics}");
    place.write("new.csv", "taste,money\n0.8,0.8\n0.8,-0.8\n-0.8,0.8\n-0.8,-0.8\n");
    place.done(&["export", "run", "--to", "model"]);
    // From the run, from the package and from the recorded network: the head before runs before.
    for model in ["run", "model", "model/model.pt"] {
        let answers = place.done(&["predict", model, "--input", "new.csv"]).out;
        let rows: Vec<Vec<f64>> = answers
            .lines()
            .skip(1)
            .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect())
            .collect();
        assert!(rows.len() == 4 && rows.iter().all(|row| row[0] <= row[1]), "{model}: {answers}");
        assert!(rows[0][0] > 0.5 && rows[1][0] < 0.5 && rows[1][1] > 0.5 && rows[2][1] < 0.5, "{model}: {answers}");
    }
}

/// More of the kind: a stage after nobody, after itself, after one that comes after it, after another kind of answer.
#[test]
fn what_is_no_funnel_is_refused_by_name() {
    let refused = |tasks: &str| place(tasks).refused(&["train", "c.toml", "--dry-run"]);
    let e = refused(&FUNNEL.replace("after = \"click\"", "after = \"clik\""));
    assert!(e.contains(r#"unknown task "clik""#), "{e}");
    let e = refused(&FUNNEL.replace("after = \"click\"", "after = \"buy\""));
    assert!(e.contains("after must be the task that comes before buy"), "{e}");
    let circle = FUNNEL.to_owned() + "head = { kind = \"funnel\", after = \"buy\" }\n";
    let e = refused(&circle);
    assert!(e.contains("a circle among buy, click"), "{e}");
    let e = refused(&FUNNEL.replace(", after = \"click\"", ""));
    assert!(e.contains("after must be the task that comes before buy, found \"\""), "{e}");
}
