//! How much of a target one column alone gives away, on the rows that were kept.
//!
//! ```text
//! texts, classes       1 - errors(majority class of each text) / errors(majority class of all), of texts with five rows on average
//! numbers, two classes |2 AUROC - 1|
//! numbers, classes     as texts, in twenty ranges of equal size
//! numbers, numbers     |correlation|, of values or of ranks, whichever is larger
//! texts, numbers       the share of the variance that lies between texts
//! gaps, classes        as texts: whether something stands there at all
//! ```
//! A column near 1 is the target in other words, or was filled in afterwards; `mtl doctor` looks for the same on the samples of training.

use std::collections::HashMap;

use super::{kind::Kind, sample::Sample};
use crate::table::{advice::usually_missing, label_text::key, number::Numbers, schema::LabelSpec};

/// Fewer rows say nothing.
const FEWEST_ROWS: usize = 50;
/// Rows for each text, on average.
const ROWS_OF_TEXT: usize = 5;
/// Ranges that numbers are cut into.
const RANGES: usize = 20;

/// The labels of a target, row by row.
pub(super) enum Labels {
    Classes(Vec<Option<u32>>),
    Numbers(Vec<Option<f64>>),
}

/// What stands in a column, row by row.
enum Cells {
    Texts(Vec<Option<u32>>),
    Numbers(Vec<Option<f64>>),
}

impl Labels {
    pub(super) fn of(sample: &Sample, column: usize, label: &LabelSpec, numbers: Numbers, missing: &[String]) -> Self {
        let is_missing = |text: &str| text.is_empty() || missing.iter().any(|m| m == text);
        match label {
            LabelSpec::Value => Self::Numbers(per_row(sample, column, |text| numbers.parse(text.as_bytes()))),
            LabelSpec::Class | LabelSpec::Classes(_) | LabelSpec::Ordinal(_) | LabelSpec::Binary { .. } => {
                let texts = sample.of_texts(column, |text| (!is_missing(text)).then(|| key(text).into_owned()));
                let mut numbers: HashMap<String, u32> = HashMap::new();
                let mut classes = Vec::with_capacity(texts.len());
                for text in texts {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    classes.push(text.map(|text| *numbers.entry(text).or_insert(next)));
                }
                Self::Classes(look_up(sample.codes(column), &classes))
            }
        }
    }
}

fn look_up<T: Copy>(codes: &[u32], values: &[Option<T>]) -> Vec<Option<T>> {
    codes.iter().map(|&code| values.get(code as usize).copied().flatten()).collect()
}

fn per_row<T: Copy>(sample: &Sample, column: usize, of: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
    look_up(sample.codes(column), &sample.of_texts(column, of))
}

/// How much of the labels the column gives away, `[0, 1]`, where `number` reads numbers and dates, and whether by what stands in it or by where something stands.
pub(super) fn strength(
    sample: &Sample,
    column: usize,
    kind: Kind,
    number: &dyn Fn(&str) -> Option<f64>,
    labels: &Labels,
) -> (f64, &'static str) {
    let by_gaps = match labels {
        Labels::Classes(classes) => {
            let is_there = per_row(sample, column, |text| Some(u32::from(!usually_missing(text))));
            gain(&pairs(&is_there, classes))
        }
        Labels::Numbers(_) => 0.0,
    };
    let cells = match kind {
        Kind::Number | Kind::Grade | Kind::Date => Cells::Numbers(per_row(sample, column, number)),
        Kind::Category | Kind::Code | Kind::YesNo | Kind::Set | Kind::Group => {
            let known = sample.of_texts(column, |text| !usually_missing(text));
            let is_known = |code: u32| known.get(code as usize).copied().unwrap_or(false).then_some(code);
            Cells::Texts(sample.codes(column).iter().map(|&code| is_known(code)).collect())
        }
        // What is no input gives nothing away; one number of a vector is not looked at.
        Kind::Vector | Kind::Text | Kind::Path | Kind::Id | Kind::Constant | Kind::Empty => return (0.0, ""),
    };
    let by_value = match (&cells, labels) {
        (Cells::Texts(texts), Labels::Classes(classes)) => gain(&pairs(texts, classes)),
        (Cells::Texts(texts), Labels::Numbers(ys)) => between(&pairs(texts, ys)),
        (Cells::Numbers(xs), Labels::Numbers(ys)) => {
            let pairs = pairs(xs, ys);
            correlation(&pairs).max(correlation(&ranks(&pairs)))
        }
        (Cells::Numbers(xs), Labels::Classes(classes)) => of_numbers(pairs(xs, classes)),
    };
    if by_gaps > by_value { (by_gaps, "where it is filled in") } else { (by_value, "") }
}

fn pairs<A: Copy, B: Copy>(cells: &[Option<A>], labels: &[Option<B>]) -> Vec<(A, B)> {
    let pairs: Vec<(A, B)> = cells.iter().zip(labels).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
    if pairs.len() < FEWEST_ROWS { Vec::new() } else { pairs }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
fn gain(pairs: &[(u32, u32)]) -> f64 {
    let mut of_texts: HashMap<u32, HashMap<u32, usize>> = HashMap::new();
    let mut of_all: HashMap<u32, usize> = HashMap::new();
    for &(text, class) in pairs {
        *of_texts.entry(text).or_default().entry(class).or_default() += 1;
        *of_all.entry(class).or_default() += 1;
    }
    let most = |counts: &HashMap<u32, usize>| counts.values().max().copied().unwrap_or(0);
    let base = pairs.len() - most(&of_all);
    if base == 0 || pairs.len() < ROWS_OF_TEXT * of_texts.len() {
        return 0.0;
    }
    let right: usize = of_texts.values().map(most).sum();
    1.0 - (pairs.len() - right) as f64 / base as f64
}

/// The share of the variance that lies between texts.
#[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
fn between(pairs: &[(u32, f64)]) -> f64 {
    let mut of_texts: HashMap<u32, (f64, f64)> = HashMap::new();
    for &(text, y) in pairs {
        let (sum, n) = of_texts.entry(text).or_default();
        (*sum, *n) = (*sum + y, *n + 1.0);
    }
    if pairs.len() < ROWS_OF_TEXT * of_texts.len() {
        return 0.0;
    }
    let mean = pairs.iter().map(|(_, y)| y).sum::<f64>() / (pairs.len() as f64).max(1.0);
    let all: f64 = pairs.iter().map(|(_, y)| (y - mean).powi(2)).sum();
    let within: f64 = pairs
        .iter()
        .map(|(text, y)| {
            let (sum, n) = of_texts.get(text).copied().unwrap_or((0.0, 1.0));
            (y - sum / n).powi(2)
        })
        .sum();
    if all > 0.0 { 1.0 - within / all } else { 0.0 }
}

fn of_numbers(mut pairs: Vec<(f64, u32)>) -> f64 {
    if pairs.is_empty() {
        return 0.0;
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = pairs.iter().map(|(_, class)| *class).min().unwrap_or(0);
    let others: Vec<u32> = pairs.iter().map(|(_, class)| *class).filter(|class| *class != first).collect();
    if others.windows(2).all(|pair| pair[0] == pair[1]) {
        return separation(&pairs, first);
    }
    // Equal numbers are in one range; one of few rows says nothing.
    let size = pairs.len().div_ceil(RANGES).max(ROWS_OF_TEXT);
    let mut ranges = Vec::with_capacity(pairs.len());
    let mut range = 0_u32;
    for (at, pair) in pairs.iter().enumerate() {
        if at >= size * (range as usize + 1) && at > 0 && pairs[at - 1].0 < pair.0 {
            range = u32::try_from(at / size).unwrap_or(u32::MAX);
        }
        ranges.push((range, pair.1));
    }
    gain(&ranges)
}

/// `|2 AUROC - 1|` of sorted numbers for a class against the other, ties counted half.
#[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
fn separation(sorted: &[(f64, u32)], class: u32) -> f64 {
    let ones = sorted.iter().filter(|(_, c)| *c == class).count() as f64;
    let zeros = sorted.len() as f64 - ones;
    if ones < 1.0 || zeros < 1.0 {
        return 0.0;
    }
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let own = tied.iter().filter(|(_, c)| *c == class).count() as f64;
        wins += own * (below + 0.5 * (tied.len() as f64 - own));
        below += tied.len() as f64 - own;
    }
    (2.0 * wins / (ones * zeros) - 1.0).abs()
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len().max(1) as f64;
    let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs.iter().map(|(x, y)| (x - mx, y - my)) {
        (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y);
    }
    let scale = (xx * yy).sqrt();
    if scale > 0.0 { (xy / scale).abs() } else { 0.0 }
}

/// Both by rank, ties at the middle of theirs.
fn ranks(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let of = |values: Vec<f64>| -> Vec<f64> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut ranks = vec![0.0; values.len()];
        let mut from = 0;
        for tied in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
            let middle = from as f64 + (tied.len() as f64 - 1.0) / 2.0;
            tied.iter().for_each(|&at| ranks[at] = middle);
            from += tied.len();
        }
        ranks
    };
    of(pairs.iter().map(|p| p.0).collect()).into_iter().zip(of(pairs.iter().map(|p| p.1).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_by_hand() {
        // Text 0 is always class 0, text 1 class 1 but for one in six: of 50 errors of guessing 0, 10 remain.
        let mut pairs = vec![(0, 0); 100];
        pairs.extend(vec![(1, 1); 50]);
        pairs.extend(vec![(1, 0); 10]);
        assert!((gain(&pairs) - 0.8).abs() < 1e-12);
        let ids: Vec<(u32, u32)> = (0..100).map(|i| (i, i % 2)).collect();
        assert!(gain(&ids).abs() < 1e-12, "a name of each row is not judged");
        let line: Vec<(f64, f64)> = (0..60).map(|i| (f64::from(i), -2.0 * f64::from(i))).collect();
        assert!((correlation(&line) - 1.0).abs() < 1e-12);
        let curve: Vec<(f64, f64)> = (1..60).map(|i| (f64::from(i), f64::from(i).powi(9))).collect();
        assert!(correlation(&curve) < 0.9 && (correlation(&ranks(&curve)) - 1.0).abs() < 1e-12);
        let two: Vec<(f64, u32)> = (0..60).map(|i| (f64::from(i), u32::from(i >= 20))).collect();
        assert!((of_numbers(two) - 1.0).abs() < 1e-12);
        let three: Vec<(f64, u32)> = (0..60_u32).map(|i| (f64::from(i), i / 20)).collect();
        assert!(of_numbers(three) > 0.9);
        let noise: Vec<(f64, u32)> = (0..600_u32).map(|i| (f64::from(i), i * 7919 % 3)).collect();
        assert!(of_numbers(noise) < 0.5);
        let groups: Vec<(u32, f64)> = (0..100_u32).map(|i| (i % 4, f64::from(i % 4))).collect();
        assert!((between(&groups) - 1.0).abs() < 1e-12);
        assert_eq!(ranks(&[(5.0, 1.0), (5.0, 2.0), (7.0, 0.0)]), [(0.5, 1.0), (0.5, 2.0), (2.0, 0.0)]);
    }
}
