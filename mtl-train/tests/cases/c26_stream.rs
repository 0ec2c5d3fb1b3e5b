//! A table without end, as its user types it: from a file, from the standard input, killed in the middle of a batch and going on,
//! with what it cannot have, and then asked what other runs are asked.

use std::{
    fs,
    io::Write,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::run::{Place, csv_config};

const ROWS: u32 = 1_200;

/// Two numbers, a color, a class that hangs on them; the rule changes in the middle.
fn rows(n: u32) -> String {
    let mut text = String::from("a,b,color,above,level\n");
    for row in 0..n {
        let mix = row.wrapping_mul(2_654_435_761) >> 7;
        let (a, b) = (f64::from(mix % 101) - 50.0, f64::from(mix / 101 % 89) - 44.0);
        let is_above = if row < ROWS / 2 { a + b > 0.0 } else { a - b > 0.0 };
        let (color, above) = (["red", "green"][usize::from(row % 3 == 0)], if is_above { "yes" } else { "no" });
        text += &format!("{a},{b},{color},{above},{}\n", a / 10.0);
    }
    text
}

fn config(stream: &str) -> String {
    let columns = [
        r#"{ name = "a", kind = "numeric" }"#,
        r#"{ name = "b", kind = "numeric" }"#,
        r#"{ name = "color", kind = "categorical" }"#,
        r#"{ name = "above", kind = "label", label = { binary = { positive = "yes", negative = "no" } } }"#,
        r#"{ name = "level", kind = "label", label = "value" }"#,
    ];
    let plain = csv_config(&columns).replace("epochs = 1", "optimizer = { kind = \"adam\", lr = 2e-2 }");
    format!("{plain}[stream]\nwarmup_rows = 64\nevery = 64\nwindow = 192\ncheckpoint_every = 200\n{stream}\n")
}

fn place() -> Place {
    let place = Place::new();
    place.write("train.csv", rows(ROWS));
    place.write("c.toml", config("drift = { kind = \"page-hinkley\", threshold = 5.0, least = 5 }"));
    place
}

fn start(place: &Place, args: &[&str]) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mtl"));
    program.current_dir(place.path()).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    program.spawn().unwrap()
}

/// What a run leaves that may not depend on how it came to its end.
fn left(place: &Place, run: &str) -> [Vec<u8>; 3] {
    ["model.safetensors", "curve.jsonl", "stream.json"]
        .map(|file| fs::read(place.path().join(run).join(file)).unwrap_or_else(|e| panic!("{run}/{file}: {e}")))
}

fn points(place: &Place, run: &str) -> usize {
    fs::read_to_string(place.path().join(run).join("curve.jsonl")).map_or(0, |text| text.lines().count())
}

/// Kills the program once its curve has so many points.
fn kill_at(place: &Place, run: &str, mut child: Child, n: usize) {
    let start = Instant::now();
    while points(place, run) < n {
        assert!(start.elapsed() < Duration::from_secs(120), "{run} got no further than {} points", points(place, run));
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path().join(run).join("stream.json").exists(), "{run} had ended before it was killed");
}

#[test]
fn from_a_file_from_a_pipe_or_killed_the_run_is_the_same_to_the_bit() {
    let place = place();
    let told = place.done(&["stream", "c.toml", "--run-dir", "whole"]);
    assert!(told.out.contains("1200 rows learned, 1136 of them judged before"), "{}", told.out);
    assert!(
        told.err.contains("first 64 rows teach codes") && told.err.contains("learning rate is constant"),
        "{}",
        told.err
    );
    let whole = left(&place, "whole");
    assert_eq!(points(&place, "whole"), 18);

    // Half a row lies in the pipe when the kill comes, between two checkpoints.
    let text = rows(ROWS);
    let cut = text.len() / 2;
    let mut child = start(&place, &["stream", "c.toml", "--input", "-", "--run-dir", "piped"]);
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&text.as_bytes()[..cut]).unwrap();
    kill_at(&place, "piped", child, 7);
    drop(pipe);
    let mut child = start(&place, &["stream", "c.toml", "--input", "-", "--run-dir", "piped", "--resume"]);
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(left(&place, "piped") == whole, "from a pipe, killed");

    // The same of a file that grows, which ends in the middle of a row when the kill comes, and of one with other line ends.
    place.write("grown.csv", &text[..cut]);
    let grown = ["stream", "c.toml", "--input", "grown.csv", "--run-dir", "grown"];
    kill_at(&place, "grown", start(&place, &[&grown[..], &["--follow"]].concat()), 7);
    fs::OpenOptions::new()
        .append(true)
        .open(place.path().join("grown.csv"))
        .unwrap()
        .write_all(&text.as_bytes()[cut..])
        .unwrap();
    place.done(&[&grown[..], &["--resume"]].concat());
    assert!(left(&place, "grown") == whole, "from a file that grew, killed");
    let log = |run: &str| -> Vec<String> {
        let text = place.read(&format!("{run}/log.jsonl"));
        text.lines().filter(|line| line.contains("\"type\":\"drift\"")).map(str::to_owned).collect()
    };
    assert!(
        !log("whole").is_empty() && log("whole") == log("piped") && log("whole") == log("grown"),
        "{:?}",
        log("whole")
    );

    place.write("other.csv", text.replace('\n', "\r\n"));
    place.done(&["stream", "c.toml", "--input", "other.csv", "--run-dir", "other"]);
    assert!(left(&place, "other") == whole, "CRLF");

    // What is not the stream that was read is refused in a line.
    let resume = ["stream", "c.toml", "--input", "grown.csv", "--run-dir", "grown", "--resume"];
    for (written, said) in [
        (text[..cut].to_owned(), "it was cut off or is another stream"),
        (text.replacen("a,b,color", "b,a,color", 1), "expected \"a\" as column 1, as it was learned from, found \"b\""),
        (text.replace("yes", "yep"), "others: it was rewritten or is another stream"),
    ] {
        place.write("grown.csv", written);
        let e = place.refused(&[&resume[..], &["--follow"]].concat());
        assert!(e.contains(said) && e.contains("grown.csv"), "{e}");
    }
}

#[test]
fn what_a_stream_cannot_have_is_refused_in_a_line_before_there_is_a_folder() {
    let place = place();
    for (set, said) in [
        ("device.ranks=2", "ranks must be 1 for a stream, which is read once, found 2"),
        ("train.accumulate=2", "accumulate must be left out: in a stream a larger batch_size does the same"),
        ("train.patience=2", "patience must be left out: a stream is not validated"),
        ("train.selection=\"above.auroc\"", "selection must be left out: a stream is not validated"),
        ("train.schedule.kind=\"polynomial\"", "schedule must be constant, or train.steps given"),
        ("balancer.kind=\"auto-lambda\"", "one that learns from the stream alone"),
        ("stream.every=50", "every must be a multiple of train.batch_size, which is 32: 64"),
        ("stream.warmup_rows=0", "warmup_rows must be >= 1 without --from"),
        ("stream.idle_seconds=1.0", "left out unless follow = true"),
        ("stream.drift.kind=\"none\"", "drift"),
        ("data.format.encoding=\"latin1\"", "iconv"),
        ("data.train=\"\"", "train"),
    ] {
        let e = place.refused(&["stream", "c.toml", "--run-dir", "refused", "--set", set]);
        assert!(e.contains(said), "{set}: {e}");
        assert!(!place.path().join("refused").exists(), "{set}");
    }
    place.write("faded.toml", config("fading = 0.99") + "[[task]]\nname = \"level\"\nmetrics = [\"spearman\"]\n");
    let e = place.refused(&["stream", "faded.toml", "--run-dir", "refused"]);
    assert!(e.contains("spearman") && e.contains("weights") && !place.path().join("refused").exists(), "{e}");
    place.write("bad.csv", rows(400).replacen("red", "red,red", 1) + "1,2,red,maybe,3\n");
    let e = place.refused(&["stream", "c.toml", "--input", "bad.csv", "--run-dir", "refused"]);
    assert!(e.contains("bad.csv:3: expected 5 columns, found 6") && !place.path().join("refused").exists(), "{e}");
    let skip = ["stream", "c.toml", "--input", "bad.csv", "--run-dir", "bad", "--set", "stream.bad_rows=\"skip\""];
    let e = place.refused(&skip);
    assert!(e.contains("bad.csv:402: column \"above\": label \"maybe\""), "{e}");
    // The run of before stands at its last checkpoint, and other settings are another run.
    let missing = ["--set", "stream.unknown_labels=\"missing\""];
    let e = place.refused(&[&skip[..], &missing, &["--resume"]].concat());
    assert!(e.contains("stream.unknown_labels was \"refuse\", is \"missing\""), "{e}");
    let told = place
        .done(&[&["stream", "c.toml", "--input", "bad.csv", "--run-dir", "fine"][..], &skip[6..], &missing].concat());
    let told = told.err + &told.out;
    assert!(told.contains("bad.csv:3: expected 5 columns, found 6 (passed over and counted"), "{told}");
    assert!(told.contains("passed over: 1 rows that could not be read, 1 unknown labels"), "{told}");
    assert!(told.contains("400 rows learned"), "{told}");
}

#[test]
fn other_verbs_know_what_a_stream_is() {
    let place = place();
    let doctor = place.done(&["doctor", "c.toml"]);
    assert!(doctor.out.contains("first 64 rows teach"), "{}", doctor.out);
    let ran = place.mtl(&["doctor", "c.toml", "--set", "train.ema={}"]);
    assert!(ran.code == 2 && ran.err.contains("ema must be left out"), "{}{}", ran.out, ran.err);
    assert!(place.done(&["doctor", "c.toml", "--set", "data.train=\"-\""]).out.contains("standard input was not read"));
    for verb in [
        &["train", "c.toml"][..],
        &["train", "c.toml", "--find-lr"],
        &["compare", "c.toml"],
        &["compare", "c.toml", "--cv-weights"],
    ] {
        let e = place.refused(verb);
        assert!(e.contains("stream must be left out: a table without end is for mtl stream"), "{verb:?}: {e}");
    }
    assert!(!place.path().join("runs").exists());

    place.done(&["stream", "c.toml"]);
    place.done(&["report", "runs/c"]);
    assert!(place.read("runs/c/report.html").contains("200 rows learned"));
    place.write("asked.csv", "a,b,color\n40,40,red\n-40,-40,green\n");
    let said = place.done(&["predict", "runs/c", "--input", "asked.csv"]);
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    let exported = place.mtl(&["export", "runs/c", "--to", "model"]);
    assert!(
        exported.code == 0 && exported.err.is_empty() && place.path().join("model").is_dir(),
        "{}{}",
        exported.out,
        exported.err
    );
    for verb in ["eval", "explain", "affinity"] {
        let e = place.refused(&[verb, "runs/c"]);
        assert!(e.contains("a stream was learned from here, and it is read once"), "{verb}: {e}");
    }
    let e = place.refused(&["train", "runs/c", "--resume"]);
    assert!(e.contains("stream must be left out"), "{e}");

    // A model goes on: of a stream, and of splits, whose settings of validation do not count.
    let told = place.done(&["stream", "--from", "runs/c", "--run-dir", "more"]);
    assert!(told.out.contains("1200 rows learned, 1200 of them judged before"), "{}", told.out);
    place.write(
        "splits.toml",
        config("").split("[stream]").next().unwrap().replace("[train]", "[train]\nepochs = 2\npatience = 2"),
    );
    place.done(&["train", "splits.toml", "--run-dir", "trained"]);
    let told = place.done(&["stream", "--from", "trained", "--run-dir", "on"]);
    assert!(told.err.contains("says of patience does not count for a stream"), "{}", told.err);
    let e = place.refused(&["stream", "c.toml", "--from", "trained", "--run-dir", "x", "--set", "encoder.hidden=[5]"]);
    assert!(!e.is_empty() && !place.path().join("x").exists(), "{e}");
}

/// The figures of the bench, made small: ten million rows are its own business.
#[test]
fn the_bench_of_streams_runs_on_few_rows_too() {
    let place = Place::new();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_mtl-bench"));
    let ran = bench
        .current_dir(place.path())
        .args(["--suite", "stream", "--rows", "30000", "--out", "out"])
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && said.contains("30000 rows in ") && said.contains("rows/s"), "{said}");
    let figures: serde_json::Value = serde_json::from_str(&place.read("out/report.json")).unwrap();
    let parts = figures["stream"]["parts"].as_array().unwrap();
    assert!(parts.len() >= 4 && parts.iter().all(|part| part["metrics"].as_array().unwrap().len() == 2), "{figures}");
}
