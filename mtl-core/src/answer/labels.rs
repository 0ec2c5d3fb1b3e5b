//! Labels as plain values, of any number of samples, in one of two storage forms.
//!
//! ```text
//! dense    cells [n, item..], sample after sample
//! ragged   cells [sum of lengths, item..]; sample i has the items offsets[i] .. offsets[i + 1]
//! ```
//! Whatever kind of answer a task has, its labels lie in one of the two, so that sources gather, join and cut them without
//! knowing the kind.

use std::ops::Range;

use ndarray::Array2;

use crate::{
    error::{Error, Result},
    prediction::MISSING_CLASS,
};

/// The cells of labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Classes, grades, tags, tokens; [`MISSING_CLASS`] where unknown.
    Index(Vec<i64>),
    /// Numbers, yes (1) and no (0); NaN where unknown.
    Number(Vec<f32>),
}

impl Cells {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Index(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn append(&mut self, other: &Self, range: Range<usize>) -> bool {
        match (self, other) {
            (Self::Index(own), Self::Index(other)) => own.extend_from_slice(&other[range]),
            (Self::Number(own), Self::Number(other)) => own.extend_from_slice(&other[range]),
            (Self::Index(_), Self::Number(_)) | (Self::Number(_), Self::Index(_)) => return false,
        }
        true
    }

    fn missing(&self, n: usize) -> Self {
        match self {
            Self::Index(_) => Self::Index(vec![MISSING_CLASS; n]),
            Self::Number(_) => Self::Number(vec![f32::NAN; n]),
        }
    }
}

/// The labels of one task for some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    cells: Cells,
    item: Vec<usize>,
    /// `[n + 1]`, in items; `None` for dense labels.
    offsets: Option<Vec<usize>>,
    n: usize,
}

impl Labels {
    /// One whole number a sample, [`MISSING_CLASS`] where unknown.
    #[must_use]
    pub fn indices(labels: Vec<i64>) -> Self {
        Self { n: labels.len(), cells: Cells::Index(labels), item: Vec::new(), offsets: None }
    }

    /// A row of numbers a sample, NaN where unknown: `[n, k]`.
    #[must_use]
    pub fn numbers(labels: Array2<f32>) -> Self {
        let (n, k) = labels.dim();
        // Without a copy where the array is the whole of its memory, row by row.
        let cells = match labels.is_standard_layout() {
            false => labels.iter().copied().collect(),
            true => match labels.into_raw_vec_and_offset() {
                (cells, None | Some(0)) if cells.len() == n * k => cells,
                (cells, start) => cells.into_iter().skip(start.unwrap_or(0)).take(n * k).collect(),
            },
        };
        Self { n, cells: Cells::Number(cells), item: vec![k], offsets: None }
    }

    /// One item of that shape a sample.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are `n` items.
    pub fn dense(cells: Cells, n: usize, item: &[usize]) -> Result<Self> {
        if n.checked_mul(item.iter().product()) != Some(cells.len()) {
            return Err(wrong(format!("{n} items of {item:?}"), cells.len()));
        }
        Ok(Self { cells, item: item.to_vec(), offsets: None, n })
    }

    /// Any number of items of that shape a sample: sample `i` has the items `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless offsets ascend from 0 to the number of items.
    pub fn ragged(cells: Cells, offsets: Vec<usize>, item: &[usize]) -> Result<Self> {
        let size: usize = item.iter().product();
        let end = offsets.last().copied().unwrap_or(0);
        let ascends = offsets.first() == Some(&0) && offsets.is_sorted();
        if !ascends || end.checked_mul(size) != Some(cells.len()) {
            return Err(wrong(
                format!("items of {item:?}, as many as ascending offsets from 0 say ({end})"),
                cells.len(),
            ));
        }
        Ok(Self { cells, item: item.to_vec(), n: offsets.len() - 1, offsets: Some(offsets) })
    }

    /// A list of whole numbers a sample.
    #[must_use]
    pub fn lists(lists: &[Vec<i64>]) -> Self {
        let mut offsets = vec![0];
        offsets.extend(lists.iter().scan(0, |end, list| {
            *end += list.len();
            Some(*end)
        }));
        Self { cells: Cells::Index(lists.concat()), item: Vec::new(), n: lists.len(), offsets: Some(offsets) }
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The cells, sample after sample, without padding.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The axes of one item.
    #[must_use]
    pub fn item(&self) -> &[usize] {
        &self.item
    }

    /// Where the items of each sample begin and end, `[n + 1]`; `None` for dense labels, which have one item a sample.
    #[must_use]
    pub fn offsets(&self) -> Option<&[usize]> {
        self.offsets.as_deref()
    }

    /// Whether samples have any number of items.
    #[must_use]
    pub fn is_ragged(&self) -> bool {
        self.offsets.is_some()
    }

    /// The cells of a sample; an empty range beyond the last.
    #[must_use]
    pub fn range(&self, sample: usize) -> Range<usize> {
        let size = self.item_size();
        if sample >= self.n {
            return 0..0;
        }
        match &self.offsets {
            None => sample * size..(sample + 1) * size,
            Some(offsets) => offsets[sample] * size..offsets[sample + 1] * size,
        }
    }

    /// The sample that a cell belongs to.
    #[must_use]
    pub fn sample_of(&self, cell: usize) -> usize {
        let item = cell / self.item_size().max(1);
        match &self.offsets {
            None => item,
            Some(offsets) => offsets.partition_point(|end| *end <= item).saturating_sub(1),
        }
    }

    /// The largest number of items of a sample; 1 for dense labels.
    #[must_use]
    pub fn longest(&self) -> usize {
        match &self.offsets {
            None => 1,
            Some(offsets) => offsets.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0),
        }
    }

    /// The number of cells of an item.
    #[must_use]
    pub fn item_size(&self) -> usize {
        self.item.iter().product()
    }

    /// The labels of some samples in that order, each as often as it is named; rows must exist.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        let offsets = self.offsets.as_ref().map(|_| {
            let mut offsets = vec![0];
            let size = self.item_size().max(1);
            offsets.extend(rows.iter().scan(0, |end, &row| {
                *end += self.range(row).len() / size;
                Some(*end)
            }));
            offsets
        });
        // One cell a row is the usual case, and a range for each costs more than the copy.
        let single = offsets.is_none() && self.item_size() == 1;
        let cells = match &self.cells {
            Cells::Index(cells) if single => Cells::Index(rows.iter().map(|&row| cells[row]).collect()),
            Cells::Number(cells) if single => Cells::Number(rows.iter().map(|&row| cells[row]).collect()),
            Cells::Index(cells) => Cells::Index(self.ranges(cells, rows)),
            Cells::Number(cells) => Cells::Number(self.ranges(cells, rows)),
        };
        Self { cells, item: self.item.clone(), offsets, n: rows.len() }
    }

    fn ranges<T: Copy>(&self, cells: &[T], rows: &[usize]) -> Vec<T> {
        let mut found = Vec::with_capacity(rows.len() * self.item_size());
        rows.iter().for_each(|&row| found.extend_from_slice(&cells[self.range(row)]));
        found
    }

    /// `n` samples of the same form that are not labeled: missing cells, one missing item each where samples have any number.
    #[must_use]
    pub fn unlabeled(&self, n: usize) -> Self {
        let cells = self.cells.missing(n * self.item_size());
        let offsets = self.offsets.as_ref().map(|_| (0..=n).collect());
        Self { cells, item: self.item.clone(), offsets, n }
    }

    /// All samples of the first part, then all of the second, and so on.
    ///
    /// # Errors
    /// [`Error::Shape`] without a part, or for parts of different forms.
    pub fn concat(parts: &[Self]) -> Result<Self> {
        let Some((first, rest)) = parts.split_first() else { return Err(wrong("at least one part".into(), 0)) };
        let mut whole = first.clone();
        rest.iter().try_for_each(|part| whole.append(part))?;
        Ok(whole)
    }

    /// Puts the samples of `more` behind its own.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another form; nothing has changed then.
    pub fn append(&mut self, more: &Self) -> Result<()> {
        let alike = more.item == self.item && more.is_ragged() == self.is_ragged();
        if !alike || !self.cells.append(&more.cells, 0..more.cells.len()) {
            return Err(wrong(format!("items of {:?}, as in the first part", self.item), more.cells.len()));
        }
        if let (Some(offsets), Some(other)) = (&mut self.offsets, &more.offsets) {
            let end = offsets.last().copied().unwrap_or(0);
            offsets.extend(other.iter().skip(1).map(|at| end + at));
        }
        self.n += more.n;
        Ok(())
    }

    /// The one whole number of each sample again, see [`indices`](Self::indices).
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another form.
    pub fn into_indices(self) -> Result<Vec<i64>> {
        match self.cells {
            Cells::Index(cells) if self.offsets.is_none() && self.item.is_empty() => Ok(cells),
            cells => Err(wrong("one whole number a sample".into(), cells.len())),
        }
    }

    /// The row of numbers of each sample again, see [`numbers`](Self::numbers): `[n, k]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for labels of another form.
    pub fn into_numbers(self) -> Result<Array2<f32>> {
        let found = self.cells.len();
        match (self.cells, self.item.as_slice()) {
            (Cells::Number(cells), &[k]) if self.offsets.is_none() => Array2::from_shape_vec((self.n, k), cells).ok(),
            (Cells::Number(_) | Cells::Index(_), _) => None,
        }
        .ok_or_else(|| wrong("a row of numbers a sample".into(), found))
    }
}

fn wrong(expected: String, found: usize) -> Error {
    Error::Shape { op: "labels".into(), tensor: "cells", expected, found: vec![found as i64] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn dense_rows_are_gathered_and_joined() {
        let labels = Labels::numbers(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        let some = labels.gather(&[2, 0, 2]);
        assert_eq!(some, Labels::numbers(array![[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]));
        assert_eq!(Labels::concat(&[some.clone(), labels.gather(&[])]).unwrap(), some);
        assert_eq!((labels.sample_of(3), labels.longest(), labels.range(3)), (1, 1, 0..0));
        let turned = Labels::numbers(array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]].reversed_axes());
        assert_eq!(turned, labels);
        assert!(Labels::concat(&[labels, Labels::indices(vec![1])]).is_err() && Labels::concat(&[]).is_err());
        let map = Labels::dense(Cells::Index((0..12).collect()), 2, &[2, 3]).unwrap();
        assert_eq!(map.gather(&[1]).cells(), &Cells::Index((6..12).collect()));
        assert!(Labels::dense(Cells::Index(vec![0; 11]), 2, &[2, 3]).is_err());
    }

    #[test]
    fn ragged_rows_are_gathered_and_joined() {
        let labels = Labels::lists(&[vec![1, 2, 3], vec![], vec![4]]);
        assert_eq!((labels.len(), labels.longest()), (3, 3));
        assert_eq!(labels.gather(&[2, 1, 0, 2]), Labels::lists(&[vec![4], vec![], vec![1, 2, 3], vec![4]]));
        let joined = Labels::concat(&[labels.gather(&[2]), labels.clone(), labels.unlabeled(1)]).unwrap();
        assert_eq!(joined, Labels::lists(&[vec![4], vec![1, 2, 3], vec![], vec![4], vec![MISSING_CLASS]]));
        assert_eq!((0..4).map(|cell| labels.sample_of(cell)).collect::<Vec<_>>(), [0, 0, 0, 2]);
        let boxes = Labels::ragged(Cells::Number((0..8).map(|i| i as f32).collect()), vec![0, 2, 2], &[4]).unwrap();
        assert_eq!((boxes.range(0), boxes.range(1), boxes.sample_of(5)), (0..8, 8..8, 0));
        for bad in [vec![], vec![1, 2], vec![0, 2, 1], vec![0, 3]] {
            assert!(Labels::ragged(Cells::Number(vec![0.0; 8]), bad, &[4]).is_err());
        }
    }
}
