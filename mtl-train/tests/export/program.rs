//! `mtl export` and `mtl predict` as a user meets them.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use crate::fixture::Run;

fn mtl(run: &Run, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtl")).current_dir(run.path("")).args(arguments).output().unwrap()
}

fn refused(run: &Run, arguments: &[&str]) -> String {
    let out = mtl(run, arguments);
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

fn succeeded(run: &Run, arguments: &[&str]) -> String {
    let out = mtl(run, arguments);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn from_a_run_to_answers() {
    let run = Run::new();
    let listed = succeeded(&run, &["export", "run", "--to", "package"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(!run.path("package/.unfinished").exists());
    let text = succeeded(&run, &["predict", "package", "--input", "test.csv"]);
    let header = "row,grade,grade.a,grade.b,grade.c,sold.yes,price,box.w,box.h";
    assert_eq!(text.lines().next(), Some(header));
    assert_eq!(text.lines().count(), 124);
    let from_run = succeeded(&run, &["predict", "run", "--input", "test.csv"]);
    assert_eq!(text, from_run);
    succeeded(
        &run,
        &["predict", "package/model.pt", "--input", "test.csv", "--output", "out.jsonl", "--batch-size", "9"],
    );
    let lines = fs::read_to_string(run.path("out.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let grades = last["grade"]["probabilities"].as_object().unwrap();
    assert!(last["row"] == 122 && (grades.values().map(|p| p.as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 1e-5);
    // The same from the standard input.
    let mut child = Command::new(env!("CARGO_BIN_EXE_mtl"))
        .current_dir(run.path(""))
        .args(["predict", "package", "--input", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(run.path("test.csv")).unwrap()).unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), text);
}

#[test]
fn bad_rows_are_named_and_lose_nothing() {
    let run = Run::new();
    succeeded(&run, &["export", "run", "--to", "package", "--format", "safetensors"]);
    let text = fs::read_to_string(run.path("test.csv")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let bad = format!("huge{}", lines[100].trim_start_matches(|c| c != ','));
    lines[100] = &bad;
    fs::write(run.path("bad.csv"), lines.join("\n")).unwrap();
    fs::write(run.path("old.csv"), "older answers").unwrap();
    let predict = |input: &str| refused(&run, &["predict", "package", "--input", input, "--output", "old.csv"]);
    assert_eq!(predict("bad.csv"), r#"error: bad.csv:101: column "size": expected a finite number, found "huge""#);
    lines[100] = "1,red";
    fs::write(run.path("bad.csv"), lines.join("\n")).unwrap();
    assert_eq!(predict("bad.csv"), "error: bad.csv:101: expected 10 columns, found 2");
    fs::write(run.path("bad.csv"), "size,color,gain\n1,red,2\n").unwrap();
    assert!(predict("bad.csv").starts_with(r#"error: bad.csv:1: expected a column named "shop, town", found "size""#));
    assert!(predict("none.csv").starts_with("error: none.csv: cannot read"));
    assert_eq!(fs::read_to_string(run.path("old.csv")).unwrap(), "older answers");
    let left = fs::read_dir(run.path(""))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(".unfinished"));
    assert_eq!(left.count(), 0);
    let unknown = mtl(&run, &["predict", "package", "--input", "test.csv", "--format", "xml"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("known are csv, jsonl"));
    let e = refused(&run, &["predict", "package", "--input", "test.csv", "--batch-size", "0"]);
    assert!(e.contains("batch_size must be >= 1"), "{e}");
    let e = refused(&run, &["predict", "package", "--input", "test.csv", "--device", "cuda:99"]);
    assert!(e.contains("CUDA devices"), "{e}");
}

#[test]
fn what_is_no_model_is_said() {
    let run = Run::new();
    assert!(refused(&run, &["export", "nowhere", "--to", "package"]).contains("no run folder"));
    assert!(refused(&run, &["predict", "nowhere", "--input", "test.csv"]).contains("expected the folder of a package"));
    assert!(
        refused(&run, &["predict", "test.csv", "--input", "test.csv"]).contains("no TorchScript file of `mtl export`")
    );
    assert!(refused(&run, &["predict", "run/model.safetensors", "--input", "test.csv"]).contains("name the folder"));
    assert!(refused(&run, &["export", "run", "--to", "run"]).contains("something here already"));
    fs::remove_file(run.path("run/model.safetensors")).unwrap();
    assert!(refused(&run, &["export", "run", "--to", "package"]).contains("has the run finished?"));
    assert!(!run.path("package").exists());
}
