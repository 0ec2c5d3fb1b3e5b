//! Methods that look at the Gramian of the task gradients: one backward pass per task and step.

mod aligned_mtl;
mod cagrad;
mod con_fig;
mod dual_proj;
mod fairgrad;
mod gradnorm;
mod gradops;
mod gradvac;
mod imtl_g;
mod krum;
mod metabalance;
mod mgda;
mod mgda_ub;
mod nash_mtl;
mod pcgrad;
mod son_goku;
mod upgrad;

pub use aligned_mtl::{AlignedMtl, AlignedMtlConfig, AlignedScale};
pub use cagrad::{CaGrad, CaGradConfig, CaGradRescale};
pub use con_fig::{ConFig, ConFigConfig};
pub use dual_proj::{DualProj, DualProjConfig};
pub use fairgrad::{FairGrad, FairGradConfig};
pub use gradnorm::{GradNorm, GradNormConfig};
pub use gradops::{GradOps, GradOpsConfig};
pub use gradvac::{GradVac, GradVacConfig};
pub use imtl_g::{ImtlG, ImtlGConfig};
pub use krum::{Krum, KrumConfig};
pub use metabalance::{MetaBalance, MetaBalanceConfig, MetaBalanceStrategy};
pub use mgda::{Mgda, MgdaConfig, MgdaNormalization};
pub use mgda_ub::{MgdaUb, MgdaUbConfig};
pub use nash_mtl::{NashMtl, NashMtlConfig};
pub use pcgrad::{PcGrad, PcGradConfig};
pub use son_goku::{SonGoku, SonGokuConfig};
pub use upgrad::{UpGrad, UpGradConfig};
