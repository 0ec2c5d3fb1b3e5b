//! A cell of a table: words, a number with its spread, or nothing.

use serde::Serialize;

use super::number::{MISSING, compact, decimals, fixed};

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Nothing was measured: a dash.
    #[default]
    Missing,
    /// Words.
    Text(String),
    /// A number; one that is not finite is printed as a dash or an infinity sign.
    Number {
        /// The number.
        value: f64,
        /// How many decimals are printed; without it, four digits.
        decimals: Option<usize>,
        /// Spread over seeds, printed after the value with the same decimals.
        spread: Option<f64>,
    },
}

impl Cell {
    /// A number with so many decimals.
    pub fn number(value: f64, decimals: usize) -> Self {
        Self::Number { value, decimals: Some(decimals), spread: None }
    }

    /// A number in four digits.
    pub fn measured(value: f64) -> Self {
        match value.abs() {
            m if m > 0.0 && m < 1e-4 => Self::from(value),
            _ => Self::number(value, decimals(value)),
        }
    }

    /// A number with its spread over seeds.
    pub fn with_spread(value: f64, spread: f64, decimals: usize) -> Self {
        Self::Number { value, decimals: Some(decimals), spread: Some(spread) }
    }

    /// The cell in words, without the spread.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Missing => MISSING.into(),
            Self::Text(words) => words.clone(),
            Self::Number { value, decimals, .. } => written(*value, *decimals),
        }
    }

    /// The spread in words.
    pub(super) fn spread(&self) -> Option<String> {
        match self {
            Self::Number { spread: Some(spread), decimals, .. } if spread.is_finite() => {
                Some(format!("\u{a0}\u{b1}\u{a0}{}", written(*spread, *decimals)))
            }
            _ => None,
        }
    }

    /// What the cell competes with for the best of its column.
    pub(super) fn value(&self) -> Option<f64> {
        match self {
            Self::Number { value, .. } if value.is_finite() => Some(*value),
            _ => None,
        }
    }
}

fn written(value: f64, decimals: Option<usize>) -> String {
    // Nobody reads more than a dozen decimals; f64 has no more than 17 to give.
    decimals.map_or_else(|| compact(value), |decimals| fixed(value, decimals.min(17)))
}

impl From<&str> for Cell {
    fn from(words: &str) -> Self {
        Self::Text(words.into())
    }
}

impl From<String> for Cell {
    fn from(words: String) -> Self {
        Self::Text(words)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number { value, decimals: None, spread: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words() {
        assert_eq!(Cell::number(0.95, 4).written(), "0.9500");
        assert_eq!(Cell::from(1234.56).written(), "1234.6");
        assert_eq!(Cell::with_spread(0.95, 0.002, 3).spread().as_deref(), Some("\u{a0}±\u{a0}0.002"));
        assert_eq!(Cell::with_spread(0.95, f64::NAN, 3).spread(), None, "one seed has no spread");
        assert_eq!(Cell::Missing.written(), MISSING);
        assert_eq!(Cell::number(f64::NAN, 3).value(), None);
        assert_eq!(Cell::number(1.0, usize::MAX).written().len(), 19);
    }
}
