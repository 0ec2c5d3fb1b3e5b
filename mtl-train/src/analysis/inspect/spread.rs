//! Numbers on their way through a pass: out of tensors, and how far they spread.

use mtl_core::error::TorchContext;
use tch::{Kind, Tensor};

use crate::error::Result;

/// Sum, smallest, largest, how many, how many not finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    sum: f64,
    min: f64,
    max: f64,
    pub(super) n: u64,
    pub(super) not_finite: u64,
}

impl Spread {
    pub(super) const EMPTY: Self = Self { sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, n: 0, not_finite: 0 };

    pub(super) fn add(&mut self, x: f64) {
        if x.is_finite() {
            self.sum += x;
            self.min = self.min.min(x);
            self.max = self.max.max(x);
            self.n += 1;
        } else {
            self.not_finite += 1;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn values(self) -> [f64; 3] {
        if self.n == 0 { [0.0; 3] } else { [self.sum / self.n as f64, self.min, self.max] }
    }
}

/// A tensor's values in order.
pub(super) fn flat<T>(t: &Tensor, kind: Kind) -> Result<Vec<T>>
where
    Vec<T>: TryFrom<Tensor, Error = tch::TchError>,
{
    let flat = t.f_to_kind(kind).and_then(|t| t.f_contiguous()).and_then(|t| t.f_view([-1])).op("read batch")?;
    Ok(Vec::<T>::try_from(flat).op("read batch")?)
}
