//! Methods that look at losses only: one backward pass of the weighted sum per step.

pub mod cosmos;
pub mod dtp;
pub mod dwa;
pub mod equal;
pub mod famo;
pub mod fixed;
pub mod gls;
pub mod go4align;
pub mod imtl_l;
pub mod lbtw;
pub mod ldc_mtl;
pub mod log;
pub mod loss_norm;
pub mod pbi;
pub mod rlw;
mod softmax;
pub mod stch;
pub mod uncertainty;

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
