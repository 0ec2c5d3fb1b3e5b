//! The nearest point of the probability simplex.

/// Replaces `x` by the point nearest to it with `x >= 0`, `sum x = 1` (Held, Wolfe, Crowder 1974). `O(m log m)`.
pub fn project_simplex(x: &mut [f64]) {
    let mut sorted = x.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (k, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (k + 1) as f64;
        if *value > candidate {
            shift = candidate;
        }
    }
    x.iter_mut().for_each(|value| *value = (*value - shift).max(0.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        for (mut x, expected) in [
            ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
            ([2.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
            ([1.0, 0.8, -5.0], [0.6, 0.4, 0.0]),
        ] {
            project_simplex(&mut x);
            assert!(x.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{x:?}");
        }
        project_simplex(&mut []);
    }
}
