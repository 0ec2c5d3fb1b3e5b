//! Parts of one's own in a crate of one's own: `examples/own_parts` is copied out of the workspace, built there against these
//! crates by their paths, and its program goes through everything that `mtl` does.
//!
//! The crate lies in one place per checkout and is built into the workspace's target folder, so that crates of others are there
//! already, and ours are built once for it and again only when they change: minutes the first time, seconds after that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
    thread::sleep,
    time::{Duration, Instant},
};

use toml::{Table, Value};

/// The folder of this crate.
const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// What a crate with parts of its own needs; the workspace says which versions.
const NEEDS: [&str; 11] = [
    "mtl-core",
    "mtl-data",
    "mtl-heads",
    "mtl-metrics",
    "mtl-train",
    "ndarray",
    "schemars",
    "serde",
    "serde_json",
    "tch",
    "toml",
];

/// The crate's manifest: dependencies and profiles as the workspace has them, so that crates of others are there already (but
/// for tch and three small ones, of whose dependencies other crates of the workspace ask for more features).
fn manifest(workspace: &Path) -> Table {
    let theirs: Table = toml::from_str(&fs::read_to_string(workspace.join("Cargo.toml")).unwrap()).unwrap();
    let versions = theirs["workspace"]["dependencies"].as_table().unwrap();
    let mut dependencies = Table::new();
    for name in NEEDS {
        let mut needed = match versions[name].clone() {
            Value::Table(table) => table,
            version => Table::from_iter([("version".to_owned(), version)]),
        };
        if let Some(Value::String(path)) = needed.get_mut("path") {
            *path = workspace.join(&*path).to_str().unwrap().to_owned();
            // The workspace chooses features itself; whoever depends on one of ours gets its default ones.
            needed.remove("default-features");
        }
        dependencies.insert(name.into(), needed.into());
    }
    let mut profile = theirs["profile"].clone();
    // Outside their workspace our crates count as those of others, which are optimized; compiling is what takes time here.
    let packages = profile["dev"]["package"].as_table_mut().unwrap();
    for member in theirs["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        if member != "xtask" {
            packages.insert(member.into(), Table::from_iter([("opt-level".to_owned(), Value::from(0))]).into());
        }
    }
    let package = [("name", "own-parts"), ("version", "0.1.0"), ("edition", "2024")];
    let package: Table = package.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    [
        ("package", package.into()),
        ("workspace", Table::new().into()),
        ("dependencies", dependencies.into()),
        ("profile", profile),
    ]
    .into_iter()
    .map(|(key, value): (&str, Value)| (key.to_owned(), value))
    .collect()
}

/// A program on `mtl-core` alone. As an example it gets no run path from the crate's build script: it has to link and run with
/// `LIBTORCH` and nothing else, as one's first program does.
const ALONE: &str = r#"
use mtl_core::{balance::{BalancerConfig, Evidence, Gramian}, task::{Task, TaskSet}};

fn main() -> Result<(), mtl_core::Error> {
    let tasks = TaskSet::new(vec![Task::new("a")?, Task::new("b")?])?;
    let mut upgrad = BalancerConfig::by_name("upgrad")?.build(&tasks)?;
    let gramian = Gramian::new(2, vec![1.0, -2.0, -2.0, 4.25])?;
    let mut weights = [0.0; 2];
    upgrad.weigh(&Evidence { tasks: &[0, 1], gramian: Some(&gramian), ..Evidence::default() }, &mut weights)?;
    let sum = tch::Tensor::from_slice(&weights).sum(tch::Kind::Double).double_value(&[]);
    assert!((sum - weights.iter().sum::<f64>()).abs() < 1e-12);
    println!("weights {weights:?}");
    Ok(())
}
"#;

/// Writes a file unless it is as it shall be: a new time of change would make cargo build again.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes).unwrap();
    }
}

/// The crate outside, put together anew.
struct Outside {
    place: PathBuf,
    /// The workspace's target folder and the profile of this test in it.
    target: PathBuf,
    profile: String,
}

impl Outside {
    fn new() -> Self {
        let workspace = Path::new(HERE).parent().unwrap();
        let mut checkout = DefaultHasher::new();
        HERE.hash(&mut checkout);
        let place = env::temp_dir().join(format!("mtl-own-parts-{:016x}", checkout.finish()));
        for folder in ["src", "examples"] {
            fs::create_dir_all(place.join(folder)).unwrap();
        }
        write(&place.join("examples/alone.rs"), ALONE.as_bytes());
        write(&place.join("Cargo.toml"), toml::to_string(&manifest(workspace)).unwrap().as_bytes());
        // Versions as the workspace has them: nothing has to be looked up, so no network is needed. Cargo adds the crate itself.
        fs::copy(workspace.join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
        for file in fs::read_dir(Path::new(HERE).join("examples/own_parts")).unwrap().map(|file| file.unwrap().path()) {
            let name = file.file_name().unwrap();
            match name.to_str() {
                Some("build.rs") => write(&place.join(name), &fs::read(&file).unwrap()),
                Some(name) if name.ends_with(".rs") => write(&place.join("src").join(name), &fs::read(&file).unwrap()),
                _ => {}
            }
        }
        // TARGET/PROFILE/deps/own_parts-HASH
        let this = env::current_exe().unwrap();
        let profile = this.ancestors().nth(2).unwrap();
        let name = profile.file_name().unwrap().to_str().unwrap().to_owned();
        Self { place, target: profile.parent().unwrap().to_owned(), profile: name }
    }

    /// Runs a verb of cargo on it; what it says.
    fn cargo(&self, verb: &[&str]) -> String {
        let start = Instant::now();
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(verb).args(["--offline", "--target-dir"]).arg(&self.target).current_dir(&self.place);
        cargo.env_remove("LD_LIBRARY_PATH");
        if self.profile == "release" {
            cargo.arg("--release");
        }
        if env::var_os("LIBTORCH").is_none() {
            // The workspace's own setting, which is not seen from outside.
            cargo.env("LIBTORCH", Path::new(HERE).parent().unwrap().join(".libtorch"));
        }
        let output = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        let built = said.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
        println!("cargo {verb:?} in {}: {built} crates, {:.0?}", self.place.display(), start.elapsed());
        said
    }
}

/// The crate's program; built once.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let outside = Outside::new();
    outside.cargo(&["build"]);
    outside.target.join(&outside.profile).join("own-parts")
});

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(&*PROGRAM);
    // It finds libtorch by itself, as its build script sees to.
    command.current_dir(dir).args(args).env_remove("LD_LIBRARY_PATH");
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

/// A folder with configuration and data of the example.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for file in ["weather.toml", "weather.csv"] {
        fs::copy(Path::new(HERE).join("examples/own_parts").join(file), place.path().join(file)).unwrap();
    }
    place
}

#[test]
fn they_are_listed_documented_and_checked_as_ours_are() {
    let place = place();
    let dir = place.path();
    for (what, name) in [
        ("answers", "angle"),
        ("architectures", "adapters"),
        ("balancers", "hardest"),
        ("datasets", "weather"),
        ("encoders", "harmonics"),
        ("heads", "compass"),
        ("metrics", "angle-error"),
        ("modalities", "cyclic"),
    ] {
        assert!(done(dir, &["list", what]).contains(name), "{what}");
    }
    let metrics = done(dir, &["list", "metrics"]);
    assert!(metrics.lines().any(|line| line.contains("angle-error") && line.contains(" angle ")), "{metrics}");
    let keys = done(dir, &["list", "keys"]);
    for line in ["kind = \"hardest\"", "0 is equal weights; >= 0, default 1", "[data] kind = \"weather\""] {
        assert!(keys.contains(line), "{line}: {keys}");
    }

    // The line with a caret, the nearest key or name, the range.
    let config = fs::read_to_string(dir.join("weather.toml")).unwrap();
    for (right, wrong, said) in [
        ("power = 0.5", "powr = 0.5", "did you mean \"power\"?"),
        ("power = 0.5", "power = -1.0", "balancer.power must be >= 0, found -1.0"),
        ("kind = \"harmonics\"", "kind = \"harmonic\"", "did you mean \"harmonics\"?"),
        ("hidden = [16]", "hiden = [16]", "did you mean \"hidden\"?"),
        ("waves = 3", "waves = 0", "harmonics encoder: waves must be >= 1, found 0"),
        ("kind = \"weather\"", "kind = \"wether\"", "did you mean \"weather\"?"),
        ("kind = \"weather\"", "kind = \"weather\"\nfiel = \"x\"", "did you mean \"file\"?"),
        ("[\"angle-error\"]", "[\"angle-eror\"]", "angle-error"),
        ("primary = \"auroc\"", "primary = \"angle-error\"", "for answers of kind multi-label"),
        ("kind = \"compass\"", "kind = \"regress\"", "directions [b, 1] in degrees"),
    ] {
        assert!(config.contains(right), "{right}");
        fs::write(dir.join("wrong.toml"), config.replacen(right, wrong, 1)).unwrap();
        let e = refused(dir, &["train", "wrong.toml", "--dry-run"]);
        assert!(e.contains(said) && e.contains("wrong.toml:") && e.contains('^'), "{wrong}: {e}");
    }
    let e = refused(dir, &["train", "weather.toml", "--dry-run", "--set", "train.selection=direction.angle-eror"]);
    assert!(e.contains("angle-error"), "{e}");
    done(dir, &["train", "weather.toml", "--dry-run"]);
    done(dir, &["data", "weather.toml"]);
    done(dir, &["doctor", "weather.toml"]);
}

#[test]
fn a_program_on_the_core_alone_runs_without_a_library_path() {
    LazyLock::force(&PROGRAM);
    let said = Outside::new().cargo(&["run", "--example", "alone"]);
    assert!(said.contains("weights ["), "{said}");
}

/// The public laws, over its head, encoder, architecture, method, metric and source: `laws.rs` of the crate.
#[test]
fn they_keep_the_laws() {
    LazyLock::force(&PROGRAM); // one after the other, which cargo would see to with a message
    let said = Outside::new().cargo(&["test"]);
    assert!(said.contains("test result: ok. 6 passed"), "{said}");
}

#[test]
fn a_run_of_them_is_trained_killed_resumed_and_used_as_ours_are() {
    let place = place();
    let dir = place.path();

    // Trained to the end, and killed on the way and resumed: the same weights.
    done(dir, &["train", "weather.toml", "--run-dir", "whole"]);
    let mut child = command(dir, &["train", "weather.toml", "--run-dir", "killed"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let has_checkpoint = || fs::read_dir(dir.join("killed/checkpoints")).is_ok_and(|mut files| files.next().is_some());
    while !has_checkpoint() && start.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!dir.join("killed/model.safetensors").exists(), "it was killed too late");
    done(dir, &["train", "killed", "--resume"]);
    let weights = |run: &str| fs::read(dir.join(run).join("model.safetensors")).unwrap();
    assert!(weights("whole") == weights("killed"), "a resumed run is the run");
    let config = fs::read_to_string(dir.join("whole/config.toml")).unwrap();
    assert!(config.contains("kind = \"hardest\"") && config.contains("power = 0.5"), "{config}");

    // Judged: better than the constant answer, by its own metric.
    let eval: serde_json::Value = serde_json::from_str(&done(dir, &["eval", "whole", "--json"])).unwrap();
    let direction = &eval["tasks"][0]["metrics"][0];
    let error = direction["outcome"]["value"].as_f64().unwrap();
    assert!(direction["metric"] == "angle-error" && error < 45.0, "{direction}");
    done(dir, &["report", "whole"]);
    let report = fs::read_to_string(dir.join("whole/report.html")).unwrap();
    for part in ["weather", "harmonics", "adapters", "hardest", "compass", "angle-error"] {
        assert!(report.contains(part), "{part}");
    }

    // Asked about raw rows, which its own preprocessing reads: by day the wind is from the west, by night from the east.
    fs::write(dir.join("new.csv"), "hour,month,pressure\n14,3,1013\n2,3,1013\n").unwrap();
    let answers = done(dir, &["predict", "whole", "--input", "new.csv"]);
    let degrees: Vec<f64> = answers.lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse().ok()).collect();
    assert!(degrees.len() == 2 && degrees[0] > 180.0 && degrees[1] < 180.0, "{answers}");
    let json = done(dir, &["predict", "whole", "--input", "new.csv", "--format", "jsonl"]);
    assert!(json.contains("\"degrees\":"), "{json}");
    done(dir, &["export", "whole", "--to", "package"]);
    assert_eq!(done(dir, &["predict", "package", "--input", "new.csv"]), answers);

    // What was fitted belongs to the run: a file that is elsewhere is the same one, one that changed is not.
    fs::create_dir(dir.join("moved")).unwrap();
    fs::rename(dir.join("weather.csv"), dir.join("moved/weather.csv")).unwrap();
    assert!(refused(dir, &["eval", "whole"]).contains("it is gone"));
    done(dir, &["eval", "whole", "--data-dir", "moved"]);
    let table = fs::read_to_string(dir.join("moved/weather.csv")).unwrap();
    fs::write(dir.join("moved/weather.csv"), table.replacen("1012.8", "1999.8", 1)).unwrap();
    let e = refused(dir, &["eval", "whole", "--data-dir", "moved"]);
    // Which of the two facts is named first depends on how the crate's serde_json orders keys.
    let facts = ["(mean 101", "(deviation 6"];
    assert!(facts.iter().any(|fact| e.contains(&format!("content changed since the run was trained {fact}"))), "{e}");
    done(dir, &["eval", "whole", "--data-dir", "moved", "--allow-changed-data"]);

    // A program without these parts says which one it lacks.
    let ours = Command::new(env!("CARGO_BIN_EXE_mtl")).current_dir(dir).args(["eval", "whole"]).output().unwrap();
    let said = String::from_utf8_lossy(&ours.stderr).into_owned();
    assert!(!ours.status.success() && said.contains("weather"), "{said}");
}
