//! Parts of runs by name: what all crates register, and what a crate of somebody's own adds to what configuration files can name.
//!
//! [`architecture`], [`encoder`] and [`method`] join the lists of several crates; [`metrics`] are the names of this process.
//!
//! ```text
//! Parts::ours().head::<PoissonConfig>("poisson", "counts: Poisson deviance")
//!     --> [[task]] head = { kind = "poisson", hidden = [32] }        read, checked with carets, written into the run's folder
//!     --> mtl list heads, mtl list keys                              from the type's name, documentation and defaults
//! ```
//! | kind of part | its settings implement | gives |
//! |---|---|---|
//! | head | [`HeadPart`] | a [`Head`](mtl_heads::Head) |
//! | encoder | [`EncoderPart`] | an [`Encoder`](mtl_core::encode::Encoder) |
//! | sharing architecture | [`SharingPart`] | a [`Sharing`](mtl_core::share::Sharing) |
//! | balancer | [`BalancerPart`] | a [`Balancer`](mtl_core::balance::Balancer) |
//! | data set | [`DatasetPart`] | [`Splits`](mtl_data::Splits) |
//!
//! These are named in configurations. What the data say, and files remember, is known by its type:
//!
//! | kind of part | a type that implements | comes with |
//! |---|---|---|
//! | kind of answer | [`CustomAnswer`] | the [`Answer::Custom`](mtl_core::answer::Answer) of a data set's task |
//! | modality | [`CustomModality`] | the [`Modality::Custom`](mtl_core::input::Modality) of a data set's input |
//! | preprocessing | [`CustomPreprocessing`] | the [`Splits::preprocessing`](mtl_data::Splits) of a data set |
//! | metric | [`Metric`](mtl_metrics::Metric) | the metrics of a head, and wherever a metric is named |
//!
//! Settings are a serde type with [`Default`] and [`JsonSchema`], as ours are: names and documentation comments of its fields are
//! what users read, and `#[serde(default, deny_unknown_fields)]` makes a misspelt key an error with a caret.
//!
//! Registration holds for the process (see [`mtl_core::registry::Outside`]); a library user who reads configurations without the
//! program calls [`Parts::into_result`] first.

pub mod architecture;
pub mod encoder;
pub mod method;
pub mod metrics;
pub mod per_source;
mod union;

use mtl_core::{
    answer::{self, CustomAnswer},
    balance::{BalancerConfig, BalancerPart},
    encode::{EncoderConfig, EncoderPart},
    input::{self, CustomModality},
    metric::{MetricFacts, Settings as MetricSettings},
    share::{SharingConfig, SharingPart},
};
use mtl_data::{
    DatasetConfig, DatasetPart,
    preprocess::{self, CustomPreprocessing},
};
use mtl_heads::{HeadConfig, HeadPart};
use mtl_metrics::AnyMetric;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// What a settings type must be beside implementing its part: readable, writable, documented, with defaults.
pub trait Settings: Default + Serialize + DeserializeOwned + JsonSchema + 'static {}

impl<C: Default + Serialize + DeserializeOwned + JsonSchema + 'static> Settings for C {}

/// The parts that a program offers: ours, and those that it adds.
#[derive(Debug, Default)]
pub struct Parts {
    /// The first name that was taken.
    refused: Option<Error>,
}

impl Parts {
    /// Those of the workspace.
    #[must_use]
    pub fn ours() -> Self {
        Self::default()
    }

    /// And a head, by its name in configuration files and one line for `mtl list heads`.
    #[must_use]
    pub fn head<C: HeadPart + Settings>(self, name: &'static str, about: &'static str) -> Self {
        self.and(HeadConfig::register::<C>(name, about))
    }

    /// And an encoder.
    #[must_use]
    pub fn encoder<C: EncoderPart + Settings>(self, name: &'static str, about: &'static str) -> Self {
        self.and(EncoderConfig::register::<C>(name, about))
    }

    /// And a sharing architecture.
    #[must_use]
    pub fn sharing<C: SharingPart + Settings>(self, name: &'static str, about: &'static str) -> Self {
        self.and(SharingConfig::register::<C>(name, about))
    }

    /// And a balancing method.
    #[must_use]
    pub fn balancer<C: BalancerPart + Settings>(self, name: &'static str, about: &'static str) -> Self {
        self.and(BalancerConfig::register::<C>(name, about))
    }

    /// And a data set.
    #[must_use]
    pub fn dataset<C: DatasetPart + Settings>(self, name: &'static str, about: &'static str) -> Self {
        let places = || -> mtl_core::Result<()> {
            let settings = DatasetConfig::by_name(name)?;
            let DatasetConfig::Outside(part) = &settings else { return Ok(()) };
            // Else a run would take another folder for other settings, and say so where nobody looks for it.
            part.places().iter().find(|key| !part.has(key)).map_or(Ok(()), |key| {
                Err(mtl_core::Error::InvalidConfig {
                    what: "data set",
                    field: "places",
                    expected: format!("settings of {name}"),
                    found: format!("{key:?}, which is none"),
                })
            })
        };
        let registered = DatasetConfig::register::<C>(name, about).and_then(|()| places());
        self.and(registered)
    }

    /// And a metric: what is known of it, and what makes one of the settings in its name.
    #[must_use]
    pub fn metric<B>(self, name: &'static str, facts: MetricFacts, build: B) -> Self
    where
        B: Fn(&MetricSettings) -> mtl_core::Result<Box<dyn AnyMetric>> + Send + Sync + 'static,
    {
        self.and(mtl_metrics::registry::register(name, facts, build))
    }

    /// And a kind of answer, by the name that it calls itself.
    #[must_use]
    pub fn answer<A: CustomAnswer + DeserializeOwned + 'static>(self, name: &'static str, about: &'static str) -> Self {
        self.and(answer::register::<A>(name, about))
    }

    /// And a modality, by the name that it calls itself.
    #[must_use]
    pub fn modality<M>(self, name: &'static str, about: &'static str) -> Self
    where
        M: CustomModality + DeserializeOwned + 'static,
    {
        self.and(input::register::<M>(name, about))
    }

    /// And how raw files become the inputs of a data set from outside, by the name that it calls itself.
    #[must_use]
    pub fn preprocessing<P: CustomPreprocessing + DeserializeOwned + 'static>(self, name: &'static str) -> Self {
        self.and(preprocess::register::<P>(name))
    }

    /// Whether all parts have names of their own.
    ///
    /// # Errors
    /// [`mtl_core::Error::Duplicate`] for the first that has not; what else is wrong with it.
    pub fn into_result(self) -> Result<()> {
        self.refused.map_or(Ok(()), Err)
    }

    fn and(mut self, registered: mtl_core::Result<()>) -> Self {
        if let Err(e) = registered {
            self.refused.get_or_insert(e.into());
        }
        self
    }
}
