//! Softmax of a handful of numbers.

/// Writes `e^(x_k) / sum_j e^(x_j)`, safe for any finite `x`. No share is exactly 0, which would switch a task off, its own
/// parameters included.
pub(crate) fn softmax(out: &mut [f64], x: impl Fn(usize) -> f64) {
    let largest = (0..out.len()).map(&x).fold(f64::NEG_INFINITY, f64::max);
    for (k, o) in out.iter_mut().enumerate() {
        *o = (x(k) - largest).exp().max(f64::MIN_POSITIVE);
    }
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|o| *o /= sum);
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_do_not_overflow() {
        let mut out = [0.0; 2];
        softmax(&mut out, |k| if k == 0 { 1e300 } else { -1e300 });
        assert_eq!(out, [1.0, f64::MIN_POSITIVE]);
        softmax(&mut out, |k| [0.0, 3f64.ln()][k]);
        assert!((out[1] - 0.75).abs() < 1e-15);
        softmax(&mut [], |_| 0.0);
    }
}
