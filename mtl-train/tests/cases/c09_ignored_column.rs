//! A column that is not read need not be there: in no file, whichever it is.

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 3] = [
    r#"{ name = "key", kind = "ignore" }"#,
    r#"{ name = "x", kind = "numeric" }"#,
    r#"{ name = "felt", kind = "label", label = "class" }"#,
];

fn rows(with_key: bool) -> String {
    let mut text = String::from(if with_key { "key,x,felt\n" } else { "x,felt\n" });
    for row in 0..60 {
        let key = if with_key { format!("k{row},") } else { String::new() };
        text += &format!("{key}{}.5,{}\n", row % 7, if row % 7 > 2 { "hot" } else { "cold" });
    }
    text
}

fn place(train: bool, validation: bool, test: bool) -> Place {
    let place = Place::new();
    for (name, with_key) in [("train", train), ("validation", validation), ("test", test)] {
        place.write(&format!("{name}.csv"), rows(with_key));
    }
    let files = "train = \"train.csv\"\nvalidation = \"validation.csv\"\ntest = \"test.csv\"";
    place.write("run.toml", csv_config(&COLUMNS).replace("train = \"train.csv\"", files));
    place
}

#[test]
fn it_may_be_absent_from_any_file() {
    let scores = |train, validation, test| {
        let place = place(train, validation, test);
        place.done(&["train", "run.toml", "--run-dir", "run"]);
        place.read("run/metrics.json")
    };
    let all = scores(true, true, true);
    for [train, validation, test] in
        [[true, true, false], [true, false, true], [false, true, true], [false, false, false]]
    {
        assert_eq!(scores(train, validation, test), all, "{train} {validation} {test}");
    }
}

#[test]
fn a_column_that_is_read_must_be_there() {
    let place = place(true, true, true);
    place.write("test.csv", rows(true).replace("x,felt", "z,felt"));
    let e = place.refused(&["train", "run.toml", "--run-dir", "run"]);
    assert!(e.contains(r#"test.csv:1: expected a column named "x", found "key", "z", "felt""#), "{e}");
}
