//! The built program, run as a user runs it: exit codes, messages, and nothing left half-written.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `dir`, with a cache of its own and no settings from outside.
fn xtask(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(args)
        .current_dir(dir)
        .env("MTL_CACHE", dir.join("cache"))
        .env_remove("LIBTORCH")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn wrong_arguments_exit_with_two_and_name_the_right_ones() {
    let tmp = tempfile::tempdir().unwrap();
    for args in [&["frobnicate"][..], &[], &["bench", "--suite", "quik"], &["bench", "--seeds", "0"]] {
        assert_eq!(xtask(tmp.path(), args).status.code(), Some(2), "{args:?}");
    }
    let output = xtask(tmp.path(), &["data", "census"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("census-income"), "{}", stderr(&output));
}

#[test]
fn outside_a_checkout_the_program_says_so() {
    let tmp = tempfile::tempdir().unwrap();
    let output = xtask(tmp.path(), &["test"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: no workspace found"), "{}", stderr(&output));
    assert!(stderr(&output).contains("\nhelp: "), "{}", stderr(&output));
}

#[test]
fn tidy_finds_every_fault_of_a_bad_tree() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "CHANGELOG.md", "# Changelog\n");
    write(tmp.path(), "mtl-core/Cargo.toml", "[dependencies]\nmtl-heads.workspace = true\n");
    write(tmp.path(), "mtl-core/src/utils.rs", "fn f() {\n\tprintln!(\"x\"); \n}\n");
    let output = xtask(tmp.path(), &["tidy", "--root", "."]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for complaint in [
        "CHANGELOG.md: has no section",
        "mtl-core/Cargo.toml: mtl-core must not depend on mtl-heads",
        "mtl-core/src/utils.rs: a vague name",
        "mtl-core/src/utils.rs:1: the first line",
        "mtl-core/src/utils.rs:2: a tab",
        "mtl-core/src/utils.rs:2: blanks at the end",
        "mtl-core/src/utils.rs:2: a library must not print",
        "7 complaints",
    ] {
        assert!(text.contains(complaint), "{complaint:?} is not in\n{text}");
    }
}

#[test]
fn tidy_passes_a_good_tree() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "CHANGELOG.md", "## [Unreleased]\n");
    write(tmp.path(), "mtl-core/src/lib.rs", "//! Core.\n");
    let output = xtask(tmp.path(), &["tidy", "--root", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn corrupt_data_is_refused_and_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    for name in ["census_income_1994_1995_train.csv", "census_income_1994_1995_test.csv"] {
        write(tmp.path(), &format!("mine/{name}"), "39, Private\n");
    }
    let output = xtask(tmp.path(), &["data", "census-income", "--from", "mine"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("census_income_1994_1995_train.csv has 12 bytes"), "{text}");
    assert!(text.contains("--unchecked"), "{text}");
    let left = fs::read_dir(tmp.path().join("cache/data")).unwrap().count();
    assert_eq!(left, 0, "something half-written is left");
}

#[test]
fn unchecked_data_is_taken_and_shown_in_the_list() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "mine/census-income.data", "39, Private\n");
    write(tmp.path(), "mine/census-income.test", "40, Private\n");
    let args = ["data", "census-income", "--from", "mine", "--unchecked"];
    let output = xtask(tmp.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let dir = stdout(&output).trim().to_owned();
    let copied = Path::new(&dir).join("census_income_1994_1995_test.csv");
    assert_eq!(fs::read_to_string(copied).unwrap(), "40, Private\n");
    let list = stdout(&xtask(tmp.path(), &["data", "list"]));
    assert!(list.contains(&format!("[{dir}]")) && list.contains("not fetched"), "{list}");
}

#[test]
fn an_incomplete_folder_is_named_with_what_it_lacks() {
    let tmp = tempfile::tempdir().unwrap();
    fs::create_dir(tmp.path().join("mine")).unwrap();
    let output = xtask(tmp.path(), &["data", "fashion-mnist", "--from", "mine"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("mine has no train-images-idx3-ubyte.gz"));
}

#[test]
fn a_missing_client_is_a_clear_message() {
    let tmp = tempfile::tempdir().unwrap();
    // An empty search path: no python3, no apt-get.
    for (name, client) in [("census-income", "`python3`"), ("fashion-mnist", "`apt-get`")] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["data", name])
            .env("MTL_CACHE", tmp.path().join("cache"))
            .env("PATH", tmp.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(text.contains("error: ") && text.contains(client), "{text}");
        assert!(text.contains("help: "), "{text}");
    }
    assert_eq!(fs::read_dir(tmp.path().join("cache/data")).unwrap().count(), 0);
}

#[test]
fn setup_refuses_a_wrong_libtorch_and_links_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "Cargo.toml", "[workspace]\n");
    fs::create_dir(tmp.path().join("xtask")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("setup")
        .current_dir(tmp.path())
        .env("LIBTORCH", tmp.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("LIBTORCH is set to") && text.contains("libtorch_cpu.so is missing"), "{text}");
    assert!(text.contains("help: unset LIBTORCH"), "{text}");
    assert!(fs::symlink_metadata(tmp.path().join(".libtorch")).is_err());
}

#[test]
fn doctor_speaks_json_and_fails_without_libtorch() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "Cargo.toml", "[workspace]\n");
    fs::create_dir(tmp.path().join("xtask")).unwrap();
    let output = xtask(tmp.path(), &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stdout(&output);
    assert!(text.trim_start().starts_with('['), "{text}");
    assert!(text.contains("\"cargo xtask setup\""), "{text}");
}
