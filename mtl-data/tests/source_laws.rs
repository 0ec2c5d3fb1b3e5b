//! Every source and every adapter obeys the public laws, over every kind of labels, with weights and groups, ragged inputs and
//! tasks without data; data sets by name are in `dataset_contract.rs`.
#![expect(clippy::unwrap_used, reason = "helpers of tests may stop like the tests")]

use std::sync::Arc;

use mtl_core::{
    answer::{Answer, Labels},
    batch::{Batch, Target},
    input::{CategoricalField, InputSpec, Inputs, Length, Tokens},
    task::TaskName,
};
use mtl_data::{
    Concat, CsvFormat, DataInfo, FittedSchema, Folds, ForTasks, Result, Schema, Source, Subset, Table, TableSource,
    TaskInfo, laws,
    source::{Codes, Restored},
};
use ndarray::Array2;

const N: usize = 70;

fn task(name: &str, answer: Answer) -> TaskInfo {
    TaskInfo { name: TaskName::new(name).unwrap(), answer }
}

/// Codes, numbers and three tasks with gaps; codes in 16 or in 32 bits.
fn table(wide: bool) -> Arc<dyn Source> {
    let cardinality = if wide { 100_000 } else { 9 };
    let field = CategoricalField { name: "c".into(), cardinality };
    let info = DataInfo {
        inputs: InputSpec::table(vec![field], vec!["x".into(), "y".into()]),
        tasks: vec![
            task("class", Answer::class(["a", "b", "c"])),
            task("tags", Answer::multi_label(["p", "q"])),
            task("price", Answer::values(["price"])),
        ],
    };
    let class = (0..N as i64).map(|i| if i % 4 == 3 { -100 } else { i % 4 }).collect();
    let tags = Array2::from_shape_fn((N, 2), |(i, j)| if (i + j) % 5 == 0 { f32::NAN } else { (i % 2) as f32 });
    let price = Array2::from_shape_fn((N, 1), |(i, _)| i as f32 * 0.5);
    let labels = vec![Labels::indices(class), Labels::numbers(tags), Labels::numbers(price)];
    let codes = match wide {
        true => Codes::Wide((0..70).map(|i| i * 1000).collect()),
        false => Codes::Narrow((0..70).map(|i| i % 9).collect()),
    };
    let numeric = (0..2 * N).map(|i| i as f32 * 0.1).collect();
    Arc::new(TableSource::from_rows(info, N, codes, numeric, labels).unwrap())
}

/// Rows of a file with weights for one task and groups for both.
fn weighted() -> Arc<dyn Source> {
    let row = |i: usize| format!("{i},{},{},{},g{}\n", i % 2, i * 2, [1.0, 0.0, 2.5][i % 3], i / 4);
    let text: String = (0..N).map(row).collect();
    let columns = r#"columns = [{ name = "x", kind = "numeric" }, { name = "click", kind = "label", label = "class" },
        { name = "price", kind = "label", label = "value" }, { name = "w", kind = "weight", tasks = ["price"] },
        { name = "g", kind = "group" }]"#;
    let schema: Schema = toml::from_str(columns).unwrap();
    let format = CsvFormat { header: false, ..CsvFormat::default() };
    let table = Table::parse("t.csv".as_ref(), text.as_bytes(), &format, &schema).unwrap();
    let all: Vec<u64> = (0..N as u64).collect();
    let source = FittedSchema::fit(&schema, &table, &all).unwrap().encode(&table).unwrap();
    let targets = source.targets(&[0, 1]).unwrap();
    let (click, price) = (targets[0].as_ref().unwrap(), targets[1].as_ref().unwrap());
    assert_eq!((click.plain_weights().unwrap(), price.plain_weights().unwrap()), (None, Some(vec![1.0, 0.0])));
    assert!(click.plain_groups().unwrap().is_some() && price.plain_groups().unwrap().is_some());
    Arc::new(source)
}

/// Words of any number, a tag for each, samples weighted and in groups: what a user's source may be.
struct Sentences(DataInfo);

impl Sentences {
    fn new() -> Self {
        let words = Tokens { vocabulary: 11, pad: 0, length: Length::Ragged(6), unknown: None };
        let inputs = InputSpec::new([("words", words.into())]).unwrap();
        let tasks = vec![task("tags", Answer::tags(["o", "b", "i"])), task("good", Answer::class(["no", "yes"]))];
        Self(DataInfo { inputs, tasks })
    }
}

impl Source for Sentences {
    fn info(&self) -> &DataInfo {
        &self.0
    }

    fn len(&self) -> u64 {
        40
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        if let Some(&found) = positions.iter().find(|&&position| position >= self.len()) {
            return Err(mtl_data::Error::Position { what: "sentences", len: self.len(), found });
        }
        let length = |p: u64| usize::try_from(p % 7).unwrap();
        let words: Vec<Vec<i64>> =
            positions.iter().map(|&p| (0..length(p)).map(|i| 1 + (p as i64 + i as i64) % 10).collect()).collect();
        let tags: Vec<Vec<i64>> =
            positions.iter().map(|&p| (0..length(p)).map(|i| (p as i64 + i as i64) % 3).collect()).collect();
        let good: Vec<i64> = positions.iter().map(|&p| p as i64 % 2).collect();
        let weights: Vec<f32> = positions.iter().map(|&p| p as f32 / 10.0).collect();
        let groups: Vec<u64> = positions.iter().map(|&p| p / 5).collect();
        let spec = Tokens { vocabulary: 11, pad: 0, length: Length::Ragged(6), unknown: None };
        let inputs = Inputs::new(vec![("words".to_owned(), spec.batch(&words)?)])?;
        let tags = Target::new("tags", &self.0.tasks[0].answer, &Labels::lists(&tags))?;
        let good = Target::class("good", &good)?.with_weights("good", &weights)?.with_groups("good", &groups)?;
        Ok(Batch::new(inputs, vec![Some(tags), Some(good)], positions.to_vec())?)
    }
}

/// All adapters over a source.
fn adapted(source: &Arc<dyn Source>) -> Vec<(String, Arc<dyn Source>)> {
    let n = source.len();
    let part = |positions: Vec<u64>| -> Arc<dyn Source> { Arc::new(Subset::new(source.clone(), positions).unwrap()) };
    let names: Vec<String> = source.info().tasks.iter().map(|t| t.name.to_string()).collect();
    let turned: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let first = ForTasks::select(source.clone(), &turned[..1]).unwrap();
    let stranger = task("stranger", Answer::class(["u", "v"]));
    let of_many: Vec<TaskInfo> = source.info().tasks.iter().cloned().chain([stranger]).rev().collect();
    let spread: Arc<dyn Source> = Arc::new(ForTasks::spread(source.clone(), &of_many).unwrap());
    let other: Arc<dyn Source> = Arc::new(ForTasks::spread(Arc::new(first.clone()), &of_many).unwrap());
    let folds = Folds::stratified(&**source, 3, 1).unwrap();
    let mut all = vec![
        ("itself".to_owned(), source.clone()),
        ("a subset".into(), part((0..n).rev().step_by(2).collect())),
        ("a subset with repeats".into(), part(vec![3, 1, 3, 3, 0])),
        ("nothing".into(), part(Vec::new())),
        ("one sample".into(), part(vec![n - 1])),
        ("its last task".into(), Arc::new(first)),
        ("more tasks than it has".into(), spread.clone()),
        ("itself twice".into(), Arc::new(Concat::new(vec![source.clone(), part(vec![2, 0]), source.clone()]).unwrap())),
        ("parts with other tasks".into(), Arc::new(Concat::new(vec![spread, other]).unwrap())),
    ];
    if source.info().inputs.get("numeric").is_ok() {
        let restored = Restored::new(source.clone(), &[("restore".to_owned(), "numeric".to_owned())]).unwrap();
        all.push(("its numbers restored".into(), Arc::new(restored)));
    }
    for (held_out, fold) in folds.parts().iter().enumerate() {
        all.push((format!("fold {held_out}"), part(fold.clone())));
        all.push((format!("all but fold {held_out}"), part(folds.without(held_out))));
    }
    all
}

#[test]
fn every_adapter_over_every_source_obeys_the_laws() {
    let sources: [(&str, Arc<dyn Source>); 4] = [
        ("table", table(false)),
        ("wide table", table(true)),
        ("weighted table", weighted()),
        ("sentences", Arc::new(Sentences::new())),
    ];
    for (name, source) in sources {
        for (adapter, source) in adapted(&source) {
            assert_eq!(laws::source::check(&*source), Ok(()), "{name}: {adapter}");
        }
    }
}
