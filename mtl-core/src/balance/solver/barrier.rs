//! The shortest convex combination of gradients under a barrier: a further gradient along which it must not fall short.
//!
//! ```text
//! minimize  ½ |sum_i w_i h_i + v q|^2 - ½ v rho |q|^2
//! over      w >= 0, sum_i w_i = 1,  v >= 0,  v >= sum_i w_i (rho - a_i),      a_i = <q, h_i> / |q|^2
//! ```
//! `v` always ends at its bound, for the objective's own choice of `v` lies `rho / 2` below it. With `t = sum_i w_i a_i` and the
//! parts `h_i - a_i q` orthogonal to `q`, what is left is
//!
//! ```text
//! ½ |sum_i w_i (h_i - a_i q)|^2 + ½ |q|^2 psi(t),      psi(t) = rho t  for t <= rho,  t^2  above:
//! ```
//! convex, with one kink at `t = rho`.
//!
//! **Method.** Each branch is a problem of its own: with prices `½ rho |q|^2 a_i` ([`Tilted`]) below the kink, the plain
//! min-norm problem ([`MinNorm`]) above it. If a branch ends on its own side, that is the minimum. If neither does, the
//! minimum is on the kink: prices `½ tau |q|^2 a_i` with `rho <= tau <= 2 rho`, found by regula falsi. Rows of length 0 take no
//! part.
//!
//! **Shapes**: `h: [m, n]` as its Gramian `[m, m]`, `a, w: [m]`.
//!
//! **Reference**: Ye et al., "A first-order multi-gradient algorithm for multi-objective bi-level optimization", 2024,
//! equation 11.

use super::{MinNorm, Tilted};
use crate::balance::{Gramian, Outcome};

/// The solver with its buffers.
#[derive(Debug, Clone, Default)]
pub struct Barrier {
    rows: Vec<usize>, // those that are not zero
    along: Vec<f64>,  // a of those
    plain: Gramian,
    across: Gramian, // of the parts orthogonal to q
    price: Vec<f64>,
    found: Vec<f64>, // the last minimizer
    left: Vec<f64>,  // minimizers on both sides of the kink
    right: Vec<f64>,
    tilted: Tilted,
    min_norm: MinNorm,
}

/// Regula falsi of Illinois kind gains a digit and more in a round.
const ROUNDS: usize = 100;

impl Barrier {
    /// A solver; its buffers grow with the first problem.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the minimizing `w`: zero for zero rows, and all zero when there is no other. `along` holds the `a_i`, `square`
    /// is `|q|^2`; with 0 there is no barrier.
    pub fn solve(&mut self, gramian: &Gramian, along: &[f64], square: f64, rho: f64, w: &mut [f64]) -> Outcome {
        let m = gramian.m();
        w[..m].fill(0.0);
        self.rows.clear();
        self.rows.extend((0..m).filter(|&i| gramian.diag(i) > 0.0));
        let n = self.rows.len();
        if n == 0 {
            return Outcome::default();
        }
        gramian.select_into(&self.rows, &mut self.plain);
        self.along.clear();
        self.along.extend(self.rows.iter().map(|&i| along[i]));
        for buffer in [&mut self.price, &mut self.found, &mut self.left, &mut self.right] {
            buffer.resize(n, 0.0);
        }
        let outcome = self.choose(square, rho);
        for (&i, value) in self.rows.iter().zip(&self.found) {
            w[i] = *value;
        }
        outcome
    }

    /// The minimizer, into `found`.
    fn choose(&mut self, square: f64, rho: f64) -> Outcome {
        let plain = self.min_norm.solve(&self.plain, &mut self.found);
        if square <= 0.0 || place(&self.along, &self.found) >= rho {
            return plain;
        }
        let (n, along) = (self.rows.len(), &self.along);
        let across = self.across.rebuild(n);
        for i in 0..n {
            for j in 0..n {
                across[i * n + j] = self.plain.get(i, j) - square * along[i] * along[j];
            }
            across[i * n + i] = across[i * n + i].max(0.0); // a row along q, by rounding
        }
        let (below, t) = self.at_price(square, rho);
        let outcome = plain.and(below);
        if t <= rho { outcome } else { self.at_kink(square, rho, t - rho, outcome) }
    }

    /// The minimizer with prices `½ tau |q|^2 a_i`, into `found`, and its `t`.
    fn at_price(&mut self, square: f64, tau: f64) -> (Outcome, f64) {
        for (price, a) in self.price.iter_mut().zip(&self.along) {
            *price = 0.5 * square * tau * a;
        }
        let outcome = self.tilted.solve(&self.across, &self.price, &mut self.found);
        (outcome, place(&self.along, &self.found))
    }

    /// The minimizer with `t = rho`: `t` falls from `rho + excess` at the price `tau = rho`, whose minimizer is in `found`, to
    /// below `rho` at `2 rho`.
    fn at_kink(&mut self, square: f64, rho: f64, excess: f64, mut outcome: Outcome) -> Outcome {
        let mut left = End { tau: rho, excess, weight: excess };
        self.left.copy_from_slice(&self.found);
        let (ended, t) = self.at_price(square, 2.0 * rho);
        outcome = outcome.and(ended);
        let mut right = End { tau: 2.0 * rho, excess: t - rho, weight: t - rho };
        self.right.copy_from_slice(&self.found);
        for _ in 0..ROUNDS {
            if right.excess >= 0.0 || right.tau - left.tau <= 2.0 * f64::EPSILON * rho {
                break;
            }
            let guess = left.tau + (right.tau - left.tau) * left.weight / (left.weight - right.weight);
            let tau = if guess > left.tau && guess < right.tau { guess } else { 0.5 * (left.tau + right.tau) };
            let (ended, t) = self.at_price(square, tau);
            outcome = outcome.and(ended);
            let end = End { tau, excess: t - rho, weight: t - rho };
            // The end that stays counts half, so that it cannot stay forever.
            if end.excess > 0.0 {
                left = end;
                right.weight *= 0.5;
                std::mem::swap(&mut self.left, &mut self.found);
            } else {
                right = end;
                left.weight *= 0.5;
                std::mem::swap(&mut self.right, &mut self.found);
            }
        }
        // Both ends minimize for what is by now the same price, and so does every mean of them.
        let share = (left.excess / (left.excess - right.excess)).clamp(0.0, 1.0);
        for (found, (left, right)) in self.found.iter_mut().zip(self.left.iter().zip(&self.right)) {
            *found = left + share * (right - left);
        }
        outcome
    }
}

/// One end of the bracket around the kink's price.
#[derive(Debug, Clone, Copy)]
struct End {
    tau: f64,
    excess: f64, // t - rho there
    weight: f64, // the same as regula falsi sees it
}

fn place(along: &[f64], w: &[f64]) -> f64 {
    along.iter().zip(w).map(|(a, w)| a * w).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::balance::solver::dot;

    /// The objective with `v` at its bound.
    fn objective(rows: &[Vec<f64>], q: &[f64], rho: f64, w: &[f64]) -> f64 {
        let square = dot(q, q);
        let bound = rows.iter().zip(w).map(|(h, w)| w * (rho - dot(q, h) / square)).sum::<f64>();
        let v = bound.max(0.0);
        let d: Vec<f64> =
            (0..q.len()).map(|k| v * q[k] + rows.iter().zip(w).map(|(h, w)| w * h[k]).sum::<f64>()).collect();
        0.5 * dot(&d, &d) - 0.5 * v * rho * square
    }

    fn solve(rows: &[Vec<f64>], q: &[f64], rho: f64) -> (Vec<f64>, Outcome) {
        let square = dot(q, q);
        let along: Vec<f64> = rows.iter().map(|h| dot(q, h) / square).collect();
        let mut w = vec![f64::NAN; rows.len()];
        let outcome = Barrier::new().solve(&Gramian::of_rows(rows), &along, square, rho, &mut w);
        (w, outcome)
    }

    #[test]
    fn branches_by_hand() {
        // Far beyond the barrier: the plain shortest combination.
        let (w, _) = solve(&[vec![1.0, 0.0], vec![0.0, 1.0]], &[0.1, 0.1], 0.1);
        assert!(w.iter().all(|w| (w - 0.5).abs() < 1e-12), "{w:?}");
        // Against the barrier, equal across: only the price counts.
        let (w, _) = solve(&[vec![-1.0, 1.0], vec![-2.0, 1.0]], &[1.0, 0.0], 0.5);
        assert_eq!(w, [0.0, 1.0]);
        // t = w_0: below the kink the price 0.25 is too low to hold 0.5, above it 0.5 is too high: w_0 = rho.
        let (w, _) = solve(&[vec![1.0, 1.0], vec![0.0, 1.2]], &[1.0, 0.0], 0.3);
        assert!((w[0] - 0.3).abs() < 1e-9, "{w:?}");
        assert_eq!(solve(&[vec![0.0], vec![0.0]], &[1.0], 0.1).0, [0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn no_neighbor_is_better(
            (rows, q) in (1usize..7, 1usize..7).prop_flat_map(|(m, n)| {
                let row = || prop::collection::vec(-1.0..1.0f64, n);
                (prop::collection::vec(row(), m), row())
            }),
            rho in 0.01..2.0f64,
            (i, j) in (0usize..7, 0usize..7),
        ) {
            prop_assume!(dot(&q, &q) > 1e-4);
            let (w, outcome) = solve(&rows, &q, rho);
            prop_assert!(outcome.residual < 1e-10, "{:?}", outcome);
            prop_assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-9 && w.iter().all(|w| *w >= -1e-15), "{:?}", w);
            // The problem is convex: if no step between two weights gains, none does.
            let (i, j) = (i % w.len(), j % w.len());
            let here = objective(&rows, &q, rho, &w);
            for part in [1e-4, 1e-2, 0.5, 1.0] {
                let mut other = w.clone();
                let step = part * other[j];
                other[i] += step;
                other[j] -= step;
                prop_assert!(objective(&rows, &q, rho, &other) >= here - 1e-9, "{:?} {:?}", w, other);
            }
        }
    }
}
