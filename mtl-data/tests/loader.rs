//! Order, resumption and clean-up of loaders (reliability anchors R6 and R11).
#![expect(clippy::unwrap_used, reason = "helpers of tests may stop like the tests")]

use std::{
    sync::{Arc, Mutex},
    thread::sleep,
    time::Duration,
};

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    input::{InputSpec, Inputs},
    task::TaskName,
};
use mtl_data::{
    Batches, DataInfo, Error, Loader, LoaderConfig, LoaderPosition, MultiConfig, MultiLoader, Order, Part, Result,
    Shard, Source, TaskInfo, TaskSampler,
};
use tch::Tensor;

/// Thread counts are of the process, so tests that start threads take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A source whose numbers are its positions; some batches take longer than others.
struct Counting {
    info: DataInfo,
    n: u64,
    fails_at: Option<u64>,
    panics_at: Option<u64>,
}

fn counting(task: &str, n: u64) -> Counting {
    let answer = Answer::class(["a", "b"]);
    let tasks = vec![TaskInfo { name: TaskName::new(task).unwrap(), answer }];
    let info = DataInfo { inputs: InputSpec::table(Vec::new(), vec!["x".into()]), tasks };
    Counting { info, n, fails_at: None, panics_at: None }
}

impl Source for Counting {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.n
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        if positions.iter().any(|&p| Some(p) == self.fails_at) {
            return Err(Error::Position { what: "test", len: 0, found: 0 });
        }
        assert!(!positions.iter().any(|&p| Some(p) == self.panics_at), "a broken source");
        sleep(Duration::from_micros(positions[0] % 5 * 200));
        let xs: Vec<f32> = positions.iter().map(|&p| p as f32).collect();
        let ys: Vec<i64> = positions.iter().map(|&p| i64::try_from(p % 2).unwrap()).collect();
        let inputs = Inputs::new(vec![("numeric".to_owned(), Tensor::from_slice(&xs).view([-1, 1]))])?;
        let target = Target::class(self.info.tasks[0].name.as_str(), &ys)?;
        Ok(Batch::new(inputs, vec![Some(target)], positions.to_vec())?)
    }
}

/// What a batch holds, comparable: ids, numbers, which targets are there.
type Content = (Vec<u64>, Vec<f32>, Vec<bool>);

fn content(batches: impl Iterator<Item = Result<Batch>>) -> Vec<Content> {
    batches
        .map(|batch| {
            let batch = batch.unwrap();
            let xs = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
            (batch.ids, xs, batch.targets.iter().map(Option::is_some).collect())
        })
        .collect()
}

fn config(workers: usize) -> LoaderConfig {
    LoaderConfig { batch_size: 7, workers, prefetch: 3.max(workers), seed: 5, ..LoaderConfig::default() }
}

fn multi(workers: usize, sampler: &str) -> MultiLoader {
    let sources: Vec<Arc<dyn Source>> =
        vec![Arc::new(counting("a", 50)), Arc::new(counting("b", 20)), Arc::new(counting("c", 7))];
    let sampler = TaskSampler::by_name(sampler).unwrap();
    MultiLoader::new(sources, MultiConfig { sampler, steps: None, loader: config(workers) }).unwrap()
}

/// Threads of this process that a loader started.
fn loader_threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("mtl-data-"))
        .count()
}

/// Waits until the number of loader threads is as wanted: a thread names itself a moment after it starts, and the
/// system lists it for a moment after it was joined.
fn threads_become(wanted: impl Fn(usize) -> bool) -> bool {
    (0..2000).any(|_| {
        let there = wanted(loader_threads());
        if !there {
            sleep(Duration::from_millis(1));
        }
        there
    })
}

#[test]
fn any_number_of_workers_gives_the_same_sequence() {
    let _turn = TURN.lock();
    let source: Arc<dyn Source> = Arc::new(counting("y", 100));
    let sequence = |workers| content(Loader::new(source.clone(), config(workers)).unwrap().epoch(3).unwrap());
    let alone = sequence(0);
    assert_eq!((alone.len(), alone[14].0.len()), (15, 2));
    let mut ids: Vec<u64> = alone.iter().flat_map(|batch| batch.0.clone()).collect();
    assert!(!ids.is_sorted());
    ids.sort_unstable();
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    for workers in [1, 2, 8] {
        assert_eq!(sequence(workers), alone, "{workers} workers");
    }
    for (sampler, _) in TaskSampler::ALL {
        let alone = content(multi(0, sampler).epoch(1).unwrap());
        for workers in [1, 2, 8] {
            assert_eq!(content(multi(workers, sampler).epoch(1).unwrap()), alone, "{sampler}, {workers} workers");
        }
    }
}

#[test]
fn no_source_of_several_gives_a_batch_below_the_least() {
    let _turn = TURN.lock();
    // 50, 22 and 8 samples in batches of 7: each leaves one over.
    let sources = || -> Vec<Arc<dyn Source>> {
        vec![Arc::new(counting("a", 50)), Arc::new(counting("b", 22)), Arc::new(counting("c", 8))]
    };
    let loader = LoaderConfig { least: 2, ..config(1) };
    let sampler = TaskSampler::by_name("proportional").unwrap();
    let multi = MultiLoader::new(sources(), MultiConfig { sampler, steps: None, loader: loader.clone() }).unwrap();
    assert_eq!(multi.n_batches(), 7 + 3 + 1);
    let mut sizes: Vec<usize> = content(multi.epoch(0).unwrap()).iter().map(|batch| batch.0.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8]);
    let single: Vec<Arc<dyn Source>> = vec![Arc::new(counting("a", 50)), Arc::new(counting("b", 1))];
    let sampler = TaskSampler::by_name("proportional").unwrap();
    let e = MultiLoader::new(single, MultiConfig { sampler, steps: None, loader: loader.clone() }).unwrap_err();
    assert_eq!(
        e.to_string(),
        "loader: source must be at least 2 samples, as the network cannot train on fewer at once, found 1"
    );
    let whole = content(Loader::new(Arc::new(counting("y", 50)), loader.clone()).unwrap().epoch(2).unwrap());
    let ids: Vec<u64> = whole.iter().flat_map(|batch| batch.0.clone()).collect();
    let order = content(Loader::new(Arc::new(counting("y", 50)), config(0)).unwrap().epoch(2).unwrap());
    assert_eq!(
        ids,
        order.iter().flat_map(|batch| batch.0.clone()).collect::<Vec<_>>(),
        "the same order, cut otherwise"
    );
}

#[test]
fn epochs_differ_and_repeat() {
    let _turn = TURN.lock();
    let loader = Loader::new(Arc::new(counting("y", 100)), config(2)).unwrap();
    let epoch = |e| content(loader.epoch(e).unwrap());
    assert_ne!(epoch(0), epoch(1));
    assert_eq!(epoch(1), epoch(1));
    let straight = Loader::new(Arc::new(counting("y", 10)), LoaderConfig { order: Order::Sequential, ..config(1) });
    let ids: Vec<u64> = content(straight.unwrap().epoch(4).unwrap()).into_iter().flat_map(|batch| batch.0).collect();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
    let dropping = Loader::new(Arc::new(counting("y", 10)), LoaderConfig { drop_last: true, ..config(0) }).unwrap();
    assert_eq!((dropping.n_batches(), content(dropping.epoch(0).unwrap()).len()), (1, 1));
}

#[test]
fn an_interrupted_epoch_goes_on_where_it_stopped() {
    let _turn = TURN.lock();
    let loader = Loader::new(Arc::new(counting("y", 100)), config(2)).unwrap();
    let whole = content(loader.epoch(2).unwrap());
    for taken in [0, 1, 8, 14, 15] {
        let mut epoch = loader.epoch(2).unwrap();
        let first = content(epoch.by_ref().take(taken));
        let saved = serde_json::to_string(&epoch.position()).unwrap();
        drop(epoch);
        let position: LoaderPosition = serde_json::from_str(&saved).unwrap();
        if taken == 15 {
            assert_eq!(position, LoaderPosition { epoch: 3, next_batch: 0 });
            continue;
        }
        assert_eq!(position, LoaderPosition { epoch: 2, next_batch: taken as u64 });
        let rest = content(loader.epoch_from(position).unwrap());
        assert_eq!([first, rest].concat(), whole, "after {taken}");
    }
    let beyond = loader.epoch_from(LoaderPosition { epoch: 0, next_batch: 16 }).unwrap_err().to_string();
    assert_eq!(beyond, "epoch: expected a position below 16, found 16");
    for (sampler, _) in TaskSampler::ALL {
        let loader = multi(2, sampler);
        let whole = content(loader.epoch(0).unwrap());
        let rest = content(loader.epoch_from(LoaderPosition { epoch: 0, next_batch: 5 }).unwrap());
        assert_eq!(rest, whole[5..], "{sampler}");
    }
}

#[test]
fn separate_batches_hold_their_own_task_only() {
    let _turn = TURN.lock();
    let loader = multi(0, "proportional");
    assert_eq!(loader.tasks().iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let batches = content(loader.epoch(0).unwrap());
    let of_task = |task: usize| {
        let mine = batches.iter().filter(move |batch| batch.2[task]);
        let mut ids: Vec<u64> = mine.flat_map(|batch| batch.0.clone()).collect();
        ids.sort_unstable();
        ids
    };
    assert!(batches.iter().all(|batch| batch.2.iter().filter(|&&there| there).count() == 1));
    for (task, n) in [(0, 50), (1, 20), (2, 7)] {
        assert_eq!(of_task(task), (0..n).collect::<Vec<_>>());
    }
    // Drawn more often than it has batches, a source begins again in a new order.
    let uniform = content(multi(0, "round-robin").epoch(0).unwrap());
    let small: Vec<&Content> = uniform.iter().filter(|batch| batch.2[2]).collect();
    assert_eq!(small.len(), 4);
    assert_ne!(small[0], small[1]);
    let e = MultiLoader::new(vec![], MultiConfig::default()).unwrap_err().to_string();
    assert!(e.contains("at least one data set"), "{e}");
}

#[test]
fn no_thread_outlives_its_epoch() {
    let _turn = TURN.lock();
    let source: Arc<dyn Source> = Arc::new(counting("y", 1000));
    let loader = Loader::new(source.clone(), config(4)).unwrap();
    let holders = Arc::strong_count(&source);
    for taken in [0, 1, 20] {
        let mut epoch = loader.epoch(0).unwrap();
        assert_eq!(epoch.by_ref().take(taken).filter(Result::is_ok).count(), taken);
        if cfg!(target_os = "linux") {
            assert!(threads_become(|n| n > 0), "after {taken} batches");
        }
        drop(epoch);
        // Workers hold the source until they end, and dropping waits for that: this one is exact.
        assert_eq!(Arc::strong_count(&source), holders, "after {taken} batches");
        assert!(threads_become(|n| n == 0), "after {taken} batches");
    }
    let mut epoch = loader.epoch(0).unwrap();
    assert_eq!(epoch.by_ref().count(), 143);
    assert!(threads_become(|n| n == 0), "at the end, before the epoch is dropped");
}

#[test]
fn a_failed_batch_is_named_and_ends_the_epoch() {
    let _turn = TURN.lock();
    for workers in [0, 3] {
        let sequential = LoaderConfig { order: Order::Sequential, ..config(workers) };
        let outcome = |source: Counting| {
            let mut epoch = Loader::new(Arc::new(source), sequential.clone()).unwrap().epoch(6).unwrap();
            let good = epoch.by_ref().take(2).filter(Result::is_ok).count();
            let e = epoch.next().unwrap().unwrap_err().to_string();
            assert!(epoch.next().is_none());
            assert_eq!((good, epoch.position().next_batch, e.lines().count()), (2, 2, 1));
            e
        };
        let failing = Counting { fails_at: Some(15), ..counting("y", 100) };
        assert_eq!(outcome(failing), "epoch 6, batch 2: test: expected a position below 0, found 0");
        let panicking = Counting { panics_at: Some(15), ..counting("y", 100) };
        assert_eq!(outcome(panicking), "epoch 6, batch 2: the source panicked: \"a broken source\"");
        assert!(threads_become(|n| n == 0));
    }
}

#[test]
fn many_short_epochs_neither_hang_nor_leak() {
    let _turn = TURN.lock();
    let loader = Loader::new(Arc::new(counting("y", 30)), LoaderConfig { batch_size: 1, ..config(3) }).unwrap();
    for epoch in 0..100 {
        let taken = usize::try_from(epoch % 7).unwrap();
        assert_eq!(loader.epoch(epoch).unwrap().take(taken).filter(Result::is_ok).count(), taken);
    }
    assert!(threads_become(|n| n == 0));
}

#[test]
fn ranks_take_parts_of_the_same_batches() {
    let _turn = TURN.lock();
    let source: Arc<dyn Source> = Arc::new(counting("y", 100)); // 14 batches of 7, one of 2
    let single = Loader::new(source, config(1)).unwrap();
    let sources: Vec<Arc<dyn Source>> = vec![Arc::new(counting("a", 50)), Arc::new(counting("b", 20))];
    let several = MultiLoader::new(sources, MultiConfig { loader: config(1), ..MultiConfig::default() }).unwrap();
    let shards = |size| (0..size).map(move |rank| Shard { rank, size });
    // The batches of all ranks from a position on, put together; one that is not divided counts once.
    let from = |loader: &dyn Batches, size: usize, position: LoaderPosition| -> Vec<Vec<u64>> {
        let walks = shards(size).map(|shard| loader.parts_from(position, shard).unwrap());
        let parts: Vec<Vec<Part>> = walks.map(|walk| walk.map(Result::unwrap).collect()).collect();
        let whole = |batch: usize| {
            let is_divided = Shard { rank: 0, size }.divides(parts[0][batch].whole);
            let of = if is_divided { &parts[..] } else { &parts[..1] };
            let ids: Vec<u64> = of.iter().flat_map(|part| part[batch].batch.ids.clone()).collect();
            assert_eq!(ids.len(), parts[0][batch].whole);
            ids
        };
        (0..parts[0].len()).map(whole).collect()
    };
    let start = LoaderPosition { epoch: 3, next_batch: 0 };
    for loader in [&single as &dyn Batches, &several] {
        let one = from(loader, 1, start);
        for size in [2, 3, 4] {
            assert_eq!(from(loader, size, start), one, "{size} ranks");
        }
        // Five batches by two ranks, four more by three, the rest by one: every batch once, as it would be anyway.
        let mut resumed = from(loader, 2, start)[..5].to_vec();
        resumed.extend(from(loader, 3, LoaderPosition { next_batch: 5, ..start })[..4].to_vec());
        resumed.extend(from(loader, 1, LoaderPosition { next_batch: 9, ..start }));
        assert_eq!(resumed, one);
        assert!(loader.parts_from(LoaderPosition { next_batch: 99, ..start }, Shard { rank: 1, size: 2 }).is_err());
    }
    let dealt: Vec<Vec<Content>> = shards(4).map(|shard| content(single.dealt(shard).unwrap())).collect();
    assert_eq!(dealt.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4, 3]);
    let whole = content(single.epoch(0).unwrap());
    assert!((0..15).all(|batch| dealt[batch % 4][batch / 4] == whole[batch]), "whole batches, one after the other");
    // A batch that fails is named by its number in the epoch, whoever evaluates it.
    let order = LoaderConfig { order: Order::Sequential, ..config(0) };
    let broken = Counting { fails_at: Some(37), ..counting("y", 100) };
    let broken = Loader::new(Arc::new(broken), order).unwrap();
    let e = broken.dealt(Shard { rank: 1, size: 2 }).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(e, Error::Batch { epoch: 0, batch: 5, .. }), "{e}");
    assert!(broken.dealt(Shard { rank: 0, size: 2 }).unwrap().all(|batch| batch.is_ok()));
}
