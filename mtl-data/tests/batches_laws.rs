//! What gives a trainer its batches: ours obeys the laws, one from outside too, and the laws find what is wrong on purpose.
#![expect(clippy::unwrap_used, reason = "helpers of tests may stop like the tests")]

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mtl_core::{
    batch::{Batch, Target},
    input::Inputs,
};
use mtl_data::{
    BatchIter, Batches, DatasetConfig, Error, ForTasks, Joined, Loader, LoaderConfig, LoaderPosition, Mix, Mixing,
    Order, Part, PartIter, Result, Shard, Source, Subset, TargetIter,
    laws::{self, batches::Coverage},
    mix::{Annealed, Proportional, Temperature},
    source::Member,
};
use tch::Tensor;

/// The broken laws.
fn broken(batches: &dyn Batches, coverage: Coverage) -> Vec<&'static str> {
    laws::batches::check(batches, coverage).err().map_or(Vec::new(), |broken| broken.names())
}

const NONE: [&str; 0] = [];

fn data() -> (Arc<dyn Source>, [String; 2]) {
    let config: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 61").unwrap();
    let splits = config.load().unwrap();
    let names = [0, 1].map(|task: usize| splits.info.tasks[task].name.to_string());
    (splits.train, names)
}

#[test]
fn loaders_obey_the_laws() {
    let (source, _) = data();
    for (order, workers) in [(Order::Shuffled, 0), (Order::Shuffled, 3), (Order::Sequential, 1)] {
        let config = LoaderConfig { batch_size: 7, order, workers, seed: 3, ..LoaderConfig::default() };
        let loader = Loader::new(source.clone(), config.clone()).unwrap();
        assert_eq!(broken(&loader, Coverage::Once), NONE, "{order:?}, {workers} workers");
        let joining = Loader::new(source.clone(), LoaderConfig { batch_size: 6, least: 2, ..config.clone() }).unwrap();
        assert_eq!(broken(&joining, Coverage::Once), NONE);
        let dropping = Loader::new(source.clone(), LoaderConfig { drop_last: true, ..config }).unwrap();
        assert_eq!(broken(&dropping, Coverage::AtMostOnce), NONE);
        let claim = if order == Order::Shuffled { vec!["coverage"] } else { vec![] };
        assert_eq!(broken(&dropping, Coverage::Once), claim, "what is dropped of a shuffled epoch changes");
    }
}

#[test]
fn every_mixer_obeys_the_laws() {
    for (name, _) in Mix::ALL {
        assert_eq!(laws::mix::check(&Mix::by_name(name).unwrap()), Ok(()), "{name}");
    }
    for mix in [
        Mix::Proportional(Proportional { limit: Some(4) }),
        Mix::Temperature(Temperature { temperature: 1.0, limit: Some(8) }),
        Mix::Annealed(Annealed { from: 0.5, to: 0.0 }),
    ] {
        assert_eq!(laws::mix::check(&mix), Ok(()), "{mix:?}");
    }
}

#[test]
fn loaders_of_several_sources_obey_the_laws() {
    let (source, names) = data();
    let part = |task: usize, rows: std::ops::Range<u64>| -> Arc<dyn Source> {
        let rows: Arc<dyn Source> = Arc::new(Subset::new(source.clone(), rows.collect()).unwrap());
        Arc::new(ForTasks::select(rows, &[&names[task]]).unwrap())
    };
    let members = vec![Member::new("first", part(0, 0..44)), Member::new("second", part(1, 40..61))];
    let joined: Arc<dyn Source> = Arc::new(Joined::new(members).unwrap());
    for (name, _) in Mix::ALL {
        let mixing = Mixing { mix: Mix::by_name(name).unwrap(), epochs: 5, ..Mixing::default() };
        let config = LoaderConfig { batch_size: 4, workers: 0, seed: 9, mixing, ..LoaderConfig::default() };
        let loader = Loader::new(joined.clone(), config).unwrap();
        let coverage = if *name == "proportional" { Coverage::Once } else { Coverage::Drawn };
        assert_eq!(broken(&loader, coverage), NONE, "{name}");
        let claims = if *name == "proportional" { vec![] } else { vec!["coverage"] };
        assert_eq!(broken(&loader, Coverage::Once), claims, "{name}");
    }
    let config = LoaderConfig { batch_size: 4, order: Order::Sequential, ..LoaderConfig::default() };
    assert_eq!(
        broken(&Loader::new(joined, config).unwrap(), Coverage::Once),
        NONE,
        "all of one, then all of the other"
    );
}

/// Numbers of a file, three lines a batch, read as they are asked for: nobody knows how many there are.
struct Lines {
    path: PathBuf,
}

impl Batches for Lines {
    fn n_batches(&self) -> Option<u64> {
        None
    }

    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        let io = |e| Error::Io { path: self.path.clone(), source: e };
        let file = File::open(&self.path).map_err(io)?;
        let mut lines =
            BufReader::new(file).lines().enumerate().skip(usize::try_from(3 * position.next_batch).unwrap());
        Ok(Box::new(std::iter::from_fn(move || {
            let next: Vec<_> = lines.by_ref().take(3).map(|(id, text)| (id as u64, text.unwrap())).collect();
            (!next.is_empty()).then(|| {
                let ids: Vec<u64> = next.iter().map(|(id, _)| *id).collect();
                let xs: Vec<f32> = next.iter().map(|(_, text)| text.parse().unwrap()).collect();
                batch(&ids, &xs)
            })
        })))
    }
}

fn batch(ids: &[u64], xs: &[f32]) -> Result<Batch> {
    let inputs = Inputs::new(vec![("numeric".to_owned(), Tensor::from_slice(xs).view([-1, 1]))])?;
    let labels: Vec<i64> = ids.iter().map(|id| i64::from(id.is_multiple_of(2))).collect();
    Ok(Batch::new(inputs, vec![Some(Target::class("even", &labels)?)], ids.to_vec())?)
}

#[test]
fn batches_from_outside_obey_the_laws() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers");
    std::fs::write(&path, (0..31).map(|i| format!("{}\n", 0.5 * f64::from(i))).collect::<String>()).unwrap();
    assert_eq!(broken(&Lines { path }, Coverage::Once), NONE);
    assert_eq!(broken(&Wrong::new(Fault::None), Coverage::Once), NONE);
    assert_eq!(broken(&Wrong::new(Fault::NeverEnds), Coverage::Drawn), NONE, "a stream");
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    NeverEnds,
    SaysTooMany,
    EmptyBatch,
    CountsWalks,
    ForgetsThePosition,
    OneBatchTooFar,
    GoesOnBehindTheEnd,
    TakesAnyPosition,
    SharesItsCursor,
    OtherTargetsAlone,
    FewerTargetsAlone,
    RepeatsASample,
    OtherSamplesInEveryEpoch,
    FirstPartForAll,
    ForgetsTheWhole,
    CutsWhatIsTooSmall,
    DealsEverythingToAll,
    LeavesARestOfAStep,
    TakesATaskTwice,
}

/// Ten batches of four samples an epoch, in an order that the epoch determines.
struct Wrong {
    fault: Fault,
    walks: AtomicU64,
    cursor: AtomicU64,
}

impl Wrong {
    fn new(fault: Fault) -> Self {
        Self { fault, walks: AtomicU64::new(0), cursor: AtomicU64::new(0) }
    }

    fn build(&self, epoch: u64, number: u64, walk: u64) -> Result<Batch> {
        let mut ids: Vec<u64> = (0..4).map(|at| (4 * number + at + 13 * epoch) % 40).collect();
        match self.fault {
            Fault::EmptyBatch if number == 3 => ids.clear(),
            Fault::CutsWhatIsTooSmall if number == 3 => ids.truncate(2),
            Fault::RepeatsASample if number == 5 => ids[0] = ids[1],
            Fault::OtherSamplesInEveryEpoch => ids.iter_mut().for_each(|id| *id += 40 * epoch),
            _ => {}
        }
        let shift = if self.fault == Fault::CountsWalks { walk as f32 } else { 0.0 };
        batch(&ids, &ids.iter().map(|&id| id as f32 + shift).collect::<Vec<_>>())
    }
}

impl Batches for Wrong {
    fn per_step(&self) -> u64 {
        match self.fault {
            Fault::LeavesARestOfAStep => 3,
            Fault::TakesATaskTwice => 2,
            _ => 1,
        }
    }

    fn n_batches(&self) -> Option<u64> {
        match self.fault {
            Fault::NeverEnds => None,
            Fault::SaysTooMany => Some(12),
            _ => Some(10),
        }
    }

    fn batches_from(&self, LoaderPosition { epoch, next_batch }: LoaderPosition) -> Result<BatchIter<'_>> {
        let walk = self.walks.fetch_add(1, Ordering::SeqCst);
        if next_batch > 10 && !matches!(self.fault, Fault::TakesAnyPosition | Fault::NeverEnds) {
            return Err(Error::Position { what: "epoch", len: 11, found: next_batch });
        }
        let from = match self.fault {
            Fault::ForgetsThePosition => 0,
            Fault::OneBatchTooFar if next_batch > 0 => next_batch + 1,
            Fault::GoesOnBehindTheEnd if next_batch == 10 => 9,
            _ => next_batch,
        };
        self.cursor.store(from, Ordering::SeqCst);
        let numbers: Box<dyn Iterator<Item = u64> + Send + '_> = match self.fault {
            Fault::NeverEnds => Box::new(from..),
            Fault::SharesItsCursor => Box::new((from..10).map(|_| self.cursor.fetch_add(1, Ordering::SeqCst))),
            _ => Box::new(from..10),
        };
        Ok(Box::new(numbers.map(move |number| self.build(epoch, number, walk))))
    }

    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        let turned = u64::from(self.fault == Fault::OtherTargetsAlone);
        let left = if self.fault == Fault::FewerTargetsAlone { 9 } else { usize::MAX };
        let batches = self.batches_from(position)?;
        Ok(Box::new(batches.take(left).map(move |batch| {
            let labels: Vec<i64> = batch?.ids.iter().map(|id| i64::from((id + turned).is_multiple_of(2))).collect();
            Ok(vec![Some(Target::class("even", &labels)?)])
        })))
    }

    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        let rank = if self.fault == Fault::FirstPartForAll { 0 } else { shard.rank };
        Ok(Box::new(self.batches_from(position)?.map(move |batch| {
            let batch = batch?;
            match self.fault {
                Fault::CutsWhatIsTooSmall if batch.len() < shard.size => {
                    Ok(Part { whole: batch.len(), batch: batch.select(&[rank.min(1)])? })
                }
                Fault::ForgetsTheWhole => {
                    let Part { batch, .. } = shard.cut(batch)?;
                    Ok(Part { whole: batch.len(), batch })
                }
                _ => Shard { rank, ..shard }.cut(batch),
            }
        })))
    }

    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        let (first, every) = if self.fault == Fault::DealsEverythingToAll { (0, 1) } else { (shard.rank, shard.size) };
        Ok(Box::new(self.batches_from(LoaderPosition::default())?.skip(first).step_by(every)))
    }
}

/// Batches that can be read only once, so that no several ranks can.
struct Once(Wrong);

impl Batches for Once {
    fn n_batches(&self) -> Option<u64> {
        self.0.n_batches()
    }
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        self.0.batches_from(position)
    }
    fn parts_from(&self, _: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        let found = shard.size.to_string();
        Err(mtl_core::Error::InvalidConfig { what: "device", field: "ranks", expected: "1".into(), found }.into())
    }
}

#[test]
fn who_refuses_ranks_owes_them_nothing() {
    assert_eq!(broken(&Once(Wrong::new(Fault::None)), Coverage::Once), NONE);
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::SaysTooMany, "length"),
        (Fault::EmptyBatch, "length"),
        (Fault::CountsWalks, "repeatable"),
        (Fault::ForgetsThePosition, "resume"),
        (Fault::OneBatchTooFar, "resume"),
        (Fault::GoesOnBehindTheEnd, "resume"),
        (Fault::TakesAnyPosition, "beyond"),
        (Fault::SharesItsCursor, "apart"),
        (Fault::OtherTargetsAlone, "targets"),
        (Fault::FewerTargetsAlone, "targets"),
        (Fault::RepeatsASample, "coverage"),
        (Fault::OtherSamplesInEveryEpoch, "coverage"),
        (Fault::FirstPartForAll, "parts"),
        (Fault::ForgetsTheWhole, "parts"),
        (Fault::CutsWhatIsTooSmall, "parts"),
        (Fault::DealsEverythingToAll, "dealt"),
        (Fault::LeavesARestOfAStep, "together"),
        (Fault::TakesATaskTwice, "together"),
    ] {
        let found = broken(&Wrong::new(fault), Coverage::Once);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
