//! In which kind a forward pass computes, beside the kind of the parameters.

use serde::{Deserialize, Serialize};
use tch::Device;

use crate::{error::Result, shim::Autocast};

/// The kind of products and convolutions in a forward pass. Parameters and their gradients are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Everything in the kind of the parameters.
    #[default]
    F32,
    /// Products and convolutions in bf16 ([`Autocast`]): about half the memory traffic, 8 bits of mantissa.
    Bf16,
}

impl Precision {
    /// Switches to this precision on `device` until the guard is dropped.
    ///
    /// # Errors
    /// As [`Autocast::bf16`].
    pub fn enter(self, device: Device) -> Result<Option<Autocast>> {
        match self {
            Self::F32 => Ok(None),
            Self::Bf16 => Autocast::bf16(device).map(Some),
        }
    }
}
