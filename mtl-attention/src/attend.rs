//! Scaled dot-product attention, on libtorch's fused kernel or step by step.
//!
//! ```text
//! a = softmax(q k^T / sqrt(d) + mask)       [b, h, t, s]
//! o = a v                                   [b, h, t, dv]
//! ```
//! The fused path never writes `a` down: less memory, faster from about a hundred keys on. The explicit path does, and
//! is taken when the fused one cannot do what is wanted or would be slower; [`explain_backend`] says which and why, in
//! words. On both paths a query without any visible key gives 0 and passes no gradient.
//!
//! **Shapes** `q`: `[b, h, t, d]`, `k`: `[b, h, s, d]`, `v`: `[b, h, s, dv]`.
//!
//! **Reference** Vaswani et al., "Attention Is All You Need", NeurIPS 2017; Dao et al., "FlashAttention", NeurIPS 2022.
//!
//! **Differs from** libtorch's operation: masks come from [`AttnMask`] alone; scores of half kinds are kept in `Float`
//! on the explicit path; no dropout on the weights (it costs the fused path on CPU). The fused path has no second
//! derivative on CPU: methods that need one ask for [`AttnBackend::Explicit`].

use mtl_core::{Error, Result, TorchContext};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::mask::AttnMask;

/// Which way attention is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttnBackend {
    /// Fused unless there is a reason against it.
    #[default]
    Auto,
    /// libtorch's fused operation, whatever kernel it picks itself. Weights, when asked for, are computed beside it.
    Fused,
    /// Step by step: has second derivatives.
    Explicit,
}

/// The way that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttnPath {
    /// libtorch's `scaled_dot_product_attention`.
    Fused,
    /// Product, softmax, product.
    Explicit,
}

/// A way and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendChoice {
    /// The way.
    pub path: AttnPath,
    /// Why, in words: `bf16 is slower fused on this device`.
    pub reason: &'static str,
}

/// How to compute attention, apart from the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AttnOptions {
    /// The way to compute it.
    pub backend: AttnBackend,
    /// The factor of the scores; `1 / sqrt(d)` unless given.
    pub scale: Option<f64>,
    /// Whether the weights are wanted too.
    pub weights: bool,
}

/// The result of [`attend`].
#[derive(Debug)]
pub struct Attended {
    /// `[b, h, t, dv]`.
    pub out: Tensor,
    /// `[b, h, t, s]`, detached, when asked for. Rows sum to 1, or 0 where a query sees no key.
    pub weights: Option<Tensor>,
}

/// Says which way [`attend`] takes for such tensors, and why.
#[must_use]
pub fn explain_backend(q: &Tensor, k: &Tensor, v: &Tensor, mask: &AttnMask, options: &AttnOptions) -> BackendChoice {
    let explicit = |reason| BackendChoice { path: AttnPath::Explicit, reason };
    let fused = |reason| BackendChoice { path: AttnPath::Fused, reason };
    let last = |t: &Tensor| t.size().last().copied();
    let strided = |t: &Tensor| t.stride().last().is_some_and(|&s| s != 1);
    match options.backend {
        AttnBackend::Fused => return fused("asked for"),
        AttnBackend::Explicit => return explicit("asked for"),
        AttnBackend::Auto => {}
    }
    if options.weights {
        explicit("the weights are wanted, and the fused kernel does not give them")
    } else if mask.is_learned() {
        explicit("the bias is learned, and the fused kernel has no gradient for it")
    } else if last(q) != last(v) {
        explicit("values are not as wide as queries, and the fused kernel wants them to be")
    } else if q.device() == Device::Cpu && matches!(q.kind(), Kind::Half | Kind::BFloat16) {
        explicit("half kinds are slower fused on a CPU")
    } else if [q, k, v].into_iter().any(strided) {
        explicit("the last axis is not contiguous, and the fused kernel wants it to be")
    } else if q.device() == Device::Cpu && q.size().get(2).is_some_and(|&t| t < FEW_QUERIES) {
        explicit("there are too few queries to repay the fused kernel's set-up on a CPU")
    } else {
        fused("nothing speaks against it")
    }
}

/// Below so many queries per head the fused CPU kernel, which works in blocks of queries, is not faster.
const FEW_QUERIES: i64 = 16;

/// Computes attention.
///
/// # Shapes
/// `q`: `[b, h, t, d]`, `k`: `[b, h, s, d]`, `v`: `[b, h, s, dv]`; result `[b, h, t, dv]`.
///
/// # Errors
/// [`Error::Shape`] when the tensors or the mask do not fit together; [`Error::Torch`] when libtorch refuses.
pub fn attend(q: &Tensor, k: &Tensor, v: &Tensor, mask: &AttnMask, options: &AttnOptions) -> Result<Attended> {
    let (b, t, s) = check(q, k, v)?;
    mask.check(b, t, s)?;
    match explain_backend(q, k, v, mask, options).path {
        AttnPath::Fused => {
            let weights = match options.weights {
                true => {
                    let _guard = tch::no_grad_guard();
                    Some(weights(q, k, mask, options.scale)?)
                }
                false => None,
            };
            Ok(Attended { out: fused(q, k, v, mask, options.scale)?, weights })
        }
        AttnPath::Explicit => {
            let weights = weights(q, k, mask, options.scale)?; // [b, h, t, s]
            let out = weights.f_to_kind(v.kind()).and_then(|w| w.f_matmul(v)).op("attention")?; // [b, h, t, dv]
            Ok(Attended { out, weights: options.weights.then(|| weights.detach()) })
        }
    }
}

fn fused(q: &Tensor, k: &Tensor, v: &Tensor, mask: &AttnMask, scale: Option<f64>) -> Result<Tensor> {
    let (t, s) = (q.size()[2], k.size()[2]);
    let causal = mask.is_plain_causal(t, s);
    let additive = if causal { None } else { mask.additive(t, s, q.kind(), q.device())? };
    Tensor::f_scaled_dot_product_attention(q, k, v, additive, 0.0, causal, scale, false).op("fused attention")
}

/// `softmax(q k^T scale + mask)` over the keys, at least in `Float`; rows without visible key are 0.
fn weights(q: &Tensor, k: &Tensor, mask: &AttnMask, scale: Option<f64>) -> Result<Tensor> {
    let (t, s) = (q.size()[2], k.size()[2]);
    let kind = match q.kind() {
        Kind::Half | Kind::BFloat16 => Kind::Float,
        kind => kind,
    };
    #[expect(clippy::cast_precision_loss, reason = "widths are far below 2^52")]
    let scale = scale.unwrap_or_else(|| 1.0 / (q.size()[3].max(1) as f64).sqrt());
    let q = q.f_to_kind(kind).and_then(|q| q.f_mul_scalar(scale)).op("attention")?;
    let kt = k.f_to_kind(kind).and_then(|k| k.f_transpose(-2, -1)).op("attention")?; // [b, h, d, s]
    let mut scores = q.f_matmul(&kt).op("attention scores")?; // [b, h, t, s]
    if let Some(additive) = mask.additive(t, s, kind, q.device())? {
        scores = scores.f_add(&additive).op("attention mask")?;
    }
    if mask.may_empty_rows(t, s) {
        scores.f_internal_safe_softmax(-1, None::<Kind>).op("attention")
    } else {
        scores.f_softmax(-1, None::<Kind>).op("attention")
    }
}

/// Checks the tensors against each other and gives `(b, t, s)`.
fn check(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<(i64, i64, i64)> {
    let refuse = |tensor, expected: String, found: &Tensor| {
        Err(Error::Shape { op: "attention".into(), tensor, expected, found: found.size() })
    };
    let [b, h, t, d] = q.size()[..] else { return refuse("q", "[b, h, t, d]".into(), q) };
    let s = k.size().get(2).copied().unwrap_or(0);
    if k.size() != [b, h, s, d] {
        return refuse("k", format!("[{b}, {h}, s, {d}]"), k);
    }
    match v.size()[..] {
        [vb, vh, vs, _] if (vb, vh, vs) == (b, h, s) => Ok((b, t, s)),
        _ => refuse("v", format!("[{b}, {h}, {s}, dv]"), v),
    }
}
