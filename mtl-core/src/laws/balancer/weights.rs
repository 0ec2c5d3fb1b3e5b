//! Laws on the weights of one call.

use super::{
    cases::{losses, matrices, noise, scaled},
    subject::{Subject, distance},
};
use crate::{balance::Gramian, error::Result};

/// Directions that are equal but for rounding are this close: dependent gradients included.
const CLOSE: f64 = 1e-10;

pub(super) fn finite(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in matrices() {
        let g = Gramian::of_rows(&matrix.rows);
        match subject.weigh(&g, &losses(g.m())) {
            Ok(w) if w.iter().all(|w| w.is_finite()) => {}
            Ok(w) => return Ok(Some(format!("{}: {w:?}", matrix.name))),
            Err(e) => return Ok(Some(format!("{}: {e}", matrix.name))),
        }
    }
    Ok(None)
}

/// Weights on every matrix on which there are any, with losses around 1.
fn each(
    subject: &Subject<'_>,
    mut look: impl FnMut(&Gramian, &[f64]) -> Result<Option<String>>,
) -> Result<Option<String>> {
    for matrix in matrices() {
        let g = Gramian::of_rows(&matrix.rows);
        let Ok(weights) = subject.weigh(&g, &losses(g.m())) else { continue };
        if let Some(found) = look(&g, &weights)? {
            return Ok(Some(format!("{}: {found}", matrix.name)));
        }
    }
    Ok(None)
}

pub(super) fn non_negative(subject: &Subject<'_>) -> Result<Option<String>> {
    each(subject, |_, w| Ok(w.iter().any(|w| *w < 0.0).then(|| format!("{w:?}"))))
}

pub(super) fn sum(subject: &Subject<'_>) -> Result<Option<String>> {
    let Some((sum, power)) = subject.claims.sum else { return Ok(None) };
    each(subject, |g, w| {
        let (expected, found) = (sum * (g.m() as f64).powi(power), w.iter().sum::<f64>());
        let off = g.m() > 0 && (found - expected).abs() >= 1e-10 * expected;
        Ok(off.then(|| format!("weights sum to {found}, not {expected}")))
    })
}

pub(super) fn non_conflicting(subject: &Subject<'_>) -> Result<Option<String>> {
    each(subject, |g, w| {
        let size: f64 = (0..g.m()).map(|i| w[i].abs() * g.norm(i)).sum();
        let mut products = vec![0.0; g.m()];
        g.times(w, &mut products);
        for (i, product) in products.iter().enumerate() {
            let limit = -1e-9 * g.norm(i) * size;
            if product.is_nan() || *product < limit {
                return Ok(Some(format!("task {i} has {product:e} < {limit:e}")));
            }
        }
        Ok(None)
    })
}

pub(super) fn permutation(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in matrices() {
        let g = Gramian::of_rows(&matrix.rows);
        let m = g.m();
        let order: Vec<usize> = (0..m).map(|i| (i * 5 + 1) % m.max(1)).collect();
        if (0..m).any(|i| !order.contains(&i)) {
            continue; // no permutation for multiples of 5
        }
        let all = losses(m);
        let permuted: Vec<f64> = order.iter().map(|&i| all[i]).collect();
        let first = subject.weigh(&g, &all);
        let second = subject.weigh(&g.select(&order), &permuted);
        let (first, second) = match (first, second) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(_), Err(_)) => continue,
            _ => return Ok(Some(format!("{}: an error in one order only", matrix.name))),
        };
        let mut back = vec![0.0; m];
        for (k, &i) in order.iter().enumerate() {
            back[i] = second[k];
        }
        let d = distance(&g, &first, &back, 1.0);
        if d.is_nan() || d >= CLOSE {
            return Ok(Some(format!("{}: {d:e} apart, {first:?} and {back:?}", matrix.name)));
        }
    }
    Ok(None)
}

pub(super) fn degree(subject: &Subject<'_>) -> Result<Option<String>> {
    let Some(degree) = subject.claims.degree else { return Ok(None) };
    for matrix in matrices().iter().filter(|m| m.rows.len() <= 8) {
        let g = Gramian::of_rows(&matrix.rows);
        let Ok(w) = subject.weigh(&g, &losses(g.m())) else { continue };
        for k in [1e-100, 1e-3, 3.0, 1e5, 1e100] {
            let big = g.values().iter().fold(0.0, |a: f64, x| a.max(x.abs())) * k * k;
            let small = (0..g.m()).map(|i| g.diag(i) * k * k).fold(f64::INFINITY, f64::min);
            if !(big < 1e300 && small > 1e-290) {
                continue;
            }
            let expected: Vec<f64> = w.iter().map(|w| w * k.powi(degree)).collect();
            let found = subject.weigh(&Gramian::of_rows(&scaled(&matrix.rows, k)), &losses(g.m()))?;
            let d = distance(&g, &found, &expected, k.powi(degree));
            if d.is_nan() || d >= CLOSE {
                return Ok(Some(format!("{} times {k:e}: {d:e} apart, {found:?}, not {expected:?}", matrix.name)));
            }
        }
    }
    Ok(None)
}

pub(super) fn linear(subject: &Subject<'_>) -> Result<Option<String>> {
    for matrix in matrices().iter().filter(|m| m.regular && m.rows.len() > 1) {
        let m = matrix.rows.len();
        // A(c1) + A(c2) = A(c1 + c2), each as combination of the unscaled rows.
        let lengths = |seed: u64| (0..m).map(|i| 1.5 + noise(seed + i as u64)).collect::<Vec<f64>>();
        let direction = |c: &[f64]| -> Result<Vec<f64>> {
            let rows: Vec<Vec<f64>> =
                matrix.rows.iter().zip(c).map(|(r, c)| r.iter().map(|x| x * c).collect()).collect();
            let w = subject.weigh(&Gramian::of_rows(&rows), &losses(m))?;
            Ok(w.iter().zip(c).map(|(w, c)| w * c).collect())
        };
        let (c1, c2) = (lengths(1), lengths(1000));
        let both: Vec<f64> = c1.iter().zip(&c2).map(|(a, b)| a + b).collect();
        let sum: Vec<f64> = direction(&c1)?.iter().zip(direction(&c2)?).map(|(a, b)| a + b).collect();
        let d = distance(&Gramian::of_rows(&matrix.rows), &direction(&both)?, &sum, 1.0);
        if d.is_nan() || d >= 1e-8 {
            return Ok(Some(format!("{}: {d:e} apart", matrix.name)));
        }
    }
    Ok(None)
}

pub(super) fn fair(subject: &Subject<'_>) -> Result<Option<String>> {
    for m in [2, 3, 8, 32] {
        let rows: Vec<Vec<f64>> = (0..m).map(|i| (0..m).map(|j| if i == j { 0.7 } else { 0.0 }).collect()).collect();
        let w = subject.weigh(&Gramian::of_rows(&rows), &vec![0.8; m])?;
        if w.iter().any(|x| (x - w[0]).abs() > 1e-12 * w[0].abs()) {
            return Ok(Some(format!("{m} tasks alike get {w:?}")));
        }
    }
    Ok(None)
}
