//! What validation is scored by: the number that chooses the best epoch and ends a run early.

use mtl_core::metric::Direction;
use mtl_metrics::{
    MetricReport,
    aggregate::{Aggregate, Composite, TaskMean},
};

use super::evaluate::metrics_of;
use crate::{error::Result, model::Model};

/// A checked score over validation metrics.
#[derive(Debug)]
pub struct Selection(Box<dyn Aggregate>);

impl Selection {
    /// `mean` of the tasks' primary metrics, or an expression over their metrics.
    ///
    /// # Errors
    /// [`mtl_core::Error::Parse`] for an expression that cannot be read; [`mtl_core::Error::InvalidConfig`] when it, or
    /// the mean, would add metrics that do not add (accuracies and errors).
    pub fn parse(text: &str, model: &Model) -> Result<Self> {
        Ok(Self(match text {
            "mean" => Box::new(TaskMean::new(model.tasks(), &[]).map_err(name_a_score)?),
            expression => Box::new(Composite::parse(expression, &metrics_of(model)?)?),
        }))
    }

    /// The score; `None` when a metric in it is undefined.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when the report lacks a task or metric.
    pub fn score(&self, report: &MetricReport) -> Result<Option<f64>> {
        Ok(self.0.compute(report)?.value)
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.0.direction()
    }
}

/// The default cannot mix errors in units with accuracies; says what can.
fn name_a_score(e: mtl_core::Error) -> mtl_core::Error {
    match e {
        mtl_core::Error::InvalidConfig { field: "primary", expected, found, .. } => mtl_core::Error::InvalidConfig {
            what: "the default, mean",
            field: "primary metric",
            expected: format!("{expected}; else name a score, as selection = \"{found}\""),
            found,
        },
        other => other,
    }
}
