//! Random data and the laws, for contracts of metrics over slices.

use mtl_core::Result;
use mtl_metrics::{
    Metric, OrReason, Streaming,
    laws::{self, Tolerance},
};

/// SplitMix64, so that a case is a number.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or(0)
    }

    /// In `[low, high)`, a multiple of 1/64 of the range in half of the cases, so that there are ties.
    pub(crate) fn number(&mut self, low: f64, high: f64) -> f64 {
        let share = if self.below(2) == 0 {
            self.below(64) as f64 / 64.0
        } else {
            (self.next() >> 11) as f64 / (1_u64 << 53) as f64
        };
        low + share * (high - low)
    }

    /// As [`number`](Self::number), once in thirty something that no sensible input holds.
    pub(crate) fn hostile(&mut self, low: f64, high: f64) -> f64 {
        const BAD: [f64; 9] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 5e-324, -1.0, 0.0, -0.0];
        if self.below(30) == 0 { BAD[self.below(BAD.len())] } else { self.number(low, high) }
    }

    /// `n`, once in thirty another length.
    pub(crate) fn length(&mut self, n: usize) -> usize {
        if self.below(30) == 0 { self.below(n + 3) } else { n }
    }

    /// So many draws.
    pub(crate) fn list<T>(&mut self, n: usize, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..n).map(|_| draw(self)).collect()
    }
}

/// All laws of one metric over `n` items, and the same bits at 1, 2 and 4 threads.
pub(crate) fn obeys<M: Metric>(
    metric: M,
    n: usize,
    feed: impl Fn(&mut Streaming<M>, &[usize]) -> Result<()> + Sync,
    random: &mut Random,
    tolerance: Tolerance,
) -> OrReason<()> {
    let fresh = Streaming::new(metric);
    let mut order: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|idx| order.swap(idx, random.below(idx + 1)));
    let mut cuts = random.list(3, |random| random.below(n + 1));
    cuts.sort_unstable();
    laws::check_with(&fresh, n, &feed, &order, &cuts, tolerance).map_err(|broken| broken.to_string())?;
    let mut states = Vec::new();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
        let mut seen = fresh.clone();
        pool.install(|| feed(&mut seen, &order)).map_err(|e| e.to_string())?;
        states.push((pool.install(|| seen.compute()), seen.state().map_err(|e| e.to_string())?));
    }
    if states.windows(2).all(|pair| pair[0] == pair[1]) {
        Ok(())
    } else {
        Err(format!("{}: threads change bits", fresh.name()))
    }
}

/// Feeds a batch that may be refused: on an error nothing may have changed, and a value is finite or has a reason.
pub(crate) fn survives<M: Metric>(seen: &mut Streaming<M>, batch: Result<M::Batch<'_>>) -> bool {
    let before = seen.remembered().clone();
    let fed = batch.and_then(|batch| seen.update_batch(&batch));
    if fed.is_err() {
        assert!(*seen.remembered() == before, "{}: a refused batch changed the state", seen.name());
    }
    let value = seen.compute();
    assert_ne!(value.value.is_some(), value.undefined.is_some());
    assert!(value.value.is_none_or(f64::is_finite));
    fed.is_ok()
}
