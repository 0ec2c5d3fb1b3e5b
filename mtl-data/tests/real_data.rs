//! The real files, where they have been fetched (`cargo xtask data census-income`, `.. fashion-mnist`); skipped, and counted so,
//! where they have not.

#[path = "../../xtask/src/skip.rs"]
mod skip;

use std::path::PathBuf;

use mtl_core::prediction::Reference;
use mtl_data::{
    CsvFormat, DatasetConfig, FittedSchema, Source, Table,
    datasets::{CensusIncome, FashionPairsConfig, dataset_dir},
    source::split,
    table::{Column, MissingNumber, Transform},
};

#[track_caller]
fn folder(name: &str) -> Option<PathBuf> {
    let dir = dataset_dir(None, name).ok().filter(|dir| dir.is_dir());
    if dir.is_none() {
        skip::note(skip::Lacking::Data, name, &format!("cargo xtask data {name}"));
    }
    dir
}

#[test]
fn census_income_is_the_published_data_set() {
    let Some(dir) = folder("census-income") else { return };
    let splits =
        DatasetConfig::CensusIncome(CensusIncome { dir: Some(dir), ..CensusIncome::default() }).load().unwrap();
    assert_eq!(splits.train.len() + splits.validation.len(), 199_523);
    assert_eq!((splits.validation.len(), splits.test.len()), (19_952, 99_762));
    assert_eq!(splits.info.inputs.describe(), "categorical (39 categorical fields)");
    assert_eq!(splits.fitted().unwrap().schema().columns.len(), 42);
    for (part, source) in [("train", &splits.train), ("validation", &splits.validation), ("test", &splits.test)] {
        let batch = source.batch(&(0..source.len()).collect::<Vec<_>>()).unwrap();
        for (target, (task, share)) in batch.targets.iter().zip([("income", 0.062), ("marital", 0.43)]) {
            let Reference::MultiLabel(labels) = target.as_ref().unwrap().reference().unwrap() else { panic!() };
            let found = labels.mean().unwrap();
            assert!((found - share).abs() < 0.006, "{part}: {task} is positive for {found}");
        }
        let unknown = batch.inputs.get("categorical").unwrap().eq(0).sum(tch::Kind::Int64).int64_value(&[]);
        // Amounts of money seen fewer than three times, and little else.
        assert!(unknown < i64::try_from(source.len()).unwrap() / 50, "{part}: {unknown} unknown codes");
    }
}

#[test]
fn real_numbers_are_standardized_by_the_training_split() {
    let Some(dir) = folder("census-income") else { return };
    let mut schema = CensusIncome::schema().unwrap();
    for (name, transform) in [("age", Transform::Standard), ("capital gains", Transform::Log1pStandard)] {
        let column = schema.columns.iter_mut().find(|column| column.name() == name).unwrap();
        *column = Column::Numeric { name: name.into(), transform, missing: MissingNumber::Refuse };
    }
    let format = CsvFormat { header: false, ..CsvFormat::default() };
    let table = Table::read(&dir.join("census_income_1994_1995_test.csv"), &format, &schema).unwrap();
    let (train, _) = split(table.n_rows() as u64, 0.1, 0).unwrap();
    let source = FittedSchema::fit(&schema, &table, &train).unwrap().encode(&table).unwrap();
    let batch = source.batch(&train).unwrap();
    let numeric = batch.inputs.get("numeric").unwrap().to_kind(tch::Kind::Double); // [b, 2]
    assert!(numeric.mean_dim(0i64, false, tch::Kind::Double).abs().max().double_value(&[]) < 1e-5);
    assert!((numeric.std_dim(0i64, false, false) - 1.0).abs().max().double_value(&[]) < 1e-4);
}

#[test]
fn fashion_pairs_are_composed_from_the_published_pictures() {
    let Some(dir) = folder("fashion-mnist") else { return };
    let config = FashionPairsConfig { dir: Some(dir), ..FashionPairsConfig::default() };
    let splits = DatasetConfig::FashionPairs(config).load().unwrap();
    assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (54_000, 6_000, 10_000));
    let batch = splits.test.batch(&(0..10_000).collect::<Vec<_>>()).unwrap();
    let Reference::Class(left) = batch.targets[0].as_ref().unwrap().reference().unwrap() else { panic!() };
    for class in 0..10 {
        assert_eq!(left.iter().filter(|&&label| label == class).count(), 1000);
    }
    let image = batch.inputs.get("image").unwrap();
    assert_eq!((image.min().double_value(&[]), image.max().double_value(&[])), (0.0, 1.0));
}
