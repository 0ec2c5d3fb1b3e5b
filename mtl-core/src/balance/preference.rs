//! What the user wants each task to count, for the methods that take preferences.

use crate::{balance::check, error::Result};

/// One non-negative number per task of the set, or none: then `1 / m` for each of the `m` tasks of the step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preference(Vec<f64>);

impl Preference {
    /// Checks the numbers; an empty list means equal shares.
    pub(crate) fn new(what: &'static str, values: &[f64], n_tasks: usize) -> Result<Self> {
        if !values.is_empty() {
            check::one_per_task(what, "preference", values, n_tasks)?;
        }
        Ok(Self(values.to_vec()))
    }

    /// The share of the task at position `k` of the step's `tasks`: given numbers are taken as they are.
    pub(crate) fn of(&self, tasks: &[usize], k: usize) -> f64 {
        if self.0.is_empty() { 1.0 / tasks.len() as f64 } else { self.0[tasks[k]] }
    }

    /// All shares of the step.
    pub(crate) fn fill(&self, tasks: &[usize], out: &mut Vec<f64>) {
        out.clear();
        out.extend((0..tasks.len()).map(|k| self.of(tasks, k)));
    }

    /// All shares of the step, scaled to sum to 1; equal shares when those of the step's tasks are all 0.
    pub(crate) fn fill_normalized(&self, tasks: &[usize], out: &mut Vec<f64>) {
        self.fill(tasks, out);
        let sum: f64 = out.iter().sum();
        if sum > 0.0 {
            out.iter_mut().for_each(|p| *p /= sum);
        } else {
            let share = 1.0 / tasks.len() as f64;
            out.iter_mut().for_each(|p| *p = share);
        }
    }
}
