//! Ranks: several trainers that take one step together, each on its part of the batch.
//!
//! Losses are a sum and a count, so data parallelism is what [accumulation](crate::step) over micro-batches is, only that the
//! micro-batches run side by side:
//!
//! ```text
//! rank r:  forward on its part of the batch -> loss sums, counts        sum over ranks (2 K numbers)
//!          rows_t = gradient of weight_t * sum_t / global count         sum over ranks (K x P)
//!          Gramian, policy, method, weights, combination, clipping      of equal numbers, by every rank for itself
//!          optimizer                                                    of equal gradients
//! ```
//! **Every decision is made after the sum**, from numbers that are the same on every rank to the bit: which tasks are there, what
//! is not finite, weights, clipping, the best epoch, patience. Nothing is decided by one rank and told to the others, so ranks
//! cannot drift apart; [`World::agree`] is there to prove it.
//!
//! | world | ranks | sums by |
//! |---|---|---|
//! | [`Alone`] | one | nothing: every call returns at once |
//! | [`Threads`] | threads of this process, one thread each inside operations | shared memory, in place |
//!
//! Another way for ranks to talk (c10d over sockets) is one more `impl World`. All calls are collective: every rank makes the same
//! calls in the same order, from one thread. A backward pass may contain some ([`sum_on_graph`], of which normalization over the batch
//! is made). What a rank's call waits for is the slowest rank; an implementation that sums a task's row while the next backward pass
//! runs would split [`World::sum`] into a beginning and an end, and [`crate::step`] has one place that calls it per row set.
//!
//! What a network draws at random for *samples* (dropout, hidden cells) is drawn by each rank from a stream of its own
//! ([`stream_of`]), since a mask for the whole batch would have to be drawn by every rank to be cut up: a run with two ranks
//! repeats itself to the bit, and has the masks of no run with one. What is drawn for *tasks* (random weights, orders of
//! projection) comes of seed and step alone and is the same on every rank.
//!
//! Losses that compare the samples of a batch with each other see the samples of a rank's part. No head of ours does.

mod alone;
mod threads;

use std::{fmt::Debug, sync::Arc};

pub use alone::Alone;
use tch::Tensor;
pub use threads::{Threads, led, together};

use crate::{
    error::{Error, Result},
    rng::derive,
    shim,
};

/// How ranks talk to each other; see the [module](self) for the rules.
pub trait World: Debug + Send + Sync {
    /// Which one this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are; >= 1.
    fn size(&self) -> usize;

    /// Replaces every tensor by its sum over ranks, in place where the tensor is contiguous and shares no memory with another of the
    /// list. A rank that has none counts as zeros and gets the sum; where no rank has one, none it stays. The order of
    /// summation depends on the number of ranks alone, so equal parts give equal bits, on every rank.
    ///
    /// # Errors
    /// [`Error::Ranks`] when ranks give lists that do not fit or one is gone; [`Error::Kind`] for tensors that cannot be summed.
    fn sum(&self, tensors: &mut [Option<Tensor>]) -> Result<()>;

    /// Replaces every number by its sum over ranks, added in their order.
    ///
    /// # Errors
    /// [`Error::Ranks`] as for [`World::sum`].
    fn sum_numbers(&self, numbers: &mut [f64]) -> Result<()>;

    /// What every rank gives, in their order; may differ in length.
    ///
    /// # Errors
    /// [`Error::Ranks`] when one is gone.
    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>>;

    /// Whether this rank speaks for all: it owns folders and logs.
    fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// Fails on every rank unless all give the same bytes.
    ///
    /// # Errors
    /// [`Error::Ranks`] naming `what` and the first rank that differs.
    fn agree(&self, what: &str, bytes: &[u8]) -> Result<()> {
        if self.size() == 1 {
            return Ok(());
        }
        let all = self.gather(bytes)?;
        let odd = all.iter().position(|theirs| Some(theirs) != all.first());
        odd.map_or(Ok(()), |rank| Err(Error::Ranks { reason: format!("rank {rank} has another {what} than rank 0") }))
    }
}

/// The sum of `xs` over the ranks of a forward pass ([`Cx::world`](crate::context::Cx::world)), as an operation of the graph: its gradient is the sum of the gradients. `xs`
/// itself where there is one rank.
///
/// # Shapes
/// Any, the same on every rank.
///
/// # Errors
/// As [`World::sum`].
pub fn sum_on_graph(xs: &Tensor, world: Option<&Arc<dyn World>>) -> Result<Tensor> {
    match world {
        Some(world) => shim::sum_over_ranks(xs, world),
        None => Ok(xs.shallow_clone()),
    }
}

/// The seed of what a rank draws for its samples: that of the run for the first, streams of their own for the others.
#[must_use]
pub fn stream_of(seed: u64, world: &dyn World) -> u64 {
    match world.rank() {
        0 => seed,
        rank => derive(seed, "rank", rank as u64),
    }
}

/// The part of `n` things that falls to a rank, as start and end: parts differ by one at most, the first ones are the larger.
#[must_use]
pub fn part(n: usize, rank: usize, size: usize) -> std::ops::Range<usize> {
    let size = size.max(1);
    let start = |rank: usize| rank * (n / size) + rank.min(n % size);
    start(rank)..start(rank + 1)
}

/// One rank, the usual case.
#[must_use]
pub fn alone() -> Arc<dyn World> {
    Arc::new(Alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_differ_by_one_at_most() {
        for (n, size) in [(10, 4), (3, 4), (0, 2), (8, 1), (7, 3)] {
            let parts: Vec<_> = (0..size).map(|rank| part(n, rank, size)).collect();
            assert_eq!((parts[0].start, parts[size - 1].end), (0, n));
            assert!(parts.windows(2).all(|w| w[0].end == w[1].start && w[0].len() >= w[1].len()));
            assert!(parts[0].len() - parts[size - 1].len() <= 1, "{parts:?}");
        }
    }

    #[test]
    fn the_first_rank_draws_what_one_rank_draws() {
        assert_eq!(stream_of(7, &Alone), 7);
        let seeds = together(3, |world| Ok::<_, Error>(stream_of(7, world.as_ref()))).unwrap();
        assert_eq!(seeds[0], 7);
        assert!(seeds[1] != 7 && seeds[2] != seeds[1]);
    }
}
