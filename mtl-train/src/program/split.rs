//! Which samples a verb looks at.

use crate::run::session::Session;
use clap::ValueEnum;
use mtl_data::Loader;

/// Samples that were not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Split {
    Validation,
    Test,
}

impl Split {
    pub(super) fn loader(self, session: &Session) -> &Loader {
        match self {
            Self::Validation => &session.validation,
            Self::Test => session.test_loader(),
        }
    }
}
