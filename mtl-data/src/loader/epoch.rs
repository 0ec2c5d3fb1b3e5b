//! The batches of an epoch, in order, built by workers ahead of the one who asks.
//!
//! Workers take batch numbers from a counter and put what they built into a ring of `prefetch` places, batch `i` into
//! place `i mod prefetch`; a worker waits until its place is free. The reader takes the places in turn. Order is thus a
//! matter of numbering, not of timing, and the ring bounds the memory.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use mtl_core::batch::{Batch, Target};
use serde::{Deserialize, Serialize};

use super::{BatchIter, LoaderConfig, Part, PartIter, Shard, TargetIter};
use crate::{
    error::{Error, Result},
    source::{Source, checked},
};

/// Where an epoch stands: enough to go on from, without any generator's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderPosition {
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The batch that comes next, counted from 0.
    pub next_batch: u64,
}

/// What the batches of an epoch hold.
pub(super) trait Plan: Send + Sync {
    /// The number of batches.
    fn n_batches(&self) -> u64;

    /// Which source a batch comes from, and which samples it has there.
    fn place(&self, batch: u64) -> (&dyn Source, &[u64]);

    /// Which samples are built of it: all.
    fn own(&self, batch: u64) -> (&dyn Source, &[u64]) {
        self.place(batch)
    }

    /// What a batch is called in errors.
    fn number(&self, batch: u64) -> u64 {
        batch
    }
}

/// The parts of a rank.
struct Parts<P> {
    plan: P,
    shard: Shard,
}

impl<P: Plan> Plan for Parts<P> {
    fn n_batches(&self) -> u64 {
        self.plan.n_batches()
    }
    fn place(&self, batch: u64) -> (&dyn Source, &[u64]) {
        self.plan.place(batch)
    }
    fn own(&self, batch: u64) -> (&dyn Source, &[u64]) {
        let (source, samples) = self.plan.place(batch);
        (source, self.shard.of(samples))
    }
}

/// Every `size`-th batch.
struct Dealt<P> {
    plan: P,
    shard: Shard,
}

impl<P: Plan> Plan for Dealt<P> {
    fn n_batches(&self) -> u64 {
        self.plan.n_batches().saturating_sub(self.shard.rank as u64).div_ceil(self.shard.size.max(1) as u64)
    }
    fn place(&self, batch: u64) -> (&dyn Source, &[u64]) {
        self.plan.place(self.number(batch))
    }
    fn number(&self, batch: u64) -> u64 {
        self.shard.rank as u64 + batch * self.shard.size as u64
    }
}

/// A rank's parts of the batches from a position on, see [`Batches::parts_from`](super::Batches::parts_from).
///
/// # Errors
/// As [`Epoch::start`].
pub(super) fn parts(
    plan: impl Plan + 'static,
    position: LoaderPosition,
    shard: Shard,
    config: &LoaderConfig,
) -> Result<PartIter<'static>> {
    let plan = Arc::new(Parts { plan, shard });
    let epoch = Epoch::start(plan.clone(), position, config.workers, config.prefetch)?;
    let of = move |(batch, number): (Result<Batch>, u64)| -> Result<Part> {
        Ok(Part { batch: batch?, whole: plan.place(number).1.len() })
    };
    Ok(Box::new(epoch.zip(position.next_batch..).map(of)))
}

/// The whole batches that a rank evaluates, see [`Batches::dealt`](super::Batches::dealt).
///
/// # Errors
/// As [`Epoch::start`].
pub(super) fn dealt(plan: impl Plan + 'static, shard: Shard, config: &LoaderConfig) -> Result<BatchIter<'static>> {
    let plan = Arc::new(Dealt { plan, shard });
    Ok(Box::new(Epoch::start(plan, LoaderPosition::default(), config.workers, config.prefetch)?))
}

/// The targets of the batches from a position on, each when it is asked for: labels lie in memory, workers would only wait.
///
/// # Errors
/// [`Error::Position`] for a position after the end.
pub(super) fn targets(plan: impl Plan + 'static, position: LoaderPosition) -> Result<TargetIter<'static>> {
    let LoaderPosition { epoch, next_batch } = position;
    let len = plan.n_batches();
    if next_batch > len {
        return Err(Error::Position { what: "epoch", len: len + 1, found: next_batch });
    }
    let of = move |batch| -> Result<Vec<Option<Target>>> {
        let (source, samples) = plan.place(batch);
        source.targets(samples).map_err(|e| Error::Batch { epoch, batch, source: Box::new(e) })
    };
    Ok(Box::new((next_batch..len).map(of)))
}

/// The batches of an epoch, in order.
///
/// After an error it ends. Dropping it early stops the workers and waits for the batch that each is building.
pub struct Epoch {
    plan: Arc<dyn Plan>,
    position: LoaderPosition,
    workers: Option<Workers>,
    is_over: bool,
}

impl Epoch {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::Position`] for a position after the end; [`Error::Thread`].
    pub(super) fn start(
        plan: Arc<dyn Plan>,
        position: LoaderPosition,
        n_workers: usize,
        prefetch: usize,
    ) -> Result<Self> {
        let len = plan.n_batches();
        if position.next_batch > len {
            return Err(Error::Position { what: "epoch", len: len + 1, found: position.next_batch });
        }
        let left = usize::try_from(len - position.next_batch).unwrap_or(usize::MAX);
        let n_workers = n_workers.min(prefetch).min(left);
        let workers = (n_workers > 0).then(|| Workers::start(&plan, position, n_workers, prefetch)).transpose()?;
        Ok(Self { plan, position, workers, is_over: false })
    }

    /// Where it stands: the batch that comes next. After the last one, the beginning of the next epoch.
    #[must_use]
    pub fn position(&self) -> LoaderPosition {
        match self.position {
            LoaderPosition { epoch, next_batch } if next_batch >= self.n_batches() => {
                LoaderPosition { epoch: epoch + 1, next_batch: 0 }
            }
            within => within,
        }
    }

    /// The number of batches of the whole epoch.
    #[must_use]
    pub fn n_batches(&self) -> u64 {
        self.plan.n_batches()
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        let LoaderPosition { epoch, next_batch } = self.position;
        if self.is_over || next_batch >= self.n_batches() {
            self.workers = None;
            return None;
        }
        let built = match &self.workers {
            Some(workers) => workers.take(next_batch),
            None => build(&*self.plan, epoch, next_batch),
        };
        match &built {
            Ok(_) => self.position.next_batch += 1,
            Err(_) => {
                self.is_over = true;
                self.workers = None;
            }
        }
        Some(built)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.n_batches() - self.position.next_batch).unwrap_or(usize::MAX);
        (usize::from(!self.is_over && left > 0), Some(if self.is_over { 0 } else { left }))
    }
}

impl std::iter::FusedIterator for Epoch {}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoch").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Builds a batch; an error or a panic names it.
fn build(plan: &dyn Plan, epoch: u64, batch: u64) -> Result<Batch> {
    let built = catch_unwind(AssertUnwindSafe(|| {
        let (source, samples) = plan.own(batch);
        checked(source, samples)
    }));
    let batch = plan.number(batch);
    match built {
        Ok(built) => built.map_err(|source| Error::Batch { epoch, batch, source: Box::new(source) }),
        Err(payload) => Err(Error::Panic { epoch, batch, message: message(&*payload) }),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// Threads that fill the ring.
struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    ring: Mutex<Ring>,
    /// A place was filled.
    filled: Condvar,
    /// A place was emptied, or it is time to stop.
    emptied: Condvar,
}

struct Ring {
    /// The next batch that a worker takes on.
    next: u64,
    /// The batch that the reader takes next.
    taken: u64,
    places: Vec<Option<Result<Batch>>>,
    stop: bool,
}

impl Ring {
    fn place(&mut self, batch: u64) -> &mut Option<Result<Batch>> {
        let n = self.places.len() as u64;
        let at = usize::try_from(batch % n).unwrap_or(0);
        &mut self.places[at]
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing panics while it holds the lock, and the ring is valid after every statement.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    fn start(plan: &Arc<dyn Plan>, position: LoaderPosition, n_workers: usize, prefetch: usize) -> Result<Self> {
        let first = position.next_batch;
        let places = (0..prefetch).map(|_| None).collect();
        let ring = Mutex::new(Ring { next: first, taken: first, places, stop: false });
        let shared = Arc::new(Shared { ring, filled: Condvar::new(), emptied: Condvar::new() });
        // Dropped on an early return, so that a failure to start one thread ends those before it.
        let mut workers = Self { shared, threads: Vec::with_capacity(n_workers) };
        for worker in 0..n_workers {
            let (plan, shared) = (plan.clone(), workers.shared.clone());
            let thread = std::thread::Builder::new()
                .name(format!("mtl-data-{worker}"))
                .spawn(move || work(&*plan, position.epoch, &shared))
                .map_err(|source| Error::Thread { source })?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Waits for a batch.
    fn take(&self, batch: u64) -> Result<Batch> {
        let mut ring = self.shared.lock();
        loop {
            if let Some(built) = ring.place(batch).take() {
                ring.taken = batch + 1;
                drop(ring);
                self.shared.emptied.notify_one();
                return built;
            }
            ring = self.shared.filled.wait(ring).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.emptied.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches panics of the source, so there is no outcome to look at.
            let _ = thread.join();
        }
    }
}

fn work(plan: &dyn Plan, epoch: u64, shared: &Shared) {
    // Parallelism comes from building several batches at once; libtorch's own threads would only compete.
    tch::set_num_threads(1);
    loop {
        let batch = {
            let mut ring = shared.lock();
            while !ring.stop && ring.next < plan.n_batches() && ring.next >= ring.taken + ring.places.len() as u64 {
                ring = shared.emptied.wait(ring).unwrap_or_else(PoisonError::into_inner);
            }
            if ring.stop || ring.next >= plan.n_batches() {
                return;
            }
            ring.next += 1;
            ring.next - 1
        };
        let built = build(plan, epoch, batch);
        *shared.lock().place(batch) = Some(built);
        shared.filled.notify_one();
    }
}
