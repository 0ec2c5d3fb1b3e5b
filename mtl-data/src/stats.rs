//! Statistics of a split's labels, from any source.
//!
//! One pass over the targets, a chunk at a time: inputs are not built ([`Source::targets`]), and what is kept are counts and,
//! for numbers, the known values (8 bytes each until the quantiles are taken, which are exact that way).
//!
//! ```
//! use mtl_data::{datasets::{DatasetConfig, SyntheticMmoe}, stats::{self, LabelStats}};
//!
//! let data = DatasetConfig::SyntheticMmoe(SyntheticMmoe { train: 100, ..SyntheticMmoe::default() }).load()?;
//! let labels = stats::of(&*data.train)?;
//! assert!(labels.iter().all(|task| task.samples() == 100));
//! # Ok::<(), mtl_data::Error>(())
//! ```

pub use mtl_core::label_stats::{LANDMARKS, LabelStats, Moments, Numbers, Spread, YesNo};

use mtl_core::{answer::Answer, batch::Target};

use crate::{error::Result, source::Source};

/// Samples whose targets are read at once.
const CHUNK: usize = 512;

/// The statistics of every task of a source, in task order.
///
/// # Errors
/// Those of [`Source::targets`].
pub fn of(source: &dyn Source) -> Result<Vec<LabelStats>> {
    let answers: Vec<Answer> = source.info().tasks.iter().map(|task| task.answer.clone()).collect();
    let n = source.len();
    let chunks = (0..n).step_by(CHUNK).map(|start| {
        let positions: Vec<u64> = (start..n.min(start + CHUNK as u64)).collect();
        Ok((positions.len() as u64, source.targets(&positions)?))
    });
    count(&answers, chunks)
}

/// The statistics of targets of batches, of tasks with these answers. A batch of which no task has labels counts for nothing, as nobody says
/// how many samples it has.
///
/// # Errors
/// Those of the batches.
pub fn of_targets(
    answers: &[Answer],
    batches: impl Iterator<Item = Result<Vec<Option<Target>>>>,
) -> Result<Vec<LabelStats>> {
    let sized = batches.map(|targets| {
        let targets = targets?;
        let n = targets.iter().flatten().map(Target::batch_size).max().unwrap_or(0);
        Ok((n.unsigned_abs(), targets))
    });
    count(answers, sized)
}

fn count(
    answers: &[Answer],
    chunks: impl Iterator<Item = Result<(u64, Vec<Option<Target>>)>>,
) -> Result<Vec<LabelStats>> {
    let mut counters: Vec<_> = answers.iter().map(|answer| answer.counter()).collect();
    for chunk in chunks {
        let (n, targets) = chunk?;
        for (counter, target) in counters.iter_mut().zip(targets) {
            match target {
                Some(target) => counter.count(&target.reference()?),
                None => counter.skip(n),
            }
        }
    }
    Ok(counters.into_iter().map(|counter| counter.finish()).collect())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        DataInfo, TableSource, TaskInfo,
        source::{Codes, Concat, ForTasks, Labels, Subset},
    };
    use mtl_core::{answer::Answer, input::InputSpec, task::TaskName};
    use ndarray::Array2;

    const N: usize = 1300; // more than two chunks

    fn table() -> TableSource {
        let task = |name: &str, answer| TaskInfo { name: TaskName::new(name).unwrap(), answer };
        let info = DataInfo {
            inputs: InputSpec::table(Vec::new(), vec!["x".into()]),
            tasks: vec![
                task("class", Answer::class(["a", "b", "c"])),
                task("tags", Answer::multi_label(["p", "q"])),
                task("price", Answer::values(["price", "area"])),
            ],
        };
        let class = (0..N as i64).map(|i| if i % 4 == 3 { -100 } else { i % 4 }).collect();
        let tags = Array2::from_shape_fn((N, 2), |(i, j)| if j == 0 { (i % 2) as f32 } else { f32::NAN });
        let price = Array2::from_shape_fn((N, 2), |(i, j)| if j == 1 && i < 300 { f32::NAN } else { i as f32 });
        let labels = vec![Labels::indices(class), Labels::numbers(tags), Labels::numbers(price)];
        TableSource::from_rows(info, N, Codes::Narrow(vec![]), vec![0.0; N], labels).unwrap()
    }

    #[test]
    fn every_kind_of_label_is_counted() {
        let stats = of(&table()).unwrap();
        assert_eq!(stats[0], LabelStats::Class { counts: vec![325; 3], missing: 325 });
        let yes_no = |yes, no, missing| YesNo { yes, no, missing };
        assert_eq!(stats[1], LabelStats::MultiLabel { labels: vec![yes_no(650, 650, 0), yes_no(0, 0, 1300)] });
        let [price, area] = stats[2].numbers() else { panic!("two outputs") };
        assert_eq!((price.known, price.missing, area.known, area.missing), (1300, 0, 1000, 300));
        let spread = price.spread.as_ref().unwrap();
        assert_eq!((spread.min(), spread.median(), spread.max()), (0.0, 649.5, 1299.0));
        assert_eq!(spread.moments.mean, 649.5);
        assert!((spread.moments.std - ((1300f64.powi(2) - 1.0) / 12.0).sqrt()).abs() < 1e-9);
        assert_eq!(area.spread.as_ref().unwrap().min(), 300.0);
    }

    #[test]
    fn adapters_give_the_targets_of_their_batches() {
        let whole: Arc<dyn Source> = Arc::new(table());
        let part: Arc<dyn Source> = Arc::new(Subset::new(whole.clone(), (0..600).rev().collect()).unwrap());
        let joined: Arc<dyn Source> = Arc::new(Concat::new(vec![part.clone(), whole.clone()]).unwrap());
        let two: Arc<dyn Source> = Arc::new(ForTasks::select(joined.clone(), &["price", "class"]).unwrap());
        for source in [whole, part, joined, two] {
            let positions: Vec<u64> = (0..source.len()).step_by(7).collect();
            let batch = source.batch(&positions).unwrap();
            let alone = source.targets(&positions).unwrap();
            assert_eq!(alone.len(), batch.targets.len());
            for (a, b) in alone.iter().zip(&batch.targets) {
                let plain =
                    |t: &Option<mtl_core::batch::Target>| format!("{:?}", t.as_ref().map(|t| t.reference().unwrap()));
                assert_eq!(plain(a), plain(b));
            }
            assert!(source.targets(&[source.len()]).is_err());
            assert_eq!(of(&*source).unwrap().iter().map(LabelStats::samples).max(), Some(source.len()));
        }
    }

    #[test]
    fn nothing_known_and_nothing_at_all() {
        let missing = Subset::new(Arc::new(table()), vec![3, 7]).unwrap();
        assert_eq!(of(&missing).unwrap()[0], LabelStats::Class { counts: vec![0; 3], missing: 2 });
        let none = Subset::new(Arc::new(table()), vec![]).unwrap();
        assert_eq!(of(&none).unwrap()[2].numbers()[0], Numbers { known: 0, missing: 0, spread: None });
    }
}
