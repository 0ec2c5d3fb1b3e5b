//! The likelihood of a chain of tags, on the graph: sums over all paths, and over those that the labels leave open.
//!
//! ```text
//! log Z        = log sum_y exp score(y)                              over all paths of a sample
//! log A        = log sum_{y agrees with the known labels} exp score(y)
//! -log p       = log Z - log A
//!
//! a_1          = start + e_1;    a_t = e_t + log(exp(a_{t-1}) exp(step))      at padding a stays; last: log sum exp(a_l + end)
//! ```
//! An item whose label is known has scores of minus infinity for all other tags in the second sum, one that is not known has them
//! all: what is unknown is summed over, exactly. Both sums run as one batch of `2 b`. The product of exponentials is taken relative
//! to the largest of each factor, so a step over time is one matrix product `[2 b, c] x [c, c]`; nothing is lost as long as
//! transition scores lie within 87 of each other in single precision.

use mtl_core::{Result, TorchContext};
use tch::{Kind, Tensor};

/// What of the chain is learned.
#[derive(Debug)]
pub(super) struct Transitions {
    /// `[c]`.
    pub(super) start: Tensor,
    /// `[c, c]`, from the row's tag to the column's.
    pub(super) step: Tensor,
    /// `[c]`.
    pub(super) end: Tensor,
}

/// `-log p` of each sample, `[b]`; exactly 0, without a gradient, where no label is known.
///
/// # Shapes
/// `scores` `[b, l, c]`; `labels` `[b, l]`, negative where unknown; `padding` `[b, l]`, true in the padding.
///
/// # Errors
/// [`mtl_core::Error::Torch`] when libtorch refuses.
pub(super) fn surprise(
    scores: &Tensor,
    labels: &Tensor,
    padding: Option<&Tensor>,
    transitions: &Transitions,
) -> Result<Tensor> {
    let run = || -> std::result::Result<Tensor, tch::TchError> {
        let (b, _, c) = scores.size3()?;
        let tags = Tensor::f_arange(c, (Kind::Int64, scores.device()))?;
        let unknown = labels.f_lt(0)?; // [b, l]
        let other = labels.f_unsqueeze(-1)?.f_ne_tensor(&tags)?; // [b, l, c]
        let closed = other.f_logical_and(&unknown.f_logical_not()?.f_unsqueeze(-1)?)?;
        let open = scores.f_masked_fill(&closed, f64::NEG_INFINITY)?;
        let items = Tensor::f_cat(&[scores, &open], 0)?.f_unbind(1)?; // l of [2 b, c]
        let keep = match padding {
            Some(padding) => {
                let keep = padding.f_logical_not()?;
                Some(Tensor::f_cat(&[&keep, &keep], 0)?.f_unsqueeze(-1)?.f_unbind(1)?) // l of [2 b, 1]
            }
            None => None,
        };
        let largest = transitions.step.f_detach()?.f_max()?;
        let step = transitions.step.f_sub(&largest)?.f_exp()?; // [c, c]
        let smallest = if scores.kind() == Kind::Double { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
        let mut sums: Option<Tensor> = None;
        for (t, item) in items.iter().enumerate() {
            let Some(before) = sums else {
                sums = Some(item.f_add(&transitions.start)?);
                continue;
            };
            let most = before.f_detach()?.f_amax(&[-1i64][..], true)?; // [2 b, 1]
            let paths = before.f_sub(&most)?.f_exp()?.f_matmul(&step)?.f_clamp_min(smallest)?.f_log()?;
            let next = paths.f_add(&most)?.f_add(&largest)?.f_add(item)?;
            sums = Some(match keep.as_ref().and_then(|keep| keep.get(t)) {
                Some(keep) => next.f_where_self(keep, &before)?,
                None => next,
            });
        }
        let Some(sums) = sums else { return Tensor::f_zeros([b], (scores.kind(), scores.device())) };
        let whole = sums.f_add(&transitions.end)?.f_logsumexp(&[-1i64][..], false)?; // [2 b]
        let surprise = whole.f_narrow(0, 0, b)?.f_sub(&whole.f_narrow(0, b, b)?)?;
        let labeled = unknown.f_all_dim(1, false)?.f_logical_not()?; // [b]
        surprise.f_where_self(&labeled, &surprise.f_zeros_like()?)
    };
    run().op("likelihood of a chain of tags")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crf::chain::tests::{drawn, paths};
    use tch::Device;

    const N: usize = 3;

    fn tensor(numbers: &[f64], shape: &[i64]) -> Tensor {
        Tensor::from_slice(numbers).view(shape).set_requires_grad(true)
    }

    fn transitions(start: &[f64], step: &[f64], end: &[f64]) -> Transitions {
        let n = N as i64;
        Transitions { start: tensor(start, &[n]), step: tensor(step, &[n, n]), end: tensor(end, &[n]) }
    }

    #[test]
    fn known_in_part_is_the_sum_over_what_is_open() {
        let (start, step, end, scores) = drawn(N, 4, 7);
        let all = paths(&start, &step, &end, &scores);
        let sum = |keep: &dyn Fn(&[usize]) -> bool| {
            all.iter().filter(|(path, _)| keep(path)).map(|(_, s)| s.exp()).sum::<f64>().ln()
        };
        let chain = transitions(&start, &step, &end);
        for labels in [[1i64, 0, 2, 2], [1, -100, 2, -100], [-100, -100, -100, 0], [-100, 1, 1, -100]] {
            let allowed =
                |path: &[usize]| path.iter().zip(&labels).all(|(tag, label)| *label < 0 || *tag as i64 == *label);
            let by_hand = sum(&|_| true) - sum(&allowed);
            let found = surprise(&tensor(&scores, &[1, 4, 3]), &Tensor::from_slice(&labels).view([1, 4]), None, &chain)
                .unwrap();
            assert!((found.double_value(&[0]) - by_hand).abs() < 1e-10, "{labels:?}: {found} {by_hand}");
        }
        let none =
            surprise(&tensor(&scores, &[1, 4, 3]), &Tensor::from_slice(&[-100i64; 4]).view([1, 4]), None, &chain)
                .unwrap();
        assert_eq!(none.double_value(&[0]).to_bits(), 0);
    }

    #[test]
    fn padding_changes_nothing() {
        let (start, step, end, scores) = drawn(N, 5, 8);
        let chain = transitions(&start, &step, &end);
        let labels = [2i64, 0, 1, -100, -100];
        let short =
            surprise(&tensor(&scores[..9], &[1, 3, 3]), &Tensor::from_slice(&labels[..3]).view([1, 3]), None, &chain);
        let padding = Tensor::from_slice(&[false, false, false, true, true]).view([1, 5]);
        let xs = tensor(&scores, &[1, 5, 3]);
        let long = surprise(&xs, &Tensor::from_slice(&labels).view([1, 5]), Some(&padding), &chain).unwrap();
        assert!((short.unwrap().double_value(&[0]) - long.double_value(&[0])).abs() < 1e-12);
        long.sum(Kind::Double).backward();
        assert_eq!(xs.grad().narrow(1, 3, 2).abs().max().double_value(&[]).to_bits(), 0);
    }

    /// Every gradient against differences of the loss, in double precision, with gaps and padding.
    #[test]
    fn gradients_are_those_of_differences() {
        let (start, step, end, scores) = drawn(N, 8, 9);
        let labels = Tensor::from_slice(&[0i64, -100, 2, 1, 1, -100, 0, -100]).view([2, 4]);
        let padding = Tensor::from_slice(&[false, false, false, false, false, false, false, true]).view([2, 4]);
        let loss = |numbers: &[Vec<f64>; 4]| {
            let chain = transitions(&numbers[0], &numbers[1], &numbers[2]);
            let xs = tensor(&numbers[3], &[2, 4, 3]);
            let sum = surprise(&xs, &labels, Some(&padding), &chain).unwrap().sum(Kind::Double);
            (sum, [chain.start, chain.step, chain.end, xs])
        };
        let numbers = [start, step, end, scores];
        let (sum, leaves) = loss(&numbers);
        sum.backward();
        for (part, leaf) in leaves.iter().enumerate() {
            let grad = Vec::<f64>::try_from(leaf.grad().view([-1])).unwrap();
            for at in 0..numbers[part].len() {
                let moved = |by: f64| {
                    let mut numbers = numbers.clone();
                    numbers[part][at] += by;
                    loss(&numbers).0.double_value(&[])
                };
                let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((grad[at] - difference).abs() < 1e-7, "part {part}, {at}: {} {difference}", grad[at]);
            }
        }
    }

    #[test]
    fn single_precision_keeps_large_scores() {
        let scores: Vec<f32> = (0..300).map(|i| if i % 7 == 0 { 40.0 } else { -40.0 }).collect();
        let n = N as i64;
        let float = |numbers: &[f32], shape: &[i64]| Tensor::from_slice(numbers).view(shape).set_requires_grad(true);
        let step = float(&[20.0, -20.0, 0.0, 5.0, -5.0, 0.0, -20.0, 20.0, 1.0], &[n, n]);
        let chain = Transitions { start: float(&[0.0; 3], &[n]), step, end: float(&[0.0; 3], &[n]) };
        let xs = float(&scores, &[1, 100, 3]);
        let labels = Tensor::zeros([1, 100], (Kind::Int64, Device::Cpu));
        let loss = surprise(&xs, &labels, None, &chain).unwrap().sum(Kind::Float);
        loss.backward();
        assert!(loss.double_value(&[]).is_finite() && xs.grad().isfinite().all().int64_value(&[]) == 1);
    }
}
