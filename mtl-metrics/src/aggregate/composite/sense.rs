//! Which way an expression moves when its metrics get better, and on which scale it is.
//!
//! The rules of the language's page, as arithmetic on a small summary of each part.

use mtl_core::metric::Direction;

use super::Function;
use crate::value::OrReason;

/// What is known of a part without knowing the metrics' values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sense {
    pub(super) trend: Trend,
    /// Lowest and highest possible value; equal for a constant.
    pub(super) range: (f64, f64),
    /// The metric that the part is made of when it is not in `[0, 1]`: such a part combines with constants and itself only.
    pub(super) raw: Option<String>,
    /// The first metric in the part, for messages.
    first: Option<Named>,
}

/// A metric by its full name, and which way it is better.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    name: String,
    direction: Direction,
}

impl Named {
    /// How to put the metric on a scale of its own.
    fn advice(&self) -> String {
        let (ends, useless) = match self.direction {
            Direction::Maximize => ("0, 1", "0"),
            Direction::Minimize => ("10, 0", "10"),
        };
        format!("norm({}, {ends}), with its value for a useless answer in place of {useless}", self.name)
    }
}

/// How a part moves when the metrics in it get better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trend {
    Constant,
    Rises,
    Falls,
}

impl Trend {
    fn turned(self) -> Self {
        match self {
            Self::Constant => Self::Constant,
            Self::Rises => Self::Falls,
            Self::Falls => Self::Rises,
        }
    }

    pub(super) fn direction(self) -> Option<Direction> {
        match self {
            Self::Constant => None,
            Self::Rises => Some(Direction::Maximize),
            Self::Falls => Some(Direction::Minimize),
        }
    }
}

impl Sense {
    pub(super) fn number(x: f64) -> Self {
        Self { trend: Trend::Constant, range: (x, x), raw: None, first: None }
    }

    /// A metric, by its full name.
    pub(super) fn metric(name: &str, direction: Direction, range: (f64, f64)) -> Self {
        let trend = match direction {
            Direction::Maximize => Trend::Rises,
            Direction::Minimize => Trend::Falls,
        };
        let unit = range.0 >= 0.0 && range.1 <= 1.0;
        let first = Some(Named { name: name.to_owned(), direction });
        Self { trend, range, raw: (!unit).then(|| name.to_owned()), first }
    }

    /// The number, when the part is one.
    pub(super) fn constant(&self) -> Option<f64> {
        (self.trend == Trend::Constant).then_some(self.range.0)
    }

    pub(super) fn normalized(&self) -> Self {
        Self { trend: Trend::Rises, range: (0.0, 1.0), raw: None, first: self.first.clone() }
    }

    pub(super) fn negate(self) -> Self {
        Self { trend: self.trend.turned(), range: (-self.range.1, -self.range.0), ..self }
    }

    pub(super) fn add(self, other: Self) -> OrReason<Self> {
        let range = (self.range.0 + other.range.0, self.range.1 + other.range.1);
        self.combine(other, range)
    }

    pub(super) fn multiply(self, other: Self) -> OrReason<Self> {
        match (self.constant(), other.constant()) {
            (Some(a), Some(b)) => Ok(Self::number(a * b)),
            (Some(factor), None) => Ok(other.scale(factor)),
            (None, Some(factor)) => Ok(self.scale(factor)),
            (None, None) => {
                self.not_negative("a product")?;
                other.not_negative("a product")?;
                let range = (product(self.range.0, other.range.0), product(self.range.1, other.range.1));
                self.combine(other, range)
            }
        }
    }

    pub(super) fn divide(self, other: Self) -> OrReason<Self> {
        match other.constant() {
            Some(0.0) => return Err("division by zero".to_owned()),
            Some(divisor) => return self.multiply(Self::number(divisor.recip())),
            None => other.not_negative("a divisor")?,
        }
        let reciprocal =
            Self { trend: other.trend.turned(), range: (other.range.1.recip(), other.range.0.abs().recip()), ..other };
        self.multiply(reciprocal)
    }

    pub(super) fn call(function: Function, parts: Vec<Self>) -> OrReason<Self> {
        let needs_positive = matches!(function, Function::Harmonic | Function::Geometric);
        let n = parts.len() as f64;
        let constants: Option<Vec<f64>> = parts.iter().map(Self::constant).collect();
        let mut whole: Option<Self> = None;
        for part in parts {
            if needs_positive {
                part.not_negative(&format!("{}(..)", function.name()))?;
            }
            whole = Some(match whole {
                None => part,
                Some(whole) => {
                    let ((a, b), (c, d)) = (whole.range, part.range);
                    let range = match function {
                        Function::Min => (a.min(c), b.min(d)),
                        Function::Max => (a.max(c), b.max(d)),
                        Function::Mean => (a + c, b + d),
                        Function::Harmonic | Function::Geometric => (a.min(c), b.max(d)),
                    };
                    whole.combine(part, range)?
                }
            });
        }
        if let Some(constants) = constants {
            return Ok(Self::number(function.apply(&constants)));
        }
        let mut whole = whole.ok_or("a function needs an argument")?;
        if function == Function::Mean {
            whole.range = (whole.range.0 / n, whole.range.1 / n);
        }
        Ok(whole)
    }

    fn scale(self, factor: f64) -> Self {
        if factor == 0.0 {
            return Self::number(0.0);
        }
        let (a, b) = (self.range.0 * factor, self.range.1 * factor);
        let trend = if factor > 0.0 { self.trend } else { self.trend.turned() };
        Self { trend, range: (a.min(b), a.max(b)), ..self }
    }

    fn not_negative(&self, what: &str) -> OrReason<()> {
        if self.range.0 >= 0.0 {
            return Ok(());
        }
        let advice = self.first.as_ref().map_or_else(|| "norm(.., worst, best)".to_owned(), Named::advice);
        Err(format!("{what} needs parts that cannot be negative, but one can; write {advice}"))
    }

    /// Two parts in one, if directions and scales agree.
    fn combine(self, other: Self, range: (f64, f64)) -> OrReason<Self> {
        let (trend, raw) = match (self.trend, other.trend) {
            (Trend::Constant, trend) => (trend, other.raw.clone()),
            (trend, Trend::Constant) => (trend, self.raw.clone()),
            (a, b) if a != b => {
                let falling = if a == Trend::Falls { &self } else { &other };
                let advice = match (&falling.first, &falling.raw) {
                    (Some(part), Some(_)) => format!("write {}", part.advice()),
                    (Some(part), None) => format!("turn one around, as 1 - {}", part.name),
                    (None, _) => "turn one around (1 - x) or use norm".to_owned(),
                };
                return Err(format!("the parts get better in opposite directions; {advice}"));
            }
            (trend, _) if self.raw == other.raw => (trend, self.raw.clone()),
            _ => {
                let raw = if self.raw.is_some() { &self } else { &other };
                let (metric, advice) = raw.first.as_ref().map(|m| (m.name.clone(), m.advice())).unwrap_or_default();
                let why = "is not in [0, 1] and cannot be combined with another metric";
                return Err(format!("{metric} {why}; write {advice}"));
            }
        };
        Ok(Self { trend, range, raw, first: self.first.or(other.first) })
    }
}

/// The product of two bounds, where none of infinitely much is none.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}
