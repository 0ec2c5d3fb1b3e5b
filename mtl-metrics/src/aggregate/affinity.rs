//! Task affinity by looking ahead: how far a step for one task lowers the loss of another.
//!
//! ```text
//! Z_ij = 1 - L_j(shared parameters after a step on task i alone) / L_j(before it)      mean over looks
//! ```
//! Above 0, what task `i` asks of the shared parameters helps task `j`; below 0 it hurts. Tasks that help each other are
//! candidates for one group, the others for networks of their own.
//!
//! **Reference** C. Fifty et al., *Efficiently Identifying Task Groupings for Multi-Task Learning*, NeurIPS 2021, equations 1
//! and 2. **Differs from** nothing known. The other affinities of the literature are elsewhere: the cosine matrix of the
//! gradients in `mtl_core::balance::ConflictStats`, CKA of features in [`crate::cluster`].

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Sums of looks from every task at every task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookAhead {
    tasks: usize,
    /// `[from][to]`, row by row.
    sums: Vec<f64>,
    looks: Vec<u64>,
}

impl LookAhead {
    /// Nothing seen yet, of `tasks` tasks.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for no task.
    pub fn new(tasks: usize) -> Result<Self> {
        if tasks == 0 {
            return refuse("tasks", "at least one".into(), "none".into());
        }
        Ok(Self { tasks, sums: vec![0.0; tasks * tasks], looks: vec![0; tasks * tasks] })
    }

    /// A step for task `from`: the losses of all tasks before and after it on one batch; `None` for tasks without labels
    /// in the batch.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an unknown task, lists of another length, or a loss before the step that is not
    /// finite and positive, or after it not finite. Nothing has changed then.
    pub fn add(&mut self, from: usize, before: &[Option<f64>], after: &[Option<f64>]) -> Result<()> {
        if from >= self.tasks {
            return refuse("task", format!("below {}", self.tasks), from.to_string());
        }
        if before.len() != self.tasks || after.len() != self.tasks {
            let found = format!("{} before, {} after", before.len(), after.len());
            return refuse("losses", format!("{} of each", self.tasks), found);
        }
        let fits = |b: f64, a: f64| b > 0.0 && b.is_finite() && a.is_finite();
        for (task, (b, a)) in before.iter().zip(after).enumerate() {
            if let (Some(b), Some(a)) = (b, a)
                && !fits(*b, *a)
            {
                return refuse("losses", "finite, positive before the step".into(), format!("{b}, {a} of task {task}"));
            }
        }
        for (to, (b, a)) in before.iter().zip(after).enumerate() {
            if let (Some(b), Some(a)) = (b, a) {
                self.sums[from * self.tasks + to] += 1.0 - a / b;
                self.looks[from * self.tasks + to] += 1;
            }
        }
        Ok(())
    }

    /// Mean affinity `[from][to]`; `None` where no look was taken.
    #[must_use]
    pub fn matrix(&self) -> Vec<Vec<Option<f64>>> {
        #[expect(clippy::cast_precision_loss, reason = "a count of looks")]
        let mean = |at: usize| (self.looks[at] > 0).then(|| self.sums[at] / self.looks[at] as f64);
        (0..self.tasks).map(|from| (0..self.tasks).map(|to| mean(from * self.tasks + to)).collect()).collect()
    }
}

fn refuse<T>(field: &'static str, expected: String, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "task affinity", field, expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_over_looks() {
        let mut looks = LookAhead::new(2).unwrap();
        looks.add(0, &[Some(2.0), Some(1.0)], &[Some(1.0), Some(1.2)]).unwrap();
        looks.add(0, &[Some(1.0), None], &[Some(1.0), Some(0.4)]).unwrap();
        let matrix = looks.matrix();
        assert_eq!(matrix[0][0], Some(0.25));
        assert!((matrix[0][1].unwrap() + 0.2).abs() < 1e-15);
        assert_eq!(matrix[1], [None, None]);
    }

    #[test]
    fn looks_that_do_not_fit_are_refused_and_change_nothing() {
        let mut looks = LookAhead::new(2).unwrap();
        let one = [Some(1.0), Some(1.0)];
        assert!(looks.add(2, &one, &one).is_err());
        assert!(looks.add(0, &one[..1], &one).is_err());
        assert!(looks.add(0, &[Some(1.0), Some(0.0)], &one).unwrap_err().to_string().contains("of task 1"));
        assert!(looks.add(0, &one, &[Some(f64::NAN), None]).is_err());
        assert_eq!(looks, LookAhead::new(2).unwrap());
    }
}
