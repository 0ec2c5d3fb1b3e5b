//! Folds: a source cut into `k` parts of like labels, for cross-validation.
//!
//! ```text
//! key_i    the labels of sample i, task by task (missing is a label too)
//! order    samples by key, in random order where keys are equal
//! fold     order[j] goes into fold j mod k
//! ```
//!
//! Dealing from one ordered row, as cards are, has two consequences that a draw per class does not have: folds differ by at
//! most one sample in size, and *every* run of the order is spread evenly to within one sample. A run is a class of the
//! first task, a pair of labels of the first two, and so on. Tasks that come later are spread evenly within the labels of
//! those before them. What stands for a label is asked of its [`Answer`](mtl_core::answer::Answer): numbers cannot be
//! stratified, so of a regression task only known and missing are told apart; a kind without strata is left out, and
//! [`Folds::notes`] says so. Where groups of samples belong together ([`Folds::dealt`]) folds are of whole groups, and even as far as that
//! allows.

use mtl_core::batch::Target;

use super::Source;
use crate::{
    error::{Error, Result},
    rng::{Rng, Stream},
    split::{Dealt, fold_groups},
};

/// Disjoint parts of `0..n` that cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    parts: Vec<Vec<u64>>,
    notes: Vec<String>,
}

/// Labels are read so many samples at a time.
const CHUNK: u64 = 4096;

impl Folds {
    /// Cuts a source by the labels of its tasks; the cut depends on labels, `k` and `seed` only.
    ///
    /// # Errors
    /// `InvalidConfig` unless `2 <= k <= source.len()`; the source's own errors.
    pub fn stratified(source: &dyn Source, k: usize, seed: u64) -> Result<Self> {
        check(k, source.len())?;
        let (keys, notes) = keys(source)?;
        Ok(Self { notes, ..Self::by_keys(&keys, k, seed)? })
    }

    /// Cuts the training samples of a data set as it was cut itself: whole groups, where groups are kept together, and stratified as far as
    /// they allow.
    ///
    /// # Errors
    /// As [`Folds::stratified`] and [`fold_groups`].
    pub fn dealt(source: &dyn Source, dealt: &Dealt, k: usize, seed: u64) -> Result<Self> {
        let mut folds = match dealt.groups.as_deref() {
            None => Self::stratified(source, k, seed)?,
            Some(groups) => {
                let (keys, notes) = keys(source)?;
                Self { parts: fold_groups(groups, &keys, k, seed)?, notes }
            }
        };
        if dealt.by_time {
            folds.notes.push("folds are drawn from the whole past, although the data is split by time".to_owned());
        }
        Ok(folds)
    }

    /// Cuts `0..keys.len()`, spreading equal keys, and equal beginnings of keys, evenly.
    ///
    /// # Errors
    /// `InvalidConfig` unless `2 <= k <= keys.len()`.
    pub fn by_keys(keys: &[Vec<u64>], k: usize, seed: u64) -> Result<Self> {
        let n = keys.len() as u64;
        check(k, n)?;
        let mut order: Vec<u64> = (0..n).collect();
        Rng::new(seed, Stream::Folds, n).shuffle(&mut order);
        // A stable sort keeps the random order among equal keys.
        order.sort_by_key(|&position| usize::try_from(position).ok().and_then(|at| keys.get(at)));
        let mut parts = vec![Vec::new(); k];
        for (position, at) in order.into_iter().zip((0..k).cycle()) {
            parts[at].push(position);
        }
        parts.iter_mut().for_each(|part| part.sort_unstable());
        Ok(Self { parts, notes: Vec::new() })
    }

    /// The positions of every fold, ascending.
    #[must_use]
    pub fn parts(&self) -> &[Vec<u64>] {
        &self.parts
    }

    /// By which tasks the folds are not stratified, and why: to be shown to whoever asked for them.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All positions that are not in fold `held_out`, ascending: what is learned from while that fold judges.
    #[must_use]
    pub fn without(&self, held_out: usize) -> Vec<u64> {
        let others = self.parts.iter().enumerate().filter(|(at, _)| *at != held_out);
        let mut rest: Vec<u64> = others.flat_map(|(_, part)| part.iter().copied()).collect();
        rest.sort_unstable();
        rest
    }
}

/// The labels of every sample, task by task, and which tasks say nothing of them.
fn keys(source: &dyn Source) -> Result<(Vec<Vec<u64>>, Vec<String>)> {
    let tasks = &source.info().tasks;
    let mut keys: Vec<Vec<u64>> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    for from in (0..source.len()).step_by(usize::try_from(CHUNK).unwrap_or(1)) {
        let positions: Vec<u64> = (from..source.len().min(from + CHUNK)).collect();
        let targets = source.targets(&positions)?;
        let mut chunk: Vec<Vec<u64>> = vec![Vec::with_capacity(targets.len()); positions.len()];
        for (task, target) in tasks.iter().zip(&targets) {
            let labels = target.as_ref().map(Target::reference).transpose()?;
            let codes = labels.map_or_else(|| Ok(vec![0; positions.len()]), |labels| task.answer.strata(&labels));
            let codes = codes.unwrap_or_else(|reason| {
                let note = format!("folds are not stratified by task {}: {reason}", task.name);
                if !notes.contains(&note) {
                    notes.push(note);
                }
                vec![0; positions.len()]
            });
            chunk.iter_mut().zip(codes).for_each(|(key, code)| key.push(code));
        }
        keys.append(&mut chunk);
    }
    Ok((keys, notes))
}

fn check(k: usize, n: u64) -> Result<()> {
    if k >= 2 && k as u64 <= n {
        return Ok(());
    }
    Err(Error::config("folds", "k", format!("in 2..={n}, the number of samples"), k.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mtl_core::{
        answer::{Answer, numbered},
        batch::MISSING_CLASS,
        input::InputSpec,
        task::TaskName,
    };
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        info::{DataInfo, TaskInfo},
        source::{Codes, Labels, TableSource},
    };

    /// How often each key, shortened to `length`, is in each fold.
    fn counts(folds: &Folds, keys: &[Vec<u64>], length: usize) -> Vec<Vec<usize>> {
        let mut known: Vec<&[u64]> = keys.iter().map(|key| &key[..length]).collect();
        known.sort_unstable();
        known.dedup();
        let key = |position: u64| &keys[usize::try_from(position).unwrap()][..length];
        let in_part = |part: &Vec<u64>, wanted: &[u64]| part.iter().filter(|p| key(**p) == wanted).count();
        known.iter().map(|wanted| folds.parts().iter().map(|part| in_part(part, wanted)).collect()).collect()
    }

    proptest! {
        #[test]
        fn disjoint_complete_and_even(
            labels in prop::collection::vec((0u64..4, 0u64..3), 2..200),
            k in 2usize..8,
            seed in any::<u64>(),
        ) {
            let keys: Vec<Vec<u64>> = labels.iter().map(|(a, b)| vec![*a, *b]).collect();
            let k = k.min(keys.len());
            let folds = Folds::by_keys(&keys, k, seed).unwrap();
            let mut all: Vec<u64> = folds.parts().concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..keys.len() as u64).collect::<Vec<_>>());
            for length in 0..=2 {
                for row in counts(&folds, &keys, length) {
                    let (least, most) = (row.iter().min().unwrap(), row.iter().max().unwrap());
                    prop_assert!(most - least <= 1, "{length} of the key: {row:?}");
                }
            }
            for held_out in 0..k {
                let rest = folds.without(held_out);
                prop_assert!(rest.is_sorted());
                prop_assert_eq!(rest.len() + folds.parts()[held_out].len(), keys.len());
                prop_assert!(folds.parts()[held_out].iter().all(|p| rest.binary_search(p).is_err()));
            }
            prop_assert_eq!(Folds::by_keys(&keys, k, seed).unwrap(), folds);
        }
    }

    #[test]
    fn labels_of_all_kinds_are_told_apart() {
        let task = |name: &str, answer| TaskInfo { name: TaskName::new(name).unwrap(), answer };
        let n = 9000;
        let info = DataInfo {
            inputs: InputSpec::table(Vec::new(), vec!["x".into()]),
            tasks: vec![
                task("class", Answer::class(numbered(3))),
                task("flags", Answer::multi_label(numbered(2))),
                task("size", Answer::values(numbered(1))),
            ],
        };
        let class = |i: usize| if i.is_multiple_of(7) { MISSING_CLASS } else { (i % 3) as i64 };
        let flag = |i: usize, c: usize| {
            if i.is_multiple_of(5) { f32::NAN } else { f32::from((i / (c + 1)).is_multiple_of(2)) }
        };
        let labels = vec![
            Labels::indices((0..n).map(class).collect()),
            Labels::numbers(Array2::from_shape_fn((n, 2), |(i, c)| flag(i, c))),
            Labels::numbers(Array2::from_shape_fn((n, 1), |(i, _)| if i.is_multiple_of(2) { f32::NAN } else { 1.5 })),
        ];
        let source = TableSource::from_rows(info, n, Codes::Narrow(vec![]), vec![0.0; n], labels).unwrap();
        let source: Arc<dyn Source> = Arc::new(source);
        let folds = Folds::stratified(&source, 5, 1).unwrap();
        let missing = |part: &Vec<u64>| part.iter().filter(|p| p.is_multiple_of(7)).count();
        let known: Vec<_> = folds.parts().iter().map(missing).collect();
        assert!(known.iter().max().unwrap() - known.iter().min().unwrap() <= 1, "{known:?}");
        assert!(folds.parts().iter().all(|part| part.len() == n / 5));
        assert_ne!(Folds::stratified(&source, 5, 2).unwrap(), folds, "the seed matters");
        let e = Folds::stratified(&source, 1, 0).unwrap_err().to_string();
        assert_eq!(e, "folds: k must be in 2..=9000, the number of samples, found 1");
    }
}
