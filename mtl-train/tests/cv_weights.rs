//! Weights by cross-validation on problems whose best weights are known, and what the search must not look at.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "helpers of tests; exact values on purpose; inputs are f32"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    input::InputSpec,
    rng::Rng,
    task::TaskName,
};
use mtl_data::{
    DataInfo, Origin, Source, Splits, Subset, TaskInfo,
    kept::{Cut, Provenance},
    source::{Codes, Labels, TableSource},
};
use mtl_train::{
    config::StudyConfig,
    run::session::Session,
    study::cv_weights::{Found, Trial, WatchTrials, search},
    train::trainer::{Flow, Observer, StepSummary},
};
use ndarray::Array2;

/// Two tasks that are one: `y_t = w x + noise_t`. The shared trunk estimates `w` from both; with squared losses the variance
/// of such an estimate is least when the weights are inverse to the noise variances, like 1/s1^2 to 1/s2^2.
fn planted(n: [usize; 3], dim: usize, sd: [f64; 2], seed: u64) -> Splits {
    let mut rng = Rng::new(seed);
    let w: Vec<f64> = (0..dim).map(|_| rng.normal() / (dim as f64).sqrt()).collect();
    let rows: usize = n.iter().sum();
    let xs: Vec<f32> = (0..rows * dim).map(|_| rng.normal() as f32).collect();
    let clean = |row: usize| -> f64 { w.iter().zip(&xs[row * dim..]).map(|(w, x)| w * f64::from(*x)).sum() };
    let task = |name: &str| TaskInfo { name: TaskName::new(name).unwrap(), answer: Answer::values([name]) };
    let info = DataInfo {
        inputs: InputSpec::table(Vec::new(), (0..dim).map(|i| format!("x{i}")).collect()),
        tasks: vec![task("sharp"), task("blurred")],
    };
    let labels: Vec<Labels> = sd
        .iter()
        .map(|sd| {
            let noisy: Vec<f32> = (0..rows).map(|row| (clean(row) + sd * rng.normal()) as f32).collect();
            Labels::numbers(Array2::from_shape_vec((rows, 1), noisy).unwrap())
        })
        .collect();
    let whole: Arc<dyn Source> =
        Arc::new(TableSource::from_rows(info.clone(), rows, Codes::Narrow(vec![]), xs, labels).unwrap());
    let part = |from: usize, n: usize| -> Arc<dyn Source> {
        Arc::new(Subset::new(whole.clone(), (from as u64..(from + n) as u64).collect()).unwrap())
    };
    Splits {
        train: part(0, n[0]),
        validation: part(n[0], n[1]),
        test: part(n[0] + n[1], n[2]),
        info,
        preprocessing: None,
        origin: Origin::Synthetic,
        provenance: Provenance { cut: Cut::whole(n.map(|n| n as u64)), ..Provenance::default() },
        findings: Vec::new(),
        dealt: Default::default(),
        sources: Vec::new(),
    }
}

fn study(more: &str) -> StudyConfig {
    let text = format!(
        r#"
        # Named only: the data come from the test.
        data    = {{ kind = "synthetic-mmoe" }}
        encoder = {{ kind = "tabular", token_width = 1, hidden = [8] }}
        train   = {{ epochs = 9, batch_size = 10, selection = "sharp.rmse", optimizer = {{ kind = "adamw", lr = 0.02, weight_decay = 0.0 }} }}
        device  = {{ threads = 1 }}
        # The weights that are planted are those of losses in the labels' own unit.
        [[task]]
        name = "sharp"
        head = {{ kind = "regress", transform = "none" }}
        [[task]]
        name = "blurred"
        head = {{ kind = "regress", transform = "none" }}
        [cv_weights]
        {more}
        "#
    );
    StudyConfig::parse(&text, Path::new("study.toml")).unwrap()
}

fn run(study: &StudyConfig, splits: &Splits, root: &Path) -> Found {
    search(&study.run, &study.cv_weights, splits, root, &mut ()).unwrap().unwrap()
}

#[test]
fn the_known_best_weight_is_found_within_a_grid_step() {
    // Noise variances 0.2 and 0.8: weights like 4 to 1, so 1.6 and 0.4 of 2; turned around, the other way round.
    let (low, high, step) = (0.2_f64.sqrt(), 0.8_f64.sqrt(), 0.4);
    let study = study("folds = 4\nmin_epochs = 3\nhalving = 2\ncandidates = { kind = \"grid\", steps = 5 }");
    for seed in 1..=3 {
        for (sd, best) in [([low, high], 1.6), ([high, low], 0.4)] {
            let splits = planted([240, 60, 60], 40, sd, seed);
            let folder = tempfile::tempdir().unwrap();
            let found = run(&study, &splits, folder.path());
            let off = (found.weights()[0] - best).abs();
            assert!(off <= step + 1e-9, "seed {seed}\n{}", mtl_train::study::cv_weights::to_text(&found));
            assert!(found.candidates[found.chosen].against_equal.as_ref().unwrap().mean > 0.0);
            assert_eq!((found.rounds.as_slice(), found.candidates.len()), (&[3, 6, 9][..], 5));
            assert!(found.epochs_trained < found.epochs_in_full);
            assert_eq!(found.fold_sizes, [60; 4]);
        }
    }
}

/// A source that counts who reads it.
struct Counted {
    source: Arc<dyn Source>,
    reads: Arc<AtomicU64>,
}

impl Source for Counted {
    fn info(&self) -> &DataInfo {
        self.source.info()
    }

    fn len(&self) -> u64 {
        self.source.len()
    }

    fn batch(&self, positions: &[u64]) -> mtl_data::Result<Batch> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.source.batch(positions)
    }

    /// Labels alone say which metrics are defined, and are looked at before a run starts.
    fn targets(&self, positions: &[u64]) -> mtl_data::Result<Vec<Option<Target>>> {
        self.source.targets(positions)
    }
}

/// Sees to it that nobody has read the test split yet, and stops each search after some runs.
struct Watcher {
    test: Arc<AtomicU64>,
    validation: Arc<AtomicU64>,
    begun: usize,
    stop_at: usize,
}

struct Stopper(bool);

impl Observer for Stopper {
    fn step(&mut self, _step: &StepSummary<'_>) {}

    fn flow(&self) -> Flow {
        if self.0 { Flow::Stop } else { Flow::Continue }
    }
}

impl WatchTrials for Watcher {
    fn begin(&mut self, trial: &Trial<'_>, _session: &Session) -> Box<dyn Observer> {
        assert_eq!(self.test.load(Ordering::SeqCst), 0, "the test split was read before {}", trial.title());
        // The refit chooses its epoch on it.
        let read = if trial.fold.is_some() { self.validation.load(Ordering::SeqCst) } else { 0 };
        assert_eq!(read, 0, "the validation split was read by {}", trial.title());
        self.begun += 1;
        Box::new(Stopper(self.begun == self.stop_at))
    }
}

#[test]
fn other_splits_stay_untouched_and_a_stopped_search_goes_on() {
    let mut splits = planted([90, 30, 30], 6, [0.5, 1.0], 2);
    let study = study("folds = 3\ncandidates = { kind = \"sobol\", n = 5 }\nmin_epochs = 3");
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let wanted = run(&study, &splits, &whole);
    // The first point of the sequence is the middle: equal weights, which are there already.
    assert!(wanted.candidates.len() == 5 && wanted.candidates[0].weights == [1.0, 1.0]);
    assert!(wanted.candidates[0].rounds.len() == 2, "equal weights stay to the end");
    assert!(wanted.candidates.iter().any(|c| c.rounds.len() == 1), "others do not");
    assert!(wanted.refit.test.tasks.len() == 2 && whole.join("cv_weights.html").exists());

    let (test, validation) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counted = |source: &Arc<dyn Source>, reads: &Arc<AtomicU64>| -> Arc<dyn Source> {
        Arc::new(Counted { source: source.clone(), reads: reads.clone() })
    };
    splits.test = counted(&splits.test, &test);
    splits.validation = counted(&splits.validation, &validation);
    let mut sessions = 0;
    let found = loop {
        let mut watcher = Watcher { test: test.clone(), validation: validation.clone(), begun: 0, stop_at: 5 };
        sessions += 1;
        if let Some(found) = search(&study.run, &study.cv_weights, &splits, &stopped, &mut watcher).unwrap() {
            break found;
        }
        assert!(sessions < 20);
    };
    assert!(sessions > 3, "{sessions}");
    assert_eq!(found, wanted);
    assert!(test.load(Ordering::SeqCst) > 0, "the refit is tested");
    let left = std::fs::read_dir(stopped.join("folds"))
        .unwrap()
        .filter(|f| f.as_ref().unwrap().path().join("checkpoints").exists());
    assert_eq!(left.count(), 0, "checkpoints that nobody needs are removed");
}
