//! The primary metrics of a task set on one scale: what the mean and the weighted mean share.

use mtl_core::{
    Error, Result,
    metric::{Direction, MetricSpec},
    task::{TaskName, TaskSet},
};
use serde::{Deserialize, Serialize};

use crate::{report::MetricReport, value::MetricValue};

/// Maps a metric to `[0, 1]`, larger is better: `worst` becomes 0, `best` 1, values beyond them count as these.
///
/// It makes an error in years and an accuracy comparable, by saying what a useless and what a perfect model would have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
pub struct Normalizer {
    worst: f64,
    best: f64,
}

impl Normalizer {
    /// A normalizer between two different finite values.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] otherwise.
    pub fn new(worst: f64, best: f64) -> Result<Self> {
        if (best - worst).is_finite() && (best - worst).abs() > 0.0 {
            return Ok(Self { worst, best });
        }
        Err(Error::InvalidConfig {
            what: "normalizer",
            field: "(worst, best)",
            expected: "two different finite numbers".into(),
            found: format!("({worst}, {best})"),
        })
    }

    /// The value on the scale from 0 (worst) to 1 (best).
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        ((value - self.worst) / (self.best - self.worst)).clamp(0.0, 1.0)
    }

    /// The direction of the metrics it is made for.
    #[must_use]
    pub fn direction(&self) -> Direction {
        if self.best > self.worst { Direction::Maximize } else { Direction::Minimize }
    }
}

impl TryFrom<(f64, f64)> for Normalizer {
    type Error = Error;
    fn try_from((worst, best): (f64, f64)) -> Result<Self> {
        Self::new(worst, best)
    }
}

impl From<Normalizer> for (f64, f64) {
    fn from(normalizer: Normalizer) -> Self {
        (normalizer.worst, normalizer.best)
    }
}

/// Primary metrics that may be added, with positive weights of sum 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PrimaryMetrics {
    terms: Vec<Term>,
    direction: Direction,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    task: TaskName,
    metric: MetricSpec,
    weight: f64,
    normalizer: Option<Normalizer>,
}

impl PrimaryMetrics {
    /// Checks that the metrics may be added. `normalizers` has one entry per task, or none at all.
    pub(super) fn new(
        what: &'static str,
        tasks: &TaskSet,
        weights: impl Iterator<Item = f64>,
        normalizers: &[Option<Normalizer>],
    ) -> Result<Self> {
        let refuse =
            |field, expected: String, found: String| Err(Error::InvalidConfig { what, field, expected, found });
        if !normalizers.is_empty() && normalizers.len() != tasks.len() {
            let expected = format!("none, or one entry for each of {} tasks", tasks.len());
            return refuse("normalizers", expected, normalizers.len().to_string());
        }
        let weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        let mut terms = Vec::new();
        let mut directions = Vec::new();
        for (task_idx, (task, weight)) in tasks.iter().zip(weights).enumerate() {
            let normalizer = normalizers.get(task_idx).copied().flatten();
            let (name, metric) = (&task.name, task.metric()?);
            let expected = match normalizer {
                // A single metric is added to nothing.
                None if tasks.len() == 1 || metric.is_unit_range() => None,
                None => Some("a metric in [0, 1], or one with a normalizer".to_owned()),
                Some(n) if n.direction() == metric.direction() => None,
                Some(_) => {
                    Some(format!("a metric that the normalizer does not turn around ({:?})", metric.direction()))
                }
            };
            if let Some(expected) = expected {
                return refuse("primary", expected, format!("{name}.{metric}"));
            }
            directions.push(if normalizer.is_some() { Direction::Maximize } else { metric.direction() });
            terms.push(Term { task: name.clone(), metric: metric.clone(), weight: weight / total, normalizer });
        }
        let direction = directions.first().copied().unwrap_or(Direction::Maximize);
        if let Some(other) = directions.iter().position(|&d| d != direction) {
            let found =
                format!("{}.{} beside {}.{}", terms[other].task, terms[other].metric, terms[0].task, terms[0].metric);
            return refuse("primary", "metrics of one direction, or normalizers".to_owned(), found);
        }
        Ok(Self { terms, direction })
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// `sum_t w_t m_t`.
    pub(super) fn weighted_sum(&self, report: &MetricReport) -> Result<MetricValue> {
        let (mut sum, mut support) = (0.0, u64::MAX);
        for Term { task, metric, weight, normalizer } in &self.terms {
            let outcome = &report.entry(task.as_str(), metric.name().as_str())?.outcome;
            support = support.min(outcome.support);
            match outcome.get() {
                Ok(value) => sum += weight * normalizer.map_or(value, |n| n.apply(value)),
                Err(reason) => return Ok(MetricValue::undefined(format!("{task}.{metric}: {reason}"), support)),
            }
        }
        Ok(MetricValue::defined(sum, support))
    }
}
