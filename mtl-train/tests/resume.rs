//! Kill a run at any moment, resume it, and get the bits of the run that was never interrupted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use mtl_core::rng::Rng;
use mtl_train::{
    monitor::runlog::tensorboard::{self, Value, What},
    train::checkpoint::CheckpointStore,
};

fn config(optimizer: &str, balancer: &str, epochs: u64) -> String {
    format!(
        r#"
[data]
kind = "synthetic-mmoe"
train = 3000
validation = 300
test = 300
targets = "binary"

[encoder]
kind = "tabular"
token_width = 2
hidden = [16]
dropout = 0.1

[balancer]
kind = "{balancer}"

[train]
epochs = {epochs}
batch_size = 64
seed = 11
checkpoint_every = 7
clip_norm = 5.0
optimizer = {{ kind = "{optimizer}", lr = 0.01 }}

[log]
csv = true
tensorboard = true

[device]
threads = 1
"#
    )
}

fn mtl(config: &Path, run_dir: &Path, resume: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtl"));
    command.arg("train").arg(config).arg("--run-dir").arg(run_dir).args(["--log-every", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    if resume {
        command.arg("--resume");
    }
    command
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(99);
    // `MTL_KILLS=200 cargo test -p mtl-train --test resume` kills more often, in a run that is as much longer.
    let wanted: u64 = std::env::var("MTL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    for (optimizer, balancer) in [("adamw", "uncertainty"), ("sgd", "pcgrad")] {
        let path = dir.path().join(format!("{optimizer}.toml"));
        fs::write(&path, config(optimizer, balancer, 3 + 2 * wanted)).unwrap();
        let (whole, killed) =
            (dir.path().join(format!("{optimizer}-whole")), dir.path().join(format!("{optimizer}-killed")));
        let done = mtl(&path, &whole, false).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

        let (mut kills, mut any_checkpoint) = (0, false);
        while kills < wanted {
            let mut child = mtl(&path, &killed, killed.exists()).spawn().unwrap();
            // From before the first step to well within training, whatever the machine's speed.
            sleep(Duration::from_millis(20 + rng.below(400)));
            assert!(child.try_wait().unwrap().is_none(), "{optimizer}: the run was over after {kills} kills");
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let checkpoints = killed.join("checkpoints");
            if checkpoints.exists() {
                // Once there is a checkpoint, there always is one that loads.
                let latest = CheckpointStore::open(&checkpoints, 2).unwrap().latest().unwrap();
                assert!(latest.is_some() || !any_checkpoint, "{optimizer}: no checkpoint after {kills} kills");
                any_checkpoint = latest.is_some();
                let damaged = latest.map_or_else(Vec::new, |(_, damaged)| damaged);
                assert!(damaged.is_empty(), "{optimizer}: half a checkpoint after {kills} kills: {damaged:?}");
            }
        }
        let rest = mtl(&path, &killed, killed.exists()).output().unwrap();
        assert!(rest.status.success(), "{}", String::from_utf8_lossy(&rest.stderr));
        if wanted > 5 {
            eprintln!("{optimizer} with {balancer}: {kills} kills");
        }
        let same = |file: &str| fs::read(whole.join(file)).unwrap() == fs::read(killed.join(file)).unwrap();
        assert!(same("model.safetensors"), "{optimizer} with {balancer}: weights differ after {kills} kills");
        assert!(same("metrics.json"));
        let steps = |dir: &Path| -> Vec<String> {
            let text = fs::read_to_string(dir.join("log.jsonl")).unwrap();
            text.lines().filter(|l| l.contains(r#""type":"step""#)).map(str::to_owned).collect()
        };
        assert_eq!(steps(&whole), steps(&killed), "{optimizer}: the logs differ");
        assert!(same("steps.csv"), "{optimizer}: the tables differ");
        assert_eq!(events(&whole), events(&killed), "{optimizer}: the events differ");
    }
}

/// Steps, tags and values of all events but those that tell of time.
fn events(run: &Path) -> Vec<(u64, String, Value)> {
    let file = fs::read_dir(run.join("tensorboard")).unwrap().next().unwrap().unwrap().path();
    let mut found = Vec::new();
    for event in tensorboard::read(&file).unwrap() {
        if let What::Values(values) = event.what {
            let timeless = values.into_iter().filter(|(tag, _)| !tag.contains("per_second"));
            found.extend(timeless.map(|(tag, value)| (event.step, tag, value)));
        }
    }
    assert!(found.len() > 100);
    found
}

#[test]
fn a_run_is_not_overwritten_and_a_damaged_checkpoint_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (path, run) = (dir.path().join("c.toml"), dir.path().join("run"));
    fs::write(&path, config("adamw", "equal", 3)).unwrap();
    assert!(mtl(&path, &run, false).status().unwrap().success());
    let again = mtl(&path, &run, false).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--resume"));

    let mut files: Vec<_> = fs::read_dir(run.join("checkpoints")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let newest = files.pop().unwrap();
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let resumed = mtl(&path, &run, true).output().unwrap();
    assert!(resumed.status.success());
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("damaged"));
}
