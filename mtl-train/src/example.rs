//! Made-up inputs of a model: what a network is recorded and measured on, so that no sample of its data is needed.

use mtl_core::{TorchContext, batch::Inputs, encode::InputSpec, rng::Rng};
use tch::Tensor;

use crate::{error::Result, model::Model};

/// [`inputs`] where the model is.
///
/// # Errors
/// As [`inputs`].
pub(crate) fn on(model: &Model, spec: &InputSpec, n: i64) -> Result<Inputs> {
    let mut moved = Vec::new();
    for (name, tensor) in inputs(spec, n)?.iter() {
        moved.push((name.to_owned(), tensor.f_to_device(model.params().device()).op("example inputs")?));
    }
    Ok(Inputs::new(moved)?)
}

/// `n` samples: codes over their whole range, numbers and pixels around 0 with deviation 1, as scaled ones are. The same
/// for every call.
///
/// # Shapes
/// `categorical` `[n, fields]`, `numeric` `[n, columns]`, `image` `[n, c, h, w]`, as far as the model has them.
///
/// # Errors
/// [`mtl_core::Error::Torch`] for sizes that no memory holds.
pub(crate) fn inputs(spec: &InputSpec, n: i64) -> Result<Inputs> {
    let mut rng = Rng::new(0);
    let rows = usize::try_from(n).unwrap_or(0);
    let mut made = Vec::new();
    if !spec.categorical.is_empty() {
        let mut codes = Vec::with_capacity(rows * spec.categorical.len());
        for _ in 0..rows {
            for field in &spec.categorical {
                let code = rng.below(u64::try_from(field.cardinality).unwrap_or(1).max(1));
                codes.push(i64::try_from(code).unwrap_or(0));
            }
        }
        made.push(("categorical".to_owned(), tensor(&codes, &[n, width(spec.categorical.len())])?));
    }
    if !spec.numeric.is_empty() {
        let shape = [n, width(spec.numeric.len())];
        made.push(("numeric".to_owned(), tensor(&normal(&mut rng, &shape), &shape)?));
    }
    if let Some([c, h, w]) = spec.image {
        let shape = [n, c, h, w];
        made.push(("image".to_owned(), tensor(&normal(&mut rng, &shape), &shape)?));
    }
    Ok(Inputs::new(made)?)
}

#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn normal(rng: &mut Rng, shape: &[i64]) -> Vec<f32> {
    let n = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).product();
    (0..n).map(|_| rng.normal() as f32).collect()
}

fn tensor<T: tch::kind::Element>(values: &[T], shape: &[i64]) -> Result<Tensor> {
    Ok(Tensor::f_from_slice(values).and_then(|t| t.f_view(shape)).op("example inputs")?)
}

fn width(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use mtl_core::encode::CategoricalField;

    use super::*;

    #[test]
    fn codes_stay_in_their_fields() {
        let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
        let spec = InputSpec {
            categorical: vec![field("a", 2), field("b", 5)],
            numeric: vec!["x".into()],
            image: Some([1, 2, 3]),
        };
        let made = inputs(&spec, 200).unwrap();
        let codes = made.get("categorical").unwrap();
        assert_eq!(Vec::<i64>::try_from(codes.amax([0i64], false)).unwrap(), [1, 4]);
        assert_eq!(codes.min().int64_value(&[]), 0);
        assert_eq!(made.get("numeric").unwrap().size(), [200, 1]);
        assert_eq!(made.get("image").unwrap().size(), [200, 1, 2, 3]);
        assert!(made.get("image").unwrap().equal(inputs(&spec, 200).unwrap().get("image").unwrap()));
    }
}
