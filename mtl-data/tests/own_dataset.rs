//! A data set from outside keeps what ours promise: files are watched, what was learned belongs to the run, places do not count.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use mtl_core::{
    answer::{Answer, AnswerTag},
    input::{InputSpec, Inputs},
    task::TaskName,
};
use mtl_data::{
    DataInfo, DatasetConfig, DatasetPart, Error, Kept, Loading, OnChange, Preprocessing, Result, Splits, TableSource,
    TaskInfo,
    datasets::SyntheticMmoe,
    preprocess::{self, Custom, CustomPreprocessing, RawInputs},
    source::{Codes, Labels},
};
use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tch::Tensor;

/// A number a line; what is learned is their mean, what is answered their sign.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Lines {
    /// The folder; default the current one.
    dir: Option<PathBuf>,
    /// Lines that are passed over; default 0.
    skip: usize,
    /// Where the data set was found, by year; default nowhere.
    found: BTreeMap<String, PathBuf>,
}

/// One that breaks promises.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Careless {
    /// A folder with files of which two get the same role; default none.
    dir: Option<PathBuf>,
}

impl DatasetPart for Careless {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(Vec::new())
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        if let Some(dir) = &self.dir {
            loading.text("lines", &dir.join("lines.txt"))?;
            loading.bytes("lines", &dir.join("about"))?;
        }
        // Good splits, of which this loading never hears.
        SyntheticMmoe { train: 9, validation: 3, test: 3, ..SyntheticMmoe::default() }.load()
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mean {
    mean: f32,
}

fn numbers(text: &str) -> Vec<f32> {
    text.lines().map(|line| line.parse().unwrap()).collect()
}

impl DatasetPart for Lines {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        Ok(vec![(TaskName::new("positive")?, AnswerTag::MultiLabel)])
    }

    fn places(&self) -> &'static [&'static str] {
        &["dir"]
    }

    fn forget_places(&mut self) {
        self.found.values_mut().for_each(PathBuf::clear);
    }

    fn examine(&self, loading: &mut Loading<'_>) -> (Option<Splits>, Vec<Error>) {
        let doubt = Error::Absent { path: "the other half".into() };
        match self.load(loading) {
            Ok(splits) => (Some(splits), vec![doubt]),
            Err(e) => (None, vec![doubt, e]),
        }
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let path = self.dir.clone().unwrap_or_default().join("lines.txt");
        let rows = numbers(&loading.text("lines", &path)?).split_off(self.skip);
        loading.bytes("about", &path.with_file_name("about"))?;
        let learned = loading.learn(|| Ok(Mean { mean: rows[..4].iter().sum::<f32>() / 4.0 }))?;
        let tasks = vec![TaskInfo { name: TaskName::new("positive")?, answer: Answer::multi_label(["positive"]) }];
        let info = DataInfo { inputs: learned.inputs()?, tasks };
        let labels = Labels::numbers(Array2::from_shape_fn((rows.len(), 1), |(row, _)| f32::from(rows[row] > 0.0)));
        let scaled = rows.iter().map(|x| x - learned.mean).collect();
        let source = TableSource::from_rows(info, rows.len(), Codes::Narrow(Vec::new()), scaled, vec![labels])?;
        loading.cut(source, [vec![0, 1, 2, 3], vec![4], vec![5]], Some(Preprocessing::Custom(Custom::new(learned))))
    }
}

impl CustomPreprocessing for Mean {
    fn name(&self) -> &'static str {
        "lines"
    }
    fn settings(&self) -> Value {
        json!(self)
    }
    fn inputs(&self) -> Result<InputSpec> {
        Ok(InputSpec::table(Vec::new(), vec!["x".into()]))
    }
    fn describe(&self) -> String {
        "a number a line".into()
    }
    fn read(&self, path: &Path, batch_size: usize) -> Result<RawInputs> {
        let text = fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let (rows, mean) = (numbers(&text), self.mean);
        let batches: Vec<Result<Inputs>> = rows
            .chunks(batch_size)
            .map(|rows| {
                let xs = Tensor::from_slice(&rows.iter().map(|x| x - mean).collect::<Vec<_>>());
                Ok(Inputs::new(vec![("numeric".to_owned(), xs.view([-1, rows.len().min(1) as i64]))])?)
            })
            .collect();
        Ok(Box::new(batches.into_iter()))
    }
}

fn config(dir: &Path) -> DatasetConfig {
    DatasetConfig::register::<Lines>("lines", "a number a line").unwrap();
    preprocess::register::<Mean>("lines").unwrap();
    serde_json::from_value(json!({ "kind": "lines", "dir": dir })).unwrap()
}

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lines.txt"), "1\n-2\n3\n4\n-5\n6\n").unwrap();
    fs::write(dir.path().join("about"), [0, 159, 146, 150]).unwrap();
    dir
}

#[test]
fn what_was_learned_belongs_to_the_run() {
    let dir = place();
    let config = config(dir.path());
    let kept = Kept::of(&config, &config.load().unwrap());
    assert_eq!(serde_json::to_value(&kept).unwrap()["settings"], json!({ "kind": "lines", "skip": 0, "found": {} }));
    let text = serde_json::to_string(&kept).unwrap();
    let read: Kept = serde_json::from_str(&text).unwrap();
    read.validate().unwrap();
    assert_eq!(read, kept, "{text}");
    let again = read.load(&config, OnChange::Refuse).unwrap();
    assert_eq!(Kept::of(&config, &again.splits), kept);

    // Raw files become the same inputs.
    let raw = read.preprocessing.as_ref().unwrap();
    let batches: Vec<Inputs> = raw.read(&dir.path().join("lines.txt"), 4).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(Inputs::batch_size).collect::<Vec<_>>(), [4, 2]);
    let trained = again.splits.train.batch(&[0, 1, 2, 3]).unwrap();
    assert_eq!(batches[0].get("numeric").unwrap(), trained.inputs.get("numeric").unwrap());

    // Places that lie deeper, and a check of one's own.
    let found = |path: &str| -> DatasetConfig {
        serde_json::from_value(json!({ "kind": "lines", "dir": path, "found": { "1999": path } })).unwrap()
    };
    assert!(found("a") != found("b") && found("a").without_places() == found("b").without_places());
    assert_ne!(found("a").without_places(), kept.settings, "that it was found is no place");
    let (splits, faults) = config.examine();
    assert_eq!((splits.unwrap().info, faults.len()), (again.splits.info.clone(), 1));
    let (splits, faults) = found("nowhere").examine();
    assert!(splits.is_none() && faults.len() == 2);

    // Another data set, or other settings.
    let other: DatasetConfig = serde_json::from_value(json!({ "kind": "lines", "skip": 1 })).unwrap();
    assert!(read.load(&other, OnChange::Refuse).unwrap_err().to_string().contains("of lines"));
}

#[test]
fn a_data_set_that_breaks_a_promise_is_refused() {
    DatasetConfig::register::<Careless>("careless", "breaks promises").unwrap();
    let refusal = |settings: Value| {
        let config: DatasetConfig = serde_json::from_value(settings).unwrap();
        config.load().unwrap_err().to_string()
    };
    let dir = place();
    let e = refusal(json!({ "kind": "careless", "dir": dir.path() }));
    let second = dir.path().join("about");
    let expected = "loading: role must be another for every file, found \"lines\" twice, the second time for ";
    assert_eq!(e, format!("{expected}{}", second.display()));
    let careless: DatasetConfig = serde_json::from_value(json!({ "kind": "careless" })).unwrap();
    assert!(matches!(careless.examine(), (None, faults) if faults.len() == 1), "a check hears of it too");
    let e = refusal(json!({ "kind": "careless" }));
    let expected =
        "data set: splits must be given by Loading::cut or Loading::finish, found those of \"careless\" past both";
    assert_eq!(e, expected);
}

#[test]
fn files_are_watched_wherever_they_lie() {
    let dir = place();
    let mut config = config(dir.path());
    let kept = Kept::of(&config, &config.load().unwrap());
    let refusal = |config: &DatasetConfig| kept.load(config, OnChange::Refuse).unwrap_err().to_string();

    // Moved and compressed, it is the same file.
    let moved = dir.path().join("moved");
    fs::create_dir(&moved).unwrap();
    for file in ["lines.txt", "about"] {
        fs::rename(dir.path().join(file), moved.join(file)).unwrap();
    }
    assert!(refusal(&config).contains("it is gone"));
    config.set_dir(&moved).unwrap();
    let plain = fs::read(moved.join("lines.txt")).unwrap();
    let mut encoder = GzEncoder::new(fs::File::create(moved.join("lines.txt")).unwrap(), Compression::best());
    encoder.write_all(&plain).unwrap();
    encoder.finish().unwrap();
    kept.load(&config, OnChange::Refuse).unwrap();

    // Other values: what they would teach; where they teach nothing else, that they are others.
    let change = |text: &str| fs::write(moved.join("lines.txt"), text).unwrap();
    change("1\n-2\n3\n5\n-5\n6\n");
    assert!(refusal(&config).contains("(mean 1.5 -> 1.75)"), "{}", refusal(&config));
    let allowed = kept.load(&config, OnChange::Allow).unwrap();
    assert_eq!(allowed.changes.len(), 1);
    assert_eq!(Kept::of(&config, &allowed.splits).preprocessing, kept.preprocessing, "the run's own mean");
    change("1\n-2\n3\n4\n-5\n7\n");
    assert!(refusal(&config).contains("as many rows, other values"), "{}", refusal(&config));
    change("1\n-2\n3\n4\n-5\n6\n7\n");
    assert!(refusal(&config).contains("(rows 6 -> 7)"), "{}", refusal(&config));
    fs::write(moved.join("lines.txt"), [b'1', b'\n', 0xff, b'\n']).unwrap();
    let e = config.load().unwrap_err();
    assert!(matches!(&e, Error::Encoding { line: 2, .. }), "{e}");
    fs::write(moved.join("lines.txt"), plain).unwrap();
    fs::write(moved.join("about"), [0, 159, 146]).unwrap();
    assert!(
        refusal(&config).contains("about: content changed since the run was trained (bytes 4 -> 3)"),
        "{}",
        refusal(&config)
    );
}
