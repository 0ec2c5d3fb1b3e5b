//! The axis of a chart as its author describes it.

use serde::Serialize;

/// What an axis measures, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Axis {
    /// What is measured: `epoch`, `validation loss`.
    pub label: String,
    /// Unit, if it has one: `s`, `samples / s`.
    pub unit: Option<String>,
    /// Linear or logarithmic.
    pub scale: AxisScale,
    /// First and last value. Without it, or when it is no range (`low < high`, both finite), the data decide; what lies
    /// outside a given range is cut off.
    pub range: Option<[f64; 2]>,
}

/// How values are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AxisScale {
    /// Equal differences get equal lengths.
    #[default]
    Linear,
    /// Equal ratios get equal lengths; values that are not positive are gaps.
    Log,
}

impl Axis {
    /// A linear axis over the range of the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// Label, unit, and a warning where equal lengths are not equal differences: `time (s, log scale)`.
    pub(super) fn heading(&self) -> String {
        let unit = self.unit.as_deref().filter(|unit| !unit.is_empty());
        let scale = (self.scale == AxisScale::Log).then_some("log scale");
        let remarks: Vec<&str> = unit.into_iter().chain(scale).collect();
        if remarks.is_empty() || self.label.is_empty() {
            return self.label.clone() + &remarks.join(", ");
        }
        format!("{} ({})", self.label, remarks.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_follows_the_label() {
        assert_eq!(Axis::new("epoch").heading(), "epoch");
        assert_eq!(Axis { unit: Some("s".into()), ..Axis::new("time") }.heading(), "time (s)");
        assert_eq!(Axis { scale: AxisScale::Log, ..Axis::new("loss") }.heading(), "loss (log scale)");
        assert_eq!(Axis { unit: Some("s".into()), ..Axis::default() }.heading(), "s");
    }
}
