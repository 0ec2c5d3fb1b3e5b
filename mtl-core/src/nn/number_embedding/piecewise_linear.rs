//! A learned direction a field, and a learned bend at each of its quantiles.
//!
//! ```text
//! e_t(x)  = min(max((x - edge_t) / (edge_t+1 - edge_t), 0), 1)             t = 1..T: how far x has come through bin t
//! token_j = x_j w_j + b_j + sum_t e_t(x_j) v_jt      x: [b, n]   w, b: [n, d]   v: [n, T, d]   token: [b, n, d]
//! ```
//! Bins hold equally many training samples, so bends are where the data are. Edges are those of the input's description
//! ([`Numeric::edges`]): they were learned from the training split and are kept with the run. A field with fewer distinct
//! quantiles has fewer bins; the rest of its row is 0 for every number.
//!
//! `v` starts at 0, so that the first step sees the `linear` embedding of the same seed, and what is learned beside it
//! starts from a smooth function. Continuous, and monotone in each coordinate of `e`.
//!
//! **Reference** Gorishniy et al., NeurIPS 2022, arXiv 2203.05556 (the encoding); Gorishniy, Kotelnikov, Babenko, "TabM", ICLR
//! 2025, arXiv 2410.24210 (the linear part and the start at 0; version B of `rtdl_num_embeddings`).
//!
//! **Differs from** both: the first and the last bin end at the training split's smallest and largest number; beyond them only
//! the linear part goes on. Theirs are open: a last bin may be narrow (marks that end at 100), and one typing error beyond it would
//! be a number in the thousands.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{NumberEmbeddingPart, NumbersToTokens, NumericTokens, at_least, by_field, by_sample};
use crate::{
    context::{Cx, Product, TapeEntry},
    error::{Error, Result, TorchContext},
    input::Numeric,
    params::{Init, Scope},
};

/// Settings of `piecewise-linear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PiecewiseLinearConfig {
    /// Most bins of a field, >= 1; a field has no more than the data set learned (48 for tables); default 48.
    #[schemars(range(min = 1))]
    pub bins: i64,
}

impl Default for PiecewiseLinearConfig {
    fn default() -> Self {
        Self { bins: 48 }
    }
}

impl NumberEmbeddingPart for PiecewiseLinearConfig {
    fn build(&self, scope: &mut Scope<'_>, input: &str, fields: &Numeric, d: i64) -> Result<Box<dyn NumbersToTokens>> {
        at_least("bins", self.bins, 1)?;
        if fields.edges.is_empty() {
            return Err(Error::Input {
                input: input.to_owned(),
                what: "edges of bins",
                expected: "learned from the training split for numbers = \"piecewise-linear\" (tables have them; a data set of \
                           one's own gives them by Numeric::with_edges)"
                    .into(),
                found: "none: this data set brings none, its sources learned different ones, or the run is older than they are; \
                        take numbers = \"periodic\" or \"pbld\", which need none"
                    .into(),
            });
        }
        let bins = usize::try_from(self.bins).unwrap_or(usize::MAX);
        let edges: Vec<Vec<f32>> = fields.edges.iter().map(|edges| some_of(edges, bins)).collect();
        Ok(Box::new(PiecewiseLinear::new(scope, &edges, d)?))
    }
}

/// At most `bins + 1` of the edges, the first and the last among them, in steps as even as can be.
fn some_of(edges: &[f32], bins: usize) -> Vec<f32> {
    match edges.len().saturating_sub(1) {
        all if all <= bins => edges.to_vec(),
        all => (0..=bins).filter_map(|t| edges.get((2 * t * all + bins) / (2 * bins))).copied().collect(),
    }
}

#[derive(Debug)]
struct PiecewiseLinear {
    name: String,
    linear: NumericTokens,
    /// `[n, 1, T]`: where bins begin.
    begins: Tensor,
    /// `[n, 1, T]`: 1 / width; 0 where a field has no such bin.
    per_width: Tensor,
    /// `[n, T, d]`.
    v: Tensor,
}

impl PiecewiseLinear {
    fn new(scope: &mut Scope<'_>, edges: &[Vec<f32>], d: i64) -> Result<Self> {
        let n = edges.len() as i64;
        let bins = edges.iter().map(|edges| edges.len().saturating_sub(1)).max().unwrap_or(0).max(1);
        let (mut begins, mut per_width) = (vec![0.0f64; edges.len() * bins], vec![0.0f64; edges.len() * bins]);
        for (field, edges) in edges.iter().enumerate() {
            for (t, pair) in edges.windows(2).enumerate() {
                let (begin, end) = (f64::from(pair[0]), f64::from(pair[1]));
                begins[field * bins + t] = begin;
                per_width[field * bins + t] = 1.0 / (end - begin);
            }
        }
        let linear = NumericTokens::new(scope, n, d)?;
        let mut place = scope.sub("bins");
        let v = place.param("weight", &[n, bins as i64, d], Init::Zeros)?;
        let (name, kind, device) = (place.name().to_owned(), place.kind(), place.device());
        let constant = |values: &[f64]| {
            let tensor = Tensor::f_from_slice(values).and_then(|t| t.f_view([n, 1, bins as i64]));
            tensor.and_then(|t| t.f_to_device_(device, kind, false, true)).op(name.as_str())
        };
        Ok(Self { begins: constant(&begins)?, per_width: constant(&per_width)?, name, linear, v })
    }

    /// How far each number has come through each bin: `[n, b, 1]` to `[n, b, T]`.
    fn encode(&self, xs: &Tensor) -> Result<Tensor> {
        // Subtracted first: `x / width - begin / width` would lose the digits of a narrow bin far from 0.
        let from_begin = xs.f_sub(&self.begins).op(self.name.as_str())?;
        let parts = from_begin.f_mul(&self.per_width).op(self.name.as_str())?;
        parts.f_clamp(0.0, 1.0).op(self.name.as_str())
    }
}

impl NumbersToTokens for PiecewiseLinear {
    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let xs = by_field(&self.name, xs)?;
        let encoded = self.encode(&xs)?; // [n, b, T]
        let tokens = self.linear.by_field(&xs)?.f_baddbmm(&encoded, &self.v, 1.0, 1.0).op(self.name.as_str())?; // [n, b, d]
        let tokens_of_samples = by_sample(&self.name, &tokens)?;
        cx.record(|| TapeEntry {
            layer: self.name.clone(),
            multiply_adds: u64::try_from(encoded.numel() as i64 * self.v.size().last().unwrap_or(&0)).unwrap_or(0),
            product: Product::Experts { weight: self.v.shallow_clone(), bias: None },
            input: encoded,
            output: tokens,
        });
        Ok(tokens_of_samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mode::Mode, params::ParamSet};
    use tch::{Device, Kind};

    fn layer(params: &mut ParamSet, edges: &[&[f32]]) -> PiecewiseLinear {
        let edges: Vec<Vec<f32>> = edges.iter().map(|edges| edges.to_vec()).collect();
        PiecewiseLinear::new(&mut params.root().sub("numeric"), &edges, 2).unwrap()
    }

    #[test]
    fn by_hand() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
        let layer = layer(&mut params, &[&[-1.0, 0.0, 2.0], &[5.0], &[0.0, 1.0]]);
        let xs = Tensor::from_slice(&[0.5, 5.0, -3.0, -0.25, 9.0, 0.75]).view([2, 3]);
        let encoded = layer.encode(&by_field("", &xs).unwrap()).unwrap(); // [3, 2, 2]
        let expected = [[1.0, 0.25, 0.75, 0.0], [0.0; 4], [0.0, 0.0, 0.75, 0.0]].concat();
        assert_eq!(Vec::<f64>::try_from(encoded.flatten(0, -1)).unwrap(), expected);
        let weight = |name: &str| params.get(&format!("numeric.{name}")).unwrap().tensor().shallow_clone();
        let _guard = tch::no_grad_guard();
        let _ = weight("bins.weight").normal_(0.0, 1.0);
        let cx = Cx::new(Mode::Eval).with_tape();
        let tokens = layer.forward(&xs, &cx).unwrap();
        let bend = |bin: i64| weight("bins.weight").get(0).get(bin);
        let by_hand: Tensor = weight("weight").get(0) * 0.5 + weight("bias").get(0) + bend(0) + bend(1) * 0.25;
        assert!((tokens.get(0).get(0) - by_hand).abs().max().double_value(&[]) < 1e-14);
        let tape = cx.take_tape();
        assert_eq!((tape.0.len(), tape.multiply_adds(), tape.0[0].layer.as_str()), (1, 3 * 2 * 2 * 2, "numeric.bins"));
    }

    #[test]
    fn fewer_bins_are_taken_in_even_steps() {
        let edges: Vec<f32> = (0..=48u8).map(f32::from).collect();
        assert_eq!(some_of(&edges, 4), [0.0, 12.0, 24.0, 36.0, 48.0]);
        assert_eq!(some_of(&edges, 1), [0.0, 48.0]);
        assert_eq!(some_of(&edges, 48), edges);
        assert_eq!(some_of(&edges[..3], 48), [0.0, 1.0, 2.0]);
        assert_eq!(some_of(&edges, 5), [0.0, 10.0, 19.0, 29.0, 38.0, 48.0]);
        assert!(some_of(&[], 4).is_empty());
    }

    #[test]
    fn a_narrow_bin_far_from_zero_keeps_its_digits() {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
        let (begin, end) = (3.0f32, 3.000_001_f32);
        let layer = layer(&mut params, &[&[begin, end]]);
        let middle = begin + (end - begin) / 2.0;
        let encoded = layer.encode(&Tensor::from_slice(&[middle]).view([1, 1, 1])).unwrap();
        let expected = (middle - begin) / (end - begin);
        assert!((encoded.double_value(&[0, 0, 0]) - f64::from(expected)).abs() < 1e-6);
    }
}
