//! The two losses and their gradients.
//!
//! ```text
//! f1 = ln max(|(-x1 - 7)/2 - tanh(-x2)|, 5e-6) + 6       f2 = ln max(|(-x1 + 3)/2 + tanh(-x2) + 2|, 5e-6) + 6
//! q1 = ((7 - x1)^2 + (x2 + 8)^2 / 10) / 10 - 20          q2 = ((x1 + 7)^2 + (x2 + 8)^2 / 10) / 10 - 20
//! c1 = max(tanh(x2 / 2), 0)                              c2 = max(tanh(-x2 / 2), 0)
//! L1 = s (f1 c1 + q1 c2)                                 L2 = f2 c1 + q2 c2
//! ```
//! At a kink the gradient is that of the active side, and both `c` count as active at `x2 = 0`, as with a clamp in PyTorch:
//! with a zero subgradient instead, a run that starts at the origin never leaves it.

/// Where logarithms are cut off.
const LOWER: f64 = 5e-6;

/// Losses and gradients at a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) losses: [f64; 2],
    pub(super) gradients: [[f64; 2]; 2],
}

/// A value with its two partial derivatives.
type Dual = (f64, [f64; 2]);

pub(super) fn evaluate([x1, x2]: [f64; 2], scale: f64) -> Point {
    let t = (-x2).tanh();
    let dt = t * t - 1.0; // of tanh(-x2) by x2
    let f1 = log_distance(0.5 * (-x1 - 7.0) - t, [-0.5, -dt]);
    let f2 = log_distance(0.5 * (-x1 + 3.0) + t + 2.0, [-0.5, dt]);
    let bowl = |center: f64| -> Dual {
        let (a, b) = (x1 - center, x2 + 8.0);
        ((a * a + 0.1 * b * b) / 10.0 - 20.0, [0.2 * a, 0.02 * b])
    };
    let (q1, q2) = (bowl(7.0), bowl(-7.0));
    let h = (0.5 * x2).tanh();
    let dh = 0.5 * (1.0 - h * h);
    let c1: Dual = if h >= 0.0 { (h, [0.0, dh]) } else { (0.0, [0.0; 2]) };
    let c2: Dual = if h <= 0.0 { (-h, [0.0, -dh]) } else { (0.0, [0.0; 2]) };
    let (l1, g1) = mix(f1, c1, q1, c2);
    let (l2, g2) = mix(f2, c1, q2, c2);
    Point { losses: [scale * l1, l2], gradients: [g1.map(|g| scale * g), g2] }
}

/// `ln max(|a|, LOWER) + 6`.
fn log_distance(a: f64, da: [f64; 2]) -> Dual {
    let size = a.abs();
    let slope = if size >= LOWER { a.signum() / size } else { 0.0 };
    (size.max(LOWER).ln() + 6.0, da.map(|d| slope * d))
}

/// `f c1 + q c2`.
fn mix(f: Dual, c1: Dual, q: Dual, c2: Dual) -> Dual {
    let partial = |i: usize| f.1[i] * c1.0 + f.0 * c1.1[i] + q.1[i] * c2.0 + q.0 * c2.1[i];
    (f.0 * c1.0 + q.0 * c2.0, [partial(0), partial(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_the_losses() {
        const H: f64 = 1e-6;
        for at in [[-8.5, 7.5], [9.0, 9.0], [-7.5, -0.5], [9.0, -1.0], [-8.5, -5.0], [2.0, 0.7], [-1.0, -8.0]] {
            for scale in [1.0, 0.1] {
                let point = evaluate(at, scale);
                for axis in 0..2 {
                    let moved = |h: f64| {
                        let mut x = at;
                        x[axis] += h;
                        evaluate(x, scale).losses
                    };
                    let (up, down) = (moved(H), moved(-H));
                    for task in 0..2 {
                        let slope = (up[task] - down[task]) / (2.0 * H);
                        let found = point.gradients[task][axis];
                        assert!((slope - found).abs() < 1e-7 * (1.0 + slope.abs()), "{at:?}: {slope} and {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_best_compromise_is_where_it_is_known_to_be() {
        let point = evaluate([0.0, -8.3552], 1.0);
        assert!((point.losses[0] + 15.092).abs() < 1e-3 && (point.losses[1] + 15.092).abs() < 1e-3);
        let sum = [0, 1].map(|axis| point.gradients[0][axis] + point.gradients[1][axis]);
        assert!(sum[0].hypot(sum[1]) < 1e-4);
        let [a, b] = evaluate([0.0, 0.0], 1.0).gradients[0];
        assert!(a.hypot(b) > 1.0, "the origin is no trap");
    }
}
