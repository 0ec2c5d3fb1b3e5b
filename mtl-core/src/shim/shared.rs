//! Memory that ranks lend each other for the time of a sum.
//!
//! Safety of all of it is a matter of meetings: between the meeting at which addresses are announced and the one after
//! [`sum_share`], every rank holds its tensors and touches none of them but through its own share, and shares do not overlap.

use std::ops::AddAssign;

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

/// The memory of a contiguous tensor on the CPU.
#[derive(Debug, Clone)]
pub(crate) struct Lent {
    data: *mut u8,
    shape: Vec<i64>,
    kind: Kind,
}

// An address is not bound to a thread; who may use it when is said above.
unsafe impl Send for Lent {}
unsafe impl Sync for Lent {}

impl Lent {
    /// The memory of `tensor`, whose holder keeps it until the sum is made.
    pub(crate) fn of(tensor: &Tensor) -> Result<Self> {
        let fits = matches!(tensor.kind(), Kind::Float | Kind::Double) && tensor.device() == Device::Cpu;
        if !fits || !tensor.is_contiguous() {
            return Err(Error::Kind {
                op: "sum over ranks".into(),
                tensor: "tensor",
                expected: "Float or Double, contiguous, on the CPU",
                found: format!("{:?} on {:?}", tensor.kind(), tensor.device()),
            });
        }
        Ok(Self { data: tensor.data_ptr().cast(), shape: tensor.size(), kind: tensor.kind() })
    }

    /// Shape and kind.
    pub(crate) fn form(&self) -> (&[i64], Kind) {
        (&self.shape, self.kind)
    }

    fn numel(&self) -> usize {
        self.shape.iter().product::<i64>().try_into().unwrap_or(0)
    }
}

/// A rank's place in a sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot {
    lent: Option<Lent>,
    gives: bool,
}

impl Slot {
    /// Adds to the sum and receives it.
    pub(crate) fn giving(lent: Lent) -> Self {
        Self { lent: Some(lent), gives: true }
    }

    /// Only receives it.
    pub(crate) fn receiving(lent: Lent) -> Self {
        Self { lent: Some(lent), gives: false }
    }

    pub(crate) fn lent(&self) -> Option<&Lent> {
        self.lent.as_ref()
    }
}

/// Numbers that are summed at once: they stay in the nearest cache.
const BLOCK: usize = 1024;

/// Sums one rank's share of all numbers: `lists[r][i]` is the place of rank `r` in sum `i`, of one form for all ranks.
pub(crate) fn sum_share(lists: &[&[Slot]], rank: usize) {
    let Some(first) = lists.first() else { return };
    let total: usize = first.iter().map(|slot| slot.lent.as_ref().map_or(0, Lent::numel)).sum();
    let bound = |rank: usize| (total as u128 * rank as u128 / lists.len() as u128) as usize;
    let (from, to) = (bound(rank), bound(rank + 1));
    let mut start = 0;
    for i in 0..first.len() {
        let Some(lent) = &first[i].lent else { continue };
        let (n, begin) = (lent.numel(), start);
        start += n;
        let share = from.clamp(begin, start) - begin..to.clamp(begin, start) - begin;
        if share.is_empty() {
            continue;
        }
        match lent.kind {
            Kind::Double => sum_range::<f64>(lists, i, share),
            _ => sum_range::<f32>(lists, i, share),
        }
    }
}

fn sum_range<T: Copy + Default + AddAssign>(lists: &[&[Slot]], i: usize, share: std::ops::Range<usize>) {
    let places =
        || lists.iter().filter_map(|list| list[i].lent.as_ref().map(|lent| (lent.data.cast::<T>(), list[i].gives)));
    let mut sum = [T::default(); BLOCK];
    let mut at = share.start;
    while at < share.end {
        let n = BLOCK.min(share.end - at);
        let sum = &mut sum[..n];
        let mut is_first = true;
        for (data, _) in places().filter(|(_, gives)| *gives) {
            // Safety: inside the tensor, which its holder keeps; nobody writes to this share but this call.
            let given = unsafe { std::slice::from_raw_parts(data.add(at).cast_const(), n) };
            match is_first {
                true => sum.copy_from_slice(given),
                false => sum.iter_mut().zip(given).for_each(|(s, x)| *s += *x),
            }
            is_first = false;
        }
        for (data, _) in places() {
            // Safety: as above; no slice of this memory is alive.
            unsafe { std::ptr::copy_nonoverlapping(sum.as_ptr(), data.add(at), n) };
        }
        at += n;
    }
}
