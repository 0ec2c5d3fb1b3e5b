//! Which tasks are asked for.

/// Tasks that are wanted of a forward pass, by index. An architecture computes nothing that only other tasks need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMask(Vec<bool>);

impl TaskMask {
    /// All of `n_tasks` tasks.
    #[must_use]
    pub fn all(n_tasks: usize) -> Self {
        Self(vec![true; n_tasks])
    }

    /// Those of `n_tasks` tasks for which `wanted` says so.
    #[must_use]
    pub fn of(n_tasks: usize, wanted: impl Fn(usize) -> bool) -> Self {
        Self((0..n_tasks).map(wanted).collect())
    }

    /// Whether that task is wanted; one that does not exist is not.
    #[must_use]
    pub fn contains(&self, task_idx: usize) -> bool {
        self.0.get(task_idx).copied().unwrap_or(false)
    }

    /// The wanted tasks, ascending.
    pub fn tasks(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(task_idx, _)| task_idx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_knows_its_tasks() {
        let odd = TaskMask::of(4, |t| t % 2 == 1);
        assert_eq!(odd.tasks().collect::<Vec<_>>(), [1, 3]);
        assert!(odd.contains(3) && !odd.contains(0) && !odd.contains(5));
        assert_eq!(TaskMask::all(2), TaskMask::of(2, |_| true));
    }
}
