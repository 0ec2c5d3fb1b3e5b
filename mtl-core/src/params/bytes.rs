//! Parameters to and from safetensors bytes, checked.
//!
//! Files are the trainer's business; here are only bytes. Loading compares all names, shapes and kinds first and reports
//! every difference in one error, before a single value is changed. (tch's own loader changes the kind of variables to
//! the file's and broadcasts a saved `[1]` into a `[2]`.)

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use super::ParamSet;
use crate::error::{Error, Result, TorchContext};

/// Tensors by name, in file order.
pub type NamedTensors = Vec<(String, Tensor)>;

/// Texts by key from a file's header, sorted by key.
pub type Metadata = Vec<(String, String)>;

impl ParamSet {
    /// All parameters and buffers in the safetensors format.
    ///
    /// # Errors
    /// [`Error::Torch`] when a tensor cannot be read; [`Error::State`] for a kind the format lacks.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        to_safetensors(self.tensors(), &[])
    }

    /// Takes the values of all parameters from safetensors bytes.
    ///
    /// # Errors
    /// [`Error::State`] listing every missing, unknown or differently shaped tensor; nothing is changed then.
    pub fn load_safetensors(&self, bytes: &[u8]) -> Result<()> {
        self.load_tensors(&from_safetensors(bytes)?.0)
    }

    /// Takes the values of all parameters from named tensors.
    ///
    /// # Errors
    /// As [`ParamSet::load_safetensors`].
    pub fn load_tensors(&self, loaded: &[(String, Tensor)]) -> Result<()> {
        let mut differences = Vec::new();
        for (own, tensor) in self.tensors() {
            match loaded.iter().find(|(name, _)| name == own) {
                None => differences.push(format!("{own} is missing")),
                Some((_, t)) if t.size() != tensor.size() || t.kind() != tensor.kind() => {
                    differences.push(format!(
                        "{own} must be {:?} {:?}, found {:?} {:?}",
                        tensor.kind(),
                        tensor.size(),
                        t.kind(),
                        t.size()
                    ));
                }
                Some(_) => {}
            }
        }
        for (name, _) in loaded {
            if !self.tensors().any(|(own, _)| own == name) {
                differences.push(format!("{name} is unknown to this model"));
            }
        }
        if !differences.is_empty() {
            return Err(Error::State { what: "parameters".into(), reason: differences.join("; ") });
        }
        let _guard = tch::no_grad_guard();
        for (own, tensor) in self.tensors() {
            if let Some((_, t)) = loaded.iter().find(|(name, _)| name == own) {
                tensor.shallow_clone().f_copy_(t).op(format!("load {own}"))?;
            }
        }
        Ok(())
    }
}

/// Named tensors in the safetensors format, on whatever device they are, with `metadata` in the file's header.
///
/// # Errors
/// [`Error::Torch`] when a tensor cannot be read; [`Error::State`] for a kind the format lacks.
pub fn to_safetensors<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    for (name, t) in tensors {
        let dtype = dtype(t.kind()).ok_or_else(|| Error::State {
            what: name.to_owned(),
            reason: format!("kind {:?} cannot be saved", t.kind()),
        })?;
        let t = t.f_detach().and_then(|t| t.f_to_device(Device::Cpu)).and_then(|t| t.f_contiguous());
        let t = t.op(format!("save {name}"))?;
        let mut bytes = vec![0u8; t.numel() * t.kind().elt_size_in_bytes()];
        t.f_copy_data_u8(&mut bytes, t.numel()).op(format!("save {name}"))?;
        let shape: Vec<usize> = t.size().iter().map(|&s| usize::try_from(s).unwrap_or(0)).collect();
        data.push((name.to_owned(), dtype, shape, bytes));
    }
    let mut views = Vec::with_capacity(data.len());
    for (name, dtype, shape, bytes) in &data {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| unreadable(&e))?));
    }
    let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    safetensors::serialize(views, Some(metadata)).map_err(|e| unreadable(&e))
}

/// The named tensors of safetensors bytes, on the CPU, in file order, and the header's metadata, sorted by key.
///
/// # Errors
/// [`Error::State`] when the bytes are not valid safetensors or hold a kind that libtorch lacks.
pub fn from_safetensors(bytes: &[u8]) -> Result<(NamedTensors, Metadata)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| unreadable(&e))?;
    let mut metadata: Vec<(String, String)> = header.metadata().clone().unwrap_or_default().into_iter().collect();
    metadata.sort();
    let file = SafeTensors::deserialize(bytes).map_err(|e| unreadable(&e))?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        let kind = kind(view.dtype()).ok_or_else(|| Error::State {
            what: name.to_owned(),
            reason: format!("kind {:?} cannot be loaded", view.dtype()),
        })?;
        let shape: Vec<i64> = view.shape().iter().map(|&s| i64::try_from(s).unwrap_or(i64::MAX)).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind).op(format!("load {name}"))?;
        tensors.push((name.to_owned(), tensor));
    }
    Ok((tensors, metadata))
}

fn unreadable(e: &safetensors::SafeTensorError) -> Error {
    Error::State { what: "safetensors".into(), reason: e.to_string() }
}

fn dtype(kind: Kind) -> Option<Dtype> {
    Some(match kind {
        Kind::Float => Dtype::F32,
        Kind::Double => Dtype::F64,
        Kind::Half => Dtype::F16,
        Kind::BFloat16 => Dtype::BF16,
        Kind::Int64 => Dtype::I64,
        Kind::Uint8 => Dtype::U8,
        Kind::Bool => Dtype::BOOL,
        _ => return None,
    })
}

fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Init;

    fn model(seed: u64, sizes: &[(&str, &[i64])]) -> ParamSet {
        let mut set = ParamSet::new(Kind::Float, Device::Cpu, seed);
        for (name, shape) in sizes {
            let _ = set.root().param(name, shape, Init::Normal(1.0)).unwrap();
        }
        set
    }

    #[test]
    fn round_trip_is_bit_exact() {
        let (a, b) = (model(1, &[("x", &[3, 2]), ("y", &[4])]), model(2, &[("x", &[3, 2]), ("y", &[4])]));
        b.load_safetensors(&a.to_safetensors().unwrap()).unwrap();
        assert_eq!(a.get("x").unwrap().tensor(), b.get("x").unwrap().tensor());
        assert!(b.get("x").unwrap().tensor().requires_grad());
    }

    #[test]
    fn every_difference_is_named_and_nothing_changes() {
        let saved = model(1, &[("x", &[1]), ("z", &[4])]).to_safetensors().unwrap();
        let target = model(2, &[("x", &[2]), ("y", &[4])]);
        let before = target.get("x").unwrap().tensor().copy();
        let e = target.load_safetensors(&saved).unwrap_err().to_string();
        for part in ["x must be Float [2], found Float [1]", "y is missing", "z is unknown to this model"] {
            assert!(e.contains(part), "{e}");
        }
        assert_eq!(target.get("x").unwrap().tensor(), &before);
        assert!(target.load_safetensors(&saved[..saved.len() - 1]).is_err());
        assert!(target.load_safetensors(b"junk").is_err());
    }
}
