//! Focal loss: rows that are answered well already count less.
//!
//! ```text
//! l'_i = a_y (1 - p_y)^g l_i,    p_y = exp(-l_i)          of one of several classes, or of each yes/no label
//! a_yes = alpha,  a_no = 1 - alpha                         where alpha is given
//! ```
//! `g = 0` is the loss itself. The factor is a part of the loss and is differentiated.
//!
//! **Reference** T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal Loss for Dense Object Detection", ICCV 2017: `g = 2`, `alpha = 0.25`.
//!
//! **Differs from** the paper, which divides by the number of foreground anchors: here by known labels, or what they weigh. `alpha` is nothing
//! but two class weights, so several classes have `class_weights` instead.

use mtl_core::{Error, Result, TorchContext};
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// `1 - p` below this is taken as this: a power below 1 has no slope at 0.
const SUREST: f64 = 1e-7;

/// Settings of focal loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// How much less a row counts that is answered well, >= 0; default 2.
    #[schemars(range(min = 0.0))]
    pub gamma: f64,
    /// The weight of yes, that of no being what is left of 1, in `(0, 1)`: for yes/no labels and two classes, of which the second is yes;
    /// default none.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: 2.0, alpha: None }
    }
}

impl Focal {
    /// Checks the settings for a head of so many classes.
    pub(crate) fn check(&self, what: &'static str, classes: usize) -> Result<()> {
        let refuse = |field, expected: &str, found: f64| {
            Err(Error::InvalidConfig { what, field, expected: expected.into(), found: found.to_string() })
        };
        if !(self.gamma >= 0.0 && self.gamma.is_finite()) {
            return refuse("focal.gamma", ">= 0", self.gamma);
        }
        match self.alpha {
            Some(alpha) if classes != 2 => {
                refuse("focal.alpha", "left out with more than two classes, whose weights are class_weights", alpha)
            }
            Some(alpha) if !(alpha > 0.0 && alpha < 1.0) => refuse("focal.alpha", "in (0, 1)", alpha),
            Some(_) | None => Ok(()),
        }
    }

    /// What `alpha` makes of the weights of no and yes.
    pub(crate) fn weigh(&self, no_yes: &mut [f64]) {
        if let (Some(alpha), [no, yes]) = (self.alpha, no_yes) {
            *no *= 1.0 - alpha;
            *yes *= alpha;
        }
    }

    /// The losses of samples, each the negative logarithm of a probability, dampened; of any shape.
    pub(crate) fn dampen(&self, losses: &Tensor) -> Result<Tensor> {
        let run = || {
            let wrong = losses.f_neg()?.f_expm1()?.f_neg()?.f_clamp_min(SUREST)?; // 1 - p
            wrong.f_pow_tensor_scalar(self.gamma)?.f_mul(losses)
        };
        run().op("focal loss")
    }
}
