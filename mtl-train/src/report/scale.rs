//! From a value of the data to a place on the page.
//!
//! ```text
//! linear  f(v) = (v - low) / (high - low)
//! log     f(v) = (ln v - ln low) / (ln high - ln low)        v > 0
//! ```
//!
//! `f` is 0 at the start of the axis and 1 at its end. Values that no axis can show have no place: what is not finite,
//! what is beyond `1e100` (the difference of two such values would overflow), and what is not positive on a log axis.
//! [`Scale::fit`] accepts any values at all and always gives an axis with room: a constant gets some air around it, and
//! nothing at all gives `[0, 1]`.

use super::{
    axis::{Axis, AxisScale},
    ticks::{self, Ticks},
};

/// Beyond this, and below its inverse on a log axis, values are not drawn.
const LIMIT: f64 = 1e100;

/// Whether the axis ends where the data end, or at the next mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// At the data: for axes that the data fill by themselves, such as time.
    Data,
    /// At the next mark outside: no value touches the edge.
    Marks,
}

/// An axis that knows its range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    kind: AxisScale,
    ticks: Ticks,
}

impl Scale {
    /// The axis that shows all of `values`, with about `most` intervals at most.
    pub(super) fn fit(axis: &Axis, values: &[f64], ends: Ends, most: usize) -> Self {
        let shown: Vec<f64> = values.iter().copied().filter(|v| drawable(*v, axis.scale)).collect();
        let fixed = axis.range.filter(|[low, high]| {
            low < high && drawable(*low, axis.scale) && drawable(*high, axis.scale) && !is_narrow(*low, *high)
        });
        let (low, high) = fixed.map_or_else(|| with_room(&shown, axis.scale), |[low, high]| (low, high));
        let ends = if fixed.is_some() { Ends::Data } else { ends };
        match axis.scale {
            AxisScale::Linear => {
                let counts = !shown.is_empty() && shown.iter().all(|v| v.fract().abs() < f64::EPSILON);
                let mut step = ticks::nice_step((high - low) / most.max(1) as f64);
                if counts && ends == Ends::Data {
                    step = step.max(1.0); // there is no epoch 1.5
                }
                let (low, high) = match ends {
                    Ends::Data => (low, high),
                    Ends::Marks => ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step),
                };
                Self { low, high, kind: axis.scale, ticks: ticks::linear(low, high, step) }
            }
            AxisScale::Log => Self { low, high, kind: axis.scale, ticks: ticks::log(low, high, most) },
        }
    }

    /// The place of a value between the ends of the axis (0 and 1), if it has one.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        if !drawable(value, self.kind) {
            return None;
        }
        Some(match self.kind {
            AxisScale::Linear => (value - self.low) / (self.high - self.low),
            AxisScale::Log => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        })
    }

    /// Places and labels of the marks.
    pub(super) fn marks(&self) -> impl Iterator<Item = (f64, &str)> {
        let labeled = self.ticks.values.iter().zip(&self.ticks.labels);
        labeled.filter_map(|(value, label)| Some((self.fraction(*value)?, label.as_str())))
    }

    /// The value at the start of the axis, and at its end.
    pub(super) fn range(&self) -> [f64; 2] {
        [self.low, self.high]
    }
}

fn drawable(value: f64, kind: AxisScale) -> bool {
    match kind {
        AxisScale::Linear => value.abs() <= LIMIT, // false for NaN
        AxisScale::Log => (1.0 / LIMIT..=LIMIT).contains(&value),
    }
}

/// Two ends that f64 can hardly tell apart leave no room for marks.
fn is_narrow(low: f64, high: f64) -> bool {
    high - low <= 1e-9 * low.abs().max(high.abs()) || high - low < 1.0 / LIMIT
}

fn with_room(shown: &[f64], kind: AxisScale) -> (f64, f64) {
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match kind {
        AxisScale::Linear if shown.is_empty() => (0.0, 1.0),
        AxisScale::Log if shown.is_empty() => (0.1, 1.0),
        AxisScale::Linear if is_narrow(low, high) => {
            let air = if low.abs() > 1.0 / LIMIT { 0.1 * low.abs() } else { 1.0 };
            (low - air, high + air)
        }
        AxisScale::Linear => (low, high),
        AxisScale::Log if is_narrow(low, high) => (low / 2.0, high * 2.0),
        AxisScale::Log => {
            let air = (high / low).powf(0.03);
            (low / air, high * air)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(values: &[f64], ends: Ends) -> Scale {
        Scale::fit(&Axis::default(), values, ends, 5)
    }

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.marks().map(|(_, label)| label).collect()
    }

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-9
    }

    #[test]
    fn ends_at_marks_or_at_the_data() {
        let scale = fit(&[0.13, 0.87], Ends::Marks);
        assert_eq!(labels(&scale), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert!(near(scale.fraction(0.5).unwrap(), 0.5));
        let scale = fit(&[1.0, 2.0, 3.0], Ends::Data);
        assert_eq!(labels(&scale), ["1", "2", "3"], "whole numbers get whole marks");
        assert!(near(scale.fraction(1.0).unwrap(), 0.0));
    }

    #[test]
    fn hand_set_range_wins() {
        let axis = Axis { range: Some([0.0, 2.0]), ..Axis::default() };
        let scale = Scale::fit(&axis, &[0.5, 7.0], Ends::Marks, 5);
        assert!(near(scale.fraction(1.0).unwrap(), 0.5));
        let axis = Axis { range: Some([f64::NAN, 2.0]), ..Axis::default() };
        assert!(near(Scale::fit(&axis, &[0.0, 1.0], Ends::Data, 5).fraction(1.0).unwrap(), 1.0), "a bad one does not");
    }

    #[test]
    fn log_maps_decades_evenly() {
        let axis = Axis { scale: AxisScale::Log, range: Some([0.01, 1.0]), ..Axis::default() };
        let scale = Scale::fit(&axis, &[], Ends::Data, 7);
        assert!(near(scale.fraction(0.1).unwrap(), 0.5));
        assert_eq!(scale.fraction(0.0), None);
        assert_eq!(scale.fraction(-1.0), None);
    }

    #[test]
    fn any_values_give_an_axis() {
        let odd =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, 5e-324, 1e-200, 1e99, 0.1];
        for first in odd {
            for second in odd {
                for scale in [AxisScale::Linear, AxisScale::Log] {
                    for ends in [Ends::Data, Ends::Marks] {
                        let axis = Axis { scale, ..Axis::default() };
                        let fitted = Scale::fit(&axis, &[first, second], ends, 5);
                        assert!(fitted.low < fitted.high, "{first} {second} {scale:?}");
                        assert!(fitted.marks().all(|(place, _)| place.is_finite()));
                        assert!(fitted.marks().count() >= 1, "{first} {second} {scale:?} {ends:?}");
                        for value in [first, second] {
                            assert!(fitted.fraction(value).is_none_or(|f| (-1e-6..=1.000_001).contains(&f)));
                        }
                    }
                }
            }
        }
    }
}
