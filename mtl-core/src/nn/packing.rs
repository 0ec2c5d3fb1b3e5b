//! Sequences of different length without their padding: the order in which recurrent layers read a batch.
//!
//! libtorch's packed form wants samples by falling length, and the lengths on the CPU: on an accelerator that is one small
//! copy there for each packing, the only place where a recurrent layer waits, and two small ones back where samples are reordered.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result, TorchContext};

/// How long each sample is, and the order of samples by falling length.
#[derive(Debug)]
pub struct Packing {
    /// `[b]` of `Int64` on the CPU, falling, each at least 1.
    lengths: Tensor,
    /// `[b]`: the sample at each place of the order; `None` where samples stand in it already.
    order: Option<Order>,
    /// `[b, l]`: true where there is no item, for a batch in which a sample has none at all.
    empty: Option<Tensor>,
    longest: i64,
}

#[derive(Debug)]
struct Order {
    samples: Tensor,
    places: Tensor,
}

impl Packing {
    /// The packing of a batch of `b` samples of up to `l` items.
    ///
    /// # Shapes
    /// `pad_mask`: `[b, l]` of `Bool`, true in the padding, which lies behind the items; `None` where all are `l` long.
    ///
    /// # Errors
    /// [`Error::Shape`] for a mask of another shape; [`Error::Torch`] when libtorch refuses.
    pub fn new(pad_mask: Option<&Tensor>, [b, l]: [i64; 2], device: Device) -> Result<Self> {
        let Some(mask) = pad_mask else {
            let lengths = Tensor::f_full([b], l, (Kind::Int64, Device::Cpu)).op("packing")?;
            return Ok(Self { lengths, order: None, empty: None, longest: l });
        };
        if mask.size() != [b, l] {
            let (expected, found) = (format!("[{b}, {l}]"), mask.size());
            return Err(Error::Shape { op: "packing".into(), tensor: "pad_mask", expected, found });
        }
        let lengths = mask.f_logical_not().and_then(|m| m.f_sum_dim_intlist(&[1i64][..], false, Kind::Int64));
        let lengths = lengths.and_then(|n| n.f_to_device(Device::Cpu)).op("packing")?; // [b]
        let plain = Vec::<i64>::try_from(&lengths).op("packing")?;
        // Stable, so that the order does not depend on how a sort breaks ties.
        let mut samples: Vec<i64> = (0..b).collect();
        samples.sort_by_key(|&sample| std::cmp::Reverse(plain.get(usize::try_from(sample).unwrap_or(0)).copied()));
        let sorted: Vec<i64> =
            samples.iter().filter_map(|&s| plain.get(usize::try_from(s).ok()?)).map(|&n| n.max(1)).collect();
        let order = match samples.is_sorted() {
            true => None,
            false => {
                let mut places = vec![0; samples.len()];
                for (place, &sample) in samples.iter().enumerate() {
                    places[usize::try_from(sample).unwrap_or(0)] = place as i64;
                }
                let on_device = |t: &[i64]| Tensor::f_from_slice(t).and_then(|t| t.f_to_device(device)).op("packing");
                Some(Order { samples: on_device(&samples)?, places: on_device(&places)? })
            }
        };
        let empty = plain.contains(&0).then(|| mask.shallow_clone());
        Ok(Self { lengths: Tensor::f_from_slice(&sorted).op("packing")?, order, empty, longest: l })
    }

    /// `[b, l, d]` to `[items, d]`, moment after moment, and how many samples each moment has (on the CPU).
    ///
    /// # Errors
    /// [`Error::Torch`] for another shape.
    pub(super) fn pack(&self, xs: &Tensor) -> Result<(Tensor, Tensor)> {
        let xs = match &self.order {
            Some(order) => xs.f_index_select(0, &order.samples).op("pack")?,
            None => xs.shallow_clone(),
        };
        xs.f_internal_pack_padded_sequence(&self.lengths, true).op("pack")
    }

    /// `[items, d]` back to `[b, l, d]`, 0 in the padding.
    ///
    /// # Errors
    /// As [`Packing::pack`].
    pub(super) fn unpack(&self, packed: &Tensor, batch_sizes: &Tensor) -> Result<Tensor> {
        let (xs, _) =
            Tensor::f_internal_pad_packed_sequence(packed, batch_sizes, true, 0.0, self.longest).op("unpack")?;
        let xs = match &self.order {
            Some(order) => xs.f_index_select(0, &order.places).op("unpack")?,
            None => xs,
        };
        match &self.empty {
            Some(mask) => mask.f_unsqueeze(-1).and_then(|m| xs.f_masked_fill(&m, 0.0)).op("unpack"),
            None => Ok(xs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_in_their_places_without_padding() {
        let mask = Tensor::from_slice(&[false, true, true, true, true, true, false, false, true]).view([3, 3]);
        let packing = Packing::new(Some(&mask), [3, 3], Device::Cpu).unwrap();
        let xs = Tensor::from_slice(&[1.0f32, 9.0, 9.0, 9.0, 9.0, 9.0, 2.0, 3.0, 9.0]).view([3, 3, 1]);
        let (packed, sizes) = packing.pack(&xs).unwrap();
        // The longest first; the sample without items stands there with a place that is cleared afterwards.
        assert_eq!(Vec::<f32>::try_from(packed.view([-1])).unwrap(), [2.0, 1.0, 9.0, 3.0]);
        assert_eq!(Vec::<i64>::try_from(&sizes).unwrap(), [3, 1]);
        let back = packing.unpack(&packed, &sizes).unwrap();
        assert_eq!(Vec::<f32>::try_from(back.view([-1])).unwrap(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
        assert!(Packing::new(Some(&mask), [3, 4], Device::Cpu).unwrap_err().to_string().contains("[3, 4]"));
    }
}
