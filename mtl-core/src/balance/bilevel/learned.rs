//! Non-negative weights learned with Adam, one per task.

use crate::{
    balance::adam::Adam,
    error::Result,
    state::{StateDict, StateValue},
};

/// The weights of all tasks of the set.
#[derive(Debug)]
pub(super) struct Learned {
    weights: Vec<f64>,
    adam: Adam,
    learning_rate: f64,
}

impl Learned {
    pub(super) fn new(n_tasks: usize, learning_rate: f64) -> Self {
        Self { weights: vec![1.0; n_tasks], adam: Adam::new(n_tasks, learning_rate, 0.0), learning_rate }
    }

    /// Weights of some tasks.
    pub(super) fn read(&self, tasks: &[usize], weights: &mut [f64]) {
        tasks.iter().zip(weights).for_each(|(&t, w)| *w = self.weights[t]);
    }

    /// Moves a task's weight against the gradient, and not below 0.
    pub(super) fn step(&mut self, task: usize, gradient: f64) {
        self.adam.step(task, &mut self.weights[task], gradient);
        self.weights[task] = self.weights[task].max(0.0);
    }

    pub(super) fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("weights", StateValue::Numbers(self.weights.clone()));
        self.adam.save(&mut state);
        state
    }

    pub(super) fn load_state(&mut self, method: &str, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded(method, state)?;
        self.weights = state.numbers(method, "weights", self.weights.len())?.to_vec();
        self.adam = adam;
        Ok(())
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.weights.len(), self.learning_rate);
    }
}
