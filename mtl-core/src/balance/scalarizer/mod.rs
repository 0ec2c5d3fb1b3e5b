//! Methods that look at losses only: one backward pass of the weighted sum per step.

mod cosmos;
mod dtp;
mod dwa;
mod equal;
mod famo;
mod fixed;
mod gls;
mod go4align;
mod imtl_l;
mod lbtw;
mod ldc_mtl;
mod log;
mod loss_norm;
mod pbi;
mod rlw;
mod softmax;
mod stch;
mod uncertainty;

pub use cosmos::{Cosmos, CosmosConfig};
pub use dtp::{Dtp, DtpConfig};
pub use dwa::{Dwa, DwaConfig};
pub use equal::{Equal, EqualConfig, Reduction};
pub use famo::{Famo, FamoConfig};
pub use fixed::{Fixed, FixedConfig};
pub use gls::{Gls, GlsConfig};
pub use go4align::{Go4Align, Go4AlignConfig};
pub use imtl_l::{ImtlL, ImtlLConfig};
pub use lbtw::{Lbtw, LbtwConfig};
pub use ldc_mtl::{LdcMtl, LdcMtlConfig};
pub use log::{LogLosses, LogLossesConfig};
pub use loss_norm::{LossNorm, LossNormConfig};
pub use pbi::{Pbi, PbiConfig};
pub use rlw::{Rlw, RlwConfig};
pub use stch::{Stch, StchConfig, StchForm};
pub use uncertainty::{Uncertainty, UncertaintyConfig, UncertaintyForm, UncertaintyPenalty};
