//! The form of a task's labels: how many axes, which cells.

#[cfg(feature = "torch")]
use tch::Kind;

/// Whether every sample has the same number of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// `[b, item..]`: each sample is one item.
    Dense,
    /// `[b, l, item..]` padded, with the number of items of each sample.
    Ragged,
}

/// What a cell may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellRule {
    /// A whole number in `0..below`, of `Int64`; -100 means missing.
    Index {
        /// Classes, grades, tags, tokens.
        below: usize,
    },
    /// 0 or 1, of `Float`; NaN means missing.
    YesNo,
    /// Any finite number, of `Float`; NaN means missing.
    Number,
}

impl CellRule {
    /// The kind of tensor that holds such cells.
    #[must_use]
    #[cfg(feature = "torch")]
    pub fn kind(self) -> Kind {
        match self {
            Self::Index { .. } => Kind::Int64,
            Self::YesNo | Self::Number => Kind::Float,
        }
    }
}

/// The form of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// One item a sample, or any number.
    pub storage: Storage,
    /// The axes of one item; -1 is an axis of any length that all samples share (rows of a map).
    pub item: Vec<i64>,
    /// What its cells hold.
    pub cells: CellRule,
}

impl Layout {
    /// One item a sample.
    #[must_use]
    pub fn dense(cells: CellRule, item: &[i64]) -> Self {
        Self { storage: Storage::Dense, item: item.to_vec(), cells }
    }

    /// Any number of items a sample.
    #[must_use]
    pub fn ragged(cells: CellRule, item: &[i64]) -> Self {
        Self { storage: Storage::Ragged, item: item.to_vec(), cells }
    }

    /// The shape of a batch of `b` samples; -1 is an axis of any length.
    #[must_use]
    pub fn shape(&self, b: i64) -> Vec<i64> {
        let mut shape = vec![b];
        if self.storage == Storage::Ragged {
            shape.push(-1);
        }
        shape.extend(&self.item);
        shape
    }

    /// Whether an item may have these axes.
    #[must_use]
    pub fn holds(&self, item: &[i64]) -> bool {
        fits(&self.item, item)
    }
}

/// Whether a shape is one of those that `wanted` allows; -1 allows any length.
pub(super) fn fits(wanted: &[i64], found: &[i64]) -> bool {
    wanted.len() == found.len() && wanted.iter().zip(found).all(|(w, f)| *w < 0 || w == f)
}
