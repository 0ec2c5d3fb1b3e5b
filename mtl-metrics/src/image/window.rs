//! Local means, variances and covariances under a Gaussian window.
//!
//! ```text
//! g_i ~ exp(-i^2 / (2 sigma^2)), i = -5..5, sum 1, sigma 1.5          11x11, applied along rows, then along columns
//! mx = g * x,  vx = g * x^2 - mx^2,  cov = g * xy - mx my           where the window lies inside the image
//! ```
//!
//! **Cost** `O(11)` a pixel and moment instead of `O(121)`.

/// Pixels to each side of a window's center.
pub(crate) const RADIUS: usize = 5;
/// Pixels across a window.
pub(crate) const WIDTH: usize = 2 * RADIUS + 1;
const SIGMA: f64 = 1.5;

/// Moments of one window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) mean: [f64; 2],
    pub(crate) variance: [f64; 2],
    pub(crate) covariance: f64,
    /// Second moments about 0, the scale at which variances are rounded.
    pub(crate) power: [f64; 2],
}

fn kernel() -> [f64; WIDTH] {
    let raw: [f64; WIDTH] = std::array::from_fn(|idx| {
        let i = idx as f64 - RADIUS as f64;
        (-0.5 / (SIGMA * SIGMA) * i * i).exp()
    });
    let sum: f64 = raw.iter().sum();
    raw.map(|x| x / sum)
}

/// The mean over all windows inside a `h` by `w` channel of `N` numbers read from their moments; `None` when no window
/// fits.
pub(crate) fn mean_over_windows<const N: usize>(
    x: &[f64],
    y: &[f64],
    h: usize,
    w: usize,
    read: impl Fn(&Moments) -> [f64; N],
) -> Option<[f64; N]> {
    let (rows, cols) = (h.checked_sub(WIDTH - 1)?, w.checked_sub(WIDTH - 1)?);
    if rows == 0 || cols == 0 {
        return None;
    }
    let kernel = kernel();
    // The five moments of every row under the kernel along it: a ring of the last WIDTH rows would do as well, at the
    // price of another order of sums.
    let mut along = vec![[0.0; 5]; h * cols];
    for ((xs, ys), out) in x.chunks_exact(w).zip(y.chunks_exact(w)).zip(along.chunks_exact_mut(cols)) {
        for ((xs, ys), out) in xs.windows(WIDTH).zip(ys.windows(WIDTH)).zip(out) {
            let mut sums = [0.0; 5];
            for ((&g, &x), &y) in kernel.iter().zip(xs).zip(ys) {
                let terms = [x, y, x * x, y * y, x * y];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += g * term);
            }
            *out = sums;
        }
    }
    let mut total = [0.0; N];
    for row in 0..rows {
        let mut of_row = [0.0; N];
        for col in 0..cols {
            let mut m = [0.0; 5];
            for (idx, &g) in kernel.iter().enumerate() {
                m.iter_mut().zip(along[(row + idx) * cols + col]).for_each(|(sum, term)| *sum += g * term);
            }
            let moments = Moments {
                mean: [m[0], m[1]],
                variance: [m[2] - m[0] * m[0], m[3] - m[1] * m[1]],
                covariance: m[4] - m[0] * m[1],
                power: [m[2], m[3]],
            };
            of_row.iter_mut().zip(read(&moments)).for_each(|(sum, term)| *sum += term);
        }
        total.iter_mut().zip(of_row).for_each(|(sum, term)| *sum += term);
    }
    Some(total.map(|sum| sum / (rows * cols) as f64))
}

/// Values as `f64`.
pub(crate) fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_equal_the_definition() {
        let (h, w) = (13, 12);
        let x: Vec<f64> = (0..h * w).map(|i| (i as f64 * 0.37).sin()).collect();
        let y: Vec<f64> = (0..h * w).map(|i| (i as f64 * 0.11).cos()).collect();
        let found = mean_over_windows(&x, &y, h, w, |m| [m.mean[0], m.covariance]).unwrap();
        let g = kernel();
        let mut want = [0.0; 2];
        for (row, col) in (0..3).flat_map(|row| (0..2).map(move |col| (row, col))) {
            let mut m = [0.0; 3];
            for (i, j) in (0..WIDTH).flat_map(|i| (0..WIDTH).map(move |j| (i, j))) {
                let at = (row + i) * w + col + j;
                let terms = [x[at], y[at], x[at] * y[at]];
                m.iter_mut().zip(terms).for_each(|(sum, term)| *sum += g[i] * g[j] * term);
            }
            want = [want[0] + m[0] / 6.0, want[1] + (m[2] - m[0] * m[1]) / 6.0];
        }
        assert!((found[0] - want[0]).abs() < 1e-14 && (found[1] - want[1]).abs() < 1e-14);
        assert!(mean_over_windows(&x, &y, 156, 1, |m| m.mean).is_none());
        assert!((kernel().iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }
}
