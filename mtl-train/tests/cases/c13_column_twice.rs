//! A column may be an input and the label of tasks, each of another kind; the doctor says what that means.

use crate::run::{Place, csv_config};

const HOUR: &str = r#"{ name = "hour", kind = "numeric" }"#;
const ITEM: &str = r#"{ name = "item", kind = "categorical" }"#;
const ITEMS: &str = r#"{ name = "item", kind = "label", label = "class" }"#;
const KEPT: &str = r#"{ name = "kept", kind = "label", label = "class" }"#;

fn place(columns: &[&str]) -> Place {
    let place = Place::new();
    let row = |at: usize| format!("{},{},{}\n", ["pan", "cup", "jug"][at % 3], at % 24, ["p", "q"][at % 2]);
    place.write("train.csv", format!("item,hour,kept\n{}", (0..80).map(row).collect::<String>()));
    place.write("run.toml", csv_config(columns));
    place
}

#[test]
fn an_input_is_a_label_as_well() {
    let place = place(&[HOUR, ITEM, ITEMS, KEPT]);
    let ran = place.done(&["train", "run.toml", "--run-dir", "run"]);
    let warning = "warning: field item: is also the label of task item: the answer stands among the inputs";
    assert!(ran.err.contains(warning), "{ran:?}");
    assert!(place.done(&["doctor", "run.toml"]).out.contains("is also the label of task item"));
    place.write("new.csv", "item,hour\ncup,3\nmug,4\n");
    let answers = place.done(&["predict", "run", "--input", "new.csv"]).out;
    assert_eq!(answers.lines().count(), 3, "{answers}");
}

#[test]
fn a_number_is_input_value_class_and_answer() {
    let number = r#"{ name = "hour", kind = "label", task = "time", label = "value" }"#;
    let class = r#"{ name = "hour", kind = "label", task = "slot", label = "class" }"#;
    let answer = r#"{ name = "hour", kind = "label", task = "noon", label = { binary = { positive = "12" } } }"#;
    let place = place(&[HOUR, ITEM, number, class, answer]);
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let data = place.done(&["data", "run.toml"]).out;
    assert!(["time", "slot", "noon"].iter().all(|task| data.contains(task)), "{data}");
    // A text that is no number is refused with its line, though the column is read as text.
    place.write("train.csv", place.read("train.csv").replacen(",5,", ",five,", 1));
    let e = place.refused(&["train", "run.toml", "--run-dir", "other"]);
    assert!(e.contains("train.csv:7: column \"hour\": expected a finite number, found \"five\""), "{e}");
}

#[test]
fn without_a_header_the_second_mention_is_the_same_column() {
    let place = place(&[ITEM, HOUR, ITEMS, KEPT]);
    let text = place.read("train.csv");
    place.write("train.csv", text.split_once('\n').unwrap().1);
    let config = place.read("run.toml").replace("[data.schema]", "[data.format]\nheader = false\n[data.schema]");
    place.write("run.toml", config);
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    place.write("new.csv", "cup,3\npan,4\n");
    assert_eq!(place.done(&["predict", "run", "--input", "new.csv"]).out.lines().count(), 3);
}

#[test]
fn roles_that_exclude_each_other_are_refused_under_the_second() {
    for (second, expected) in [
        (r#"{ name = "hour", kind = "categorical" }"#, "an input once (it may be a label beside that)"),
        (r#"{ name = "hour", kind = "ignore" }"#, "not also ignored"),
    ] {
        let e = place(&[HOUR, second, ITEMS, KEPT]).refused(&["train", "run.toml"]);
        assert!(e.contains("run.toml:8") && e.contains(expected), "{e}");
    }
    let e = place(&[HOUR, ITEMS, ITEMS]).refused(&["train", "run.toml"]);
    assert!(e.contains("run.toml:9") && e.contains("task = \"..\""), "{e}");
}
