//! The small exact solvers that weightings share.
//!
//! All work in `f64` on matrices of up to some 64 rows, keep their buffers between calls (no allocation once warm), and
//! scale the problem by its own size first, so that no tolerance is absolute. Each returns an
//! [`Outcome`](super::Outcome) with the violation of its optimality conditions, so that a caller can refuse what is not
//! solved instead of training on it.

pub mod barrier;
pub mod cholesky;
mod complementarity;
pub mod dual_cone;
pub mod eigen;
pub mod fair;
pub mod min_norm;
pub mod simplex;
pub mod tilted;
pub mod unit_rows;
pub mod worst_case;

pub use barrier::Barrier;
pub use dual_cone::DualCone;
pub use eigen::SymmetricEigen;
pub use fair::Fair;
pub use min_norm::MinNorm;
pub use simplex::project_simplex;
pub use tilted::Tilted;
pub use unit_rows::UnitRows;
pub use worst_case::WorstCase;

/// Inner product in four independent chains: the compiler may not reorder floating-point sums by itself.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    if n < 4 {
        // not worth the set-up
        return a.iter().zip(b).map(|(x, y)| x * y).sum();
    }
    let split = n - n % 4;
    let mut lanes = [0.0; 4];
    for (x, y) in a[..split].chunks_exact(4).zip(b[..split].chunks_exact(4)) {
        for lane in 0..4 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let tail: f64 = a[split..].iter().zip(&b[split..]).map(|(x, y)| x * y).sum();
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}
