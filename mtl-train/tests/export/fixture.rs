//! Runs to export.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use mtl_core::{prediction::Prediction, rng::Rng};
use mtl_data::Splits;
use mtl_train::{
    config::RunConfig,
    run::{dir::RunDir, session::Session},
    train::checkpoint::write_atomic,
};
use ndarray::Array2;

/// Columns of every kind: texts with rare ones, numbers with gaps and a long tail; all kinds of labels.
pub(crate) const CONFIG: &str = r#"
[data]
kind = "csv"
train = "train.csv"
test = "test.csv"
validation_fraction = 0.2
[data.schema]
missing = ["", "?"]
columns = [
    { name = "color", kind = "categorical", min_count = 2 },
    { name = "shop, town", kind = "categorical" },
    { name = "size", kind = "numeric" },
    { name = "gain", kind = "numeric", transform = "log1p-standard", missing = "mean" },
    { name = "note", kind = "ignore" },
    { name = "grade", kind = "label", label = "class" },
    { name = "sold", kind = "label", label = { binary = { positive = "yes" } } },
    { name = "price", kind = "label", label = "value" },
    { name = "w", kind = "label", task = "box", label = "value" },
    { name = "h", kind = "label", task = "box", label = "value" },
]
[encoder]
kind = "tabular"
token_width = 4
numbers = "piecewise-linear"
hidden = [16]
dropout = 0.1
[train]
epochs = 2
batch_size = 32
eval_batch_size = 50
selection = "0.5*grade.accuracy + 0.5*sold.auroc"
[[task]]
name = "grade"
[[task]]
name = "sold"
[[task]]
name = "price"
head = { kind = "regress", hidden = [8], center = [20.0], scale = [5.0] }
[[task]]
name = "box"
[device]
threads = 1
"#;

/// Rows with labels; `unseen` adds texts that training does not hold.
pub(crate) fn rows(seed: u64, n: usize, unseen: bool) -> String {
    let mut rng = Rng::new(seed);
    let mut text = String::from("size,color,\"shop, town\",gain,note,grade,sold,price,w,h\n");
    for row in 0..n {
        let color = ["red", "blue", "green", "\"dark \"\"red\"\"\""][usize::try_from(rng.below(4)).unwrap()];
        let color = if unseen && row % 5 == 0 { "never seen" } else { color };
        let (size, gain) = (rng.normal(), (rng.normal() * 3.0).exp());
        let gain = if row % 7 == 3 { "?".to_owned() } else { format!("{gain:.3}") };
        let grade = ["a", "b", "c"][row % 3];
        let sold = if size > 0.0 { "yes" } else { "no" };
        let price = if row % 11 == 5 { "?".to_owned() } else { format!("{:.2}", 20.0 + 5.0 * size) };
        let shop = ["north", "south, east"][row % 2];
        writeln!(text, "{size:.4},{color},\"{shop}\",{gain},x{row},{grade},{sold},{price},{row},1.5").unwrap();
    }
    text
}

/// A finished run in a folder of its own, with its files beside it.
pub(crate) struct Run {
    folder: tempfile::TempDir,
    pub(crate) config: RunConfig,
    pub(crate) splits: Splits,
    pub(crate) session: Session,
}

impl Run {
    /// Trains on CSV files and writes what `mtl train` writes.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.csv"), rows(1, 300, false)).unwrap();
        fs::write(folder.path().join("test.csv"), rows(2, 123, true)).unwrap();
        let text = CONFIG.replace("[data]", &format!("[data]\ndir = {:?}", folder.path()));
        let config = RunConfig::parse(&text, "run.toml".as_ref()).unwrap();
        let splits = config.data.load().unwrap();
        let mut session = Session::new(&config, &splits).unwrap();
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        let run = Self { folder, config, splits, session };
        let dir = RunDir::create(&run.path("run"), &run.config, run.session.data()).unwrap();
        write_atomic(&dir.weights(), &run.session.trainer.model().params().to_safetensors().unwrap()).unwrap();
        let validation = &run.session.trainer.history().iter().rfind(|e| e.is_best).unwrap().validation;
        let metrics =
            serde_json::json!({ "best_epoch": 2, "validation": validation, "test": run.session.test().unwrap() });
        write_atomic(&dir.metrics(), metrics.to_string().as_bytes()).unwrap();
        run
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn dir(&self) -> RunDir {
        RunDir::open(&self.path("run")).unwrap()
    }

    /// What the evaluation at the end of training sees: the answers on the test split, joined over batches.
    pub(crate) fn evaluated(&self) -> Vec<Array2<f32>> {
        let model = self.session.trainer.model();
        let batches = self.session.test_loader().epoch(0).unwrap();
        join(batches.map(|batch| model.predict(&batch.unwrap().inputs).unwrap()))
    }
}

/// The numbers of an answer.
pub(crate) fn numbers(prediction: &Prediction) -> Array2<f32> {
    match prediction {
        Prediction::Class { scores, .. }
        | Prediction::MultiLabel { scores, .. }
        | Prediction::Ordinal { scores, .. } => scores.clone(),
        Prediction::Values { values } => values.clone(),
        Prediction::Forecast(forecast) => forecast.points().clone(),
        Prediction::Tags { .. } | Prediction::Sequence { .. } | Prediction::Custom { .. } => panic!("{prediction:?}"),
    }
}

/// Answers of several batches, per task.
pub(crate) fn join(batches: impl Iterator<Item = Vec<Prediction>>) -> Vec<Array2<f32>> {
    let mut joined: Vec<Array2<f32>> = Vec::new();
    for batch in batches {
        let batch: Vec<_> = batch.iter().map(numbers).collect();
        if joined.is_empty() {
            joined = batch;
        } else {
            joined.iter_mut().zip(&batch).for_each(|(all, more)| all.append(ndarray::Axis(0), more.view()).unwrap());
        }
    }
    joined
}

/// The largest difference, relative to numbers beyond 1.
pub(crate) fn difference(a: &[Array2<f32>], b: &[Array2<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let mut largest = 0.0f32;
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.dim(), b.dim());
        largest = a.iter().zip(b).map(|(x, y)| (x - y).abs() / x.abs().max(1.0)).fold(largest, f32::max);
    }
    largest
}

/// The four files of `fashion-pairs` with a few made garments, and two composed pictures to predict for.
pub(crate) fn pictures(folder: &Path) {
    let mut rng = Rng::new(3);
    for (part, n) in [("train", 40u8), ("t10k", 8)] {
        let pixels: Vec<u8> = (0..usize::from(n) * 28 * 28).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        let images = [&[0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28][..], &pixels].concat();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, n][..], &(0..n).map(|i| i % 10).collect::<Vec<_>>()].concat();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}
