//! The list of aggregators: one line each.

use super::Aggregator;
use crate::{error::Result, registry, task::TaskSet};

/// The settings of an aggregator.
pub trait AggregatorPart: std::fmt::Debug + Send + Sync {
    /// Makes the method for these tasks.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Aggregator>>;
}

/// Makes the configuration enum from lines `Variant(config type => method type) = "name", "description";`.
macro_rules! aggregators {
    ($( $variant:ident($config:ty => $method:ty) = $key:literal, $about:literal; )+) => {
        registry! {
            /// The settings of an aggregator, as in config files.
            pub enum AggregatorConfig, what = "aggregator", part = AggregatorPart {
                $( $variant($config) = $key, $about; )+
            }
        }

        impl AggregatorConfig {
            /// Makes the method for these tasks.
            ///
            /// # Errors
            /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
            pub fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Aggregator>> {
                self.part().build(tasks)
            }
        }

        $( impl AggregatorPart for $config {
            fn build(&self, tasks: &TaskSet) -> Result<Box<dyn Aggregator>> {
                Ok(Box::new(<$method>::new(self, tasks)?))
            }
        } )+
    };
}

aggregators! {
    GradDrop(super::GradDropConfig => super::GradDrop) = "graddrop", "Keeps one sign per coordinate, drawn by its share (Chen et al. 2020)";
    TrimmedMean(super::TrimmedMeanConfig => super::TrimmedMean) = "trimmed-mean", "Mean per coordinate without the extremes (Yin et al. 2018)";
    MoCo(super::MoCoConfig => super::MoCo) = "moco", "MGDA on running gradients (Fernando et al. 2023)";
    DbMtl(super::DbMtlConfig => super::DbMtl) = "db-mtl", "Running gradients of log-losses at equal length (Lin et al. 2023)";
    ExcessMtl(super::ExcessMtlConfig => super::ExcessMtl) = "excess-mtl", "Weights by estimated excess risk (He et al. 2024)";
}
