//! Dealing by weights: each row as often as its weight says, give or take one.
//!
//! ```text
//! e_i = n w_i / sum_j w_j         rows in a random order, each as long as its e_i, laid end to end: 0 .. n
//! u, u + 1, .. u + n - 1          points with one random start: a row comes as often as points lie in it
//! ```
//! **Reference** systematic sampling with unequal probabilities: W. Madow, Annals of Mathematical Statistics 20(3), 1949.

use super::Deal;
use crate::rng::Rng;

/// As many rows as there are, by their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighted {
    expected: Vec<f64>,
}

impl Weighted {
    /// Rows with weights >= 0, of which `floor` of an epoch is dealt alike; `None` where nothing weighs.
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    pub(super) fn new(weights: &[f64], floor: f64) -> Option<Self> {
        let (n, sum) = (weights.len() as f64, weights.iter().sum::<f64>());
        (sum > 0.0).then(|| Self { expected: weights.iter().map(|w| floor + (1.0 - floor) * n * w / sum).collect() })
    }
}

impl Deal for Weighted {
    fn expected(&self) -> Vec<f64> {
        self.expected.clone()
    }

    fn len(&self) -> u64 {
        self.expected.len() as u64
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn rows(&self, rng: &mut Rng) -> Vec<u64> {
        let mut order: Vec<usize> = (0..self.expected.len()).collect();
        rng.shuffle(&mut order);
        let start = rng.uniform();
        let mut rows = Vec::with_capacity(order.len());
        let mut end = 0.0;
        for (place, &row) in order.iter().enumerate() {
            end = if place + 1 == order.len() { order.len() as f64 } else { end + self.expected[row] };
            while (rows.len() as f64) + start < end {
                rows.push(row as u64);
            }
        }
        rng.shuffle(&mut rows);
        rows
    }
}
