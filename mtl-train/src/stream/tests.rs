//! Runs on streams: test-then-train, kills and resumption, settings that a stream cannot have.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use mtl_core::rng::{Rng, derive};
use mtl_data::table::stream::Stop;
use tempfile::TempDir;

use super::*;
use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    deploy::predict::Predictor,
    run::{data::Reopen, dir::RunDir},
    train::trainer::{Ending, Flow, Observer, StepSummary},
};

/// Rows of two tasks, whose rules change at a row.
fn rows(n: u64, change_at: u64) -> String {
    let mut rng = Rng::new(derive(3, "rows", 0));
    let mut text = String::from("a,b,color,above,level\n");
    for row in 0..n {
        let (a, b) = (rng.normal(), rng.normal());
        let color = ["red", "green", "blue"][usize::try_from(rng.below(3)).unwrap()];
        let (w, v) = if row < change_at { (a + b, a - b) } else { (-a + b, -2.0 * a + 3.0) };
        let above = if w > 0.0 { "yes" } else { "no" };
        text += &format!("{a:.4},{b:.4},{color},{above},{:.4}\n", v + 0.05 * rng.normal());
    }
    text
}

fn folder(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn text(path: &Path, stream: &str) -> String {
    format!(
        r#"
        [data]
        kind = "csv"
        train = "{}"
        schema = {{ columns = [
            {{ name = "a", kind = "numeric" }},
            {{ name = "b", kind = "numeric" }},
            {{ name = "color", kind = "categorical" }},
            {{ name = "above", kind = "label", label = {{ binary = {{ positive = "yes", negative = "no" }} }} }},
            {{ name = "level", kind = "label", label = "value" }},
        ] }}
        [encoder]
        kind = "tabular"
        token_width = 2
        hidden = [16]
        [[task]]
        name = "level"
        primary = "rmse"
        [[task]]
        name = "above"
        primary = "accuracy"
        metrics = ["auroc"]
        [train]
        batch_size = 20
        optimizer = {{ kind = "adam", lr = 2e-2 }}
        [stream]
        warmup_rows = 100
        every = 100
        window = 300
        fading = 0.99
        checkpoint_every = 200
        drift = {{ kind = "page-hinkley", threshold = 15.0 }}
        {stream}
        [device]
        threads = 1
        "#,
        path.display()
    )
}

fn config(path: &Path, stream: &str) -> RunConfig {
    RunConfig::parse(&text(path, stream), "stream.toml".as_ref()).unwrap()
}

/// Stops after so many steps of this part of the run, without a word to the stream: a kill, but for what is saved at a stop.
struct Until(u64);

impl Observer for Until {
    fn step(&mut self, _step: &StepSummary<'_>) {
        self.0 -= 1;
    }
    fn flow(&self) -> Flow {
        if self.0 == 0 { Flow::Stop } else { Flow::Continue }
    }
}

/// Copies the run's folder at a point of the curve: what a kill at that moment would leave.
struct Snapshot<'a> {
    judged: u64,
    root: &'a Path,
    to: &'a Path,
}

impl StreamWatcher for Snapshot<'_> {
    fn point(&mut self, point: &Point) {
        if point.judged == self.judged {
            copy(self.root, self.to);
        }
    }
    fn drift(&mut self, _task: &str, _row: u64, _change: drift::Change) {}
    fn noticed(&mut self, _finding: &Finding) {}
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = {
            let entry = entry.unwrap();
            (entry.path(), entry.file_name())
        };
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => _ = fs::copy(&path, to.join(name)).unwrap(),
        }
    }
}

fn create(root: &Path, config: RunConfig) -> StreamRun {
    StreamRun::create(root, config, None, &Stop::default()).unwrap()
}

fn files(root: &Path) -> [Vec<u8>; 3] {
    ["model.safetensors", "curve.jsonl", "stream.json"].map(|name| fs::read(root.join(name)).unwrap())
}

fn drifts(root: &Path) -> Vec<String> {
    let log = fs::read_to_string(root.join("log.jsonl")).unwrap();
    log.lines().filter(|line| line.contains("\"type\":\"drift\"")).map(str::to_owned).collect()
}

#[test]
fn a_planted_change_is_in_the_curve_and_noticed_and_whoever_is_stopped_goes_on_to_the_same_bits() {
    let (folder, path) = folder(&rows(4_010, 2_000));
    let whole = folder.path().join("whole");
    let (ending, found) = create(&whole, config(&path, "")).run(&mut (), &mut ()).unwrap();
    assert_eq!((ending, found.rows, found.judged, found.lines), (Ending::Finished, 4_010, 3_910, 4_011));
    let points = Point::read(&whole.join("curve.jsonl"), 1000).unwrap();
    assert_eq!((points.len(), points[0].rows, points[0].judged), (39, 200, 100));
    let at = |rows: u64, task: usize| {
        let point = points.iter().find(|point| point.rows == rows).unwrap();
        point.tasks[task].window[0].outcome.value.unwrap()
    };
    let [before, after, later] = [2_000, 2_300, 4_000].map(|rows| at(rows, 1));
    assert!(before > 0.9 && after < before - 0.1 && later > 0.9, "accuracy {before} {after} {later}");
    let [before, after, later] = [2_000, 2_300, 4_000].map(|rows| at(rows, 0));
    assert!(after > 2.0 * before && later < 0.5 * after, "rmse {before} {after} {later}");
    let noticed = drifts(&whole);
    let near = noticed.iter().any(|line| {
        let row = serde_json::from_str::<serde_json::Value>(line).unwrap()["row"].as_u64().unwrap();
        (2_000..2_400).contains(&row)
    });
    assert!(near, "{noticed:?}");

    for (number, steps) in [1, 7, 100, 137].into_iter().enumerate() {
        let root = folder.path().join(format!("part{number}"));
        let mut run = create(&root, config(&path, ""));
        assert_eq!(run.run(&mut Until(steps), &mut ()).unwrap().0, Ending::Stopped);
        drop(run);
        let mut run = StreamRun::resume(&root, config(&path, ""), &Stop::default()).unwrap();
        assert_eq!(run.run(&mut (), &mut ()).unwrap().0, Ending::Finished);
        assert!(files(&root) == files(&whole), "stopped after {steps}");
        assert_eq!(drifts(&root), noticed);
    }
    for judged in [100, 900, 2_200] {
        let (root, left) = (folder.path().join(format!("run{judged}")), folder.path().join(format!("left{judged}")));
        create(&root, config(&path, "")).run(&mut (), &mut Snapshot { judged, root: &root, to: &left }).unwrap();
        StreamRun::resume(&left, config(&path, ""), &Stop::default()).unwrap().run(&mut (), &mut ()).unwrap();
        assert!(files(&left) == files(&whole), "killed after {judged} rows");
        assert_eq!(drifts(&left), noticed);
    }
}

#[test]
fn labels_that_come_late_are_learned_late_and_the_run_goes_on_just_so() {
    let (folder, path) = folder(&rows(1_000, 500));
    let delayed = config(&path, "label_delay = 100");
    let whole = folder.path().join("whole");
    let (_, found) = create(&whole, delayed.clone()).run(&mut (), &mut ()).unwrap();
    assert_eq!((found.rows, found.judged), (1_000, 900));
    let root = folder.path().join("part");
    create(&root, delayed.clone()).run(&mut Until(11), &mut ()).unwrap();
    assert_ne!(files(&root)[0], files(&whole)[0]);
    StreamRun::resume(&root, delayed, &Stop::default()).unwrap().run(&mut (), &mut ()).unwrap();
    assert!(files(&root) == files(&whole));
    let at_once = folder.path().join("at_once");
    create(&at_once, config(&path, "")).run(&mut (), &mut ()).unwrap();
    assert_ne!(files(&at_once)[1], files(&whole)[1], "who learns later knows less when judged");
}

#[test]
fn a_run_of_a_stream_answers_as_any_other_and_its_model_goes_on_learning_on_another() {
    let (folder, path) = folder(&rows(1_200, 10_000));
    let first = folder.path().join("first");
    create(&first, config(&path, "")).run(&mut (), &mut ()).unwrap();
    Predictor::open(&first, tch::Device::Cpu).unwrap();
    let dir = RunDir::open(&first).unwrap();
    let e = dir.reload(&dir.config().unwrap(), &Reopen::default()).unwrap_err().to_string();
    assert!(e.contains("a stream was learned from here, and it is read once"), "{e}");
    let page = fs::read_to_string(write_page(&dir).unwrap()).unwrap();
    assert!(page.contains("above: accuracy") && page.contains("rows learned"), "{page}");

    let second = folder.path().join("second");
    let run = StreamRun::create(&second, config(&path, ""), Some(&first), &Stop::default());
    let mut run = run.unwrap();
    let (_, found) = run.run(&mut (), &mut ()).unwrap();
    assert_eq!((found.rows, found.judged), (1_200, 1_200), "nothing has to be warmed up");
    let started = |root: &Path| {
        let points = Point::read(&root.join("curve.jsonl"), 1000).unwrap();
        points[0].tasks[1].window[0].outcome.value.unwrap()
    };
    assert!(started(&second) > started(&first), "it knows what it learned");
    let e = StreamRun::create(&second, config(&path, ""), None, &Stop::default()).unwrap_err().to_string();
    assert!(e.contains("there is a run in this folder"), "{e}");
}

#[test]
fn a_file_that_grows_is_followed_and_one_that_was_rewritten_is_refused() {
    let text = rows(600, 10_000);
    let (start, rest) = text.split_at(text.len() / 2 + 3);
    let (folder, path) = folder(start);
    let root = folder.path().join("run");
    let follow = "follow = true\nidle_seconds = 0.3";
    let writer = {
        let (path, rest) = (path.clone(), rest.to_owned());
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            OpenOptions::new().append(true).open(path).unwrap().write_all(rest.as_bytes()).unwrap();
        })
    };
    let (_, found) = create(&root, config(&path, follow)).run(&mut (), &mut ()).unwrap();
    writer.join().unwrap();
    assert_eq!(found.rows, 600);
    let at_once = folder.path().join("at_once");
    create(&at_once, config(&path, "")).run(&mut (), &mut ()).unwrap();
    assert!(files(&root)[..2] == files(&at_once)[..2], "how rows arrive changes nothing");

    let more = &rows(700, 10_000)[text.len()..];
    OpenOptions::new().append(true).open(&path).unwrap().write_all(more.as_bytes()).unwrap();
    let (_, found) =
        StreamRun::resume(&root, config(&path, ""), &Stop::default()).unwrap().run(&mut (), &mut ()).unwrap();
    assert_eq!(found.rows, 700, "it has grown since");
    fs::write(&path, &text).unwrap();
    let e = StreamRun::resume(&root, config(&path, ""), &Stop::default()).unwrap_err().to_string();
    assert!(e.contains("it was cut off or is another stream"), "{e}");
    let e = StreamRun::resume(&root, config(&path, "label_delay = 20"), &Stop::default()).unwrap_err().to_string();
    assert!(e.contains("stream.label_delay was 0, is 20"), "{e}");
}

#[test]
fn what_a_stream_cannot_have_is_refused_by_name() {
    let (folder, path) = folder(&rows(200, 10_000));
    let refusal = |more: &str, stream: &str| {
        let config =
            RunConfig::parse(&(text(&path, stream).replace("[train]", &format!("[train]\n{more}"))), "s".as_ref());
        let root = folder.path().join("refused");
        let refused = StreamRun::create(&root, config.unwrap(), None, &Stop::default())
            .and_then(|mut run| run.run(&mut (), &mut ()));
        _ = fs::remove_dir_all(&root);
        refused.unwrap_err().to_string()
    };
    for (more, part) in [
        ("accumulate = 2", "accumulate must be left out"),
        ("patience = 2", "patience must be left out"),
        ("ema = {}", "ema must be left out"),
        ("schedule = { kind = \"polynomial\" }", "schedule must be constant, or train.steps given"),
        ("schedule = { kind = \"plateau\" }", "schedule must be one that does not wait for validation"),
    ] {
        let e = refusal(more, "");
        assert!(e.contains(part), "{e}");
    }
    let none = RunConfig::parse("data = { kind = \"synthetic-mmoe\" }", "s".as_ref()).unwrap();
    let e = StreamRun::create(&folder.path().join("x"), none, None, &Stop::default()).unwrap_err().to_string();
    assert!(e.contains("kind must be csv: a stream is rows of a table"), "{e}");
}
