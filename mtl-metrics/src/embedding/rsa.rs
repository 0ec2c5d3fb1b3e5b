//! Representation similarity analysis: whether two representations find the same samples alike.
//!
//! ```text
//! d_ij(X) = 1 - corr(x_i, x_j)                       Pearson over the columns of two samples, i < j
//! RSA     = Spearman correlation of d(X) and d(Y)
//! ```
//! **Reference** K. Dwivedi, G. Roig, *Representation Similarity Analysis for Efficient Task Taxonomy & Transfer Learning*,
//! CVPR 2019: tasks whose features have a high RSA transfer well. **Differs from** the paper in two ways:
//! a sample whose row is constant has no correlation with any other and is left out, and dissimilarities that differ by less
//! than 2^-40 are ties, which rounding would otherwise rank at random. **State** as [`LinearCka`](super::LinearCka): rows are
//! sorted before anything is computed. **Cost** O(n^2 (p + q)) and 16 bytes a pair of samples: a few thousand samples
//! are enough.

use mtl_core::{Result, metric::Direction};

use super::cka::{PairedRows, Representations};
use crate::{
    chunks::map_chunks,
    metric::Metric,
    stats::ranks,
    value::{MetricValue, OrReason},
};

/// Dissimilarities closer than this are ties: 2^-40.
const TIE: f64 = 1.0 / (1u64 << 40) as f64;

/// RSA, -1 to 1.
///
/// ```
/// use mtl_metrics::{Metric, embedding::{Representations, Rsa}};
/// let mut rows = Default::default();
/// let x = [1.0, 0.0, 0.0, 0.0, 1.0, 0.1, 0.9, 0.2, 0.0];
/// Rsa.update(&mut rows, &Representations::new(&x, 3, &x.map(|v| 2.0 * v + 1.0), 3)?)?;
/// assert!((Rsa.compute(&rows).value.unwrap() - 1.0).abs() < 1e-12);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rsa;

impl Metric for Rsa {
    type Batch<'a> = Representations<'a>;
    type State = PairedRows;

    fn name(&self) -> &'static str {
        "rsa"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut PairedRows, batch: &Representations<'_>) -> Result<()> {
        state.add(self.name(), batch)
    }

    fn compute(&self, state: &PairedRows) -> MetricValue {
        let rows = state.sorted();
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for row in rows.chunks_exact(state.width()) {
            let (x, y) = row.split_at(state.columns());
            // Both or neither: the pairs of samples must be the same on both sides.
            if let (Some(x), Some(y)) = (unit(x), unit(y)) {
                xs.push(x);
                ys.push(y);
            }
        }
        MetricValue::of(spearman(&dissimilarities(&xs), &dissimilarities(&ys)), xs.len() as u64)
    }
}

/// The row without its mean, of length 1; `None` for a constant one.
fn unit(row: &[f32]) -> Option<Vec<f64>> {
    let mean = row.iter().copied().map(f64::from).sum::<f64>() / row.len() as f64;
    let mut row: Vec<f64> = row.iter().map(|x| f64::from(*x) - mean).collect();
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter_mut().for_each(|x| *x /= norm);
    (norm > 0.0).then_some(row)
}

/// `1 - corr` of all pairs `i < j`, row by row.
fn dissimilarities(units: &[Vec<f64>]) -> Vec<f64> {
    let of_row = |i: usize| {
        let dot = |j: &Vec<f64>| units[i].iter().zip(j).map(|(a, b)| a * b).sum::<f64>();
        units[i + 1..].iter().map(|j| ((1.0 - dot(j)) / TIE).round() * TIE).collect::<Vec<f64>>()
    };
    map_chunks(units.len(), 1, |range| range.flat_map(of_row).collect::<Vec<f64>>()).concat()
}

fn spearman(a: &[f64], b: &[f64]) -> OrReason<f64> {
    if a.len() < 2 {
        return Err("fewer than three samples that vary over columns".into());
    }
    let (a, b) = (ranks(a, Direction::Minimize), ranks(b, Direction::Minimize));
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum::<f64>();
    let (aa, bb) = (product(&a, &a), product(&b, &b));
    if aa == 0.0 || bb == 0.0 {
        return Err("all pairs of samples are equally alike".into());
    }
    Ok((product(&a, &b) / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(x: &[f32], p: usize, y: &[f32], q: usize) -> MetricValue {
        let mut rows = PairedRows::default();
        Rsa.update(&mut rows, &Representations::new(x, p, y, q).unwrap()).unwrap();
        Rsa.compute(&rows)
    }

    #[test]
    fn by_hand() {
        // Correlations of the pairs 01, 02, 12: 0.5, -1, -0.5 on the left; with the last two samples of the right exchanged
        // they are -1, 0.5, -0.5: ranks 1 3 2 against 3 1 2.
        let x = [1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 3.0, 2.0, 1.0];
        let y = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 2.0, 1.0, 3.0];
        let found = rsa(&x, 3, &y, 3);
        assert!((found.value.unwrap() + 1.0).abs() < 1e-12);
        assert_eq!(found.support, 3);
    }

    #[test]
    fn what_cannot_be_compared_is_undefined() {
        let reason = |x: &[f32], y: &[f32]| rsa(x, 2, y, 2).undefined.unwrap();
        let mut rows = PairedRows::default();
        let add =
            |rows: &mut PairedRows, p| Rsa.update(rows, &Representations::new(&[1.0; 6], p, &[1.0; 6], p).unwrap());
        add(&mut rows, 2).unwrap();
        assert!(add(&mut rows, 3).unwrap_err().to_string().contains("rsa"));
        assert!(reason(&[1.0, 2.0, 3.0, 1.0], &[1.0, 2.0, 2.0, 0.0]).contains("three samples"));
        // The second sample is constant on one side only.
        let x = [1.0, 2.0, 5.0, 5.0, 2.0, 1.0, 0.0, 3.0];
        let y = [1.0, 2.0, 3.0, 1.0, 1.0, 4.0, 0.0, 3.0];
        assert_eq!(rsa(&x, 2, &y, 2).support, 3);
        assert!(reason(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1.0, 2.0, 3.0, 1.0, 1.0, 4.0]).contains("equally alike"));
    }
}
