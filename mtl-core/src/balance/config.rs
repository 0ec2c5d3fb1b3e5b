//! The list of methods: one line each.
//!
//! To add a method, write its file and add its line here; `tests/balancer_contract.rs` then asks which properties it
//! claims.

use super::{Balancer, scalarizer, weighting};
use crate::{error::Result, registry, task::TaskSet};

/// Makes the configuration enum from lines `Variant(config type => method type) = "name", "description";`.
macro_rules! balancers {
    ($( $variant:ident($config:ty => $method:ty) = $key:literal, $about:literal; )+) => {
        registry! {
            /// The settings of a balancer, as in config files: `kind = "upgrad"` and the method's own fields.
            pub enum BalancerConfig, what = "balancer" {
                $( $variant($config) = $key, $about; )+
            }
        }

        impl BalancerConfig {
            /// Makes the method for these tasks.
            ///
            /// # Errors
            /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
            pub fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Balancer>> {
                match self {
                    $( Self::$variant(config) => Ok(Box::new(<$method>::new(config, tasks)?)), )+
                }
            }
        }
    };
}

balancers! {
    Equal(scalarizer::EqualConfig => scalarizer::Equal) = "equal", "Every loss counts the same: sum or mean";
    Fixed(scalarizer::FixedConfig => scalarizer::Fixed) = "fixed", "Weights given by the user";
    Uncertainty(scalarizer::UncertaintyConfig => scalarizer::Uncertainty) = "uncertainty", "Learned noise variance of each task (Kendall et al. 2018)";
    PcGrad(weighting::PcGradConfig => weighting::PcGrad) = "pcgrad", "Projects away the conflicting part of other gradients (Yu et al. 2020)";
    Mgda(weighting::MgdaConfig => weighting::Mgda) = "mgda", "Shortest convex combination of the gradients (Desideri 2012)";
    UpGrad(weighting::UpGradConfig => weighting::UpGrad) = "upgrad", "Mean of the gradients projected onto the dual cone (Quinton, Rey 2024)";
}
