//! Made-up samples of any modality.

use tch::Tensor;

use super::{Input, Layout, Numbers};
use crate::{
    error::{Result, TorchContext},
    rng::Rng,
};

/// Samples of the greatest length and, where they are ragged, of every smaller one in turn.
pub(super) fn example(n: i64, layout: &Layout, cardinalities: &[i64], padding: i64, rng: &mut Rng) -> Result<Input> {
    let shape: Vec<i64> = [n].into_iter().chain(layout.axes.iter().map(|length| length.longest())).collect();
    let size = shape.iter().fold(1, |all: i64, size| all.saturating_mul(*size));
    let size = usize::try_from(size).unwrap_or(0);
    let tensor = match layout.numbers {
        Numbers::Whole => {
            let code = |at: usize| {
                let n = cardinalities.get(at % cardinalities.len().max(1)).copied().unwrap_or(1);
                i64::try_from(rng.below(n.max(1).unsigned_abs())).unwrap_or(0)
            };
            tensor(&(0..size).map(code).collect::<Vec<i64>>(), &shape)?
        }
        Numbers::Real => {
            #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
            let values: Vec<f32> = (0..size).map(|_| rng.normal() as f32).collect();
            tensor(&values, &shape)?
        }
    };
    let Some(axis) = layout.ragged_axis() else { return Ok(tensor.into()) };
    let longest = shape.get(usize::try_from(axis).unwrap_or(0)).copied().unwrap_or(0);
    let lengths: Vec<i64> = (0..n).map(|sample| longest - sample % (longest + 1)).collect();
    let input = Input::ragged(tensor, &lengths, axis)?;
    let Some(mask) = input.pad_mask_over()? else { return Ok(input) };
    input.with(input.tensor().f_masked_fill(&mask, padding).op("example of an input")?)
}

fn tensor<T: tch::kind::Element>(values: &[T], shape: &[i64]) -> Result<Tensor> {
    Tensor::f_from_slice(values).and_then(|t| t.f_view(shape)).op("example of an input")
}
