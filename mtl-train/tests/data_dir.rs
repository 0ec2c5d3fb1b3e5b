//! `--data-dir` sets the key that the data set names, whatever it is called, and is refused where samples are generated.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::PathBuf};

use mtl_core::{answer::AnswerTag, task::TaskName};
use mtl_data::{DatasetConfig, DatasetPart, Loading, Splits, datasets::SyntheticMmoe};
use mtl_train::{Parts, config::ConfigSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A data set whose folder is not called `dir`, which it has for something else.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Birds {
    /// Where the recordings are; default the current folder.
    recordings: Option<PathBuf>,
    /// A file in it; default none.
    index: Option<PathBuf>,
    /// Which way the birds fly; default none.
    dir: Option<String>,
}

impl DatasetPart for Birds {
    fn tasks(&self) -> mtl_data::Result<Vec<(TaskName, AnswerTag)>> {
        Ok(vec![(TaskName::new("y1")?, AnswerTag::Values)])
    }

    fn load(&self, _: &mut Loading<'_>) -> mtl_data::Result<Splits> {
        SyntheticMmoe::default().load()
    }

    fn places(&self) -> &'static [&'static str] {
        &["recordings", "index"]
    }
}

/// One without files.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Dice {
    /// Which way they fall; default none.
    dir: Option<String>,
}

impl DatasetPart for Dice {
    fn tasks(&self) -> mtl_data::Result<Vec<(TaskName, AnswerTag)>> {
        Ok(vec![(TaskName::new("y1")?, AnswerTag::Values)])
    }

    fn load(&self, _: &mut Loading<'_>) -> mtl_data::Result<Splits> {
        SyntheticMmoe::default().load()
    }
}

const GENERATED: &str = "data: dir must be a data set of files, found one that is generated";

#[test]
fn the_folder_is_set_by_the_key_that_the_data_set_names() {
    let registered = Parts::ours().dataset::<Birds>("birds", "of a test").dataset::<Dice>("dice", "of a test");
    registered.into_result().unwrap();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("c.toml");
    let read = |data: &str, settings: &[&str]| {
        fs::write(&file, data).unwrap();
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        ConfigSource::read_in(&file, &settings, Some("else where".as_ref())).map_err(|e| e.to_string())
    };
    let data = |data: &str, settings: &[&str]| {
        let config = read(data, settings).unwrap().config().unwrap();
        serde_json::to_value(&config.data).unwrap()
    };
    let birds = data("data = { kind = \"birds\", dir = \"north\", recordings = \"here\" }", &[]);
    assert_eq!(birds, serde_json::json!({ "kind": "birds", "recordings": "else where", "dir": "north" }));
    // A flag may have chosen the data set; a task of it that has settings is laid over after its folder.
    let chosen = data("data = { kind = \"synthetic-mmoe\" }", &["task.y1.weight=2", "data.kind=birds"]);
    assert_eq!(chosen["recordings"], "else where");
    let ours = data("data = { kind = \"census-income\", dir = \"here\" }", &["data.dir=there"]);
    assert_eq!(ours["dir"], "else where", "over the file and the other flags");

    for generated in ["data = { kind = \"synthetic-mmoe\" }", "data = { kind = \"dice\" }"] {
        let e = read(generated, &[]).unwrap_err();
        assert!(e.starts_with("--data-dir else where") && e.contains(GENERATED), "{e}");
        // In the words that a finished run has for it.
        let table: toml::Table = toml::from_str(generated).unwrap();
        let mut data: DatasetConfig = table["data"].clone().try_into().unwrap();
        assert!(data.set_dir("x".as_ref()).unwrap_err().to_string().contains(GENERATED));
    }
    let e = read("data = { kind = \"brids\" }", &[]).unwrap().config().unwrap_err().to_string();
    assert!(e.contains("brids"), "{e}");
    let e = read("[train]\nepochs = 1\n", &[]).unwrap().config().unwrap_err().to_string();
    assert!(e.contains("kind"), "{e}");
}
