//! Items without an order, a vector each: `[b, l, width]` of a float kind.

use serde::{Deserialize, Serialize};

use super::{Cells, Input, Layout, Length, ModalityKind, Numbers, check, layout};
use crate::error::Result;

/// A set of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Values of one item; >= 1.
    pub width: i64,
    /// How many items a sample has.
    pub length: Length,
}

impl Set {
    /// A batch from samples of `items x width` values, item by item: padded with 0 to the largest, with lengths where
    /// the modality is ragged.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) for a sample that is not made of whole items, or of a number of items that
    /// none may have.
    pub fn batch(&self, samples: &[impl AsRef<[f32]>]) -> Result<Input> {
        let lengths = check::rows("set", samples, self.width, self.length)?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let width = usize::try_from(self.width).unwrap_or(0);
        let mut values = Vec::with_capacity(samples.len() * longest * width);
        for (sample, &length) in samples.iter().zip(&lengths) {
            values.extend_from_slice(sample.as_ref());
            values.resize(values.len() + (longest - length) * width, 0.0);
        }
        let shape = [samples.len() as i64, longest as i64, self.width];
        layout::pack(&values, &shape, &self.layout(), &lengths)
    }
}

impl ModalityKind for Set {
    fn describe(&self) -> String {
        format!("set of items of {} values, {}", self.width, self.length.describe())
    }

    fn meaning(&self) -> String {
        "scaled values: items, values of an item".into()
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![self.length, Length::Fixed(self.width)] }
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_padded() {
        let set = Set { width: 2, length: Length::Ragged(3) };
        let batch = set.batch(&[vec![], vec![1.0, 2.0, 3.0, 4.0]]).unwrap();
        assert_eq!(batch.tensor().size(), [2, 2, 2]);
        assert_eq!(Vec::<i64>::try_from(batch.lengths().unwrap()).unwrap(), [0, 2]);
        assert!(set.batch(&[vec![0.0; 8]]).unwrap_err().to_string().ends_with("length must be at most 3, found 4"));
    }
}
