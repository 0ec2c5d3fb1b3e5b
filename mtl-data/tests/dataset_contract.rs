//! What every registered data set promises, checked on tiny files made here.
//!
//! A data set that is added to the registry without a line in [`tiny`] fails the first test. One that reads files of
//! several kinds has a configuration for each.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop like the tests")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use mtl_core::{
    input::{Cells, Modality},
    task::TaskName,
};
use mtl_data::{
    DatasetConfig, Error, Kept, OnChange, Source, Splits,
    datasets::{
        CensusIncome, CsvFiles, FashionPairsConfig, IdxFiles, IdxImages, IdxPart, IdxTask, ParallelText, SyntheticMmoe,
        SyntheticTargets,
    },
    kept::Reloaded,
    laws,
    table::FittedColumn,
};
use tch::Kind;

/// The data set of that name, in every form that it has: configuration `i` over files in `dir/name/i`.
fn tiny(name: &str, dir: &Path, seed: u64) -> Vec<DatasetConfig> {
    let place = |at: usize| {
        let dir = dir.join(name).join(at.to_string());
        fs::create_dir_all(&dir).unwrap();
        dir
    };
    match name {
        "csv" => vec![plain_table(place(0), seed), weighted_table(place(1), seed)],
        "idx" => vec![one_picture(place(0), seed), two_pictures(place(1), seed)],
        "parallel-text" => vec![one_folder(place(0), seed), two_folders(place(1), seed)],
        "synthetic-mmoe" => [SyntheticTargets::Values, SyntheticTargets::Binary, SyntheticTargets::Both]
            .map(|t| generated(t, seed))
            .into(),
        // Of data sets that have lines here; what is its own is tested in its file.
        "sources" => Vec::new(),
        name => vec![only(name, place(0), seed)],
    }
}

/// A data set that has one form.
fn only(name: &str, dir: PathBuf, seed: u64) -> DatasetConfig {
    match name {
        "census-income" => {
            census_files(&dir);
            DatasetConfig::CensusIncome(CensusIncome { dir: Some(dir), validation: 0.2, seed, ..Default::default() })
        }
        "fashion-pairs" => {
            fashion_files(&dir);
            let dir = Some(dir);
            let config = FashionPairsConfig { dir, validation: 0.2, standardize: true, seed, ..Default::default() };
            DatasetConfig::FashionPairs(config)
        }
        other => panic!("data set {other} has no line in `tiny`"),
    }
}

fn generated(targets: SyntheticTargets, seed: u64) -> DatasetConfig {
    let config = SyntheticMmoe { train: 50, validation: 10, test: 10, targets, seed, ..SyntheticMmoe::default() };
    DatasetConfig::SyntheticMmoe(config)
}

fn plain_table(dir: PathBuf, seed: u64) -> DatasetConfig {
    let rows: String = (0..50).map(|i| format!("{},t{},{}\n", i, i % 4, i % 3)).collect();
    fs::write(dir.join("all.csv"), format!("x,c,y\n{rows}")).unwrap();
    let schema = toml::from_str(
        r#"columns = [{ name = "x", kind = "numeric" }, { name = "c", kind = "categorical" },
                      { name = "y", kind = "label", label = "class" }]"#,
    );
    let schema = schema.unwrap();
    DatasetConfig::Csv(CsvFiles { dir: Some(dir), train: "all.csv".into(), schema, seed, ..CsvFiles::default() })
}

/// Weights for one task, groups for all, and a file for testing.
fn weighted_table(dir: PathBuf, seed: u64) -> DatasetConfig {
    for (name, n) in [("train", 50), ("test", 12)] {
        let row = |i: usize| format!("{i},g{},{},{},{}\n", i / 5, i % 2, i % 3, [0.5, 2.0, 0.0, 1.0][i % 4]);
        let rows: String = (0..n).map(row).collect();
        fs::write(dir.join(format!("{name}.csv")), format!("x,g,click,grade,w\n{rows}")).unwrap();
    }
    let schema = toml::from_str(
        r#"columns = [{ name = "x", kind = "numeric" }, { name = "g", kind = "group" },
                      { name = "click", kind = "label", label = { binary = { positive = "1" } } },
                      { name = "grade", kind = "label", label = "class" },
                      { name = "w", kind = "weight", tasks = ["click"] }]"#,
    );
    let (train, test) = ("train.csv".into(), Some("test.csv".into()));
    let schema = schema.unwrap();
    DatasetConfig::Csv(CsvFiles { dir: Some(dir), train, test, schema, seed, ..CsvFiles::default() })
}

fn pictures(dir: PathBuf, images: impl Fn(&str) -> IdxImages, standardize: bool, seed: u64) -> DatasetConfig {
    let part = |name: &str| IdxPart { images: images(name), labels: vec![format!("{name}-labels-idx1-ubyte").into()] };
    let tasks = vec![IdxTask { name: TaskName::new("garment").unwrap(), classes: 10, names: Vec::new() }];
    let (dir, train, test) = (Some(dir), part("train"), Some(part("t10k")));
    let validation_fraction = 0.2;
    let config = IdxFiles { dir, tasks, train, test, validation_fraction, standardize, seed, ..IdxFiles::default() };
    DatasetConfig::Idx(config)
}

fn one_picture(dir: PathBuf, seed: u64) -> DatasetConfig {
    fashion_files(&dir);
    pictures(dir, |part| IdxImages::One(format!("{part}-images-idx3-ubyte.gz").into()), false, seed)
}

/// Two pictures in a sample, each scaled by its own.
fn two_pictures(dir: PathBuf, seed: u64) -> DatasetConfig {
    fashion_files(&dir);
    for (part, n) in [("train", 40u8), ("t10k", 10)] {
        let pixels: Vec<u8> = (0..n * 6).collect();
        let small = [&[0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 3], &pixels[..]].concat();
        fs::write(dir.join(format!("{part}-small")), small).unwrap();
    }
    let images = |part: &str| {
        let files = [("large", format!("{part}-images-idx3-ubyte.gz")), ("small", format!("{part}-small"))];
        IdxImages::Several(files.map(|(name, file)| (name.to_owned(), file.into())).into_iter().collect())
    };
    pictures(dir, images, true, seed)
}

const TEXT_TASKS: &str = r#"text = "text"
    tasks = [{ name = "kind", file = "label", kind = "class" }, { name = "tags", file = "tags", kind = "tags" },
             { name = "said", file = "said", kind = "sequence" }]"#;

/// Texts of the same length but for every fifth, so that batches are padded.
fn text_files(dir: &Path, n: usize) {
    fs::create_dir_all(dir).unwrap();
    let words = |i: usize, word: &dyn Fn(usize) -> String| {
        (0..if i.is_multiple_of(5) { 2 } else { 4 }).map(word).collect::<Vec<_>>().join(" ") + "\n"
    };
    let lines = |line: &dyn Fn(usize) -> String| (0..n).map(line).collect::<String>();
    fs::write(dir.join("text"), lines(&|i| words(i, &|at| format!("w{}", (i * 7 + at * 3) % 11)))).unwrap();
    fs::write(dir.join("tags"), lines(&|i| words(i, &|at| format!("t{}", (i + at) % 2)))).unwrap();
    fs::write(dir.join("said"), lines(&|i| words(i, &|at| format!("s{}", (i * at) % 3)))).unwrap();
    fs::write(dir.join("label"), lines(&|i| format!("l{}\n", i % 3))).unwrap();
}

fn one_folder(dir: PathBuf, seed: u64) -> DatasetConfig {
    text_files(&dir, 50);
    let config: ParallelText = toml::from_str(TEXT_TASKS).unwrap();
    DatasetConfig::ParallelText(ParallelText { dir: Some(dir), seed, ..config })
}

/// A folder for training, from which validation is cut, and one for testing.
fn two_folders(dir: PathBuf, seed: u64) -> DatasetConfig {
    text_files(&dir.join("train"), 50);
    text_files(&dir.join("test"), 12);
    let config: ParallelText = toml::from_str(TEXT_TASKS).unwrap();
    let (train, test) = ("train".into(), Some("test".into()));
    DatasetConfig::ParallelText(ParallelText { dir: Some(dir), train, test, seed, ..config })
}

fn census_files(dir: &Path) {
    for (name, n) in [("train", 60), ("test", 20)] {
        let row = |i: usize| {
            let mut fields: Vec<String> = (0..42).map(|c| (i * (c + 3) % 5).to_string()).collect();
            fields[7] = if i.is_multiple_of(2) { "Never married" } else { "Divorced" }.into();
            fields[24] = "not even a number".into();
            fields[41] = if i.is_multiple_of(7) { "50000+." } else { "- 50000." }.into();
            fields.join(", ") + "\n"
        };
        let rows: String = (0..n).map(row).collect();
        fs::write(dir.join(format!("census_income_1994_1995_{name}.csv")), rows).unwrap();
    }
}

fn fashion_files(dir: &Path) {
    for (part, n) in [("train", 40u8), ("t10k", 10)] {
        let pixels: Vec<u8> = (0..usize::from(n) * 784).map(|i| u8::try_from(i * 31 % 256).unwrap()).collect();
        let labels: Vec<u8> = (0..n).map(|i| i % 10).collect();
        let images = [&[0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28], &pixels[..]].concat();
        // One compressed, one not: both forms are read.
        let file = fs::File::create(dir.join(format!("{part}-images-idx3-ubyte.gz"))).unwrap();
        let mut encoder = GzEncoder::new(file, Compression::fast());
        encoder.write_all(&images).unwrap();
        encoder.finish().unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, n], &labels[..]].concat();
        fs::write(dir.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

fn for_all(check: impl Fn(&str, &dyn Fn(u64) -> Splits)) {
    let dir = tempfile::tempdir().unwrap();
    for (name, _) in DatasetConfig::ALL {
        for at in 0..tiny(name, dir.path(), 0).len() {
            check(&format!("{name} {at}"), &|seed| tiny(name, dir.path(), seed)[at].load().unwrap());
        }
    }
}

/// Every configuration of every data set, with what messages call it.
fn all_tiny(dir: &Path, seed: u64) -> Vec<(String, DatasetConfig)> {
    let of = |&(name, _): &(&str, &str)| {
        let named = |(at, config): (usize, DatasetConfig)| (format!("{name}/{at}"), config);
        tiny(name, dir, seed).into_iter().enumerate().map(named).collect::<Vec<_>>()
    };
    DatasetConfig::ALL.iter().flat_map(of).collect()
}

fn all(source: &dyn Source) -> Vec<u64> {
    (0..source.len()).collect()
}

#[test]
fn every_part_obeys_the_laws_of_sources() {
    for_all(|name, load| {
        let splits = load(0);
        for source in [&splits.train, &splits.validation, &splits.test] {
            assert_eq!(source.info(), &splits.info, "{name}: all parts are described alike");
            assert!(!source.is_empty(), "{name}");
            assert_eq!(laws::source::check(source), Ok(()), "{name}");
            assert!(!source.info().inputs.is_empty(), "{name}");
            let preprocessing = splits.preprocessing.as_ref().unwrap();
            assert_eq!(
                preprocessing.inputs().unwrap(),
                splits.info.inputs,
                "{name}: its own preprocessing gives its inputs"
            );
            for (target, task) in source.targets(&all(source)).unwrap().iter().zip(&splits.info.tasks) {
                assert!(target.as_ref().unwrap().known() > 0.0, "{name}: {}", task.name);
            }
        }
    });
}

#[test]
fn loading_repeats_and_seeds_matter() {
    for_all(|name, load| {
        let numbers = |splits: &Splits| {
            let batch = splits.validation.batch(&all(&splits.validation)).unwrap();
            let sums =
                batch.inputs.iter().map(|(_, xs)| xs.tensor().to_kind(Kind::Double).view(-1)).collect::<Vec<_>>();
            sums.iter().flat_map(|xs| Vec::<f64>::try_from(xs).unwrap()).collect::<Vec<_>>()
        };
        let (first, again, other) = (load(1), load(1), load(2));
        assert_eq!(first.info, again.info, "{name}");
        assert_eq!(numbers(&first), numbers(&again), "{name}");
        assert_ne!(numbers(&first), numbers(&other), "{name}");
    });
}

/// Everything that a split holds, bit for bit.
fn bits(source: &dyn Source) -> Vec<u64> {
    let batch = source.batch(&all(source)).unwrap();
    let mut found = batch.ids.clone();
    let mut add = |xs: &tch::Tensor| {
        let xs = xs.to_kind(Kind::Double).view(-1);
        found.extend(Vec::<f64>::try_from(xs).unwrap().into_iter().map(f64::to_bits));
    };
    batch.inputs.iter().for_each(|(_, xs)| add(xs.tensor()));
    for target in batch.targets.iter().flatten() {
        add(target.cells());
    }
    for target in batch.targets.iter().flatten() {
        found.extend(target.plain_weights().unwrap().into_iter().flatten().map(|weight| u64::from(weight.to_bits())));
        found.extend(target.plain_groups().unwrap().into_iter().flatten());
    }
    found
}

#[test]
fn kept_facts_give_the_same_samples_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let others = all_tiny(dir.path(), 4);
    for ((name, config), (_, other)) in all_tiny(dir.path(), 3).into_iter().zip(others) {
        let splits = config.load().unwrap();
        let text = serde_json::to_string(&Kept::of(&config, &splits)).unwrap();
        let kept: Kept = serde_json::from_str(&text).unwrap();
        kept.validate().unwrap();
        let Reloaded { splits: again, changes } = kept.load(&config, OnChange::Refuse).unwrap();
        assert!(changes.is_empty(), "{name}: {changes:?}");
        assert_eq!(Kept::of(&config, &again), kept, "{name}");
        assert_eq!(kept.difference(&Kept::of(&config, &again)), None, "{name}");
        for (first, again) in
            [(&splits.train, &again.train), (&splits.validation, &again.validation), (&splits.test, &again.test)]
        {
            assert_eq!(bits(first), bits(again), "{name}");
        }
        assert!(kept.load(&other, OnChange::Allow).is_err(), "{name}: another seed is another cut");
    }
}

/// All files in a folder and in folders below it; none where a data set has no files.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    if !dir.exists() {
        return Vec::new();
    }
    let of = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    fs::read_dir(dir).unwrap().flat_map(|entry| of(entry.unwrap().path())).collect()
}

#[test]
fn every_file_of_every_data_set_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    for (name, config) in all_tiny(dir.path(), 3) {
        let kept = Kept::of(&config, &config.load().unwrap());
        let files = files_below(&dir.path().join(&name));
        assert_eq!(kept.provenance.files.len(), files.len(), "{name}");
        for path in files {
            let whole = fs::read(&path).unwrap();
            let short = path.file_name().unwrap().to_str().unwrap();
            let load = |on_change| kept.load(&config, on_change);
            // The last digit or letter, or byte: a value, a label, or a compressed stream that breaks.
            let mut changed = whole.clone();
            let at = changed.iter().rposition(u8::is_ascii_alphanumeric).unwrap_or(whole.len() - 1);
            changed[at] =
                if changed[at].is_ascii_digit() { (changed[at] - b'0' + 1) % 2 + b'0' } else { changed[at] ^ 1 };
            fs::write(&path, &changed).unwrap();
            let e = load(OnChange::Refuse).unwrap_err();
            assert!(matches!(&e, Error::Changed { path: named, .. } if *named == path), "{name}, {short}: {e}");
            assert!(e.to_string().contains(short) && e.to_string().lines().count() == 1, "{e}");
            let e = load(OnChange::Offer("look away")).unwrap_err().to_string();
            assert!(e.ends_with("restore the file, or train a new run, or look away"), "{e}");
            fs::remove_file(&path).unwrap();
            let e = load(OnChange::Allow).unwrap_err();
            // A known data set asks for its file as it is published, which may be compressed.
            let is_named = |named: &Path| named == path || *named == path.with_file_name(format!("{short}.gz"));
            assert!(matches!(&e, Error::Gone { path: named } if is_named(named)), "{name}, {short}: {e}");
            fs::write(&path, &whole).unwrap();
            load(OnChange::Refuse).unwrap();
        }
    }
}

#[test]
fn settings_say_what_the_loaded_data_is() {
    let dir = tempfile::tempdir().unwrap();
    for (name, config) in all_tiny(dir.path(), 3) {
        let info = config.load().unwrap().info;
        let answers: Vec<_> = info.tasks.iter().map(|task| (task.name.clone(), task.answer.tag())).collect();
        assert_eq!(config.tasks().unwrap(), answers, "{name}");
        let has = |is: fn(&Modality) -> bool| info.inputs.iter().any(|(_, modality)| is(modality));
        assert_eq!(config.has_pictures(), has(|modality| matches!(modality, Modality::Picture(_))), "{name}");
        assert_eq!(config.has_texts(), has(|modality| matches!(modality, Modality::Tokens(_))), "{name}");
        let (splits, faults) = config.examine();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert_eq!(splits.unwrap().info, info, "{name}");
    }
}

#[test]
fn places_say_nothing_about_samples() {
    let dir = tempfile::tempdir().unwrap();
    for (name, config) in all_tiny(dir.path(), 3) {
        let plain = config.without_places();
        let text = toml::to_string(&plain).unwrap();
        assert!(
            !text.contains(dir.path().to_str().unwrap()) && toml::from_str::<DatasetConfig>(&text).unwrap() == plain
        );
        let mut moved = config.clone();
        if config.part().places().is_empty() {
            assert_eq!(plain, config, "{name}");
            assert!(moved.set_dir("elsewhere".as_ref()).is_err(), "{name}");
        } else {
            moved.set_dir("elsewhere".as_ref()).unwrap();
            assert!(moved != config && moved.without_places() == plain, "{name}");
            moved.set_dir(&dir.path().join(&name)).unwrap();
            assert_eq!(moved, config, "{name}");
        }
    }
}

#[test]
fn a_compressed_copy_elsewhere_is_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = tiny("idx", dir.path(), 3).swap_remove(0);
    let kept = Kept::of(&config, &config.load().unwrap());
    let moved = dir.path().join("moved");
    fs::rename(dir.path().join("idx/0"), &moved).unwrap();
    assert!(matches!(kept.load(&config, OnChange::Refuse), Err(Error::Gone { .. })));
    config.set_dir(&moved).unwrap();
    kept.load(&config, OnChange::Refuse).unwrap();
    // The labels lie there as they are; now they are compressed.
    let path = moved.join("train-labels-idx1-ubyte");
    let labels = fs::read(&path).unwrap();
    let mut encoder = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::best());
    encoder.write_all(&labels).unwrap();
    encoder.finish().unwrap();
    kept.load(&config, OnChange::Refuse).unwrap();
}

#[test]
fn changed_data_that_are_allowed_get_the_kept_codes() {
    let dir = tempfile::tempdir().unwrap();
    let config = tiny("csv", dir.path(), 3).swap_remove(0);
    let kept = Kept::of(&config, &config.load().unwrap());
    let path = dir.path().join("csv/0/all.csv");
    let rows: String =
        (0..60).map(|i| format!("{},{},{}\n", 10 * i, ["t3", "t3", "new", "t0"][i % 4], i % 3)).collect();
    fs::write(&path, format!("x,c,y\n{rows}")).unwrap();
    let e = kept.load(&config, OnChange::Refuse).unwrap_err().to_string();
    assert!(e.contains("all.csv: content changed since the run was trained (rows 50 -> 60); restore the file"), "{e}");
    let Reloaded { splits, changes } = kept.load(&config, OnChange::Allow).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((&splits.info, &splits.preprocessing), (&kept.info, &kept.preprocessing));
    let batch = splits.train.batch(&all(&splits.train)).unwrap();
    let codes = batch.inputs.get("categorical").unwrap();
    let known = kept.fitted().unwrap().columns()[1].clone();
    let FittedColumn::Categorical { vocabulary } = known else { panic!() };
    let code = |text: &str| vocabulary.iter().position(|t| t == text).map_or(0, |at| at as i64 + 1);
    for (row, &id) in batch.ids.iter().enumerate() {
        let text = ["t3", "t3", "new", "t0"][usize::try_from(id).unwrap() % 4];
        assert_eq!(codes.int64_value(&[row as i64, 0]), code(text), "row {id}");
    }
}

#[test]
fn configs_round_trip_and_refuse_typos() {
    let dir = tempfile::tempdir().unwrap();
    for (name, about) in DatasetConfig::ALL {
        assert!(!about.is_empty());
        for config in tiny(name, dir.path(), 3) {
            assert_eq!(config.name(), *name);
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<DatasetConfig>(&text).unwrap(), config, "{name}");
        }
        assert!(toml::from_str::<DatasetConfig>(&format!("kind = {name:?}\nsede = 1")).is_err(), "{name}");
        assert!(DatasetConfig::by_name(name).is_ok(), "{name}");
    }
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let empty = Some(dir.path().to_owned());
    let census = DatasetConfig::CensusIncome(CensusIncome { dir: empty.clone(), ..CensusIncome::default() });
    let e = census.load().unwrap_err().to_string();
    assert!(
        e.contains("census_income_1994_1995_train.csv: expected a file of data set census-income, found none"),
        "{e}"
    );
    assert!(e.contains("`cargo xtask data census-income`") && e.lines().count() == 1, "{e}");
    let fashion = FashionPairsConfig { dir: empty, ..FashionPairsConfig::default() };
    let e = DatasetConfig::FashionPairs(fashion).load().unwrap_err().to_string();
    assert!(e.contains("t10k-images-idx3-ubyte.gz: ") || e.contains("train-images-idx3-ubyte.gz: "), "{e}");
    assert!(e.contains("`cargo xtask data fashion-mnist`"), "{e}");
}

#[test]
fn labels_stay_out_of_the_inputs() {
    let dir = tempfile::tempdir().unwrap();
    let splits = tiny("census-income", dir.path(), 0)[0].load().unwrap();
    let Cells::Codes(fields) = splits.info.inputs.get("categorical").unwrap().cells() else { panic!() };
    let names: Vec<_> = fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(splits.info.inputs.len(), 1);
    assert_eq!(names.len(), 39);
    for label in ["income", "marital stat", "instance weight"] {
        assert!(!names.contains(&label), "{label}");
    }
    let tasks: Vec<_> = splits.info.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(tasks, ["income", "marital"]);
}
