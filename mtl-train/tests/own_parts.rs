//! Parts of one's own through the whole program: named in one file, checked with a caret, listed, trained, killed and resumed,
//! evaluated, reported, exported, asked for predictions.
//!
//! This test is such a program itself (`examples/own_parts` is its readable form): started with [`PROGRAM`] set it is `mtl` with
//! four parts more, else it tests that program by starting itself.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a test")]

use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode, Output},
    thread::sleep,
    time::{Duration, Instant},
};

#[path = "../examples/own_parts/parts.rs"]
mod parts;

const PROGRAM: &str = "MTL_TEST_OWN_PARTS";

const CONFIG: &str = r#"
[data]
kind = "csv"
train = "visits.csv"

[data.schema]
columns = [
    { name = "age", kind = "numeric" },
    { name = "wage", kind = "numeric" },
    { name = "visits", kind = "label", label = "value" },
    { name = "member", kind = "label", label = { binary = { positive = "yes" } } },
]

[[task]]
name = "visits"
head = { kind = "poisson", hidden = [8] }

[[task]]
name = "member"

[encoder]
kind = "fourier"
waves = 24

[sharing]
kind = "adapters"

[balancer]
kind = "hardest"
power = 0.5

[train]
epochs = 4
batch_size = 32

[device]
threads = 1
"#;

fn main() -> ExitCode {
    if env::var_os(PROGRAM).is_some() {
        return mtl_train::program::run(parts::parts());
    }
    // What a test runner is asked besides running.
    if env::args().any(|arg| arg == "--list") {
        println!("parts_of_ones_own: test");
        return ExitCode::SUCCESS;
    }
    println!("running 1 test");
    parts_of_ones_own();
    println!("test parts_of_ones_own ... ok\n");
    println!("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
    ExitCode::SUCCESS
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.current_dir(dir).args(args).env(PROGRAM, "1");
    command
}

fn run(dir: &Path, args: &[&str]) -> (Output, String) {
    let output = command(dir, args).output().unwrap();
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

fn done(dir: &Path, args: &[&str]) -> String {
    let (output, text) = run(dir, args);
    assert!(output.status.success(), "{args:?}: {text}");
    text
}

fn refused(dir: &Path, args: &[&str]) -> String {
    let (output, text) = run(dir, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    text
}

fn parts_of_ones_own() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path();
    let mut table = "age,wage,visits,member\n".to_owned();
    for row in 0..240 {
        let (age, wage) = (f64::from(row % 40) / 20.0 - 1.0, f64::from(row % 7) / 3.0 - 1.0);
        let rate = (1.0 + age - 0.5 * wage).exp();
        table += &format!("{age},{wage},{},{}\n", rate.round(), if age > wage { "yes" } else { "no" });
    }
    fs::write(dir.join("visits.csv"), table).unwrap();
    fs::write(dir.join("c.toml"), CONFIG).unwrap();

    // Listed and documented as ours are.
    for (what, name) in
        [("heads", "poisson"), ("encoders", "fourier"), ("architectures", "adapters"), ("balancers", "hardest")]
    {
        assert!(done(dir, &["list", what]).contains(name), "{what}");
    }
    let keys = done(dir, &["list", "keys"]);
    assert!(keys.contains("kind = \"hardest\"") && keys.contains("0 is equal weights; >= 0, default 1"), "{keys}");

    // Checked as ours are: the line with a caret, the nearest key, the range.
    for (right, wrong, said) in [
        ("power = 0.5", "powr = 0.5", "did you mean \"power\"?"),
        ("power = 0.5", "power = -1.0", "hardest: power must be >= 0, found -1"),
        ("kind = \"fourier\"", "kind = \"furier\"", "did you mean \"fourier\"?"),
        ("hidden = [8]", "hiden = [8]", "did you mean \"hidden\"?"),
        ("waves = 24", "waves = 0", "fourier encoder: waves must be >= 1, found 0"),
    ] {
        fs::write(dir.join("wrong.toml"), CONFIG.replace(right, wrong)).unwrap();
        let e = refused(dir, &["train", "wrong.toml", "--dry-run"]);
        assert!(e.contains(said) && e.contains("wrong.toml:") && e.contains('^'), "{wrong}: {e}");
    }
    done(dir, &["doctor", "c.toml"]);

    // Trained to the end, and killed on the way and resumed: the same weights.
    done(dir, &["train", "c.toml", "--run-dir", "whole", "--set", "train.epochs=40"]);
    let mut child = command(dir, &["train", "c.toml", "--run-dir", "killed", "--set", "train.epochs=40"]);
    let mut child = child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let has_checkpoint = || fs::read_dir(dir.join("killed/checkpoints")).is_ok_and(|mut files| files.next().is_some());
    while !has_checkpoint() && start.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    done(dir, &["train", "killed", "--resume"]);
    let weights = |run: &str| fs::read(dir.join(run).join("model.safetensors")).unwrap();
    assert!(weights("whole") == weights("killed"), "a resumed run is the run");
    let config = fs::read_to_string(dir.join("whole/config.toml")).unwrap();
    assert!(config.contains("kind = \"hardest\"") && config.contains("power = 0.5"), "{config}");

    // Used as ours are.
    let eval = done(dir, &["eval", "whole"]);
    assert!(eval.contains("poisson-deviance"), "{eval}");
    done(dir, &["report", "whole"]);
    assert!(fs::read_to_string(dir.join("whole/report.html")).unwrap().contains("adapters"));
    fs::write(dir.join("new.csv"), "age,wage\n0.5,-0.5\n-1,1\n").unwrap();
    let answers = done(dir, &["predict", "whole", "--input", "new.csv"]);
    let rates: Vec<f64> = answers.lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse().ok()).collect();
    assert!(rates.len() == 2 && rates[0] > rates[1] && rates[1] > 0.0, "{answers}");
    done(dir, &["export", "whole", "--to", "package"]);
    assert_eq!(done(dir, &["predict", "package", "--input", "new.csv"]).lines().count(), 3);

    // A program without these parts says which one it lacks.
    let ours = Command::new(env!("CARGO_BIN_EXE_mtl")).current_dir(dir).args(["eval", "whole"]).output().unwrap();
    let said = String::from_utf8_lossy(&ours.stderr).into_owned();
    assert!(
        !ours.status.success() && said.contains("poisson") | said.contains("fourier") | said.contains("adapters"),
        "{said}"
    );
}
