//! Values over time, audio or measurements: `[b, channels, l]` of a float kind.

use serde::{Deserialize, Serialize};

use super::{Cells, Input, Layout, Length, ModalityKind, Numbers, check, layout};
use crate::error::{Error, Result};

/// A signal of one or more channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Values at one moment; >= 1.
    pub channels: i64,
    /// Moments per second, if they are evenly spaced in time; > 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many moments a sample has.
    pub length: Length,
}

impl Signal {
    /// A batch from samples of `channels x moments` values, the moments of the first channel first: padded with 0 to
    /// the longest, with lengths where the modality is ragged.
    ///
    /// # Errors
    /// [`Error::Input`] for a sample that is not made of whole channels, or of a length that none may have.
    pub fn batch(&self, samples: &[impl AsRef<[f32]>]) -> Result<Input> {
        let lengths = check::rows("signal", samples, self.channels, self.length)?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let channels = usize::try_from(self.channels).unwrap_or(0);
        let mut values = Vec::with_capacity(samples.len() * channels * longest);
        for (sample, &length) in samples.iter().zip(&lengths) {
            for channel in 0..channels {
                values.extend_from_slice(&sample.as_ref()[channel * length..(channel + 1) * length]);
                values.resize(values.len() + longest - length, 0.0);
            }
        }
        let shape = [samples.len() as i64, self.channels, longest as i64];
        layout::pack(&values, &shape, &self.layout(), &lengths)
    }
}

impl ModalityKind for Signal {
    fn describe(&self) -> String {
        let rate = self.rate.map_or_else(String::new, |rate| format!(" at {rate} Hz"));
        format!("signal of {} channels{rate}, {}", self.channels, self.length.describe())
    }

    fn meaning(&self) -> String {
        "scaled values: channels, moments".into()
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(self.channels), self.length] }
    }

    fn validate(&self, input: &str) -> Result<()> {
        check::sizes(input, &self.layout())?;
        match self.rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => Err(Error::Input {
                input: input.to_owned(),
                what: "rate",
                expected: "> 0 and finite".into(),
                found: rate.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_padded_one_by_one() {
        let signal = Signal { channels: 2, rate: Some(4.0), length: Length::Ragged(9) };
        let batch = signal.batch(&[vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0]]).unwrap();
        assert_eq!(batch.tensor().size(), [2, 2, 2]);
        let values = Vec::<f32>::try_from(batch.tensor().flatten(0, -1)).unwrap();
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 6.0, 0.0]);
        let e = signal.batch(&[vec![1.0; 3]]).unwrap_err().to_string();
        assert_eq!(e, "input signal: a sample must be rows of 2 values, found 3 values");
    }
}
