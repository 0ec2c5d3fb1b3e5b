//! Which samples a verb looks at.

use clap::ValueEnum;
use mtl_data::Loader;
use mtl_train::session::Session;

/// Samples that were not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Split {
    Validation,
    Test,
}

impl Split {
    pub(crate) fn loader(self, session: &Session) -> &Loader {
        match self {
            Self::Validation => &session.validation,
            Self::Test => session.test_loader(),
        }
    }
}
