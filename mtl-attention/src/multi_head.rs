//! Multi-head attention.
//!
//! ```text
//! head_j = attend(x W_q^j, m W_k^j, m W_v^j)          j = 1..h, each of width inner / h
//! y      = [head_1 .. head_h] W_o                      [b, t, width]
//! ```
//! `x` the queries' tokens, `m` the memory they look at; with `m = x` it is self-attention. All four projections are
//! [`Linear`] layers of the core, so they are named (`q.weight`, ...) and recorded like any other.
//!
//! **Shapes** `x`: `[b, t, width]`, `m`: `[b, s, memory_width]`; result `[b, t, width]`.
//!
//! **Reference** Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
//!
//! **Differs from** PyTorch's `MultiheadAttention`: three separate input projections instead of a packed one; uniform
//! initial values in `+-1/sqrt(inputs)` for all four instead of Xavier and zero biases; no dropout on the weights;
//! padding travels with the tokens; a fully padded row gives the output bias instead of NaN.

use mtl_core::{
    Error, Result, TorchContext,
    context::{AttnTrace, Cx},
    features::Tokens,
    nn::Linear,
    params::Scope,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    attend::{AttnBackend, AttnOptions, attend},
    mask::AttnMask,
};

/// Settings of [`MultiHead`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultiHeadConfig {
    /// Width of the queries' tokens and of the result, >= 1; default 64.
    #[schemars(range(min = 1))]
    pub width: i64,
    /// Width of the memory's tokens, >= 1; the same as `width` unless given.
    #[schemars(range(min = 1))]
    pub memory_width: Option<i64>,
    /// Width of all heads together, divisible by `heads`; the same as `width` unless given.
    pub inner: Option<i64>,
    /// Number of heads, >= 1; default 4.
    #[schemars(range(min = 1))]
    pub heads: i64,
    /// Whether the projections have biases; default true.
    pub bias: bool,
    /// The way to compute it; default `auto`.
    pub backend: AttnBackend,
}

impl Default for MultiHeadConfig {
    fn default() -> Self {
        Self { width: 64, memory_width: None, inner: None, heads: 4, bias: true, backend: AttnBackend::Auto }
    }
}

/// The module.
#[derive(Debug)]
pub struct MultiHead {
    name: String,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: i64,
    backend: AttnBackend,
}

impl MultiHead {
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1 or heads that do not divide the inner width.
    pub fn new(scope: &mut Scope<'_>, config: &MultiHeadConfig) -> Result<Self> {
        let inner = config.inner.unwrap_or(config.width);
        if config.heads < 1 || inner % config.heads != 0 {
            return Err(Error::InvalidConfig {
                what: "multi-head attention",
                field: "heads",
                expected: format!(">= 1 and a divisor of the inner width {inner}"),
                found: config.heads.to_string(),
            });
        }
        let memory_width = config.memory_width.unwrap_or(config.width);
        let mut linear = |name: &str, inputs, outputs| match config.bias {
            true => Linear::new(&mut scope.sub(name), inputs, outputs),
            false => Linear::without_bias(&mut scope.sub(name), inputs, outputs),
        };
        let q = linear("q", config.width, inner)?;
        let k = linear("k", memory_width, inner)?;
        let v = linear("v", memory_width, inner)?;
        let out = linear("out", inner, config.width)?;
        Ok(Self { name: scope.name().to_owned(), q, k, v, out, heads: config.heads, backend: config.backend })
    }

    /// Lets every token of `xs` look at the tokens of `memory`; with `memory = xs` it is self-attention. The memory's
    /// padding is added to `mask`. The map is kept when the context wants maps.
    ///
    /// # Shapes
    /// `xs.xs`: `[b, t, width]`, `memory.xs`: `[b, s, memory_width]`; result `[b, t, width]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when widths, batches or masks do not fit.
    pub fn forward(&self, xs: &Tokens, memory: &Tokens, mask: AttnMask, cx: &Cx) -> Result<Tensor> {
        let mask = match &memory.pad_mask {
            Some(pad_mask) => mask.and_padding(pad_mask)?,
            None => mask,
        };
        let q = self.split(&self.q.forward(&xs.xs, cx)?)?; // [b, h, t, d]
        let k = self.split(&self.k.forward(&memory.xs, cx)?)?; // [b, h, s, d]
        let v = self.split(&self.v.forward(&memory.xs, cx)?)?; // [b, h, s, d]
        let options = AttnOptions { backend: self.backend, scale: None, weights: cx.wants_traces() };
        let attended = attend(&q, &k, &v, &mask, &options)?;
        if let Some(weights) = attended.weights {
            let names = |tokens: &Tokens| tokens.names.as_deref().unwrap_or_default().to_vec();
            cx.trace(|| AttnTrace { site: self.name.clone(), queries: names(xs), keys: names(memory), weights });
        }
        let joined = attended.out.f_transpose(1, 2).and_then(|o| o.f_flatten(2, 3)); // [b, t, inner]
        self.out.forward(&joined.op(self.name.as_str())?, cx)
    }

    /// `[b, l, inner] -> [b, h, l, inner / h]`.
    fn split(&self, xs: &Tensor) -> Result<Tensor> {
        let [b, l, inner] = xs.size()[..] else {
            return Err(Error::Shape {
                op: self.name.clone(),
                tensor: "tokens",
                expected: "[b, l, d]".into(),
                found: xs.size(),
            });
        };
        xs.f_view([b, l, self.heads, inner / self.heads]).and_then(|x| x.f_transpose(1, 2)).op(self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{mode::Mode, params::ParamSet};
    use tch::{Device, Kind};

    #[test]
    fn sizes_are_checked_and_names_are_fixed() {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let config = MultiHeadConfig { width: 6, heads: 4, ..Default::default() };
        let e = MultiHead::new(&mut params.root().sub("bad"), &config).unwrap_err().to_string();
        assert_eq!(e, "multi-head attention: heads must be >= 1 and a divisor of the inner width 6, found 4");
        assert!(MultiHead::new(&mut params.root(), &MultiHeadConfig { heads: 0, ..config.clone() }).is_err());

        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let config = MultiHeadConfig { memory_width: Some(3), inner: Some(8), ..config };
        MultiHead::new(&mut params.root().sub("attn"), &config).unwrap();
        let names: Vec<_> = params.params().iter().map(|p| format!("{} {:?}", p.name(), p.tensor().size())).collect();
        assert_eq!(
            names,
            [
                "attn.q.weight [8, 6]",
                "attn.q.bias [8]",
                "attn.k.weight [8, 3]",
                "attn.k.bias [8]",
                "attn.v.weight [8, 3]",
                "attn.v.bias [8]",
                "attn.out.weight [6, 8]",
                "attn.out.bias [6]",
            ]
        );
        assert!(toml::from_str::<MultiHeadConfig>("head = 3").is_err());
    }

    #[test]
    fn maps_and_products_are_recorded_when_wanted() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let config = MultiHeadConfig { width: 4, heads: 2, bias: false, ..Default::default() };
        let module = MultiHead::new(&mut params.root().sub("attn"), &config).unwrap();
        let names = ["a", "b", "c"].map(str::to_owned);
        let xs = Tensor::ones([2, 3, 4], (Kind::Double, Device::Cpu));
        let tokens = Tokens { xs, pad_mask: None, names: Some(names.to_vec().into()) };
        let cx = Cx::new(Mode::Eval).with_traces().with_tape();
        let _ = module.forward(&tokens, &tokens, AttnMask::none(), &cx).unwrap();
        let traces = cx.take_traces();
        assert_eq!((traces.len(), traces[0].site.as_str(), &traces[0].keys[..]), (1, "attn", &names[..]));
        assert_eq!(traces[0].weights.size(), [2, 2, 3, 3]);
        assert!(!traces[0].weights.requires_grad());
        assert_eq!(cx.take_tape().multiply_adds(), 4 * 6 * 16);
        let flat = Tokens { xs: tokens.xs.view([6, 4]), pad_mask: None, names: None };
        assert!(module.forward(&flat, &tokens, AttnMask::none(), &cx).is_err());
    }
}
