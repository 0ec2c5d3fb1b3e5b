//! The inputs of a batch: tensors by name, with the lengths of samples that differ in length.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result, TorchContext};

/// One input of a batch.
#[derive(Debug)]
pub struct Input {
    tensor: Tensor,
    ragged: Option<Ragged>,
}

/// How long each sample is.
#[derive(Debug)]
struct Ragged {
    /// `[b]` of `Int64`, where the tensor is.
    lengths: Tensor,
    /// The axis of the tensor that is ragged, the batch counted.
    axis: i64,
}

impl From<Tensor> for Input {
    /// An input whose samples are all alike.
    fn from(tensor: Tensor) -> Self {
        Self { tensor, ragged: None }
    }
}

impl Input {
    /// An input whose samples are of `lengths` along an axis, padded to the longest.
    ///
    /// # Shapes
    /// `tensor`: `[b, ..]` with at least `axis + 1` axes; `lengths`: one per sample, each from 0 to the size of the
    /// axis.
    ///
    /// # Errors
    /// [`Error::Shape`] for other lengths or another axis; [`Error::Torch`] when the device refuses.
    pub fn ragged(tensor: Tensor, lengths: &[i64], axis: i64) -> Result<Self> {
        let size = tensor.size();
        let longest = usize::try_from(axis).ok().filter(|&at| at > 0).and_then(|at| size.get(at)).copied();
        let fits = longest.is_some_and(|longest| lengths.iter().all(|n| (0..=longest).contains(n)));
        if !fits || size.first() != Some(&(lengths.len() as i64)) {
            let expected = format!("[{}, ..] with axis {axis} as long as the longest sample", lengths.len());
            return Err(Error::Shape { op: "ragged input".into(), tensor: "input", expected, found: size });
        }
        let lengths = Tensor::f_from_slice(lengths).and_then(|t| t.f_to_device(tensor.device())).op("lengths")?;
        Ok(Self { tensor, ragged: Some(Ragged { lengths, axis }) })
    }

    /// The numbers: `[b, ..]`, padding included.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// How long each sample is, `[b]` of `Int64`; `None` when all are as long as the tensor.
    #[must_use]
    pub fn lengths(&self) -> Option<&Tensor> {
        self.ragged.as_ref().map(|ragged| &ragged.lengths)
    }

    /// The axis along which samples differ in length, the batch counted.
    #[must_use]
    pub fn ragged_axis(&self) -> Option<i64> {
        self.ragged.as_ref().map(|ragged| ragged.axis)
    }

    /// `[b, l]` of `Bool`, true where there is padding; `None` when all samples are as long as the tensor. Made on the
    /// device, without waiting for it.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn pad_mask(&self) -> Result<Option<Tensor>> {
        let Some(Ragged { lengths, axis }) = &self.ragged else { return Ok(None) };
        let longest = usize::try_from(*axis).ok().and_then(|at| self.tensor.size().get(at).copied()).unwrap_or(0);
        let places = Tensor::f_arange(longest, (Kind::Int64, self.tensor.device())).op("pad mask")?; // [l]
        let lengths = lengths.f_unsqueeze(1).op("pad mask")?; // [b, 1]
        Ok(Some(places.f_ge_tensor(&lengths).op("pad mask")?))
    }

    /// The same mask with an axis of size 1 wherever the tensor has another: it fits over the tensor.
    pub(super) fn pad_mask_over(&self) -> Result<Option<Tensor>> {
        let (Some(mask), Some(axis)) = (self.pad_mask()?, self.ragged_axis()) else { return Ok(None) };
        let mut shape = vec![1; self.tensor.dim()];
        for (at, size) in [0, usize::try_from(axis).unwrap_or(0)].into_iter().zip(mask.size()) {
            shape.get_mut(at).into_iter().for_each(|place| *place = size);
        }
        Ok(Some(mask.f_view(&shape[..]).op("pad mask")?))
    }

    /// Other numbers in the place of these, of the same lengths.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tensor of another batch size or of another size along the ragged axis.
    pub fn with(&self, tensor: Tensor) -> Result<Self> {
        let axes = [Some(0), self.ragged_axis()];
        let size = |t: &Tensor, axis: i64| usize::try_from(axis).ok().and_then(|at| t.size().get(at).copied());
        if axes.into_iter().flatten().any(|axis| size(&tensor, axis) != size(&self.tensor, axis)) {
            let expected = format!("as large as {:?} along the batch and the ragged axis", self.tensor.size());
            return Err(Error::Shape { op: "input".into(), tensor: "input", expected, found: tensor.size() });
        }
        let ragged = self.ragged.as_ref();
        Ok(Self { tensor, ragged: ragged.map(|r| Ragged { lengths: r.lengths.shallow_clone(), axis: r.axis }) })
    }

    /// The same operation on numbers and lengths: one that acts along the batch alone.
    fn along_batch(&self, act: impl Fn(&Tensor) -> std::result::Result<Tensor, tch::TchError>) -> Result<Self> {
        let tensor = act(&self.tensor).op("input")?;
        let ragged = match &self.ragged {
            Some(Ragged { lengths, axis }) => Some(Ragged { lengths: act(lengths).op("lengths")?, axis: *axis }),
            None => None,
        };
        Ok(Self { tensor, ragged })
    }

    /// Several batches of one input, one after the other, padded to the longest.
    pub(super) fn concat(parts: &[&Self], padding: i64) -> Result<Self> {
        let Some(axis) = parts.iter().find_map(|part| part.ragged_axis()) else {
            let tensors: Vec<&Tensor> = parts.iter().map(|part| &part.tensor).collect();
            return Ok(Tensor::f_cat(&tensors, 0).op("join inputs")?.into());
        };
        let at = usize::try_from(axis).unwrap_or(0);
        let longest = parts.iter().filter_map(|part| part.tensor.size().get(at).copied()).max().unwrap_or(0);
        let (mut tensors, mut lengths) = (Vec::new(), Vec::new());
        for part in parts {
            let Some(ragged) = &part.ragged else {
                let (expected, found) = ("inputs with lengths".to_owned(), part.tensor.size());
                return Err(Error::Shape { op: "join inputs".into(), tensor: "input", expected, found });
            };
            let mut shape = part.tensor.size();
            let missing = shape.get(at).map_or(0, |size| longest - size);
            shape.get_mut(at).into_iter().for_each(|size| *size = missing);
            let filler = part.tensor.f_new_full(&shape[..], padding, (part.tensor.kind(), part.tensor.device()));
            let padded = filler.and_then(|filler| Tensor::f_cat(&[&part.tensor, &filler], axis));
            tensors.push(padded.op("join inputs")?);
            lengths.push(ragged.lengths.shallow_clone());
        }
        let tensor = Tensor::f_cat(&tensors, 0).op("join inputs")?;
        let lengths = Tensor::f_cat(&lengths, 0).op("join inputs")?;
        Ok(Self { tensor, ragged: Some(Ragged { lengths, axis }) })
    }
}

/// The inputs of a batch by name, in a fixed order. The first axis of each is the batch.
#[derive(Debug, Default)]
pub struct Inputs(Vec<(String, Input)>);

impl Inputs {
    /// Inputs from names and tensors, or names and [`Input`]s where samples differ in length.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a repeated name; [`Error::Shape`] when batch sizes differ.
    pub fn new<I: Into<Input>>(inputs: Vec<(String, I)>) -> Result<Self> {
        let inputs: Vec<(String, Input)> = inputs.into_iter().map(|(name, input)| (name, input.into())).collect();
        let mut batch = None;
        for (idx, (name, input)) in inputs.iter().enumerate() {
            if inputs[..idx].iter().any(|(n, _)| n == name) {
                return Err(Error::Duplicate { what: "input", name: name.clone() });
            }
            let size = input.tensor.size();
            let b = size.first().copied().unwrap_or(0);
            if *batch.get_or_insert(b) != b {
                return Err(Error::Shape {
                    op: format!("input {name}"),
                    tensor: "input",
                    expected: format!("[{}, ..] as the inputs before it", batch.unwrap_or(0)),
                    found: size,
                });
            }
        }
        Ok(Self(inputs))
    }

    /// The input of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the inputs there are.
    pub fn input(&self, name: &str) -> Result<&Input> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, input)| input).ok_or_else(|| Error::UnknownName {
            what: "input",
            name: name.to_owned(),
            known: self.0.iter().map(|(n, _)| n.clone()).collect(),
        })
    }

    /// The numbers of the input of that name; for one whose samples differ in length, ask [`Inputs::input`] for these
    /// too.
    ///
    /// # Errors
    /// As [`Inputs::input`].
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        Ok(&self.input(name)?.tensor)
    }

    /// Names and inputs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Input)> {
        self.0.iter().map(|(n, input)| (n.as_str(), input))
    }

    /// The same inputs under other names, in the same order.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for two of one name.
    pub fn renamed(self, name: impl Fn(&str) -> String) -> Result<Self> {
        Self::new(self.0.into_iter().map(|(own, input)| (name(&own), input)).collect())
    }

    /// The batch size; 0 without inputs.
    #[must_use]
    pub fn batch_size(&self) -> i64 {
        self.0.first().and_then(|(_, input)| input.tensor.size().first().copied()).unwrap_or(0)
    }

    /// The device that they are on; the CPU without inputs.
    #[must_use]
    pub fn device(&self) -> Device {
        self.0.first().map_or(Device::Cpu, |(_, input)| input.tensor.device())
    }

    /// The same inputs on another device, with their lengths.
    ///
    /// # Errors
    /// [`Error::Torch`] when the transfer fails.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        self.each(|_, input| input.along_batch(|t| t.f_to_device(device)))
    }

    /// Some samples, in that order, with their lengths; they stay as wide as the batch was.
    ///
    /// # Shapes
    /// `samples`: `[n]` of `Int64`, where the inputs are.
    ///
    /// # Errors
    /// [`Error::Torch`] for an index beyond the batch.
    pub fn select(&self, samples: &Tensor) -> Result<Self> {
        self.each(|_, input| input.along_batch(|t| t.f_index_select(0, samples)))
    }

    /// All samples `times` times, one after the other, with their lengths.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn repeat(&self, times: i64) -> Result<Self> {
        self.each(|_, input| {
            input.along_batch(|t| {
                let along_batch: Vec<i64> = (0..t.dim()).map(|axis| if axis == 0 { times } else { 1 }).collect();
                t.f_repeat(along_batch)
            })
        })
    }

    /// Other numbers in the place of these: `change` is given name and tensor of each. Lengths stay.
    ///
    /// # Errors
    /// `change`'s; those of [`Input::with`].
    pub fn map(&self, mut change: impl FnMut(&str, &Tensor) -> Result<Tensor>) -> Result<Self> {
        self.each(|name, input| input.with(change(name, &input.tensor)?))
    }

    fn each(&self, mut make: impl FnMut(&str, &Input) -> Result<Input>) -> Result<Self> {
        let named = |(name, input): &(String, Input)| {
            let made = make(name, input);
            made.map(|input| (name.clone(), input)).map_err(|e| named_error(e, name))
        };
        Ok(Self(self.0.iter().map(named).collect::<Result<_>>()?))
    }
}

/// A failure of libtorch with the input's name before it.
fn named_error(e: Error, name: &str) -> Error {
    match e {
        Error::Torch { op, source } => Error::Torch { op: format!("{op} {name}"), source },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ragged() -> Input {
        Input::ragged(Tensor::from_slice(&[1i64, 2, 3, 4, 0, 0]).view([2, 3]), &[3, 1], 1).unwrap()
    }

    fn numbers(t: &Tensor) -> Vec<i64> {
        Vec::try_from(t.flatten(0, -1)).unwrap()
    }

    #[test]
    fn lengths_travel() {
        let inputs = Inputs::new(vec![("words".to_owned(), ragged())]).unwrap();
        let some = inputs.select(&Tensor::from_slice(&[1i64, 1, 0])).unwrap().to_device(Device::Cpu).unwrap();
        let words = some.input("words").unwrap();
        assert_eq!(numbers(words.lengths().unwrap()), [1, 1, 3]);
        let mask = Vec::<bool>::try_from(words.pad_mask().unwrap().unwrap().flatten(0, -1)).unwrap();
        assert_eq!(mask, [false, true, true, false, true, true, false, false, false]);
        let doubled = some.map(|_, t| t.f_mul_scalar(2).op("double")).unwrap();
        assert_eq!(numbers(doubled.get("words").unwrap())[6..], [2, 4, 6]);
        assert_eq!(numbers(doubled.input("words").unwrap().lengths().unwrap()), [1, 1, 3]);
        assert!(some.map(|_, t| t.f_narrow(1, 0, 2).op("cut")).is_err(), "lengths would not fit");
        let e = inputs.select(&Tensor::from_slice(&[5i64])).unwrap_err().to_string();
        assert!(e.starts_with("input words: "), "{e}");
    }

    #[test]
    fn batches_are_joined_to_the_longest() {
        let short = Input::ragged(Tensor::from_slice(&[9i64]).view([1, 1]), &[1], 1).unwrap();
        let whole = Input::concat(&[&short, &ragged()], 7).unwrap();
        assert_eq!(numbers(whole.tensor()), [9, 7, 7, 1, 2, 3, 4, 0, 0]);
        assert_eq!(numbers(whole.lengths().unwrap()), [1, 3, 1]);
        assert!(Input::concat(&[&short, &Tensor::from_slice(&[1i64]).view([1, 1]).into()], 0).is_err());
    }

    #[test]
    fn lengths_must_fit_the_tensor() {
        let tensor = || Tensor::zeros([2, 3], tch::kind::FLOAT_CPU);
        assert!(Input::ragged(tensor(), &[4, 1], 1).is_err());
        assert!(Input::ragged(tensor(), &[-1, 1], 1).is_err());
        assert!(Input::ragged(tensor(), &[1], 1).is_err());
        assert!(Input::ragged(tensor(), &[1, 1], 0).is_err());
        assert!(Input::ragged(tensor(), &[1, 1], 2).is_err());
    }
}
