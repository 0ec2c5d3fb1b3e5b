//! Nobody reads what the program prints: a verb whose product is its output ends quietly, as Unix programs do, and a verb
//! whose product is in files goes on to its end.

#[path = "../../../xtask/src/skip.rs"]
mod skip;

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use crate::run::Place;

/// Twelve rows a class: x says which.
fn table() -> String {
    let rows: String =
        (0..240u16).map(|i| format!("{},{}\n", f64::from(i % 97) / 10.0, ["a", "b"][usize::from(i % 2)])).collect();
    format!("x,y\n{rows}")
}

fn config(epochs: u32) -> String {
    crate::run::csv_config(&[
        r#"{ name = "x", kind = "numeric" }"#,
        r#"{ name = "y", kind = "label", label = "class" }"#,
    ])
    .replace("epochs = 1", &format!("epochs = {epochs}"))
}

fn place(epochs: u32) -> Place {
    let place = Place::new();
    place.write("train.csv", table());
    place.write("c.toml", config(epochs));
    place
}

/// A pipe whose reading end is closed: every byte written to it is an error.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Closed {
    Output,
    Error,
    Both,
}

/// Exit code and what was said on the streams that are open.
fn mtl(dir: &Path, args: &[&str], closed: Closed) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mtl"));
    let open = |is_closed| if is_closed { nobody() } else { Stdio::piped() };
    program.current_dir(dir).args(args);
    program.stdout(open(closed != Closed::Error)).stderr(open(closed != Closed::Output));
    let out = program.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

/// Without its output a verb of output ends like a program that SIGPIPE ended, without a word.
fn ends_quietly(dir: &Path, args: &[&str]) {
    let (code, _, err) = mtl(dir, args, Closed::Output);
    assert_eq!((code, err.as_str()), (Some(141), ""), "{args:?}");
    assert_eq!(mtl(dir, args, Closed::Both).0, Some(141), "{args:?}");
    let (code, out, _) = mtl(dir, args, Closed::Error);
    assert!(code == Some(0) && !out.is_empty(), "{args:?}: {code:?} {out}");
}

/// Whatever is closed, the verb does its work.
fn goes_on(dir: &Path, args: &[&str]) {
    for closed in [Closed::Output, Closed::Error, Closed::Both] {
        let (code, out, err) = mtl(dir, args, closed);
        assert!(code == Some(0) && !err.contains("panicked"), "{args:?} {closed:?}: {code:?} {out} {err}");
    }
}

#[test]
fn lists_and_rows_end_quietly() {
    let place = place(1);
    ends_quietly(place.path(), &["list", "keys"]);
    ends_quietly(place.path(), &["data", "c.toml", "--rows", "2000"]);
}

#[test]
fn training_goes_on_to_the_end_though_nobody_reads() {
    let place = place(40);
    let (code, _, _) = mtl(place.path(), &["train", "c.toml"], Closed::Both);
    assert_eq!(code, Some(0));
    let log = place.read("runs/c/log.jsonl");
    assert_eq!(log.lines().filter(|line| line.contains("\"type\":\"epoch\"")).count(), 40);
    let metrics: serde_json::Value = serde_json::from_str(&place.read("runs/c/metrics.json")).unwrap();
    assert!(metrics["test"]["tasks"][0]["metrics"].is_array(), "{metrics}");
    assert!(fs::metadata(place.path().join("runs/c/model.safetensors")).unwrap().len() > 0);
}

/// More of the kind: every other verb, with either stream closed.
#[test]
fn every_verb_of_output_ends_quietly() {
    let place = place(1);
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    let verbs: &[&[&str]] = &[
        &["list", "keys", "--markdown"],
        &["list", "--json"],
        &["data", "c.toml", "--json"],
        &["doctor"],
        &["doctor", "c.toml", "--set", "train.batch_size=500"],
        &["train", "c.toml", "--dry-run"],
        &["eval", "run"],
        &["predict", "run", "--input", "train.csv"],
        &["explain", "run", "--samples", "8", "--draws", "2"],
    ];
    for verb in verbs {
        ends_quietly(place.path(), verb);
    }
}

#[test]
fn every_verb_of_files_goes_on() {
    let place = place(1);
    place.done(&["train", "c.toml", "--run-dir", "run"]);
    goes_on(place.path(), &["train", "c.toml"]);
    goes_on(place.path(), &["report", "run"]);
    let (code, _, _) = mtl(place.path(), &["export", "run", "--to", "model"], Closed::Both);
    assert!(code == Some(0) && place.path().join("model").is_dir());
    let compare = ["compare", "c.toml", "--sharing", "hard", "--seeds", "1", "--dir", "grid"];
    let (code, _, _) = mtl(place.path(), &compare, Closed::Both);
    assert!(code == Some(0) && place.path().join("grid/compare.html").exists());
    goes_on(place.path(), &compare); // finished before: read back
    goes_on(place.path(), &["predict", "run", "--input", "train.csv", "--output", "answers.csv"]);
}

/// A full disk is no closed pipe: it is told, in one line.
#[test]
fn a_full_disk_is_told() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return skip::note(skip::Lacking::System, "/dev/full", "a file that is always full, which Linux has");
    };
    let mut program = Command::new(env!("CARGO_BIN_EXE_mtl"));
    let out = program.args(["list", "keys"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let err = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.code() == Some(2) && err.starts_with("error: standard output: cannot write: "), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

/// Nothing in the crate prints past the one door, which knows what a closed pipe means.
#[test]
fn there_is_one_door() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("mtl-bench") {
                visit(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let prints = |line: &str| {
                    let line = line.trim_start();
                    // An example of the model card is a text.
                    !line.starts_with("//")
                        && !line.contains("\\n    println!")
                        && ["println!(", "print!(", "dbg!("].iter().any(|p| line.contains(p))
                };
                found
                    .extend(code.lines().filter(|line| prints(line)).map(|line| format!("{}: {line}", path.display())));
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, Vec::<String>::new());
}
