//! Every ready configuration under `configs/` is read, and dry-run where its data is there: built in, shipped beside it, or
//! in `MTL_DATA_DIR`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests; says what it skips")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use mtl_train::{analysis::dry_run::DryRun, config::ConfigSource};

fn ready() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
}

/// The `--set` flags that point a configuration at its data; `None` where the data is not there.
fn data(source: &ConfigSource) -> Option<Vec<String>> {
    let config = source.config().unwrap();
    let inside = |name: &str| {
        let dir = Path::new(&env::var_os("MTL_DATA_DIR")?).join(name);
        dir.is_dir().then(|| vec![format!("data.dir={:?}", dir.display().to_string())])
    };
    match config.data.name() {
        "synthetic-mmoe" => Some(vec!["data.train=600".into()]),
        "csv" => Some(vec![format!("data.dir={:?}", concat!(env!("CARGO_MANIFEST_DIR"), "/configs"))]),
        "fashion-pairs" => inside("fashion-mnist"),
        "parallel-text" => inside("atis"),
        // Half a minute to read in a build without optimization: the members it names are dry-run on other data.
        _ => None,
    }
}

#[test]
fn all_are_read_and_run_one_batch() {
    let mut ran = Vec::new();
    for path in ready() {
        let source = ConfigSource::read(&path, &[]).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let Some(mut settings) = data(&source) else {
            eprintln!("skipped the dry run of {name}: its data is not here");
            continue;
        };
        settings.push("device.threads=1".into());
        let source = ConfigSource::read(&path, &settings).unwrap();
        let config = source.config().unwrap();
        let run = DryRun::new(&config, &config.data.load().unwrap()).map_err(|e| source.explain(e)).unwrap();
        assert!(run.tasks.iter().all(|t| t.loss.is_some_and(f64::is_finite)), "{name}: {:?}", run.tasks);
        ran.push(name);
    }
    for name in ["own-csv", "own-csv-fusion", "synthetic-mmoe", "synthetic-upgrad"] {
        assert!(ran.iter().any(|r| r == name), "{name} did not run: {ran:?}");
    }
}

#[test]
fn a_written_configuration_reads_back_as_itself() {
    for path in ready() {
        let config = ConfigSource::read(&path, &[]).unwrap().config().unwrap();
        let text = config.to_toml().unwrap();
        let again = ConfigSource::new(text, &path, &[]).unwrap().config().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again, config, "{}", path.display());
    }
}
