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
    answer::Answer,
    batch::{Batch, Target},
    input::{CategoricalField, InputSpec, Inputs},
    task::TaskName,
};
use mtl_data::{
    BatchIter, Batches, DataInfo, DatasetConfig, Error, ForTasks, Joined, Loader, LoaderConfig, LoaderPosition, Mix,
    Mixing, Order, Part, PartIter, Result, Sampler, Shard, Source, Subset, TableSource, TargetIter, TaskInfo,
    laws::{self, batches::Coverage},
    mix::{Annealed, Proportional, Temperature},
    rng::Rng,
    sampler::{Deal, Rows, SamplerPart},
    source::{Cells, Codes, Labels, Member},
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

/// 61 rows of a table: a class of 40, 15 and 3 of which 3 are unknown, a number that every fifth row has, yes for one of six.
fn uneven() -> Arc<dyn Source> {
    let task = |name: &str, answer| TaskInfo { name: TaskName::new(name).unwrap(), answer };
    let info = DataInfo {
        inputs: InputSpec::table(
            vec![CategoricalField { name: "color".into(), cardinality: 3 }],
            vec!["x".into(), "y".into()],
        ),
        tasks: vec![
            task("class", Answer::class(["a", "b", "c"])),
            task("price", Answer::values(["price"])),
            task("flag", Answer::multi_label(["old"])),
        ],
    };
    let class = (0..61).map(|i| [0, 1, 2, -100][usize::from(i >= 40) + usize::from(i >= 55) + usize::from(i >= 58)]);
    let price = (0..61u8).map(|i| if i % 5 == 0 { f32::from(i) } else { f32::NAN }).collect();
    let flag = (0..61).map(|i| f32::from(u8::from(i % 6 == 0))).collect();
    let labels = vec![Labels::indices(class.collect()), column(price), column(flag)];
    let codes = Codes::Narrow((0..61).map(|i| i % 3).collect());
    let numbers = (0..122u8).map(|i| f32::from(i) / 10.0).collect();
    Arc::new(TableSource::from_rows(info, 61, codes, numbers, labels).unwrap())
}

fn column(cells: Vec<f32>) -> Labels {
    let n = cells.len();
    Labels::dense(Cells::Number(cells), n, &[1]).unwrap()
}

fn sampler(text: &str) -> Sampler {
    toml::from_str(text).unwrap()
}

/// Every sampler, some in several settings.
const SAMPLERS: [&str; 13] = [
    "kind = \"balanced\"\ntask = \"class\"",
    "kind = \"balanced\"\ntask = \"flag\"\npower = 0.5",
    "kind = \"balanced\"\ntask = \"class\"\npower = 0.0",
    "kind = \"effective-number\"\ntask = \"class\"\nbeta = 0.9",
    "kind = \"over\"\ntask = \"class\"",
    "kind = \"over\"\ntask = \"flag\"\nlabel = \"old\"\nratio = 0.5",
    "kind = \"under\"\ntask = \"class\"\nratio = 0.3",
    "kind = \"density\"",
    "kind = \"density\"\nby = \"rarity\"\nfloor = 0.2",
    "kind = \"composed\"\nat_least = 2",
    "kind = \"composed\"\nat_least = 0\ntasks = { price = 3 }",
    "kind = \"smote\"\ntask = \"class\"\nratio = 0.5",
    "kind = \"smote\"\ntask = \"flag\"\nneighbors = 2",
];

#[test]
fn every_sampler_obeys_the_laws() {
    for (name, _) in Sampler::ALL {
        assert!(SAMPLERS.iter().any(|text| sampler(text).name() == *name), "{name}");
    }
    let source = uneven();
    for text in SAMPLERS {
        let sampler = sampler(text);
        assert_eq!(laws::sampler::check(sampler.part(), &source, 7), Ok(()), "{text}");
        let config =
            LoaderConfig { batch_size: 7, workers: 0, seed: 3, sampler: Some(sampler), ..LoaderConfig::default() };
        let loader = Loader::new(source.clone(), config).unwrap();
        assert_eq!(broken(&loader, Coverage::Drawn), NONE, "{text}");
    }
}

/// What an epoch had of the classes a, b, c, without a label; rows; different ones.
fn dealt(text: &str) -> (Vec<u64>, u64, u64) {
    let config =
        LoaderConfig { batch_size: 7, workers: 0, seed: 3, sampler: Some(sampler(text)), ..LoaderConfig::default() };
    let loader = Loader::new(uneven(), config).unwrap();
    let end = LoaderPosition { epoch: 1, next_batch: 1 };
    let sampled = loader.sampled(end).unwrap().unwrap();
    assert_eq!(sampled.epochs.len(), 2, "the first epoch, and a batch of the second");
    assert_eq!(sampled.epochs[1].rows, 7);
    assert_eq!((&sampled.tasks[0].counts[..2], sampled.tasks[2].classes[1].as_str()), ([40, 15].as_slice(), "yes"));
    let epoch = &sampled.epochs[0];
    assert_eq!(epoch.rows, epoch.distinct + epoch.repeats);
    let seen: u64 = loader.epoch(0).unwrap().map(|batch| batch.unwrap().len() as u64).sum();
    assert_eq!(seen, epoch.rows);
    let mut classes = epoch.counts[0].clone();
    classes.push(epoch.unlabeled[0]);
    (classes, epoch.rows, epoch.distinct)
}

#[test]
fn epochs_have_what_was_asked_for() {
    assert_eq!(dealt("kind = \"balanced\"\ntask = \"class\""), (vec![20, 19, 19, 3], 61, 20 + 15 + 3 + 3));
    // Square roots 6.32, 3.87, 1.73 of 58 rows.
    assert_eq!(dealt("kind = \"balanced\"\ntask = \"class\"\npower = 0.5").0, [31, 19, 8, 3]);
    assert_eq!(dealt("kind = \"over\"\ntask = \"class\""), (vec![40, 40, 40, 3], 123, 61));
    assert_eq!(dealt("kind = \"over\"\ntask = \"class\"\nratio = 0.25").0, [40, 15, 10, 3]);
    assert_eq!(dealt("kind = \"under\"\ntask = \"class\""), (vec![3, 3, 3, 3], 12, 12));
    assert_eq!(dealt("kind = \"under\"\ntask = \"class\"\nratio = 0.3"), (vec![10, 10, 3, 3], 26, 26));
    // The data have one more row of c for each that was made.
    let (classes, rows, distinct) = dealt("kind = \"smote\"\ntask = \"class\"\nratio = 0.5");
    assert_eq!((classes, rows, distinct), (vec![40, 20, 20, 3], 83, 83));
    let (_, rows, distinct) = dealt("kind = \"density\"\nby = \"rarity\"");
    assert!(rows == 61 && distinct < 61, "{distinct}");
}

#[test]
fn every_batch_has_its_labeled_rows() {
    for (text, least) in [("at_least = 2", 2), ("at_least = 0\ntasks = { price = 3 }", 3)] {
        let sampler = Some(sampler(&format!("kind = \"composed\"\n{text}")));
        let config = LoaderConfig { batch_size: 8, workers: 0, seed: 3, sampler, ..LoaderConfig::default() };
        let loader = Loader::new(uneven(), config).unwrap();
        let mut seen = [false; 61];
        for epoch in 0..3 {
            for batch in loader.epoch(epoch).unwrap() {
                let batch = batch.unwrap();
                let price = batch.targets[1].as_ref().unwrap();
                assert!(batch.len() == 8 && price.known() >= f64::from(least), "{text}: {}", price.known());
                batch.ids.iter().for_each(|&id| seen[usize::try_from(id).unwrap()] = true);
            }
            assert!(seen.iter().all(|seen| *seen), "{text}: every row comes");
            seen.fill(false);
        }
    }
}

/// Rows that are made lie between two of their class; they have its label and none of other tasks, and are the same for the same seed.
#[test]
fn made_rows_lie_between_rows_of_their_class() {
    let source = uneven();
    let sampler = sampler("kind = \"smote\"\ntask = \"class\"\nneighbors = 2");
    let grown = sampler.part().grown(&source, 5).unwrap().unwrap();
    assert_eq!(grown.len(), 61 + 25 + 37);
    let batch = grown.batch(&(0..grown.len()).collect::<Vec<_>>()).unwrap();
    let numbers = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
    let codes = Vec::<i64>::try_from(batch.inputs.get("categorical").unwrap().view(-1)).unwrap();
    let classes = Vec::<i64>::try_from(batch.targets[0].as_ref().unwrap().cells()).unwrap();
    for row in 61..classes.len() {
        let (from, to) = [(40u8, 55u8), (55, 58)][usize::try_from(classes[row]).unwrap() - 1];
        // Rows lie on a line, x = i / 5, y = x + 0.1: what is made of them does too, and within them.
        let (x, y) = (numbers[2 * row], numbers[2 * row + 1]);
        assert!((y - x - 0.1).abs() < 1e-5, "{x} {y}");
        assert!((f32::from(from) / 5.0 - 1e-5..=f32::from(to - 1) / 5.0 + 1e-5).contains(&x), "{x}");
        assert!((0..3).contains(&codes[row]));
    }
    let known = batch.targets[1].as_ref().unwrap().known();
    assert!((known - 13.0).abs() < 1e-9, "a price is nothing that a class would tell: {known}");
    let again = sampler.part().grown(&source, 5).unwrap().unwrap();
    let other = sampler.part().grown(&source, 6).unwrap().unwrap();
    let inputs = |source: &dyn Source| {
        let batch = source.batch(&(61..source.len()).collect::<Vec<_>>()).unwrap();
        Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap()
    };
    assert_eq!(inputs(&*grown), inputs(&*again));
    assert_ne!(inputs(&*grown), inputs(&*other));
}

#[test]
fn samplers_that_do_not_suit_the_rows_are_refused() {
    let refused = |text: &str| {
        let config = LoaderConfig { batch_size: 8, sampler: Some(sampler(text)), ..LoaderConfig::default() };
        Loader::new(uneven(), config).unwrap_err().to_string()
    };
    for (text, expected) in [
        ("kind = \"balanced\"", "sampler: task must be named: one of class, flag, found none"),
        ("kind = \"over\"\ntask = \"price\"", "sampler: task must be one whose labels are classes"),
        ("kind = \"under\"\ntask = \"clas\"", "unknown task \"clas\""),
        ("kind = \"over\"\ntask = \"flag\"\nlabel = \"new\"", "unknown label \"new\""),
        ("kind = \"over\"\ntask = \"class\"\nlabel = \"a\"", "sampler: label must be left out"),
        ("kind = \"over\"\ntask = \"class\"\nratio = 1.5", "sampler: ratio must be in (0, 1], found 1.5"),
        ("kind = \"composed\"\nat_least = 8", "sampler: at_least must be below the 8 rows of a batch"),
        ("kind = \"composed\"\ntasks = { pric = 1 }", "unknown task \"pric\""),
        ("kind = \"density\"\nfloor = 2.0", "sampler: floor must be in [0, 1], found 2"),
        ("kind = \"smote\"\ntask = \"class\"\nneighbors = 0", "sampler: neighbors must be >= 1, found 0"),
    ] {
        let found = refused(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert!(toml::from_str::<Sampler>("kind = \"balanced\"\npowr = 1.0").is_err());
}

/// A sampler that breaks what it says.
struct WrongSampler(fn(u64, &mut Rng) -> Vec<u64>);

impl SamplerPart for WrongSampler {
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        Ok(Some(Box::new(WrongDeal(rows.len(), self.0))))
    }
}

#[derive(Debug)]
struct WrongDeal(u64, fn(u64, &mut Rng) -> Vec<u64>);

impl Deal for WrongDeal {
    fn expected(&self) -> Vec<f64> {
        vec![1.0; usize::try_from(self.0).unwrap()]
    }
    fn len(&self) -> u64 {
        self.0
    }
    fn rows(&self, rng: &mut Rng) -> Vec<u64> {
        self.1(self.0, rng)
    }
}

#[test]
fn broken_samplers_are_found() {
    let broken = |rows| laws::sampler::check(&WrongSampler(rows), &uneven(), 7).unwrap_err().names();
    let shuffled = |n: u64, rng: &mut Rng| {
        let mut rows: Vec<u64> = (0..n).collect();
        rng.shuffle(&mut rows);
        rows
    };
    assert_eq!(laws::sampler::check(&WrongSampler(shuffled), &uneven(), 7), Ok(()));
    assert_eq!(broken(|n, _| (0..n).collect()), ["repeatable"], "every epoch alike");
    assert_eq!(broken(|n, rng| (0..n).map(|_| rng.below(n)).collect()), ["expected"], "as chance has it");
    assert_eq!(broken(|n, rng| (0..n).map(|_| rng.below(n / 2)).collect()), ["expected", "unbiased"]);
    assert!(broken(|n, rng| (0..=n).map(|_| rng.below(n)).collect()).contains(&"length"));
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
