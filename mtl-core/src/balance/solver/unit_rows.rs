//! Gradients with their lengths divided out, and pseudo-inverses of what is left.
//!
//! ```text
//! G = D C D,   D = diag(‖g_i‖),   C[i, j] = cosine of tasks i and j
//! ```
//!
//! Several methods ask for the direction with prescribed inner products with the *unit* gradients: `C y = b`, then
//! `w_i = y_i / ‖g_i‖`. Linearly dependent gradients make `C` singular; eigenvalues below `1e-11` of the largest count
//! as zero, and `C+ b` is the least-squares answer.
//!
//! **Shapes**: `G, C: [m, m]`, `b, y: [m]`.

use super::SymmetricEigen;
use crate::balance::{Gramian, Outcome};

const CUT: f64 = 1e-11;

/// Cosines, lengths and the spectrum of the cosines, with buffers.
#[derive(Debug, Clone, Default)]
pub struct UnitRows {
    lengths: Vec<f64>,
    cosines: Vec<f64>, // [m, m]
    eigen: SymmetricEigen,
    rank: usize,
}

impl UnitRows {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a Gramian in.
    pub fn load(&mut self, gramian: &Gramian) -> Outcome {
        let m = gramian.m();
        self.lengths.clear();
        self.lengths.extend((0..m).map(|i| gramian.norm(i)));
        self.cosines.resize(m * m, 0.0);
        for i in 0..m {
            for j in 0..m {
                let (a, b) = (self.lengths[i], self.lengths[j]);
                self.cosines[i * m + j] = if a > 0.0 && b > 0.0 { gramian.get(i, j) / a / b } else { 0.0 };
            }
        }
        let outcome = self.eigen.decompose(m, &self.cosines);
        self.rank = self.eigen.rank(CUT);
        outcome
    }

    /// The lengths of the gradients.
    #[must_use]
    pub fn lengths(&self) -> &[f64] {
        &self.lengths
    }

    /// Row `i` of the cosines.
    #[must_use]
    pub fn cosines(&self, i: usize) -> &[f64] {
        let m = self.lengths.len();
        &self.cosines[i * m..(i + 1) * m]
    }

    /// Whether the gradients are linearly independent.
    #[must_use]
    pub fn independent(&self) -> bool {
        self.rank == self.lengths.len()
    }

    /// `y = C+ b`.
    pub fn pseudo_solve(&self, b: &[f64], y: &mut [f64]) {
        self.eigen.apply(self.rank, |l| 1.0 / l, b, y);
    }

    /// The part of `b` that the cosines can produce: the projection on the range of `C`.
    pub fn project(&self, b: &[f64], out: &mut [f64]) {
        self.eigen.apply(self.rank, |_| 1.0, b, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_far_apart_and_dependent_rows() {
        let mut unit = UnitRows::new();
        unit.load(&Gramian::of_rows(&[[1e-9, 0.0], [1e9, 1e9], [0.0, 0.0]]));
        let mut y = [0.0; 3];
        unit.pseudo_solve(&[1.0, 1.0, 1.0], &mut y);
        // The middle of two rows at 45 degrees; the zero row has no say.
        let expected = 1.0 / (1.0 + 0.5f64.sqrt());
        assert!((y[0] - expected).abs() < 1e-14 && (y[1] - expected).abs() < 1e-14 && y[2] == 0.0, "{y:?}");
        assert!(!unit.independent());
        unit.load(&Gramian::of_rows(&[[1.0], [-1.0]]));
        let mut part = [0.0; 2];
        unit.project(&[1.0, 1.0], &mut part);
        assert!(part.iter().all(|p| p.abs() < 1e-15), "opposite rows cannot agree: {part:?}");
    }
}
