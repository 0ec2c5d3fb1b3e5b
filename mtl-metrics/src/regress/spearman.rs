//! Spearman correlation: the Pearson correlation of ranks; how well the order is predicted, whatever the scale.
//!
//! ```text
//! rho = Cov(R(p), R(y)) / sqrt( Var(R(p)) Var(R(y)) )        R: ranks, equal numbers share the mean of theirs
//! ```
//!
//! Ranks are doubled, so that all sums are integers, and divided once.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 8 bytes a pair.
//! **Weights** no. **Complexity** `O(n log n)`.
//!
//! **Reference** scipy `spearmanr`.
//! **Differs from** scipy when predictions or targets are all equal, where it says NaN: undefined here.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::pairs::Pairs,
    value::{MetricValue, OrReason},
};

/// Spearman correlation, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spearman;

impl Metric for Spearman {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Pairs>;

    fn name(&self) -> &'static str {
        "spearman"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        batch.values(self.name())?;
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add(pair);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Pairs::n, |output| spearman(&output.sorted()?))
    }
}

/// The correlation of the ranks of at least two pairs.
fn spearman(pairs: &[(u32, u32)]) -> OrReason<f64> {
    let said = doubled_ranks(pairs.iter().map(|pair| pair.0));
    let truth = doubled_ranks(pairs.iter().map(|pair| pair.1));
    let n = pairs.len() as i128;
    let spread = |a: &[u64], b: &[u64]| {
        let sum = |x: &[u64]| x.iter().map(|&x| i128::from(x)).sum::<i128>();
        n * a.iter().zip(b).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum::<i128>() - sum(a) * sum(b)
    };
    let (of_said, of_truth) = (spread(&said, &said), spread(&truth, &truth));
    if of_truth == 0 {
        return Err("the target is constant".to_owned());
    }
    if of_said == 0 {
        return Err("the prediction is constant".to_owned());
    }
    let both = spread(&said, &truth) as f64;
    Ok((both / ((of_said as f64).sqrt() * (of_truth as f64).sqrt())).clamp(-1.0, 1.0))
}

/// Twice the rank of each key, from 2 on; equal keys share the mean of theirs.
pub(crate) fn doubled_ranks(keys: impl Iterator<Item = u32>) -> Vec<u64> {
    let keys: Vec<u32> = keys.collect();
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|&idx| keys[idx]);
    let mut ranks = vec![0; keys.len()];
    let mut below = 0;
    for equal in order.chunk_by(|&a, &b| keys[a] == keys[b]) {
        let rank = (2 * below + equal.len() + 1) as u64;
        equal.iter().for_each(|&idx| ranks[idx] = rank);
        below += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Spearman, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(doubled_ranks([5, 1, 5, 9].into_iter()), [5, 2, 5, 8]);
        assert_eq!(found(Spearman, &[1.0, 20.0, 300.0], &[1.0, 3.0, 2.0]).value, Some(0.5));
        // Ranks 1 2.5 2.5 4 and 1 2 3 4: Cov 4.5/4, Var 4.5/4 and 5/4.
        let value = found(Spearman, &[0.0, 1.0, 1.0, 7.0], &[1.0, 2.0, 3.0, 4.0]).value.unwrap();
        assert!((value - 4.5 / (4.5_f64 * 5.0).sqrt()).abs() < 1e-15);
        assert_eq!(found(Spearman, &[0.0, -0.0], &[1.0, 2.0]).get(), Err("the prediction is constant"));
        assert_eq!(found(Spearman, &[1.0], &[1.0]).get(), Err("a single pair has no order"));
    }
}
