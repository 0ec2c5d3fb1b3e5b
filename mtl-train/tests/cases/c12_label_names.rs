//! Any column can be a label: a name that no task may have makes a task's name, and complaints stand under the column.

use crate::run::{Place, csv_config};

fn place(column: &str, more: &str) -> Place {
    let place = Place::new();
    let quoted = format!("\"{}\"", column.replace('"', "\"\""));
    let rows: String = (0..60).map(|at| format!("{}.5,{}\n", at % 9, ["u", "v"][at % 2])).collect();
    place.write("train.csv", format!("x,{quoted}\n{rows}"));
    let name = serde_json::to_string(column).unwrap();
    let label = format!(r#"{{ name = {name}, kind = "label", label = "class"{more} }}"#);
    place.write("run.toml", csv_config(&[r#"{ name = "x", kind = "numeric" }"#, &label]));
    place
}

#[test]
fn any_name_makes_a_task() {
    for (column, task) in [
        ("Paid?", "Paid"),
        ("3rd_leg", "task_3rd_leg"),
        ("y.1", "y_1"),
        ("net / gross", "net_gross"),
        ("2024", "task_2024"),
        ("?", "task"),
    ] {
        let place = place(column, "");
        let ran = place.done(&["train", "run.toml", "--dry-run"]);
        let note = format!("note: task {task}: the task of column {column:?} is called so");
        assert!(ran.err.contains(&note), "{ran:?}");
    }
}

#[test]
fn a_run_and_its_answers_use_the_name() {
    let place = place("Paid?", "");
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    place.write("new.csv", "x\n1\n2\n");
    let answers = place.done(&["predict", "run", "--input", "new.csv"]).out;
    assert!(answers.starts_with("row,Paid,"), "{answers}");
    assert_eq!(answers.lines().count(), 3);
}

#[test]
fn a_task_of_ones_own_is_taken() {
    let place = place("Paid?", ", task = \"settled\"");
    let ran = place.done(&["train", "run.toml", "--dry-run"]);
    assert!(!ran.err.contains("is called so") && ran.out.contains("settled"), "{ran:?}");
}

#[test]
fn complaints_about_a_column_stand_under_it() {
    let place = Place::new();
    place.write("train.csv", "x,y\n1,u\n2,v\n");
    let x = r#"{ name = "x", kind = "numeric" }"#;
    for (label, marked) in [
        (r#"{ name = "", kind = "label", label = "class" }"#, "\"\""),
        (r#"{ name = "y", kind = "label", label = { classes = ["u"] } }"#, "[\"u\"]"),
        (
            r#"{ name = "y", kind = "label", label = { binary = { positive = ["u", "u"] } } }"#,
            "{ positive = [\"u\", \"u\"] }",
        ),
        (r#"{ name = "x", kind = "categorical" }"#, "\"x\""),
    ] {
        place.write("run.toml", csv_config(&[x, label]));
        let e = place.refused(&["train", "run.toml"]);
        // Where the second column stands.
        assert!(e.contains("run.toml:8"), "{e}");
        let lines: Vec<&str> = e.lines().collect();
        let carets = lines.last().unwrap();
        let from = carets.find('^').unwrap();
        let code = lines[lines.len() - 2];
        assert!(code[from..].starts_with(marked), "{e}");
    }
}
