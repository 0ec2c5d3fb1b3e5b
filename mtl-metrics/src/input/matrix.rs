//! Rows of numbers, read as they lie in memory.

use std::{borrow::Cow, ops::Range, slice::ChunksExact};

use ndarray::Array2;

use crate::judged::Shelf;

/// Numbers beside numbers, all of them finite, row after row.
#[derive(Debug, Clone, Copy)]
pub struct KnownValues<'a> {
    /// `[n, k]`, what was predicted.
    pub said: &'a [f32],
    /// `[n, k]`, what is true.
    pub truth: &'a [f32],
    /// k, at least 1.
    pub n_cols: usize,
}

impl KnownValues<'_> {
    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.truth.len() / self.n_cols
    }
}

/// A matrix as one row-major slice with at least one column; copied only when it lay otherwise in memory.
#[derive(Debug)]
pub struct Matrix<'a> {
    pub(super) flat: Cow<'a, [f32]>,
    pub(super) n_cols: usize,
}

impl<'a> Matrix<'a> {
    pub(super) fn new(array: &'a Array2<f32>) -> Self {
        let flat = match array.as_slice() {
            Some(flat) => Cow::Borrowed(flat),
            None => Cow::Owned(array.iter().copied().collect()),
        };
        Self { flat, n_cols: array.ncols().max(1) }
    }

    /// Columns: at least 1.
    #[must_use]
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// All items, row after row, as long as the batch lives.
    pub(crate) fn into_flat(self, shelf: &'a Shelf) -> &'a [f32] {
        match self.flat {
            Cow::Borrowed(flat) => flat,
            Cow::Owned(flat) => shelf.keep(flat),
        }
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.flat.len() / self.n_cols
    }

    /// All items, row after row.
    #[must_use]
    pub fn flat(&self) -> &[f32] {
        &self.flat
    }

    /// The rows in `range`, which must lie inside; none otherwise.
    pub fn rows(&self, range: Range<usize>) -> ChunksExact<'_, f32> {
        let items = range.start * self.n_cols..range.end * self.n_cols;
        self.flat.get(items).unwrap_or_default().chunks_exact(self.n_cols)
    }
}
