//! Parts from outside: what a crate of somebody's own adds to what configuration files can name.
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
//!
//! Settings are a serde type with [`Default`] and [`JsonSchema`], as ours are: names and documentation comments of its fields are
//! what users read, and `#[serde(default, deny_unknown_fields)]` makes a misspelt key an error with a caret.
//!
//! Registration holds for the process (see [`mtl_core::registry::Outside`]); a library user who reads configurations without the
//! program calls [`Parts::into_result`] first.

use mtl_core::{
    balance::{BalancerConfig, BalancerPart},
    encode::{EncoderConfig, EncoderPart},
    share::{SharingConfig, SharingPart},
};
use mtl_heads::{HeadConfig, HeadPart};
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

    /// Whether all parts have names of their own.
    ///
    /// # Errors
    /// [`mtl_core::Error::Duplicate`] for the first that has not.
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
