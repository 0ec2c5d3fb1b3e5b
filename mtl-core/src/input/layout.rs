//! How a batch of an input lies in memory: kind of numbers and axes.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::Input;
use crate::error::{Result, TorchContext};

/// The numbers of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// `Int64`: codes and ids.
    Whole,
    /// A float kind.
    Real,
}

impl Numbers {
    /// Whether a tensor of that kind holds them.
    #[must_use]
    pub fn fit(self, kind: Kind) -> bool {
        match self {
            Self::Whole => kind == Kind::Int64,
            Self::Real => matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16),
        }
    }

    /// What is expected, in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Whole => "Int64",
            Self::Real => "a float kind",
        }
    }
}

/// How long an axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// As long in every sample; >= 1.
    Fixed(i64),
    /// In each sample from 0 up to so many; >= 1.
    Ragged(i64),
}

impl Length {
    /// The longest that it can be.
    #[must_use]
    pub fn longest(self) -> i64 {
        match self {
            Self::Fixed(n) | Self::Ragged(n) => n,
        }
    }

    /// Whether samples differ.
    #[must_use]
    pub fn is_ragged(self) -> bool {
        matches!(self, Self::Ragged(_))
    }

    /// In words: `20 long` or `at most 20 long`.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Fixed(n) => format!("{n} long"),
            Self::Ragged(n) => format!("at most {n} long"),
        }
    }

    fn fits(self, size: i64) -> bool {
        match self {
            Self::Fixed(n) => size == n,
            Self::Ragged(n) => (0..=n).contains(&size),
        }
    }
}

/// Kind and axes of a batch; the first axis, the batch, is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The numbers.
    pub numbers: Numbers,
    /// The axes after the batch; at most one is ragged.
    pub axes: Vec<Length>,
}

impl Layout {
    /// The axis of the tensor, the batch counted, along which samples differ in length.
    #[must_use]
    pub fn ragged_axis(&self) -> Option<i64> {
        (1..).zip(&self.axes).find(|(_, length)| length.is_ragged()).map(|(axis, _)| axis)
    }

    /// Numbers in the largest sample; saturates.
    #[must_use]
    pub fn cells(&self) -> i64 {
        self.axes.iter().fold(1, |cells: i64, length| cells.saturating_mul(length.longest()))
    }

    /// Whether a tensor of that shape is a batch.
    #[must_use]
    pub fn fits(&self, size: &[i64]) -> bool {
        size.len() == self.axes.len() + 1 && self.axes.iter().zip(&size[1..]).all(|(length, size)| length.fits(*size))
    }

    /// The shape in words: `[b, 3, 32, 32]`, `[b, 0..=20]`.
    #[must_use]
    pub fn describe(&self) -> String {
        let axis = |length: &Length| match length {
            Length::Fixed(n) => format!(", {n}"),
            Length::Ragged(n) => format!(", 0..={n}"),
        };
        format!("[b{}]", self.axes.iter().map(axis).collect::<String>())
    }
}

/// A batch of real numbers of that shape, with lengths where samples differ.
pub(super) fn pack(values: &[f32], shape: &[i64], layout: &Layout, lengths: &[usize]) -> Result<Input> {
    let tensor = Tensor::f_from_slice(values).and_then(|t| t.f_view(shape)).op("batch of an input")?;
    match layout.ragged_axis() {
        None => Ok(tensor.into()),
        Some(axis) => Input::ragged(tensor, &lengths.iter().map(|&n| n as i64).collect::<Vec<_>>(), axis),
    }
}
