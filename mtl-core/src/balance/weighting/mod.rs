//! Methods that look at the Gramian of the task gradients: one backward pass per task and step.

pub mod aligned_mtl;
pub mod cagrad;
pub mod con_fig;
pub mod dual_proj;
pub mod fairgrad;
pub mod gradnorm;
pub mod gradops;
pub mod gradvac;
pub mod imtl_g;
pub mod krum;
pub mod metabalance;
pub mod mgda;
pub mod mgda_ub;
pub mod nash_mtl;
pub mod pcgrad;
pub mod son_goku;
pub mod upgrad;

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
