//! Two exports glued together: the same answer in several spellings is one answer, and what counts as no is said.

use crate::run::{Place, csv_config};

const X: &str = r#"{ name = "x", kind = "numeric" }"#;

/// What a dry run and the doctor say of a column of these texts in turn.
fn said(label: &str, texts: &[&str]) -> String {
    let place = Place::new();
    let rows: String = (0..400).map(|at| format!("{at},{}\n", texts[at % texts.len()])).collect();
    place.write("train.csv", format!("x,paid\n{rows}"));
    place.write("run.toml", csv_config(&[X, &format!(r#"{{ name = "paid", kind = "label", label = {label} }}"#)]));
    let train = place.done(&["train", "run.toml", "--dry-run"]).err;
    let doctor = place.done(&["doctor", "run.toml", "--json"]).out;
    for line in train.lines().filter(|line| line.contains("paid")) {
        let message = serde_json::to_string(line.splitn(3, ": ").last().unwrap()).unwrap();
        assert!(doctor.contains(&message), "{message} is missing in {doctor}");
    }
    train
}

const TRUE: &str = r#"{ binary = { positive = "True" } }"#;

#[test]
fn four_texts_for_two_answers_are_named() {
    let said = said(TRUE, &["True", "False", "TRUE", "FALSE"]);
    let expected =
        r#"warning: task paid: 4 texts for two answers: "True", "TRUE" count as yes, "False", "FALSE" as no"#;
    assert!(said.contains(expected), "{said}");
}

#[test]
fn texts_that_differ_in_case_only_are_named() {
    let yes = r#"{ binary = { positive = "Y" } }"#;
    let said_of_letters = said(yes, &["Y", "N", "y", "n"]);
    assert!(said_of_letters.contains(r#"warning: task paid: "Y", "y" differ only in case"#), "{said_of_letters}");
    assert!(said_of_letters.contains(r#""Y" count as yes, "N", "y", "n" as no"#), "{said_of_letters}");
    let towns = said("\"class\"", &["Bern", "bern", "Chur"]);
    assert!(towns.contains(r#""Bern", "bern" differ only in case"#), "{towns}");
}

#[test]
fn a_text_for_not_known_is_named() {
    let gaps = said(TRUE, &["True", "False", "N/A"]);
    assert!(gaps.contains(r#""N/A" counts as a label; if it means not known, write missing = ["", "N/A"]"#), "{gaps}");
}

#[test]
fn what_was_meant_so_is_not_warned_of() {
    assert!(!said(TRUE, &["True", "False"]).contains("paid"));
    let meant = r#"{ binary = { positive = ["True", "yes"], negative = ["False", "no", "maybe"] } }"#;
    assert!(!said(meant, &["True", "no", "maybe", "yes", "False"]).contains("texts for two answers"));
}

#[test]
fn a_text_that_is_neither_is_refused_where_both_are_named() {
    let place = Place::new();
    let rows: String = (0..20).map(|at| format!("{at},{}\n", ["yes", "no", "", "mabye"][at % 4])).collect();
    place.write("train.csv", format!("x,paid\n{rows}"));
    let label = r#"{ name = "paid", kind = "label", label = { binary = { positive = "yes", negative = "no" } } }"#;
    place.write("run.toml", csv_config(&[X, label]));
    let e = place.refused(&["train", "run.toml", "--run-dir", "run"]);
    assert!(
        e.contains("train.csv:5") && e.contains("\"mabye\"") && e.contains("add it to positive or negative"),
        "{e}"
    );
}
