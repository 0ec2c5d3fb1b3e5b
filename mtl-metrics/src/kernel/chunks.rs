//! Work over many items on all threads, its results in order.
//!
//! This is the one place that calls rayon. Its adapters are generic in what they run, some thirty functions for each closure,
//! and this crate has more than a hundred places that run one: half of its code was copies of one loop. So threads take jobs
//! by their number through one indirect call ([`run`]), and what is compiled for each metric is what a job does, nothing else.
//! An indirect call belongs to a chunk of items, never to an item.
//!
//! Chunk boundaries depend on the number of items alone, and parts are merged from the first to the last, so neither the
//! result nor the error that is reported (that of the first bad chunk) depends on the number of threads.

use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mtl_core::{Error, Result};
use rayon::prelude::*;

use crate::state::MetricState;

/// Rows that one thread takes at a time where a metric has no other number.
const CHUNK_ROWS: usize = 8192;

/// Runs `work` over ranges of at most `len` items and merges the states in order.
pub(crate) fn fold_chunks<S: MetricState>(
    n: usize,
    len: usize,
    work: impl Fn(Range<usize>) -> Result<S> + Sync,
) -> Result<S> {
    fold(n, len, &work)
}

/// The same over ranges of rows of the usual length, or of `min_rows` where that is more.
pub(crate) fn by_chunks<S: MetricState>(
    n_rows: usize,
    min_rows: usize,
    work: impl Fn(Range<usize>) -> Result<S> + Sync,
) -> Result<S> {
    fold(n_rows, CHUNK_ROWS.max(min_rows), &work)
}

/// Runs `work` over ranges of at most `len` items; the results in order.
pub(crate) fn map_chunks<T: Send>(n: usize, len: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let len = len.max(1);
    // No items are one chunk as well: what counts nothing is a state too.
    collect(n.div_ceil(len).max(1), &|idx| work(range(n, len, idx)))
}

/// Runs `work` on the numbers below `n`; the results in order.
pub(crate) fn map_each<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    collect(n, &work)
}

/// Gives `work` the rows of `[n, width]` numbers, each with its position, to fill in.
pub(crate) fn fill_rows(numbers: &mut [f64], width: usize, work: impl Fn(usize, &mut [f64]) + Sync) {
    fill(numbers, width, &work);
}

fn fold<S: MetricState>(n: usize, len: usize, work: &(dyn Fn(Range<usize>) -> Result<S> + Sync)) -> Result<S> {
    let len = len.max(1);
    if n <= len {
        return work(0..n);
    }
    let mut whole = S::default();
    for part in collect(n.div_ceil(len), &|idx| work(range(n, len, idx))) {
        whole.merge(&part?).map_err(|reason| Error::State { what: "metric".into(), reason })?;
    }
    Ok(whole)
}

fn range(n: usize, len: usize, idx: usize) -> Range<usize> {
    idx * len..n.min((idx + 1) * len)
}

fn collect<T: Send>(n: usize, job: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    if n < 2 {
        return (0..n).map(job).collect();
    }
    // A slot is locked once by one job: nobody waits.
    let slots: Vec<Mutex<Option<T>>> = (0..n).map(|_| Mutex::new(None)).collect();
    run(n, &|idx| {
        let found = job(idx);
        *unlocked(&slots[idx]) = Some(found);
    });
    slots.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn fill(numbers: &mut [f64], width: usize, work: &(dyn Fn(usize, &mut [f64]) + Sync)) {
    let rows: Vec<Mutex<&mut [f64]>> = numbers.chunks_mut(width.max(1)).map(Mutex::new).collect();
    run(rows.len(), &|idx| work(idx, &mut unlocked(&rows[idx])));
}

fn unlocked<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the jobs `0..n` on rayon's threads.
fn run(n: usize, job: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().for_each(job);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mean::ExactMean;

    #[test]
    fn every_item_once_and_in_order() {
        for (n, len) in [(0, 4), (1, 4), (4, 4), (9, 4), (5, 0)] {
            let seen: Vec<usize> = map_chunks(n, len, |range| range.collect::<Vec<_>>()).concat();
            assert_eq!(seen, (0..n).collect::<Vec<_>>(), "{n} in chunks of {len}");
            assert_eq!(map_each(n, |idx| idx), seen);
            let mean: ExactMean = fold_chunks(n, len, |range| {
                let mut mean = ExactMean::default();
                range.for_each(|idx| mean.add(idx as f64));
                Ok(mean)
            })
            .unwrap();
            assert_eq!(mean.n(), n as u64);
        }
    }

    #[test]
    fn every_row_is_filled_by_its_number() {
        let mut numbers = vec![0.0; 6];
        fill_rows(&mut numbers, 2, |row, out| out.iter_mut().for_each(|x| *x += row as f64));
        assert_eq!(numbers, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
        fill_rows(&mut [], 0, |_, _| {});
    }

    #[test]
    fn the_first_bad_chunk_is_the_one_that_is_told() {
        let refuse = |range: Range<usize>| match range.start {
            0 => Ok(ExactMean::default()),
            start => Err(Error::State { what: start.to_string(), reason: String::new() }),
        };
        assert!(matches!(fold_chunks(12, 3, refuse), Err(Error::State { what, .. }) if what == "3"));
    }
}
