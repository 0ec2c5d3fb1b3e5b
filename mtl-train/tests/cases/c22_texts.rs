//! Texts in parallel files: what is wrong in them is said with file and line, answers stand in the order of the lines, and a run
//! remembers its words.

use std::process::Command;

use crate::run::{Place, Ran};

const CONFIG: &str = r#"
[data]
kind = "parallel-text"
dir = "talk"
train = "train"
test = "test"
text = "seq.in"
tasks = [{ name = "intent", file = "label", kind = "class" }]
[encoder]
kind = "lstm"
embedding = 6
hidden = 5
[train]
epochs = 2
batch_size = 16
[device]
threads = 1
"#;

/// Sixty lines of training, six of testing, of one to five words.
fn place() -> Place {
    let place = Place::new();
    for (folder, n) in [("train", 60usize), ("test", 6)] {
        let line = |at: usize| {
            let verb = ["buy", "sell", "list"][at % 3];
            let rest: String = (0..at % 5).map(|word| format!(" thing{}", (at * 7 + word) % 9)).collect();
            (format!("{verb}{rest}\n"), format!("{verb}ing\n"), format!("V{}\n", " B-thing".repeat(at % 5)))
        };
        let lines: Vec<_> = (0..n).map(line).collect();
        let file = |pick: &dyn Fn(&(String, String, String)) -> String| lines.iter().map(pick).collect::<String>();
        place.write(&format!("talk/{folder}/seq.in"), file(&|l| l.0.clone()));
        place.write(&format!("talk/{folder}/label"), file(&|l| l.1.clone()));
        place.write(&format!("talk/{folder}/seq.out"), file(&|l| l.2.clone()));
    }
    place.write("run.toml", CONFIG);
    place
}

fn with_tags() -> String {
    CONFIG.replace(
        "kind = \"class\" }]",
        "kind = \"class\" }, { name = \"slots\", file = \"seq.out\", kind = \"tags\" }]",
    )
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line_by_a_run_and_by_the_doctor() {
    let long = format!("buy{}\n", " thing".repeat(300));
    for (file, content, expected) in [
        (
            "test/label",
            "buying\n",
            "talk/test/label:2: expected a line, as in talk/test/seq.in, which has 6, found the end",
        ),
        (
            "test/seq.out",
            "V V\nV\nV\nV\nV\nV\n",
            "talk/test/seq.out:1: expected 1 tags, one for each word of talk/test/seq.in:1, found 2",
        ),
        ("train/seq.in", "buy\n\nbuy\n", "talk/train/seq.in:2: expected a sample, found an empty line"),
        ("train/seq.in", "", "talk/train/seq.in: expected at least one row of data, found none"),
        (
            "test/seq.in",
            &long,
            "talk/test/label:2: expected the end of the file, as in talk/test/seq.in, which has 1 lines",
        ),
    ] {
        let place = place();
        place.write("run.toml", with_tags());
        place.write(&format!("talk/{file}"), content);
        let e = place.refused(&["train", "run.toml"]);
        assert!(e.contains(expected) && e.lines().count() == 1, "{file}: {e}");
        let ran = place.mtl(&["doctor", "run.toml"]);
        assert!(ran.code != 0 && (ran.out.contains(expected) || ran.err.contains(expected)), "{file}: {ran:?}");
    }
    let place = place();
    place.write("talk/test/seq.in", b"buy\n\xffsell\nbuy\nbuy\nbuy\nbuy\n");
    assert!(place.refused(&["train", "run.toml"]).contains("talk/test/seq.in:2: expected text in UTF-8"));
    place.write("talk/test/seq.in", format!("{long}buy\nbuy\nbuy\nbuy\nbuy\n"));
    let e = place.refused(&["train", "run.toml"]);
    assert!(
        e.contains("talk/test/seq.in:1: expected at most 256 words, found 301 (raise max_length under [data]"),
        "{e}"
    );
    let e = place.refused(&["train", "run.toml", "--data-dir", "nowhere"]);
    assert!(e.contains("nowhere/train/seq.in: there is no such file") && e.contains("MTL_DATA_DIR"), "{e}");
    place.write("run.toml", CONFIG.replace("kind = \"class\"", "kind = \"clas\""));
    let e = place.refused(&["train", "run.toml"]);
    assert!(e.contains("run.toml:8") && e.contains('^'), "{e}");
}

#[test]
fn a_label_of_test_that_training_lacks_is_refused_or_counts_as_an_error() {
    let place = place();
    place.write("talk/test/label", "buying\nlending\nlisting\nbuying\nselling\nlisting\n");
    let e = place.refused(&["train", "run.toml"]);
    assert!(
        e.contains("talk/test/label:2: expected a class of task intent, one of \"buying\", \"listing\", \"selling\""),
        "{e}"
    );
    let ran = place.done(&["train", "run.toml", "--set", "data.new_labels=add", "--run-dir", "run"]);
    assert!(ran.err.contains("test, task intent: 1 label that training does not have: \"lending\""), "{ran:?}");
    place.write("new.txt", "lend thing1\n");
    let answers = place.done(&["predict", "run", "--input", "new.txt"]).out;
    assert!(
        answers.starts_with("row,intent,intent.buying,intent.listing,intent.selling,intent.lending\n"),
        "{answers}"
    );
}

#[test]
fn answers_stand_in_the_order_of_lines_however_long_those_are() {
    let place = place();
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let lines = ["sell thing1 thing2 thing3", "buy", "list new words", "buy thing8 thing1 thing2 thing5", "sell"];
    let answers = |lines: &[&str], more: &[&str]| {
        place.write("new.txt", lines.join("\n"));
        let out = place.done(&[&["predict", "run", "--input", "new.txt", "--format", "jsonl"], more].concat()).out;
        let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(rows.iter().enumerate().all(|(at, row)| row["row"] == at), "{out}");
        let of = |row: &serde_json::Value| row["intent"]["probabilities"]["buying"].as_f64().unwrap();
        rows.iter().map(of).collect::<Vec<_>>()
    };
    let all = answers(&lines, &[]);
    assert_eq!(all.len(), 5);
    let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close(&answers(&lines, &["--batch-size", "2"]), &all));
    for (line, answer) in lines.iter().zip(&all) {
        assert!(close(&answers(&[line], &[]), &[*answer]), "{line}");
    }
    let mut turned = lines;
    turned.reverse();
    assert!(close(&answers(&turned, &[]), &all.iter().rev().copied().collect::<Vec<_>>()));
    let piped = Command::new("sh")
        .current_dir(place.path())
        .args(["-c", "\"$0\" predict run --input - < new.txt", env!("CARGO_BIN_EXE_mtl")])
        .output()
        .unwrap();
    let piped = String::from_utf8(piped.stdout).unwrap();
    assert_eq!(piped.lines().count(), 6, "a header and five answers: {piped}");
    for (content, expected) in [
        ("buy\n\nsell\n", "new.txt:2: expected a sample, found an empty line"),
        ("buy\n\u{1}\u{2}\nbuy", ""),
        ("", "new.txt: expected at least one row of data, found none"),
    ] {
        place.write("new.txt", content);
        let ran = place.mtl(&["predict", "run", "--input", "new.txt"]);
        assert_eq!(ran.code == 2, !expected.is_empty(), "{ran:?}");
        assert!(ran.err.contains(expected), "{ran:?}");
    }
}

#[test]
fn a_run_keeps_its_words_wherever_its_data_go() {
    let place = place();
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let evaluated = place.done(&["eval", "run", "--split", "test"]).out;
    std::fs::rename(place.path().join("talk"), place.path().join("moved")).unwrap();
    assert!(
        place.refused(&["eval", "run"]).contains("talk/train/seq.in: the run was trained on this file, and it is gone")
    );
    assert_eq!(place.done(&["eval", "run", "--split", "test", "--data-dir", "moved"]).out, evaluated);
    // All data below one folder, named by the environment.
    std::fs::create_dir(place.path().join("all")).unwrap();
    std::fs::rename(place.path().join("moved"), place.path().join("all/talk")).unwrap();
    let mtl = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtl"));
        let out = command.current_dir(place.path()).env("MTL_DATA_DIR", place.path().join("all")).args(args).output();
        let (out, text) = (out.unwrap(), |bytes| String::from_utf8(bytes).unwrap());
        Ran { code: out.status.code().unwrap(), out: text(out.stdout), err: text(out.stderr) }
    };
    assert_eq!(mtl(&["eval", "run", "--split", "test"]).out, evaluated);
    let data = mtl(&["data", "run.toml"]);
    assert!(data.out.contains("% unknown") && data.out.contains("text=buy"), "{data:?}");
    let report = mtl(&["report", "run"]);
    assert!(report.code == 0 && place.read("run/report.html").contains("text: "), "{report:?}");
    // Another word in the place of one that was learned from.
    let text = place.read("all/talk/train/seq.in");
    place.write("all/talk/train/seq.in", text.replacen("sell", "vend", 1));
    let e = mtl(&["eval", "run"]);
    assert!(
        e.code == 2 && e.err.contains("seq.in: content changed since the run was trained (input \"text\": word "),
        "{e:?}"
    );
    let allowed = mtl(&["eval", "run", "--allow-changed-data"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    // Answers need no data, and travel in a package.
    place.write("new.txt", "sell thing1\nbuy\n");
    let expected = place.done(&["predict", "run", "--input", "new.txt"]).out;
    let e = place.mtl(&["export", "run", "--to", "script"]);
    assert!(e.code != 0 && e.err.contains("input text (") && e.err.contains("--format safetensors"), "{e:?}");
    place.done(&["export", "run", "--to", "package", "--format", "safetensors"]);
    assert_eq!(place.done(&["predict", "package", "--input", "new.txt"]).out, expected);
}
