//! Balancing methods of either kind under one name space: what `[balancer] kind = ".."` may say.

use mtl_core::{
    Result,
    balance::{AggregatorConfig, BalancerConfig, Method, scalarizer::EqualConfig},
    task::TaskSet,
};

use crate::parts::union::union;

union! {
    /// The settings of a balancing method.
    pub enum MethodConfig, what = "balancer" {
        /// One that weighs losses or gradients.
        Weights(BalancerConfig),
        /// One that makes a direction of the gradients.
        Direction(AggregatorConfig),
    }
}

impl MethodConfig {
    /// Makes the method for these tasks.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for a setting outside its range.
    pub fn build(&self, tasks: &TaskSet) -> Result<Method> {
        match self {
            Self::Weights(c) => c.build(tasks).map(Method::from),
            Self::Direction(c) => c.build(tasks).map(Method::from),
        }
    }
}

impl Default for MethodConfig {
    fn default() -> Self {
        Self::Weights(BalancerConfig::Equal(EqualConfig::default()))
    }
}

impl From<BalancerConfig> for MethodConfig {
    fn from(config: BalancerConfig) -> Self {
        Self::Weights(config)
    }
}
