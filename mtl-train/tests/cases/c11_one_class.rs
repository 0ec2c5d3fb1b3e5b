//! A label that never changes: the refusal names it, the doctor says it and goes on with the rest.

use crate::run::{Place, csv_config};

const X: &str = r#"{ name = "x", kind = "numeric" }"#;
const OPEN: &str = r#"{ name = "open", kind = "label", label = { binary = { positive = "yes" } } }"#;

fn place(town: &str, label: &str) -> Place {
    let place = Place::new();
    let rows: String =
        (0..60).map(|at| format!("{}.5,{},{town}\n", at % 9, if at % 2 == 0 { "yes" } else { "no" })).collect();
    place.write("train.csv", format!("x,open,town\n{rows}"));
    place
        .write("run.toml", csv_config(&[X, OPEN, &format!(r#"{{ name = "town", kind = "label", label = {label} }}"#)]));
    place
}

#[test]
fn one_class_is_refused_by_name() {
    let place = place("Basel", "\"class\"");
    for args in [["train", "run.toml"], ["data", "run.toml"]] {
        let e = place.refused(&args);
        for part in ["train.csv", "task town", "column \"town\"", "found only \"Basel\"", "label = { classes = [..] }"]
        {
            assert!(e.contains(part), "{part:?} is missing in {e}");
        }
    }
    let doctor = place.mtl(&["doctor", "run.toml", "--json"]);
    assert_eq!(doctor.code, 2);
    assert!(doctor.out.contains("found only \\\"Basel\\\"") && doctor.out.contains("repeat the inputs"), "{doctor:?}");
}

#[test]
fn a_binary_label_and_a_number_that_never_change_are_said() {
    for (town, label) in [
        ("Basel", r#"{ binary = { positive = "Basel" } }"#),
        ("12.50", "\"value\""),
        ("1", r#"{ binary = { positive = ["1", "2"] } }"#),
    ] {
        let place = place(town, label);
        let doctor = place.done(&["doctor", "run.toml"]).out;
        assert!(doctor.contains("a label that never changes"), "{label}: {doctor}");
    }
}

#[test]
fn one_class_in_two_spellings_is_one() {
    let place = place("Basel", "\"class\"");
    let text = place.read("train.csv").replacen("Basel", "\" Basel\"", 1);
    place.write("train.csv", text);
    assert!(place.refused(&["train", "run.toml"]).contains("found only \"Basel\""));
}
