//! Adam in `f64` for the few numbers that a method learns.
//!
//! Such numbers do not belong in the model's optimizer: its weight decay would pull log-variances towards 0 and its
//! schedule would freeze them (LibMTL does both). Every entry counts its own steps, so that a task that is absent from a
//! step neither moves nor loses its bias correction.
//!
//! **Reference**: Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, <https://arxiv.org/abs/1412.6980>.

use crate::{
    error::Result,
    state::{StateDict, StateValue},
};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// First and second moments of a handful of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Adam {
    learning_rate: f64,
    weight_decay: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    counts: Vec<f64>,
}

impl Adam {
    /// Fresh moments for `len` numbers. `weight_decay` is the L2 kind, added to the gradient.
    pub(crate) fn new(len: usize, learning_rate: f64, weight_decay: f64) -> Self {
        Self { learning_rate, weight_decay, first: vec![0.0; len], second: vec![0.0; len], counts: vec![0.0; len] }
    }

    /// Moves entry `idx` of the numbers against its gradient.
    pub(crate) fn step(&mut self, idx: usize, value: &mut f64, gradient: f64) {
        let gradient = gradient + self.weight_decay * *value;
        self.counts[idx] += 1.0;
        let t = self.counts[idx];
        self.first[idx] = BETA1 * self.first[idx] + (1.0 - BETA1) * gradient;
        self.second[idx] = BETA2 * self.second[idx] + (1.0 - BETA2) * gradient * gradient;
        let first = self.first[idx] / (1.0 - BETA1.powf(t));
        let second = self.second[idx] / (1.0 - BETA2.powf(t));
        *value -= self.learning_rate * first / (second.sqrt() + EPSILON);
    }

    /// Forgets all moments.
    pub(crate) fn reset(&mut self) {
        for values in [&mut self.first, &mut self.second, &mut self.counts] {
            values.fill(0.0);
        }
    }

    /// Adds the moments to a state.
    pub(crate) fn save(&self, state: &mut StateDict) {
        state.insert("adam.first", StateValue::Numbers(self.first.clone()));
        state.insert("adam.second", StateValue::Numbers(self.second.clone()));
        state.insert("adam.counts", StateValue::Numbers(self.counts.clone()));
    }

    /// The optimizer with the moments that [`Adam::save`] gave.
    pub(crate) fn loaded(&self, what: &str, state: &StateDict) -> Result<Self> {
        let len = self.first.len();
        Ok(Self {
            first: state.numbers(what, "adam.first", len)?.to_vec(),
            second: state.numbers(what, "adam.second", len)?.to_vec(),
            counts: state.numbers(what, "adam.counts", len)?.to_vec(),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_learning_rate_and_it_finds_a_minimum() {
        let mut adam = Adam::new(1, 0.1, 0.0);
        let mut x = 5.0;
        adam.step(0, &mut x, 123.0);
        assert!((x - 4.9).abs() < 1e-9);
        for _ in 0..2000 {
            let gradient = 2.0 * (x - 1.0);
            adam.step(0, &mut x, gradient);
        }
        assert!((x - 1.0).abs() < 1e-3, "{x}");
    }

    #[test]
    fn moments_survive_a_round_trip() {
        let mut adam = Adam::new(2, 0.1, 1e-3);
        let mut x = [1.0, 2.0];
        adam.step(1, &mut x[1], -0.3);
        let mut state = StateDict::new();
        adam.save(&mut state);
        assert_eq!(Adam::new(2, 0.1, 1e-3).loaded("x", &state).unwrap(), adam);
        assert!(Adam::new(3, 0.1, 1e-3).loaded("x", &state).is_err());
    }
}
