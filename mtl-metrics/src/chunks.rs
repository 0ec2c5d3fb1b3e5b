//! Work over many items in chunks of fixed length, in parallel, merged in order.
//!
//! Chunk boundaries depend on the number of items alone, and parts are merged from the first to the last, so neither the
//! result nor the error that is reported (that of the first bad chunk) depends on the number of threads.

use std::ops::Range;

use mtl_core::{Error, Result};
use rayon::prelude::*;

use crate::state::MetricState;

/// Rows that one thread takes at a time where a metric has no other number.
const CHUNK_ROWS: usize = 8192;

/// Runs `work` over ranges of at most `len` items and merges the states in order.
pub(crate) fn fold_chunks<S, F>(n: usize, len: usize, work: F) -> Result<S>
where
    S: MetricState,
    F: Fn(Range<usize>) -> Result<S> + Sync,
{
    let len = len.max(1);
    if n <= len {
        return work(0..n);
    }
    let mut whole = S::default();
    for part in map_chunks(n, len, work) {
        whole.merge(&part?).map_err(|reason| Error::State { what: "metric".into(), reason })?;
    }
    Ok(whole)
}

/// The same over ranges of rows of the usual length, or of `min_rows` where that is more.
pub(crate) fn by_chunks<S, F>(n_rows: usize, min_rows: usize, work: F) -> Result<S>
where
    S: MetricState,
    F: Fn(Range<usize>) -> Result<S> + Sync,
{
    fold_chunks(n_rows, CHUNK_ROWS.max(min_rows), work)
}

/// Runs `work` over ranges of at most `len` items; the results in order.
pub(crate) fn map_chunks<T: Send, F: Fn(Range<usize>) -> T + Sync>(n: usize, len: usize, work: F) -> Vec<T> {
    let len = len.max(1);
    if n <= len {
        return vec![work(0..n)];
    }
    (0..n.div_ceil(len)).into_par_iter().map(|idx| work(idx * len..n.min((idx + 1) * len))).collect()
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
            let mean: ExactMean = fold_chunks(n, len, |range| {
                let mut mean = ExactMean::default();
                range.for_each(|idx| mean.add(idx as f64));
                Ok(mean)
            })
            .unwrap();
            assert_eq!(mean.n(), n as u64);
        }
    }
}
