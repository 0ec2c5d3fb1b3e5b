//! Runs on several ranks: the run of one to the last roundings, the same bits each time, and every sample of an epoch once, whatever
//! happens to the number of ranks on the way.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use mtl_core::{
    batch::{Batch, Target},
    input::{InputSpec, Inputs, Modality, Picture},
    prediction::MISSING_CLASS,
    task::TaskName,
    world::{World, together},
};
use mtl_data::{
    BatchIter, Batches, DataInfo, Error as DataError, ForTasks, Loader, LoaderConfig, LoaderPosition, MultiConfig,
    MultiLoader, Origin, Part, PartIter, Shard, Source, Splits, Subset, TaskInfo, TaskSampler,
    kept::{Cut, Provenance},
};
use mtl_train::{
    Error, RunConfig,
    run::{
        dir::RunDir,
        life::{Ended, Limit, Run},
        session::Session,
    },
    train::{
        checkpoint::CheckpointStore,
        trainer::{Ending, EpochSummary, Flow, Incident, Observer, StepSummary},
    },
};
use tch::{Device, Kind, Tensor};

use super::run::{turn, weights};

/// 150 samples in batches of 32, the last of 22.
fn config(device: &str, rest: &str, train: &str) -> RunConfig {
    let text = format!(
        r#"
        data    = {{ kind = "synthetic-mmoe", train = 150, validation = 70, test = 50, targets = "binary" }}
        device  = {{ {device} }}
        {rest}
        [train]
        batch_size = 32
        eval_batch_size = 20
        workers = 0
        seed = 3
        {train}
        "#
    );
    RunConfig::parse(&text, Path::new("run.toml")).unwrap()
}

const PLAIN: &str = r#"encoder = { kind = "tabular", token_width = 2, hidden = [6] }"#;
/// Draws for samples: ranks have masks of their own.
const DROPOUT: &str = r#"encoder = { kind = "tabular", token_width = 2, hidden = [6], dropout = 0.2 }"#;

fn on(ranks: usize) -> String {
    if ranks == 1 { "threads = 1".into() } else { format!("ranks = {ranks}") }
}

fn numbers(session: &Session) -> Vec<f32> {
    let params = session.trainer.model().params();
    params.tensors().flat_map(|(_, t)| Vec::<f32>::try_from(t.detach().reshape([-1])).unwrap()).collect()
}

/// The largest difference of two lists.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// What every epoch was judged by, and the test split.
fn judged(session: &Session) -> (Vec<(u64, bool)>, Vec<f64>) {
    let history = session.trainer.history();
    let test = session.test().unwrap();
    let reports = history.iter().map(|e| &e.validation).chain([&test]);
    let values = reports.flat_map(|report| report.tasks.iter().flat_map(|task| &task.metrics));
    (history.iter().map(|e| (e.step, e.is_best)).collect(), values.filter_map(|m| m.outcome.value).collect())
}

fn assert_alike(several: &Session, one: &Session, what: &str) {
    let far = apart(&numbers(several), &numbers(one));
    assert!(far < 5e-6, "{what}: weights are {far:e} apart");
    let ((rounds, values), (expected_rounds, expected)) = (judged(several), judged(one));
    assert_eq!(rounds, expected_rounds, "{what}");
    assert_eq!(values.len(), expected.len(), "{what}");
    let far = values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far < 1e-4, "{what}: metrics are {far:e} apart");
    for (a, b) in several.trainer.history().iter().zip(one.trainer.history()) {
        let (losses, expected) = (&a.train_loss, &b.train_loss);
        let alike = losses.iter().zip(expected).all(|(a, b)| (a.unwrap() - b.unwrap()).abs() < 1e-5);
        assert!(alike, "{what}: {losses:?} {expected:?}");
    }
}

#[test]
fn a_run_on_ranks_is_the_run_of_one() {
    let _turn = turn();
    for (balancer, train) in [
        ("equal", "epochs = 2\nema = {}\nclip_norm = 0.5"),
        ("upgrad", "steps = 9\nvalidate_every = { steps = 4 }"),
        // Losses of the same batch after the step.
        ("famo", "epochs = 2"),
        // Held-out batches; further ones of the epoch, of which a rest is no step.
        ("auto-lambda", "epochs = 2\nheld_out = 0.2"),
        ("modo", "steps = 5"),
        // Micro-batches; patience that runs out.
        ("graddrop", "epochs = 2\naccumulate = 2"),
        (
            "equal",
            "steps = 60\nvalidate_every = { steps = 2 }\npatience = 2\noptimizer = { kind = \"sgd\", lr = 1e-12 }",
        ),
    ] {
        let config = |ranks| config(&on(ranks), &format!("{PLAIN}\nbalancer = {{ kind = {balancer:?} }}"), train);
        let splits = config(1).data.load().unwrap();
        let trained = |ranks| {
            let mut session = Session::new(&config(ranks), &splits).unwrap();
            assert_eq!(session.ranks(), ranks);
            assert_eq!(session.fit(&mut (), None).unwrap(), Ending::Finished);
            session
        };
        let one = trained(1);
        for ranks in [2, 3, 4] {
            assert_alike(&trained(ranks), &one, &format!("{balancer}, {train:?}, {ranks} ranks"));
        }
    }
}

#[test]
fn ranks_repeat_themselves_to_the_bit_and_go_on_to_the_same_bits() {
    let _turn = turn();
    let config = config("ranks = 2", &format!("{DROPOUT}\nbalancer = {{ kind = \"upgrad\" }}"), "epochs = 2");
    let splits = config.data.load().unwrap();
    let trained = || {
        let mut session = Session::new(&config, &splits).unwrap();
        session.fit(&mut (), None).unwrap();
        weights(&session)
    };
    let whole = trained();
    assert!(whole == trained());
    let folder = tempfile::tempdir().unwrap();
    let store = CheckpointStore::open(folder.path(), 1).unwrap();
    let mut session = Session::new(&config, &splits).unwrap();
    assert_eq!(session.fit(&mut StopAfter(3, 0), Some(&store)).unwrap(), Ending::Stopped);
    let mut session = Session::new(&config, &splits).unwrap();
    session.trainer.resume(store.latest().unwrap().unwrap().0).unwrap();
    assert_eq!((session.trainer.step(), session.fit(&mut (), None).unwrap()), (3, Ending::Finished));
    assert!(whole == weights(&session));
}

/// Stops after so many steps.
struct StopAfter(u64, u64);

impl Observer for StopAfter {
    fn step(&mut self, _: &StepSummary<'_>) {
        self.1 += 1;
    }
    fn flow(&self) -> Flow {
        if self.1 >= self.0 { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn a_folder_goes_on_with_another_number_of_ranks() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let config = |device: &str| config(device, PLAIN, "epochs = 3");
    let splits = config("").data.load().unwrap();
    let mut one = Session::new(&config("threads = 1"), &splits).unwrap();
    one.fit(&mut (), None).unwrap();
    let root = folder.path().join("run");
    for (device, steps, threads) in [
        ("threads = 2", 2, 2),
        ("ranks = 2", 2, 1),
        ("ranks = 3", 3, 1),
        ("ranks = 1, threads = 1", 1, 1),
        ("ranks = 4", 3, 1),
    ] {
        let mut run = Run::enter(&root, config(device), &splits).unwrap();
        let before = run.session().trainer.step();
        assert_eq!(run.train(Limit::End, &mut StopAfter(steps, 0)).unwrap(), Ended::Stopped);
        assert_eq!(run.session().trainer.step(), before + steps, "all ranks stop at the same step");
        let recorded = RunDir::open(&root).unwrap().config().unwrap().device;
        assert_eq!(recorded.threads, Some(threads), "{device}");
    }
    // Where nothing is said it is the numbers of the folder, and other threads for the same ranks are another run.
    assert_eq!(Run::enter(&root, config(""), &splits).unwrap().session().ranks(), 4);
    let e = Run::enter(&root, config("threads = 2"), &splits).unwrap_err().to_string();
    assert!(e.contains("device.threads was 1, is 2"), "{e}");
    let mut run = Run::enter(&root, config("ranks = \"auto\""), &splits).unwrap();
    assert_eq!((run.session().ranks(), run.train(Limit::End, &mut ()).unwrap()), (4, Ended::Finished));
    assert_alike(run.session(), &one, "five numbers of ranks");
    run.finish(None).unwrap();
}

/// Small pictures by ids, for a network that normalizes over the batch; some labels are missing.
struct Pictures(DataInfo);

impl Pictures {
    fn splits() -> Splits {
        let inputs = InputSpec::new([("image", Modality::from(Picture { channels: 1, height: 8, width: 8 }))]).unwrap();
        let task = |name| TaskInfo {
            name: TaskName::new(name).unwrap(),
            answer: mtl_core::answer::Answer::class(["no", "yes"]),
        };
        let info = DataInfo { inputs, tasks: vec![task("odd"), task("high")] };
        let whole: Arc<dyn Source> = Arc::new(Self(info.clone()));
        let part = |range: std::ops::Range<u64>| -> Arc<dyn Source> {
            Arc::new(Subset::new(whole.clone(), range.collect()).unwrap())
        };
        Splits {
            train: part(0..43),
            validation: part(43..58),
            test: part(58..70),
            info,
            preprocessing: None,
            origin: Origin::Synthetic,
            provenance: Provenance { files: Vec::new(), cut: Cut::whole([43, 15, 12]) },
            findings: Vec::new(),
            dealt: Default::default(),
        }
    }
}

impl Source for Pictures {
    fn info(&self) -> &DataInfo {
        &self.0
    }
    fn len(&self) -> u64 {
        70
    }
    fn batch(&self, positions: &[u64]) -> mtl_data::Result<Batch> {
        let of =
            |p: &u64| (Tensor::arange(64, (Kind::Float, Device::Cpu)) * (*p as f64 + 0.5)).sin().view([1, 1, 8, 8]);
        let image = Tensor::cat(&positions.iter().map(of).collect::<Vec<_>>(), 0);
        let odd: Vec<i64> = positions.iter().map(|p| i64::try_from(p % 2).unwrap()).collect();
        let high: Vec<i64> =
            positions.iter().map(|p| if p % 3 == 0 { MISSING_CLASS } else { i64::from(p % 7 > 3) }).collect();
        let targets = vec![Some(Target::class("odd", &odd)?), Some(Target::class("high", &high)?)];
        Ok(Batch::new(Inputs::new(vec![("image".to_owned(), image)])?, targets, positions.to_vec())?)
    }
}

/// Also batches of a single sample: no rank could normalize its part, or has one.
#[test]
fn norms_are_over_the_batch_of_all_ranks() {
    let _turn = turn();
    let splits = Pictures::splits();
    for batch_size in [7, 3] {
        let train =
            format!("epochs = 1\nseed = 4\noptimizer = {{ kind = \"sgd\", lr = 0.05 }}\nbatch_size = {batch_size}");
        let trained = |ranks| {
            let text = format!(
                "data = {{ kind = \"synthetic-mmoe\" }}\ndevice = {{ {} }}\n\
                 encoder = {{ kind = \"resnet18\", width = 2 }}\n[train]\n{train}",
                on(ranks)
            );
            let config = RunConfig::parse(&text, Path::new("run.toml")).unwrap();
            let mut session = Session::new(&config, &splits).unwrap();
            session.fit(&mut (), None).unwrap();
            session
        };
        let one = trained(1);
        for ranks in [2, 3, 4] {
            assert_alike(&trained(ranks), &one, &format!("batches of {batch_size}, {ranks} ranks"));
        }
    }
}

/// Trains a session as each of so many ranks on batches of one's own, from the newest checkpoint; gives the leader's weights and steps.
fn learn(
    size: usize,
    config: &RunConfig,
    splits: &Splits,
    train: &dyn Batches,
    store: Option<&CheckpointStore>,
    stop_after: u64,
) -> mtl_train::Result<(Vec<f32>, u64)> {
    let rank = |world: Arc<dyn World>| {
        let mut session = Session::new(config, splits)?;
        if let Some((checkpoint, _)) = store.map(CheckpointStore::latest).transpose()?.flatten() {
            session.trainer.resume(checkpoint)?;
        }
        let leads = world.leads();
        session.trainer.join(world);
        let mut stop = StopAfter(if leads { stop_after } else { u64::MAX }, 0);
        session.trainer.fit(train, &session.validation, &mut stop, store.filter(|_| leads))?;
        Ok::<_, Error>((numbers(&session), session.trainer.step()))
    };
    let mut ended = together(size, rank)?;
    let (first, rest) = (ended.remove(0), ended);
    let bits = |weights: &[f32]| weights.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
    assert!(rest.iter().all(|(weights, step)| (bits(weights), *step) == (bits(&first.0), first.1)), "ranks differ");
    Ok(first)
}

#[test]
fn separate_data_sets_are_drawn_alike_by_all_ranks() {
    let _turn = turn();
    let config = config("threads = 1", &format!("{PLAIN}\nbalancer = {{ kind = \"upgrad\" }}"), "epochs = 2");
    let splits = config.data.load().unwrap();
    let tasks = splits.info.tasks.clone();
    let part = |task: usize, rows: std::ops::Range<u64>| -> Arc<dyn Source> {
        let rows: Arc<dyn Source> = Arc::new(Subset::new(splits.train.clone(), rows.collect()).unwrap());
        Arc::new(ForTasks::select(rows, &[tasks[task].name.as_str()]).unwrap())
    };
    for (sampler, _) in TaskSampler::ALL {
        let loader = LoaderConfig { batch_size: 16, workers: 0, seed: 2, ..LoaderConfig::default() };
        let sampler = TaskSampler::by_name(sampler).unwrap();
        let multi =
            MultiLoader::new(vec![part(0, 0..100), part(1, 100..150)], MultiConfig { sampler, loader, steps: None });
        let multi = multi.unwrap();
        let (one, steps) = learn(1, &config, &splits, &multi, None, u64::MAX).unwrap();
        let (three, steps_of_three) = learn(3, &config, &splits, &multi, None, u64::MAX).unwrap();
        let far = apart(&one, &three);
        assert!(far < 5e-6 && steps == steps_of_three, "{:?}: {far:e}", multi.schedule(0));
    }
}

/// A loader whose parts are written down as they are taken, and which may break.
struct Recorded {
    loader: Loader,
    /// Epoch, number of the batch, ids.
    taken: Mutex<Vec<(u64, u64, Vec<u64>)>>,
    breaks_at: Option<(u64, u64)>,
}

impl Recorded {
    fn new(loader: &Loader, breaks_at: Option<(u64, u64)>) -> Self {
        Self { loader: loader.clone(), taken: Mutex::new(Vec::new()), breaks_at }
    }

    /// Ids of an epoch that were learned up to and without a batch.
    fn ids(&self, epoch: u64, before: u64) -> Vec<u64> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(e, b, _)| *e == epoch && *b < before).flat_map(|(_, _, ids)| ids.clone()).collect()
    }
}

impl Batches for Recorded {
    fn n_batches(&self) -> Option<u64> {
        Some(self.loader.n_batches())
    }
    fn batches_from(&self, position: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
        self.loader.batches_from(position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> mtl_data::Result<PartIter<'_>> {
        let parts = self.loader.parts_from(position, shard)?;
        Ok(Box::new(parts.zip(position.next_batch..).map(move |(part, number)| {
            let part: Part = part?;
            if self.breaks_at == Some((position.epoch, number)) && shard.rank == shard.size - 1 {
                return Err(DataError::Position { what: "disk", len: 0, found: number });
            }
            self.taken.lock().unwrap().push((position.epoch, number, part.batch.ids.clone()));
            Ok(part)
        })))
    }
}

#[test]
fn every_sample_of_an_epoch_is_learned_once_whatever_number_of_ranks_goes_on() {
    let _turn = turn();
    let config = config(
        "threads = 1",
        &format!("{PLAIN}\nbalancer = {{ kind = \"upgrad\" }}"),
        "epochs = 3\ncheckpoint_every = 1",
    );
    let splits = config.data.load().unwrap();
    let loader = Session::new(&config, &splits).unwrap().train;
    let whole = Recorded::new(&loader, None);
    let (expected, _) = learn(1, &config, &splits, &whole, None, u64::MAX).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = CheckpointStore::open(folder.path(), 2).unwrap();
    // Five batches an epoch. Two ranks die in the second epoch when they want its third batch; three go on, and are stopped after
    // one more; one goes on to the end.
    let killed = Recorded::new(&loader, Some((1, 2)));
    let e = learn(2, &config, &splits, &killed, Some(&store), u64::MAX).unwrap_err().to_string();
    assert!(e.contains("disk") && !e.contains("has ended"), "the cause, not what followed of it: {e}");
    let stopped = Recorded::new(&loader, None);
    let (_, step) = learn(3, &config, &splits, &stopped, Some(&store), 1).unwrap();
    assert_eq!(step, 5 + 3);
    let last = Recorded::new(&loader, None);
    let (weights, step) = learn(1, &config, &splits, &last, Some(&store), u64::MAX).unwrap();
    assert_eq!(step, 15);
    let mut ids = [killed.ids(1, 2), stopped.ids(1, 3), last.ids(1, 5)].concat();
    assert_eq!([killed.ids(1, 2).len(), stopped.ids(1, 3).len(), last.ids(1, 5).len()], [64, 32, 54]);
    ids.sort_unstable();
    let mut all = whole.ids(1, 5);
    all.sort_unstable();
    assert_eq!((ids, all.len()), (all.clone(), 150));
    assert!(apart(&weights, &expected) < 5e-6, "{:e}", apart(&weights, &expected));
}

/// A loader that poisons a sample.
struct Poisoned(Loader, u64);

impl Batches for Poisoned {
    fn n_batches(&self) -> Option<u64> {
        Some(self.0.n_batches())
    }
    fn batches_from(&self, position: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
        Ok(Box::new(self.0.batches_from(position)?.map(|batch| {
            let mut batch = batch?;
            if let Some(at) = batch.ids.iter().position(|id| *id == self.1) {
                let numeric = batch.inputs.get("numeric")?.copy();
                let _ = numeric.get(i64::try_from(at).unwrap()).fill_(f64::NAN);
                batch.inputs = Inputs::new(vec![("numeric".to_owned(), numeric)])?;
            }
            Ok(batch)
        })))
    }
}

/// Keeps what was not finite.
#[derive(Default)]
struct Incidents(Vec<Incident>);

impl Observer for Incidents {
    fn step(&mut self, _: &StepSummary<'_>) {}
    fn incident(&mut self, incident: &Incident) {
        self.0.push(incident.clone());
    }
    fn epoch(&mut self, _: &EpochSummary) {}
}

#[test]
fn what_is_not_finite_is_found_on_whichever_rank_it_is() {
    let _turn = turn();
    for policy in ["skip-step", "stop"] {
        let train = format!("epochs = 1\npolicy = {{ non_finite = {policy:?} }}");
        let config = config("threads = 1", PLAIN, &train);
        let splits = config.data.load().unwrap();
        let (mut one, id) = (None, 77);
        for size in [1, 2, 3] {
            let found = together(size, |world| {
                let mut session = Session::new(&config, &splits)?;
                let train = Poisoned(session.train.clone(), id);
                let (leads, mut seen) = (world.leads(), Incidents::default());
                session.trainer.join(world);
                let ended = session.trainer.fit(&train, &session.validation, &mut seen, None);
                let said = ended.err().map(|e| e.to_string());
                Ok::<_, Error>((said, if leads { seen.0 } else { Vec::new() }))
            });
            let found = found.unwrap();
            assert!(found.iter().all(|(said, _)| *said == found[0].0), "{size} ranks, {policy}: {found:?}");
            let (said, incidents) = &found[0];
            assert_eq!(incidents.len(), if policy == "stop" { 0 } else { 2 }, "one a task");
            let text =
                said.clone().unwrap_or_default() + &incidents.iter().map(ToString::to_string).collect::<String>();
            assert!(text.contains("samples 77; input numeric is not finite in samples 77"), "{size} ranks: {text}");
            assert_eq!(*one.get_or_insert(text.clone()), text, "{size} ranks say what one says");
        }
    }
}

/// Can be read only once.
struct Pipe(Loader);

impl Batches for Pipe {
    fn n_batches(&self) -> Option<u64> {
        None
    }
    fn batches_from(&self, position: LoaderPosition) -> mtl_data::Result<BatchIter<'_>> {
        self.0.batches_from(position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> mtl_data::Result<PartIter<'_>> {
        if shard.size > 1 {
            let (expected, found) = ("1, as a pipe is read once".into(), shard.size.to_string());
            return Err(mtl_core::Error::InvalidConfig { what: "device", field: "ranks", expected, found }.into());
        }
        Ok(Box::new(self.batches_from(position)?.map(move |batch| shard.cut(batch?))))
    }
}

#[test]
fn what_ranks_cannot_do_is_refused() {
    let _turn = turn();
    let refusal = |device: &str| {
        let config = config(device, PLAIN, "epochs = 1");
        Session::new(&config, &config.data.load().unwrap()).map(|_| ()).unwrap_err().to_string()
    };
    let both = refusal("ranks = 2, threads = 2");
    assert!(both.contains("threads must be 1 (or left out) with several ranks, found 2"), "{both}");
    assert!(refusal("ranks = \"auto\", threads = 2").contains("with several ranks"));
    let none = RunConfig::parse("data = { kind = \"synthetic-mmoe\" }\ndevice = { ranks = 0 }", "x.toml".as_ref());
    let none = none.and_then(|config| Session::new(&config, &config.data.load()?)).map(|_| ()).unwrap_err().to_string();
    assert!(none.contains("ranks must be >= 1, found 0"), "{none}");
    let config = config("threads = 1", PLAIN, "steps = 4");
    let splits = config.data.load().unwrap();
    let pipe = Pipe(Session::new(&config, &splits).unwrap().train);
    assert_eq!(learn(1, &config, &splits, &pipe, None, u64::MAX).unwrap().1, 4);
    let e = learn(2, &config, &splits, &pipe, None, u64::MAX).unwrap_err().to_string();
    assert_eq!(e, "device: ranks must be 1, as a pipe is read once, found 2");
}
