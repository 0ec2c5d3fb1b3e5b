//! Every ready configuration under `configs/` is read, and dry-run on its data: generated, shipped beside it, or fetched from
//! outside, where the test is skipped, and counted so, when they are not here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../xtask/src/skip.rs"]
mod skip;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use mtl_data::datasets::dataset_dir;
use mtl_train::{analysis::dry_run::DryRun, config::ConfigSource};

fn ready() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
}

/// Takes the configurations of that kind of data set through one batch, with these settings; their names.
fn dry_run(kind: &str, settings: &[String]) -> Vec<String> {
    let settings = [settings, &["device.threads=1".to_owned()]].concat();
    let mut ran = Vec::new();
    for path in ready() {
        if ConfigSource::read(&path, &[]).unwrap().config().unwrap().data.name() != kind {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let source = ConfigSource::read(&path, &settings).unwrap();
        let config = source.config().unwrap();
        let run = DryRun::new(&config, &config.data.load().unwrap()).map_err(|e| source.explain(e)).unwrap();
        assert!(run.tasks.iter().all(|t| t.loss.is_some_and(f64::is_finite)), "{name}: {:?}", run.tasks);
        ran.push(name);
    }
    ran
}

fn in_folder(dir: &Path) -> Vec<String> {
    vec![format!("data.dir={:?}", dir.display().to_string())]
}

/// A data set that `cargo xtask data` fetches, or that lies in `MTL_DATA_DIR`.
#[track_caller]
fn fetched(name: &str, how: &str) -> Option<PathBuf> {
    let places = [env::var_os("MTL_DATA_DIR").map(|dir| Path::new(&dir).join(name)), dataset_dir(None, name).ok()];
    let found = places.into_iter().flatten().find(|dir| dir.is_dir());
    if found.is_none() {
        skip::note(skip::Lacking::Data, name, how);
    }
    found
}

#[test]
fn those_with_their_data_beside_them_run_one_batch() {
    assert_eq!(dry_run("synthetic-mmoe", &["data.train=600".into()]), ["synthetic-mmoe", "synthetic-upgrad"]);
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    assert_eq!(dry_run("csv", &in_folder(&configs)), ["own-csv-fusion", "own-csv"]);
    let flats = format!("data.flats.dir={:?}", configs.display().to_string());
    assert_eq!(dry_run("sources", &[flats]), ["two-sources"]);
}

#[test]
fn those_of_atis_run_one_batch() {
    let Some(dir) = fetched("atis", "set MTL_DATA_DIR to the folder that holds it") else { return };
    assert_eq!(dry_run("parallel-text", &in_folder(&dir)), ["atis"]);
}

#[test]
fn those_of_fashion_mnist_run_one_batch() {
    let Some(dir) = fetched("fashion-mnist", "cargo xtask data fashion-mnist") else { return };
    assert_eq!(dry_run("fashion-pairs", &in_folder(&dir)), ["fashion-pairs"]);
}

/// The first lines will do: reading 300,000 takes half a minute without optimization.
#[test]
fn those_of_census_income_run_one_batch() {
    let Some(dir) = fetched("census-income", "cargo xtask data census-income") else { return };
    let short = tempfile::tempdir().unwrap();
    for (part, rows) in [("train", 3000), ("test", 500)] {
        let name = format!("census_income_1994_1995_{part}.csv");
        let whole = BufReader::new(fs::File::open(dir.join(&name)).unwrap());
        let lines: Vec<String> = whole.lines().take(rows).map(Result::unwrap).collect();
        fs::write(short.path().join(&name), lines.join("\n") + "\n").unwrap();
    }
    let names = dry_run("census-income", &in_folder(short.path()));
    assert_eq!(names, ["census-hard", "census-mmoe", "census-task-query"]);
}

#[test]
fn every_configuration_has_a_test_above() {
    for path in ready() {
        let kind = ConfigSource::read(&path, &[]).unwrap().config().unwrap().data.name().to_owned();
        let known = ["synthetic-mmoe", "csv", "sources", "parallel-text", "fashion-pairs", "census-income"];
        assert!(known.contains(&&*kind), "{}: nothing dry-runs a configuration of {kind}", path.display());
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
