//! Which keys a query may see.
//!
//! libtorch's attention takes masks in four dialects with traps between them: a Bool mask means "may see" to the public
//! operation, adds 1 or 0 to the scores in the internal one; a causal flag beside a mask is multiplied in by one kernel
//! and refused by another; "causal" with fewer queries than keys is aligned to the first key, which is wrong for a
//! decoder with a cache. [`AttnMask`] is the only place of the crate that knows: it holds what is meant and makes what
//! the chosen path takes. No Bool mask and no flag beside a mask ever reach libtorch.
//!
//! ```text
//! score_ij += bias_ij;  hidden_ij = pad_j  or  j > i (+ s - t when aligned to the last key);  hidden: score_ij = -inf
//! ```
//! Sizes: `t` queries, `s` keys. A query that may see no key gets the output 0 and passes no gradient.

use mtl_core::{Error, Result, TorchContext};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Which query meets which key in a causal mask, when there are not as many queries as keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CausalAlign {
    /// The first query sees the first key only.
    First,
    /// The last query sees every key: a decoder whose earlier keys come from a cache.
    Last,
}

/// Which keys a query may see, and by how much scores are shifted. Parts add up: causal and padded and biased.
#[derive(Debug, Default)]
pub struct AttnMask {
    causal: Option<CausalAlign>,
    pad_mask: Option<Tensor>,
    bias: Option<Tensor>,
}

impl AttnMask {
    /// Every query sees every key.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A query sees no later key.
    #[must_use]
    pub fn causal(align: CausalAlign) -> Self {
        Self { causal: Some(align), ..Self::default() }
    }

    /// Adds padding: no query sees a key whose entry is true.
    ///
    /// # Shapes
    /// `pad_mask`: `[b, s]` of `Bool`.
    ///
    /// # Errors
    /// [`Error::Kind`] or [`Error::Shape`] for another tensor; [`Error::Torch`] when two paddings cannot be joined.
    pub fn and_padding(mut self, pad_mask: &Tensor) -> Result<Self> {
        if pad_mask.kind() != Kind::Bool {
            return Err(kind_error("pad_mask", "Bool", pad_mask));
        }
        if pad_mask.dim() != 2 {
            return Err(shape_error("pad_mask", "[b, s]".into(), pad_mask));
        }
        self.pad_mask = Some(match self.pad_mask {
            Some(other) => other.f_logical_or(pad_mask).op("attention mask")?,
            None => pad_mask.shallow_clone(),
        });
        Ok(self)
    }

    /// Adds a number to every score; `-inf` hides. The bias may be learned.
    ///
    /// # Shapes
    /// `bias`: `[.., t, s]`, at most four axes, the leading ones broadcast against `[b, h]`.
    ///
    /// # Errors
    /// [`Error::Kind`] or [`Error::Shape`] for another tensor; [`Error::Torch`] when two biases cannot be added.
    pub fn and_bias(mut self, bias: &Tensor) -> Result<Self> {
        if !bias.is_floating_point() {
            return Err(kind_error("bias", "a float kind", bias));
        }
        if !(2..=4).contains(&bias.dim()) {
            return Err(shape_error("bias", "[.., t, s] with 2 to 4 axes".into(), bias));
        }
        self.bias = Some(match self.bias {
            Some(other) => other.f_add(bias).op("attention mask")?,
            None => bias.shallow_clone(),
        });
        Ok(self)
    }

    /// Whether scores stay as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.causal.is_none() && self.pad_mask.is_none() && self.bias.is_none()
    }

    /// Whether gradients flow into the bias.
    pub(crate) fn is_learned(&self) -> bool {
        self.bias.as_ref().is_some_and(Tensor::requires_grad)
    }

    /// Whether the causal flag of libtorch alone says it all: aligned to the first key, nothing beside.
    pub(crate) fn is_plain_causal(&self, t: i64, s: i64) -> bool {
        let aligned = match self.causal {
            Some(CausalAlign::First) => true,
            Some(CausalAlign::Last) => t == s,
            None => false,
        };
        aligned && self.pad_mask.is_none() && self.bias.is_none()
    }

    /// Whether some query may be left without any key.
    pub(crate) fn may_empty_rows(&self, t: i64, s: i64) -> bool {
        self.pad_mask.is_some() || self.bias.is_some() || (self.causal == Some(CausalAlign::Last) && t > s)
    }

    /// Compares the parts with the sizes of the queries and keys at hand.
    pub(crate) fn check(&self, b: i64, t: i64, s: i64) -> Result<()> {
        if let Some(pad_mask) = &self.pad_mask
            && pad_mask.size() != [b, s]
        {
            return Err(shape_error("pad_mask", format!("[{b}, {s}]"), pad_mask));
        }
        if let Some(bias) = &self.bias
            && !bias.size().ends_with(&[t, s])
        {
            return Err(shape_error("bias", format!("[.., {t}, {s}]"), bias));
        }
        Ok(())
    }

    /// What is added to the scores: broadcasts to `[b, h, t, s]`; `None` when nothing is.
    pub(crate) fn additive(&self, t: i64, s: i64, kind: Kind, device: Device) -> Result<Option<Tensor>> {
        let causal = match self.causal {
            None => None,
            Some(align) => {
                let shift = if align == CausalAlign::Last { s - t } else { 0 };
                let later = Tensor::f_ones([t, s], (Kind::Bool, device)).and_then(|m| m.f_triu(1 + shift));
                Some(later.op("causal mask")?) // [t, s]
            }
        };
        let pad_mask = match &self.pad_mask {
            None => None,
            Some(m) => Some(m.f_unsqueeze(1).and_then(|m| m.f_unsqueeze(1)).op("padding mask")?), // [b, 1, 1, s]
        };
        let hidden = match (causal, pad_mask) {
            (Some(a), Some(b)) => Some(a.f_logical_or(&b).op("attention mask")?), // [b, 1, t, s]
            (a, b) => a.or(b),
        };
        let bias = self.bias.as_ref().map(|b| b.f_to_kind(kind)).transpose().op("attention bias")?;
        match (hidden, bias) {
            (None, bias) => Ok(bias),
            (Some(hidden), None) => {
                let zeros = Tensor::f_zeros(hidden.size(), (kind, device)).op("attention mask")?;
                Ok(Some(zeros.f_masked_fill(&hidden, f64::NEG_INFINITY).op("attention mask")?))
            }
            (Some(hidden), Some(bias)) => {
                Ok(Some(bias.f_masked_fill(&hidden, f64::NEG_INFINITY).op("attention mask")?))
            }
        }
    }
}

fn shape_error(tensor: &'static str, expected: String, found: &Tensor) -> Error {
    Error::Shape { op: "attention mask".into(), tensor, expected, found: found.size() }
}

fn kind_error(tensor: &'static str, expected: &'static str, found: &Tensor) -> Error {
    Error::Kind { op: "attention mask".into(), tensor, expected, found: format!("{:?}", found.kind()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: f64 = f64::NEG_INFINITY;

    fn additive(mask: &AttnMask, t: i64, s: i64) -> Vec<f64> {
        let additive = mask.additive(t, s, Kind::Double, Device::Cpu).unwrap().unwrap();
        Vec::<f64>::try_from(additive.flatten(0, -1)).unwrap()
    }

    #[test]
    fn causal_is_aligned_as_asked() {
        let first = AttnMask::causal(CausalAlign::First);
        assert_eq!(additive(&first, 2, 3), [0.0, HIDDEN, HIDDEN, 0.0, 0.0, HIDDEN]);
        let last = AttnMask::causal(CausalAlign::Last);
        assert_eq!(additive(&last, 2, 3), [0.0, 0.0, HIDDEN, 0.0, 0.0, 0.0]);
        assert!(first.is_plain_causal(2, 3) && !last.is_plain_causal(2, 3) && last.is_plain_causal(3, 3));
        assert!(!first.may_empty_rows(3, 2) && last.may_empty_rows(3, 2));
    }

    #[test]
    fn parts_add_up() {
        let pad_mask = Tensor::from_slice(&[false, true]).view([1, 2]);
        let bias = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0]).view([2, 2]);
        let mask = AttnMask::causal(CausalAlign::First).and_bias(&bias).unwrap();
        assert_eq!(additive(&mask, 2, 2), [1.0, HIDDEN, 3.0, 4.0]);
        let mask = mask.and_padding(&pad_mask).unwrap();
        assert_eq!(additive(&mask, 2, 2), [1.0, HIDDEN, 3.0, HIDDEN]);
        let mask = mask.and_padding(&pad_mask.logical_not()).unwrap().and_bias(&bias).unwrap();
        assert_eq!(additive(&mask, 2, 2), [HIDDEN; 4]);
        assert!(AttnMask::none().is_none());
        assert!(AttnMask::none().additive(2, 2, Kind::Float, Device::Cpu).unwrap().is_none());
    }

    #[test]
    fn a_mask_of_another_kind_is_refused() {
        let numbers = Tensor::zeros([2, 2], tch::kind::FLOAT_CPU);
        let e = AttnMask::none().and_padding(&numbers).unwrap_err().to_string();
        assert_eq!(e, "attention mask: pad_mask must be of kind Bool, found Float");
        assert!(AttnMask::none().and_bias(&numbers.to_kind(Kind::Bool)).is_err());
        assert!(AttnMask::none().and_padding(&numbers.to_kind(Kind::Bool).view([4])).is_err());
        assert!(AttnMask::none().and_bias(&numbers.view([4])).is_err());
    }
}
