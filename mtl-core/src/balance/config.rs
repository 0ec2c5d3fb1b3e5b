//! The list of methods: one line each.
//!
//! To add a method, write its file and add its line here; `tests/balancer_contract.rs` then asks which properties it
//! claims.

use super::{Balancer, bilevel, scalarizer, stochastic, weighting, wrapper};
use crate::{error::Result, registry, task::TaskSet};

/// The settings of a method, ours or from outside: what [`BalancerConfig::register`] takes.
pub trait BalancerPart: std::fmt::Debug + Send + Sync {
    /// Makes the method for these tasks.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Balancer>>;
}

/// Makes the configuration enum from lines `Variant(config type => method type) = "name", "description";`.
macro_rules! balancers {
    ($( $variant:ident($config:ty => $method:ty) = $key:literal, $about:literal; )+) => {
        registry! {
            /// The settings of a balancer, as in config files: `kind = "upgrad"` and the method's own fields.
            pub enum BalancerConfig, what = "balancer", outside = BalancerPart {
                $( $variant($config) = $key, $about; )+
            }
        }

        impl BalancerConfig {
            /// Makes the method for these tasks.
            ///
            /// # Errors
            /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
            pub fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Balancer>> {
                self.part().build(tasks)
            }
        }

        $( impl BalancerPart for $config {
            fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Balancer>> {
                Ok(Box::new(<$method>::new(self, tasks)?))
            }
        } )+
    };
}

balancers! {
    Equal(scalarizer::EqualConfig => scalarizer::Equal) = "equal", "Every loss counts the same: sum or mean";
    Fixed(scalarizer::FixedConfig => scalarizer::Fixed) = "fixed", "Weights given by the user";
    Uncertainty(scalarizer::UncertaintyConfig => scalarizer::Uncertainty) = "uncertainty", "Learned noise variance of each task (Kendall et al. 2018)";
    Rlw(scalarizer::RlwConfig => scalarizer::Rlw) = "rlw", "Random weights in every step (Lin et al. 2022)";
    LogLosses(scalarizer::LogLossesConfig => scalarizer::LogLosses) = "log", "Sum of the logarithms of the losses: scale-invariant";
    Gls(scalarizer::GlsConfig => scalarizer::Gls) = "gls", "Geometric mean of the losses (Chennupati et al. 2019)";
    LossNorm(scalarizer::LossNormConfig => scalarizer::LossNorm) = "loss-norm", "Losses divided by their running means";
    Dwa(scalarizer::DwaConfig => scalarizer::Dwa) = "dwa", "More weight where epoch means fall slowly (Liu et al. 2019)";
    ImtlL(scalarizer::ImtlLConfig => scalarizer::ImtlL) = "imtl-l", "Learned scales that make all losses equal (Liu et al. 2021)";
    Stch(scalarizer::StchConfig => scalarizer::Stch) = "stch", "Smooth maximum of the losses (Lin et al. 2024)";
    Famo(scalarizer::FamoConfig => scalarizer::Famo) = "famo", "Equal relative decrease without task gradients (Liu et al. 2023)";
    Pbi(scalarizer::PbiConfig => scalarizer::Pbi) = "pbi", "Along a preferred ray, with a penalty for leaving it (Zhang, Li 2007)";
    Cosmos(scalarizer::CosmosConfig => scalarizer::Cosmos) = "cosmos", "Weighted sum drawn to a preferred ratio (Ruchte, Grabocka 2021)";
    Lbtw(scalarizer::LbtwConfig => scalarizer::Lbtw) = "lbtw", "Less weight for what has improved in the epoch (Liu et al. 2019)";
    Dtp(scalarizer::DtpConfig => scalarizer::Dtp) = "dtp", "Focal weights by validation metric (Guo et al. 2018)";
    Go4Align(scalarizer::Go4AlignConfig => scalarizer::Go4Align) = "go4align", "Group weights by similar risk (Shen et al. 2024)";
    LdcMtl(scalarizer::LdcMtlConfig => scalarizer::LdcMtl) = "ldc-mtl", "Learned weights that level neighboring losses (Xiao et al. 2025)";
    PcGrad(weighting::PcGradConfig => weighting::PcGrad) = "pcgrad", "Projects away the conflicting part of other gradients (Yu et al. 2020)";
    Mgda(weighting::MgdaConfig => weighting::Mgda) = "mgda", "Shortest convex combination of the gradients (Desideri 2012)";
    UpGrad(weighting::UpGradConfig => weighting::UpGrad) = "upgrad", "Mean of the gradients projected onto the dual cone (Quinton, Rey 2024)";
    DualProj(weighting::DualProjConfig => weighting::DualProj) = "dualproj", "Mean gradient projected onto the dual cone (Lopez-Paz, Ranzato 2017)";
    CaGrad(weighting::CaGradConfig => weighting::CaGrad) = "cagrad", "Best for the worst-off task within a ball around the mean (Liu et al. 2021)";
    ImtlG(weighting::ImtlGConfig => weighting::ImtlG) = "imtl-g", "Equal projections on all unit gradients (Liu et al. 2021)";
    NashMtl(weighting::NashMtlConfig => weighting::NashMtl) = "nash-mtl", "Nash bargaining solution (Navon et al. 2022)";
    FairGrad(weighting::FairGradConfig => weighting::FairGrad) = "fairgrad", "Alpha-fair descent (Ban, Ji 2024)";
    AlignedMtl(weighting::AlignedMtlConfig => weighting::AlignedMtl) = "aligned-mtl", "Nearest orthogonal gradients of equal length (Senushkin et al. 2023)";
    ConFig(weighting::ConFigConfig => weighting::ConFig) = "config", "Equal cosines to all gradients (Liu et al. 2025)";
    GradVac(weighting::GradVacConfig => weighting::GradVac) = "gradvac", "Turns gradients to the usual cosine of each pair (Wang et al. 2021)";
    GradNorm(weighting::GradNormConfig => weighting::GradNorm) = "gradnorm", "Learned weights for equal training rates (Chen et al. 2018)";
    MgdaUb(weighting::MgdaUbConfig => weighting::MgdaUb) = "mgda-ub", "MGDA on the shared representation (Sener, Koltun 2018)";
    GradOps(weighting::GradOpsConfig => weighting::GradOps) = "gradops", "Projects conflicting gradients off the span of the others (Zhu et al. 2025)";
    MetaBalance(weighting::MetaBalanceConfig => weighting::MetaBalance) = "metabalance", "Scales auxiliary gradients to the main one (He et al. 2022)";
    Krum(weighting::KrumConfig => weighting::Krum) = "krum", "Keeps the gradients nearest to the others (Blanchard et al. 2017)";
    SonGoku(weighting::SonGokuConfig => weighting::SonGoku) = "son-goku", "Conflicting tasks take turns (2025)";
    MoDo(stochastic::MoDoConfig => stochastic::MoDo) = "modo", "Min-norm weights by double sampling (Chen et al. 2023)";
    SdmGrad(stochastic::SdmGradConfig => stochastic::SdmGrad) = "sdmgrad", "Worst task near a preferred direction, unbiased (Xiao et al. 2023)";
    AutoLambda(bilevel::AutoLambdaConfig => bilevel::AutoLambda) = "auto-lambda", "Weights learned on held-out losses (Liu et al. 2022)";
    Moml(bilevel::MomlConfig => bilevel::Moml) = "moml", "Weights learned on all held-out losses by MGDA (Ye et al. 2021)";
    Forum(bilevel::ForumConfig => bilevel::Forum) = "forum", "Descends on held-out losses with training as a constraint (Ye et al. 2024)";
    CrMogm(wrapper::CrMogmConfig => wrapper::CrMogm) = "cr-mogm", "Running weights around a method (Zhou et al. 2022)";
    PerBlock(wrapper::PerBlockConfig => wrapper::PerBlock) = "per-block", "A copy of a method for every parameter block";
    Pipeline(wrapper::PipelineConfig => wrapper::Pipeline) = "pipeline", "Stages around a method: normalize, weigh, average, repeat, clip";
}
