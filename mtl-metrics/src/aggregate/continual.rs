//! Tasks that are learned one after the other: what was kept, what was lost, what helped.
//!
//! `R_ij` is the metric of task `j` after stage `i` (after tasks `0..=i` were learned). With more being better:
//!
//! ```text
//! average             1/T     sum_j        R_{T-1,j}
//! backward transfer   1/(T-1) sum_{j<T-1}  R_{T-1,j} - R_jj          below 0: forgotten
//! forward transfer    1/(T-1) sum_{j>=1}   R_{j-1,j} - b_j           b: the metric before anything was learned
//! forgetting          1/(T-1) sum_{j<T-1}  max_{j<=i<T-1} R_ij - R_{T-1,j}
//! ```
//! **References** D. Lopez-Paz, M. Ranzato, *Gradient Episodic Memory for Continual Learning*, NeurIPS 2017 (average,
//! transfers); A. Chaudhry et al., *Riemannian Walk for Incremental Learning*, ECCV 2018 (forgetting).
//! **Differs from** the papers, which know only accuracies: for a metric that should fall the differences are turned, so
//! that transfer above 0 is good and forgetting above 0 is bad for every metric. Forgetting takes the maximum from stage
//! `j` on: before, task `j` was not learned and cannot be forgotten.

use mtl_core::{Error, Result, metric::Direction};

use crate::value::OrReason;

/// The metric of every task after every stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Continual {
    direction: Direction,
    /// `[stages][tasks]`, turned so that more is better.
    stages: Vec<Vec<Option<f64>>>,
    tasks: usize,
}

impl Continual {
    /// No stage yet, of `tasks` tasks in the order in which they are learned.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for no task.
    pub fn new(tasks: usize, direction: Direction) -> Result<Self> {
        if tasks == 0 {
            return refuse("tasks", "at least one", "none".into());
        }
        Ok(Self { direction, stages: Vec::with_capacity(tasks), tasks })
    }

    /// Adds a stage: each task's metric after it, `None` where it was not measured.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another number of tasks, a value that is not finite, or more stages than tasks.
    pub fn add_stage(&mut self, values: &[Option<f64>]) -> Result<()> {
        if self.stages.len() == self.tasks {
            return refuse("stage", "one per task", format!("stage {} of {} tasks", self.stages.len() + 1, self.tasks));
        }
        let row = self.turned(values)?;
        self.stages.push(row);
        Ok(())
    }

    /// Mean over all tasks after the last stage.
    ///
    /// # Errors
    /// The reason, when a stage or a value is missing.
    pub fn average(&self) -> OrReason<f64> {
        let last = self.last()?;
        let turn = self.turn();
        mean((0..self.tasks).map(|j| Ok(turn * self.at(last, j)?)))
    }

    /// What later stages did to earlier tasks.
    ///
    /// # Errors
    /// As [`average`](Self::average); for a single task.
    pub fn backward_transfer(&self) -> OrReason<f64> {
        let last = self.last()?;
        mean((0..last).map(|j| Ok(self.at(last, j)? - self.at(j, j)?)))
    }

    /// What earlier stages did for tasks that had not been learned; `before`: each task's metric before the first stage,
    /// of which the first is not used.
    ///
    /// # Errors
    /// As [`backward_transfer`](Self::backward_transfer); for another number of tasks in `before`.
    pub fn forward_transfer(&self, before: &[Option<f64>]) -> OrReason<f64> {
        let last = self.last()?;
        let before = self.turned(before).map_err(|e| e.to_string())?;
        mean((1..=last).map(|j| {
            let start = before[j].ok_or_else(|| format!("task {j} was not measured before the first stage"))?;
            Ok(self.at(j - 1, j)? - start)
        }))
    }

    /// How far earlier tasks are below their best.
    ///
    /// # Errors
    /// As [`backward_transfer`](Self::backward_transfer).
    pub fn forgetting(&self) -> OrReason<f64> {
        let last = self.last()?;
        mean((0..last).map(|j| {
            let best = (j..last).map(|i| self.at(i, j)).try_fold(f64::NEG_INFINITY, |b, r| r.map(|r| b.max(r)))?;
            Ok(best - self.at(last, j)?)
        }))
    }

    fn turn(&self) -> f64 {
        match self.direction {
            Direction::Maximize => 1.0,
            Direction::Minimize => -1.0,
        }
    }

    fn turned(&self, values: &[Option<f64>]) -> Result<Vec<Option<f64>>> {
        if values.len() != self.tasks {
            return refuse("values", &format!("{} tasks", self.tasks), values.len().to_string());
        }
        if let Some(odd) = values.iter().flatten().find(|v| !v.is_finite()) {
            return refuse("values", "finite", odd.to_string());
        }
        Ok(values.iter().map(|v| v.map(|v| self.turn() * v)).collect())
    }

    /// Index of the last stage.
    fn last(&self) -> OrReason<usize> {
        match self.stages.len() == self.tasks {
            true => Ok(self.tasks - 1),
            false => Err(format!("{} of {} stages were measured", self.stages.len(), self.tasks)),
        }
    }

    fn at(&self, stage: usize, task: usize) -> OrReason<f64> {
        self.stages[stage][task].ok_or_else(|| format!("task {task} was not measured after stage {stage}"))
    }
}

fn mean(values: impl Iterator<Item = OrReason<f64>>) -> OrReason<f64> {
    let (mut sum, mut n) = (0.0, 0u32);
    for value in values {
        sum += value?;
        n += 1;
    }
    if n == 0 { Err("there is only one task".into()) } else { Ok(sum / f64::from(n)) }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "continual", field, expected: expected.into(), found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(direction: Direction, rows: &[[f64; 3]]) -> Continual {
        let mut continual = Continual::new(3, direction).unwrap();
        rows.iter().for_each(|r| continual.add_stage(&r.map(Some)).unwrap());
        continual
    }

    #[test]
    fn by_hand() {
        let rows = [[0.8, 0.4, 0.3], [0.9, 0.7, 0.5], [0.6, 0.5, 0.9]];
        let c = of(Direction::Maximize, &rows);
        let near = |found: OrReason<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-15);
        near(c.average(), 2.0 / 3.0);
        near(c.backward_transfer(), ((0.6 - 0.8) + (0.5 - 0.7)) / 2.0);
        near(c.forgetting(), ((0.9 - 0.6) + (0.7 - 0.5)) / 2.0);
        near(c.forward_transfer(&[None, Some(0.3), Some(0.1)]), ((0.4 - 0.3) + (0.5 - 0.1)) / 2.0);
        // The same numbers as errors: transfers turn round, the average keeps its unit.
        let e = of(Direction::Minimize, &rows);
        near(e.average(), 2.0 / 3.0);
        near(e.backward_transfer(), 0.2);
        near(e.forgetting(), ((0.6 - 0.8) + (0.5 - 0.7)) / 2.0);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut c = Continual::new(2, Direction::Maximize).unwrap();
        c.add_stage(&[Some(0.5), None]).unwrap();
        assert_eq!(c.average().unwrap_err(), "1 of 2 stages were measured");
        c.add_stage(&[Some(0.4), Some(0.9)]).unwrap();
        assert!((c.backward_transfer().unwrap() + 0.1).abs() < 1e-15);
        assert_eq!(c.forward_transfer(&[None, Some(0.1)]).unwrap_err(), "task 1 was not measured after stage 0");
        assert!(c.add_stage(&[None, None]).unwrap_err().to_string().contains("stage 3 of 2"));
        let mut one = Continual::new(1, Direction::Maximize).unwrap();
        one.add_stage(&[Some(0.5)]).unwrap();
        assert_eq!(one.forgetting().unwrap_err(), "there is only one task");
        assert!(one.forward_transfer(&[Some(f64::NAN)]).unwrap_err().contains("NaN"));
    }
}
