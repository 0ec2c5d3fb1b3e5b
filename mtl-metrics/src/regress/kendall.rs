//! Kendall's tau-b: pairs put in the right order less those in the wrong one, with ties accounted for.
//!
//! ```text
//! tau_b = (C - D) / sqrt( (N - T_p) (N - T_y) )
//! C, D: concordant and discordant pairs of samples    N = n (n - 1) / 2    T: pairs with equal predictions, equal targets
//! ```
//!
//! All are counted exactly: pairs are sorted by prediction, and the exchanges that sorting by target takes are counted.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 8 bytes a pair.
//! **Weights** no. **Complexity** `O(n log n)`.
//!
//! **Reference** W. R. Knight, *A computer method for calculating Kendall's tau with ungrouped data*, 1966; scipy
//! `kendalltau(variant="b")`.
//! **Differs from** scipy when predictions or targets are all equal, where it says NaN: undefined here.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::pairs::Pairs,
    value::{MetricValue, OrReason},
};

/// Kendall's tau-b, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kendall;

impl Metric for Kendall {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Pairs>;

    fn name(&self) -> &'static str {
        "kendall"
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
        state.average_of(Pairs::n, |output| kendall(&output.sorted()?))
    }
}

/// Tau-b of at least two sorted pairs.
fn kendall(pairs: &[(u32, u32)]) -> OrReason<f64> {
    let choose = |n: usize| (n as u128) * (n as u128).saturating_sub(1) / 2;
    let ties = |same: fn(&(u32, u32), &(u32, u32)) -> bool, pairs: &[(u32, u32)]| -> u128 {
        pairs.chunk_by(same).map(|equal| choose(equal.len())).sum()
    };
    let all = choose(pairs.len());
    let in_said = ties(|a, b| a.0 == b.0, pairs);
    let in_both = ties(|a, b| a == b, pairs);
    let mut truth: Vec<u32> = pairs.iter().map(|pair| pair.1).collect();
    let mut scratch = vec![0; truth.len()];
    let discordant = exchanges(&mut truth, &mut scratch);
    let in_truth: u128 = truth.chunk_by(|a, b| a == b).map(|equal| choose(equal.len())).sum();
    if in_truth == all {
        return Err("the target is constant".to_owned());
    }
    if in_said == all {
        return Err("the prediction is constant".to_owned());
    }
    // Ordered pairs: concordant and discordant; equal in one are in neither.
    let ordered = all + in_both - in_said - in_truth;
    let balance = ordered as i128 - 2 * discordant as i128;
    let scale = ((all - in_said) as f64).sqrt() * ((all - in_truth) as f64).sqrt();
    Ok((balance as f64 / scale).clamp(-1.0, 1.0))
}

/// Sorts, and counts the pairs that stood in the wrong order.
fn exchanges(items: &mut [u32], scratch: &mut [u32]) -> u128 {
    let n = items.len();
    if n < 2 {
        return 0;
    }
    let middle = n / 2;
    let (left, right) = items.split_at_mut(middle);
    let mut count = exchanges(left, &mut scratch[..middle]) + exchanges(right, &mut scratch[middle..]);
    let (mut a, mut b) = (0, 0);
    for slot in scratch.iter_mut() {
        if b == right.len() || (a < left.len() && left[a] <= right[b]) {
            *slot = left[a];
            a += 1;
        } else {
            *slot = right[b];
            b += 1;
            count += (left.len() - a) as u128;
        }
    }
    items.copy_from_slice(scratch);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Kendall, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = |said: &[f32], truth: &[f32]| found(Kendall, said, truth).value.unwrap();
        assert!((value(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]) - 1.0 / 3.0).abs() < 1e-15);
        // Six pairs, one equal in prediction: 5 concordant.
        assert!((value(&[0.0, 1.0, 1.0, 7.0], &[1.0, 2.0, 3.0, 4.0]) - 5.0 / 30_f64.sqrt()).abs() < 1e-15);
        assert_eq!(value(&[3.0, 2.0, 1.0], &[1.0, 2.0, 3.0]), -1.0);
        assert_eq!(found(Kendall, &[1.0, 1.0], &[1.0, 2.0]).get(), Err("the prediction is constant"));
    }

    #[test]
    fn exchanges_are_those_of_all_pairs() {
        let mut items: Vec<u32> = (0..200_u32).map(|i| i.wrapping_mul(2_654_435_761) >> 27).collect();
        let inverted = |(a, x): (usize, &u32)| items[a + 1..].iter().filter(|y| x > *y).count() as u128;
        let want: u128 = items.iter().enumerate().map(inverted).sum();
        let mut scratch = vec![0; items.len()];
        assert_eq!(exchanges(&mut items, &mut scratch), want);
        assert!(items.is_sorted());
    }
}
