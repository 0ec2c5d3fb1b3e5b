//! Pieces of a text by number: ids `[b, l]` of `Int64` in `0..vocabulary`.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Cells, Input, Layout, Length, ModalityKind, Numbers, check};
use crate::error::{Error, Result, TorchContext};

/// A text as token ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// How many ids there are, the one for padding included; >= 1.
    pub vocabulary: i64,
    /// The id of padding, in `0..vocabulary`.
    pub pad: i64,
    /// The id of every token that the vocabulary does not have, in `0..vocabulary`; `None` where there is no such id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<i64>,
    /// How many tokens a sample has.
    pub length: Length,
}

impl Tokens {
    /// A batch from lists of ids: padded to the longest, with lengths where the modality is ragged.
    ///
    /// # Errors
    /// [`Error::Input`] for an id outside the vocabulary, or a list of a length that no sample may have.
    pub fn batch(&self, samples: &[impl AsRef<[i64]>]) -> Result<Input> {
        let longest = samples.iter().map(|s| s.as_ref().len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(samples.len() * longest);
        for sample in samples {
            let sample = sample.as_ref();
            check::length("tokens", self.length, sample.len())?;
            if let Some(id) = sample.iter().find(|id| !(0..self.vocabulary).contains(*id)) {
                return check::refuse("tokens", "an id", format!("in 0..{}", self.vocabulary), id.to_string());
            }
            ids.extend_from_slice(sample);
            ids.resize(ids.len() + longest - sample.len(), self.pad);
        }
        let shape = [samples.len() as i64, longest as i64];
        let tensor = Tensor::f_from_slice(&ids).and_then(|t| t.f_view(shape)).op("tokens")?; // [b, l]
        match self.length {
            Length::Fixed(_) => Ok(tensor.into()),
            Length::Ragged(_) => {
                Input::ragged(tensor, &samples.iter().map(|s| s.as_ref().len() as i64).collect::<Vec<_>>(), 1)
            }
        }
    }
}

impl ModalityKind for Tokens {
    fn describe(&self) -> String {
        format!("text of tokens in 0..{}, {}", self.vocabulary, self.length.describe())
    }

    fn meaning(&self) -> String {
        let unknown = self.unknown.map_or_else(String::new, |id| format!(", unknown tokens are {id}"));
        format!("ids of tokens in 0..{}, padding is {}{unknown}", self.vocabulary, self.pad)
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Whole, axes: vec![self.length] }
    }

    fn validate(&self, input: &str) -> Result<()> {
        check::sizes(input, &self.layout())?;
        if !(1..=check::LARGEST).contains(&self.vocabulary) || !(0..self.vocabulary).contains(&self.pad) {
            let expected = "at least one id, padding among them".to_owned();
            let found = format!("{} ids, padding {}", self.vocabulary, self.pad);
            return Err(Error::Input { input: input.to_owned(), what: "vocabulary", expected, found });
        }
        if let Some(id) = self.unknown.filter(|id| !(0..self.vocabulary).contains(id) || *id == self.pad) {
            let expected = format!("in 0..{} and not the padding", self.vocabulary);
            return check::refuse(input, "the id of unknown tokens", expected, id.to_string());
        }
        Ok(())
    }

    fn cardinalities(&self) -> Vec<i64> {
        vec![self.vocabulary]
    }

    fn padding(&self) -> i64 {
        self.pad
    }

    fn unknown(&self) -> Option<i64> {
        self.unknown
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_padded_and_checked() {
        let tokens = Tokens { vocabulary: 5, pad: 4, unknown: None, length: Length::Ragged(3) };
        let batch = tokens.batch(&[vec![1], vec![], vec![2, 3]]).unwrap();
        assert_eq!(Vec::<i64>::try_from(batch.tensor().flatten(0, -1)).unwrap(), [1, 4, 4, 4, 2, 3]);
        assert_eq!(Vec::<i64>::try_from(batch.lengths().unwrap()).unwrap(), [1, 0, 2]);
        let refusal = |lists: &[Vec<i64>]| tokens.batch(lists).unwrap_err().to_string();
        assert_eq!(refusal(&[vec![5]]), "input tokens: an id must be in 0..5, found 5");
        assert_eq!(refusal(&[vec![0; 4]]), "input tokens: length must be at most 3, found 4");
        let fixed = Tokens { length: Length::Fixed(2), ..tokens };
        assert!(fixed.batch(&[vec![0, 1]]).unwrap().lengths().is_none());
        assert!(fixed.batch(&[vec![0]]).unwrap_err().to_string().ends_with("length must be 2, found 1"));
    }
}
