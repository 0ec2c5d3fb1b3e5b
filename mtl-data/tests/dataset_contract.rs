//! What every registered data set promises, checked on tiny files made here.
//!
//! A data set that is added to the registry without a line in [`tiny`] fails the first test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop like the tests")]

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use mtl_core::{input::Cells, task::TaskName};
use mtl_data::{
    DatasetConfig, Error, Kept, OnChange, Source, Splits,
    datasets::{
        CensusIncome, CsvFiles, FashionPairsConfig, IdxFiles, IdxImages, IdxPart, IdxTask, ParallelText, SyntheticMmoe,
    },
    kept::Reloaded,
    laws,
    table::FittedColumn,
};
use tch::Kind;

/// The data set of that name over files in `dir`.
fn tiny(name: &str, dir: &Path, seed: u64) -> DatasetConfig {
    let dir = dir.join(name);
    fs::create_dir_all(&dir).unwrap();
    match name {
        "census-income" => {
            census_files(&dir);
            DatasetConfig::CensusIncome(CensusIncome { dir: Some(dir), validation: 0.2, seed })
        }
        "fashion-pairs" => {
            fashion_files(&dir);
            let dir = Some(dir);
            let config = FashionPairsConfig { dir, validation: 0.2, standardize: true, seed, ..Default::default() };
            DatasetConfig::FashionPairs(config)
        }
        "csv" => {
            let rows: String = (0..50).map(|i| format!("{},t{},{}\n", i, i % 4, i % 3)).collect();
            fs::write(dir.join("all.csv"), format!("x,c,y\n{rows}")).unwrap();
            let schema = toml::from_str(
                r#"columns = [{ name = "x", kind = "numeric" }, { name = "c", kind = "categorical" },
                              { name = "y", kind = "label", label = "class" }]"#,
            );
            let schema = schema.unwrap();
            let config = CsvFiles { dir: Some(dir), train: "all.csv".into(), schema, seed, ..CsvFiles::default() };
            DatasetConfig::Csv(config)
        }
        "idx" => {
            fashion_files(&dir);
            let part = |name: &str| IdxPart {
                images: IdxImages::One(format!("{name}-images-idx3-ubyte.gz").into()),
                labels: vec![format!("{name}-labels-idx1-ubyte").into()],
            };
            let tasks = vec![IdxTask { name: TaskName::new("garment").unwrap(), classes: 10, names: Vec::new() }];
            let (train, test) = (part("train"), Some(part("t10k")));
            let config =
                IdxFiles { dir: Some(dir), tasks, train, test, validation_fraction: 0.2, seed, ..IdxFiles::default() };
            DatasetConfig::Idx(config)
        }
        "parallel-text" => {
            // Texts of the same length but for every fifth, so that batches are padded.
            let words = |i: usize, word: &dyn Fn(usize) -> String| {
                (0..if i % 5 == 0 { 2 } else { 4 }).map(word).collect::<Vec<_>>().join(" ") + "\n"
            };
            let lines = |line: &dyn Fn(usize) -> String| (0..50).map(line).collect::<String>();
            fs::write(dir.join("text"), lines(&|i| words(i, &|at| format!("w{}", (i * 7 + at * 3) % 11)))).unwrap();
            fs::write(dir.join("tags"), lines(&|i| words(i, &|at| format!("t{}", (i + at) % 2)))).unwrap();
            fs::write(dir.join("said"), lines(&|i| words(i, &|at| format!("s{}", (i * at) % 3)))).unwrap();
            fs::write(dir.join("label"), lines(&|i| format!("l{}\n", i % 3))).unwrap();
            let tasks = r#"text = "text"
                tasks = [{ name = "kind", file = "label", kind = "class" }, { name = "tags", file = "tags", kind = "tags" },
                         { name = "said", file = "said", kind = "sequence" }]"#;
            let config: ParallelText = toml::from_str(tasks).unwrap();
            DatasetConfig::ParallelText(ParallelText { dir: Some(dir), seed, ..config })
        }
        "synthetic-mmoe" => {
            let config = SyntheticMmoe { train: 50, validation: 10, test: 10, seed, ..SyntheticMmoe::default() };
            DatasetConfig::SyntheticMmoe(config)
        }
        other => panic!("data set {other} has no line in `tiny`"),
    }
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
        check(name, &|seed| tiny(name, dir.path(), seed).load().unwrap());
    }
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
    found
}

#[test]
fn kept_facts_give_the_same_samples_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    for (name, _) in DatasetConfig::ALL {
        let config = tiny(name, dir.path(), 3);
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
        let other = tiny(name, dir.path(), 4);
        assert!(kept.load(&other, OnChange::Allow).is_err(), "{name}: another seed is another cut");
    }
}

#[test]
fn every_file_of_every_data_set_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    for (name, _) in DatasetConfig::ALL {
        let config = tiny(name, dir.path(), 3);
        let kept = Kept::of(&config, &config.load().unwrap());
        let files: Vec<_> = fs::read_dir(dir.path().join(name)).unwrap().map(|file| file.unwrap().path()).collect();
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
            assert!(matches!(e, Error::Changed { .. }), "{name}, {short}: {e}");
            assert!(e.to_string().contains(short) && e.to_string().lines().count() == 1, "{e}");
            let e = load(OnChange::Offer("look away")).unwrap_err().to_string();
            assert!(e.ends_with("restore the file, or train a new run, or look away"), "{e}");
            fs::remove_file(&path).unwrap();
            assert!(matches!(load(OnChange::Allow).unwrap_err(), Error::Gone { .. }), "{name}, {short}");
            fs::write(&path, &whole).unwrap();
            load(OnChange::Refuse).unwrap();
        }
    }
}

#[test]
fn a_compressed_copy_elsewhere_is_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = tiny("idx", dir.path(), 3);
    let kept = Kept::of(&config, &config.load().unwrap());
    let moved = dir.path().join("moved");
    fs::rename(dir.path().join("idx"), &moved).unwrap();
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
    let config = tiny("csv", dir.path(), 3);
    let kept = Kept::of(&config, &config.load().unwrap());
    let path = dir.path().join("csv").join("all.csv");
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
        let config = tiny(name, dir.path(), 3);
        assert_eq!(config.name(), *name);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<DatasetConfig>(&text).unwrap(), config, "{name}");
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
    let splits = tiny("census-income", dir.path(), 0).load().unwrap();
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
