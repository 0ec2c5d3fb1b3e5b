//! From a table to a run without a line written by hand: `mtl init`, `mtl doctor`, `mtl train`, `mtl predict`.

use crate::run::Place;

fn noise(i: usize, n: usize) -> usize {
    (i * 7919 + 13) % 1009 % n
}

fn rows(n: usize, row: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| row(i) + "\n").collect()
}

/// Drafts, checks, trains for a moment; gives the file's text.
fn trained(place: &Place, args: &[&str]) -> String {
    let init = [&["init"], args, &["--out", "c.toml"]].concat();
    let said = place.done(&init).out;
    let text = place.read("c.toml");
    assert!(said.contains("wrote c.toml") && text.contains("[data.schema]"), "{said}{text}");
    let doctor = place.mtl(&["doctor", "c.toml"]);
    assert_eq!(doctor.code, 0, "{}{}\n{text}", doctor.out, doctor.err);
    let quick = ["--set", "train.epochs=2", "--set", "device.threads=1"];
    place.done(&[&["train", "c.toml", "--run-dir", "run"][..], &quick].concat());
    text
}

#[test]
fn a_german_table_with_dates_groups_gaps_and_a_leak_trains_as_it_is() {
    let place = Place::new();
    let row = |i: usize| {
        let price = 200 + noise(i, 800);
        format!(
            "{i};\"Weg {}; Haus {}\";{},5;{};2024-{:02}-{:02};k{};{};{},{:02};{};{}",
            noise(i, 9),
            noise(i * 3, 7),
            20 + noise(i * 5, 90),
            ["", "k.A.", "3"][usize::from(i % 10 > 1) + usize::from(!i.is_multiple_of(10))],
            1 + noise(i, 12),
            1 + noise(i, 28),
            noise(i, 50),
            ["gut", "mittel"][noise(i * 7, 2)],
            price * 2,
            i % 100,
            1 + noise(i * 11, 5),
            price,
        )
    };
    place.write(
        "wohnungen.csv",
        "Nr;Straße;Fläche;Zimmer;Tag;Kunde;Zustand;Preis in €;rating;Miete\n".to_owned() + &rows(300, row),
    );
    let text = trained(&place, &["wohnungen.csv", "--targets", "Miete,rating"]);
    for part in [
        "delimiter = \";\"",
        "decimal = \",\"",
        "{ name = \"Nr\", kind = \"id\" },   # id: counts the rows",
        "{ name = \"Fläche\", kind = \"numeric\" }",
        "{ name = \"Tag\", kind = \"date\" }",
        "gives \"Miete\" away",
        "label = { ordinal = [\"1\", \"2\", \"3\", \"4\", \"5\"] }",
        "{ name = \"Miete\", kind = \"label\", label = \"value\" }",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let answers = place.done(&["predict", "run", "--input", "wohnungen.csv"]).out;
    assert_eq!(answers.lines().count(), 301);
}

#[test]
fn groups_and_many_columns_are_a_few_lines() {
    let place = Place::new();
    let names: Vec<String> = (0..40).map(|i| format!("fp{i}")).collect();
    let row = |i: usize| {
        let bits: Vec<String> = (0..40).map(|c| noise(i * 3 + c * 5, 2).to_string()).collect();
        format!("s{},{},{}", noise(i, 60), bits.join(","), ["yes", "no"][noise(i * 5, 2)])
    };
    place.write("t.csv", format!("subject,{},active\n", names.join(",")) + &rows(240, row));
    let text = trained(&place, &["t.csv", "--targets", "active"]);
    assert!(text.contains("{ name = \"fp*\", kind = \"numeric\", transform = \"none\" },   # 40 columns"), "{text}");
    assert!(text.contains("split = { group = \"subject\" }") && text.lines().count() < 45, "{text}");
}

#[test]
fn files_of_their_own_and_tables_without_a_header() {
    let place = Place::new();
    let row = |from: usize| {
        move |i: usize| {
            format!("{},{}.5,{}", noise(i + from, 4), noise(i * 3 + from, 50), ["a", "b", "c"][noise(i * 7 + from, 3)])
        }
    };
    place.write("adult.data", rows(200, row(0)));
    place.write("adult.test", rows(60, row(300)));
    let text = trained(&place, &["adult.data", "adult.test", "--targets", "c3"]);
    assert!(
        text.contains("header = false") && text.contains("test = \"adult.test\"") && text.contains("name = \"c3\""),
        "{text}"
    );
    let e = place.refused(&["init", "adult.data", "other.csv", "--targets", "c3", "--force"]);
    assert!(e.contains("files must be a file whose name says test or valid"), "{e}");
}

#[test]
fn a_target_is_named_or_asked_for() {
    let place = Place::new();
    let row = |i: usize| format!("{}.5,k{},{}", noise(i, 90), noise(i, 4), noise(i * 3, 2));
    place.write("t.csv", "x,k,target\n".to_owned() + &rows(120, row));
    let ran = place.done(&["init", "t.csv"]);
    assert!(ran.err.contains("the target is \"target\", by its name"), "{}", ran.err);
    assert!(place.read("t.toml").contains("label = { binary = { positive = \"1\" } }"));
    // What is there stays there.
    place.write("t.toml", "mine");
    assert!(place.refused(&["init", "t.csv"]).contains("--force"));
    assert_eq!(place.read("t.toml"), "mine");
    place.done(&["init", "t.csv", "--force"]);

    place.write("u.csv", "x,k,sold\n".to_owned() + &rows(120, row));
    let ran = place.mtl(&["init", "u.csv"]);
    assert!(ran.code == 2 && ran.out.contains("sold") && ran.err.contains("--targets COLUMN"), "{ran:?}");
    assert!(!place.path().join("u.toml").exists());
    let found: serde_json::Value =
        serde_json::from_str(&place.done(&["init", "u.csv", "--targets", "sold", "--json"]).out).unwrap();
    assert_eq!(
        (found["columns"][1]["kind"].as_str(), found["rows"].as_u64()),
        (Some("category"), Some(120)),
        "{found}"
    );
    assert!(!place.path().join("u.toml").exists());
}

#[test]
fn what_cannot_be_drafted_is_one_line() {
    let place = Place::new();
    place.write("t.csv", "x,y\n1,a\n2,b\n1,a\n2,b\n1,a\n2,b\n1,a\n2,b\n1,a\n2,b\n");
    for (args, part) in [
        (vec!["none.csv", "--targets", "y"], "there is no such file"),
        (vec!["t.csv", "--targets", "z"], "targets must be columns of the file (\"x\", \"y\"), found \"z\""),
        (vec!["t.csv", "--targets", "x,y"], "one to answer from, beside the targets"),
    ] {
        let e = place.refused(&[&["init"], args.as_slice()].concat());
        assert!(e.starts_with("error: ") && e.contains(part) && e.lines().count() == 1, "{e}");
    }
    place.write("broken.csv", "x,y\n1,a\n2\n");
    assert!(
        place.refused(&["init", "broken.csv", "--targets", "y"]).contains("broken.csv:3: expected 2 columns, found 1")
    );
}
