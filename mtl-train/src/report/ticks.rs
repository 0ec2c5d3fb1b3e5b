//! Where an axis is marked, and what is written there.
//!
//! ```text
//! linear  multiples of a step s = k * 10^p, k in {1, 2, 5}: the smallest one that needs at most so many intervals
//! log     k * 10^p, k in {1, 2, 5}, over less than two decades; else 10^p, or every second, third, .. of them
//! ```
//!
//! People read 0, 0.2, 0.4 at a glance and 0, 0.17, 0.34 not at all; that is the whole reason.
//!
//! **Reference** nothing to cite: Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990, has the same steps.

use super::number::{fixed, scientific, typographic};

/// Marks of an axis in rising order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    /// Position, in units of the data.
    pub(super) values: Vec<f64>,
    /// What is written there.
    pub(super) labels: Vec<String>,
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `raw`.
pub(super) fn nice_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    // A step of 0.30000000000000004 means 0.3.
    let factor = raw / power * (1.0 - 1e-9);
    power
        * if factor <= 1.0 {
            1.0
        } else if factor <= 2.0 {
            2.0
        } else if factor <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// Marks at multiples of `step` within `[low, high]`.
///
/// Needs `low < high` and a positive step that is not tiny against either; `Scale` sees to that.
pub(super) fn linear(low: f64, high: f64, step: f64) -> Ticks {
    let slack = step * 1e-6;
    let mut index = ((low - slack) / step).ceil();
    let mut values = Vec::new();
    // The limit only matters if a caller breaks the condition above; an axis with so many marks is useless anyway.
    while index * step <= high + slack && values.len() < 100 {
        values.push(index * step);
        index += 1.0;
    }
    let labels = values.iter().map(|value| linear_label(*value, step, low.abs().max(high.abs()))).collect();
    Ticks { values, labels }
}

/// All marks of an axis share their unit and their decimals.
fn linear_label(value: f64, step: f64, largest: f64) -> String {
    if value.abs() < step / 2.0 {
        return "0".into();
    }
    if !(1e-4..1e15).contains(&largest) {
        return typographic(&scientific(value, 3));
    }
    let (unit, suffix) = match largest {
        x if x < 1e4 => (1.0, ""),
        x if x < 1e6 => (1e3, "k"),
        x if x < 1e9 => (1e6, "M"),
        x if x < 1e12 => (1e9, "G"),
        _ => (1e12, "T"),
    };
    fixed(value / unit, decimals_of(step / unit)) + suffix
}

/// How many decimals show a step exactly.
fn decimals_of(step: f64) -> usize {
    let mut decimals = 0;
    let mut scaled = step;
    while scaled < 1.0 - 1e-9 && decimals < 12 {
        scaled *= 10.0;
        decimals += 1;
    }
    decimals
}

/// Marks of a logarithmic axis; needs `0 < low < high`.
pub(super) fn log(low: f64, high: f64, most: usize) -> Ticks {
    let (first, last) = (low.log10().floor(), high.log10().ceil());
    let within = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
    let decades = |stride: f64| {
        let mut power = (first / stride).ceil() * stride;
        let mut values = Vec::new();
        while power <= last && values.len() < 100 {
            values.push(10_f64.powf(power));
            power += stride;
        }
        values
    };
    let fine: Vec<f64> =
        decades(1.0).iter().flat_map(|decade| [1.0, 2.0, 5.0].map(|k| k * decade)).filter(within).collect();
    let mut values = fine;
    let mut stride = 1.0;
    while values.len() > most {
        values = decades(stride).into_iter().filter(within).collect();
        stride += 1.0;
    }
    if values.len() < 2 {
        // Within a factor of two or so there is next to no curvature, and perhaps no such mark. Some more of them than
        // elsewhere, because the reader has to see that they do not stand evenly.
        return linear(low, high, nice_step((high - low) / (1.5 * most.max(1) as f64)));
    }
    let labels = values.iter().map(|value| log_label(*value)).collect();
    Ticks { values, labels }
}

fn log_label(value: f64) -> String {
    match value {
        v if (1e-4..1.0).contains(&(v * (1.0 + 1e-9))) => fixed(v, decimals_of(v)),
        v if (1.0..1e4).contains(&(v * (1.0 + 1e-9))) => fixed(v, 0),
        v => typographic(&scientific(v, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_one_two_five() {
        for (raw, step) in
            [(0.3, 0.5), (0.1, 0.1), (1.0, 1.0), (1.1, 2.0), (2.0, 2.0), (3.0, 5.0), (7.0, 10.0), (0.000_13, 0.000_2)]
        {
            assert!((nice_step(raw) / step - 1.0).abs() < 1e-6, "{raw} gives {}", nice_step(raw));
        }
    }

    #[test]
    fn linear_labels_share_unit_and_decimals() {
        assert_eq!(linear(0.0, 1.0, 0.2).labels, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(linear(-1.0, 1.0, 0.5).labels, ["\u{2212}1.0", "\u{2212}0.5", "0", "0.5", "1.0"]);
        assert_eq!(linear(0.0, 20_000.0, 5_000.0).labels, ["0", "5k", "10k", "15k", "20k"]);
        assert_eq!(linear(0.0, 2e-5, 1e-5).labels, ["0", "1e\u{2212}5", "2e\u{2212}5"]);
        assert_eq!(linear(0.94, 0.96, 0.005).labels, ["0.940", "0.945", "0.950", "0.955", "0.960"]);
    }

    #[test]
    fn log_marks_thin_out() {
        assert_eq!(log(0.1, 1.0, 7).labels, ["0.1", "0.2", "0.5", "1"]);
        assert_eq!(log(1e-3, 1e3, 7).labels, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(log(1e-8, 1e4, 7).labels.len(), 7, "every second decade");
        assert_eq!(log(1e-100, 1e100, 7).labels.first().map(String::as_str), Some("1e\u{2212}78"));
        assert_eq!(log(3.2, 4.8, 7).labels.first().map(String::as_str), Some("3.2"), "as on a linear axis");
    }
}
