//! From tensors to plain values.

use mtl_core::{Error, Result, TorchContext};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

/// The numbers of a matrix, off the graph and off the device: what [`Head::decode`](crate::Head::decode) gives out.
///
/// # Shapes
/// `t`: `[b, k]` of any float kind.
///
/// # Errors
/// [`Error::Shape`] unless there are two axes; [`Error::Torch`] when the tensor cannot be read.
pub fn to_array(t: &Tensor) -> Result<Array2<f32>> {
    let not_a_matrix =
        || Error::Shape { op: "decode".into(), tensor: "prediction", expected: "[b, k]".into(), found: t.size() };
    let [b, k] = t.size()[..] else { return Err(not_a_matrix()) };
    let flat = t.f_detach().and_then(|t| t.f_to_device_(Device::Cpu, Kind::Float, false, false));
    let flat = flat.and_then(|t| t.f_contiguous()).and_then(|t| t.f_view(-1)).op("decode")?; // [b k]
    let numbers = Vec::<f32>::try_from(&flat).op("decode")?;
    let (b, k) = (usize::try_from(b).unwrap_or(0), usize::try_from(k).unwrap_or(0));
    Array2::from_shape_vec((b, k), numbers).map_err(|_| not_a_matrix())
}
