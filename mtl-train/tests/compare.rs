//! A whole comparison through the program: killed, resumed, changed, read back.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, SystemTime},
};

use mtl_train::study::compare::Comparison;

const CONFIG: &str = r#"
[data]
kind = "synthetic-mmoe"
train = 600
validation = 200
test = 200
targets = "binary"

[encoder]
kind = "tabular"
token_width = 2
hidden = [8]

[train]
epochs = 3
batch_size = 32
checkpoint_every = 20
optimizer = { kind = "adamw", lr = 0.01 }

[device]
threads = 1

[compare]
sharing = ["hard", { kind = "mmoe", experts = 2, hidden = [8] }]
balancer = ["equal", "upgrad"]
seeds = 2
"#;

fn mtl(config: &Path, dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtl"));
    command.arg("compare").arg(config).arg("--dir").arg(dir).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finished(command: &mut Command) -> Output {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out
}

/// When each finished cell was written.
fn cells(dir: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let Ok(entries) = fs::read_dir(dir.join("cells")) else { return BTreeMap::new() };
    let outcomes = entries.map(|entry| entry.unwrap().path().join("metrics.json")).filter(|path| path.exists());
    outcomes.map(|path| (path.clone(), fs::metadata(&path).unwrap().modified().unwrap())).collect()
}

/// A comparison without what depends on the clock or the allocator.
fn figures(dir: &Path) -> Comparison {
    let text = fs::read_to_string(dir.join("compare.json")).unwrap();
    let mut comparison: Comparison = serde_json::from_str(&text).unwrap();
    for method in &mut comparison.methods {
        method.seconds_per_epoch = None;
        method.samples_per_second = None;
        method.peak_memory_mb = None;
    }
    comparison
}

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("study.toml");
    fs::write(&config, CONFIG).unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let out = finished(&mut mtl(&config, &whole, &[]));
    let table = String::from_utf8(out.stdout).unwrap();
    for part in ["single task", "hard + equal", "mmoe + upgrad", "y1-high auroc ↑", "delta_m", "Friedman over 4 blocks"]
    {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    let comparison = figures(&whole);
    assert_eq!(comparison.methods.len(), 5);
    assert!(comparison.methods.iter().all(|m| m.seeds == [0, 1] && m.parameters > 0));
    assert!(comparison.methods[1..].iter().all(|m| m.delta_m.as_ref().unwrap().n == 2));
    let page = fs::read_to_string(whole.join("compare.html")).unwrap();
    assert!(page.contains("mmoe + upgrad") && page.contains("critical difference"));

    let mut kills = 0;
    for attempt in 0..30_u64 {
        let before = cells(&killed);
        let mut child = mtl(&config, &killed, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(150 + 50 * attempt));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        let after = cells(&killed);
        assert!(before.iter().all(|(path, time)| after.get(path) == Some(time)), "a finished cell was trained again");
    }
    assert!(kills > 2, "it was over before it could be killed");
    finished(&mut mtl(&config, &killed, &[]));
    assert_eq!(figures(&killed), comparison, "after {kills} kills");

    // Another grid: its equal cells are read back, the others are not touched.
    let before = cells(&whole);
    let flags = ["--sharing", "hard", "--balancer", "equal,pcgrad", "--seeds", "2", "--with-stl"];
    let out = finished(&mut mtl(&config, &whole, &flags));
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said.matches("finished before").count(), 2 * 3, "{said}");
    let after = cells(&whole);
    assert!(before.iter().all(|(path, time)| after.get(path) == Some(time)));
    assert_eq!(after.len(), before.len() + 2, "pcgrad with two seeds");
    let changed = figures(&whole);
    let names: Vec<&str> = changed.methods.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["single task", "hard + equal", "hard + pcgrad"]);
    assert_eq!(changed.methods[1].metrics, comparison.methods[1].metrics);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("study.toml");
    let dir = folder.path().join("runs");
    let refused = |text: &str, more: &[&str]| {
        fs::write(&config, text).unwrap();
        let out = mtl(&config, &dir, more).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!((out.status.code(), said.matches("error: ").count()), (Some(2), 1), "{said}");
        assert!(!dir.exists(), "something was trained before: {said}");
        said
    };
    let e = refused(&CONFIG.replace("\"upgrad\"", "\"upgrd\""), &[]);
    assert!(e.contains("study.toml:25") && e.contains("did you mean \"upgrad\""), "{e}");
    let e = refused(&CONFIG.replace("experts = 2", "experts = 0"), &[]);
    assert!(e.contains("study.toml:24: compare.sharing[1].experts must be >= 1, found 0"), "{e}");
    // Only the builder of the method knows that two tasks are too few, and it is the last of the grid.
    let e = refused(&CONFIG.replace("\"upgrad\"", "{ kind = \"krum\", selected = 3 }"), &[]);
    assert!(e.contains("krum: selected must be in 1..=2, found 3"), "{e}");
    let e = refused(CONFIG, &["--balancer", "nope"]);
    assert!(e.contains("unknown balancer \"nope\""), "{e}");
    let e = refused(&CONFIG.replace("seeds = 2", "seeds = [1, 1]"), &[]);
    assert!(e.contains("seeds must be different"), "{e}");
    let one = format!("{CONFIG}\n[[task]]\nname = \"y1-high\"\n");
    let e = refused(&one, &["--cv-weights"]);
    assert!(e.contains("at least 2 to weigh"), "{e}");
}
