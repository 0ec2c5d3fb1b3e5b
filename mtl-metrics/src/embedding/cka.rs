//! Linear CKA: how similar two representations of the same samples are, up to rotation and scale.
//!
//! ```text
//! CKA(X, Y) = |Y' X|^2 / (|X' X| |Y' Y|)        Frobenius norms of centered X [n, p] and Y [n, q]
//! ```
//!
//! **Reference** S. Kornblith et al., *Similarity of neural network representations revisited*, ICML 2019,
//! <https://arxiv.org/abs/1905.00414> (feature space form), to 1e-12.
//! **Differs from** nothing known. Constant representations have no CKA. **State** 4 (p + q) bytes a sample: exact sums of
//! all products would take 552 bytes a pair of columns. Samples are sorted before they are summed up, so order and
//! grouping do not matter. **Cost** O(n (p + q)^2).

use std::cmp::Ordering;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Two representations of the same samples, `[n, p]` and `[n, q]`, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Representations<'a> {
    x: &'a [f32],
    y: &'a [f32],
    p: usize,
    q: usize,
}

impl<'a> Representations<'a> {
    /// `x` with `p` columns beside `y` with `q`.
    ///
    /// # Errors
    /// [`Error::Shape`] when these are no matrices of as many rows; [`Error::Label`] for a number that is not finite.
    pub fn new(x: &'a [f32], p: usize, y: &'a [f32], q: usize) -> Result<Self> {
        let fits =
            p > 0 && q > 0 && x.len().is_multiple_of(p) && y.len().is_multiple_of(q) && x.len() / p == y.len() / q;
        if !fits {
            return Err(Error::Shape {
                op: "cka".into(),
                tensor: "representations",
                expected: format!("[n, {p}] and [n, {q}], neither width 0"),
                found: vec![x.len() as i64, y.len() as i64],
            });
        }
        for (numbers, width) in [(x, p), (y, q)] {
            if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(Error::Label {
                    task: "(unnamed)".into(),
                    what: "representation",
                    expected: "finite".into(),
                    found: numbers[at].to_string(),
                    sample: (at / width) as u64,
                });
            }
        }
        Ok(Self { x, y, p, q })
    }
}

/// Linear CKA, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, embedding::{LinearCka, Representations}};
/// let mut rows = Default::default();
/// // Turned by a right angle and doubled:
/// LinearCka.update(&mut rows, &Representations::new(&[1.0, 0.0, 0.0, 1.0, 2.0, 2.0], 2, &[0.0, 2.0, -2.0, 0.0, -4.0, 4.0], 2)?)?;
/// assert!((LinearCka.compute(&rows).value.unwrap() - 1.0).abs() < 1e-12);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinearCka;

impl Metric for LinearCka {
    type Batch<'a> = Representations<'a>;
    type State = PairedRows;

    fn name(&self) -> &'static str {
        "linear-cka"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut PairedRows, batch: &Representations<'_>) -> Result<()> {
        state.add(self.name(), batch)
    }

    fn compute(&self, state: &PairedRows) -> MetricValue {
        let n = state.n();
        if n == 0 {
            return MetricValue::undefined("no sample", 0);
        }
        let centered = state.centered();
        let (p, width) = (state.p, state.p + state.q);
        let norm = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| -> f64 {
            // |A' B|^2 column by column of A, each in the order of samples.
            let of_column = |a: usize| {
                let mut products = vec![0.0; columns.len()];
                for row in centered.chunks_exact(width) {
                    for (product, b) in products.iter_mut().zip(&row[columns.clone()]) {
                        *product += row[a] * b;
                    }
                }
                products.iter().map(|product| product * product).sum::<f64>()
            };
            let first = rows.start;
            map_chunks(rows.len(), 1, |range| range.map(|a| of_column(first + a)).sum::<f64>()).iter().sum()
        };
        let (xy, xx, yy) = (norm(0..p, p..width), norm(0..p, 0..p), norm(p..width, p..width));
        if xx == 0.0 || yy == 0.0 {
            return MetricValue::undefined("a representation is constant", n as u64);
        }
        MetricValue::defined((xy / (xx.sqrt() * yy.sqrt())).min(1.0), n as u64)
    }
}

/// Rows of both representations side by side, in any order: they compare, and are saved, sorted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "SortedRows", into = "SortedRows")]
pub struct PairedRows {
    p: usize,
    q: usize,
    rows: Vec<f32>,
}

/// The form in which rows are saved.
#[derive(Serialize, Deserialize)]
struct SortedRows {
    p: usize,
    q: usize,
    rows: Vec<f32>,
}

impl From<PairedRows> for SortedRows {
    fn from(state: PairedRows) -> Self {
        Self { p: state.p, q: state.q, rows: state.sorted() }
    }
}

impl From<SortedRows> for PairedRows {
    fn from(saved: SortedRows) -> Self {
        Self { p: saved.p, q: saved.q, rows: saved.rows }
    }
}

impl PartialEq for PairedRows {
    fn eq(&self, other: &Self) -> bool {
        (self.p, self.q, self.rows.len()) == (other.p, other.q, other.rows.len()) && self.sorted() == other.sorted()
    }
}

impl PairedRows {
    /// Adds the rows of a batch for `metric`.
    pub(super) fn add(&mut self, metric: &str, batch: &Representations<'_>) -> Result<()> {
        let mut rows = Vec::with_capacity(batch.x.len() + batch.y.len());
        for (x, y) in batch.x.chunks_exact(batch.p).zip(batch.y.chunks_exact(batch.q)) {
            // Adding 0 makes -0 and 0 equal.
            rows.extend(x.iter().chain(y).map(|number| number + 0.0));
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.merge(&Self { p: batch.p, q: batch.q, rows }).map_err(|reason| refused(metric, reason))
    }

    /// Columns of both representations together.
    pub(super) fn width(&self) -> usize {
        self.p.saturating_add(self.q).max(1)
    }

    fn n(&self) -> usize {
        self.rows.len() / self.width()
    }

    /// Columns of the first representation.
    pub(super) fn columns(&self) -> usize {
        self.p
    }

    /// The rows in canonical order.
    pub(super) fn sorted(&self) -> Vec<f32> {
        let mut rows: Vec<&[f32]> = self.rows.chunks_exact(self.width()).collect();
        rows.sort_by(|a, b| a.iter().zip(*b).map(|(a, b)| a.total_cmp(b)).fold(Ordering::Equal, Ordering::then));
        rows.concat()
    }

    /// Sorted rows in f64 without the means of the columns.
    fn centered(&self) -> Vec<f64> {
        let (width, n) = (self.width(), self.n() as f64);
        let mut rows: Vec<f64> = self.sorted().into_iter().map(f64::from).collect();
        let mut means = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x);
        }
        for row in rows.chunks_exact_mut(width) {
            row.iter_mut().zip(&means).for_each(|(x, sum)| *x -= sum / n);
        }
        rows
    }
}

impl MetricState for PairedRows {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.rows.is_empty() {
            return Ok(());
        }
        if self.rows.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if (self.p, self.q) != (other.p, other.q) {
            let (p, q, other_p, other_q) = (self.p, self.q, other.p, other.q);
            return Err(format!("{p} and {q} columns cannot be merged with {other_p} and {other_q}"));
        }
        self.rows.extend_from_slice(&other.rows);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let of_columns = self.p > 0 && self.q > 0 && self.rows.len().is_multiple_of(self.width());
        if (self.rows.is_empty() || of_columns) && self.rows.iter().all(|x| x.is_finite()) {
            Ok(())
        } else {
            Err("its rows are no representations".into())
        }
    }
}

/// What was predicted for each sample beside what is true: two representations of it.
impl<'a> FromJudged<'a> for Representations<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        Self::new(known.said, known.n_cols, known.truth, known.n_cols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(x: &[f32], p: usize, y: &[f32], q: usize) -> MetricValue {
        let mut rows = PairedRows::default();
        LinearCka.update(&mut rows, &Representations::new(x, p, y, q).unwrap()).unwrap();
        LinearCka.compute(&rows)
    }

    #[test]
    fn one_column_each_is_squared_correlation() {
        // Deviations -1 0 1 and -1 1 0: correlation 1 / 2.
        assert!((value(&[1.0, 2.0, 3.0], 1, &[0.0, 2.0, 1.0], 1).value.unwrap() - 0.25).abs() < 1e-15);
        assert_eq!(value(&[0.1, 0.1, 0.1], 1, &[0.0, 2.0, 1.0], 1).get(), Err("a representation is constant"));
        assert_eq!(value(&[], 1, &[], 1).get(), Err("no sample"));
    }

    #[test]
    fn shapes_must_fit() {
        assert!(Representations::new(&[1.0, 2.0], 1, &[1.0], 1).is_err());
        assert!(Representations::new(&[1.0], 0, &[1.0], 1).is_err());
        assert!(Representations::new(&[f32::INFINITY], 1, &[1.0], 1).is_err());
        let mut rows = PairedRows { p: 1, q: 1, rows: vec![1.0, 2.0] };
        assert!(rows.merge(&PairedRows { p: 2, q: 1, rows: vec![0.0; 3] }).is_err());
        assert!(PairedRows { p: 2, q: 0, rows: vec![1.0, 2.0] }.check().is_err());
    }
}
