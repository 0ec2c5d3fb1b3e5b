//! How much of a task's label one field alone gives away.
//!
//! ```text
//! categorical:  gain = 1 - errors(majority label of each code) / errors(majority label of all)
//! numeric, yes/no:   |2 AUROC - 1|           numeric, number:   |Pearson correlation|           numeric, grade: the larger of both
//! ```
//! A field with a value near 1 is the label in other words (a code of it, a column filled in afterwards): a model that
//! may read it learns nothing else. Codes that occur fewer than five times on average are not judged: an identifier
//! "predicts" every label it has seen.

use std::cmp::Ordering;

use mtl_core::{
    answer::LabelColumn,
    batch::Batch,
    input::{Cells, InputSpec, Modality},
};
use mtl_data::Source;
use tch::Kind;

use super::spread::flat;
use crate::error::Result;

/// A field and how far it gives a task's label away, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leak {
    pub(super) field: String,
    pub(super) task: String,
    pub(super) strength: f64,
}

/// What was found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Leaks {
    pub(super) leaks: Vec<Leak>,
    /// Tasks that could not be looked at, and why.
    pub(super) left_out: Vec<(String, String)>,
}

/// The inputs that are not looked at, in words: what gives a label away is looked for in columns only.
pub(super) fn not_looked_at(inputs: &InputSpec) -> Vec<String> {
    let is_other = |modality: &Modality| match modality.cells() {
        Cells::Codes(_) | Cells::Numbers(_) => false,
        Cells::Grid { .. } | Cells::Positions | Cells::Whole => true,
    };
    inputs.iter().filter(|(_, m)| is_other(m)).map(|(name, m)| format!("{name} ({})", m.describe())).collect()
}

/// Samples that are looked at.
const LOOKED_AT: u64 = 50_000;

/// The fields that give more than `threshold` of a label away, on the first samples of the split.
pub(super) fn leaks(source: &dyn Source, threshold: f64) -> Result<Leaks> {
    let positions: Vec<u64> = (0..source.len().min(LOOKED_AT)).collect();
    let info = source.info();
    let has_columns = info.inputs.iter().any(|(_, m)| matches!(m.cells(), Cells::Codes(_) | Cells::Numbers(_)));
    if !has_columns || positions.is_empty() {
        return Ok(Leaks::default());
    }
    let batch = source.batch(&positions)?;
    let mut found = Leaks::default();
    for (task, target) in info.tasks.iter().zip(&batch.targets) {
        let Some(target) = target else { continue };
        let columns = match task.answer.label_columns(&target.reference()?) {
            Ok(columns) => columns,
            Err(reason) => {
                found.left_out.push((task.name.to_string(), reason));
                continue;
            }
        };
        for labels in columns {
            let strengths = strengths(&batch, &info.inputs, &labels)?;
            let leaking = strengths.into_iter().filter(|(_, strength)| *strength > threshold);
            found.leaks.extend(leaking.map(|(field, strength)| Leak { field, task: task.name.to_string(), strength }));
        }
    }
    Ok(found)
}

/// Name and strength of every column, in the order of the inputs.
fn strengths(batch: &Batch, inputs: &InputSpec, labels: &LabelColumn) -> Result<Vec<(String, f64)>> {
    let mut out = Vec::new();
    for (input, modality) in inputs.iter() {
        match modality.cells() {
            Cells::Codes(fields) => {
                let codes = flat::<i64>(batch.inputs.get(input)?, Kind::Int64)?;
                for (column, field) in fields.iter().enumerate() {
                    let codes = codes.iter().skip(column).step_by(fields.len());
                    out.push((field.name.clone(), of_codes(codes.copied(), labels)));
                }
            }
            Cells::Numbers(names) => {
                let numbers = flat::<f32>(batch.inputs.get(input)?, Kind::Float)?;
                for (column, name) in names.iter().enumerate() {
                    let xs = numbers.iter().skip(column).step_by(names.len()).map(|x| f64::from(*x));
                    out.push((name.clone(), of_numbers(xs, labels)));
                }
            }
            // The doctor names them, see `not_looked_at`.
            Cells::Grid { .. } | Cells::Positions | Cells::Whole => {}
        }
    }
    Ok(out)
}

fn of_codes(codes: impl Iterator<Item = i64>, labels: &LabelColumn) -> f64 {
    match labels {
        LabelColumn::Classes(classes) | LabelColumn::Grades(classes) => {
            gain(codes.zip(classes).filter_map(|(code, class)| Some((code, (*class)?))).collect())
        }
        LabelColumn::Numbers(_) => 0.0,
    }
}

fn of_numbers(xs: impl Iterator<Item = f64>, labels: &LabelColumn) -> f64 {
    let of_classes = |pairs: Vec<(f64, u64)>| {
        if pairs.iter().all(|(_, class)| *class < 2) { separation(pairs) } else { 0.0 }
    };
    match labels {
        LabelColumn::Classes(classes) => of_classes(known(xs, classes)),
        LabelColumn::Numbers(ys) => correlation(&known(xs, ys)),
        LabelColumn::Grades(grades) => {
            let pairs = known(xs, grades);
            #[expect(clippy::cast_precision_loss, reason = "few grades")]
            let risen = correlation(&pairs.iter().map(|(x, grade)| (*x, *grade as f64)).collect::<Vec<_>>());
            of_classes(pairs).max(risen)
        }
    }
}

/// The numbers of samples whose label is known, with the labels.
fn known<T: Copy>(xs: impl Iterator<Item = f64>, labels: &[Option<T>]) -> Vec<(f64, T)> {
    xs.zip(labels).filter_map(|(x, label)| Some((x, (*label)?))).collect()
}

/// The share of the errors of always guessing the most frequent label that knowing the code avoids.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn gain(mut pairs: Vec<(i64, u64)>) -> f64 {
    let n = pairs.len();
    let mut classes: Vec<u64> = pairs.iter().map(|(_, class)| *class).collect();
    classes.sort_unstable();
    let base = n - longest_run(&classes);
    pairs.sort_unstable();
    let groups: Vec<&[(i64, u64)]> = pairs.chunk_by(|a, b| a.0 == b.0).collect();
    if base == 0 || n < 5 * groups.len() {
        return 0.0;
    }
    let right: usize = groups.iter().map(|g| longest_run(&g.iter().map(|(_, class)| *class).collect::<Vec<_>>())).sum();
    1.0 - (n - right) as f64 / base as f64
}

/// The length of the longest run of equal values in a sorted list.
fn longest_run(sorted: &[u64]) -> usize {
    sorted.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0)
}

/// `|2 AUROC - 1|` of a number for a yes/no label, ties counted half.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn separation(mut pairs: Vec<(f64, u64)>) -> f64 {
    let positive = pairs.iter().filter(|(_, class)| *class == 1).count() as f64;
    let negative = pairs.len() as f64 - positive;
    if positive < 1.0 || negative < 1.0 {
        return 0.0;
    }
    pairs.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in pairs.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let ones = tied.iter().filter(|(_, class)| *class == 1).count() as f64;
        let zeros = tied.len() as f64 - ones;
        wins += ones * (below + 0.5 * zeros);
        below += zeros;
    }
    (2.0 * wins / (positive * negative) - 1.0).abs()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len().max(1) as f64;
    let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let scale = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    if scale > 0.0 { (sum(&|x, y| x * y) / scale).abs() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_by_hand() {
        // Code 0 is always class 0, code 1 class 1 but for one: of 5 errors of guessing 0, 1 remains.
        let mut pairs = vec![(0, 0); 10];
        pairs.extend([(1, 1); 5]);
        pairs.push((1, 0));
        assert!((gain(pairs) - 0.8).abs() < 1e-12);
        assert!(
            gain((0..20).map(|i| (i, u64::from(i % 2 == 0))).collect()).abs() < 1e-12,
            "an identifier is not judged"
        );
        assert!((separation(vec![(1.0, 0), (2.0, 0), (3.0, 1)]) - 1.0).abs() < 1e-12);
        assert!((separation(vec![(3.0, 0), (1.0, 1)]) - 1.0).abs() < 1e-12, "either direction");
        assert!(separation(vec![(1.0, 0), (1.0, 1)]).abs() < 1e-12);
        assert!((correlation(&[(1.0, -2.0), (2.0, -4.0), (3.0, -6.0)]) - 1.0).abs() < 1e-12);
        assert!(correlation(&[(1.0, 1.0), (1.0, 2.0)]).abs() < 1e-12);
    }
}
