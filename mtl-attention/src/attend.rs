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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
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

/// Below so many queries per head the fused CPU kernel, which works in blocks of queries, is not faster: 16 queries over
/// 40 keys took 18.7 ms forward and backward, explicitly 13.8 (b = 1024, d = 32, f32, one thread, best of 25 runs).
const FEW_QUERIES: i64 = 32;

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

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use crate::mask::CausalAlign;
    use mtl_core::{
        rng::Rng,
        shim::{Graph, grad},
    };

    fn normal(seed: u64, shape: &[i64], kind: Kind) -> Tensor {
        let mut rng = Rng::new(seed);
        let n: i64 = shape.iter().product();
        let numbers: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        Tensor::from_slice(&numbers).view(shape).to_kind(kind).set_requires_grad(true)
    }

    fn with(backend: AttnBackend) -> AttnOptions {
        AttnOptions { backend, ..AttnOptions::default() }
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    fn pad_mask(b: i64, s: i64) -> Tensor {
        let hidden: Vec<bool> = (0..b * s).map(|i| i % s >= s - i / s).collect(); // sample i hides its last i keys
        Tensor::from_slice(&hidden).view([b, s])
    }

    /// Every mask that the type can express, for `t` queries and `s` keys.
    fn masks(b: i64, t: i64, s: i64) -> Vec<(&'static str, AttnMask)> {
        let pad = pad_mask(b, s);
        let bias = normal(9, &[2, t, s], Kind::Double).detach();
        vec![
            ("none", AttnMask::none()),
            ("causal first", AttnMask::causal(CausalAlign::First)),
            ("causal last", AttnMask::causal(CausalAlign::Last)),
            ("padding", AttnMask::none().and_padding(&pad).unwrap()),
            ("bias", AttnMask::none().and_bias(&bias).unwrap()),
            ("causal, padding, bias", {
                AttnMask::causal(CausalAlign::First).and_padding(&pad).unwrap().and_bias(&bias).unwrap()
            }),
        ]
    }

    #[test]
    fn both_paths_agree_forward_and_backward_under_every_mask() {
        for (kind, tolerance) in [(Kind::Float, 2e-6), (Kind::Double, 1e-13)] {
            for (t, s) in [(5, 5), (3, 6), (6, 4)] {
                for (name, mask) in masks(3, t, s) {
                    let (q, k, v) = (
                        normal(1, &[3, 2, t, 4], kind),
                        normal(2, &[3, 2, s, 4], kind),
                        normal(3, &[3, 2, s, 4], kind),
                    );
                    let cotangent = normal(4, &[3, 2, t, 4], kind).detach();
                    let run = |backend| {
                        let out = attend(&q, &k, &v, &mask, &with(backend)).unwrap().out;
                        let mut all = vec![out.shallow_clone()];
                        let grads = grad(&[&out], Some(&[cotangent.shallow_clone()]), &[&q, &k, &v], Graph::Free);
                        all.extend(grads.unwrap().into_iter().map(Option::unwrap));
                        all
                    };
                    for (a, b) in run(AttnBackend::Fused).iter().zip(&run(AttnBackend::Explicit)) {
                        assert!(distance(a, b) <= tolerance, "{name} {kind:?} [{t}, {s}]: {}", distance(a, b));
                    }
                }
            }
        }
    }

    #[test]
    fn a_query_without_any_key_gives_zero_and_a_finite_gradient_on_both_paths() {
        let pad = Tensor::from_slice(&[true, true, true, false, true, false]).view([2, 3]);
        for kind in [Kind::Float, Kind::Double] {
            for backend in [AttnBackend::Fused, AttnBackend::Explicit] {
                let [q, k, v] = [1, 2, 3].map(|seed| normal(seed, &[2, 1, 2, 4], kind));
                let (k, v) = (k.repeat([1, 1, 2, 1]).narrow(2, 0, 3), v.repeat([1, 1, 2, 1]).narrow(2, 0, 3));
                let mask = AttnMask::none().and_padding(&pad).unwrap();
                let options = AttnOptions { weights: true, ..with(backend) };
                let attended = attend(&q, &k, &v, &mask, &options).unwrap();
                assert_eq!(attended.out.get(0).abs().max().double_value(&[]), 0.0);
                let rows = attended.weights.unwrap().sum_dim_intlist(&[3i64][..], false, None::<Kind>).flatten(0, -1);
                let rows = Vec::<f64>::try_from(rows.to_kind(Kind::Double)).unwrap();
                assert!(rows[..2].iter().all(|&r| r == 0.0) && rows[2..].iter().all(|r| (r - 1.0).abs() < 1e-6));
                for g in grad(&[&attended.out], None, &[&q, &k, &v], Graph::Free).unwrap() {
                    assert_eq!(g.unwrap().isfinite().all().int64_value(&[]), 1, "{kind:?} {backend:?}");
                }
            }
        }
    }

    #[test]
    fn only_the_explicit_path_has_second_derivatives() {
        let [q, k, v] = [1, 2, 3].map(|seed| normal(seed, &[1, 1, 3, 4], Kind::Double));
        let second = |backend, mask: &AttnMask| {
            let out = attend(&q, &k, &v, mask, &with(backend)).unwrap().out;
            let first = grad(&[&out.square()], None, &[&q], Graph::Create)?.remove(0).unwrap();
            grad(&[&first.square()], None, &[&k], Graph::Free)
        };
        assert!(second(AttnBackend::Explicit, &AttnMask::none()).unwrap()[0].is_some());
        let padded = AttnMask::none().and_padding(&Tensor::from_slice(&[false, true, false]).view([1, 3])).unwrap();
        let through_safe_softmax = second(AttnBackend::Explicit, &padded).unwrap().remove(0).unwrap();
        assert_eq!(through_safe_softmax.isfinite().all().int64_value(&[]), 1);
        assert!(second(AttnBackend::Fused, &AttnMask::none()).is_err());
    }

    #[test]
    fn half_kinds_are_summed_in_f32() {
        let [q, k, v] = [1, 2, 3].map(|seed| normal(seed, &[2, 2, 7, 8], Kind::Float).detach());
        let exact = attend(&q, &k, &v, &AttnMask::none(), &with(AttnBackend::Explicit)).unwrap().out;
        let [q, k, v] = [q, k, v].map(|t| t.to_kind(Kind::BFloat16));
        let options = AttnOptions { weights: true, ..AttnOptions::default() };
        let half = attend(&q, &k, &v, &AttnMask::none(), &options).unwrap();
        assert_eq!((half.out.kind(), half.weights.unwrap().kind()), (Kind::BFloat16, Kind::Float));
        assert!(distance(&half.out.to_kind(Kind::Float), &exact) < 2e-2);
    }

    #[test]
    fn the_choice_is_explained() {
        let x = |t: i64, d: i64, kind| Tensor::zeros([1, 1, t, d], (kind, Device::Cpu));
        let long = x(64, 4, Kind::Float);
        let choose = |q: &Tensor, v: &Tensor, mask: &AttnMask, options: &AttnOptions| {
            let choice = explain_backend(q, q, v, mask, options);
            (choice.path, choice.reason)
        };
        let (none, auto) = (AttnMask::none(), AttnOptions::default());
        assert_eq!(choose(&long, &long, &none, &auto), (AttnPath::Fused, "nothing speaks against it"));
        let learned = Tensor::zeros([64, 64], tch::kind::FLOAT_CPU).set_requires_grad(true);
        let strided = x(4, 64, Kind::Float).transpose(2, 3);
        for (path, word) in [
            (choose(&long, &long, &none, &AttnOptions { weights: true, ..auto }), "weights"),
            (choose(&long, &long, &AttnMask::none().and_bias(&learned).unwrap(), &auto), "learned"),
            (choose(&long, &x(64, 5, Kind::Float), &none, &auto), "wide"),
            (choose(&x(64, 4, Kind::BFloat16), &x(64, 4, Kind::BFloat16), &none, &auto), "half"),
            (choose(&strided, &strided, &none, &auto), "contiguous"),
            (choose(&x(3, 4, Kind::Float), &x(3, 4, Kind::Float), &none, &auto), "few queries"),
            (choose(&long, &long, &none, &with(AttnBackend::Explicit)), "asked for"),
        ] {
            assert!(path.0 == AttnPath::Explicit && path.1.contains(word), "{path:?} {word}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = |shape: &[i64]| Tensor::zeros(shape, tch::kind::FLOAT_CPU);
        let refusal = |q: &[i64], k: &[i64], v: &[i64], mask: AttnMask| {
            attend(&x(q), &x(k), &x(v), &mask, &AttnOptions::default()).unwrap_err().to_string()
        };
        let good = [2, 1, 3, 4];
        let none = AttnMask::none;
        assert_eq!(refusal(&[2, 3, 4], &good, &good, none()), "attention: q must be [b, h, t, d], found [2, 3, 4]");
        assert!(refusal(&good, &[2, 1, 3, 5], &good, none()).contains("k must be [2, 1, s, 4]"));
        assert!(refusal(&good, &good, &[2, 1, 2, 4], none()).contains("v must be [2, 1, 3, dv]"));
        let short = Tensor::zeros([2, 2], (Kind::Bool, Device::Cpu));
        assert!(refusal(&good, &good, &good, none().and_padding(&short).unwrap()).contains("pad_mask must be [2, 3]"));
        assert!(
            refusal(&good, &good, &good, none().and_bias(&x(&[3, 2])).unwrap()).contains("bias must be [.., 3, 3]")
        );
    }

    #[test]
    fn libtorch_itself_still_adds_bool_masks_in_its_internal_operation() {
        // The trap that `AttnMask` keeps us out of; when this fails, libtorch has changed and the essay wants an update.
        let [q, k, v] = [1, 2, 3].map(|seed| normal(seed, &[1, 1, 3, 4], Kind::Double).detach());
        let keep = Tensor::from_slice(&[true, false, true]).view([1, 1, 1, 3]);
        let (internal, _) = Tensor::internal_scaled_dot_product_attention_math(
            &q,
            &k,
            &v,
            Some(&keep),
            0.0,
            false,
            None::<&Tensor>,
            None,
            false,
        );
        let mask = AttnMask::none().and_padding(&keep.logical_not().view([1, 3])).unwrap();
        let ours = attend(&q, &k, &v, &mask, &with(AttnBackend::Explicit)).unwrap().out;
        assert!(distance(&internal, &ours) > 1e-2);
        let public = Tensor::scaled_dot_product_attention(&q, &k, &v, Some(&keep), 0.0, false, None, false);
        assert!(distance(&public, &ours) < 1e-12);
    }
}
